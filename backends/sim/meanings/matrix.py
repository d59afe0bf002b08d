"""Matrices that a warp holds together: products in registers, and loads and stores of 8x8 matrices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from xdsl.dialects import llvm
from xdsl.dialects.builtin import i32
from xdsl.ir import Attribute, SSAValue

from weft.backends.sim.emit import PTR, Emitter
from weft.backends.sim.meanings.base import Meaning, struct_of
from weft.backends.sim.products import A_AT, B_AT, C_AT, D_AT, Product
from weft.backends.sim.shared import size_of
from weft.dialects.nvvm.instruction import NvvmOp

_ALL = -1


def _bring_registers(emit: Emitter, slot: SSAValue, at: int, values: Sequence[SSAValue]) -> None:
    for value in values:
        emit.store(value, emit.place(slot, at))
        at += size_of(value.type)


def take(emit: Emitter, pointer: SSAValue, type_: Attribute) -> SSAValue:
    """A value, or a struct of values that lie one behind the other."""
    if not isinstance(type_, llvm.LLVMStructType):
        return emit.load(pointer, type_)
    parts: list[SSAValue] = []
    offset = 0
    for part in type_.types:
        parts.append(emit.load(emit.place(pointer, offset), part))
        offset += size_of(part)
    return struct_of(emit, type_, parts)


def registers_product(emit: Emitter, op: NvvmOp, product: Product, a: str, b: str, c: str) -> Sequence[SSAValue]:
    """D = A * B + C of operands of these names."""
    slot = emit.call("weft.slot", PTR)
    for at, name in ((A_AT, a), (B_AT, b), (C_AT, c)):
        _bring_registers(emit, slot, at, op.values(name))
    emit.with_warp(emit.number(_ALL), emit.context.services.number("mma", product))
    return [take(emit, emit.place(emit.call("weft.seen", PTR, emit.call("weft.lane", i32)), D_AT), op.results[0].type)]


MATRIX: Mapping[str, Meaning] = {}
