"""Results of functions go."""

from __future__ import annotations

from functools import partial

from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation

from weft.driver.reduction.signature import callers, drop_result_type, functions, result_types
from weft.driver.reduction.tree import attached, erase


def drop_results(module: ModuleOp) -> list[partial[None]]:
    """`func.return %a, %b` -> `func.return %a`, where no call uses the result."""
    return [
        partial(_drop, module, function, index)
        for function in functions(module)
        for index in reversed(range(len(result_types(function))))
    ]


def _drop(module: ModuleOp, function: Operation, index: int) -> None:
    if not attached(function, module) or index >= len(result_types(function)):
        return
    calls = callers(module, function)
    if calls is None or any(call.results[index].first_use is not None for call in calls):
        return
    count = len(result_types(function))
    for block in function.regions[0].blocks:
        end = block.last_op
        if end is not None and not end.successors and len(end.operands) == count:
            end.operands = [*end.operands[:index], *end.operands[index + 1 :]]
    for call in calls:
        without_result(call, index)
    drop_result_type(function, index)


def without_result(op: Operation, index: int) -> Operation:
    """Replace an op by one that lacks an unused result; regions move over."""
    kept = [result for n, result in enumerate(op.results) if n != index]
    other = type(op).create(
        operands=list(op.operands),
        result_types=[result.type for result in kept],
        properties=dict(op.properties),
        attributes=dict(op.attributes),
        successors=list(op.successors),
        regions=[op.detach_region(region) for region in list(op.regions)],
        location=op.location,
    )
    assert op.parent is not None
    op.parent.insert_op_before(other, op)
    for old, new in zip(kept, other.results, strict=True):
        new.name_hint = old.name_hint
        old.replace_all_uses_with(new)
    erase(op)
    return other
