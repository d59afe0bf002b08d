"""Arguments of functions go."""

from __future__ import annotations

from functools import partial

from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import BlockArgument, Operation

from weft.driver.reduction.signature import callers, drop_argument, functions
from weft.driver.reduction.tree import attached


def drop_arguments(module: ModuleOp) -> list[partial[None]]:
    """`func.func @f(%unused: t)` -> `func.func @f()`, in its calls too."""
    return [
        partial(_drop, module, function, argument)
        for function in functions(module)
        for argument in reversed(function.regions[0].blocks[0].args)
    ]


def _drop(module: ModuleOp, function: Operation, argument: BlockArgument) -> None:
    if not attached(function, module) or argument.first_use is not None or argument not in argument.block.args:
        return
    calls, index = callers(module, function), argument.index
    if calls is None:
        return
    for call in calls:
        call.operands = [*call.operands[:index], *call.operands[index + 1 :]]
    drop_argument(function, index)


def join_arguments(module: ModuleOp) -> list[partial[None]]:
    """`@f(%a: t, %b: t)` -> `@f(%a: t)`: one argument stands for two of a type."""
    return [
        partial(_join, module, function, argument, other)
        for function in functions(module)
        for argument in reversed(function.regions[0].blocks[0].args)
        for other in function.regions[0].blocks[0].args[: argument.index]
        if other.type == argument.type
    ]


def _join(module: ModuleOp, function: Operation, argument: BlockArgument, other: BlockArgument) -> None:
    if attached(function, module) and argument in argument.block.args and other in argument.block.args:
        argument.replace_all_uses_with(other)
        _drop(module, function, argument)
