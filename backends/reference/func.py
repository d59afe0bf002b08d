"""The `func` dialect: calls, also of a function by itself; a kernel of the `loop` dialect runs as one."""

from __future__ import annotations

from xdsl.dialects import func
from xdsl.interpreter import ReturnedValues

from weft import codes
from weft.backends.reference.machine import Machine, Rules
from weft.dialects.locations import error_at
from weft.dialects.scalars.types import Value


def _call(machine: Machine, op: func.CallOp, args: tuple[Value, ...]) -> tuple[Value, ...]:
    name = op.callee.string_value()
    function = machine.functions.get(name)
    if function is None:
        raise error_at(op, f"there is no function @{name} to call", code=codes.WRONG_SYMBOL)
    if function.is_declaration:
        raise error_at(op, f"@{name} has no body: the reference cannot call into other code", code=codes.NO_BODY)
    return machine.call(function, args)


def _return(machine: Machine, op: func.ReturnOp, args: tuple[Value, ...]) -> tuple[Value, ...]:
    return ReturnedValues(args)


RULES: Rules = {func.CallOp: _call, func.ReturnOp: _return}
