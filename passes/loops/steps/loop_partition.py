"""`loop-partition`: whole tiles apart from ragged ones, so that every bound inside becomes a constant."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from xdsl.dialects import arith
from xdsl.dialects.builtin import IndexType, IntegerAttr
from xdsl.dialects.func import FuncOp
from xdsl.ir import Block, Operation, SSAValue
from xdsl.rewriter import InsertPoint

from weft.dialects.loop import AllocOp, ForOp, IfOp, Linear, ReduceOp, linear, loop_of
from weft.dialects.loop.schedule import Partition
from weft.dialects.walking import inside
from weft.passes.loops.kernels import (
    Refuse,
    after_definitions,
    erase,
    fold_conditions,
    insert,
    label,
    loops,
    make_symbol,
    need_no_lanes,
    replace_counter,
    set_label,
)
from weft.passes.loops.ranges import least, tidy
from weft.passes.loops.steps.base import StepPass

UNITS = ("grid", "block", "warp", "thread")
"""Marks of loops that stay one: all their iterations are one launch."""

Edge: TypeAlias = tuple[Linear, int]
"""A bound `min(whole, rest)` of an inner loop: (rest, whole)."""


@dataclass(frozen=True)
class LoopPartition(Partition, StepPass):
    """Part the iterations of a loop whose inner tiles are whole from the ragged ones: `partition ip`.

    **Before**
    ```mlir
    loop.for "ip" %ip to 84 {
      loop.for "ir" %ir to min(12, 1000 - 12*%ip) {
      }
    }
    ```
    **After**
    ```mlir
    loop.for "ip" %ip to 83 {
      loop.for "ir" %ir to 12 {
      }
    }
    loop.for "ip~" %ip_1 to 1 {
      loop.for "ir~" %ir_1 to 4 {
      }
    }
    ```
    Where the rest depends on other loops too, the loop is mapped to units of a GPU, or a reduction runs over the loop
    and the number of whole tiles is known at run time only, a `loop.if` tells whole from ragged in each iteration
    instead. A rest that only the run knows stays as `min(12, rest)` in the ragged copy: vectors get masks.

    **Needs** nothing; a loop without ragged tiles stays as it is. The labels of ragged copies get a `~`: a step
    that marks `ir` marks both, one that marks `ir~` the ragged one.

    **Leaves alone** the order of iterations.
    """

    name = "loop-partition"
    KEEPS_ORDER = True

    def transform(self, kernel: FuncOp) -> None:
        """Part every loop of that label."""
        found = loops(kernel, self.loop)
        if not found:
            raise Refuse(f"no loop is labelled '{self.loop}'")
        for loop in found:
            need_no_lanes(loop)
        for loop in found:
            _part(kernel, loop, set())


def _part(kernel: FuncOp, loop: ForOp, done: set[Edge]) -> None:
    """Part a loop at its first edge that is not done, then the parts at theirs."""
    edge = next((edge for edge in _edges(loop) if edge not in done), None)
    if edge is None:
        return
    rest = _constant_rest(*edge)
    if rest == 0:
        _make_whole(loop.block, edge)
        _part(kernel, loop, done)
    elif _splits(loop, edge[0]):
        _split_range(kernel, loop, edge, done)
    else:
        _split_body(loop, edge, rest)
        _part(kernel, loop, done | {edge})


def _edges(loop: ForOp) -> list[Edge]:
    """The edges inside a loop that its counter moves and that are known where its body starts."""
    edges: dict[Edge, None] = {}
    for inner in inside(loop.body):
        if not isinstance(inner, ForOp) or loop.counter not in inner.counters:
            continue
        whole = inner.greatest_trip()
        for form in inner.forms():
            known = all((at := loop_of(v)) is None or at is loop or at.is_ancestor(loop) for v in form.values)
            if whole and known and form.coefficient(loop.counter):
                edges[form, whole] = None
    return list(edges)


def _constant_rest(form: Linear, whole: int) -> int | None:
    """What a ragged tile has left, where it is the same in all of them; 0 where all tiles are whole."""
    multiples = all(factor % whole == 0 and loop_of(v) is not None for v, factor in form.terms)
    proved = least(form) if multiples else None
    return form.constant % whole if proved is not None and proved >= 1 else None


def _make_whole(block: Block, edge: Edge) -> None:
    """Drop the rest from every bound that has it: the tile is whole here."""
    for inner in _bounded(block, edge):
        inner.set_forms([form for form in inner.forms() if form != edge[0]])


def _make_ragged(block: Block, edge: Edge, rest: int | None) -> None:
    """Keep the rest only, where it is a constant; a bound that the run finds keeps both."""
    if rest is None:
        return
    for inner in _bounded(block, edge):
        inner.set_forms([linear(rest) if form == edge[0] else form for form in inner.forms()])
        tidy(inner)


def _bounded(block: Block, edge: Edge) -> list[ForOp]:
    return [
        op for op in inside(block) if isinstance(op, ForOp) and op.greatest_trip() == edge[1] and edge[0] in op.forms()
    ]


def _splits(loop: ForOp, rest: Linear) -> bool:
    """True when the whole tiles are the first iterations, their number is a symbol or constant, and known."""
    if loop.kind() in UNITS:
        return False
    bounds = loop.forms()
    others = [v for v in rest.values if v is not loop.counter]
    if rest.coefficient(loop.counter) >= 0 or any(loop_of(v) is not None for v in others):
        return False
    if any(loop_of(v) is not None for v in loop.counters) or len(bounds) != 1:
        return False
    reduced = any(isinstance(op, ReduceOp) and loop.counter in op.over for op in inside(loop.body))
    return not reduced or (not others and loop.trip() is not None)


def _split_range(kernel: FuncOp, loop: ForOp, edge: Edge, done: set[Edge]) -> None:
    """Two loops: the whole tiles, then the ragged ones, with the counter moved on by the number of the whole."""
    rest, whole = edge
    step = -rest.coefficient(loop.counter)
    count = _count(kernel, rest.without(loop.counter) - whole + step, step, loop)
    (bound,) = loop.forms()
    if count.is_constant and bound.is_constant:
        count = linear(max(0, min(count.constant, bound.constant)))
    tail = _ragged_copy([loop])[0]
    assert isinstance(tail, ForOp)
    insert([tail], InsertPoint.after(loop), loop)
    moved = linear(tail.counter) + count
    left = bound - count
    if left == linear(1):
        moved = count
    replace_counter(tail, moved)
    tail.set_forms([left])
    fold_conditions(tail)
    for inner in (op for op in tail.body.walk() if isinstance(op, ForOp)):
        tidy(inner)
    loop.set_forms([count] if count.is_constant and bound.is_constant else [count, bound])
    tidy(loop)
    _make_whole(loop.block, edge)
    done_there = {(form.substitute({loop.counter: moved}), size) for form, size in {*done, edge}}
    for part, edges in ((loop, done), (tail, done_there)):
        if part.trip() == 0:
            erase(part)
        else:
            _part(kernel, part, edges)


def _count(kernel: FuncOp, dividend: Linear, step: int, origin: Operation) -> Linear:
    """`max(0, floordiv(dividend, step))` as a constant or a new symbol."""
    if dividend.is_constant:
        return linear(max(0, dividend.constant // step))
    quotient = make_symbol(kernel, dividend, step, up=False, origin=origin)
    block = kernel.body.block
    for op in block.ops:
        if isinstance(op, arith.MaxSIOp) and op.lhs is quotient:
            return linear(op.result)
    zero = arith.ConstantOp(IntegerAttr(0, IndexType()))
    positive = arith.MaxSIOp(quotient, zero.result)
    insert([zero, positive], after_definitions(block, [quotient]), origin)
    return linear(positive.result)


def _split_body(loop: ForOp, edge: Edge, rest: int | None) -> None:
    """One test in each iteration: the body as it is for a whole tile, a copy for a ragged one."""
    body = list(loop.block.ops)
    copy = _ragged_copy(body)
    for op in body:
        op.detach()
    choice = IfOp(edge[0] - edge[1], body, copy)
    insert([choice], InsertPoint.at_end(loop.block), loop)
    _make_whole(choice.then.block, edge)
    _make_ragged(choice.other.block, edge, rest)


def _ragged_copy(ops: list[Operation] | list[ForOp]) -> list[Operation]:
    """Copies of ops in a row, their labels and the names of their buffers with a `~` more."""
    values: dict[SSAValue, SSAValue] = {}
    copies = [op.clone(values) for op in ops]
    for op in (inner for copy in copies for inner in inside(copy)):
        if isinstance(op, ForOp):
            set_label(op, f"{label(op)}~")
        elif isinstance(op, AllocOp):
            op.buffer_name = type(op.buffer_name)(f"{op.buffer_name.data}~")
    return copies
