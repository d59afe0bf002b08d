"""A function on its way to the llvm dialect: what its values have become."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

from xdsl.ir import Attribute, Block, Operation, SSAValue

from weft import codes
from weft.dialects.locations import error_at
from weft.passes.lower.emitter import Emitter
from weft.passes.lower.function_builder import Value
from weft.passes.lower.host.buffers import Buffer
from weft.passes.lower.host.checked import Truth
from weft.passes.lower.host.device_memory import DeviceMemory
from weft.passes.lower.host.own_memory import OwnMemory


class LoweredFunction(ABC):
    """The state of the lowering of one function, of the host or of a device: what the rules of ops work on."""

    bounds_checks: bool
    """Whether accesses and views are checked where they are made."""

    memory: OwnMemory | DeviceMemory = OwnMemory()
    """Where buffers lie."""

    def __init__(self, e: Emitter) -> None:
        self.e = e
        self.values: dict[SSAValue, tuple[Value, ...]] = {}
        self.blocks: dict[Block, Block] = {}

    # values

    def scalar(self, value: SSAValue) -> Value:
        """The llvm value of a scalar."""
        return self.values[value][0]

    def scalars(self, values: Sequence[SSAValue]) -> list[Value]:
        """The llvm values of scalars."""
        return [self.values[value][0] for value in values]

    def components(self, values: Sequence[SSAValue]) -> list[Value]:
        """All llvm values that values have become, one after another."""
        return [part for value in values for part in self.values[value]]

    def define(self, result: SSAValue, *values: Value) -> None:
        """Say what a value has become."""
        self.values[result] = values

    @abstractmethod
    def buffer(self, value: SSAValue, op: Operation) -> Buffer:
        """The buffer that a memref has become."""

    @abstractmethod
    def define_buffer(self, result: SSAValue, buffer: Buffer, op: Operation) -> None:
        """Say what a memref has become."""

    @abstractmethod
    def parts(self, type_: Attribute, op: Operation) -> list[Attribute]:
        """The llvm types that a value of that type becomes. Raises :class:`WeftError` at `op` for others."""

    # blocks

    def open_block(self, block: Block, op: Operation) -> None:
        """Make the llvm block for a block, its arguments taken apart."""
        parts = [self.parts(argument.type, op) for argument in block.args]
        made = self.e.block(*(part for types in parts for part in types))
        self.blocks[block] = made
        self.define_arguments(block, made.args, op)

    def define_arguments(self, block: Block, incoming: Sequence[Value], op: Operation) -> None:
        """Say what the arguments of a block have become: `incoming`, one after another."""
        place = 0
        for argument in block.args:
            count = len(self.parts(argument.type, op))
            self.define(argument, *incoming[place : place + count])
            place += count

    # checks

    @abstractmethod
    def check(self, good: Truth, op: Operation, text: str) -> None:
        """Make sure that `good` holds before what comes next; `text` says what is wrong where it does not."""

    def require(self, good: Truth, op: Operation, text: str) -> None:
        """As :meth:`check`; what is known not to hold is refused now. Raises :class:`WeftError`."""
        if good is False:
            raise error_at(op, text, code=codes.CHECK_FAILED)
        self.check(good, op, text)


def reachable(entry: Block) -> list[Block]:
    """The blocks that can be reached, each after a block that dominates it (reverse postorder)."""
    done: list[Block] = []
    seen = {entry}
    stack = [(entry, iter(_successors(entry)))]
    while stack:
        block, successors = stack[-1]
        following = next((b for b in successors if b not in seen), None)
        if following is None:
            done.append(block)
            stack.pop()
        else:
            seen.add(following)
            stack.append((following, iter(_successors(following))))
    return done[::-1]


def _successors(block: Block) -> Sequence[Block]:
    return block.last_op.successors if block.last_op is not None else ()
