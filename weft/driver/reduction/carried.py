"""Values that structured control flow carries go."""

from __future__ import annotations

from functools import partial

from xdsl.dialects import scf
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation

from weft.driver.reduction.results import without_result
from weft.driver.reduction.tree import attached

_CARRIED: dict[type[Operation], tuple[int | None, int | None]] = {
    scf.IfOp: (None, None),
    scf.IndexSwitchOp: (None, None),
    scf.ExecuteRegionOp: (None, None),
    scf.ForOp: (3, 1),
}
"""Ops whose bodies yield one value for each result: where the operands and the arguments of the bodies begin that go
with the results; None where there are none."""


def drop_carried(module: ModuleOp) -> list[partial[None]]:
    """`%0:2 = scf.if %c -> (t, t) {... scf.yield %a, %b}` -> `%0 = scf.if %c -> (t) {... scf.yield %a}`."""
    return [
        partial(_drop, module, op, index)
        for op in module.walk()
        if type(op) in _CARRIED
        for index in reversed(range(len(op.results)))
    ]


def _drop(module: ModuleOp, op: Operation, index: int) -> None:
    if not attached(op, module) or index >= len(op.results) or op.results[index].first_use is not None:
        return
    operand, argument = _CARRIED[type(op)]
    for region in op.regions:
        for block in region.blocks:
            end = block.last_op
            if end is not None and end.name == "scf.yield":
                end.operands = [*end.operands[:index], *end.operands[index + 1 :]]
            if argument is not None and operand is not None:
                carried = block.args[argument + index]
                carried.replace_all_uses_with(op.operands[operand + index])
                block.erase_arg(carried)
    if operand is not None:
        op.operands = [value for n, value in enumerate(op.operands) if n != operand + index]
    without_result(op, index)
