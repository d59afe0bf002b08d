"""The reader of MLIR text: the whole class, and the way from a text to a module."""

from __future__ import annotations

from xdsl.context import Context
from xdsl.dialect_interfaces.op_asm import OpAsmDialectInterface
from xdsl.dialects.builtin import ModuleOp, StringAttr
from xdsl.ir import Operation
from xdsl.ir.affine import AffineExpr

from weft import codes, collection
from weft.diagnostics import Location, WeftError
from weft.frontends.mlir import nesting
from weft.frontends.mlir.machine import Machine, core
from weft.frontends.mlir.recovery import END, Recovery
from weft.frontends.mlir.shim import symbol_name
from weft.frontends.mlir.text import decoded, unescape
from weft.room import with_room


class Unread(WeftError):
    """What is wrong with a text, and what could be read of it nevertheless.

    `module` holds the operations that were read; `damaged` are those of them that miss something in their regions, and
    `lost_symbols` the symbols (with their `@`) that occur in what is missing.
    """

    def __init__(
        self, errors: list[WeftError], module: ModuleOp, damaged: set[Operation], lost_symbols: frozenset[str]
    ) -> None:
        first = errors[0]
        super().__init__(first.message, first.where, first.hint, code=first.code)
        self.diagnostics = tuple(error.diagnostic for error in errors)
        self.module = module
        self.damaged = damaged
        self.lost_symbols = lost_symbols


class Reader(Recovery):
    """Reads one text, once. It is an xDSL `Parser`, so that every `parse` hook of a dialect works with it."""

    def __init__(
        self,
        ctx: Context,
        text: str,
        filename: str = "<stdin>",
        first_line: int = 1,
        machine: Machine | None = None,
    ) -> None:
        self.affine_names: dict[str, AffineExpr] = {}
        """The dimensions and symbols of the affine map that is read."""
        self.resource_names: dict[tuple[str, str], str] = {}
        """By dialect and the key in this text: the name under which the dialect keeps the resource."""
        self.start_driver(machine or core(), ctx, text, filename, first_line)
        self.reset_scopes()
        self.reset_shim()
        self.reset_islands()
        self.reset_recovery()

    def parse_module(self, allow_implicit_module: bool = True) -> ModuleOp:
        """The module of the text; one is put around other operations where that is allowed.

        Raises Unread, with every error and with what could be read.
        """
        top = self.block
        try:
            self.run("module")
        except (RecursionError, MemoryError):
            raise
        except Exception:
            if not self.errors:
                raise
        if self.kind == END:
            self.check_all_defined()
        if not self.errors:
            module = self._module_of(list(top.ops), allow_implicit_module)
            if not self.errors:
                return module
        self.fill_in(top)
        self.damaged_text = self.damaged_text or self.stopped
        module = self._module_of(list(top.ops), True)
        damaged = {op for region in self.damaged if (op := region.parent) is not None}
        if self.damaged_text:
            damaged.add(module)
        raise Unread(self.errors, module, damaged, frozenset(self.lost_symbols))

    def _module_of(self, ops: list[Operation], allow_implicit_module: bool) -> ModuleOp:
        if len(ops) == 1 and isinstance(ops[0], ModuleOp):
            module = ops[0]
            module.detach()
            return module
        if not allow_implicit_module:
            self.report("expected one builtin.module", 0, code=codes.NOT_ONE_MODULE)
        for op in ops:
            op.detach()
        module = ModuleOp(ops)
        module.location = self.lines.at(0)
        return module

    # ---------- for actions
    def text_of(self, token: str) -> str:
        """The contents of a string token that must be text."""
        contents = unescape(token)
        if isinstance(contents, str):
            return contents
        try:
            return contents.decode()
        except UnicodeDecodeError:
            self.fail("this string is not UTF-8", self.here(), code=codes.NOT_UTF8)

    def symbol(self, token: str) -> StringAttr:
        """The name in `@name`."""
        return symbol_name(token)

    def resource(self, dialect: str, store: OpAsmDialectInterface, key: str) -> str:
        """The name under which a dialect keeps the resource that this text calls `key`."""
        name = self.resource_names.get((dialect, key))
        if name is None:
            name = self.resource_names[dialect, key] = store.declare_resource(key)
        return name

    def leave_dialect(self) -> None:
        """A generic op ends: names without a dialect are no longer looked for in its own."""
        self._parser_state.dialect_stack.pop()


def parse_module(
    text: str | bytes,
    ctx: Context,
    filename: str = "<stdin>",
    *,
    first_line: int = 1,
    allow_implicit_module: bool = True,
) -> ModuleOp:
    """Read a module in MLIR's text, in generic form or in the syntax of its dialects.

    Operations that do not stand in a `builtin.module` get one, where that is allowed. Every operation and block
    argument has the location that the text gives it, else `filename:line:column` of where it begins; `first_line`
    is the line of the file on which the text begins. The module is not verified. Raises WeftError, located, for
    everything that is wrong with the text.
    """
    if isinstance(text, bytes):
        text = decoded(text, filename, first_line)
    with collection.paused():
        try:
            return with_room(lambda: Reader(ctx, text, filename, first_line).parse_module(allow_implicit_module))
        except RecursionError as error:
            raise WeftError(nesting.TOO_DEEP, Location(filename, first_line, 1), code=codes.TOO_DEEP) from error
