"""`gpu.func`: kernels and device functions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from xdsl.dialects.builtin import (
    ArrayAttr,
    DenseArrayBase,
    DictionaryAttr,
    FunctionType,
    IntegerAttr,
    IntegerType,
    StringAttr,
    SymbolNameConstraint,
    UnitAttr,
    i32,
    i64,
)
from xdsl.dialects.func import CallOp, CallOpSymbolUserOpInterface
from xdsl.ir import Attribute, Block, BlockArgument, Operation, Region, SSAValue
from xdsl.irdl import (
    IRDLOperation,
    attr_def,
    irdl_op_definition,
    opt_attr_def,
    opt_prop_def,
    prop_def,
    region_def,
    traits_def,
    var_operand_def,
)
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.traits import (
    CallableOpInterface,
    HasParent,
    IsolatedFromAbove,
    IsTerminator,
    Pure,
    SymbolOpInterface,
    SymbolTable,
)
from xdsl.utils.exceptions import VerifyException

from weft.dialects.gpu.arguments import (
    Arguments,
    parse_arguments,
    parse_attributions,
    parse_results,
    print_arguments,
    print_attributions,
    print_results,
)
from weft.dialects.gpu.attributes import is_in
from weft.dialects.gpu.module import ModuleOp

KERNEL = "gpu.kernel"
"""The attribute of a function that is a kernel; `nvvm.kernel` is its name one stop further down."""

_SIZES = DenseArrayBase.constr(i32)
_DICTIONARIES = ArrayAttr.constr(DictionaryAttr)


class _Callable(CallableOpInterface):
    """How a `gpu.func` is called."""

    @classmethod
    def get_callable_region(cls, op: Operation) -> Region:
        """The body."""
        return cast(FuncOp, op).body

    @classmethod
    def get_argument_types(cls, op: Operation) -> tuple[Attribute, ...]:
        """What it takes."""
        return cast(FuncOp, op).function_type.inputs.data

    @classmethod
    def get_result_types(cls, op: Operation) -> tuple[Attribute, ...]:
        """What it gives."""
        return cast(FuncOp, op).function_type.outputs.data


@irdl_op_definition
class FuncOp(IRDLOperation):
    """A function of the device: a `kernel`, which is launched, or one that kernels call by `func.call`.

    Buffers behind `workgroup` are the block's, those behind `private` a thread's own; the launch does not give them.
    `known_block_size` and `known_grid_size` say what every launch has.

    ```mlir
    gpu.func @f(%x: memref<256xf32>) workgroup(%tile : memref<32xf32, #gpu.address_space<workgroup>>) kernel
        attributes {known_block_size = array<i32: 256, 1, 1>} {
      gpu.return
    }
    ```
    """

    name = "gpu.func"
    sym_name = attr_def(SymbolNameConstraint())
    function_type = prop_def(FunctionType)
    arg_attrs = opt_prop_def(_DICTIONARIES)
    res_attrs = opt_prop_def(_DICTIONARIES)
    workgroup_attrib_attrs = opt_prop_def(_DICTIONARIES)
    private_attrib_attrs = opt_prop_def(_DICTIONARIES)
    known_block_size = opt_prop_def(_SIZES)
    known_grid_size = opt_prop_def(_SIZES)
    kernel = opt_attr_def(UnitAttr, attr_name=KERNEL)
    workgroup_attributions = opt_attr_def(IntegerAttr.constr(i64))
    body = region_def()

    traits = traits_def(IsolatedFromAbove(), HasParent(ModuleOp), SymbolOpInterface(), _Callable())

    def __init__(
        self,
        name: str,
        type_: FunctionType | tuple[Sequence[Attribute], Sequence[Attribute]],
        body: Region | None = None,
        *,
        kernel: bool = False,
        workgroup: Sequence[Attribute] = (),
        private: Sequence[Attribute] = (),
        known_block_size: Sequence[int] | None = None,
        known_grid_size: Sequence[int] | None = None,
    ) -> None:
        """Without a body, it gets an empty block with the arguments and attributions."""
        if isinstance(type_, tuple):
            type_ = FunctionType.from_lists(*type_)
        sizes = {"known_block_size": known_block_size, "known_grid_size": known_grid_size}
        super().__init__(
            properties={
                "function_type": type_,
                **{key: DenseArrayBase.from_list(i32, size) for key, size in sizes.items() if size is not None},
            },
            attributes={
                "sym_name": StringAttr(name),
                KERNEL: UnitAttr() if kernel else None,
                "workgroup_attributions": IntegerAttr(len(workgroup), i64),
            },
            regions=[body or Region(Block(arg_types=[*type_.inputs.data, *workgroup, *private]))],
        )

    # what is where among the arguments of the body

    @property
    def is_kernel(self) -> bool:
        """Whether it is launched."""
        return self.kernel is not None

    @property
    def arguments(self) -> tuple[BlockArgument, ...]:
        """What a launch or a call passes."""
        return tuple(self.body.blocks[0].args[: len(self.function_type.inputs)])

    @property
    def workgroup(self) -> tuple[BlockArgument, ...]:
        """Its buffers in the block's memory."""
        first = len(self.function_type.inputs)
        return tuple(self.body.blocks[0].args[first : first + self._workgroup_count()])

    @property
    def private(self) -> tuple[BlockArgument, ...]:
        """Its buffers in a thread's own memory."""
        return tuple(self.body.blocks[0].args[len(self.function_type.inputs) + self._workgroup_count() :])

    def _workgroup_count(self) -> int:
        return 0 if self.workgroup_attributions is None else self.workgroup_attributions.value.data

    @property
    def block_size(self) -> tuple[int, ...] | None:
        """The size of a block in x, y and z, where every launch has the same."""
        return None if self.known_block_size is None else _numbers(self.known_block_size)

    @property
    def grid_size(self) -> tuple[int, ...] | None:
        """The number of blocks in x, y and z, where every launch has the same."""
        return None if self.known_grid_size is None else _numbers(self.known_grid_size)

    # text

    @classmethod
    def parse(cls, parser: Parser) -> FuncOp:
        """Reads `@name(ARGS) -> RESULTS workgroup(...) private(...) kernel attributes {...} {...}`."""
        name = parser.parse_symbol_name().data
        arguments = parse_arguments(parser)
        results, result_attributes = parse_results(parser)
        workgroup, private = (parse_attributions(parser, keyword) for keyword in ("workgroup", "private"))
        kernel = parser.parse_optional_keyword("kernel") is not None
        attributes = parser.parse_optional_attr_dict_with_keyword()
        body = parser.parse_region([*arguments.arguments, *workgroup.arguments, *private.arguments])
        op = cls(name, (arguments.types, results), body, kernel=kernel, workgroup=workgroup.types)
        _set(op, "arg_attrs", arguments)
        _set(op, "workgroup_attrib_attrs", workgroup)
        _set(op, "private_attrib_attrs", private)
        if result_attributes is not None:
            op.res_attrs = result_attributes
        for key, value in () if attributes is None else attributes.data.items():
            where = op.properties if key in ("known_block_size", "known_grid_size") else op.attributes
            where[key] = value
        return op

    def print(self, printer: Printer) -> None:
        """Prints what :meth:`parse` reads."""
        printer.print_string(" ")
        printer.print_symbol_name(self.sym_name.data)
        print_arguments(printer, self.arguments, self.arg_attrs)
        print_results(printer, self.function_type.outputs.data, self.res_attrs)
        print_attributions(printer, "workgroup", self.workgroup, self.workgroup_attrib_attrs)
        print_attributions(printer, "private", self.private, self.private_attrib_attrs)
        if self.is_kernel:
            printer.print_string(" kernel")
        known = {key: self.properties[key] for key in ("known_block_size", "known_grid_size") if key in self.properties}
        printer.print_op_attributes(
            {**self.attributes, **known},
            reserved_attr_names=("sym_name", KERNEL, "workgroup_attributions"),
            print_keyword=True,
        )
        printer.print_string(" ")
        printer.print_region(self.body, print_entry_block_args=False)

    def verify_(self) -> None:
        """The body takes the arguments and attributions, each in its memory; a kernel gives nothing."""
        inputs = self.function_type.inputs.data
        types = self.body.blocks[0].arg_types
        if types[: len(inputs)] != inputs or len(types) < len(inputs) + self._workgroup_count():
            raise VerifyException("the body of a 'gpu.func' takes its arguments, then its attributions")
        if self.is_kernel and self.function_type.outputs.data:
            raise VerifyException("a kernel gives no results; it writes them to its buffers")
        for space, buffers in (("workgroup", self.workgroup), ("private", self.private)):
            for buffer in buffers:
                if not is_in(buffer.type, space):
                    raise VerifyException(f"a {space} buffer has the type {buffer.type}, of other memory")
        for size in (self.block_size, self.grid_size):
            if size is not None and (len(size) != 3 or min(size) < 1):
                raise VerifyException("a block and a grid have three sizes, each at least 1")


