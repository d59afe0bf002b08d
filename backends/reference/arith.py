"""The `arith` dialect, by the meanings of its ops; a bitcast of memory is a view."""

from __future__ import annotations

from xdsl.dialects import arith

from weft.backends.reference.machine import Machine, Rules, without_machine
from weft.backends.reference.values import Buffer
from weft.dialects.scalars.arith import MEANINGS
from weft.dialects.scalars.types import Value, need_dtype


def _bitcast(machine: Machine, op: arith.BitcastOp, args: tuple[Value, ...]) -> tuple[Value, ...]:
    (value,) = args
    if not isinstance(value, Buffer):
        return MEANINGS[arith.BitcastOp](op, args)
    memory = value.storage.view(need_dtype(op, op.result.type))
    return (Buffer(memory, value.offset, value.sizes, value.strides),)


RULES: Rules = {**without_machine(MEANINGS), arith.BitcastOp: _bitcast}
