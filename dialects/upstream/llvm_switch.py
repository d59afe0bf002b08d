"""The `llvm.switch` op."""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.dialects.builtin import (
    DenseArrayBase,
    DenseIntOrFPElementsAttr,
    IntegerType,
    SignlessIntegerConstraint,
    VectorType,
    i32,
)
from xdsl.ir import Block, Operation, SSAValue
from xdsl.irdl import (
    AttrSizedOperandSegments,
    IRDLOperation,
    irdl_op_definition,
    operand_def,
    opt_prop_def,
    prop_def,
    successor_def,
    traits_def,
    var_operand_def,
    var_successor_def,
)
from xdsl.parser import Parser, UnresolvedOperand
from xdsl.printer import Printer
from xdsl.traits import IsTerminator
from xdsl.utils.hints import isa


@irdl_op_definition
class SwitchOp(IRDLOperation):
    """Jumps to the block of the case that equals the value, else to the default block.

    ```mlir
    llvm.switch %v : i32, ^bb1(%a : f32) [
      4: ^bb2,
      -1: ^bb3(%b : f32)
    ]
    ```
    """

    name = "llvm.switch"
    value = operand_def(SignlessIntegerConstraint)
    default_operands = var_operand_def()
    case_operands = var_operand_def()
    case_values = opt_prop_def(DenseIntOrFPElementsAttr)
    case_operand_segments = prop_def(DenseArrayBase.constr(i32))
    default_destination = successor_def()
    case_destinations = var_successor_def()

    traits = traits_def(IsTerminator())
    irdl_options = (AttrSizedOperandSegments(as_property=True),)

    def __init__(
        self,
        value: SSAValue | Operation,
        default: tuple[Block, Sequence[SSAValue]],
        cases: Sequence[tuple[int, Block, Sequence[SSAValue]]],
    ) -> None:
        value = SSAValue.get(value)
        type_ = value.type
        if not isa(type_, IntegerType):
            raise ValueError(f"a switch is on an integer, not on {type_}")
        values = DenseIntOrFPElementsAttr.from_list(
            VectorType(IntegerType(type_.bitwidth), [len(cases)]), [case for case, _, _ in cases]
        )
        super().__init__(
            operands=[value, default[1], [operand for _, _, operands in cases for operand in operands]],
            successors=[default[0], [block for _, block, _ in cases]],
            properties={
                "case_values": values if cases else None,
                "case_operand_segments": DenseArrayBase.from_list(i32, [len(c[2]) for c in cases]),
            },
        )

    def cases(self) -> list[tuple[int, Block, tuple[SSAValue, ...]]]:
        """Each case: its value, its block, what is passed to the block."""
        values: Sequence[object] = self.case_values.get_values() if self.case_values is not None else ()
        sizes = self.case_operand_segments.get_values()
        out: list[tuple[int, Block, tuple[SSAValue, ...]]] = []
        start = 0
        for value, block, size in zip(values, self.case_destinations, sizes, strict=True):
            out.append((int(str(value)), block, tuple(self.case_operands[start : start + int(size)])))
            start += int(size)
        return out

    @classmethod
    def parse(cls, parser: Parser) -> SwitchOp:
        """Reads the value, the default block, and the cases in square brackets."""
        unresolved = parser.parse_unresolved_operand()
        parser.parse_punctuation(":")
        value = parser.resolve_operand(unresolved, parser.parse_type())
        parser.parse_punctuation(",")
        default = _parse_destination(parser)

        def case() -> tuple[int, Block, Sequence[SSAValue]]:
            number = parser.parse_integer()
            parser.parse_punctuation(":")
            return (number, *_parse_destination(parser))

        cases = parser.parse_comma_separated_list(parser.Delimiter.SQUARE, case)
        op = cls(value, default, cases)
        op.attributes |= parser.parse_optional_attr_dict()
        return op

    def print(self, printer: Printer) -> None:
        """Prints what :meth:`parse` reads."""
        printer.print_string(" ")
        printer.print_ssa_value(self.value)
        printer.print_string(" : ")
        printer.print_attribute(self.value.type)
        printer.print_string(", ")
        _print_destination(printer, self.default_destination, self.default_operands)
        printer.print_string(" [")

        def case(item: tuple[int, Block, tuple[SSAValue, ...]]) -> None:
            printer.print_string(f"{item[0]}: ")
            _print_destination(printer, item[1], item[2])

        printer.print_list(self.cases(), case)
        printer.print_string("]")
        printer.print_op_attributes(self.attributes)


def _parse_destination(parser: Parser) -> tuple[Block, Sequence[SSAValue]]:
    block = parser.parse_successor()
    if parser.parse_optional_punctuation("(") is None:
        return block, ()
    operands: list[UnresolvedOperand] = parser.parse_comma_separated_list(
        parser.Delimiter.NONE, parser.parse_unresolved_operand
    )
    parser.parse_punctuation(":")
    types = parser.parse_comma_separated_list(parser.Delimiter.NONE, parser.parse_type)
    parser.parse_punctuation(")")
    return block, parser.resolve_operands(operands, types, parser.pos)


def _print_destination(printer: Printer, block: Block, operands: Sequence[SSAValue]) -> None:
    printer.print_block_name(block)
    if operands:
        with printer.in_parens():
            printer.print_list(operands, printer.print_ssa_value)
            printer.print_string(" : ")
            printer.print_list([operand.type for operand in operands], printer.print_attribute)
