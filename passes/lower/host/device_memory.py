"""Where the buffers of host functions lie when the target is a GPU: on the device, behind run-time functions."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from xdsl.dialects import llvm
from xdsl.dialects.builtin import IntegerType, i64

from weft.dialects import device
from weft.passes.lower.emitter import Emitter
from weft.passes.lower.function_builder import Value
from weft.passes.lower.types import PTR, VOID, integer_type

if TYPE_CHECKING:
    from collections.abc import Sequence

    from xdsl.ir import Attribute, Operation

    from weft.dialects.device import RuntimeFunction
    from weft.passes.lower.host.buffers import Buffer
    from weft.passes.lower.host.lowered import LoweredFunction

_TYPES = {"i64": i64, "ptr": PTR, "void": VOID}

_WORD = 8
"""The bytes of an i64, and of a pointer of the host."""

_NODE = 2
"""The words of an entry in the chain of `memref.alloca`: the entry before it, and the device memory."""


def call_runtime(e: Emitter, function: RuntimeFunction, operands: Sequence[Value]) -> Value | None:
    """Call a run-time function."""
    e.externals.declare(function.name, [_TYPES[type_] for _, type_ in function.arguments], _TYPES[function.result])
    return e.call(function.name, operands, _TYPES[function.result])


def require_runtime(
    f: LoweredFunction, function: RuntimeFunction, operands: Sequence[Value], op: Operation, text: str
) -> None:
    """Call a run-time function that gives a status; where that is not 0, the function is left with the text."""
    status = cast(Value, call_runtime(f.e, function, operands))
    f.check(f.e.icmp("eq", status, f.e.integer(0)), op, text)


def words(e: Emitter, values: Sequence[Value]) -> Value:
    """An array of 64-bit words on the stack."""
    room = e.alloca(max(len(values), 1), i64, _WORD)
    for place, value in enumerate(values):
        e.store(value, e.gep(room, place, i64), _WORD)
    return room


def as_word(e: Emitter, value: Value, size: int) -> Value:
    """The bytes of a scalar of `size` bytes, in the low ones of an i64."""
    if not isinstance(value.type, IntegerType):
        value = e.value(llvm.BitcastOp, (value,), integer_type(8 * size))
    return e.cast(llvm.ZExtOp, value, i64)


class DeviceMemory:
    """Memory of a device, which host code reaches by the functions of :mod:`weft.dialects.device` only."""

    alignment = 64
    """What an allocation is aligned to at least."""

    local_header = 0
    """The bytes that a buffer of `memref.alloca` needs besides its own."""

    def allocate(self, f: LoweredFunction, count: Value) -> Value:
        """Fresh memory of so many bytes; null where there is none."""
        return cast(Value, call_runtime(f.e, device.ALLOC, (count,)))

    def free(self, e: Emitter, memory: Value) -> None:
        """Give memory back."""
        call_runtime(e, device.FREE, (memory,))

    def load(self, f: LoweredFunction, address: Value, type_: Attribute, size: int, op: Operation) -> Value:
        """The element at an address, which the device computed before."""
        e = f.e
        room = e.alloca(1, type_, size)
        operands = (room, address, e.integer(size), e.integer(device.FROM_DEVICE))
        require_runtime(f, device.COPY, operands, op, f"'{op.name}' could not read from the device")
        return e.load(room, type_, size)

    def store(self, f: LoweredFunction, value: Value, address: Value, size: int, op: Operation) -> None:
        """Write the element at an address, in order with what the device does."""
        e = f.e
        operands = (address, as_word(e, value, size), e.integer(size), e.integer(1))
        require_runtime(f, device.FILL, operands, op, f"'{op.name}' could not write to the device")

    def copy(self, f: LoweredFunction, target: Buffer, source: Buffer, count: Value, op: Operation) -> None:
        """Copy so many bytes between buffers without gaps."""
        e = f.e
        operands = (target.start(e), source.start(e), count, e.integer(device.ON_DEVICE))
        require_runtime(f, device.COPY, operands, op, f"'{op.name}' failed on the device")

    def copy_strided(self, f: LoweredFunction, target: Buffer, source: Buffer, op: Operation) -> None:
        """Copy between buffers of equal sizes."""
        e = f.e
        facts = [e.integer(len(source.sizes)), e.integer(source.bytes)]
        shape = words(e, [*facts, *source.sizes, *target.strides, *source.strides])
        operands = (target.start(e), source.start(e), shape)
        require_runtime(f, device.COPY_STRIDED, operands, op, f"'{op.name}' failed on the device")

    def new_local(self, f: LoweredFunction, memory: Value, chain: Value) -> Value:
        """Note in the chain memory that is to be freed when the function is left; where its buffer starts.

        The entry of the chain is memory of the host: without any, the device's stays for as long as the program does.
        """
        e = f.e
        entry = e.call_external("weft_alloc", (e.integer(_NODE * _WORD),), PTR)
        noted, onward = e.block(), e.block()
        e.cond_br(e.icmp("ne", entry, e.null()), noted, onward)
        e.enter(noted)
        e.store(e.load(chain, PTR, _WORD), entry, _WORD)
        e.store(memory, e.gep(entry, 1, i64), _WORD)
        e.store(entry, chain, _WORD)
        e.br(onward)
        e.enter(onward)
        return memory

    def free_local(self, e: Emitter, entry: Value) -> Value:
        """Free one entry of the chain; the one before it."""
        before = e.load(entry, PTR, _WORD)
        self.free(e, e.load(e.gep(entry, 1, i64), PTR, _WORD))
        e.externals.declare("free", [PTR], VOID)
        e.call("free", (entry,), VOID)
        return before
