"""Gradients for those who run programs: those that a program declares, and the value and gradients of a function."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING, cast

from xdsl.dialects.builtin import ModuleOp

from weft import codes
from weft.diagnostics import WeftError
from weft.driver.compile import Compiled, Request, compile_program, source_of
from weft.driver.program import find_entry, parse
from weft.driver.source import showing
from weft.passes.graph.differentiate import Differentiate
from weft.passes.graph.gradients.declared import asks_for_gradients, fill_declarations
from weft.registry import context
from weft.room import with_room

if TYPE_CHECKING:
    from weft.driver.program import Program


def with_gradients(module: ModuleOp) -> ModuleOp:
    """A copy of a module whose declared gradients have bodies; the module itself where it declares none.

    Raises :class:`WeftError` for a gradient that cannot be made.
    """
    if asks_for_gradients(module):
        module = module.clone()
        fill_declarations(context(), module)
    return module


def value_and_grad(program: Program, function: str | None, wrt: Sequence[int], request: Request) -> Compiled:
    """Compile a function so that it gives its results, then the gradients of the first one.

    Raises :class:`WeftError` for a wrong program, and where there is no gradient.
    """
    source = source_of(program)
    with showing(source) if source is not None else nullcontext():
        return with_room(lambda: _compiled(parse(source or program), function, wrt, request))


def _compiled(module: ModuleOp, function: str | None, wrt: Sequence[int], request: Request) -> Compiled:
    if not all(isinstance(place, int) for place in cast("Sequence[object]", wrt)):
        raise WeftError(f"wrt= takes the positions of arguments, not {list(wrt)}", code=codes.OPTION_VALUE)
    name = find_entry(module, function).sym_name.data
    module = module.clone()
    gradient = f"{name}.grad"
    Differentiate(name, gradient, tuple(wrt)).apply(context(), module)
    return compile_program(module, Request(request.target, gradient, request.threads, request.pipeline))
