"""One function of a `gpu.module` on its way to the llvm dialect."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import cast

from xdsl.dialects import func, llvm
from xdsl.dialects.builtin import MemRefType, VectorType, i64
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.utils.hints import isa

from weft import codes
from weft.dialects.gpu import FuncOp as GPUFuncOp
from weft.dialects.gpu import MMAMatrixType
from weft.dialects.locations import error_at
from weft.dialects.upstream import llvm as ours
from weft.passes.gpu.to_nvvm.multiples import Multiples
from weft.passes.gpu.to_nvvm.spaces import GLOBAL, SHARED_SPACE, pointer_type
from weft.passes.lower.emitter import Emitter
from weft.passes.lower.function_builder import Externals, Value, name_parts
from weft.passes.lower.host.buffers import Buffer, Layout, from_components, layout_of, to_components
from weft.passes.lower.host.checked import Truth
from weft.passes.lower.host.lowered import LoweredFunction
from weft.passes.lower.host.messages import Messages
from weft.passes.lower.scalar_rule import Rule
from weft.passes.lower.types import VOID, memory_type, register_type, vector_type

DeviceFunctionOp = GPUFuncOp | func.FuncOp
"""What stands in a `gpu.module` and has a body: kernels and functions of the device."""


@dataclass
class DeviceModule:
    """What all functions of a `gpu.module` share while they are lowered."""

    externals: Externals
    messages: Messages
    pointer: llvm.LLVMPointerType
    """How buffers without a memory space are pointed to."""
    capability: int
    """The compute capability of the chip: 90 for sm_90a."""
    functions: Mapping[str, DeviceFunctionOp]
    failing: frozenset[str]
    """The functions that may fail: they hold an assertion, or call one that does."""
    globals: dict[str, llvm.GlobalOp] = field(default_factory=dict[str, llvm.GlobalOp])
    """Globals that the functions need, by name."""
    library: dict[str, llvm.FuncOp] = field(default_factory=dict[str, llvm.FuncOp])
    """Functions of weft that the functions call, by name."""
    needed: dict[type[Operation], None] = field(default_factory=dict[type[Operation], None])
    """The ops of `math` that are calls of functions which the module has to get."""
    scalars: Mapping[type[Operation], Rule] = field(default_factory=dict[type[Operation], Rule])
    """The scalar ops that a device has rules of its own for."""

    def shared_memory(self, name: str, type_: Attribute, alignment: int, op: Operation) -> str:
        """The name of a new variable in the memory of a block."""
        free = next(n for i in range(len(self.globals) + 1) if (n := f"{name}_{i}") not in self.globals)
        made = llvm.GlobalOp(type_, free, "internal", addr_space=SHARED_SPACE, alignment=alignment)
        made.location = op.location
        self.globals[free] = made
        return free


def is_kernel(function: Operation) -> bool:
    """Whether a function of a `gpu.module` is launched, not called."""
    return isinstance(function, GPUFuncOp) and function.is_kernel


class DeviceFunction(LoweredFunction):
    """The state of the lowering of one `gpu.func`, or of one `func.func` in a `gpu.module`.

    Accesses are not checked: the simulator finds those that reach outside.
    """

    bounds_checks = False

    def __init__(self, function: DeviceFunctionOp, module: DeviceModule) -> None:
        self.function = function
        self.module = module
        self.name = function.sym_name.data
        self.is_kernel = is_kernel(function)
        self.multiples = Multiples(function, self.is_kernel)
        self.cells: dict[str, Value] = {}
        entry = function.body.blocks[0]
        self.inputs = entry.args[: len(function.function_type.inputs)]
        types = [part for argument in self.inputs for part in self.argument_parts(argument.type)]
        failing = [GLOBAL] if self.name in module.failing else []
        super().__init__(Emitter([*types, *failing], function.location, module.externals))
        self.status = self.e.arguments[-1] if failing else None
        self.head = self.e.mark()
        """The place where the function begins, for what is computed once."""
        self.blocks[entry] = self.e.entry
        self._define_inputs(self.e.arguments[: len(types)])

    # values

    def argument_parts(self, type_: Attribute) -> list[Attribute]:
        """The llvm types that an argument of that type becomes."""
        return (self._kernel_parts if self.is_kernel else self.parts)(type_, self.function)

    def _kernel_parts(self, type_: Attribute, op: Operation) -> list[Attribute]:
        """How a launch passes a value: a buffer by the address of its first element and what its type leaves open."""
        if not isa(type_, MemRefType):
            return self.parts(type_, op)
        layout = layout_of(type_, op)
        return [GLOBAL, *[i64] * ((*layout.sizes, *(layout.strides or ())).count(None))]

    def _define_inputs(self, incoming: Sequence[Value]) -> None:
        place = 0
        for argument in self.inputs:
            types = self.argument_parts(argument.type)
            values = incoming[place : place + len(types)]
            place += len(types)
            name_parts(argument.name_hint, values)
            if self.is_kernel and isa(argument.type, MemRefType):
                self._define_launched(argument, argument.type, values)
            else:
                self.define(argument, *values)

    def _define_launched(self, argument: SSAValue, type_: MemRefType, values: Sequence[Value]) -> None:
        """A buffer that a launch gave. Its pointer is moved back by the offset that the type says."""
        e, layout = self.e, layout_of(type_, self.function)
        pointer = self.moved(values[0], pointer_type(type_, self.module.pointer, self.function))
        if layout.offset:
            pointer = e.gep(pointer, -layout.offset, memory_type(type_.element_type))
        given = Layout(layout.sizes, layout.strides, layout.offset or 0)
        self.define_buffer(argument, from_components(e, type_, given, (pointer, pointer, *values[1:])), self.function)

    def once(self, name: str, make: Callable[[], Value]) -> Value:
        """A value that is computed where the function begins, once for each name."""
        if name not in self.cells:
            with self.e.at(self.head):
                self.cells[name] = make()
        return self.cells[name]

    def moved(self, pointer: Value, type_: Attribute) -> Value:
        """A pointer as one into another memory space, or itself."""
        return pointer if pointer.type == type_ else self.e.value(ours.AddrSpaceCastOp, (pointer,), type_)

    def buffer(self, value: SSAValue, op: Operation) -> Buffer:
        """The buffer that a memref has become."""
        type_ = cast(MemRefType, value.type)
        aligned, *rest = self.values[value]
        return from_components(self.e, type_, layout_of(type_, op), (aligned, aligned, *rest))

    def define_buffer(self, result: SSAValue, buffer: Buffer, op: Operation) -> None:
        """Say what a memref has become."""
        type_ = cast(MemRefType, result.type)
        pointer = self.moved(buffer.aligned, pointer_type(type_, self.module.pointer, op))
        self.values[result] = (pointer, *to_components(layout_of(type_, op), buffer)[2:])

    def parts(self, type_: Attribute, op: Operation) -> list[Attribute]:
        """The llvm types that a value becomes: for a buffer its pointer, then what its type leaves open."""
        if isinstance(type_, MMAMatrixType):
            from weft.passes.gpu.to_nvvm.matrices import fragment_type

            return [fragment_type(type_, op)]
        try:
            if isa(type_, MemRefType):
                register_type(type_.element_type)
                return [pointer_type(type_, self.module.pointer, op), *[i64] * layout_of(type_, op).dynamic]
            if (
                isa(type_, VectorType)
                and type_.get_num_dims() == 1
                and not any(bool(scalable) for scalable in type_.get_scalable_dims())
            ):
                return [vector_type(register_type(type_.element_type), type_.get_shape()[0])]
            return [register_type(type_)]
        except ValueError as error:
            raise error_at(op, f"{error}; no code can be made for '{op.name}'", code=codes.UNSUPPORTED_TYPE) from None

    def result_type(self, types: Sequence[Attribute], op: Operation) -> Attribute:
        """What a function of the device returns: nothing, one value, or a struct of several."""
        parts = [part for type_ in types for part in self.parts(type_, op)]
        if len(parts) > 1:
            return llvm.LLVMStructType.from_type_list(parts)
        return parts[0] if parts else VOID

    # checks

    def check(self, good: Truth, op: Operation, text: str) -> None:
        """Nothing: what a kernel may rely on is not looked at where it runs."""

    def leave_unless(self, good: Value, op: Operation, text: str) -> None:
        """End the thread unless `good` holds; the word that `status` points to gets the number of the text."""
        if self.status is None:
            raise ValueError(f"@{self.name} has no word for its status")
        e = self.e
        onward, failed = e.block(), e.block()
        e.cond_br(good, onward, failed)
        e.enter(failed)
        number = e.integer(self.module.messages.status(op, text))
        e.add_op(ours.AtomicRMWOp("umax", self.status, number))
        self.exit()
        e.enter(onward)

    def exit(self) -> None:
        """End the thread."""
        from weft.passes.gpu.to_nvvm.instructions import thread_exit

        thread_exit(self.e)
        self.e.op(llvm.UnreachableOp)

    # the function

    @property
    def block_size(self) -> tuple[int, ...] | None:
        """How many threads a block has along x, y and z, where the kernel says it."""
        return self.function.block_size if isinstance(self.function, GPUFuncOp) else None

    @property
    def grid_size(self) -> tuple[int, ...] | None:
        """How many blocks there are along x, y and z, where the kernel says it."""
        return self.function.grid_size if isinstance(self.function, GPUFuncOp) else None

    @property
    def block_threads(self) -> int | None:
        """How many threads a block has, where the kernel says it."""
        return None if self.block_size is None else prod(self.block_size)
