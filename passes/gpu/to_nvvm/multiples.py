"""How well places in memory are aligned: what powers of two divide the indices and addresses of a function."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import gcd
from typing import Any, cast

from xdsl.dialects import arith, memref
from xdsl.dialects.builtin import DYNAMIC_INDEX, IndexType, IntegerAttr, IntegerType, MemRefType, NoneAttr
from xdsl.ir import Block, BlockArgument, Operation, SSAValue
from xdsl.utils.hints import isa

from weft.passes.lower.host.buffers import layout_of
from weft.passes.lower.types import byte_size

MOST = 1 << 10
"""Alignments above this are not looked for."""
BASE = 16
"""The alignment in bytes of memory that a kernel is given or makes: the widest access is of 16 bytes."""


def _power(number: int) -> int:
    """The greatest power of two up to :data:`MOST` that divides a number."""
    return gcd(number, MOST)


class Multiples:
    """What divides the integers of a function, and the addresses of its buffers.

    `is_kernel`: its first block's buffers are given by a launch, so whole ones are aligned to :data:`BASE`.
    """

    def __init__(self, function: Operation, is_kernel: bool) -> None:
        region = function.regions[0]
        self.entry = region.blocks[0] if is_kernel else None
        self._carried: dict[SSAValue, int] = {}
        incoming = _incoming(region.blocks)
        for argument in incoming:
            self._carried[argument] = MOST
        changed = True
        while changed:
            changed = False
            for argument, values in incoming.items():
                known = gcd(*map(self.of, values), MOST)
                changed = changed or known != self._carried[argument]
                self._carried[argument] = known

    def of(self, value: SSAValue) -> int:
        """A power of two that divides an integer."""
        if value in self._carried:
            return self._carried[value]
        owner = value.owner
        if isinstance(owner, Block):
            return 1
        rule = _RULES.get(type(owner))
        return 1 if rule is None else rule(self, owner)

    def address(self, buffer: SSAValue, indices: Sequence[SSAValue], op: Operation) -> int:
        """A power of two that divides the address of an element, in bytes."""
        type_ = cast(MemRefType, buffer.type)
        size = byte_size(type_.element_type)
        strides = type_.get_strides() or ()
        known = gcd(self.base(buffer), self.offset(buffer, op) * size)
        for index, stride in zip(indices, strides, strict=False):
            known = gcd(known, _power(self.of(index) * (stride or 1) * size))
        return known if len(strides) == len(indices) else gcd(known, size)

    def base(self, buffer: SSAValue) -> int:
        """A power of two that divides the address which a buffer's layout counts from, in bytes."""
        owner, type_ = buffer.owner, cast(MemRefType, buffer.type)
        size = byte_size(type_.element_type)
        if isinstance(buffer, BlockArgument):
            first = owner is self.entry
            return BASE if first and isinstance(type_.layout, NoneAttr) else size
        if isinstance(owner, memref.AssumeAlignmentOp):
            return max(_power(owner.alignment.value.data), self.base(owner.memref))
        if isinstance(owner, memref.ViewOp):
            return gcd(self.base(owner.source), self.of(owner.byte_shift))
        if isinstance(owner, _OF_SOURCE):
            return self.base(owner.operands[0])
        return BASE if isinstance(owner, Operation) and owner.name in _MADE else size

    def offset(self, buffer: SSAValue, op: Operation) -> int:
        """A power of two that divides a buffer's offset, in elements."""
        owner = buffer.owner
        static = layout_of(cast(MemRefType, buffer.type), op).offset
        if static is not None:
            return _power(static)
        if isinstance(owner, memref.CastOp | memref.AssumeAlignmentOp):
            return self.offset(owner.operands[0], op)
        if not isinstance(owner, memref.SubviewOp):
            return 1
        known = self.offset(owner.source, op)
        given = iter(owner.offsets)
        strides = cast(MemRefType, owner.source.type).get_strides() or ()
        for place, stride in zip(owner.static_offsets.get_values(), strides, strict=False):
            step = self.of(next(given)) if place == DYNAMIC_INDEX else place
            known = gcd(known, _power(step * (stride or 1)))
        return known if len(strides) == len(owner.static_offsets) else 1


_OF_SOURCE = (
    memref.SubviewOp,
    memref.CastOp,
    memref.ReinterpretCastOp,
    memref.CollapseShapeOp,
    memref.ExpandShapeOp,
    memref.MemorySpaceCastOp,
    memref.ExtractStridedMetaDataOp,
)
_MADE = ("memref.alloca", "memref.get_global", "gpu.dynamic_shared_memory")


def _incoming(blocks: Sequence[Block]) -> dict[SSAValue, list[SSAValue]]:
    """For each integer argument of a block that is jumped to, what the jumps pass."""
    found: dict[SSAValue, list[SSAValue]] = {}
    for block in blocks:
        last = block.last_op
        for number, successor in enumerate(last.successors if last is not None else ()):
            passed = _passed(cast(Operation, last), number, len(successor.args))
            for argument, value in zip(successor.args, passed, strict=True):
                if isa(argument.type, IndexType | IntegerType):
                    found.setdefault(argument, []).append(value)
    return found


def _passed(op: Operation, number: int, count: int) -> Sequence[SSAValue]:
    """What a terminator passes to one of its successors: its operands end with what they are given, in order."""
    after = sum(len(successor.args) for successor in op.successors[number + 1 :])
    end = len(op.operands) - after
    return op.operands[end - count : end]


def _constant(m: Multiples, op: arith.ConstantOp) -> int:
    return _power(op.value.value.data) if isa(op.value, IntegerAttr) else 1


def _sum(m: Multiples, op: Operation) -> int:
    return gcd(m.of(op.operands[0]), m.of(op.operands[1]))


def _product(m: Multiples, op: Operation) -> int:
    return min(MOST, m.of(op.operands[0]) * m.of(op.operands[1]))


def _shifted(m: Multiples, op: arith.ShLIOp) -> int:
    owner = op.rhs.owner
    if isinstance(owner, arith.ConstantOp) and isa(owner.value, IntegerAttr):
        return min(MOST, m.of(op.lhs) << min(max(owner.value.value.data, 0), MOST.bit_length()))
    return m.of(op.lhs)


def _same(m: Multiples, op: Operation) -> int:
    return m.of(op.operands[0])


def _choice(m: Multiples, op: arith.SelectOp) -> int:
    return gcd(m.of(op.lhs), m.of(op.rhs))


def _masked(m: Multiples, op: Operation) -> int:
    return max(m.of(op.operands[0]), m.of(op.operands[1]))


_RULES: Mapping[type[Operation], Callable[[Multiples, Any], int]] = {
    arith.ConstantOp: _constant,
    arith.AddiOp: _sum,
    arith.SubiOp: _sum,
    arith.RemUIOp: _sum,
    arith.RemSIOp: _sum,
    arith.MinUIOp: _sum,
    arith.MaxUIOp: _sum,
    arith.MinSIOp: _sum,
    arith.MaxSIOp: _sum,
    arith.MuliOp: _product,
    arith.ShLIOp: _shifted,
    arith.AndIOp: _masked,
    arith.SelectOp: _choice,
    arith.IndexCastOp: _same,
    arith.ExtSIOp: _same,
    arith.ExtUIOp: _same,
}
"""Wrapping arithmetic keeps powers of two: what does not fit into a type is a power of two as well."""
