"""The options of a pooling window as text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import cast

from xdsl.dialects.builtin import UnitAttr
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

from weft.dialects.ml.syntax import list_text, padding_text, parse_list, parse_padding

_FORMS = {
    "dims": (parse_list, list_text),
    "window": (parse_list, list_text),
    "stride": (parse_list, list_text),
    "pad": (parse_padding, padding_text),
    "dilate": (parse_list, list_text),
}
"""How each option is read and written, in the order of writing. An option that is not here is a flag."""

_NEEDED = ("dims", "window")


class OptionsOfWindow(CustomDirective):
    """The options that are given; a class derived from it has a field for each."""

    def _variables(self) -> Mapping[str, AttributeVariable]:
        return {one.name: cast(AttributeVariable, getattr(self, one.name)) for one in fields(type(self))}  # pyright: ignore[reportArgumentType]

    def parse(self, parser: Parser, state: ParsingState) -> None:
        """Read the options, in any order."""
        variables = self._variables()
        given = set[str]()
        while parser.parse_optional_punctuation(","):
            position = parser.pos
            name = parser.expect(
                lambda: parser.parse_optional_keyword_in(list(variables)), f"expected one of {', '.join(variables)}"
            )
            if name in given:
                parser.raise_error(f"{name} is given twice", position)
            given.add(name)
            if name not in _FORMS:
                variables[name].set(state, UnitAttr())
                continue
            parser.parse_punctuation("=")
            variables[name].set(state, _FORMS[name][0](parser))
        for name in _NEEDED:
            if name in variables and name not in given:
                parser.raise_error(f"expected {name} = [...]")

    def print(self, printer: Printer, state: PrintingState, op: IRDLOperation) -> None:
        """Write the options that are given."""
        for name, variable in self._variables().items():
            attr = variable.get(op)
            if attr is not None and variable.is_present(op):
                printer.print_string(f", {name} = {_FORMS[name][1](attr)}" if name in _FORMS else f", {name}")
        state.should_emit_space = True
        state.last_was_punctuation = False


@irdl_custom_directive
class WindowOptions(OptionsOfWindow):
    """`, dims = [1], window = [2]`, and of `stride = [2]`, `pad = [[1, 1]]`, `dilate = [2]` what is given."""

    dims: AttributeVariable
    window: AttributeVariable
    stride: AttributeVariable
    pad: AttributeVariable
    dilate: AttributeVariable


@irdl_custom_directive
class MeanOptions(OptionsOfWindow):
    """The options of a window, and `count_include_pad`."""

    dims: AttributeVariable
    window: AttributeVariable
    stride: AttributeVariable
    pad: AttributeVariable
    dilate: AttributeVariable
    count_include_pad: AttributeVariable


@irdl_custom_directive
class SelectingOptions(OptionsOfWindow):
    """`, window = [2]`, and of `stride = [2]`, `pad = [[1, 1]]` what is given."""

    window: AttributeVariable
    stride: AttributeVariable
    pad: AttributeVariable
