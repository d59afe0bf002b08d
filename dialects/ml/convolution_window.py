"""The window of a convolution: its options, the sizes that it gives, and its meaning in NumPy."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product as points_of
from math import prod

import numpy as np

from weft.dialects.ml import numerics
from weft.dialects.ml.convolution_dims import ConvDims
from weft.dialects.ml.dims import Dim, Requirement, Shape, product, quotient, total
from weft.dialects.ml.dtypes import Array, DType, is_float
from weft.dialects.ml.sliding import Sliding, dilated, places


@dataclass(frozen=True)
class Window:
    """The options of a convolution. The empty tuple stands for the neutral value in each spatial dimension."""

    dims: ConvDims
    strides: tuple[int, ...] = ()
    pads: tuple[tuple[int, int], ...] = ()
    lhs_dilation: tuple[int, ...] = ()
    rhs_dilation: tuple[int, ...] = ()
    reversal: tuple[bool, ...] = ()
    feature_groups: int = 1
    batch_groups: int = 1

    @property
    def stride(self) -> tuple[int, ...]:
        """The stride of the window in each spatial dimension."""
        return self.strides or (1,) * self.dims.spatial

    @property
    def pad(self) -> tuple[tuple[int, int], ...]:
        """The low and high padding of each spatial dimension; negative padding crops."""
        return self.pads or ((0, 0),) * self.dims.spatial

    @property
    def lhs_step(self) -> tuple[int, ...]:
        """The distance of the elements of the input in each spatial dimension."""
        return self.lhs_dilation or (1,) * self.dims.spatial

    @property
    def rhs_step(self) -> tuple[int, ...]:
        """The distance of the elements of the window in each spatial dimension."""
        return self.rhs_dilation or (1,) * self.dims.spatial

    @property
    def reverse(self) -> tuple[bool, ...]:
        """Whether the window is reversed in each spatial dimension."""
        return self.reversal or (False,) * self.dims.spatial

    def problem(self) -> str | None:
        """What is wrong with the options, if anything."""
        spatial = self.dims.spatial
        if (problem := self.dims.problem()) is not None:
            return problem
        lists = (self.strides, self.pads, self.lhs_dilation, self.rhs_dilation, self.reversal)
        if any(values and len(values) != spatial for values in lists):
            return f"stride, pad, lhs_dilate, rhs_dilate and reverse need one entry for each of {spatial} dimensions"
        if min((*self.strides, *self.lhs_dilation, *self.rhs_dilation), default=1) < 1:
            return "strides and dilations must be 1 or more"
        if min(self.feature_groups, self.batch_groups) < 1:
            return "the numbers of groups must be 1 or more"
        if self.feature_groups > 1 and self.batch_groups > 1:
            return "either features or the batch may be grouped, not both"
        return None

    def padded(self, lhs: Shape, axis: int) -> Dim:
        """The size of the input in a spatial dimension after dilation and padding."""
        return total((dilated(lhs[self.dims.lhs_order[axis + 2]], self.lhs_step[axis]), *self.pad[axis]))

    def reach(self, rhs: Shape, axis: int) -> Dim:
        """The size of the window in a spatial dimension after dilation."""
        return dilated(rhs[self.dims.rhs_order[axis + 2]], self.rhs_step[axis])

    def result_dims(self, lhs: Shape, rhs: Shape) -> Shape:
        """The sizes of the output."""
        sizes: list[Dim] = [
            quotient(lhs[self.dims.lhs_order[0]], self.batch_groups),
            rhs[self.dims.rhs_order[0]],
        ]
        for axis in range(self.dims.spatial):
            sizes.append(places(self.padded(lhs, axis), self.reach(rhs, axis), self.stride[axis]))
        result: list[Dim] = [0] * len(sizes)
        for size, place in zip(sizes, self.dims.out_order, strict=True):
            result[place] = size
        return tuple(result)

    def rules(self, name: str, lhs: Shape, rhs: Shape) -> Iterator[Requirement]:
        """What the sizes of input and kernel must fulfil."""
        batch, features = (lhs[axis] for axis in self.dims.lhs_order[:2])
        outputs, inputs = (rhs[axis] for axis in self.dims.rhs_order[:2])
        message = f"{name}: the input features must be those of the kernel, times the number of groups"
        yield Requirement(features, "==", product((inputs, self.feature_groups)), message)
        for size, groups, what in (
            (outputs, self.feature_groups, "output features"),
            (outputs, self.batch_groups, "output features"),
            (batch, self.batch_groups, "batch"),
        ):
            if groups > 1:
                whole = product((quotient(size, groups), groups))
                yield Requirement(whole, "==", size, f"{name}: the {what} must be a multiple of the groups, {groups}")
        for axis in range(self.dims.spatial):
            padded, reach = self.padded(lhs, axis), self.reach(rhs, axis)
            if not (isinstance(padded, int) and isinstance(reach, int)):
                message = f"{name}: the window must fit into the padded input in spatial dimension {axis}"
                yield Requirement(reach, "<=", padded, message)
                if not isinstance(reach, int):
                    # no arithmetic on sizes says that an empty window makes nothing of an empty input
                    message = f"{name}: the padded input must not be empty in spatial dimension {axis}"
                    yield Requirement(1, "<=", padded, message)
            for dim, step in (
                (lhs[self.dims.lhs_order[axis + 2]], self.lhs_step[axis]),
                (rhs[self.dims.rhs_order[axis + 2]], self.rhs_step[axis]),
            ):
                if step > 1 and not isinstance(dim, int):
                    yield Requirement(1, "<=", dim, f"{name}: a dilated dimension must not be empty")


def convolve(x: Array, w: Array, window: Window, dtype: DType) -> Array:
    """The convolution in `dtype`; floats are summed in f64, `i1` has `and` and `or`."""
    wide = np.dtype(np.float64) if is_float(dtype) else np.dtype(np.int64) if dtype == np.bool_ else dtype
    source = _spread(x.transpose(window.dims.lhs_order).astype(wide), window)
    kernel = w.transpose(window.dims.rhs_order).astype(wide)
    flipped = tuple(slice(None, None, -1 if flag else 1) for flag in window.reverse)
    kernel = kernel[(slice(None), slice(None), *flipped)]
    spatial = tuple(
        _count(n, (k - 1) * step + 1 if k else 0, stride)
        for n, k, step, stride in zip(source.shape[2:], kernel.shape[2:], window.rhs_step, window.stride, strict=True)
    )
    result = np.zeros((x.shape[window.dims.lhs_order[0]] // window.batch_groups, len(kernel), prod(spatial)), wide)
    for point in points_of(*map(range, kernel.shape[2:])):
        ranges = tuple(
            slice(k * step, k * step + (n - 1) * stride + 1 if n else k * step, stride)
            for k, step, stride, n in zip(point, window.rhs_step, window.stride, spatial, strict=True)
        )
        seen = source[(slice(None), slice(None), *ranges)].reshape(*source.shape[:2], prod(spatial))
        result += _grouped(seen, kernel[(slice(None), slice(None), *point)], window)
    shaped = result.reshape(*result.shape[:2], *spatial).transpose(np.argsort(window.dims.out_order))
    if dtype == np.bool_:
        return shaped != 0
    return numerics.narrow(shaped, dtype) if is_float(dtype) else shaped


def _count(size: int, reach: int, stride: int) -> int:
    return 0 if size < max(reach, 1) else (size - reach) // stride + 1


def _spread(x: Array, window: Window) -> Array:
    """The input with holes and padding of zeros; negative padding crops."""
    around = Sliding((1,) * x.ndim, (), (1, 1, *window.lhs_step), (), ((0, 0), (0, 0), *window.pad))
    return around.spread(x, np.zeros((), x.dtype))


def _grouped(x: Array, w: Array, window: Window) -> Array:
    """Products of `[batch, features, points]` and `[outputs, inputs]`, group by group."""
    if window.batch_groups > 1:
        groups = window.batch_groups
        split = x.reshape(groups, x.shape[0] // groups, *x.shape[1:])
        parts = w.reshape(groups, w.shape[0] // groups, w.shape[1])
        joined = np.einsum("gbip,goi->bgop", split, parts)
        return joined.reshape(joined.shape[0], -1 if joined.size else w.shape[0], joined.shape[3])
    groups = window.feature_groups
    split = x.reshape(x.shape[0], groups, x.shape[1] // groups, x.shape[2])
    parts = w.reshape(groups, w.shape[0] // groups, w.shape[1])
    return np.einsum("bgip,goi->bgop", split, parts).reshape(x.shape[0], w.shape[0], x.shape[2])
