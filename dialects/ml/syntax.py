"""Pieces of custom syntax that several ops of ml share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from xdsl.dialects.builtin import I64, DenseArrayBase, DenseIntElementsAttr, TensorType, i64
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
from xdsl.utils.exceptions import VerifyException


def values_of(attr: Attribute | None) -> tuple[int, ...]:
    """The integers of an `array<i64: ...>`; none where it is absent."""
    return () if attr is None else cast(DenseArrayBase[I64], attr).get_values()


def parse_list(parser: Parser) -> DenseArrayBase[I64]:
    """Read `[0, 2]`."""
    values = parser.parse_comma_separated_list(parser.Delimiter.SQUARE, parser.parse_integer)
    return DenseArrayBase.from_list(i64, values)


def list_text(attr: Attribute | None) -> str:
    """`[0, 2]`; an absent list is `[]`."""
    return f"[{', '.join(map(str, values_of(attr)))}]"


def padding_attr(padding: Sequence[tuple[int, int]]) -> DenseIntElementsAttr:
    """Low and high padding of each spatial dimension as `dense<...> : tensor<nx2xi64>`."""
    flat = [n for pair in padding for n in pair]
    return DenseIntElementsAttr.from_list(TensorType(i64, [len(padding), 2]), flat)


def padding_of(attr: Attribute | None) -> tuple[tuple[int, int], ...]:
    """Low and high padding of each spatial dimension; none where absent."""
    if attr is None:
        return ()
    flat = [int(n) for n in cast(DenseIntElementsAttr, attr).get_values()]
    return tuple(zip(flat[::2], flat[1::2], strict=True))


def check_padding(name: str, attr: DenseIntElementsAttr | None) -> None:
    """Verify that padding is a list of pairs. Raises VerifyException."""
    shape = None if attr is None else attr.type.get_shape()
    if shape is not None and (len(shape) != 2 or shape[1] != 2):
        raise VerifyException(f"{name}: padding must be a low and a high number for each dimension")


def parse_padding(parser: Parser) -> Attribute:
    """Read `[[1, 1], [0, 2]]`."""
    position = parser.pos
    pairs = parser.parse_comma_separated_list(
        parser.Delimiter.SQUARE,
        lambda: parser.parse_comma_separated_list(parser.Delimiter.SQUARE, parser.parse_integer),
    )
    if any(len(pair) != 2 for pair in pairs):
        parser.raise_error("padding must be pairs of a low and a high one", position)
    return padding_attr([(low, high) for low, high in pairs])


def padding_text(attr: Attribute) -> str:
    """`[[1, 1], [0, 2]]`."""
    values = [int(n) for n in cast(DenseIntElementsAttr, attr).get_values()]
    return "[" + ", ".join(f"[{a}, {b}]" for a, b in zip(values[::2], values[1::2], strict=True)) + "]"


TO_THE_END = -1
"""A limit of a slice that is the size of the operand."""


@irdl_custom_directive
class Ranges(CustomDirective):
    """The ranges of a slice, `[0:4, 2:10:2, 1:?]`: start, limit (`?` is the end), and stride."""

    starts: AttributeVariable
    limits: AttributeVariable
    strides: AttributeVariable

    def parse(self, parser: Parser, state: ParsingState) -> None:
        """Read the ranges."""
        ranges = parser.parse_comma_separated_list(parser.Delimiter.SQUARE, lambda: _parse_range(parser))
        columns = zip(*ranges, strict=True) if ranges else ((), (), ())
        starts, limits, strides = (tuple(column) for column in columns)
        self.starts.set(state, DenseArrayBase.from_list(i64, starts))
        self.limits.set(state, DenseArrayBase.from_list(i64, limits))
        if any(strides):
            self.strides.set(state, DenseArrayBase.from_list(i64, [stride or 1 for stride in strides]))

    def print(self, printer: Printer, state: PrintingState, op: IRDLOperation) -> None:
        """Write the ranges."""
        starts, limits = values_of(self.starts.get(op)), values_of(self.limits.get(op))
        strides: Sequence[int] = values_of(self.strides.get(op)) or (_UNSAID,) * len(starts)
        if any(stride > 1 for stride in strides):
            strides = [_UNSAID if stride == 1 else stride for stride in strides]
        state.print_whitespace(printer)
        printer.print_string(f"[{', '.join(map(_range_text, starts, limits, strides))}]")


_UNSAID = 0
"""A stride that the text does not say."""


def _parse_range(parser: Parser) -> tuple[int, int, int]:
    start = parser.parse_integer()
    parser.parse_punctuation(":")
    limit = TO_THE_END if parser.parse_optional_punctuation("?") else parser.parse_integer()
    stride = parser.parse_integer() if parser.parse_optional_punctuation(":") else _UNSAID
    return start, limit, stride


def _range_text(start: int, limit: int, stride: int) -> str:
    text = f"{start}:{'?' if limit == TO_THE_END else limit}"
    return text if stride == _UNSAID else f"{text}:{stride}"


@irdl_custom_directive
class Sizes(CustomDirective):
    """The sizes of a slice, `[1, 8, ?]`: `?` is all of a dimension."""

    sizes: AttributeVariable

    def parse(self, parser: Parser, state: ParsingState) -> None:
        """Read the sizes."""

        def size() -> int:
            return TO_THE_END if parser.parse_optional_punctuation("?") else parser.parse_integer()

        sizes = parser.parse_comma_separated_list(parser.Delimiter.SQUARE, size)
        self.sizes.set(state, DenseArrayBase.from_list(i64, sizes))

    def print(self, printer: Printer, state: PrintingState, op: IRDLOperation) -> None:
        """Write the sizes."""
        state.print_whitespace(printer)
        texts = ("?" if size == TO_THE_END else str(size) for size in values_of(self.sizes.get(op)))
        printer.print_string(f"[{', '.join(texts)}]")
