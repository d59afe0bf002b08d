"""Modules as text, the way MLIR prints them."""

from __future__ import annotations

from dataclasses import dataclass, field
from io import StringIO

from xdsl.ir import Block, Operation, SSAValue
from xdsl.printer import Printer

from weft.driver.numbering import number


@dataclass(eq=False, repr=False)
class MlirPrinter(Printer):
    """xDSL's printer with MLIR's names: values are numbered, several results are one name (`%0:2`, `%0#1`)."""

    names: dict[SSAValue, str] = field(default_factory=dict[SSAValue, str])

    def _print_results(self, op: Operation) -> None:
        results = op.results
        if len(results) < 2:
            super()._print_results(op)
            return
        name = self.names[results[0]].partition("#")[0]
        self.print_string(f"%{name}:{len(results)} = ")

    def print_ssa_value(self, value: SSAValue) -> str:
        """Print a value by its name."""
        name = self.names.get(value)
        if name is None:
            return super().print_ssa_value(value)
        self.print_string(f"%{name}")
        return name

    def _populate_block_name(self, block: Block, block_index: int | None = None) -> None:
        hint, block.name_hint = block.name_hint, None
        super()._populate_block_name(block, block_index)
        block.name_hint = hint


def print_module(module: Operation, *, generic: bool = False, debuginfo: bool = False, keep_names: bool = False) -> str:
    """The text of a module, ending in a newline. `keep_names` keeps the names that values have in the source."""
    stream = StringIO()
    if keep_names:
        printer = Printer(stream, print_generic_format=generic, print_debuginfo=debuginfo)
    else:
        names: dict[SSAValue, str] = {}
        number(module, names)
        printer = MlirPrinter(stream, print_generic_format=generic, print_debuginfo=debuginfo, names=names)
    printer.print_op(module)
    return stream.getvalue() + "\n"
