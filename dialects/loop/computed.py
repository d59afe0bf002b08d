"""Accesses of buffers at places that the body computes: `loop.gather` and `loop.scatter`."""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.dialects.builtin import MemRefType
from xdsl.ir import Operation, SSAValue
from xdsl.irdl import irdl_op_definition, operand_def, prop_def, traits_def, var_operand_def
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.traits import MemoryWriteEffect
from xdsl.utils.exceptions import VerifyException

from weft.dialects.loop.access import INDEX, AccessOp, ReadOp, WriteOp, read_type
from weft.dialects.loop.base import LinearOp
from weft.dialects.loop.buffers import memref_of
from weft.dialects.loop.linear import Form, LinAttr, Linear, linear, pack, parse_index
from weft.dialects.loop.nest import loop_of


def is_computed(value: SSAValue) -> bool:
    """Whether a value of a form is computed in a nest: no counter, and no symbol."""
    return isinstance(value.owner, Operation) and isinstance(value.owner.parent_op(), LinearOp)


def has_computed(form: Linear) -> bool:
    """Whether only the run of a body knows where a form leads."""
    return any(is_computed(value) for value in form.values)


class ComputedOp(AccessOp):
    """An access whose index may hold `index` values that the body computes, beside counters and symbols.

    The index lies inside the buffer whenever the access runs; what computes it sees to that.
    """

    def verify_source(self, value: SSAValue) -> None:
        """A counter of a loop around the op, or any other value."""
        loop = loop_of(value)
        if loop is not None and not loop.is_ancestor(self):
            raise VerifyException(f"{self.name}: it uses the counter of a loop that does not enclose it")


@irdl_op_definition
class GatherOp(ComputedOp, ReadOp):
    """Reads an element at a place that the body computes.

    ```mlir
    %a = loop.gather %A[%row, 16*%j + %l] : memref<1024x1024xf32>
    ```

    The values of the index may be computed in the body, e.g. loaded; they are of type `index` and inside the
    buffer. Along a loop that does not change them the access is a plain load.
    """

    name = "loop.gather"


@irdl_op_definition
class ScatterOp(ComputedOp, WriteOp):
    """Writes an element at a place that the body computes.

    ```mlir
    loop.scatter %v, %C[%row, %j] : memref<1024x1024xf32>
    ```

    As `loop.gather`. Two iterations may write one place: loops that change the computed values keep their order.
    """

    name = "loop.scatter"

    value = operand_def()
    buffer = operand_def(MemRefType)
    counters = var_operand_def(INDEX)
    lin = prop_def(LinAttr)

    traits = traits_def(MemoryWriteEffect())

    def __init__(self, value: SSAValue, buffer: SSAValue, index: Sequence[Form]) -> None:
        """Write `value` into `buffer` at `index`."""
        counters, matrix = pack([linear(form) for form in index])
        super().__init__(operands=[value, buffer, counters], properties={"lin": matrix})

    @classmethod
    def parse(cls, parser: Parser) -> ScatterOp:
        """Read the syntax above."""
        value = parser.parse_unresolved_operand()
        parser.parse_punctuation(",")
        name = parser.parse_unresolved_operand()
        index = parse_index(parser)
        attributes, type_ = read_type(parser)
        buffer = parser.resolve_operand(name, type_)
        op = cls(parser.resolve_operand(value, memref_of(buffer).element_type), buffer, index)
        op.attributes |= attributes
        return op

    def print(self, printer: Printer) -> None:
        """Print the syntax above."""
        printer.print_string(" ")
        printer.print_ssa_value(self.value)
        printer.print_string(", ")
        self.print_access(printer)
        self.print_type(printer)

    def verify_(self) -> None:
        """The access is right."""
        self.verify_access()
