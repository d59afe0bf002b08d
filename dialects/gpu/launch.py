"""Launches: `gpu.launch_func` of a kernel, `gpu.launch` of a region."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, cast

from xdsl.dialects.builtin import ArrayAttr, DictionaryAttr, IndexType, IntegerAttr, SymbolRefAttr, i32, i64
from xdsl.ir import Attribute, Block, BlockArgument, Operation, Region, SSAValue
from xdsl.irdl import (
    AttrSizedOperandSegments,
    EqAttrConstraint,
    IRDLOperation,
    VarConstraint,
    base,
    irdl_op_definition,
    operand_def,
    opt_attr_def,
    opt_operand_def,
    opt_result_def,
    prop_def,
    region_def,
    traits_def,
    var_operand_def,
)
from xdsl.irdl.declarative_assembly_format import (
    CustomDirective,
    ParsingState,
    PrintingState,
    TypeDirective,
    VariadicOperandVariable,
    irdl_custom_directive,
)
from xdsl.parser import Parser, UnresolvedOperand
from xdsl.printer import Printer
from xdsl.traits import HasParent, IsTerminator, MemoryWriteEffect, Pure, RecursiveMemoryEffect
from xdsl.utils.exceptions import VerifyException

from weft.dialects.gpu.arguments import parse_attributions, print_attributions
from weft.dialects.gpu.attributes import AsyncTokenType, is_in
from weft.dialects.gpu.syntax import AsyncDependencies

Value = SSAValue | Operation
Sizes = tuple[SSAValue, SSAValue, SSAValue]


@irdl_custom_directive
class SizeType(CustomDirective):
    """`: i64`, the type of all sizes of a launch; `index` where it is left out."""

    size: TypeDirective

    def parse(self, parser: Parser, state: ParsingState) -> None:
        """Read the type."""
        type_ = IndexType() if parser.parse_optional_punctuation(":") is None else parser.parse_type()
        self.size.set(state, (type_,))

    def print(self, printer: Printer, state: PrintingState, op: IRDLOperation) -> None:
        """Print the type where it is not `index`."""
        if not isinstance(self.size.get(op)[0], IndexType):
            printer.print_string(" :")
            self.size.print(printer, state, op)


@irdl_custom_directive
class LaunchArguments(CustomDirective):
    """`args(%x : f32, %m : memref<4xf32>)`, or nothing."""

    operands: VariadicOperandVariable
    types: TypeDirective

    def parse(self, parser: Parser, state: ParsingState) -> None:
        """Read the operands with their types."""
        operands: list[UnresolvedOperand] = []
        types: list[Attribute] = []

        def one() -> None:
            operands.append(parser.parse_unresolved_operand())
            parser.parse_punctuation(":")
            types.append(parser.parse_type())

        if parser.parse_optional_keyword("args") is not None:
            parser.parse_comma_separated_list(parser.Delimiter.PAREN, one)
        self.operands.set(state, operands)
        self.types.set(state, types)

    def print(self, printer: Printer, state: PrintingState, op: IRDLOperation) -> None:
        """Print the operands with their types."""

        def one(value: SSAValue) -> None:
            printer.print_ssa_value(value)
            printer.print_string(" : ")
            printer.print_attribute(value.type)

        if operands := self.operands.get(op):
            printer.print_string(" args(")
            printer.print_list(operands, one)
            printer.print_string(")")
            state.should_emit_space, state.last_was_punctuation = True, False


def _sizes(values: Sequence[SSAValue | None]) -> Sizes | None:
    return cast(Sizes, tuple(values)) if all(value is not None for value in values) else None


@irdl_op_definition
class LaunchFuncOp(IRDLOperation):
    """Runs a kernel on a grid of blocks, which may be grouped into clusters.

    The host waits for its end unless it is `async`. `dynamic_shared_memory_size` is in bytes.

    ```mlir
    gpu.launch_func @kernels::@f blocks in (%b, %c1, %c1) threads in (%t, %c1, %c1)
      dynamic_shared_memory_size %bytes args(%n : index, %x : memref<?xf32>)
    ```
    """

    name = "gpu.launch_func"
    SIZE: ClassVar = VarConstraint("SIZE", base(IndexType) | EqAttrConstraint(i32) | EqAttrConstraint(i64))
    async_dependencies = var_operand_def(AsyncTokenType)
    grid_size_x = operand_def(SIZE)
    grid_size_y = operand_def(SIZE)
    grid_size_z = operand_def(SIZE)
    block_size_x = operand_def(SIZE)
    block_size_y = operand_def(SIZE)
    block_size_z = operand_def(SIZE)
    cluster_size_x = opt_operand_def(SIZE)
    cluster_size_y = opt_operand_def(SIZE)
    cluster_size_z = opt_operand_def(SIZE)
    dynamic_shared_memory_size = opt_operand_def(i32)
    kernel_operands = var_operand_def()
    async_object = opt_operand_def()
    kernel = prop_def(SymbolRefAttr)
    async_token = opt_result_def(AsyncTokenType)

    traits = traits_def(MemoryWriteEffect())
    irdl_options = (AttrSizedOperandSegments(as_property=True),)
    custom_directives = (AsyncDependencies, SizeType, LaunchArguments)
    assembly_format = (
        "custom<AsyncDependencies>(type($async_token), $async_dependencies) "
        "(`<` $async_object^ `:` type($async_object) `>`)? $kernel "
        "(`clusters` `in` ` ` `(` $cluster_size_x^ `,` $cluster_size_y `,` $cluster_size_z `)`)? "
        "`blocks` `in` ` ` `(` $grid_size_x `,` $grid_size_y `,` $grid_size_z `)` "
        "`threads` `in` ` ` `(` $block_size_x `,` $block_size_y `,` $block_size_z `)` "
        "custom<SizeType>(type($grid_size_x)) "
        "(`dynamic_shared_memory_size` $dynamic_shared_memory_size^)? "
        "custom<LaunchArguments>($kernel_operands, type($kernel_operands)) attr-dict"
    )

    def __init__(
        self,
        kernel: SymbolRefAttr,
        grid: Sequence[Value],
        block: Sequence[Value],
        operands: Sequence[Value] = (),
        *,
        cluster: Sequence[Value] | None = None,
        dynamic_shared_memory_size: Value | None = None,
        async_dependencies: Sequence[Value] = (),
        is_async: bool = False,
    ) -> None:
        clusters: list[list[Value]] = [[], [], []] if cluster is None else [[size] for size in cluster]
        shared = [] if dynamic_shared_memory_size is None else [dynamic_shared_memory_size]
        super().__init__(
            operands=[async_dependencies, *grid, *block, *clusters, shared, operands, []],
            result_types=[[AsyncTokenType()] if is_async else []],
            properties={"kernel": kernel},
        )

    @property
    def grid(self) -> Sizes:
        """The number of blocks in x, y and z."""
        return self.grid_size_x, self.grid_size_y, self.grid_size_z

    @property
    def block(self) -> Sizes:
        """The number of threads of a block in x, y and z."""
        return self.block_size_x, self.block_size_y, self.block_size_z

    @property
    def cluster(self) -> Sizes | None:
        """The number of blocks of a cluster in x, y and z; None without clusters."""
        return _sizes((self.cluster_size_x, self.cluster_size_y, self.cluster_size_z))

    def verify_(self) -> None:
        """The kernel is named with its module."""
        if len(self.kernel.nested_references) != 1:
            raise VerifyException(f"a kernel is named as @module::@kernel, not {self.kernel}")


_GROUPS = ("block", "thread", "grid", "block_size", "cluster", "cluster_size")
"""The index arguments of a launched region, three each: numbers of block and thread, then the sizes."""


@irdl_op_definition
class LaunchOp(IRDLOperation):
    """Runs a region on a grid of blocks: a kernel where it is used.

    Its arguments are the numbers of the block and thread and the sizes of the grid and blocks (with `clusters`, the
    number of the cluster and the size of clusters too), then buffers in the block's memory and in a thread's own.

    ```mlir
    gpu.launch blocks(%bx, %by, %bz) in (%gx = %n, %gy = %c1, %gz = %c1)
               threads(%tx, %ty, %tz) in (%sx = %c32, %sy = %c1, %sz = %c1) {
      gpu.terminator
    }
    ```
    """

    name = "gpu.launch"
    async_dependencies = var_operand_def(AsyncTokenType)
    grid_size_x = operand_def(IndexType)
    grid_size_y = operand_def(IndexType)
    grid_size_z = operand_def(IndexType)
    block_size_x = operand_def(IndexType)
    block_size_y = operand_def(IndexType)
    block_size_z = operand_def(IndexType)
    cluster_size_x = opt_operand_def(IndexType)
    cluster_size_y = opt_operand_def(IndexType)
    cluster_size_z = opt_operand_def(IndexType)
    dynamic_shared_memory_size = opt_operand_def(i32)
    workgroup_attributions = opt_attr_def(IntegerAttr.constr(i64))
    async_token = opt_result_def(AsyncTokenType)
    body = region_def()

    traits = traits_def(RecursiveMemoryEffect(), MemoryWriteEffect())
    irdl_options = (AttrSizedOperandSegments(as_property=True),)

    def __init__(
        self,
        grid: Sequence[Value],
        block: Sequence[Value],
        body: Region | None = None,
        *,
        cluster: Sequence[Value] | None = None,
        dynamic_shared_memory_size: Value | None = None,
        workgroup: Sequence[Attribute] = (),
        private: Sequence[Attribute] = (),
        async_dependencies: Sequence[Value] = (),
        is_async: bool = False,
    ) -> None:
        """Without a body, it gets an empty block with the arguments."""
        clusters: list[list[Value]] = [[], [], []] if cluster is None else [[size] for size in cluster]
        shared = [] if dynamic_shared_memory_size is None else [dynamic_shared_memory_size]
        count = 12 if cluster is None else 18
        super().__init__(
            operands=[async_dependencies, *grid, *block, *clusters, shared],
            result_types=[[AsyncTokenType()] if is_async else []],
            attributes={"workgroup_attributions": IntegerAttr(len(workgroup), i64)},
            regions=[body or Region(Block(arg_types=[*[IndexType()] * count, *workgroup, *private]))],
        )

    @property
    def grid(self) -> Sizes:
        """The number of blocks in x, y and z."""
        return self.grid_size_x, self.grid_size_y, self.grid_size_z

    @property
    def block(self) -> Sizes:
        """The number of threads of a block in x, y and z."""
        return self.block_size_x, self.block_size_y, self.block_size_z

    @property
    def cluster(self) -> Sizes | None:
        """The number of blocks of a cluster in x, y and z; None without clusters."""
        return _sizes((self.cluster_size_x, self.cluster_size_y, self.cluster_size_z))

    def indices(self, group: str) -> tuple[BlockArgument, ...]:
        """Three arguments of the region: `block`, `thread`, `grid`, `block_size`, `cluster` or `cluster_size`."""
        first = 3 * _GROUPS.index(group)
        return tuple(self.body.blocks[0].args[first : first + 3])

    @property
    def workgroup(self) -> tuple[BlockArgument, ...]:
        """Its buffers in the block's memory."""
        first = self._index_count()
        return tuple(self.body.blocks[0].args[first : first + self._workgroup_count()])

    @property
    def private(self) -> tuple[BlockArgument, ...]:
        """Its buffers in a thread's own memory."""
        return tuple(self.body.blocks[0].args[self._index_count() + self._workgroup_count() :])

    def _index_count(self) -> int:
        return 12 if self.cluster is None else 18

    def _workgroup_count(self) -> int:
        return 0 if self.workgroup_attributions is None else self.workgroup_attributions.value.data

    # text

    @classmethod
    def parse(cls, parser: Parser) -> LaunchOp:
        """Reads `async [TOKENS] clusters(...) in (...) blocks(...) in (...) threads(...) in (...) ... {...}`."""
        is_async = parser.parse_optional_keyword("async") is not None
        tokens = parser.parse_optional_comma_separated_list(parser.Delimiter.SQUARE, parser.parse_unresolved_operand)
        clusters = parser.parse_optional_keyword("clusters") is not None
        cluster = _ReadSizes(parser) if clusters else None
        parser.parse_keyword("blocks")
        grid = _ReadSizes(parser)
        parser.parse_keyword("threads")
        block = _ReadSizes(parser)
        shared = None
        if parser.parse_optional_keyword("dynamic_shared_memory_size") is not None:
            shared = parser.resolve_operand(parser.parse_unresolved_operand(), i32)
        workgroup, private = (parse_attributions(parser, keyword) for keyword in ("workgroup", "private"))
        numbered = [*grid.numbers, *block.numbers, *grid.names, *block.names]
        numbered += [] if cluster is None else [*cluster.numbers, *cluster.names]
        indices = [argument.resolve(IndexType()) for argument in numbered]
        body = parser.parse_region([*indices, *workgroup.arguments, *private.arguments])
        op = cls(
            grid.operands,
            block.operands,
            body,
            cluster=None if cluster is None else cluster.operands,
            dynamic_shared_memory_size=shared,
            workgroup=workgroup.types,
            async_dependencies=[parser.resolve_operand(token, AsyncTokenType()) for token in tokens or ()],
            is_async=is_async,
        )
        op.attributes |= parser.parse_optional_attr_dict()
        return op

    def print(self, printer: Printer) -> None:
        """Prints what :meth:`parse` reads."""
        if self.async_token is not None:
            printer.print_string(" async")
        if self.async_dependencies:
            printer.print_string(" [")
            printer.print_list(self.async_dependencies, printer.print_ssa_value)
            printer.print_string("]")
        if self.cluster is not None:
            _print_sizes(printer, "clusters", self.indices("cluster"), self.indices("cluster_size"), self.cluster)
        _print_sizes(printer, "blocks", self.indices("block"), self.indices("grid"), self.grid)
        _print_sizes(printer, "threads", self.indices("thread"), self.indices("block_size"), self.block)
        if self.dynamic_shared_memory_size is not None:
            printer.print_string(" dynamic_shared_memory_size ")
            printer.print_ssa_value(self.dynamic_shared_memory_size)
        none: ArrayAttr[DictionaryAttr] | None = None
        print_attributions(printer, "workgroup", self.workgroup, none)
        print_attributions(printer, "private", self.private, none)
        printer.print_string(" ")
        printer.print_region(self.body, print_entry_block_args=False)
        printer.print_op_attributes(self.attributes, reserved_attr_names=("workgroup_attributions",))

    def verify_(self) -> None:
        """The region takes the numbers and sizes, then the buffers, each in its memory."""
        if not self.body.blocks:
            raise VerifyException("'gpu.launch' needs a body")
        count, types = self._index_count(), self.body.blocks[0].arg_types
        if types[:count] != (IndexType(),) * count or len(types) < count + self._workgroup_count():
            raise VerifyException(f"the body of 'gpu.launch' takes {count} indices, then its buffers")
        for space, buffers in (("workgroup", self.workgroup), ("private", self.private)):
            for buffer in buffers:
                if not is_in(buffer.type, space):
                    raise VerifyException(f"a {space} buffer has the type {buffer.type}, of other memory")


