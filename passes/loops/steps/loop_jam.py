"""`loop-jam`: some iterations of an outer loop side by side in the loop that stands in it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import combinations

from xdsl.dialects import arith
from xdsl.dialects.builtin import MemRefType
from xdsl.dialects.func import FuncOp
from xdsl.ir import Operation, SSAValue
from xdsl.rewriter import InsertPoint

from weft.dialects.loop import (
    AccessOp,
    AllocOp,
    ForOp,
    IfOp,
    Linear,
    LinearOp,
    LoadOp,
    MarkAttr,
    PrefetchOp,
    ReduceOp,
    StoreOp,
    WriteOp,
    linear,
)
from weft.dialects.loop.base import is_element
from weft.dialects.loop.buffers import memref_of
from weft.dialects.loop.schedule import Jam
from weft.dialects.purity import only_computes
from weft.dialects.walking import inside
from weft.passes.loops.dependence import say
from weft.passes.loops.distances import Range, distance, distances, inner_counters
from weft.passes.loops.kernels import Refuse, find, insert, label, need_new_buffer, need_new_label, need_no_lanes
from weft.passes.loops.steps.base import StepPass
from weft.passes.loops.steps.loop_tile import LoopTile


@dataclass(frozen=True)
class LoopJam(Jam, StepPass):
    """Run a few iterations of a loop side by side in the loop that stands in it: `jam i 4 into (io, ir)`.

    Unroll-and-jam: a chain of operations in which each waits for the one before is then several chains, that a machine
    works on at once; and what neighbouring rows share is loaded once.

    **Before**
    ```mlir
    loop.for "i" %i to 64 {
      %s = loop.alloc reg "s" : memref<f32>
      loop.store %zero, %s[] : memref<f32>
      loop.for "j" %j to 64 {
        %0 = loop.load %s[] : memref<f32>
        %1 = loop.load %X[%i, %j] : memref<64x64xf32>
        %2 = arith.addf %0, %1 : f32
        loop.store %2, %s[] : memref<f32>
        loop.store %2, %Y[%i, %j] : memref<64x64xf32>
      }
    }
    ```
    **After**
    ```mlir
    loop.for "io" %io to 16 {
      %s = loop.alloc reg "s" : memref<4xf32>
      loop.for "ir.in" %i to 4 unroll {
        loop.store %zero, %s[%i] : memref<4xf32>
      }
      loop.for "j" %j to 64 {
        loop.for "ir" %ir to 4 unroll {
          %0 = loop.load %s[%ir] : memref<4xf32>
          %1 = loop.load %X[4*%io + %ir, %j] : memref<64x64xf32>
          %2 = arith.addf %0, %1 : f32
          loop.store %2, %s[%ir] : memref<4xf32>
          loop.store %2, %Y[4*%io + %ir, %j] : memref<64x64xf32>
        }
      }
    }
    ```
    What stands behind the inner loop goes into a loop `ir.out`. Scalars computed before the inner loop that are used
    in it or behind it wait in registers `ir.v0`, `ir.v1`, ...

    **Needs** one loop in the outer one, without loops or conditions in it, whose bound does not move with the outer
    loop; and that no iteration that now comes earlier needs one that now comes later.

    **Leaves alone** a mark of the outer loop, which goes to `io`. Partition `io` where its last tile is ragged.
    """

    name = "loop-jam"

    def transform(self, kernel: FuncOp) -> None:
        """Jam the loop."""
        outer = find(kernel, self.loop)
        need_no_lanes(outer)
        if self.rows < 2:
            raise Refuse("there are at least 2 rows to be jammed")
        parts = _parts(outer)
        need_new_label(kernel, f"{self.inner}.in", f"{self.inner}.out")
        _check_order(outer, parts, self.rows)
        crossing = parts.crossing()
        names = [f"{self.inner}.v{number}" for number in range(len(crossing))]
        for name in names:
            need_new_buffer(kernel, name)
        LoopTile(self.loop, self.rows, self.outer, self.inner).transform(kernel)
        _Jam(outer, parts, self.rows).carry_out(dict(zip(crossing, names, strict=True)))


@dataclass(frozen=True)
class _Parts:
    """The body of the outer loop: what stands before the inner loop, that loop, and what stands behind it."""

    before: list[Operation]
    inner: ForOp
    after: list[Operation]
    constants: list[Operation] = field(default_factory=list[Operation])

    def groups(self) -> list[list[AccessOp]]:
        """The accesses of the three parts, those of buffers of the iteration's own aside."""
        own = {op.result for op in self.before if isinstance(op, AllocOp)}
        return [
            [a for a in found if isinstance(a, AccessOp) and a.target not in own]
            for found in (self.before, list(self.inner.block.ops), self.after)
        ]

    def crossing(self) -> list[SSAValue]:
        """The scalars from before the inner loop that are used in it, or behind it."""
        mine = set(self.before)
        values = [value for op in self.before if not isinstance(op, AllocOp) for value in op.results]
        return [value for value in values if any(use.operation not in mine for use in value.uses)]


