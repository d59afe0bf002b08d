"""Linear forms `c0*%a + c1*%b + k` of counters and symbols: bounds, indices and conditions.

In memory a form is a :class:`Linear`; in the IR the forms of one op are an integer matrix, `#loop.lin`, and
the operands that its columns stand for. :func:`pack` and :func:`unpack` go from one to the other;
:func:`parse_form` and :func:`print_form` are the syntax that all ops share.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from xdsl.dialects.builtin import IndexType
from xdsl.ir import Data, SSAValue
from xdsl.irdl import irdl_attr_definition
from xdsl.parser import AttrParser, Parser
from xdsl.printer import Printer

Rows: TypeAlias = tuple[tuple[int, ...], ...]


@irdl_attr_definition
class LinAttr(Data[Rows]):
    """The forms of one op: a row per form, a coefficient per operand, the constant last.

    ```mlir
    #loop.lin<[(192, 12, 1, 0), (0, 0, 0, 7)]>
    ```
    """

    name = "loop.lin"

    @classmethod
    def parse_parameter(cls, parser: AttrParser) -> Rows:
        """Read `<[(1, 0), (0, 4)]>`."""
        with parser.in_angle_brackets():
            rows = parser.parse_comma_separated_list(
                parser.Delimiter.SQUARE,
                lambda: tuple(
                    parser.parse_comma_separated_list(
                        parser.Delimiter.PAREN, lambda: parser.parse_integer(allow_boolean=False)
                    )
                ),
            )
        return tuple(rows)

    def print_parameter(self, printer: Printer) -> None:
        """Print `<[(1, 0), (0, 4)]>`."""
        rows = ", ".join("(" + ", ".join(map(str, row)) + ")" for row in self.data)
        printer.print_string(f"<[{rows}]>")


@dataclass(frozen=True, eq=False)
class Linear:
    """One linear form: distinct values with non-zero factors, and a constant. Equal whatever the order."""

    terms: tuple[tuple[SSAValue, int], ...] = ()
    constant: int = 0

    @staticmethod
    def collect(terms: Iterable[tuple[SSAValue, int]], constant: int) -> Linear:
        """The form of any terms: equal values are joined, zeros dropped."""
        total: dict[SSAValue, int] = {}
        for value, factor in terms:
            total[value] = total.get(value, 0) + factor
        return Linear(tuple((v, c) for v, c in total.items() if c), constant)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Linear) and self.constant == other.constant and dict(self.terms) == dict(other.terms)

    def __hash__(self) -> int:
        return hash((frozenset(self.terms), self.constant))

    def __add__(self, other: Form) -> Linear:
        other = linear(other)
        return Linear.collect((*self.terms, *other.terms), self.constant + other.constant)

    def __sub__(self, other: Form) -> Linear:
        return self + linear(other) * -1

    def __mul__(self, factor: int) -> Linear:
        return Linear(tuple((v, c * factor) for v, c in self.terms) if factor else (), self.constant * factor)

    @property
    def values(self) -> tuple[SSAValue, ...]:
        """The counters and symbols that it depends on."""
        return tuple(v for v, _ in self.terms)

    @property
    def is_constant(self) -> bool:
        """True when it depends on nothing."""
        return not self.terms

    def coefficient(self, value: SSAValue) -> int:
        """The factor of a value; 0 where it does not occur."""
        return next((c for v, c in self.terms if v is value), 0)

    def without(self, value: SSAValue) -> Linear:
        """The form less the term of `value`."""
        return Linear(tuple((v, c) for v, c in self.terms if v is not value), self.constant)

    def substitute(self, replacements: Mapping[SSAValue, Linear]) -> Linear:
        """Every value that `replacements` has becomes its form there."""
        if not any(v in replacements for v, _ in self.terms):
            return self
        result = Linear((), self.constant)
        for value, factor in self.terms:
            result += replacements.get(value, Linear(((value, 1),))) * factor
        return result


Form: TypeAlias = int | SSAValue | Linear


def linear(form: Form) -> Linear:
    """An integer or a value as a form."""
    if isinstance(form, Linear):
        return form
    if isinstance(form, int):
        return Linear((), form)
    return Linear(((form, 1),))


def pack(forms: Sequence[Linear]) -> tuple[list[SSAValue], LinAttr]:
    """The operands of some forms, in the order of their first use, and the matrix over them."""
    operands = list(dict.fromkeys(v for form in forms for v in form.values))
    return operands, LinAttr(tuple((*(form.coefficient(v) for v in operands), form.constant) for form in forms))


def unpack(operands: Sequence[SSAValue], matrix: LinAttr) -> tuple[Linear, ...]:
    """The forms of a matrix over its operands."""
    if len(set(map(id, operands))) < len(operands):
        return tuple([Linear.collect(zip(operands, row[:-1], strict=True), row[-1]) for row in matrix.data])
    # a row has one entry more than there are operands, the constant
    terms = [tuple([term for term in zip(operands, row, strict=False) if term[1]]) for row in matrix.data]
    return tuple([Linear(term, row[-1]) for term, row in zip(terms, matrix.data, strict=True)])


def print_form(printer: Printer, form: Linear) -> None:
    """Print a form, positive parts first, e.g. `1024 - 192*%ic - 12*%ip`."""
    parts: list[tuple[SSAValue | None, int]] = list(form.terms)
    if form.constant or not parts:
        at = 0 if parts and parts[0][1] < 0 and form.constant > 0 else len(parts)
        parts.insert(at, (None, form.constant))
    for position, (value, factor) in enumerate(parts):
        sign = ("-", "+") if not position else (" - ", " + ")
        printer.print_string(sign[0] if factor < 0 else sign[1] if position else "")
        if value is None:
            printer.print_string(str(abs(factor)))
            continue
        if abs(factor) != 1:
            printer.print_string(f"{abs(factor)}*")
        printer.print_ssa_value(value)


def parse_form(parser: Parser) -> Linear:
    """Read a form: terms `7`, `%i`, `7*%i`, joined by `+` and `-`."""
    terms: list[tuple[SSAValue, int]] = []
    constant = 0
    sign = -1 if parser.parse_optional_punctuation("-") else 1
    while True:
        value, factor = _parse_term(parser)
        if value is None:
            constant += sign * factor
        else:
            terms.append((value, sign * factor))
        if parser.parse_optional_punctuation("+"):
            sign = 1
        elif parser.parse_optional_punctuation("-"):
            sign = -1
        else:
            return Linear.collect(terms, constant)


def _parse_term(parser: Parser) -> tuple[SSAValue | None, int]:
    """One term without its sign: (value or None for a constant, factor)."""
    factor = parser.parse_optional_integer(allow_boolean=False, allow_negative=False)
    if factor is not None and parser.parse_optional_punctuation("*") is None:
        return None, factor
    return parser.parse_operand(IndexType()), 1 if factor is None else factor


def print_forms(printer: Printer, forms: Sequence[Linear]) -> None:
    """Print forms with commas between them."""
    printer.print_list(forms, lambda form: print_form(printer, form))


def parse_index(parser: Parser) -> list[Linear]:
    """Read `[form, ...]`, the index of an access."""
    return parser.parse_comma_separated_list(parser.Delimiter.SQUARE, lambda: parse_form(parser))