class _ReadSizes:
    """`(%bx, %by, %bz) in (%gx = %n, %gy = %n, %gz = %n)`: names of the numbers and of the sizes, and the sizes."""

    def __init__(self, parser: Parser) -> None:
        self.names: list[Parser.UnresolvedArgument] = []
        self.operands: list[SSAValue] = []
        self.numbers = parser.parse_comma_separated_list(
            parser.Delimiter.PAREN, lambda: parser.parse_argument(expect_type=False)
        )
        parser.parse_keyword("in")
        parser.parse_comma_separated_list(parser.Delimiter.PAREN, lambda: self._size(parser))
        if (len(self.numbers), len(self.names)) != (3, 3):
            parser.raise_error("a launch has sizes in x, y and z")

    def _size(self, parser: Parser) -> None:
        self.names.append(parser.parse_argument(expect_type=False))
        parser.parse_punctuation("=")
        self.operands.append(parser.resolve_operand(parser.parse_unresolved_operand(), IndexType()))


def _print_sizes(
    printer: Printer,
    keyword: str,
    numbers: Sequence[BlockArgument],
    names: Sequence[BlockArgument],
    sizes: Sequence[SSAValue],
) -> None:
    printer.print_string(f" {keyword}(")
    printer.print_list(numbers, lambda arg: printer.print_block_argument(arg, print_type=False))
    printer.print_string(") in (")
    for index, (name, size) in enumerate(zip(names, sizes, strict=True)):
        printer.print_string(", " if index else "")
        printer.print_block_argument(name, print_type=False)
        printer.print_string(" = ")
        printer.print_ssa_value(size)
    printer.print_string(")")


@irdl_op_definition
class TerminatorOp(IRDLOperation):
    """Ends the region of a launch.

    ```mlir
    gpu.terminator
    ```
    """

    name = "gpu.terminator"

    traits = traits_def(Pure(), IsTerminator(), HasParent(LaunchOp))
    assembly_format = "attr-dict"

    def __init__(self) -> None:
        super().__init__()
