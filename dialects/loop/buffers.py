"""Buffers: `loop.alloc`, `loop.private`, their names and alignment."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from xdsl.dialects.builtin import (
    ArrayAttr,
    DictionaryAttr,
    FixedBitwidthType,
    IndexType,
    IntAttr,
    IntegerAttr,
    MemRefType,
    StringAttr,
)
from xdsl.dialects.func import FuncOp
from xdsl.ir import Attribute, BlockArgument, Operation, SSAValue
from xdsl.irdl import (
    IRDLOperation,
    irdl_op_definition,
    operand_def,
    opt_prop_def,
    prop_def,
    result_def,
    traits_def,
    var_operand_def,
)
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.traits import MemoryAllocEffect, Pure
from xdsl.utils.exceptions import VerifyException

from weft.dialects.loop.base import is_element

NAME = "loop.name"
ALIGN = "loop.align"
MAY_ALIAS = "loop.may_alias"
"""The attribute of a kernel whose buffer arguments may be the same memory."""
SPACES = ("reg", "stack", "heap", "shared", "fragment")
ALLOC_ALIGNMENT = 64


def memref_of(buffer: SSAValue) -> MemRefType[Attribute]:
    """The type of a buffer."""
    return cast(MemRefType[Attribute], buffer.type)


@irdl_op_definition
class AllocOp(IRDLOperation):
    """A buffer of the iteration (or kernel) that it stands in; what it holds at first is undefined.

    ```mlir
    %Cr = loop.alloc reg "Cr" : memref<12x32xf32>
    %t = loop.alloc heap "t"(%n) : memref<?x512xf32>
    %As = loop.alloc shared "As" swizzle(4) : memref<128x32xf16>
    ```

    Spaces: `reg` (registers: the index is made of constants, unrolled and vector counters), `stack` (small
    memory), `heap` (memory from the plan), `shared` and `fragment` (GPU). The name is how schedule steps find
    it. Memory is aligned to 64 bytes and padded by a vector. Run-time sizes are symbols; only `heap` has them.

    With `swizzle(n)`, in `shared`, pieces of 16 bytes lie in another order in memory: within groups of `n` pieces of a
    row (the last dimension), by the number of the row, so that one column of 8 rows meets all banks. An index is what
    it was.
    """

    name = "loop.alloc"

    sizes = var_operand_def(IndexType)
    space = prop_def(StringAttr)
    buffer_name = prop_def(StringAttr)
    swizzle = opt_prop_def(IntAttr)
    result = result_def(MemRefType)

    traits = traits_def(MemoryAllocEffect())

    def __init__(
        self, space: str, name: str, type_: Attribute, sizes: Sequence[SSAValue] = (), *, swizzle: int = 0
    ) -> None:
        """A buffer named `name` of memref type `type_`, with a size for each `?` of it."""
        super().__init__(
            operands=[sizes],
            properties={
                "space": StringAttr(space),
                "buffer_name": StringAttr(name),
                "swizzle": IntAttr(swizzle) if swizzle else None,
            },
            result_types=[type_],
        )
        hint = name.replace(".", "_")
        if SSAValue.is_valid_name(hint):
            self.result.name_hint = hint

    @classmethod
    def parse(cls, parser: Parser) -> AllocOp:
        """Read the syntax above."""
        space = parser.parse_identifier(" (the space of the buffer)")
        name = parser.parse_str_literal(" (the name of the buffer)")
        sizes = parser.parse_optional_comma_separated_list(
            parser.Delimiter.PAREN, lambda: parser.parse_operand(IndexType())
        )
        swizzle = 0
        if parser.parse_optional_keyword("swizzle") is not None:
            with parser.in_parens():
                swizzle = parser.parse_integer(allow_boolean=False)
        attributes = parser.parse_optional_attr_dict()
        parser.parse_punctuation(":")
        op = cls(space, name, parser.parse_type(), sizes or (), swizzle=swizzle)
        op.attributes |= attributes
        return op

    def print(self, printer: Printer) -> None:
        """Print the syntax above."""
        printer.print_string(f" {self.space.data} ")
        printer.print_string_literal(self.buffer_name.data)
        if self.sizes:
            printer.print_operands(self.sizes)
        if self.swizzle is not None:
            printer.print_string(f" swizzle({self.swizzle.data})")
        printer.print_op_attributes(self.attributes)
        printer.print_string(" : ")
        printer.print_attribute(self.result.type)

    def verify_(self) -> None:
        """The space is known, the name not empty, each `?` has a size, the elements are of loops, the swizzle fits."""
        if self.space.data not in SPACES:
            raise VerifyException(f"loop.alloc: '{self.space.data}' is no space; known are {', '.join(SPACES)}")
        if not self.buffer_name.data:
            raise VerifyException("loop.alloc: a buffer needs a name")
        type_ = memref_of(self.result)
        dynamic = sum(size < 0 for size in type_.get_shape())
        if dynamic != len(self.sizes):
            raise VerifyException(f"loop.alloc: {type_} needs {dynamic} sizes, {len(self.sizes)} are given")
        if dynamic and self.space.data != "heap":
            raise VerifyException(f"loop.alloc: a buffer in '{self.space.data}' has no run-time sizes")
        if not is_element(type_.element_type):
            raise VerifyException(f"loop.alloc: loops do not compute on elements of {type_.element_type}")
        if self.swizzle is not None:
            if self.space.data != "shared":
                raise VerifyException(f"loop.alloc: a swizzle is for 'shared', not for '{self.space.data}'")
            if (why := against_swizzle(type_, self.swizzle.data)) is not None:
                raise VerifyException(f"loop.alloc: {why}")


PIECE = 16
"""The bytes of a piece that a swizzle moves as a whole: the widest access of a thread."""


def pieces_of_row(type_: MemRefType[Attribute]) -> int:
    """The whole pieces of a row of a buffer; 0 where a row is no number of them."""
    width = type_.element_type.bitwidth if isinstance(type_.element_type, FixedBitwidthType) else 64
    row, rest = divmod((type_.get_shape() or (1,))[-1] * max(width // 8, 1), PIECE)
    return 0 if rest else row


def against_swizzle(type_: MemRefType[Attribute], count: int) -> str | None:
    """Why pieces of the rows of a buffer cannot change places in groups of `count`; None where they can."""
    row = pieces_of_row(type_)
    if count not in (2, 4, 8):
        return f"a swizzle moves pieces in groups of 2, 4 or 8, not {count}"
    if row < count or row & (row - 1):
        return f"a swizzle of {count} needs rows of {count} pieces of 16 bytes, or twice, four times as many, ..."
    return None


@irdl_op_definition
class PrivateOp(IRDLOperation):
    """The slice of a buffer that belongs to the worker that runs this iteration; dimension 0 is workers.

    ```mlir
    %mine = loop.private %all : memref<4x512xf32> -> memref<512xf32>
    ```
    """

    name = "loop.private"

    source = operand_def(MemRefType)
    result = result_def(MemRefType)

    traits = traits_def(Pure())

    def __init__(self, source: SSAValue) -> None:
        """This worker's slice of `source`."""
        type_ = memref_of(source)
        result = MemRefType(type_.element_type, type_.get_shape()[1:])
        super().__init__(operands=[source], result_types=[result])

    @classmethod
    def parse(cls, parser: Parser) -> PrivateOp:
        """Read the syntax above."""
        source = parser.parse_unresolved_operand()
        attributes = parser.parse_optional_attr_dict()
        parser.parse_punctuation(":")
        type_ = parser.parse_type()
        parser.parse_punctuation("->")
        result = parser.parse_type()
        op = cls.create(operands=[parser.resolve_operand(source, type_)], result_types=[result])
        op.attributes |= attributes
        return op

    def print(self, printer: Printer) -> None:
        """Print the syntax above."""
        printer.print_string(" ")
        printer.print_ssa_value(self.source)
        printer.print_op_attributes(self.attributes)
        printer.print_string(" : ")
        printer.print_attribute(self.source.type)
        printer.print_string(" -> ")
        printer.print_attribute(self.result.type)

    def verify_(self) -> None:
        """The result is the source without its first dimension."""
        source, result = memref_of(self.source), memref_of(self.result)
        if (
            not source.get_shape()
            or source.get_shape()[1:] != result.get_shape()
            or source.element_type != result.element_type
        ):
            raise VerifyException(f"loop.private: a worker's slice of {source} is not {result}")


