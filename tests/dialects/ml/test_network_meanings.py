"""Norms, losses, attention and quantization against their formulas, written out with Python's numbers."""

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from xdsl.dialects.builtin import IntegerType, Signedness, f32, f64, i8, i16, i32, i64

from tests.dialects.ml.support import blurred, shapes, value
from weft.diagnostics import WeftError
from weft.dialects import ml
from weft.dialects.ml.dtypes import dtype_of

CLOSE = {"rtol": 1e-10, "atol": 1e-10}
ui8 = IntegerType(8, Signedness.UNSIGNED)


def numbers(shape, seed=0, scale=1.0):
    return np.random.default_rng((seed, *shape)).standard_normal(shape) * scale


def typed(x, shape=None):
    """A value of the f64 type of an array, or of a shape that hides some of its sizes."""
    return value(f64, *(x.shape if shape is None else shape))


def group(shape, place, axes):
    """The places that differ from one along some axes only."""
    ranges = [range(n) if axis in axes else [place[axis]] for axis, n in enumerate(shape)]
    return list(itertools.product(*ranges))


def moments(x, places):
    mean = math.fsum(x[p] for p in places) / len(places)
    return mean, math.fsum((x[p] - mean) ** 2 for p in places) / len(places)


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_layer_norm_and_rms_norm_are_their_formulas(data):
    shape = data.draw(st.integers(1, 3).flatmap(shapes))
    axes = data.draw(st.lists(st.sampled_from(range(len(shape))), unique=True, min_size=1))
    epsilon = data.draw(st.sampled_from([None, 0.0, 0.5]))
    x, (scale, bias) = numbers(shape), (numbers([shape[a] for a in axes], s) for s in (1, 2))
    values = [typed(x, blurred(data.draw, shape)), typed(scale), typed(bias)]
    layer = ml.LayerNormOp(*values, axes=axes, epsilon=epsilon)
    rms = ml.RmsNormOp(*values[:2], axes=axes, epsilon=epsilon)
    expected = np.zeros((2, *shape))
    offset = 1e-5 if epsilon is None else epsilon
    for place in np.ndindex(shape):
        places, along = group(shape, place, axes), tuple(place[a] for a in axes)
        mean, variance = moments(x, places)
        squares = math.fsum(x[p] ** 2 for p in places) / len(places)
        deviation = variance + offset
        expected[0][place] = (
            (x[place] - mean) / math.sqrt(deviation) * scale[along] + bias[along] if deviation else math.nan
        )
        expected[1][place] = x[place] / math.sqrt(squares + offset) * scale[along]
    for op in (layer, rms):
        op.verify_()
    np.testing.assert_allclose(layer.evaluate(x, scale, bias)[0], expected[0], **CLOSE)
    np.testing.assert_allclose(rms.evaluate(x, scale)[0], expected[1], **CLOSE)


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_group_norm_is_its_formula(data):
    groups, each = data.draw(st.integers(1, 3)), data.draw(st.integers(0, 3))
    space = data.draw(shapes(max_rank=2))
    shape = [data.draw(st.integers(0, 2)), groups * each, *space]
    feature = data.draw(st.integers(1, len(shape) - 1))
    shape.insert(feature, shape.pop(1))
    x, (scale, bias) = numbers(shape), (numbers([groups * each], s) for s in (1, 2))
    hidden = blurred(data.draw, tuple(shape))
    op = ml.GroupNormOp(typed(x, hidden), groups, typed(scale), typed(bias), feature_index=feature)
    op.verify_()
    expected = np.zeros(shape)
    for place in np.ndindex(*shape):
        own = place[feature] // each
        every = itertools.product([place[0]], *(range(n) for n in shape[1:]))
        mean, variance = moments(x, [p for p in every if p[feature] // each == own])
        index = place[feature]
        expected[place] = (x[place] - mean) / math.sqrt(variance + 1e-5) * scale[index] + bias[index]
    np.testing.assert_allclose(op.evaluate(x, scale, bias)[0], expected, **CLOSE)


@settings(max_examples=20, deadline=None)
@given(st.data())
def test_batch_norm_is_the_formula_of_stablehlo(data):
    shape = data.draw(st.integers(1, 3).flatmap(shapes))
    feature = data.draw(st.integers(0, len(shape) - 1))
    x, (scale, offset, mean, variance) = numbers(shape), (numbers([shape[feature]], s) for s in range(1, 5))
    variance = variance**2
    arrays = [x, scale, offset, mean, variance]
    op = ml.BatchNormInferenceOp(*map(typed, arrays), feature_index=feature, epsilon=0.25)
    op.verify_()
    expected = np.zeros(shape)
    for place in np.ndindex(shape):
        c = place[feature]
        expected[place] = scale[c] * (x[place] - mean[c]) / math.sqrt(variance[c] + 0.25) + offset[c]
    np.testing.assert_allclose(op.evaluate(*arrays)[0], expected, **CLOSE)


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_cross_entropy_is_the_logarithm_of_the_right_share(data):
    shape = data.draw(st.integers(1, 3).flatmap(shapes))
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    reduction = data.draw(st.sampled_from([None, "none", "sum", "mean"]))
    label = data.draw(st.sampled_from([i8, ui8, i16, i32, i64]))
    lines = [n for i, n in enumerate(shape) if i != axis % len(shape)]
    classes = shape[axis]
    x = numbers(shape, scale=3)
    labels = np.random.default_rng(1).integers(0, classes + 2, lines).astype(dtype_of(label))
    op = ml.CrossEntropyOp(typed(x, blurred(data.draw, shape)), value(label, *lines), axis=axis, reduction=reduction)
    op.verify_()
    losses, moved = np.zeros(lines), np.moveaxis(x, axis, -1)
    for place in np.ndindex(*lines):
        if labels[place] < classes:
            total = math.fsum(math.exp(v) for v in moved[place])
            losses[place] = math.log(total) - moved[place][labels[place]]
    counted = (labels < classes).sum()
    mean = losses.sum() / counted if counted else math.nan
    expected = {None: losses, "none": losses, "sum": losses.sum(), "mean": mean}[reduction]
    np.testing.assert_allclose(op.evaluate(x, labels)[0], expected, **CLOSE)


@settings(max_examples=20, deadline=None)
@given(st.data())
def test_integer_labels_are_probabilities_of_one_class(data):
    shape = data.draw(shapes(2))
    x = numbers(shape, scale=3)
    if x.size:
        x[0, 0] = -np.inf
    labels = np.random.default_rng(2).integers(0, max(shape[1], 1), shape[0])
    shares = (labels[:, None] == np.arange(shape[1])).astype(np.float64)
    by_index = ml.CrossEntropyOp(typed(x), value(i64, shape[0])).evaluate(x, labels)[0]
    by_share = ml.CrossEntropyOp(typed(x), typed(shares)).evaluate(x, shares)[0]
    np.testing.assert_allclose(by_share, by_index, **CLOSE)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_log_softmax_is_the_logarithm_of_softmax(data):
    shape = data.draw(st.integers(1, 3).flatmap(shapes))
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    x = numbers(shape, scale=5)
    op = ml.LogSoftmaxOp(typed(x, blurred(data.draw, shape)), axis)
    op.verify_()
    with np.errstate(all="ignore"):
        expected = np.log(ml.SoftmaxOp(typed(x), axis).evaluate(x)[0])
    np.testing.assert_allclose(op.evaluate(x)[0], expected, **CLOSE)


def test_log_softmax_is_exact_where_softmax_is_0():
    x = np.array([0.0, -2000.0])
    np.testing.assert_array_equal(ml.LogSoftmaxOp(typed(x)).evaluate(x)[0], [0.0, -2000.0])


def attended(query, key, value_, seen, added, scale):
    """Attention of one head, a query at a time."""
    result = np.zeros((len(query), value_.shape[1]))
    for i, q in enumerate(query):
        scores = {j: math.fsum(q * k) * scale + added[i, j] for j, k in enumerate(key) if seen[i, j]}
        scores = {j: s for j, s in scores.items() if s != -math.inf}
        most = max(scores.values(), default=0.0)
        powers = {j: math.exp(s - most) for j, s in scores.items()}
        for j, power in powers.items():
            result[i] += power / math.fsum(powers.values()) * value_[j]
    return result


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_attention_is_its_formula_for_each_query(data):
    draw = data.draw
    batch, heads, repeats = draw(st.integers(0, 2)), draw(st.integers(1, 2)), draw(st.integers(1, 3))
    rows, keys, size, width = (draw(st.integers(0, 4)) for _ in range(4))
    causal, kind = draw(st.booleans()), draw(st.sampled_from([None, bool, float]))
    scale = draw(st.sampled_from([None, 0.5]))
    q = numbers((batch, heads * repeats, rows, size))
    k, v = numbers((batch, heads, keys, size), 1), numbers((batch, heads, keys, width), 2)
    whole = (batch, heads * repeats, rows, keys)
    shape = draw(st.sampled_from([whole, whole[2:], (*whole[:1], 1, 1, keys), (whole[1], rows, 1), (1, 1)]))
    mask = numbers(shape, 3)
    mask = np.where(mask < -0.5, -np.inf, mask) if kind is float else mask > 0
    element = {None: f64, float: f64, bool: IntegerType(1)}[kind]
    operands = [q, k, v, *([] if kind is None else [mask])]
    values = [typed(q, (None, heads * repeats, None, size)), typed(k), typed(v)]
    op = ml.AttentionOp(*values, *([] if kind is None else [value(element, *shape)]), causal=causal, scale=scale)
    op.verify_()
    seen, added = np.ones(whole, bool), np.zeros(whole)
    if kind is bool:
        seen = np.broadcast_to(mask, whole)
    elif kind is float:
        added = np.broadcast_to(mask, whole)
    if causal:
        seen = seen & (np.arange(rows)[:, None] >= np.arange(keys))
    factor = scale if scale is not None else 1 / math.sqrt(size) if size else 1.0
    expected = np.zeros((*whole[:3], width))
    for b, h in np.ndindex(*whole[:2]):
        own = h // repeats
        expected[b, h] = attended(q[b, h], k[b, own], v[b, own], seen[b, h], added[b, h], factor)
    np.testing.assert_allclose(op.evaluate(*operands)[0], expected, **CLOSE)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_quantize_rounds_the_quotient_to_even_and_saturates(data):
    element = data.draw(st.sampled_from([i8, ui8, i16, i32]))
    info = np.iinfo(dtype_of(element))
    x = np.array(data.draw(st.lists(st.integers(-4000, 4000), max_size=5)), np.float64) / 8
    scale, zero = np.float64(data.draw(st.sampled_from([0.25, 0.5, 2.0]))), data.draw(st.integers(0, 100))
    op = ml.QuantizeOp(typed(x), value(f64), value(element), element=element)
    op.verify_()
    found = op.evaluate(x, scale, np.array(zero, dtype_of(element)))[0]
    exact = [round(Fraction(v) / Fraction(float(scale))) + zero for v in x]  # round() goes to even
    np.testing.assert_array_equal(found, [min(max(n, info.min), info.max) for n in exact])


def test_quantize_holds_what_is_not_finite():
    x = np.array([np.nan, np.inf, -np.inf, 1e30], np.float32)
    op = ml.QuantizeOp(value(f32, 4), value(f32), element=i8)
    np.testing.assert_array_equal(op.evaluate(x, np.float32(1))[0], [0, 127, -128, 127])


def test_zero_points_of_32_bits_lose_nothing():
    x = np.array([16777216.0], np.float32)  # f32 has no 16777217
    op = ml.QuantizeOp(value(f32, 1), value(f32), value(i32), element=i32)
    np.testing.assert_array_equal(op.evaluate(x, np.float32(1), np.int32(1))[0], [16777217])
    stored = np.array([2**31 - 1], np.int32)
    back = ml.DequantizeOp(value(i32, 1), value(f64), value(i32), element=f64)
    np.testing.assert_array_equal(back.evaluate(stored, np.float64(1), np.int32(-1))[0], [2.0**31])


@settings(max_examples=30, deadline=None)
@given(st.data())
def test_what_was_quantized_comes_back_within_half_a_step(data):
    shape = data.draw(shapes(2))
    axis = data.draw(st.sampled_from([0, 1, -1]))
    n = shape[axis]
    scale = (np.random.default_rng(4).random(n) + 0.5) / 16
    zero = np.random.default_rng(5).integers(-9, 9, n).astype(np.int8)
    x = np.random.default_rng(6).uniform(-3, 3, shape)
    put = ml.QuantizeOp(typed(x, blurred(data.draw, shape)), typed(scale), value(i8, n), element=i8, axis=axis)
    back = ml.DequantizeOp(value(i8, *shape), typed(scale), value(i8, n), element=f64, axis=axis)
    for op in (put, back):
        op.verify_()
    found = back.evaluate(put.evaluate(x, scale, zero)[0], scale, zero)[0]
    step = scale if axis != 0 else scale[:, None]
    assert np.all(np.abs(found - x) <= step / 2 + 1e-12)


@pytest.mark.parametrize(("source", "target"), [(f64, f64), (i8, i32), (i8, i8)], ids=str)
def test_a_bias_is_added_to_each_feature_of_a_convolution(source, target):
    dims = ml.ConvDims(("b", "f", "0"), ("o", "i", "0"), ("0", "f", "b"))
    window = ml.Window(dims, (2,), ((1, 0),))
    x, w = ((numbers(n, seed, 9)).astype(dtype_of(source)) for n, seed in (((2, 3, 7), 0), ((4, 3, 2), 1)))
    bias = (numbers((4,), 2, 9)).astype(dtype_of(target))
    operands = value(source, *x.shape), value(source, *w.shape)
    op = ml.ConvolutionBiasOp(*operands, value(target, 4), window, element=target)
    op.verify_()
    plain = ml.ConvolutionOp(*operands, window, element=target).evaluate(x, w)[0]
    np.testing.assert_allclose(op.evaluate(x, w, bias)[0], plain + bias[:, None], **CLOSE)


@pytest.mark.parametrize(
    ("op", "arrays", "message"),
    [
        (
            ml.LayerNormOp(value(f64, None, None), value(f64, None)),
            [(2, 3), (2,)],
            "scale must have the size of axis 1",
        ),
        (ml.GroupNormOp(value(f64, None, None), 2), [(2, 3)], "must make 2 groups of one size"),
        (ml.CrossEntropyOp(value(f64, None, 4), value(f64, None, 4)), [(2, 4), (3, 4)], "the sizes of the logits"),
        (
            ml.AttentionOp(value(f64, None, None, 1), value(f64, 2, None, 1), value(f64, 2, None, 1)),
            [(3, 2, 1), (2, 2, 1), (2, 2, 1)],
            "a multiple of the 2 heads",
        ),
        (
            ml.AttentionOp(value(f64, None, 1), value(f64, None, 1), value(f64, None, 1), value(f64, None, None)),
            [(2, 1), (3, 1), (3, 1), (2, 2)],
            "the mask must have the sizes of the scores",
        ),
        (
            ml.DequantizeOp(value(i8, None, None), value(f64, None), element=f64),
            [(2, 3), (2,)],
            "the scale must have the size of axis 1",
        ),
    ],
    ids=lambda part: getattr(part, "name", ""),
)
def test_sizes_that_do_not_fit_are_told_at_run_time(op, arrays, message):
    op.verify_()
    with pytest.raises(WeftError, match=message):
        op.evaluate(
            *(np.zeros(shape, dtype_of(v.type.element_type)) for shape, v in zip(arrays, op.operands, strict=True))
        )
