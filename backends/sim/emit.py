"""Putting the simulator's calls into the code of a kernel, and places where a thread waits for others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import cast

from xdsl.dialects import llvm
from xdsl.dialects.builtin import IntegerAttr, IntegerType, i1, i8, i32, i64
from xdsl.ir import Attribute, Block, Operation, SSAValue

from weft.backends.sim.layout import State
from weft.backends.sim.services import Services
from weft.backends.sim.shared import SharedMemory
from weft.backends.sim.sites import Sites
from weft.dialects.upstream import llvm as ours

PTR = llvm.LLVMPointerType()

ORDER = -1
"""What a warp does together: order memory."""


@dataclass
class Registers:
    """The registers of products of a warpgroup: for the struct that each gives the number of the product, as code has
    it, and the ops that take registers to the next product."""

    tickets: dict[SSAValue, SSAValue] = field(default_factory=dict[SSAValue, SSAValue])
    passes: set[Operation] = field(default_factory=set[Operation])


@dataclass
class Context:
    """What a module's code refers to: its shared memory, places and services; whether accesses are checked."""

    shared: SharedMemory
    checked: bool
    sites: Sites = field(default_factory=Sites)
    services: Services = field(default_factory=Services)
    registers: Registers = field(default_factory=Registers)


class Emitter:
    """Writes before one op of a function.

    `thread` is the thread's record, `out` the block to which a coroutine goes when it gives way (None in a function
    that never does).
    """

    def __init__(self, op: Operation, thread: SSAValue, out: Block | None, context: Context) -> None:
        self.op = op
        self.thread = thread
        self.out = out
        self.context = context

    def add(self, op: Operation) -> Operation:
        """Put an op before the one at hand, at its place in the text."""
        op.location = self.op.location
        block = self.op.parent
        assert block is not None
        block.insert_op_before(op, self.op)
        return op

    def value(self, op: Operation) -> SSAValue:
        """Put an op there; its result."""
        return self.add(op).results[0]

    def number(self, value: int, type_: IntegerType = i32) -> SSAValue:
        """An integer constant."""
        return self.value(llvm.ConstantOp(IntegerAttr(value, type_), type_))

    def call(self, name: str, result: Attribute, *arguments: SSAValue) -> SSAValue:
        """The result of a run-time function; the thread's record is its first argument."""
        return self.value(llvm.CallOp(name, self.thread, *arguments, return_type=result))

    def do(self, name: str, *arguments: SSAValue) -> None:
        """Call a run-time function that gives nothing."""
        self.add(llvm.CallOp(name, self.thread, *arguments))

    def load(self, pointer: SSAValue, type_: Attribute) -> SSAValue:
        """What lies at a pointer, by no check."""
        return self.value(llvm.LoadOp(pointer, type_, alignment=1))

    def store(self, value: SSAValue, pointer: SSAValue) -> Operation:
        """Put a value at a pointer, by no check."""
        return self.add(llvm.StoreOp(value, pointer, alignment=1))

    def place(self, pointer: SSAValue, offset: int) -> SSAValue:
        """So many bytes behind a pointer."""
        return pointer if not offset else self.value(llvm.GEPOp(pointer, [offset], i8))

    def widen(self, value: SSAValue, signed: bool = False) -> SSAValue:
        """An integer as i64."""
        if value.type == i64:
            return value
        make = llvm.SExtOp if signed else llvm.ZExtOp
        return self.value(make(value, i64))

    def narrow(self, value: SSAValue, type_: IntegerType) -> SSAValue:
        """An integer as a narrower one."""
        return value if value.type == type_ else self.value(llvm.TruncOp(value, type_))

    def is_nonzero(self, value: SSAValue) -> SSAValue:
        """Whether an integer is not 0."""
        type_ = cast(IntegerType, value.type)
        return self.value(ours.ICmpOp("ne", value, self.number(0, type_)))

    def address(self, pointer: SSAValue) -> SSAValue:
        """A pointer as an i64."""
        return self.value(llvm.PtrToIntOp(pointer, i64))

    def memory(self, bytes_: int) -> SSAValue:
        """Memory of the thread's own, at the head of its function."""
        function = self.op
        while not isinstance(function, llvm.FuncOp):
            parent = function.parent_op()
            assert parent is not None
            function = parent
        head = function.body.blocks[0].first_op
        assert head is not None
        count = llvm.ConstantOp(IntegerAttr(1, i64), i64)
        slot = llvm.AllocaOp(count, llvm.LLVMArrayType(bytes_, i8), alignment=16)
        block = head.parent
        assert block is not None
        for op in (count, slot):
            op.location = self.op.location
            block.insert_op_before(op, head)
        return slot.results[0]

    def site(self) -> SSAValue:
        """The number of the place of the op at hand."""
        return self.number(self.context.sites.of(self.op))

    def bring(self, *values: SSAValue) -> None:
        """Put words into the thread's slot, for the other lanes of its warp to see."""
        slot = self.call("weft.slot", PTR)
        offset = 0
        for value in values:
            self.store(value, self.place(slot, offset))
            offset += 8 if isinstance(value.type, llvm.LLVMPointerType) or value.type == i64 else 4

    def wait(self, state: State, what: SSAValue, how: SSAValue) -> None:
        """Give way until the scheduler has the thread go on: the rest of the block becomes one of its own."""
        assert self.out is not None, "a function that waits is a coroutine"
        self.do("weft.wait", self.number(int(state)), self.site(), self.widen(what), self.widen(how))
        block = self.op.parent
        assert block is not None
        how_it_ends = self.value(llvm.CallOp("weft.suspend", return_type=i8))
        rest = block.split_before(self.op)
        switch = ours.SwitchOp(how_it_ends, (self.out, []), [(0, rest, [])])
        switch.location = self.op.location
        block.add_op(switch)

    def leave(self) -> None:
        """End the thread here: what follows in the block is not reached."""
        assert self.out is not None, "a function that ends its thread is a coroutine"
        self.do("weft.finish")
        block = self.op.parent
        assert block is not None
        block.split_before(self.op)
        end = llvm.BrOp(self.out)
        end.location = self.op.location
        block.add_op(end)

    def with_warp(self, mask: SSAValue, service: int = 0) -> None:
        """Wait until all lanes of a mask have come here. `service` is what is then done: 0 nothing, else
        :data:`ORDER` or the number of a service."""
        self.wait(State.WARP, mask, self.number(service, i64))

    def truth(self, value: SSAValue) -> SSAValue:
        """An i1 as an i32."""
        return self.value(llvm.ZExtOp(value, i32)) if value.type == i1 else value

    def replace(self, results: Sequence[SSAValue]) -> None:
        """Take the op at hand away; its results are these."""
        for old, new in zip(self.op.results, results, strict=True):
            old.replace_all_uses_with(new)
        self.op.detach()
        self.op.erase()