def argument_attributes(argument: BlockArgument) -> dict[str, Attribute]:
    """The attributes of a function argument; empty for other arguments."""
    func = argument.block.parent_op()
    if not isinstance(func, FuncOp) or func.arg_attrs is None:
        return {}
    return dict(func.arg_attrs.data[argument.index].data)


def set_argument_attribute(func: FuncOp, index: int, name: str, value: Attribute) -> None:
    """Set an attribute of argument number `index` of a function."""
    every: list[dict[str, Attribute]] = [{} for _ in func.function_type.inputs]
    if func.arg_attrs is not None:
        every = [dict(a.data) for a in func.arg_attrs.data]
    every[index][name] = value
    func.properties["arg_attrs"] = ArrayAttr([DictionaryAttr(a) for a in every])


def buffer_name(buffer: SSAValue) -> str | None:
    """The name by which steps find a buffer, of its `loop.alloc` or `loop.name` of the argument, or None."""
    owner = buffer.owner
    if isinstance(buffer, BlockArgument):
        name = argument_attributes(buffer).get(NAME)
        return name.data if isinstance(name, StringAttr) else None
    if isinstance(owner, AllocOp):
        return owner.buffer_name.data
    return buffer_name(owner.source) if isinstance(owner, PrivateOp) else None


def alignment(buffer: SSAValue) -> int:
    """The alignment in bytes that is known of a buffer: 64 of an alloc, `loop.align` of an argument, or 1."""
    if isinstance(buffer, BlockArgument):
        known = argument_attributes(buffer).get(ALIGN)
        return cast(IntegerAttr, known).value.data if isinstance(known, IntegerAttr) else 1
    return ALLOC_ALIGNMENT if isinstance(buffer.owner, Operation) and isinstance(buffer.owner, AllocOp) else 1
