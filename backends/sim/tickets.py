"""Registers of products that are under way: in a checked kernel each has a ticket, the number of its product, and who
reads it shows that.

A ticket goes where the register goes: through structs, and from block to block through a word of the thread's own.
"""

from __future__ import annotations

from xdsl.dialects import llvm
from xdsl.dialects.builtin import i32
from xdsl.ir import BlockArgument, Operation, SSAValue

from weft.backends.llvm.instructions import passed
from weft.backends.sim.emit import Context, Emitter

_CARRIERS = (llvm.InsertValueOp, llvm.ExtractValueOp)
"""Ops that read no register, but move it."""


def show_tickets(function: llvm.FuncOp, thread: SSAValue, context: Context) -> None:
    """Have every reader of such registers in a function show their tickets."""
    if context.registers.tickets:
        _Tickets(function, thread, context).run()


class _Tickets:
    def __init__(self, function: llvm.FuncOp, thread: SSAValue, context: Context) -> None:
        self.function, self.thread, self.context = function, thread, context
        self.tickets = context.registers.tickets
        self.carried: set[SSAValue] = set()
        self.slots: dict[BlockArgument, SSAValue] = {}

    def run(self) -> None:
        """All of it."""
        self.carried, readers = self._reached()
        for value in self.carried:
            if isinstance(value, BlockArgument):
                self._receive(value)
        for argument in self.slots:
            self._send(argument)
        for reader in readers:
            emit = self._at(reader)
            for ticket in dict.fromkeys(filter(None, map(self._ticket, reader.operands))):
                emit.do("weft_sim_registers", ticket, emit.widen(emit.site()))

    def _reached(self) -> tuple[set[SSAValue], list[Operation]]:
        """The values to which registers come, and the ops that read one."""
        carried: set[SSAValue] = set()
        readers: dict[Operation, None] = {}
        work = list(self.tickets)
        while work:
            value = work.pop()
            for use in list(value.uses):
                op = use.operation
                if op in self.context.registers.passes:
                    continue
                found: list[SSAValue] = []
                if isinstance(op, _CARRIERS):
                    found = [op.results[0]]
                elif op.successors:
                    goals = [pair for block, given in passed(op) for pair in zip(block.args, given, strict=True)]
                    found = [argument for argument, given in goals if given is value]
                else:
                    readers[op] = None
                fresh = [one for one in found if one not in carried and one not in self.tickets]
                carried.update(fresh)
                work += fresh
        return carried, list(readers)

    def _receive(self, argument: BlockArgument) -> None:
        head = argument.block.first_op
        assert head is not None
        emit = self._at(head)
        self.slots[argument] = emit.memory(4)
        self.tickets[argument] = emit.load(self.slots[argument], i32)

    def _send(self, argument: BlockArgument) -> None:
        """Every block that goes to that of an argument puts the ticket of what it gives where it is received."""
        for block in self.function.body.blocks:
            last = block.last_op
            if last is None:
                continue
            given = [values[argument.index] for to, values in passed(last) if to is argument.block]
            for value in given:
                emit = self._at(last)
                emit.store(self._ticket(value) or emit.number(0), self.slots[argument])

    def _ticket(self, value: SSAValue) -> SSAValue | None:
        """The ticket of a value, where it has one: that of a struct is the last of its registers'."""
        if value in self.tickets or value not in self.carried:
            return self.tickets.get(value)
        op = value.owner
        assert isinstance(op, _CARRIERS)
        emit = self._at(op)
        first, *others = filter(None, map(self._ticket, op.operands))
        for other in others:
            first = emit.value(llvm.CallIntrinsicOp("llvm.umax.i32", [first, other], [i32]))
        self.tickets[value] = first
        return first

    def _at(self, op: Operation) -> Emitter:
        return Emitter(op, self.thread, None, self.context)