def _parts(outer: ForOp) -> _Parts:
    ops = list(outer.block.ops)
    loops = [op for op in ops if isinstance(op, ForOp)]
    if len(loops) != 1:
        raise Refuse(f"'{label(outer)}' holds {len(loops)} loops, not one")
    (inner,) = loops
    if inner.kind() != "seq":
        raise Refuse(f"'{label(inner)}' is marked '{inner.kind()}' already")
    if outer.counter in inner.counters:
        raise Refuse(f"the bound of '{label(inner)}' moves with '{label(outer)}'")
    for op in inside(inner):
        if op is not inner and isinstance(op, ForOp | IfOp | AllocOp):
            raise Refuse(f"'{label(inner)}' holds more than plain ops")
    at = ops.index(inner)
    constants: list[Operation] = [op for op in ops if isinstance(op, arith.ConstantOp)]
    before, after = ([op for op in some if op not in constants] for some in (ops[:at], ops[at + 1 :]))
    for op in (*before, *after):
        plain = isinstance(op, AccessOp | LinearOp) or only_computes(op) or isinstance(op, AllocOp)
        if not plain or isinstance(op, IfOp | PrefetchOp):
            raise Refuse(f"'{op.name}' stands beside '{label(inner)}'")
        if isinstance(op, AllocOp) and (op.space.data not in ("reg", "stack") or op.sizes or op not in before):
            raise Refuse(f"the buffer '{op.buffer_name.data}' is not small")
    parts = _Parts(before, inner, after, constants)
    if any(not is_element(value.type) for value in parts.crossing()):
        raise Refuse(f"what is computed before '{label(inner)}' does not fit into registers")
    return parts


def _check_order(outer: ForOp, parts: _Parts, rows: int) -> None:
    """No two accesses of one place change their order. Raises :class:`Refuse` where they might."""
    groups, free = parts.groups(), inner_counters(outer)
    for early, late in combinations(groups, 2):
        for a, b in _pairs(early, late):
            # all rows of the earlier part now come before the later part of any row
            if not distance(outer, b.index(), a.index(), free).both(Range(1, rows - 1)).is_empty:
                raise Refuse(_meet(outer, a))
    body = groups[1]
    for a, b in _pairs(body, body):
        if isinstance(a, ReduceOp) and isinstance(b, ReduceOp) and a.kind == b.kind:
            continue
        down, along = distances((outer, parts.inner), a.index(), b.index())
        if not down.both(Range(1, rows - 1)).is_empty and not along.both(Range(None, -1)).is_empty:
            raise Refuse(_meet(outer, a))


