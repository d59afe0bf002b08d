"""Recursion, which no program of weft may use."""

from __future__ import annotations

from collections.abc import Mapping

from xdsl.dialects import func
from xdsl.ir import Operation

from weft import codes
from weft.dialects.locations import error_at


def refuse_recursion(functions: Mapping[str, Operation]) -> None:
    """Raises :class:`WeftError` at a call that leads back to its function: the stack is not for programs to fill."""
    done: set[str] = set()
    path: list[str] = []

    def visit(name: str) -> None:
        path.append(name)
        for op in functions[name].walk():
            if not isinstance(op, func.CallOp) or (callee := op.callee.string_value()) not in functions:
                continue
            if callee in path:
                circle = " -> ".join(f"@{step}" for step in [*path[path.index(callee) :], callee])
                raise error_at(op, f"recursion is not supported: {circle}", "use a loop", code=codes.RECURSIVE_CALL)
            if callee not in done:
                visit(callee)
        path.pop()
        done.add(name)

    for name in functions:
        if name not in done:
            visit(name)