def _numbers(array: DenseArrayBase[IntegerType]) -> tuple[int, ...]:
    return tuple(int(value) for value in array.get_values())


def _set(op: FuncOp, name: str, read: Arguments) -> None:
    attributes = read.packed()
    if attributes is not None:
        op.properties[name] = attributes


@irdl_op_definition
class ReturnOp(IRDLOperation):
    """Ends a `gpu.func`.

    ```mlir
    gpu.return %x : f32
    ```
    """

    name = "gpu.return"
    args = var_operand_def()

    traits = traits_def(Pure(), IsTerminator(), HasParent(FuncOp))
    assembly_format = "attr-dict ($args^ `:` type($args))?"

    def __init__(self, *args: SSAValue | Operation) -> None:
        super().__init__(operands=[args])

    def verify_(self) -> None:
        """What the function gives."""
        function = self.parent_op()
        if isinstance(function, FuncOp) and self.args.types != function.function_type.outputs.data:
            wanted = ", ".join(map(str, function.function_type.outputs.data)) or "nothing"
            raise VerifyException(
                f"'gpu.return' gives {', '.join(map(str, self.args.types)) or 'nothing'}, not {wanted}"
            )


class _Calls(CallOpSymbolUserOpInterface):
    """Lets `func.call` name a `gpu.func` too, one that is no kernel: upstream has no op for this."""

    def verify(self, op: Operation) -> None:
        """Operands and results fit the function."""
        call = cast(CallOp, op)
        callee = SymbolTable.lookup_symbol(call, call.callee)
        if not isinstance(callee, FuncOp):
            super().verify(call)
            return
        name = callee.sym_name.data
        if callee.is_kernel:
            raise VerifyException(f"'@{name}' is a kernel: it is launched by gpu.launch_func, not called")
        if (
            call.arguments.types != callee.function_type.inputs.data
            or call.result_types != callee.function_type.outputs.data
        ):
            raise VerifyException(f"'@{name}' is called as another type than {callee.function_type}")


CallOp.traits = CallOp.get_irdl_definition().traits = traits_def(
    *(trait for trait in CallOp.traits if not isinstance(trait, CallOpSymbolUserOpInterface)), _Calls()
)  # without this no call of a device function verifies
