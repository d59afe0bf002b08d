"""Types and attributes of the `gpu` dialect.

Source: https://mlir.llvm.org/docs/Dialects/GPU/
"""

from __future__ import annotations

from typing import ClassVar

from xdsl.dialects.builtin import ArrayAttr, DictionaryAttr, IntAttr, IntegerAttr, MemRefType, NoneAttr, StringAttr
from xdsl.dialects.gpu import AsyncTokenType, LoopDimMapAttr, ProcessorAttr
from xdsl.ir import Attribute, ParametrizedAttribute, TypeAttribute
from xdsl.irdl import irdl_attr_definition
from xdsl.parser import AttrParser
from xdsl.printer import Printer
from xdsl.utils.exceptions import VerifyException
from xdsl.utils.hints import isa

from weft.dialects.keywords import AngledKeyword, Keyword

__all__ = [
    "ATTRIBUTES",
    "PRIVATE",
    "WORKGROUP",
    "AddressSpaceAttr",
    "AllReduceOpAttr",
    "AsyncTokenType",
    "DimensionAttr",
    "ElementwiseOpAttr",
    "MMAMatrixType",
    "ObjectAttr",
    "SelectObjectAttr",
    "ShuffleModeAttr",
    "space_of",
]


@irdl_attr_definition
class DimensionAttr(Keyword):
    """An axis of the grid or of a block.

    ```mlir
    #gpu<dim x>
    ```
    """

    name = "gpu.dim"
    WORDS: ClassVar = ("x", "y", "z")


@irdl_attr_definition
class AddressSpaceAttr(AngledKeyword):
    """Where a buffer lies: in the device's memory, in that of the block, or in a thread's own.

    ```mlir
    #gpu.address_space<workgroup>
    ```
    """

    name = "gpu.address_space"
    WORDS: ClassVar = ("global", "workgroup", "private")


WORKGROUP, PRIVATE = AddressSpaceAttr("workgroup"), AddressSpaceAttr("private")

_NUMBERS = {0: "global", 1: "global", 3: "workgroup", 5: "private"}


def space_of(type_: Attribute) -> str:
    """The address space of a memref type: `global`, `workgroup` or `private`.

    A number is NVPTX's (none, 0 and 1: global, 3: workgroup, 5: private). Raises ValueError for another space.
    """
    space = type_.memory_space if isa(type_, MemRefType) else NoneAttr()
    if isinstance(space, NoneAttr):
        return "global"
    if isinstance(space, AddressSpaceAttr):
        return space.data
    if isa(space, IntegerAttr) and space.value.data in _NUMBERS:
        return _NUMBERS[space.value.data]
    raise ValueError(f"a GPU has no address space {space}")


def is_in(type_: Attribute, space: str) -> bool:
    """Whether a memref type is of an address space; one of a space that a GPU lacks is of none."""
    try:
        return space_of(type_) == space
    except ValueError:
        return False


@irdl_attr_definition
class ShuffleModeAttr(Keyword):
    """Which lane of a warp a shuffle takes from: its own number xor-ed, lowered or raised by the offset, or the offset.

    ```mlir
    #gpu<shuffle_mode xor>
    ```
    """

    name = "gpu.shuffle_mode"
    WORDS: ClassVar = ("xor", "down", "up", "idx")


@irdl_attr_definition
class AllReduceOpAttr(Keyword):
    """How a reduction combines: as the ops of `arith` of these names do.

    ```mlir
    #gpu<all_reduce_op add>
    ```
    """

    name = "gpu.all_reduce_op"
    WORDS: ClassVar = (
        *("add", "mul", "minui", "minsi", "minnumf", "maxui", "maxsi", "maxnumf"),
        *("and", "or", "xor", "minimumf", "maximumf"),
    )


@irdl_attr_definition
class ElementwiseOpAttr(Keyword):
    """What is done with each element of matrices that a warp holds.

    ```mlir
    #gpu<mma_element_wise addf>
    ```
    """

    name = "gpu.mma_element_wise"
    WORDS: ClassVar = (
        *("addf", "mulf", "subf", "maxf", "minf", "divf", "addi", "muli"),
        *("subi", "divs", "divu", "negatef", "negates", "extf"),
    )


_MAPPING_IDS = ("x", "y", "z", *(f"linear_dim_{i}" for i in range(10)))


@irdl_attr_definition
class BlockMappingAttr(AngledKeyword):
    """A loop's iterations are blocks along an axis: `#gpu.block<x>`."""

    name = "gpu.block"
    WORDS: ClassVar = _MAPPING_IDS


@irdl_attr_definition
class WarpgroupMappingAttr(AngledKeyword):
    """A loop's iterations are groups of four warps along an axis: `#gpu.warpgroup<x>`."""

    name = "gpu.warpgroup"
    WORDS: ClassVar = _MAPPING_IDS


@irdl_attr_definition
class WarpMappingAttr(AngledKeyword):
    """A loop's iterations are warps along an axis: `#gpu.warp<x>`."""

    name = "gpu.warp"
    WORDS: ClassVar = _MAPPING_IDS


@irdl_attr_definition
class ThreadMappingAttr(AngledKeyword):
    """A loop's iterations are threads along an axis: `#gpu.thread<x>`."""

    name = "gpu.thread"
    WORDS: ClassVar = _MAPPING_IDS


