"""A window that slides over a tensor: its options, the sizes that it gives, and the elements that it sees."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from weft.dialects.ml.dims import Dim, Requirement, Shape, product, quotient, total
from weft.dialects.ml.dtypes import Array


@dataclass(frozen=True)
class Sliding:
    """A window in every dimension of a tensor. An empty option stands for its neutral value in each dimension."""

    window: tuple[int, ...]
    strides: tuple[int, ...] = field(default=())
    base_dilation: tuple[int, ...] = field(default=())
    window_dilation: tuple[int, ...] = field(default=())
    pads: tuple[tuple[int, int], ...] = field(default=())

    @property
    def rank(self) -> int:
        """The number of dimensions."""
        return len(self.window)

    @property
    def stride(self) -> tuple[int, ...]:
        """How far the window moves in each dimension."""
        return self.strides or (1,) * self.rank

    @property
    def base_step(self) -> tuple[int, ...]:
        """The distance of the elements of the tensor in each dimension."""
        return self.base_dilation or (1,) * self.rank

    @property
    def window_step(self) -> tuple[int, ...]:
        """The distance of the elements of the window in each dimension."""
        return self.window_dilation or (1,) * self.rank

    @property
    def pad(self) -> tuple[tuple[int, int], ...]:
        """The low and high padding of each dimension; negative padding crops."""
        return self.pads or ((0, 0),) * self.rank

    @property
    def reach(self) -> tuple[int, ...]:
        """The size of the window in each dimension, with its holes."""
        return tuple((size - 1) * step + 1 for size, step in zip(self.window, self.window_step, strict=True))

    def along(self, axes: Sequence[int]) -> Sliding:
        """The window in some of the dimensions."""
        lists = (self.window, self.stride, self.base_step, self.window_step)
        window, stride, base, step = (tuple(values[axis] for axis in axes) for values in lists)
        return Sliding(window, stride, base, step, tuple(self.pad[axis] for axis in axes))

    def problem(self, rank: int) -> str | None:
        """What is wrong with the options for a tensor of that rank, if anything."""
        lists = {
            "window": self.window,
            "stride": self.strides,
            "base_dilate": self.base_dilation,
            "window_dilate": self.window_dilation,
            "pad": self.pads,
        }
        for name, values in lists.items():
            if len(values) != rank and (values or name == "window"):
                return f"{name} needs one entry for each of {rank} dimensions, not {len(values)}"
        for name in ("window", "stride", "base_dilate", "window_dilate"):
            if min((size for size in lists[name] if isinstance(size, int)), default=1) < 1:
                return f"{name} {list(lists[name])} must be 1 or more"
        return None

    def padded(self, shape: Shape) -> Shape:
        """The sizes of the tensor with holes and padding."""
        sizes = zip(shape, self.base_step, self.pad, strict=True)
        return tuple(total((dilated(size, step), *pad)) for size, step, pad in sizes)

    def result_dims(self, shape: Shape) -> Shape:
        """How many places the window has in each dimension."""
        sizes = zip(self.padded(shape), self.reach, self.stride, strict=True)
        return tuple(places(size, reach, stride) for size, reach, stride in sizes)

    def rules(self, name: str, shape: Shape) -> Iterator[Requirement]:
        """What the sizes of the tensor must fulfil where only run time knows them."""
        for axis, (size, padded) in enumerate(zip(shape, self.padded(shape), strict=True)):
            # up to there `places` is right: it gives 0
            needed = max(0, self.reach[axis] - self.stride[axis])
            if not isinstance(padded, int) and (needed or sum(self.pad[axis]) < 0):
                message = f"{name}: the window must fit into the padded operand in dimension {axis}"
                yield Requirement(needed, "<=", padded, message)
            if self.base_step[axis] > 1 and not isinstance(size, int):
                yield Requirement(1, "<=", size, f"{name}: dimension {axis} has base_dilate and must not be empty")

    def spread(self, x: Array, value: Array) -> Array:
        """The tensor with `value` in its holes and around it."""
        shape = [
            (n - 1) * step + 1 + low + high if n else low + high
            for n, step, (low, high) in zip(x.shape, self.base_step, self.pad, strict=True)
        ]
        result = np.full([max(n, 0) for n in shape], value, x.dtype)
        target, source = list[slice](), list[slice]()
        for n, size, step, (low, _) in zip(x.shape, shape, self.base_step, self.pad, strict=True):
            first = max(0, -(low // step)) if low < 0 else 0
            last = max(first, min(n, (size - 1 - low) // step + 1)) if size > 0 else first
            source.append(slice(first, last))
            start = low + first * step
            target.append(slice(start, start + (last - first - 1) * step + 1 if last > first else start, step))
        result[tuple(target)] = x[tuple(source)]
        return result

    def seen(self, padded: Array, point: tuple[int, ...], shape: tuple[int, ...]) -> Array:
        """The elements that one point of the window sees from each of its places; `shape` counts those."""
        ranges = (
            slice(p * step, p * step + (n - 1) * stride + 1 if n else p * step, stride)
            for p, step, stride, n in zip(point, self.window_step, self.stride, shape, strict=True)
        )
        return padded[tuple(ranges)]


def dilated(size: Dim, step: int) -> Dim:
    """A size with `step - 1` holes between its elements; a run-time size is 1 or more where there are holes."""
    if size == 0:
        return 0
    return total((product((size, step)), 1 - step))


def places(padded: Dim, reach: Dim, stride: int) -> Dim:
    """How many places a window has; none where it does not fit. It must fit where only run time knows the sizes."""
    if isinstance(padded, int) and isinstance(reach, int) and padded < max(reach, 1):
        return 0
    return total((quotient(total((padded, product((reach, -1)))), stride), 1))
