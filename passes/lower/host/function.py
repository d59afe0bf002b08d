"""One host function on its way to the llvm dialect: what its values have become, and its way out when a check fails."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from xdsl.dialects import func, llvm
from xdsl.dialects.builtin import ArrayAttr, MemRefType, StringAttr, i1, i64
from xdsl.ir import Attribute, Block, Operation, SSAValue
from xdsl.utils.hints import isa

from weft import codes
from weft.dialects.gpu.attributes import AsyncTokenType
from weft.dialects.host_marks import COMPUTES, FLAT, SIMPLIFY, WRITE_OUT
from weft.dialects.locations import error_at
from weft.passes.loops.buffers.functions import OWNED
from weft.passes.lower.emitter import Emitter
from weft.passes.lower.function_builder import Externals, Value
from weft.passes.lower.host.buffers import Buffer, component_types, from_components, layout_of, to_components
from weft.passes.lower.host.checked import Truth
from weft.passes.lower.host.device_memory import DeviceMemory
from weft.passes.lower.host.launched import Launches
from weft.passes.lower.host.lowered import LoweredFunction
from weft.passes.lower.host.messages import Messages
from weft.passes.lower.host.own_memory import OwnMemory
from weft.passes.lower.types import PTR, register_type


@dataclass
class Shared:
    """What all functions of a module share while they are lowered."""

    externals: Externals
    messages: Messages
    bounds_checks: bool
    kernels: dict[str, llvm.FuncOp]
    """Functions that are in the llvm dialect already."""
    functions: dict[str, func.FuncOp]
    memory: OwnMemory | DeviceMemory
    """Where buffers lie."""
    launches: Launches
    rules: Mapping[type[Operation], Any]
    """How each op of a host function is lowered."""


def body_name(name: str) -> str:
    """The symbol of a host function's body. It has a dot, so that no C function can have it."""
    return f"{name}.host"


def value_types(type_: Attribute, op: Operation) -> list[Attribute]:
    """The llvm types that a value of a host function becomes. Raises :class:`WeftError` at `op` for others."""
    if isa(type_, MemRefType):
        return component_types(layout_of(type_, op))
    if isinstance(type_, AsyncTokenType):
        return []
    try:
        return [register_type(type_)]
    except ValueError as error:
        raise error_at(op, f"{error}; no code can be made for '{op.name}'", code=codes.UNSUPPORTED_TYPE) from None


def result_struct(types: Sequence[Attribute], op: Operation) -> llvm.LLVMStructType:
    """What a host function returns: its status, then the components of its results."""
    parts = [part for type_ in types for part in value_types(type_, op)]
    return llvm.LLVMStructType.from_type_list([i64, *parts])


def takes_memory(function: func.FuncOp, memory: OwnMemory | DeviceMemory) -> bool:
    """Whether the body of a function takes, as its last argument, the place of descriptors of its results, or null.

    They tell of memory for results whose sizes only the run knows.
    """
    attributes = function.res_attrs.data if function.res_attrs is not None else ()
    return isinstance(memory, OwnMemory) and any(OWNED in result.data for result in attributes)


class HostFunction(LoweredFunction):
    """The state of the lowering of one `func.func`."""

    def __init__(self, function: func.FuncOp, shared: Shared) -> None:
        self.function = function
        self.shared = shared
        self.bounds_checks = shared.bounds_checks
        self.memory = shared.memory
        self.results = result_struct(function.function_type.outputs.data, function)
        entry = function.body.blocks[0]
        parts = [value_types(argument.type, function) for argument in entry.args]
        given = [PTR] if takes_memory(function, shared.memory) else []
        taken = [*(t for types in parts for t in types), *given]
        super().__init__(Emitter(taken, function.location, shared.externals))
        self.given = self.e.arguments[-1] if given else None
        self.blocks[entry] = self.e.entry
        self.define_arguments(entry, self.e.arguments, function)
        self._fail: Block | None = None
        self._exit: Block | None = None
        self._chain: Value | None = None

    # values

    def buffer(self, value: SSAValue, op: Operation) -> Buffer:
        """The buffer that a memref has become."""
        type_ = cast(MemRefType, value.type)
        return from_components(self.e, type_, layout_of(type_, op), self.values[value])

    def define_buffer(self, result: SSAValue, buffer: Buffer, op: Operation) -> None:
        """Say what a memref has become."""
        type_ = cast(MemRefType, result.type)
        self.values[result] = tuple(to_components(layout_of(type_, op), buffer))

    def parts(self, type_: Attribute, op: Operation) -> list[Attribute]:
        """The llvm types that a value of that type becomes."""
        return value_types(type_, op)

    # checks

    def check(self, good: Truth, op: Operation, text: str) -> None:
        """Leave the function with an error unless `good` holds."""
        if good is True:
            return
        status = self.e.integer(self.shared.messages.status(op, text))
        self.leave_unless(self.e.integer(0, i1) if good is False else good, status)

    def leave_unless(self, good: Value, status: Value) -> None:
        """Leave the function with a status unless `good` holds."""
        onward = self.e.block()
        if self._fail is None:
            self._fail = self.e.block(i64)
        self.e.cond_br(good, onward, self._fail, (), (status,))
        self.e.enter(onward)

    # memory of `alloca`

    def local_chain(self) -> Value:
        """The address of a word that holds the last buffer of `alloca`; they are freed when the function is left."""
        if self._chain is None:
            self._chain = self.e.local(PTR, self.e.null(), 8)
        return self._chain

    def _free_locals(self) -> None:
        e = self.e
        if self._chain is None:
            return
        head, body, done = e.block(PTR), e.block(), e.block()
        e.br(head, (e.load(self._chain, PTR, 8),))
        e.enter(head)
        entry = head.args[0]
        e.cond_br(e.icmp("ne", entry, e.null()), body, done)
        e.enter(body)
        e.br(head, (self.memory.free_local(e, entry),))
        e.enter(done)

    # the way out

    def ret(self, values: Sequence[Value]) -> None:
        """Return results, with the status 0."""
        self._leave((self.e.integer(0), *values))

    def _leave(self, values: Sequence[Value]) -> None:
        packed = self.e.poison(self.results)
        for place, value in enumerate(values):
            packed = self.e.insert_value(packed, value, place)
        if self._exit is None:
            self._exit = self.e.block(self.results)
        self.e.br(self._exit, (packed,))

    def finish(self) -> llvm.FuncOp:
        """The llvm function."""
        e = self.e
        e.location = self.function.location
        if self._fail is not None:
            e.enter(self._fail)
            self._leave(self._fail.args)
        if self._exit is not None:
            e.enter(self._exit)
            self._free_locals()
            e.ret(self._exit.args[0])
        made = e.finish(body_name(self.function.sym_name.data), self.results)
        if COMPUTES in self.function.attributes:
            marks = [SIMPLIFY, WRITE_OUT] if FLAT in self.function.attributes else [SIMPLIFY]
            made.properties["passthrough"] = ArrayAttr([StringAttr(mark) for mark in marks])
        return made
