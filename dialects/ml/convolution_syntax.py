"""The options of a convolution as text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import cast

from xdsl.dialects.builtin import DenseArrayBase, IntegerAttr, i1, i64
from xdsl.ir import Attribute
from xdsl.irdl import IRDLOperation
from xdsl.irdl.declarative_assembly_format import (
    AttributeVariable,
    CustomDirective,
    ParsingState,
    PrintingState,
    irdl_custom_directive,
)
from xdsl.parser import Parser
from xdsl.printer import Printer

from weft.dialects.ml.contraction import Precision, PrecisionAttr
from weft.dialects.ml.convolution_dims import ConvDimsAttr, parse_conv_dims
from weft.dialects.ml.syntax import list_text, padding_text, parse_list, parse_padding, values_of


def flags_attr(flags: Sequence[bool]) -> DenseArrayBase:
    """Truth values as `array<i1: ...>`."""
    return DenseArrayBase.from_list(i1, [int(flag) for flag in flags])


def flags_of(attr: Attribute | None) -> tuple[bool, ...]:
    """The truth values; none where absent."""
    return tuple(bool(n) for n in values_of(attr))


def _parse_flags(parser: Parser) -> Attribute:
    return flags_attr(parser.parse_comma_separated_list(parser.Delimiter.SQUARE, parser.parse_boolean))


def _flags_text(attr: Attribute) -> str:
    return f"[{', '.join('true' if n else 'false' for n in values_of(attr))}]"


def _parse_count(parser: Parser) -> Attribute:
    return IntegerAttr(parser.parse_integer(), i64)


def _count_text(attr: Attribute) -> str:
    return str(cast(IntegerAttr, attr).value.data)


def _parse_precision(parser: Parser) -> Attribute:
    return PrecisionAttr(parser.parse_str_enum(Precision))


def _precision_text(attr: Attribute) -> str:
    return cast(PrecisionAttr, attr).data.value


FORMS: dict[str, tuple[Callable[[Parser], Attribute], Callable[[Attribute], str]]] = {
    "stride": (parse_list, list_text),
    "pad": (parse_padding, padding_text),
    "lhs_dilate": (parse_list, list_text),
    "rhs_dilate": (parse_list, list_text),
    "reverse": (_parse_flags, _flags_text),
    "feature_group_count": (_parse_count, _count_text),
    "batch_group_count": (_parse_count, _count_text),
    "precision": (_parse_precision, _precision_text),
}
"""How each option is read and written, in the order of writing."""


@irdl_custom_directive
class ConvOptions(CustomDirective):
    """`dims = [b, 0, f] x [0, i, o] -> [b, 0, f]`, and the options that are given: `, stride = [2], pad = [[1, 1]]`."""

    dims: AttributeVariable
    stride: AttributeVariable
    pad: AttributeVariable
    lhs_dilate: AttributeVariable
    rhs_dilate: AttributeVariable
    reverse: AttributeVariable
    feature_group_count: AttributeVariable
    batch_group_count: AttributeVariable
    precision: AttributeVariable

    def _variables(self) -> dict[str, AttributeVariable]:
        return {name: cast(AttributeVariable, getattr(self, name)) for name in FORMS}

    def parse(self, parser: Parser, state: ParsingState) -> None:
        """Read the dimensions, then options in any order."""
        parser.parse_keyword("dims")
        parser.parse_punctuation("=")
        self.dims.set(state, ConvDimsAttr(parse_conv_dims(parser)))
        variables = self._variables()
        while parser.parse_optional_punctuation(","):
            option = parser.expect(
                lambda: parser.parse_optional_keyword_in(list(FORMS)), f"expected one of {', '.join(FORMS)}"
            )
            parser.parse_punctuation("=")
            variables[option].set(state, FORMS[option][0](parser))

    def print(self, printer: Printer, state: PrintingState, op: IRDLOperation) -> None:
        """Write the dimensions and the options that are given."""
        state.print_whitespace(printer)
        printer.print_string(f"dims = {cast(ConvDimsAttr, self.dims.get(op)).data}")
        for name, variable in self._variables().items():
            attr = variable.get(op)
            if attr is not None and variable.is_present(op):
                printer.print_string(f", {name} = {FORMS[name][1](attr)}")
        state.should_emit_space = True
        state.last_was_punctuation = False
