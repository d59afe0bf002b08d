"""`memref.atomic_rmw`: one instruction where the machine has it, else a loop that compares and swaps."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from xdsl.dialects import arith, llvm, memref
from xdsl.dialects.builtin import f32, f64, i1
from xdsl.ir import Operation

from weft import codes
from weft.dialects.locations import error_at
from weft.dialects.upstream import llvm as ours
from weft.dialects.upstream.syntax.memref import ATOMIC_KINDS
from weft.passes.gpu.to_nvvm.function import DeviceFunction
from weft.passes.lower.function_builder import Value
from weft.passes.lower.host.memory import element_address
from weft.passes.lower.scalar_casts import is_narrow, narrow, widen
from weft.passes.lower.scalars import SCALAR_RULES
from weft.passes.lower.types import bits, integer_type, is_float

_DIRECT: Mapping[str, str] = {
    "addi": "add",
    "maxs": "max",
    "maxu": "umax",
    "mins": "min",
    "minu": "umin",
    "ori": "_or",
    "andi": "_and",
    "xori": "_xor",
}
"""Updates of integers that are an instruction, for 32 and 64 bits."""

_COMBINED: Mapping[str, type[Operation]] = {
    "addf": arith.AddfOp,
    "mulf": arith.MulfOp,
    "maximumf": arith.MaximumfOp,
    "minimumf": arith.MinimumfOp,
    "maxnumf": arith.MaxnumfOp,
    "minnumf": arith.MinnumfOp,
    "addi": arith.AddiOp,
    "muli": arith.MuliOp,
    "maxs": arith.MaxSIOp,
    "maxu": arith.MaxUIOp,
    "mins": arith.MinSIOp,
    "minu": arith.MinUIOp,
    "ori": arith.OrIOp,
    "andi": arith.AndIOp,
    "xori": arith.XOrIOp,
}

_WHOLE = (32, 64)


def lower_atomic(f: DeviceFunction, op: memref.AtomicRMWOp) -> None:
    """`memref.atomic_rmw`: relaxed, and seen by the whole device."""
    address, buffer = element_address(f, op.memref, op.indices, op)
    kind, value = ATOMIC_KINDS[op.kind.value.data], f.scalar(op.value)
    direct = _instruction(kind, value)
    if direct is not None:
        rmw = ours.AtomicRMWOp(direct, address, value, scope="device")
        f.e.add_op(rmw)
        f.define(op.result, rmw.res)
        return
    if buffer.element == i1:
        raise error_at(op, "an i1 cannot be updated atomically", "use an i32", code=codes.UNSUPPORTED_TYPE)
    f.define(op.result, _swap_loop(f, address, value, lambda old: _updated(f, kind, old, value, op)))


def _instruction(kind: str, value: Value) -> str | None:
    """The instruction that makes an update of a type, if there is one."""
    if is_float(value.type):
        return "fadd" if kind == "addf" and value.type in (f32, f64) else None
    if bits(value.type) not in _WHOLE:
        return None
    return "xchg" if kind == "assign" else _DIRECT.get(kind)


def _updated(f: DeviceFunction, kind: str, old: Value, value: Value, op: Operation) -> Value:
    """What an update leaves in memory."""
    e = f.e
    if kind == "assign":
        return value
    rule = SCALAR_RULES[_COMBINED[kind]]
    if not is_narrow(old.type):
        return rule(e, op, (old, value))
    return narrow(e, rule(e, op, (widen(e, old), widen(e, value))), old.type)


def _swap_loop(f: DeviceFunction, address: Value, value: Value, update: Callable[[Value], Value]) -> Value:
    """Put `update` of what an address holds there, again and again until nobody came between. Gives what it held."""
    e, type_ = f.e, value.type
    raw = integer_type(bits(type_))
    head, done = e.block(raw), e.block()
    e.br(head, (e.load(address, raw, bits(type_) // 8),))
    e.enter(head)
    (expected,) = head.args
    old = e.cast(llvm.BitcastOp, expected, type_) if is_float(type_) else expected
    new = update(old)
    swap = ours.AtomicCmpXchgOp(address, expected, e.cast(llvm.BitcastOp, new, raw), scope="device")
    e.add_op(swap)
    found = e.extract_value(swap.res, 0, raw)
    e.cond_br(e.extract_value(swap.res, 1, i1), done, head, (), (found,))
    e.enter(done)
    return old


ATOMIC_RULES: Mapping[type[Operation], Any] = {memref.AtomicRMWOp: lower_atomic}
"""Atomic updates."""
