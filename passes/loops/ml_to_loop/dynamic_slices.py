"""Slices at places that the run knows, and reversed tensors.

A start is clamped once, at the top of the kernel, and is a symbol of the nests then: the accesses behind it stay
linear. A start that the kernel itself computes in memory is clamped where it is needed instead.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from xdsl.ir import SSAValue

from weft.dialects import ml
from weft.dialects.loop.linear import Linear, linear
from weft.dialects.ml.base import MlOp, is_tensor, tensor_type
from weft.passes.loops.ml_to_loop.lookups import clamped, place_of
from weft.passes.loops.reify import Size

if TYPE_CHECKING:
    from weft.passes.loops.ml_to_loop.kernel import Kernel
    from weft.passes.loops.ml_to_loop.nests import Index, Nest


def reverse(nest: Nest, op: MlOp, index: Index) -> SSAValue:
    """An `ml.reverse` reads its operand from the end."""
    assert isinstance(op, ml.ReverseOp)
    dims = nest.kernel.dims(op.operand)
    place = (linear(dims[axis]) - form - 1 if axis in op.dims else form for axis, form in enumerate(index))
    return nest.element(op.operand, tuple(place))


def dynamic_slice(nest: Nest, op: MlOp, index: Index) -> SSAValue:
    """An `ml.dynamic_slice` reads its operand behind its starts."""
    assert isinstance(op, ml.DynamicSliceOp)
    starts = starts_of(nest, op, op.operand, op.start_indices, nest.kernel.dims(op.result))
    return nest.element(op.operand, tuple(form + start for form, start in zip(index, starts, strict=True)))


def starts_of(
    nest: Nest, op: MlOp, operand: SSAValue, starts: Sequence[SSAValue], sizes: Sequence[Size]
) -> tuple[Linear, ...]:
    """The clamped starts of a slice of some sizes."""
    kernel = nest.kernel
    if op not in kernel.starts:
        early = all(_is_early(kernel, start) for start in starts)
        found = _clamped(nest.at_start() if early else nest, operand, starts, sizes)
        if not early:
            return found
        kernel.starts[op] = found
    return kernel.starts[op]


def _clamped(nest: Nest, operand: SSAValue, starts: Sequence[SSAValue], sizes: Sequence[Size]) -> tuple[Linear, ...]:
    found: list[Linear] = []
    for start, size, dim in zip(starts, sizes, nest.kernel.dims(operand), strict=True):
        last = linear(dim) - size
        if last == linear(0):
            found.append(last)
            continue
        place = place_of(nest, nest.element(start, ()), tensor_type(start).element_type)
        found.append(clamped(nest, place, last))
    return tuple(found)


def _is_early(kernel: Kernel, value: SSAValue) -> bool:
    """Whether a value is computed from what the kernel is given, without memory of its own."""
    if value in kernel.held:
        return value in kernel.given
    if not is_tensor(value):
        return True
    op = value.owner
    return isinstance(op, MlOp) and all(_is_early(kernel, operand) for operand in op.operands)


MOVES: Mapping[type[MlOp], Callable[..., SSAValue]] = {ml.ReverseOp: reverse, ml.DynamicSliceOp: dynamic_slice}
"""How each of these ops reads an element."""
