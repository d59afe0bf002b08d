"""Ops that put pieces together, concatenate, pad and update; and tensors with space around them, for windows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from xdsl.ir import SSAValue

from weft.dialects import ml
from weft.dialects.loop.linear import Linear, linear
from weft.dialects.ml.base import MlOp, tensor_type
from weft.passes.loops.ml_to_loop.body import signless
from weft.passes.loops.ml_to_loop.dynamic_slices import starts_of
from weft.passes.loops.ml_to_loop.kernel import Kernel
from weft.passes.loops.ml_to_loop.nests import Index, Nest, loop_names
from weft.passes.loops.ml_to_loop.values import settle
from weft.passes.loops.reify import Size


def concatenate(kernel: Kernel, op: MlOp) -> None:
    """One nest for each piece, which writes it behind the pieces before it."""
    assert isinstance(op, ml.ConcatenateOp)
    buffer = kernel.home(op.result)
    start = linear(0)
    for piece in op.inputs:
        dims = kernel.dims(piece)
        nest, index = Nest.top(kernel).loops(dims, loop_names(len(dims)))
        place = tuple(form + start if axis == op.dim else form for axis, form in enumerate(index))
        nest.store(nest.element(piece, index), buffer, place)
        start += dims[op.dim]


def pad(kernel: Kernel, op: MlOp) -> None:
    """Fill the result, then copy what of the operand is left in it."""
    assert isinstance(op, ml.PadOp)
    buffer, dims = kernel.home(op.result), kernel.dims(op.result)
    spaces = [Space(low, high, inner + 1) for low, high, inner in zip(op.low, op.high, op.interior, strict=True)]
    if not all(space.covers for space in spaces):
        nest, index = Nest.top(kernel).loops(dims, [f"{name}z" for name in loop_names(len(dims))])
        nest.store(nest.element(op.padding_value, ()), buffer, index)
    spread(kernel, op.operand, buffer, spaces)


def dynamic_update_slice(kernel: Kernel, op: MlOp) -> None:
    """Copy the operand, then write the update over it behind the starts."""
    assert isinstance(op, ml.DynamicUpdateSliceOp)
    buffer, dims, sizes = kernel.home(op.result), kernel.dims(op.operand), kernel.dims(op.update)
    nest, index = Nest.top(kernel).loops(dims, loop_names(len(dims)))
    nest.store(nest.element(op.operand, index), buffer, index)
    nest, index = Nest.top(kernel).loops(sizes, [f"{name}u" for name in loop_names(len(sizes))])
    starts = starts_of(nest, op, op.operand, op.start_indices, sizes)
    place = tuple(form + start for form, start in zip(index, starts, strict=True))
    nest.store(nest.element(op.update, index), buffer, place)


@dataclass(frozen=True)
class Space:
    """How the elements of a dimension lie in a greater (or cut) one: space before, after, and their distance."""

    low: int = 0
    high: int = 0
    step: int = 1

    @property
    def covers(self) -> bool:
        """Whether every element of the result is one of the source."""
        return self.low <= 0 and self.high <= 0 and self.step == 1

    @property
    def first(self) -> int:
        """The first element that is not cut off."""
        return max(0, -(self.low // self.step))

    def count(self, size: Size) -> Linear:
        """How many of `size` elements are not cut off; it may be negative where none is left."""
        kept = linear(size) + (min(0, self.high // self.step) - self.first)
        return linear(max(kept.constant, 0)) if kept.is_constant else kept

    def place(self, counter: Linear) -> Linear:
        """Where the element that a counter from `first` on means lies."""
        return (counter + self.first) * self.step + self.low


def spread(kernel: Kernel, value: SSAValue, buffer: SSAValue, spaces: Sequence[Space]) -> None:
    """Copy a value into a buffer with space around and between its elements."""
    dims = kernel.dims(value)
    counts = [space.count(dim) for space, dim in zip(spaces, dims, strict=True)]
    nest, index = Nest.top(kernel).loops(counts, [f"{name}x" for name in loop_names(len(dims))])
    source = tuple(form + space.first for space, form in zip(spaces, index, strict=True))
    place = tuple(space.place(form) for space, form in zip(spaces, index, strict=True))
    nest.store(nest.element(value, source), buffer, place)


@dataclass(frozen=True)
class Source:
    """A tensor as a window reads it: a value, or a buffer with space around the elements; and what is cut off."""

    value: SSAValue | None
    buffer: SSAValue | None
    cut: tuple[int, ...]

    def element(self, nest: Nest, index: Index) -> SSAValue:
        """An element, by an index into the padded tensor."""
        index = tuple(form + cut for form, cut in zip(index, self.cut, strict=True))
        if self.value is not None:
            return nest.element(self.value, index)
        assert self.buffer is not None
        return nest.load(self.buffer, index)


def with_space(
    kernel: Kernel,
    value: SSAValue,
    spaces: Sequence[Space],
    dims: Sequence[Size],
    filler: Callable[[Nest], SSAValue],
    repeats: Sequence[Size],
) -> Source:
    """A tensor with space around and between its elements: a copy where there is any.

    `dims` are the sizes with the space, `filler` gives the element in it, `repeats` is how often each element is read.
    """
    if all(space.covers for space in spaces):
        settle(kernel, value, repeats=repeats)
        return Source(value, None, tuple(-space.low for space in spaces))
    buffer = kernel.alloc("p", signless(tensor_type(value).element_type), dims)
    nest, index = Nest.top(kernel).loops(dims, [f"{name}z" for name in loop_names(len(dims))])
    nest.store(filler(nest), buffer, index)
    spread(kernel, value, buffer, spaces)
    return Source(None, buffer, (0,) * len(spaces))
