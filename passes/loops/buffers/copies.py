"""Copies that nobody needs go away.

`bufferize` first writes the plainest program: every tensor has a buffer of its own, and moves by `memref.copy`.
Four rules then join buffers. S is the source of a copy, D its destination; both are whole contiguous buffers.

- *itself*: S and D are one buffer.
- *take over*: D is made here and S is read here for the last time: D is S.
- *forward*: S is made here and dies here, and nobody looks at D meanwhile: S is D. Where S began as a copy of D,
  that copy goes too, and the work between them is done in place.
- *share*: neither is written from here on: D is S.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import cast

from xdsl.dialects import func, memref, scf
from xdsl.ir import Block, BlockArgument, Operation, OpResult, SSAValue, Use
from xdsl.rewriter import InsertPoint, Rewriter

from weft.dialects.walking import inside
from weft.passes.loops.buffers.aliases import Writes, accesses, base, block_of, hands_on, is_write
from weft.passes.loops.buffers.types import is_contiguous, is_static, memref_of
from weft.passes.loops.buffers.views import view_as
from weft.passes.rewriting import LocatedBuilder


@dataclass
class Copies:
    """The copies of one function whose regions have one block each.

    `owned` are the buffers that the function must free, `outs` those that it fills for its caller. Both are its
    own alone: no other value shows their memory but by views of them.
    """

    function: func.FuncOp
    owned: set[SSAValue]
    outs: set[SSAValue]
    writes: Writes
    order: dict[Operation, int] = field(default_factory=dict[Operation, int])

    def reduce(self) -> None:
        """Apply the rules until none applies."""
        self.order = {op: number for number, op in enumerate(inside(self.function))}
        changed = True
        while changed:
            changed = False
            for op in inside(self.function):
                if isinstance(op, memref.CopyOp) and op.parent is not None:
                    changed |= self._itself(op) or self._take_over(op) or self._forward(op) or self._share(op)

    def _itself(self, copy: memref.CopyOp) -> bool:
        if copy.source is not copy.destination:
            return False
        Rewriter.erase_op(copy)
        return True

    def _take_over(self, copy: memref.CopyOp) -> bool:
        source, fresh = base(copy.source), self._fresh(copy)
        if fresh is None or source not in self.owned or not self._is_last(copy, source):
            return False
        if any(hands_on(use) for use in accesses(fresh)) and block_of(source) is not copy.parent_block():
            return False
        return self._replace(copy, fresh, copy.source)

    def _share(self, copy: memref.CopyOp) -> bool:
        source, fresh = base(copy.source), self._fresh(copy)
        if fresh is None or not self._stays(copy, source):
            return False
        if any(is_write(use, self.writes) for use in accesses(fresh) if use.operation is not copy):
            return False
        return self._replace(copy, fresh, copy.source)

    def _forward(self, copy: memref.CopyOp) -> bool:
        made, target = base(copy.source), base(copy.destination)
        block = cast(Block, copy.parent_block())
        if made not in self.owned or not isinstance(made.owner, memref.AllocOp) or made.owner.parent is not block:
            return False
        if target not in self.owned | self.outs or not self._whole(copy.destination, copy.source, made):
            return False
        if not self._is_before(copy.destination, made.owner):
            return False
        uses = [self._at(block, use) for use in accesses(made)]
        if max(uses) > self.order[copy]:
            return False
        start = min(uses)
        between = [
            use.operation
            for use in accesses(target)
            if block.find_ancestor_op_in_block(use.operation) is not None
            and start <= self._at(block, use) < self.order[copy]
        ]
        back = [op for op in between if self._is_copy_back(op, copy, start)]
        if len(between) > len(back) or (back and copy.source is not made):
            return False
        for op in back:
            Rewriter.erase_op(op)
        return self._replace(copy, made, copy.destination)

    def _is_copy_back(self, op: Operation, copy: memref.CopyOp, start: int) -> bool:
        """Whether `op`, the first use of the copy's source, fills it from the copy's destination."""
        return (
            isinstance(op, memref.CopyOp)
            and self.order[op] == start
            and op.source is copy.destination
            and op.destination is copy.source
        )

    def _fresh(self, copy: memref.CopyOp) -> SSAValue | None:
        """The buffer that a copy fills, if it is made beside the copy, all of it is filled, and nobody used it."""
        made = base(copy.destination)
        if made not in self.owned or not isinstance(made.owner, memref.AllocOp):
            return None
        if made.owner.parent is not copy.parent or not self._whole(copy.source, copy.destination, made):
            return None
        block = cast(Block, copy.parent_block())
        first = all(use.operation is copy or self._at(block, use) > self.order[copy] for use in accesses(made))
        return made if first else None

    def _is_last(self, copy: memref.CopyOp, source: SSAValue) -> bool:
        """Whether nobody uses the source's memory after the copy."""
        return self._no_loop_between(copy, source) and all(
            self.order[use.operation] <= self.order[copy] for use in accesses(source)
        )

    def _stays(self, copy: memref.CopyOp, source: SSAValue) -> bool:
        """Whether nobody writes the source's memory after the copy."""
        if isinstance(source.owner, memref.GetGlobalOp):
            return True
        if source not in self.owned | self.outs and not self._is_input(source):
            return False
        written = [use.operation for use in accesses(source) if is_write(use, self.writes)]
        if not written and self._is_input(source):
            return True
        return self._no_loop_between(copy, source) and all(self.order[op] < self.order[copy] for op in written)

    def _is_input(self, value: SSAValue) -> bool:
        """Whether a value is an argument that the function only reads."""
        if not isinstance(value, BlockArgument) or value.owner.parent_op() is not self.function:
            return False
        return not self.writes[self.function.sym_name.data][value.index]

    def _no_loop_between(self, copy: memref.CopyOp, source: SSAValue) -> bool:
        """Whether the copy runs at most once while the source's buffer lives."""
        home = block_of(source)
        block = copy.parent_block()
        while block is not home:
            parent = None if block is None else block.parent_op()
            if not isinstance(parent, scf.IfOp | scf.IndexSwitchOp | scf.ExecuteRegionOp):
                return False
            block = parent.parent_block()
        return True

    def _whole(self, other: SSAValue, view: SSAValue, root: SSAValue) -> bool:
        """Whether `other` can stand for `root`, of which `view` is a view of all."""
        values = (other, view, root)
        if not all(is_contiguous(value.type) for value in values):
            return False
        return view is root or all(is_static(value.type) for value in values)

    def _is_before(self, value: SSAValue, op: Operation) -> bool:
        return not isinstance(value, OpResult) or self._order(value.op) < self._order(op)

    def _order(self, op: Operation) -> int:
        return self.order.get(op, len(self.order))

    def _at(self, block: Block, use: Use) -> int:
        """The number of the op of `block` in which a use happens."""
        return self._order(cast(Operation, block.find_ancestor_op_in_block(use.operation)))

    def _replace(self, copy: memref.CopyOp, old: SSAValue, new: SSAValue) -> bool:
        """`new` stands for the buffer `old`, so that the copy is not needed."""
        alloc = cast(memref.AllocOp, old.owner)
        if memref_of(new) != memref_of(old):
            early = self._is_before(new, alloc)
            where = InsertPoint.after(alloc) if early else InsertPoint.before(copy)
            new = view_as(LocatedBuilder(where, alloc.location), new, memref_of(old))
            self.order[cast(Operation, new.owner)] = self.order[alloc if early else copy]
        Rewriter.erase_op(copy)
        old.replace_all_uses_with(new)
        self.owned.discard(old)
        Rewriter.erase_op(alloc)
        return True
