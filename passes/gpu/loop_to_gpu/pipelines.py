"""Loops marked `pipeline`: what fills the buffers of an iteration runs ahead, and each buffer is there several times.

With `n` buffers in turn, iteration `k` waits until its own buffer has arrived, begins to fill the one that the
iteration before has left, for iteration `k + n - 1`, and computes. One barrier an iteration is enough: behind it the
copies of all threads are seen, and no thread reads the buffer any more that is filled next.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from xdsl.dialects import arith
from xdsl.dialects.builtin import MemRefType, UnitAttr
from xdsl.ir import Block, Operation, SSAValue
from xdsl.rewriter import InsertPoint

from weft.dialects import gpu, nvvm
from weft.dialects.loop import AccessOp, AllocOp, ForOp, IfOp, Linear, LinearOp, SlotOp, StoreOp, linear
from weft.dialects.loop.buffers import memref_of
from weft.dialects.loop.nest import loops_around
from weft.passes.loops.kernels import erase, insert, label, set_label
from weft.passes.loops.pipelining import Ahead, ahead
from weft.passes.loops.ranges import least


def expand_pipelines(body: Block) -> set[Operation]:
    """Expand every pipeline in a body; the ops that all threads of the block have to run."""
    together: set[Operation] = set()
    for op in list(body.walk()):
        if isinstance(op, ForOp) and op.kind() == "pipeline":
            together |= _expand(op, ahead(op))
    return together


def _expand(loop: ForOp, parts: Ahead) -> set[Operation]:
    count = loop.number()
    rings: dict[SSAValue, AllocOp] = {alloc.result: _ring(alloc, count) for alloc in parts.buffers}
    now, following = SlotOp(loop.counter, count), SlotOp(linear(loop.counter) + (count - 1), count)
    first = ForOp(f"{label(loop)}.first", count - 1)
    begin = _begin(loop, parts, rings, first)
    steady = [op for op in parts.fills if not isinstance(op, arith.ConstantOp)]
    for op in parts.rest:
        _turn(op, rings, linear(now.result))
    for op in steady:
        op.detach()
        _turn(op, rings, linear(following.result))
        _shift(op, loop, linear(loop.counter) + (count - 1))
    then: list[Operation] = list(steady)
    for bound in loop.forms():
        then = [IfOp(bound - loop.counter - count, then)]
    head = [
        nvvm.make("cp.async.wait.group", n=count - 2),
        gpu.BarrierOp(),
        now,
        following,
        *then,
        nvvm.make("cp.async.commit.group"),
    ]
    repeated = any(outer.kind() not in ("warp", "thread") for outer in loops_around(loop))
    before = [gpu.BarrierOp()] if repeated else []
    insert([*rings.values(), *before, begin], InsertPoint.before(loop), loop)
    insert(head, InsertPoint.before(parts.rest[0]), loop)
    for alloc in parts.buffers:
        erase(alloc)
    loop.mark = None
    commit = begin.block.last_op
    assert commit is not None
    return {*before, commit, *(op for op in head if not isinstance(op, ForOp | IfOp))}


def _ring(alloc: AllocOp, count: int) -> AllocOp:
    """Buffers like one, several of them side by side."""
    type_ = memref_of(alloc.result)
    swizzle = alloc.swizzle.data if alloc.swizzle is not None else 0
    many = MemRefType(type_.element_type, [count, *type_.get_shape()])
    return AllocOp("shared", alloc.buffer_name.data, many, swizzle=swizzle)


def _begin(loop: ForOp, parts: Ahead, rings: Mapping[SSAValue, AllocOp], first: ForOp) -> ForOp:
    """The loop that fills all buffers but one before the first iteration."""
    values: dict[SSAValue, SSAValue] = {}
    copies: list[Operation] = [op.clone(values) for op in parts.fills]
    for op in copies:
        _turn(op, rings, linear(first.counter))
        _shift(op, loop, linear(first.counter))
        for inner in op.walk():
            if isinstance(inner, ForOp):
                set_label(inner, f"{label(inner)}.first")
    body: Sequence[Operation] = copies
    for bound in loop.forms():
        fewest = least(bound)
        if fewest is None or fewest < (first.trip() or 0):
            body = [IfOp(bound - first.counter - 1, body)]
    first.block.add_ops([*body, nvvm.make("cp.async.commit.group")])
    return first


def _turn(root: Operation, rings: Mapping[SSAValue, AllocOp], slot: Linear) -> None:
    """Access the buffer of a slot in the place of the one buffer. What fills it may do so later."""
    for op in root.walk():
        if isinstance(op, AccessOp) and op.target in rings:
            forms = [slot, *op.forms()]
            if isinstance(op, StoreOp):
                op.asynchronous = UnitAttr()
            op.operands[op.FIRST - 1] = rings[op.target].result
            op.set_forms(forms)


def _shift(root: Operation, loop: ForOp, form: Linear) -> None:
    """Put a form in the place of a loop's counter, in an op and what it holds."""
    for op in root.walk():
        if isinstance(op, LinearOp) and loop.counter in op.counters:
            op.substitute({loop.counter: form})