@irdl_attr_definition
class MemorySpaceMappingAttr(AngledKeyword):
    """A buffer is mapped to an address space: `#gpu.memory_space<workgroup>`."""

    name = "gpu.memory_space"
    WORDS: ClassVar = AddressSpaceAttr.WORDS


@irdl_attr_definition
class MMAMatrixType(ParametrizedAttribute, TypeAttribute):
    """A matrix whose elements are spread over the lanes of a warp, as operand A, B or C of a product.

    ```mlir
    !gpu.mma_matrix<16x16xf16, "AOp">
    ```
    """

    name = "gpu.mma_matrix"

    shape: ArrayAttr[IntAttr]
    element_type: Attribute
    operand: StringAttr

    def get_shape(self) -> tuple[int, ...]:
        """Rows and columns."""
        return tuple(size.data for size in self.shape)

    @classmethod
    def parse_parameters(cls, parser: AttrParser) -> tuple[ArrayAttr[IntAttr], Attribute, StringAttr]:
        """Read `<16x16xf16, "AOp">`."""
        with parser.in_angle_brackets():
            shape, element = parser.parse_ranked_shape()
            parser.parse_punctuation(",")
            return ArrayAttr([IntAttr(size) for size in shape]), element, StringAttr(parser.parse_str_literal())

    def print_parameters(self, printer: Printer) -> None:
        """Print `<16x16xf16, "AOp">`."""
        with printer.in_angle_brackets():
            printer.print_string("".join(f"{size}x" for size in self.get_shape()))
            printer.print_attribute(self.element_type)
            printer.print_string(", ")
            printer.print_string_literal(self.operand.data)

    def verify(self) -> None:
        """Two sizes; A, B or C."""
        if len(self.shape) != 2:
            raise VerifyException(f"a matrix has two sizes, not {len(self.shape)}")
        if self.operand.data not in ("AOp", "BOp", "COp"):
            raise VerifyException(f"the operand of a product is AOp, BOp or COp, not '{self.operand.data}'")


FORMATS = ("offload", "assembly", "bin", "fatbin")
"""What an object holds: the target's own format, PTX, a cubin, or a fat binary, which no word stands for."""


@irdl_attr_definition
class ObjectAttr(ParametrizedAttribute):
    """Compiled code of a `gpu.module`, and the target that it is for.

    ```mlir
    #gpu.object<#nvvm.target<chip = "sm_90">, assembly = ".version 8.6">
    ```
    """

    name = "gpu.object"

    target: Attribute
    format: StringAttr
    object: StringAttr
    properties: DictionaryAttr | NoneAttr

    @classmethod
    def parse_parameters(cls, parser: AttrParser) -> tuple[Attribute, StringAttr, StringAttr, Attribute]:
        """Read `<TARGET, properties = {...}, FORMAT = "...">`."""
        with parser.in_angle_brackets():
            target = parser.parse_attribute()
            parser.parse_punctuation(",")
            properties: Attribute = NoneAttr()
            if parser.parse_optional_keyword("properties") is not None:
                parser.parse_punctuation("=")
                properties = parser.parse_attribute()
                parser.parse_punctuation(",")
            word = next((word for word in FORMATS[:3] if parser.parse_optional_keyword(word) is not None), "fatbin")
            if word != "fatbin":
                parser.parse_punctuation("=")
            return target, StringAttr(word), StringAttr(parser.parse_str_literal()), properties

    def print_parameters(self, printer: Printer) -> None:
        """Print what :meth:`parse_parameters` reads."""
        with printer.in_angle_brackets():
            printer.print_attribute(self.target)
            printer.print_string(", ")
            if isinstance(self.properties, DictionaryAttr):
                printer.print_string("properties = ")
                printer.print_attribute(self.properties)
                printer.print_string(", ")
            if self.format.data != "fatbin":
                printer.print_string(f"{self.format.data} = ")
            printer.print_string_literal(self.object.data)


@irdl_attr_definition
class SelectObjectAttr(ParametrizedAttribute):
    """How a `gpu.binary` is put into a program: one of its objects is taken, the first or that of a target.

    ```mlir
    #gpu.select_object
    #gpu.select_object<1 : i64>
    ```
    """

    name = "gpu.select_object"

    target: Attribute

    @classmethod
    def parse_parameters(cls, parser: AttrParser) -> tuple[Attribute]:
        """Read `<TARGET>`, or nothing."""
        if parser.parse_optional_punctuation("<") is None:
            return (NoneAttr(),)
        target = parser.parse_attribute()
        parser.parse_punctuation(">")
        return (target,)

    def print_parameters(self, printer: Printer) -> None:
        """Print what :meth:`parse_parameters` reads."""
        if not isinstance(self.target, NoneAttr):
            with printer.in_angle_brackets():
                printer.print_attribute(self.target)


ATTRIBUTES: tuple[type[Attribute], ...] = (
    AddressSpaceAttr,
    AllReduceOpAttr,
    AsyncTokenType,
    BlockMappingAttr,
    DimensionAttr,
    ElementwiseOpAttr,
    LoopDimMapAttr,
    MMAMatrixType,
    MemorySpaceMappingAttr,
    ObjectAttr,
    ProcessorAttr,
    SelectObjectAttr,
    ShuffleModeAttr,
    ThreadMappingAttr,
    WarpMappingAttr,
    WarpgroupMappingAttr,
)
"""Every type and attribute of the dialect."""