def _pairs(some: Iterable[AccessOp], others: Sequence[AccessOp]) -> Iterable[tuple[AccessOp, AccessOp]]:
    """Accesses of one buffer, one of which writes."""
    for a in some:
        for b in others:
            if a.target is b.target and (isinstance(a, WriteOp) or isinstance(b, WriteOp)):
                yield a, b


def _meet(outer: ForOp, access: AccessOp) -> str:
    return f"iterations of '{label(outer)}' may touch the same place of {say(access.target)} in another order"


@dataclass
class _Jam:
    """A jam that is legal; `rows` is the loop over the rows of a tile, which holds all parts."""

    rows: ForOp
    parts: _Parts
    count: int

    def carry_out(self, crossing: dict[SSAValue, str]) -> None:
        """Take the parts apart."""
        rows, parts = self.rows, self.parts
        rows.mark = MarkAttr.of("unroll")
        for op in parts.constants:
            op.detach()
        origin = parts.inner
        insert(parts.constants, InsertPoint.before(rows), origin)
        self._spread_buffers()
        before = [op for op in parts.before if not isinstance(op, AllocOp)]
        before += [self._wait(value, name) for value, name in crossing.items()]
        after = parts.after
        self._loop("in", before, InsertPoint.before(rows))
        body = list(parts.inner.block.ops)
        for op in (*body, parts.inner):
            op.detach()
        insert([parts.inner], InsertPoint.before(rows), origin)
        rows.detach()
        insert([rows], InsertPoint.at_end(parts.inner.block), origin)
        for op in after:
            op.detach()
        insert(body, InsertPoint.at_end(rows.block), origin)
        self._loop("out", after, InsertPoint.after(parts.inner))

    def _spread_buffers(self) -> None:
        """Buffers of one row become those of all."""
        for alloc in [op for op in self.parts.before if isinstance(op, AllocOp)]:
            type_ = memref_of(alloc.result)
            new = AllocOp(
                alloc.space.data,
                alloc.buffer_name.data,
                MemRefType(type_.element_type, [self.count, *type_.get_shape()]),
            )
            insert([new], InsertPoint.before(self.rows), alloc)
            for use in list(alloc.result.uses):
                access = use.operation
                assert isinstance(access, AccessOp)
                access.operands[use.index] = new.result
                access.set_forms([linear(self.rows.counter), *access.index()], list(access.trailing()))
            new.result.name_hint = alloc.result.name_hint
            alloc.detach()
            alloc.erase()

    def _wait(self, value: SSAValue, name: str) -> Operation:
        """Keep a scalar from before the inner loop in registers, where the parts behind find it; what stores it."""
        alloc = AllocOp("reg", name, MemRefType(value.type, [self.count]))
        insert([alloc], InsertPoint.before(self.rows), self.parts.inner)
        place = [linear(self.rows.counter)]
        body, after = list(self.parts.inner.block.ops), self.parts.after
        for part in (body, after):
            uses = [use for use in value.uses if use.operation in part]
            if not uses:
                continue
            load = LoadOp(alloc.result, place)
            insert([load], InsertPoint.before(part[0]), part[0])
            part.insert(0, load)
            for use in uses:
                use.operation.operands[use.index] = load.result
        return StoreOp(value, alloc.result, place)

    def _loop(self, suffix: str, ops: list[Operation], at: InsertPoint) -> None:
        """A loop of its own over the rows, around some ops."""
        if not ops:
            return
        made = ForOp(f"{label(self.rows)}.{suffix}", self.rows.forms(), MarkAttr.of("unroll"))
        here: dict[SSAValue, Linear] = {self.rows.counter: linear(made.counter)}
        for op in ops:
            if op.parent is not None:
                op.detach()
            made.block.add_op(op)
            if isinstance(op, LinearOp):
                trailing = [made.counter if value is self.rows.counter else value for value in op.trailing()]
                op.set_forms([form.substitute(here) for form in op.forms()], trailing)
        insert([made], at, self.parts.inner)
