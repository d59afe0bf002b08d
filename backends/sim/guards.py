"""Guards: in a checked kernel, every access of memory goes by the checker first."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import cast

from xdsl.dialects import llvm
from xdsl.dialects.builtin import IntegerAttr, IntegerType, VectorType, i64
from xdsl.ir import Attribute, BlockArgument, Operation, SSAValue
from xdsl.utils.hints import isa

from weft.backends.sim.emit import PTR, Emitter
from weft.backends.sim.layout import ATOMIC, WRITE
from weft.backends.sim.shared import size_of
from weft.dialects.upstream import llvm as ours

_UNKNOWN = -1
"""The size of what a pointer points into, where only its allocation tells."""
_TO_THE_END = -2
"""The size of dynamic shared memory: what is left of the block's."""


def _atomic(op: Operation) -> int:
    ordering = op.get_attr_or_prop("ordering")
    return ATOMIC if isinstance(ordering, IntegerAttr) and ordering.value.data else 0


_ACCESSES: Mapping[type[Operation], Callable[[Operation], tuple[int, Attribute, int]]] = {
    llvm.LoadOp: lambda op: (0, op.results[0].type, _atomic(op)),
    llvm.StoreOp: lambda op: (1, op.operands[0].type, WRITE | _atomic(op)),
    ours.AtomicRMWOp: lambda op: (0, op.operands[1].type, WRITE | ATOMIC),
    ours.AtomicCmpXchgOp: lambda op: (0, op.operands[1].type, WRITE | ATOMIC),
    ours.MaskedLoadOp: lambda op: (0, op.results[0].type, 0),
    ours.MaskedStoreOp: lambda op: (1, op.operands[0].type, WRITE),
}
"""For each op that accesses memory: which operand is the pointer, the type, and how."""


def is_access(op: Operation) -> bool:
    """Whether an op accesses memory that others may see."""
    if type(op) not in _ACCESSES:
        return False
    pointer, _, _ = _ACCESSES[type(op)](op)
    return not isinstance(root_of(op.operands[pointer]).owner, llvm.AllocaOp)


def make_unaligned(op: Operation) -> None:
    """Let an access be at any address: what is an error on a device must not end this process. Atomic ones may be
    anyway."""
    if _atomic(op):
        if isinstance(op, (llvm.LoadOp, llvm.StoreOp)) and op.alignment is None:
            type_ = op.results[0].type if op.results else op.operands[0].type
            op.properties["alignment"] = IntegerAttr(size_of(type_), i64)
        return
    if isinstance(said := op.get_attr_or_prop("alignment"), IntegerAttr):
        op.properties["alignment"] = IntegerAttr(1, cast("IntegerAttr[IntegerType]", said).type)
    elif isinstance(op, (llvm.LoadOp, llvm.StoreOp)):
        op.properties["alignment"] = IntegerAttr(1, i64)


def root_of(pointer: SSAValue) -> SSAValue:
    """The pointer that another was made from: an argument, an `addressof`, an `alloca`, or what is not known."""
    while isinstance(owner := pointer.owner, (llvm.GEPOp, ours.AddrSpaceCastOp, llvm.BitcastOp)):
        pointer = owner.operands[0]
    return pointer


def guard(emit: Emitter) -> None:
    """Have the access at hand go where the checker says: to its place, or, out of bounds, to where it does no harm."""
    op = emit.op
    index, type_, kind = _ACCESSES[type(op)](op)
    value = op.operands[0] if isinstance(op, llvm.StoreOp) and not _atomic(op) else None
    mask = _mask(op, type_, emit)
    if mask is not None:
        assert isa(type_, VectorType)
        type_ = type_.element_type
    if (alignment := _alignment(op, type_)) > 1:
        kind |= alignment << 8
    op.operands[index] = checked_pointer(emit, op.operands[index], size_of(type_), kind, mask, value)


def _alignment(op: Operation, type_: Attribute) -> int:
    """The alignment that an access needs: what it says, else that of its type."""
    said = op.get_attr_or_prop("alignment")
    size = size_of(type_)
    return said.value.data if isinstance(said, IntegerAttr) else size & -size


def _mask(op: Operation, type_: Attribute, emit: Emitter) -> SSAValue | None:
    """The lanes of a masked access, as bits."""
    if not isinstance(op, (ours.MaskedLoadOp, ours.MaskedStoreOp)) or not isa(type_, VectorType):
        return None
    bits = emit.value(llvm.BitcastOp(op.mask, IntegerType(type_.get_shape()[0])))
    return emit.widen(bits)


def checked_pointer(
    emit: Emitter,
    pointer: SSAValue,
    bytes_: int,
    kind: int,
    mask: SSAValue | None = None,
    value: SSAValue | None = None,
) -> SSAValue:
    """The pointer that an access of so many bytes may use; with `mask`, of so many for each lane whose bit is set.
    `value` is what a store writes: two threads that write the same do no harm to each other.
    """
    root = root_of(pointer)
    size = _UNKNOWN
    if isinstance(owner := root.owner, llvm.AddressOfOp) and (
        place := emit.context.shared.places.get(owner.global_name.string_value())
    ):
        size = place.size if place.size is not None else _TO_THE_END
    elif not isinstance(root, BlockArgument):
        root = pointer
    tail = (emit.number(size, i64), emit.number(bytes_, i64), emit.widen(emit.site()), emit.number(kind, i64))
    if mask is not None:
        return emit.call("weft_sim_check_masked", PTR, pointer, root, *tail, mask)
    written = value_in_memory(emit, value) if value is not None else emit.value(llvm.ZeroOp(result_types=[PTR]))
    return emit.call("weft_sim_check", PTR, pointer, root, *tail, written)


def value_in_memory(emit: Emitter, value: SSAValue) -> SSAValue:
    """A pointer to a copy of a value."""
    place = emit.memory(size_of(value.type))
    emit.store(value, place)
    return place
