"""What the lanes of a warp do together in a kernel of a GPU: matrices of tensor cores, and places in rings of buffers.

`convert-loop-to-gpu` makes these ops; schedule steps do not meet them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, cast

from xdsl.dialects.builtin import FixedBitwidthType, IndexType, IntAttr, MemRefType, UnitAttr, VectorType
from xdsl.ir import Attribute, SSAValue
from xdsl.irdl import irdl_op_definition, operand_def, opt_prop_def, prop_def, result_def, traits_def, var_operand_def
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.traits import MemoryReadEffect, MemoryWriteEffect, Pure
from xdsl.utils.exceptions import VerifyException

from weft.dialects.loop.access import INDEX, ReadOp, WriteOp, read_type
from weft.dialects.loop.base import LinearOp
from weft.dialects.loop.buffers import memref_of
from weft.dialects.loop.linear import Form, LinAttr, linear, pack, parse_form, parse_index, print_form

WORD = 4
"""The bytes that a lane gets of a matrix."""


def elements_of_matrix(element: Attribute) -> int:
    """The elements that a lane gets of a matrix of 8 rows of 16 bytes."""
    return WORD // element.size if isinstance(element, FixedBitwidthType) and element.size <= WORD else 0


@irdl_op_definition
class LoadMatrixOp(ReadOp):
    """Loads matrices of 8 rows of 16 bytes from shared memory, as a warp: PTX's `ldmatrix`.

    ```mlir
    %a = loop.ldmatrix %left[16*%im + %r, 16*%ks + 8*%h] : memref<128x32xf16> -> vector<8xf16>
    %b = loop.ldmatrix transpose %right[16*%ks + %r, 8*%h] : memref<32x128xf16> -> vector<8xf16>
    ```

    Of each group of 8 lanes every lane says where a row of a matrix begins, at a multiple of 16 bytes; the groups take
    the matrices in turn. The result has 32 bits of each matrix (2 or 4 of them): lane `4*g + t` gets the word `t` of
    row `g`, of 16-bit elements `2*t` and `2*t + 1`; with `transpose`, of such elements only, those of column `g`.
    """

    name = "loop.ldmatrix"

    transpose = opt_prop_def(UnitAttr)
    result = result_def(VectorType)

    def __init__(self, buffer: SSAValue, index: Sequence[Form], count: int, *, transpose: bool = False) -> None:
        """Load `count` matrices of `buffer`, whose rows begin at `index`."""
        counters, matrix = pack([linear(form) for form in index])
        element = memref_of(buffer).element_type
        super(ReadOp, self).__init__(
            operands=[buffer, counters],
            properties={"lin": matrix, "transpose": UnitAttr() if transpose else None},
            result_types=[VectorType(element, [count * elements_of_matrix(element)])],
        )

    @property
    def count(self) -> int:
        """How many matrices are loaded."""
        return self.result.type.get_shape()[0] // elements_of_matrix(self.memref.element_type)

    @classmethod
    def parse(cls, parser: Parser) -> LoadMatrixOp:
        """Read the syntax above."""
        transpose = parser.parse_optional_keyword("transpose") is not None
        name = parser.parse_unresolved_operand()
        index = parse_index(parser)
        attributes, type_ = read_type(parser)
        parser.parse_punctuation("->")
        result = parser.parse_type()
        buffer = parser.resolve_operand(name, type_)
        each = elements_of_matrix(memref_of(buffer).element_type)
        count = result.get_shape()[0] // each if isinstance(result, VectorType) and each else 0
        op = cls(buffer, index, count, transpose=transpose)
        op.attributes |= attributes
        return op

    def print(self, printer: Printer) -> None:
        """Print the syntax above."""
        printer.print_string(" transpose " if self.transpose is not None else " ")
        self.print_access(printer)
        self.print_type(printer)
        printer.print_string(" -> ")
        printer.print_attribute(self.result.type)

    def verify_(self) -> None:
        """The access is right; 2 or 4 matrices of the buffer's elements."""
        self.verify_access()
        element = self.memref.element_type
        each = elements_of_matrix(element)
        if self.transpose is not None and each != WORD // 2:
            raise VerifyException(f"{self.name}: matrices of {element} cannot be transposed, those of 16 bits can")
        if not each or self.result.type not in [VectorType(element, [n * each]) for n in (2, 4)]:
            raise VerifyException(f"{self.name}: the result is 2 or 4 matrices of {element}, not {self.result.type}")


