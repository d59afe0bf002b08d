"""Which dimension of a convolution's operands is what: `[b, 0, 1, f] x [0, 1, i, o] -> [b, 0, 1, f]`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from xdsl.ir import Data
from xdsl.irdl import irdl_attr_definition
from xdsl.parser import AttrParser
from xdsl.printer import Printer

Labels = tuple[str, ...]


@dataclass(frozen=True)
class ConvDims:
    """The labels of the dimensions of input, kernel and output, in order.

    `b` is the batch and `f` the features (of input and output), `i` and `o` the input and output features of
    the kernel, and 0, 1, ... the spatial dimensions.
    """

    lhs: Labels
    rhs: Labels
    out: Labels

    @property
    def spatial(self) -> int:
        """The number of spatial dimensions."""
        return len(self.lhs) - 2

    @property
    def lhs_order(self) -> tuple[int, ...]:
        """The dimensions of the input as batch, features, spatial ones."""
        return _order(self.lhs, ("b", "f"))

    @property
    def rhs_order(self) -> tuple[int, ...]:
        """The dimensions of the kernel as output features, input features, spatial ones."""
        return _order(self.rhs, ("o", "i"))

    @property
    def out_order(self) -> tuple[int, ...]:
        """The dimensions of the output as batch, features, spatial ones."""
        return _order(self.out, ("b", "f"))

    def problem(self) -> str | None:
        """What is wrong with the labels, if anything."""
        for what, labels, names in (
            ("input", self.lhs, "bf"),
            ("kernel", self.rhs, "io"),
            ("output", self.out, "bf"),
        ):
            expected = sorted([*names, *map(str, range(self.spatial))])
            if self.spatial < 0 or sorted(labels) != expected:
                return f"the {what} must have the dimensions {', '.join(expected)}, not {', '.join(labels)}"
        return None

    def __str__(self) -> str:
        lhs, rhs, out = (f"[{', '.join(labels)}]" for labels in (self.lhs, self.rhs, self.out))
        return f"{lhs} x {rhs} -> {out}"


def _order(labels: Labels, first: Sequence[str]) -> tuple[int, ...]:
    return tuple(labels.index(name) for name in (*first, *map(str, range(len(labels) - 2))))


def parse_conv_dims(parser: AttrParser) -> ConvDims:
    """Read `[b, 0, 1, f] x [0, 1, i, o] -> [b, 0, 1, f]`."""
    lhs = _parse_labels(parser)
    parser.parse_characters("x")
    rhs = _parse_labels(parser)
    parser.parse_punctuation("->")
    position = parser.pos
    dims = ConvDims(lhs, rhs, _parse_labels(parser))
    if (problem := dims.problem()) is not None:
        parser.raise_error(problem, position)
    return dims


def _parse_labels(parser: AttrParser) -> Labels:
    labels = parser.parse_comma_separated_list(
        parser.Delimiter.SQUARE,
        lambda: parser.parse_optional_identifier() or str(parser.parse_integer(allow_negative=False)),
    )
    return tuple(labels)


@irdl_attr_definition
class ConvDimsAttr(Data[ConvDims]):
    """`#ml.conv<[b, 0, 1, f] x [0, 1, i, o] -> [b, 0, 1, f]>`. StableHLO: conv."""

    name = "ml.conv"

    @classmethod
    def parse_parameter(cls, parser: AttrParser) -> ConvDims:
        """Read what stands between `<` and `>`."""
        with parser.in_angle_brackets():
            return parse_conv_dims(parser)

    def print_parameter(self, printer: Printer) -> None:
        """Write what stands between `<` and `>`."""
        with printer.in_angle_brackets():
            printer.print_string(str(self.data))
