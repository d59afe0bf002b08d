"""Marks of a loop. A schedule step sets a mark; the lowering, and nothing before it, expands it."""

from __future__ import annotations

from xdsl.dialects.builtin import IntAttr, StringAttr
from xdsl.ir import ParametrizedAttribute
from xdsl.irdl import irdl_attr_definition
from xdsl.parser import AttrParser
from xdsl.printer import Printer
from xdsl.utils.exceptions import VerifyException

# mark -> the least number that may stand behind it, the greatest, and what it means
MARKS: dict[str, tuple[int, int, str]] = {
    "parallel": (0, 0, "iterations run on several threads, in any order"),
    "unroll": (0, 4096, "copies of the body: the factor, or all iterations for 0"),
    "vector": (2, 4096, "iterations run as lanes: the number of lanes of one vector"),
    "tensor": (0, 0, "a warp does the nest together, by matrix products of its tensor cores"),
    "pipeline": (2, 8, "what an iteration brings to shared memory comes ahead of it: the buffers in turn"),
    "dot": (0, 0, "iterations are products of narrow numbers that one instruction adds up, where the machine has it"),
    "host": (0, 0, "iterations run in sequence, and each of them launches kernels of a GPU"),
    "grid": (1, 1024, "iterations are threads of a whole GPU grid: how many make a block"),
    "block": (0, 2, "iterations are blocks of a GPU grid: the axis"),
    "warp": (0, 2, "iterations are warps of a block: the axis"),
    "thread": (0, 2, "iterations are threads of a block: the axis"),
}


@irdl_attr_definition
class MarkAttr(ParametrizedAttribute):
    """A mark and its number; a loop without one runs in sequence.

    ```mlir
    #loop.mark<vector(16)>
    #loop.mark<parallel>
    ```
    """

    name = "loop.mark"

    kind: StringAttr
    number: IntAttr

    @staticmethod
    def of(kind: str, number: int = 0) -> MarkAttr:
        """The mark of that kind."""
        return MarkAttr(StringAttr(kind), IntAttr(number))

    @classmethod
    def parse_parameters(cls, parser: AttrParser) -> tuple[StringAttr, IntAttr]:
        """Read `<unroll(4)>`."""
        with parser.in_angle_brackets():
            kind = parser.parse_identifier(" (a mark)")
            return StringAttr(kind), IntAttr(parse_number(parser))

    def print_parameters(self, printer: Printer) -> None:
        """Print `<unroll(4)>`."""
        with printer.in_angle_brackets():
            self.print_bare(printer)

    def print_bare(self, printer: Printer) -> None:
        """Print `unroll(4)`."""
        printer.print_string(self.kind.data + (f"({self.number.data})" if self.number.data else ""))

    def verify(self) -> None:
        """The kind is known and the number in its range."""
        if self.kind.data not in MARKS:
            raise VerifyException(f"'{self.kind.data}' is no mark of a loop; known are {', '.join(MARKS)}")
        least, greatest, _ = MARKS[self.kind.data]
        if not least <= self.number.data <= greatest:
            raise VerifyException(
                f"the number of the mark '{self.kind.data}' is {self.number.data};"
                f" it should be from {least} to {greatest}"
            )


def parse_number(parser: AttrParser) -> int:
    """Read the optional `(4)` behind a mark."""
    if parser.parse_optional_punctuation("(") is None:
        return 0
    number = parser.parse_integer(allow_boolean=False)
    parser.parse_punctuation(")")
    return number
