"""Gradients that a program asks for by declaring them."""

from __future__ import annotations

from xdsl.context import Context
from xdsl.dialects import func
from xdsl.dialects.builtin import DenseArrayBase, ModuleOp, SymbolRefAttr

from weft import codes
from weft.diagnostics import did_you_mean
from weft.dialects.locations import error_at
from weft.passes.graph.gradients.function import Wish, gradient_of
from weft.passes.graph.gradients.inline import functions_of
from weft.passes.graph.gradients.reverse import Tables
from weft.passes.graph.gradients.tables import tables_for

OF, WRT, SEED = "weft.gradient", "weft.wrt", "weft.seed"
"""The attributes of a declaration: the function whose gradient it is, and the options of the pass."""


def asks_for_gradients(module: ModuleOp) -> bool:
    """Whether a module declares gradients that have no body yet."""
    return any(_asks(function) for function in functions_of(module).values())


def fill_declarations(ctx: Context, module: ModuleOp) -> None:
    """Give each declared gradient its body. Raises :class:`WeftError` for one that cannot be, or is of another type."""
    if not asks_for_gradients(module):
        return
    tables = tables_for(ctx, module)
    for name in functions_of(module):
        # another one that needed it may have filled it already
        if _asks(functions_of(module)[name]):
            _fill(module, name, tables, ())


def _asks(function: func.FuncOp) -> bool:
    return function.is_declaration and OF in function.attributes


def _fill(module: ModuleOp, name: str, tables: Tables, waiting: tuple[str, ...]) -> None:
    """Put the function in the place of its declaration; gradients that it needs come first."""
    functions = functions_of(module)
    declared = functions[name]
    wish = _wish(declared, functions)
    if name in waiting:
        raise error_at(declared, f"@{name} is declared as the gradient of itself", code=codes.WRONG_SYMBOL)
    needed = {wish.function, *(_called(functions[wish.function], functions))}
    for other in sorted(needed):
        if _asks(functions_of(module)[other]):
            _fill(module, other, tables, (*waiting, name))
    functions = functions_of(module)
    made = gradient_of(functions[wish.function], functions, wish, tables)
    if made.function_type != declared.function_type:
        message = f"@{name} is declared as {declared.function_type}, but the gradient is {made.function_type}"
        raise error_at(declared, message, code=codes.TYPE_MISMATCH)
    made.sym_visibility = declared.sym_visibility
    made.location = declared.location
    block = module.body.block
    block.insert_op_before(made, declared)
    declared.detach()
    declared.erase()


def _wish(declared: func.FuncOp, functions: dict[str, func.FuncOp]) -> Wish:
    """What a declaration asks for. Raises WeftError for attributes of other kinds."""
    name, of, wrt = declared.sym_name.data, declared.attributes[OF], declared.attributes.get(WRT)
    if not isinstance(of, SymbolRefAttr):
        message = f"{OF} of @{name} must name a function, as @f, not {of}"
        raise error_at(declared, message, code=codes.BAD_ATTRIBUTE)
    source = of.string_value()
    if source not in functions:
        message, hint = f"there is no function @{source} to differentiate", did_you_mean(source, functions)
        raise error_at(declared, message, hint, code=codes.WRONG_SYMBOL)
    if wrt is not None and not isinstance(wrt, DenseArrayBase):
        message = f"{WRT} of @{name} must be positions of arguments, as array<i64: 0, 1>, not {wrt}"
        raise error_at(declared, message, code=codes.BAD_ATTRIBUTE)
    positions = () if wrt is None else tuple(int(n) for n in wrt.get_values())
    return Wish(source, name, positions, SEED in declared.attributes)


def _called(function: func.FuncOp, functions: dict[str, func.FuncOp]) -> set[str]:
    """The functions of the module that a function calls, and those that they call."""
    found: set[str] = set()
    work = [function]
    while work:
        for op in work.pop().walk():
            if isinstance(op, func.CallOp) and (name := op.callee.string_value()) in functions and name not in found:
                found.add(name)
                work.append(functions[name])
    return found
