"""Attributes that are one word of a few, as upstream's enums: `#gpu<dim x>`, `#gpu.address_space<workgroup>`."""

from __future__ import annotations

from typing import ClassVar

from xdsl.ir import Data, SpacedOpaqueSyntaxAttribute
from xdsl.parser import AttrParser
from xdsl.printer import Printer
from xdsl.utils.exceptions import VerifyException


class Keyword(Data[str], SpacedOpaqueSyntaxAttribute):
    """One of `WORDS`, in the order of upstream's enum: `#dialect<name word>`; in a declared format the word alone."""

    WORDS: ClassVar[tuple[str, ...]]

    @classmethod
    def parse_parameter(cls, parser: AttrParser) -> str:
        """Read the word."""
        place = parser.pos
        word = parser.parse_optional_identifier()
        if word not in cls.WORDS:
            found = "" if word is None else f", not '{word}'"
            parser.raise_error(f"expected {' or '.join(cls.WORDS)}{found}", place)
        return word

    def print_parameter(self, printer: Printer) -> None:
        """Print the word."""
        printer.print_string(self.data)

    def verify(self) -> None:
        """The word is one of those."""
        if self.data not in self.WORDS:
            raise VerifyException(f"'{self.data}' is none of {', '.join(self.WORDS)}")


class AngledKeyword(Data[str]):
    """One of `WORDS` in angle brackets: `#dialect.name<word>`."""

    WORDS: ClassVar[tuple[str, ...]]

    @classmethod
    def parse_parameter(cls, parser: AttrParser) -> str:
        """Read `<word>`."""
        with parser.in_angle_brackets():
            place = parser.pos
            word = parser.parse_optional_identifier()
            if word not in cls.WORDS:
                found = "" if word is None else f", not '{word}'"
                parser.raise_error(f"expected {' or '.join(cls.WORDS)}{found}", place)
            return word

    def print_parameter(self, printer: Printer) -> None:
        """Print `<word>`."""
        with printer.in_angle_brackets():
            printer.print_string(self.data)

    def verify(self) -> None:
        """The word is one of those."""
        if self.data not in self.WORDS:
            raise VerifyException(f"'{self.data}' is none of {', '.join(self.WORDS)}")
