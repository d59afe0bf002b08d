"""The examples in an op's docstring, each as a function whose arguments are what the example leaves undefined."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator

from xdsl.context import Context
from xdsl.dialects import func
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Block, Operation, Region

from weft import codes
from weft.diagnostics import WeftError
from weft.dialects.locations import give
from weft.frontends.mlir.reader import Reader

_BLOCK = re.compile(r"```mlir\n(.*?)```", re.S)

NAME = "example"
"""The function that an example becomes."""


def examples(kind: type[Operation]) -> Iterator[str]:
    """The texts of the ```mlir blocks in an op's own docstring."""
    doc = kind.__dict__.get("__doc__")
    yield from _BLOCK.findall(inspect.cleandoc(doc) if doc else "")


class _OpenReader(Reader):
    """Reads text whose values need not all be defined."""

    def check_values_defined(self, begin: int) -> None:
        """Values that the text leaves undefined stay so."""


def read_example(text: str, ctx: Context, name: str) -> ModuleOp:
    """A module with one function that holds the example. It gives what the example makes and does not use.

    Raises :class:`WeftError` for text that cannot be read.
    """
    reader = _OpenReader(ctx, text, name)
    body = Block()
    try:
        reader.run("module")
    except Exception as error:
        if not reader.errors:
            raise WeftError(str(error), code=codes.SYNTAX) from error
    if reader.errors:
        raise WeftError.several(reader.errors)
    for named in sorted(reader.forward_ssa_references):
        for _, value in sorted(reader.forward_ssa_references[named].items()):
            argument = body.insert_arg(value.type, len(body.args))
            argument.name_hint = named if not named.isdigit() else None
            value.replace_all_uses_with(argument)
    for op in list(reader.block.ops):
        op.detach()
        body.add_op(op)
    results = [result for op in body.ops for result in op.results if result.first_use is None]
    end = func.ReturnOp(*results)
    body.add_op(end)
    types = ([argument.type for argument in body.args], [result.type for result in results])
    function = func.FuncOp(NAME, types, Region(body))
    module = ModuleOp([function])
    for op in (module, function, end):
        give(op, reader.lines.at(0))
    for argument in body.args:
        argument.location = reader.lines.at(0)
    return module
