"""Putting values into memory: where they are needed there, and at the end of the kernel."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from xdsl.ir import Operation, SSAValue

from weft.dialects import ml
from weft.dialects.loop.buffers import memref_of
from weft.dialects.ml.base import MlOp
from weft.passes.loops.ml_to_loop.body import Number
from weft.passes.loops.ml_to_loop.kernel import Kernel, same_bits
from weft.passes.loops.ml_to_loop.nests import Nest, loop_names
from weft.passes.loops.reify import Size

FEW = 4
"""How many times a value may be computed rather than stored and read."""

_MOVES = (ml.BroadcastInDimOp, ml.TransposeOp, ml.SliceOp, ml.ReverseOp)


def materialize(kernel: Kernel, value: SSAValue) -> None:
    """Compute all elements of a value into a buffer, in a nest of its own."""
    dims, buffer = kernel.dims(value), kernel.room(value)
    nest, index = Nest.top(kernel).loops(dims, loop_names(len(dims)))
    nest.store(nest.element(value, index), buffer, index)
    kernel.held[value] = buffer


def settle(kernel: Kernel, value: SSAValue, *, repeats: Sequence[Size]) -> None:
    """Put a value into memory if it is computed and each element is read for all of `repeats`.

    Ops that only move elements stay index maps: what they move is put into memory instead.
    """
    if all(isinstance(size, int) for size in repeats) and prod(n for n in repeats if isinstance(n, int)) < FEW:
        return
    value = same_bits(value)
    while value not in kernel.held and isinstance(op := value.owner, MlOp) and _moves(kernel, op):
        value = same_bits(op.operands[0])
    if value not in kernel.held and _computes(value.owner):
        materialize(kernel, value)


def _moves(kernel: Kernel, op: MlOp) -> bool:
    """Whether an op moves elements that are better put into memory before than after it."""
    if isinstance(op, ml.DynamicSliceOp):
        return same_bits(op.operand) in kernel.held
    return isinstance(op, _MOVES)


def _computes(op: object) -> bool:
    """Whether an element costs an op, and is no constant or place."""
    return isinstance(op, Operation) and isinstance(op, MlOp) and not isinstance(op, ml.ConstantOp | ml.IotaOp)


def fill(top: Nest, buffer: SSAValue, dims: Sequence[Size], number: Number) -> None:
    """Store one number everywhere in a buffer."""
    nest, index = top.loops(dims, [f"{name}z" for name in loop_names(len(dims))])
    nest.store(nest.kernel.constant(number, memref_of(buffer).element_type), buffer, index)


def write_outputs(kernel: Kernel) -> None:
    """Compute the kernel's outputs that are not in their buffers; those of one shape in one nest."""
    groups: dict[tuple[Size, ...], list[tuple[SSAValue, SSAValue]]] = {}
    for value, buffer in kernel.outputs:
        if kernel.held.get(value) is not buffer:
            groups.setdefault(kernel.dims(value), []).append((value, buffer))
    for dims, outputs in groups.items():
        owner = outputs[-1][0].owner
        if isinstance(owner, Operation):
            kernel.at(owner)
        nest, index = Nest.top(kernel).loops(dims, loop_names(len(dims)))
        elements = [nest.element(value, index) for value, _ in outputs]
        for element, (_, buffer) in zip(elements, outputs, strict=True):
            nest.store(element, buffer, index)
