"""Cases of the ops of networks: how each is made, and on what it is tried, for every element type.

A case gives arrays of one element type and makes the op from values of their types.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from xdsl.dialects.builtin import IntegerType, Signedness, i8, i32

from weft.dialects import ml

Make = Callable[..., Any]


@dataclass(frozen=True)
class Case:
    """An op of a network, made by `make` from values of the types of `arrays(dtype)`."""

    name: str
    make: Make
    inputs: Callable[[np.random.Generator, np.dtype], Sequence[np.ndarray]]
    fixed: tuple[int, ...] = ()
    """Inputs whose sizes stay in their types."""

    def arrays(self, dtype: np.dtype) -> list[np.ndarray]:
        """The inputs, the same ones at each call."""
        rng = np.random.default_rng(sum(map(ord, self.name)))
        return [np.asarray(x) for x in self.inputs(rng, np.dtype(dtype))]


def floats(*shapes: Sequence[int]) -> Callable[[np.random.Generator, np.dtype], list[np.ndarray]]:
    """Inputs of normal distribution."""
    return lambda rng, dtype: [rng.standard_normal(shape).astype(dtype) for shape in shapes]


def holes(*shapes: Sequence[int]) -> Callable[[np.random.Generator, np.dtype], list[np.ndarray]]:
    """Inputs with NaN and infinities: the first one gets one of them in some of its lines."""

    def make(rng: np.random.Generator, dtype: np.dtype) -> list[np.ndarray]:
        first, *rest = (rng.standard_normal(shape).astype(dtype) for shape in shapes)
        for number, odd in enumerate((np.nan, np.inf, -np.inf)):
            first[number, ..., 0] = odd
        first[3] = -np.inf
        return [first, *rest]

    return make


NORMS = [
    Case("layer_norm plain", ml.LayerNormOp, floats((3, 5))),
    Case("layer_norm scale bias", partial(ml.LayerNormOp, axes=[2]), floats((2, 3, 7), (7,), (7,))),
    Case("layer_norm bias alone", lambda x, b: ml.LayerNormOp(x, None, b), floats((2, 17), (17,))),
    Case("layer_norm two axes", partial(ml.LayerNormOp, axes=[1, 2]), floats((2, 3, 4), (3, 4), (3, 4))),
    Case("layer_norm axes turned", partial(ml.LayerNormOp, axes=[2, 0]), floats((2, 3, 4), (4, 2), (4, 2))),
    Case("layer_norm first axis", partial(ml.LayerNormOp, axes=[0], epsilon=0.1), floats((5, 3), (5,))),
    Case("layer_norm one element", ml.LayerNormOp, floats((1, 1), (1,), (1,))),
    Case("layer_norm of no line", ml.LayerNormOp, floats((0, 4), (4,))),
    Case("layer_norm of empty lines", ml.LayerNormOp, floats((3, 0), (0,))),
    Case("layer_norm no axis", partial(ml.LayerNormOp, axes=[]), floats((3,))),
    Case("layer_norm holes", ml.LayerNormOp, holes((5, 6), (6,))),
    Case("rms_norm plain", ml.RmsNormOp, floats((3, 5))),
    Case("rms_norm scale", partial(ml.RmsNormOp, axes=[1, 2], epsilon=1e-3), floats((2, 3, 7), (3, 7))),
    Case("rms_norm empty", ml.RmsNormOp, floats((2, 0), (0,))),
    Case("rms_norm holes", ml.RmsNormOp, holes((5, 6), (6,))),
    Case("group_norm plain", partial(ml.GroupNormOp, groups=2), floats((2, 4, 3))),
    Case("group_norm instance", lambda x, *r: ml.GroupNormOp(x, 3, *r), floats((2, 3, 2, 3), (3,), (3,))),
    Case("group_norm last", lambda x, *r: ml.GroupNormOp(x, 2, *r, feature_index=3), floats((2, 2, 3, 6), (6,), (6,))),
    Case("group_norm no space", lambda x, *r: ml.GroupNormOp(x, 2, *r), floats((3, 6), (6,))),
    Case("group_norm no batch", lambda x, *r: ml.GroupNormOp(x, 2, *r), floats((0, 4, 3), (4,))),
    Case("group_norm no feature", lambda x, *r: ml.GroupNormOp(x, 2, *r), floats((2, 0, 3), (0,))),
    Case("group_norm empty space", partial(ml.GroupNormOp, groups=2), floats((2, 4, 0))),
    Case("group_norm holes", partial(ml.GroupNormOp, groups=1), holes((5, 2, 3))),
    Case("batch_norm", ml.BatchNormInferenceOp, lambda rng, dtype: _statistics(rng, dtype, (2, 3, 5), 1)),
    Case(
        "batch_norm last",
        partial(ml.BatchNormInferenceOp, feature_index=2, epsilon=1e-3),
        lambda rng, dtype: _statistics(rng, dtype, (2, 3, 7), 2),
    ),
    Case("batch_norm empty", ml.BatchNormInferenceOp, lambda rng, dtype: _statistics(rng, dtype, (2, 0), 1)),
]  # fmt: skip


def _statistics(rng: np.random.Generator, dtype: np.dtype, shape: Sequence[int], axis: int) -> list[np.ndarray]:
    arrays = [rng.standard_normal(s) for s in (shape, *[shape[axis]] * 4)]
    return [x.astype(dtype) for x in (*arrays[:4], arrays[4] ** 2 + 0.1)]


def labels(
    shape: Sequence[int], axis: int, label: type = np.int32
) -> Callable[[np.random.Generator, np.dtype], list[np.ndarray]]:
    """Logits, and integer labels of which some are no class."""

    def make(rng: np.random.Generator, dtype: np.dtype) -> list[np.ndarray]:
        lines = [n for i, n in enumerate(shape) if i != axis]
        numbers = rng.integers(-1, max(shape[axis], 1) + 1, lines).astype(label)
        return [(3 * rng.standard_normal(shape)).astype(dtype), numbers]

    return make


def shares(shape: Sequence[int]) -> Callable[[np.random.Generator, np.dtype], list[np.ndarray]]:
    """Logits, and probabilities of which one is 0 where the logit is -inf."""

    def make(rng: np.random.Generator, dtype: np.dtype) -> list[np.ndarray]:
        logits, weights = rng.standard_normal(shape), rng.random(shape)
        if logits.size:
            logits[..., 0], weights[..., 0] = -np.inf, 0
        return [logits.astype(dtype), (weights / weights.sum(-1, keepdims=True)).astype(dtype)]

    return make


LOSSES = [
    Case("log_softmax", ml.LogSoftmaxOp, floats((3, 17))),
    Case("log_softmax first", partial(ml.LogSoftmaxOp, axis=0), floats((5, 3))),
    Case("log_softmax middle", partial(ml.LogSoftmaxOp, axis=-2), floats((2, 3, 4))),
    Case("log_softmax great", ml.LogSoftmaxOp, lambda rng, dtype: [(1e4 * rng.standard_normal((3, 5))).astype(dtype)]),
    Case("log_softmax one", ml.LogSoftmaxOp, floats((1,))),
    Case("log_softmax empty", ml.LogSoftmaxOp, floats((2, 0))),
    Case("log_softmax holes", ml.LogSoftmaxOp, holes((5, 6))),
    Case("cross_entropy", ml.CrossEntropyOp, labels((7, 5), 1)),
    Case("cross_entropy mean", partial(ml.CrossEntropyOp, reduction="mean"), labels((7, 5), 1, np.int64)),
    Case("cross_entropy sum", partial(ml.CrossEntropyOp, reduction="sum", axis=1), labels((2, 5, 3), 1, np.int8)),
    Case("cross_entropy first", partial(ml.CrossEntropyOp, axis=0), labels((3, 4), 0, np.uint8)),
    Case("cross_entropy ui32", partial(ml.CrossEntropyOp, reduction="mean"), labels((3, 4), 1, np.uint32)),
    Case("cross_entropy many classes", ml.CrossEntropyOp, labels((3, 300), 1, np.int8)),
    Case("cross_entropy one line", ml.CrossEntropyOp, labels((4,), 0)),
    Case("cross_entropy no line", partial(ml.CrossEntropyOp, reduction="mean"), labels((0, 4), 1)),
    Case("cross_entropy no class", partial(ml.CrossEntropyOp, reduction="sum"), labels((3, 0), 1)),
    Case("cross_entropy holes", ml.CrossEntropyOp, lambda rng, dtype: [*holes((5, 6))(rng, dtype), np.arange(5)]),
    Case("cross_entropy shares", ml.CrossEntropyOp, shares((3, 4))),
    Case("cross_entropy shares mean", partial(ml.CrossEntropyOp, reduction="mean"), shares((2, 3, 4))),
    Case("cross_entropy no shares", partial(ml.CrossEntropyOp, reduction="sum"), shares((0, 4))),
]


def seen(*shapes: Sequence[int], mask: Sequence[int]) -> Callable[[np.random.Generator, np.dtype], list[np.ndarray]]:
    """Query, key, value, and a mask of truth values with a query that sees nothing."""

    def make(rng: np.random.Generator, dtype: np.dtype) -> list[np.ndarray]:
        truth = rng.random(mask) < 0.6
        truth[..., 0, :] = False
        return [*floats(*shapes)(rng, dtype), truth]

    return make


def added(*shapes: Sequence[int], mask: Sequence[int]) -> Callable[[np.random.Generator, np.dtype], list[np.ndarray]]:
    """Query, key, value, and a mask of numbers, some of them -inf."""

    def make(rng: np.random.Generator, dtype: np.dtype) -> list[np.ndarray]:
        numbers = rng.standard_normal(mask)
        numbers[rng.random(mask) < 0.3] = -np.inf
        return [*floats(*shapes)(rng, dtype), numbers.astype(dtype)]

    return make


_SELF = [(2, 3, 5, 4)] * 3
_CROSS = [(2, 3, 5, 4), (2, 3, 7, 4), (2, 3, 7, 2)]
_GROUPED = [(2, 6, 5, 4), (2, 2, 7, 4), (2, 2, 7, 3)]

ATTENTION = [
    Case("attention", ml.AttentionOp, floats(*_SELF)),
    Case("attention causal", partial(ml.AttentionOp, causal=True), floats(*_SELF)),
    Case("attention cross causal", partial(ml.AttentionOp, causal=True, scale=0.3), floats(*_CROSS)),
    Case("attention rank 2", ml.AttentionOp, floats((5, 4), (7, 4), (7, 2))),
    Case("attention rank 3", partial(ml.AttentionOp, causal=True), floats((3, 5, 4), (3, 4, 4), (3, 4, 2))),
    Case("attention grouped", partial(ml.AttentionOp, causal=True), floats(*_GROUPED), fixed=(1, 2)),
    Case("attention one head", ml.AttentionOp, floats((2, 3, 5, 4), (2, 1, 7, 4), (2, 1, 7, 2)), fixed=(1, 2)),
    Case("attention masked", ml.AttentionOp, seen(*_CROSS, mask=(2, 3, 5, 7))),
    Case("attention mask of rank 2", partial(ml.AttentionOp, causal=True), seen(*_CROSS, mask=(5, 7))),
    Case("attention keys masked", ml.AttentionOp, seen(*_CROSS, mask=(2, 1, 1, 7)), fixed=(3,)),
    Case("attention numbers added", ml.AttentionOp, added(*_CROSS, mask=(3, 5, 7))),
    Case("attention grouped mask", ml.AttentionOp, added(*_GROUPED, mask=(2, 6, 5, 7)), fixed=(1, 2)),
    Case("attention no key", ml.AttentionOp, floats((2, 5, 4), (2, 0, 4), (2, 0, 3))),
    Case("attention no query", ml.AttentionOp, floats((2, 0, 4), (2, 3, 4), (2, 3, 3))),
    Case("attention no size", ml.AttentionOp, floats((2, 2, 0), (2, 3, 0), (2, 3, 3))),
    Case("attention no head", ml.AttentionOp, floats((0, 2, 3), (0, 3, 3), (0, 3, 3))),
    Case("attention great", ml.AttentionOp, lambda r, d: [(20 * x).astype(d) for x in floats(*_SELF)(r, d)]),
    Case("attention holes", ml.AttentionOp, holes((5, 6, 4), (5, 3, 4), (5, 3, 2))),
]

ui8 = IntegerType(8, Signedness.UNSIGNED)


def stored(
    shape: Sequence[int], scale: Sequence[int], zero: type | None, *, back: type | None = None
) -> Callable[[np.random.Generator, np.dtype], list[np.ndarray]]:
    """What quantize takes, or with `back` what dequantize does: numbers, scales, and zero points."""

    def make(rng: np.random.Generator, dtype: np.dtype) -> list[np.ndarray]:
        numbers = (rng.standard_normal(shape) * 40).astype(dtype)
        if back is not None:
            info = np.iinfo(back)
            numbers = rng.integers(info.min, info.max, shape, back, endpoint=True)
        elif numbers.size > 8:
            numbers.reshape(-1)[:8] = [np.nan, np.inf, -np.inf, 0.25, 0.75, 1.25, -0.25, 6e4]
        scales = np.full(scale, 0.5).astype(dtype) if not scale else (rng.random(scale) + 0.1).astype(dtype)
        info = None if zero is None else np.iinfo(zero)
        low, high = (0, 1) if info is None else (max(info.min, -100), min(info.max, 100))
        return [numbers, scales, *([] if zero is None else [rng.integers(low, high, scale).astype(zero)])]

    return make


i16, ui32 = IntegerType(16), IntegerType(32, Signedness.UNSIGNED)

QUANTIZATION = [
    Case("quantize", partial(ml.QuantizeOp, element=i8), stored((3, 7), (), None)),
    Case("quantize ui8", partial(ml.QuantizeOp, element=ui8), stored((3, 7), (), np.uint8)),
    Case("quantize axis", partial(ml.QuantizeOp, element=i8), stored((3, 7), (7,), np.int8)),
    Case("quantize first axis", partial(ml.QuantizeOp, element=i32, axis=0), stored((3, 7), (3,), np.int32)),
    Case("quantize i16", partial(ml.QuantizeOp, element=i16, axis=-1), stored((2, 3, 5), (5,), np.int16)),
    Case("quantize ui32", partial(ml.QuantizeOp, element=ui32), stored((3, 7), (), np.uint32)),
    Case("quantize empty", partial(ml.QuantizeOp, element=i8), stored((2, 0), (0,), None)),
    Case("quantize one", partial(ml.QuantizeOp, element=i8), stored((), (), np.int8)),
]

DEQUANTIZATION = [
    ("dequantize", None, stored((3, 7), (), None, back=np.int8)),
    ("dequantize ui8", None, stored((3, 7), (), np.uint8, back=np.uint8)),
    ("dequantize axis", None, stored((3, 7), (7,), np.int8, back=np.int8)),
    ("dequantize i32", 0, stored((3, 7), (3,), np.int32, back=np.int32)),
    ("dequantize ui32", -1, stored((3, 7), (7,), np.uint32, back=np.uint32)),
    ("dequantize empty", 0, stored((0, 2), (0,), np.int8, back=np.int8)),
]
"""Names, axes and inputs; the element is that of the scale."""


def _dequantize(x: Any, scale: Any, *rest: Any, axis: int | None) -> ml.DequantizeOp:
    return ml.DequantizeOp(x, scale, *rest, element=scale.type.element_type, axis=axis)


NHWC = ml.ConvDims(("b", "0", "1", "f"), ("0", "1", "i", "o"), ("b", "0", "1", "f"))
NCW = ml.ConvDims(("b", "f", "0"), ("o", "i", "0"), ("b", "f", "0"))


def _convolve(x: Any, w: Any, b: Any, window: ml.Window) -> ml.ConvolutionBiasOp:
    return ml.ConvolutionBiasOp(x, w, b, window)


def convolved(window: ml.Window) -> Make:
    """A convolution with a bias, by that window."""
    return partial(_convolve, window=window)


CONVOLUTIONS = [
    Case("convolution", convolved(ml.Window(NHWC, (), ((1, 1), (0, 2)))), floats((2, 5, 4, 3), (3, 3, 3, 2), (2,))),
    Case("convolution of rows", convolved(ml.Window(NCW, (2,), feature_groups=2)), floats((2, 4, 9), (6, 2, 3), (6,))),
    Case("convolution of nothing", convolved(ml.Window(NCW)), floats((0, 2, 3), (4, 2, 2), (4,))),
    Case("convolution without input features", convolved(ml.Window(NCW)), floats((2, 0, 3), (4, 0, 2), (4,))),
]

CASES = [
    *CONVOLUTIONS,
    *NORMS,
    *LOSSES,
    *ATTENTION,
    *QUANTIZATION,
    *(Case(name, partial(_dequantize, axis=axis), inputs) for name, axis, inputs in DEQUANTIZATION),
]
