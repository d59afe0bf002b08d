"""Options of ops as text: `, axes = [1], epsilon = 1.000000e-05`, in any order, those that are given."""

from __future__ import annotations

from collections.abc import Callable
from io import StringIO
from typing import cast

from xdsl.dialects.builtin import FloatAttr, IntegerAttr, UnitAttr, f64, i64
from xdsl.ir import Attribute
from xdsl.irdl import IRDLOperation
from xdsl.irdl.declarative_assembly_format import (
    AttributeVariable,
    CustomDirective,
    ParsingState,
    PrintingState,
)
from xdsl.parser import Parser
from xdsl.printer import Printer

from weft.dialects.ml.syntax import list_text, parse_list

FLOAT_OPTION = FloatAttr.constr(f64)
"""An option that is a number; it is f64 whatever the elements are."""


def float_option(value: float | None) -> FloatAttr | None:
    """A number as an option; None stays away."""
    return None if value is None else FloatAttr(value, f64)


def number_of(attr: FloatAttr | None, default: float) -> float:
    """The number that an option says, or the default."""
    return default if attr is None else attr.value.data


def count_option(value: int) -> IntegerAttr:
    """A whole number as an option."""
    return IntegerAttr(value, i64)


def _parse_count(parser: Parser) -> Attribute:
    return count_option(parser.parse_integer())


def _count_text(attr: Attribute) -> str:
    return str(cast(IntegerAttr, attr).value.data)


def _parse_float(parser: Parser) -> Attribute:
    position = parser.pos
    try:
        return FloatAttr(float(parser.parse_number()), f64)
    except OverflowError:
        parser.raise_error("the number is too great for f64", position)


def _float_text(attr: Attribute) -> str:
    out = StringIO()
    Printer(out).print_float(cast(FloatAttr, attr).value.data, f64)
    return out.getvalue()


Form = tuple[Callable[[Parser], Attribute], Callable[[Attribute], str]]

COUNT: Form = (_parse_count, _count_text)
FLOAT: Form = (_parse_float, _float_text)

FORMS: dict[str, Form] = {
    "axis": COUNT,
    "axes": (parse_list, list_text),
    "groups": COUNT,
    "feature_index": COUNT,
    "epsilon": FLOAT,
    "scale": FLOAT,
}
"""How the value of each option is read and written."""


class OptionList(CustomDirective):
    """The options that are given. A class derived from it has one field for each, called as in the text.

    An option that has a form is `, name = value`; any other one is a unit attribute, `, name`.
    """

    def form(self, name: str) -> Form | None:
        """How the value of an option is read and written; None for one without a value."""
        return FORMS.get(name)

    def _variables(self) -> dict[str, AttributeVariable]:
        return {name: cast(AttributeVariable, getattr(self, name)) for name in self.parameters}

    def parse(self, parser: Parser, state: ParsingState) -> None:
        """Read the options, in any order."""
        variables = self._variables()
        while parser.parse_optional_punctuation(","):
            position = parser.pos
            name = parser.expect(
                lambda: parser.parse_optional_keyword_in(list(variables)), f"expected one of {', '.join(variables)}"
            )
            if variables[name].name in state.properties:
                parser.raise_error(f"{name} is given twice", position)
            form = self.form(name)
            if form is None:
                variables[name].set(state, UnitAttr())
                continue
            parser.parse_punctuation("=")
            variables[name].set(state, form[0](parser))

    def print(self, printer: Printer, state: PrintingState, op: IRDLOperation) -> None:
        """Write the options that are given."""
        for name, variable in self._variables().items():
            attr = variable.get(op)
            if attr is not None and variable.is_present(op):
                form = self.form(name)
                printer.print_string(f", {name}" if form is None else f", {name} = {form[1](attr)}")
        state.should_emit_space = True
        state.last_was_punctuation = False
