"""A function with the functions that it calls put into it."""

from __future__ import annotations

from collections.abc import Mapping

from xdsl.dialects import func
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Block, SSAValue

from weft import codes
from weft.dialects.locations import error_at
from weft.passes.rewriting import LocatedBuilder

Functions = Mapping[str, func.FuncOp]


def functions_of(module: ModuleOp) -> dict[str, func.FuncOp]:
    """The functions of a module, by name."""
    return {op.sym_name.data: op for op in module.body.block.ops if isinstance(op, func.FuncOp)}


def body_of(function: func.FuncOp) -> Block:
    """The block of a function. Raises WeftError where it has none, or more than one."""
    name = function.sym_name.data
    if function.is_declaration:
        raise error_at(function, f"@{name} has no body to differentiate", code=codes.NO_BODY)
    if len(function.body.blocks) != 1:
        raise error_at(
            function,
            f"@{name} branches between blocks: only structured control flow has gradients",
            "write it with scf.if and scf.for",
            code=codes.NO_GRADIENT,
        )
    return function.body.block


def inlined(function: func.FuncOp, functions: Functions) -> Block:
    """A copy of a function's block in which every call of a function that has a body is replaced by it.

    Raises WeftError where the function has no body, and for functions that call themselves or have several blocks.
    """
    body_of(function)
    copy = function.body.clone()
    block = copy.detach_block(copy.block)
    _inline_calls(block, functions, (function.sym_name.data,))
    return block


def _inline_calls(block: Block, functions: Functions, callers: tuple[str, ...]) -> None:
    for op in list(block.walk()):
        if isinstance(op, func.CallOp):
            _inline(op, functions, callers)


def _inline(call: func.CallOp, functions: Functions, callers: tuple[str, ...]) -> None:
    name = call.callee.string_value()
    if name in callers:
        message = f"@{name} calls itself: a recursive function has no gradient"
        raise error_at(call, message, "write it with scf.for", code=codes.RECURSIVE_CALL)
    callee = functions.get(name)
    if callee is None or callee.is_declaration:
        return  # code from outside: it is called as it is, and no gradient passes
    body = body_of(callee)
    values: dict[SSAValue, SSAValue] = dict(zip(body.args, call.arguments, strict=True))
    builder = LocatedBuilder.before(call)
    copies = [builder.insert(op.clone(values)) for op in body.ops]
    end = copies.pop()
    for old, new in zip(call.results, end.operands, strict=True):
        old.replace_all_uses_with(new)
    for op in (call, end):
        op.detach()
        op.erase()
    for op in copies:
        for inner in list(op.walk()):
            if isinstance(inner, func.CallOp):
                _inline(inner, functions, (*callers, name))
