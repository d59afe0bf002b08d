"""The walk over a host function: every tensor gets a buffer, every op the form it has on buffers.

Nothing is clever here. A tensor that an op makes gets a fresh buffer, and a tensor that moves (into a branch's
result, round a loop, out of the function) is copied; `copies` then joins what needs no copy.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias, cast

from xdsl.dialects import memref, scf
from xdsl.ir import Attribute, Block, BlockArgument, Operation, SSAValue
from xdsl.rewriter import Rewriter

from weft import codes
from weft.dialects.locations import error_at
from weft.passes.loops.buffers.aliases import base
from weft.passes.loops.buffers.constants import Constants
from weft.passes.loops.buffers.types import (
    Buffer,
    buffer_type,
    is_static,
    is_tensor,
    memref_of,
    touches_tensors,
)
from weft.passes.loops.buffers.views import view_as
from weft.passes.loops.lists import Size
from weft.passes.loops.reify import Reifier
from weft.passes.rewriting import LocatedBuilder

Rule: TypeAlias = Callable[["Host", Operation], None]
"""Rewrites one op: builds its form on buffers before it, and says what stands for its results."""


@dataclass
class Host:
    """The state of the walk over one function."""

    rules: Callable[[Operation], Rule | None]
    constants: Constants
    kernels: frozenset[str] = frozenset()
    owned: set[SSAValue] = field(default_factory=set[SSAValue])
    outs: Mapping[int, SSAValue] = field(default_factory=dict[int, SSAValue])
    buffers: dict[SSAValue, SSAValue] = field(default_factory=dict[SSAValue, SSAValue])
    _dead: list[Operation] = field(default_factory=list[Operation])
    _dead_arguments: list[BlockArgument] = field(default_factory=list[BlockArgument])

    def walk(self, block: Block) -> None:
        """Rewrite the ops of a block, in order. Its terminator is left to the op around it.

        Raises :class:`WeftError` for an op on tensors that has no form on buffers.
        """
        for op in list(block.ops):
            if (rule := self.rules(op)) is not None:
                rule(self, op)
            elif not touches_tensors(op):
                for region in op.regions:
                    for inner in region.blocks:
                        self.walk(inner)
            elif not isinstance(op, scf.YieldOp | scf.ConditionOp):
                raise self._no_form(op)

    def _no_form(self, op: Operation) -> Exception:
        if op.dialect_name() == "ml":
            return error_at(
                op,
                f"{op.name} is not in a kernel function",
                "run outline-kernels before bufferize",
                code=codes.WRONG_STOP,
            )
        return error_at(op, f"{op.name} on tensors has no form on buffers", code=codes.CANNOT_LOWER)

    def finish(self) -> None:
        """Drop what the walk replaced."""
        for op in reversed(self._dead):
            Rewriter.erase_op(op)
        for argument in self._dead_arguments:
            argument.owner.erase_arg(argument)

    def retire(self, op: Operation, results: Iterable[SSAValue | None] = ()) -> None:
        """`op` is replaced: `results` are the buffers of its tensors, and what stands for its scalars."""
        for old, new in zip(op.results, results, strict=True):
            if new is None:
                continue
            if is_tensor(old.type):
                self.buffers[old] = new
                new.name_hint = new.name_hint or old.name_hint
            else:
                old.replace_all_uses_with(new)
        self._dead.append(op)

    def retire_argument(self, argument: BlockArgument, new: SSAValue) -> None:
        """A block argument is replaced: by a buffer for a tensor, by another value for a scalar."""
        if is_tensor(argument.type):
            self.buffers[argument] = new
        else:
            argument.replace_all_uses_with(new)
        new.name_hint = new.name_hint or argument.name_hint
        self._dead_arguments.append(argument)

    def buffer(self, value: SSAValue) -> SSAValue:
        """What stands for an operand: the buffer of a tensor, a scalar itself."""
        if not is_tensor(value.type):
            return value
        if value not in self.buffers:
            owner = value.owner
            op = owner if isinstance(owner, Operation) else cast(Operation, owner.parent_op())
            raise error_at(
                op,
                "a tensor is passed between blocks that branch",
                "write the control flow with scf.if, scf.for or scf.while",
                code=codes.CANNOT_LOWER,
            )
        return self.buffers[value]

    def sizes(self, builder: LocatedBuilder, value: SSAValue) -> list[Size]:
        """The sizes of a tensor, by what makes it or by its buffer."""
        return Reifier(builder, self.buffers).shape(value)

    def alloc(self, builder: LocatedBuilder, type_: Buffer, sizes: Sequence[Size] | None = None) -> SSAValue:
        """A fresh buffer that this function owns. `sizes` are needed for a type with `?`."""
        given = [] if sizes is None else [s for s, n in zip(sizes, type_.get_shape(), strict=True) if n < 0]
        numbers = Reifier(builder)
        op = memref.AllocOp([numbers.value(size) for size in given], [], type_)
        buffer = builder.insert(op).memref
        self.owned.add(buffer)
        return buffer

    def fresh(self, builder: LocatedBuilder, value: SSAValue) -> SSAValue:
        """A fresh buffer with the type and sizes of a tensor."""
        type_ = cast(Buffer, buffer_type(value.type))
        return self.alloc(builder, type_, None if is_static(type_) else self.sizes(builder, value))

    def copy(self, builder: LocatedBuilder, source: SSAValue, target: SSAValue) -> None:
        """Copy a buffer into another of the same sizes, which may be known of one and not of the other."""
        if source is target:
            return
        if memref_of(source).get_shape() != memref_of(target).get_shape():
            shape = memref_of(target).get_shape()
            source = view_as(builder, source, Buffer(memref_of(source).element_type, shape))
        builder.insert(memref.CopyOp(source, target))

    def clone(self, builder: LocatedBuilder, source: SSAValue, type_: Attribute | None = None) -> SSAValue:
        """A fresh copy of a buffer, as `type_`."""
        wanted = memref_of(source) if type_ is None else cast(Buffer, type_)
        made = self.alloc(builder, wanted, Reifier(builder).shape(source))
        self.copy(builder, source, made)
        return made

    def deliver(
        self, builder: LocatedBuilder, values: Sequence[SSAValue], targets: Sequence[SSAValue | None]
    ) -> list[SSAValue]:
        """Move values to where a block's results go, all at once.

        A tensor with a target is copied into it. Returns what stands for the others: a scalar itself, for a
        tensor a fresh buffer that the receiver owns.
        """
        goals = {base(target) for target in targets if target is not None}
        moves: list[tuple[SSAValue, SSAValue]] = []
        rest: list[SSAValue] = []
        for value, target in zip(values, targets, strict=True):
            source = self.buffer(value)
            if target is None:
                rest.append(self.clone(builder, source, buffer_type(value.type)) if is_tensor(value.type) else source)
            elif source is not target:
                # a target of this move may be the source of another one
                swaps = base(source) in goals and base(source) is not base(target)
                moves.append((self.clone(builder, source) if swaps else source, target))
        for source, target in moves:
            self.copy(builder, source, target)
        return rest


def types_without(values: Sequence[SSAValue], targets: Sequence[SSAValue | None]) -> list[Attribute]:
    """The types on buffers of the values that have no target."""
    return [buffer_type(v.type) for v, target in zip(values, targets, strict=True) if target is None]