@irdl_op_definition
class MmaOp(WriteOp):
    """Adds a product of matrices that a warp holds to sums in registers: PTX's `mma.sync` m16n8, once or twice.

    ```mlir
    loop.mma %a, %b into %sums[%im, %jn, 0, 0, 0] : vector<8xf16>, vector<8xf16>, memref<4x4x2x2x2xf32>
    ```

    `%a` is 16 rows of 32 bytes, four matrices: upper left, lower left, upper right, lower right. `%b` is as deep and
    has 8 or 16 columns: the matrices of these one below the other, block by block. f32 is rounded to tf32. The sums of
    a lane, `4*g + t`, are the last dimensions: rows `g` and `g + 8`, the blocks of 8 columns where there are two,
    columns `2*t` and `2*t + 1`.
    """

    name = "loop.mma"
    FIRST: ClassVar[int] = 3

    left = operand_def(VectorType)
    right = operand_def(VectorType)
    buffer = operand_def(MemRefType)
    counters = var_operand_def(INDEX)
    lin = prop_def(LinAttr)

    traits = traits_def(MemoryReadEffect(), MemoryWriteEffect())

    def __init__(self, left: SSAValue, right: SSAValue, buffer: SSAValue, index: Sequence[Form]) -> None:
        """Add `left` times `right` to the sums of `buffer` at `index`."""
        counters, matrix = pack([linear(form) for form in index])
        super().__init__(operands=[left, right, buffer, counters], properties={"lin": matrix})

    @property
    def sides(self) -> int:
        """How many blocks of 8 columns there are."""
        right = cast("VectorType[Attribute]", self.right.type)
        return right.get_shape()[0] // (2 * elements_of_matrix(right.element_type))

    @classmethod
    def parse(cls, parser: Parser) -> MmaOp:
        """Read the syntax above."""
        left = parser.parse_unresolved_operand()
        parser.parse_punctuation(",")
        right = parser.parse_unresolved_operand()
        parser.parse_keyword("into")
        name = parser.parse_unresolved_operand()
        index = parse_index(parser)
        attributes = parser.parse_optional_attr_dict()
        parser.parse_punctuation(":")
        types: list[Attribute] = []
        for _ in range(3):
            if types:
                parser.parse_punctuation(",")
            types.append(parser.parse_type())
        operands = [parser.resolve_operand(o, t) for o, t in zip((left, right, name), types, strict=True)]
        op = cls(operands[0], operands[1], operands[2], index)
        op.attributes |= attributes
        return op

    def print(self, printer: Printer) -> None:
        """Print the syntax above."""
        printer.print_string(" ")
        printer.print_ssa_value(self.left)
        printer.print_string(", ")
        printer.print_ssa_value(self.right)
        printer.print_string(" into ")
        self.print_access(printer)
        printer.print_op_attributes(self.attributes)
        printer.print_string(" : ")
        printer.print_list((self.left.type, self.right.type, self.buffer.type), printer.print_attribute)

    def verify_(self) -> None:
        """The index is inside; A is four matrices, B two or four, of one type."""
        self.verify_forms(len(self.memref.get_shape()))
        self.verify_place()
        left = cast("VectorType[Attribute]", self.left.type)
        right = cast("VectorType[Attribute]", self.right.type)
        each = elements_of_matrix(left.element_type)
        shapes = left.get_shape(), right.get_shape()
        if (
            not each
            or left.element_type != right.element_type
            or shapes not in [((4 * each,), (n * each,)) for n in (2, 4)]
        ):
            raise VerifyException(f"{self.name}: there is no product of {left} and {right}")


@irdl_op_definition
class SlotOp(LinearOp):
    """The place of an iteration in a ring of buffers: a linear form, which is not negative, modulo their number.

    ```mlir
    %slot = loop.slot %kb + 2 of 3 : index
    ```

    Linear forms take it as they take a symbol, though loops compute it.
    """

    name = "loop.slot"
    SYMBOL: ClassVar[bool] = True

    count = prop_def(IntAttr)
    result = result_def(IndexType)

    traits = traits_def(Pure())

    def __init__(self, form: Form, count: int) -> None:
        """The value of a form modulo `count`."""
        counters, matrix = pack([linear(form)])
        super().__init__(
            operands=[counters], properties={"lin": matrix, "count": IntAttr(count)}, result_types=[IndexType()]
        )

    @classmethod
    def parse(cls, parser: Parser) -> SlotOp:
        """Read the syntax above."""
        form = parse_form(parser)
        parser.parse_keyword("of")
        count = parser.parse_integer(allow_boolean=False)
        attributes = parser.parse_optional_attr_dict()
        parser.parse_punctuation(":")
        parser.parse_type()
        op = cls(form, count)
        op.attributes |= attributes
        return op

    def print(self, printer: Printer) -> None:
        """Print the syntax above."""
        printer.print_string(" ")
        print_form(printer, self.forms()[0])
        printer.print_string(f" of {self.count.data}")
        printer.print_op_attributes(self.attributes)
        printer.print_string(" : index")

    def verify_(self) -> None:
        """One form; the ring is not empty."""
        self.verify_forms(1)
        if self.count.data < 1:
            raise VerifyException(f"{self.name}: a ring has a buffer or more, not {self.count.data}")
