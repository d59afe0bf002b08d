"""`gpu.module` and its functions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from xdsl.dialects.builtin import ArrayAttr, NoneAttr, StringAttr, SymbolNameConstraint
from xdsl.ir import Attribute, Block, Operation, Region
from xdsl.irdl import IRDLOperation, irdl_op_definition, opt_prop_def, prop_def, region_def, traits_def
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.traits import IsolatedFromAbove, IsTerminator, NoTerminator, SymbolOpInterface, SymbolTable

from weft.dialects.gpu.attributes import ObjectAttr, SelectObjectAttr

_FIRST = SelectObjectAttr(NoneAttr())
"""The first object of a binary is taken."""


@irdl_op_definition
class ModuleEndOp(IRDLOperation):
    """The end of a `gpu.module` as MLIR had it up to version 19; a module drops it.

    ```mlir
    "gpu.module_end"() : () -> ()
    ```
    """

    name = "gpu.module_end"
    traits = traits_def(IsTerminator())
    assembly_format = "attr-dict"


@irdl_op_definition
class ModuleOp(IRDLOperation):
    """Code for a device, and the targets that it is compiled for.

    ```mlir
    gpu.module @kernels [#nvvm.target<chip = "sm_90a", features = "+ptx86">] {
      gpu.func @f() kernel {
        gpu.return
      }
    }
    ```
    """

    name = "gpu.module"
    sym_name = prop_def(SymbolNameConstraint())
    targets = opt_prop_def(ArrayAttr)
    offloading_handler = opt_prop_def(Attribute, prop_name="offloadingHandler")
    body = region_def("single_block")

    traits = traits_def(IsolatedFromAbove(), NoTerminator(), SymbolOpInterface(), SymbolTable())

    def __init__(
        self,
        name: str,
        ops: Sequence[Operation] | Region = (),
        targets: Sequence[Attribute] = (),
        attributes: dict[str, Attribute] | None = None,
    ) -> None:
        body = ops if isinstance(ops, Region) else Region(Block(ops))
        super().__init__(
            properties={"sym_name": StringAttr(name), "targets": ArrayAttr(targets) if targets else None},
            attributes=dict(attributes or {}),
            regions=[body],
        )

    def __post_init__(self) -> None:
        super().__post_init__()
        last = self.body.blocks[0].last_op if self.body.blocks else None
        if isinstance(last, ModuleEndOp):
            last.detach()

    @classmethod
    def parse(cls, parser: Parser) -> ModuleOp:
        """Reads `@name <HANDLER> [TARGETS] attributes {...} {...}`."""
        name = parser.parse_symbol_name().data
        handler = _parse_handler(parser)
        targets = parser.parse_optional_comma_separated_list(parser.Delimiter.SQUARE, parser.parse_attribute)
        attributes = parser.parse_optional_attr_dict_with_keyword()
        region = parser.parse_region()
        if not region.blocks:
            region.add_block(Block())
        op = cls(name, region, targets or (), None if attributes is None else dict(attributes.data))
        if handler is not None:
            op.offloading_handler = handler
        return op

    def print(self, printer: Printer) -> None:
        """Prints what :meth:`parse` reads."""
        printer.print_string(" ")
        printer.print_symbol_name(self.sym_name.data)
        _print_handler(printer, self.offloading_handler)
        if self.targets is not None:
            printer.print_string(" ")
            printer.print_attribute(self.targets)
        printer.print_op_attributes(self.attributes, print_keyword=True)
        printer.print_string(" ")
        printer.print_region(self.body, print_empty_block=False)


def _parse_handler(parser: Parser) -> Attribute | None:
    if parser.parse_optional_punctuation("<") is None:
        return None
    handler = parser.parse_attribute()
    parser.parse_punctuation(">")
    return handler


def _print_handler(printer: Printer, handler: Attribute | None) -> None:
    if handler is not None:
        printer.print_string(" ")
        with printer.in_angle_brackets():
            printer.print_attribute(handler)


@irdl_op_definition
class BinaryOp(IRDLOperation):
    """A `gpu.module` that was compiled: an object for each of its targets.

    ```mlir
    gpu.binary @kernels [#gpu.object<#nvvm.target<chip = "sm_90">, assembly = ".version 8.6">]
    ```
    """

    name = "gpu.binary"
    sym_name = prop_def(SymbolNameConstraint())
    offloading_handler = prop_def(Attribute, prop_name="offloadingHandler", default_value=_FIRST)
    objects = prop_def(ArrayAttr[ObjectAttr])

    traits = traits_def(SymbolOpInterface())

    def __init__(self, name: str, objects: Sequence[ObjectAttr], handler: Attribute | None = None) -> None:
        super().__init__(
            properties={
                "sym_name": StringAttr(name),
                "offloadingHandler": handler or _FIRST,
                "objects": ArrayAttr(objects),
            }
        )

    @classmethod
    def parse(cls, parser: Parser) -> BinaryOp:
        """Reads `@name <HANDLER> attributes {...} [OBJECTS]`."""
        name = parser.parse_symbol_name().data
        handler = _parse_handler(parser)
        attributes = parser.parse_optional_attr_dict()
        objects = parser.parse_comma_separated_list(parser.Delimiter.SQUARE, parser.parse_attribute)
        op = cls(name, cast("list[ObjectAttr]", objects), handler)
        op.attributes |= attributes
        return op

    def print(self, printer: Printer) -> None:
        """Prints what :meth:`parse` reads."""
        printer.print_string(" ")
        printer.print_symbol_name(self.sym_name.data)
        if self.offloading_handler != _FIRST:
            _print_handler(printer, self.offloading_handler)
        printer.print_op_attributes(self.attributes)
        printer.print_string(" ")
        printer.print_attribute(self.objects)
