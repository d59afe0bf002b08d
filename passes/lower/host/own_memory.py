"""Where the buffers of host functions lie when the target is the CPU: in the memory of the process."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xdsl.dialects.builtin import i1, i64

from weft.passes.lower.function_builder import Value
from weft.passes.lower.types import PTR, VOID, memory_type

if TYPE_CHECKING:
    from xdsl.ir import Attribute, Operation

    from weft.passes.lower.emitter import Emitter
    from weft.passes.lower.host.buffers import Buffer
    from weft.passes.lower.host.lowered import LoweredFunction

_HEADER = 64
"""The bytes before a buffer of `memref.alloca`: they hold the address of the one made before it."""


class OwnMemory:
    """Memory that host code reads and writes itself."""

    alignment = 64
    """What an allocation is aligned to at least."""

    local_header = _HEADER
    """The bytes that a buffer of `memref.alloca` needs besides its own."""

    def allocate(self, f: LoweredFunction, count: Value) -> Value:
        """Fresh memory of so many bytes; null where there is none."""
        return f.e.call_external("weft_alloc", (count,), PTR)

    def free(self, e: Emitter, memory: Value) -> None:
        """Give memory back."""
        e.externals.declare("free", [PTR], VOID)
        e.call("free", (memory,), VOID)

    def load(self, f: LoweredFunction, address: Value, type_: Attribute, size: int, op: Operation) -> Value:
        """The element at an address."""
        return f.e.load(address, type_, size)

    def store(self, f: LoweredFunction, value: Value, address: Value, size: int, op: Operation) -> None:
        """Write the element at an address."""
        f.e.store(value, address, size)

    def copy(self, f: LoweredFunction, target: Buffer, source: Buffer, count: Value, op: Operation) -> None:
        """Copy so many bytes between buffers without gaps."""
        e = f.e
        e.intrinsic("memmove", (target.start(e), source.start(e), count, e.integer(0, i1)), None, (PTR, PTR, i64))

    def copy_strided(self, f: LoweredFunction, target: Buffer, source: Buffer, op: Operation) -> None:
        """Copy between buffers of equal sizes."""
        copy_elements(f, source, target, [])

    def new_local(self, f: LoweredFunction, memory: Value, chain: Value) -> Value:
        """Note in the chain memory that is to be freed when the function is left; where its buffer starts."""
        e = f.e
        e.store(e.load(chain, PTR, 8), memory, 8)
        e.store(memory, chain, 8)
        return e.gep(memory, _HEADER, memory_type(i1))

    def free_local(self, e: Emitter, entry: Value) -> Value:
        """Free one entry of the chain; the one before it."""
        before = e.load(entry, PTR, 8)
        self.free(e, entry)
        return before


def copy_elements(f: LoweredFunction, source: Buffer, target: Buffer, places: list[Value]) -> None:
    """A nest of loops over the dims from `len(places)` on, and the copy of one element in it."""
    e, depth = f.e, len(places)
    if depth == len(source.sizes):
        value = e.load(source.address(e, places), source.memory, source.bytes)
        e.store(value, target.address(e, places), target.bytes)
        return
    head, body, done = e.block(i64), e.block(), e.block()
    counter = head.args[0]
    e.br(head, (e.integer(0),))
    e.enter(head)
    e.cond_br(e.icmp("slt", counter, source.sizes[depth]), body, done)
    e.enter(body)
    copy_elements(f, source, target, [*places, counter])
    e.br(head, (e.add_index(counter, e.integer(1)),))
    e.enter(done)
