"""Accumulations, found and written as `loop.reduce`."""

from __future__ import annotations

from xdsl.dialects import arith
from xdsl.dialects.builtin import BFloat16Type, Float16Type
from xdsl.dialects.utils import FastMathFlag
from xdsl.ir import Block, Operation, SSAValue
from xdsl.rewriter import Rewriter

from weft.dialects.loop import ForOp, LoadOp, ReduceOp, StoreOp, kinds_of, neutral
from weft.dialects.loop.access import AccessOp, WriteOp
from weft.dialects.loop.base import FLOATS
from weft.dialects.loop.hints import FASTMATH, is_loose
from weft.dialects.loop.nest import loops_around
from weft.passes.loops.raising.kinds import DIFFERENCES, KINDS, ORDERED
from weft.passes.rewriting import LocatedBuilder


def find_reductions(block: Block, reassociate: bool, may_alias: bool) -> None:
    """Write `C[x] = C[x] op v` as `loop.reduce op v into C[x]` in all loops of a kernel.

    `C[x] - v` is `C[x] + -v`. The order of a reduction is free. For sums and products of floats that is only so with
    `reassociate`, or where the op carries the fastmath flag `reassoc`. A buffer that the loops of the reduction read
    otherwise keeps its loads and stores.
    """
    for store in [op for op in block.walk() if isinstance(op, StoreOp)]:
        found = _accumulation(store, reassociate, may_alias)
        if found is not None and _only_accumulates(block, *found):
            _rewrite(*found)


def absorb_starts(block: Block) -> None:
    """Let reductions begin where a store of the neutral value stands before their loops: the store goes.

    Only for kernels whose buffers do not overlap.
    """
    for loop in [op for op in block.walk() if isinstance(op, ForOp)]:
        _absorb_start(loop.block)


def _accumulation(store: StoreOp, reassociate: bool, may_alias: bool) -> tuple[LoadOp, Operation, StoreOp] | None:
    combine = store.value.owner
    if not isinstance(combine, Operation) or type(combine) not in KINDS or not store.value.has_one_use():
        return None
    element = store.memref.element_type
    if KINDS[type(combine)] not in kinds_of(element) or isinstance(element, Float16Type | BFloat16Type):
        return None
    if isinstance(combine, ORDERED) and not reassociate and not _is_free(combine):
        return None
    for operand in combine.operands[:1] if isinstance(combine, DIFFERENCES) else combine.operands:
        load = operand.owner
        if isinstance(load, LoadOp) and operand.has_one_use() and _same_place(load, store, may_alias):
            return load, combine, store
    return None


def _is_free(op: arith.AddfOp | arith.SubfOp | arith.MulfOp) -> bool:
    return FastMathFlag.REASSOC in op.fastmath.data


def _same_place(load: LoadOp, store: StoreOp, may_alias: bool) -> bool:
    """Whether a load reads what the store writes, in the same block, with no write to it between them."""
    if load.parent is not store.parent or load.buffer is not store.buffer or load.index() != store.index():
        return False
    op = load.next_op
    while op is not None and op is not store:
        if op.regions or (isinstance(op, WriteOp) and (may_alias or op.target is load.buffer)):
            return False
        op = op.next_op
    return op is store


def _only_accumulates(block: Block, load: LoadOp, combine: Operation, store: StoreOp) -> bool:
    """Whether a loop goes round the accumulation, and nothing else in it touches the buffer.

    Elsewhere in the kernel the buffer may be read and stored, and reduced in the same way.
    """
    round_ = (loop for loop in loops_around(store) if not any(form.coefficient(loop.counter) for form in store.index()))
    around = next(round_, None)
    if around is None:
        return False
    for op in block.walk():
        if not isinstance(op, AccessOp) or op.target is not store.buffer or op in (load, store):
            continue
        same = isinstance(op, ReduceOp) and op.kind.data == KINDS[type(combine)]
        if not same and (isinstance(op, ReduceOp) or around.is_ancestor(op)):
            return False
    return True


def _rewrite(load: LoadOp, combine: Operation, store: StoreOp) -> None:
    value = next(operand for operand in combine.operands if operand is not load.result)
    kind = KINDS[type(combine)]
    if isinstance(combine, DIFFERENCES):
        value = _negative(value, combine)
    reduce = LocatedBuilder.before(store).insert(ReduceOp(kind, value, store.buffer, store.index()))
    if is_loose(combine) and kind in ("max", "min"):
        reduce.attributes[FASTMATH] = combine.properties[FASTMATH]
    for op in (store, combine, load):
        Rewriter.erase_op(op)


def _negative(value: SSAValue, user: Operation) -> SSAValue:
    """A value with the other sign; of a product that nothing else uses, one factor gets it."""
    builder = LocatedBuilder.before(user)
    if not isinstance(value.type, FLOATS):
        zero = builder.insert(arith.ConstantOp(neutral("add", value.type))).result
        return builder.insert(arith.SubiOp(zero, value)).result
    product = value.owner
    if not isinstance(product, arith.MulfOp) or not value.has_one_use() or product.parent is not user.parent:
        return builder.insert(arith.NegfOp(value)).result
    minus = LocatedBuilder.before(product).insert(arith.NegfOp(product.lhs)).result
    product.operands[0] = minus
    return product.result


def _absorb_start(block: Block) -> None:
    """Where a store of the neutral value stands before the loops that reduce into it, the reduction starts there."""
    for store in [op for op in block.ops if isinstance(op, StoreOp)]:
        nest = store.next_op
        while nest is not None and not nest.regions and not _touches(nest, store.buffer):
            nest = nest.next_op
        if isinstance(nest, ForOp) and (found := _reduction_of(nest, store)) is not None:
            reduce, over = found
            reduce.set_over(over)
            Rewriter.erase_op(store)


def _touches(op: Operation, buffer: SSAValue) -> bool:
    return isinstance(op, AccessOp) and op.target is buffer


def _reduction_of(nest: ForOp, store: StoreOp) -> tuple[ReduceOp, list[SSAValue]] | None:
    """The one access of the stored element in a nest, if it is a reduction from the stored value on."""
    touching = [op for op in nest.walk() if isinstance(op, AccessOp) and op.target is store.buffer]
    if len(touching) != 1 or not isinstance(reduce := touching[0], ReduceOp) or reduce.over:
        return None
    if reduce.index() != store.index() or not is_neutral(store.value, reduce):
        return None
    over: list[SSAValue] = []
    parent = reduce.parent_op()
    while isinstance(parent, ForOp) and parent is not nest.parent_op():
        if not parent.trip():
            return None
        over.insert(0, parent.counter)
        parent = parent.parent_op()
    return (reduce, over) if parent is nest.parent_op() else None


def is_neutral(value: SSAValue, reduce: ReduceOp) -> bool:
    """Whether a value is the constant that a reduction may start from without changing its result."""
    op = value.owner
    element = reduce.memref.element_type
    if not isinstance(op, arith.ConstantOp):
        return False
    if isinstance(element, FLOATS):
        return getattr(getattr(op.value, "value", None), "data", None) == neutral(reduce.kind.data, element).value.data
    return op.value == neutral(reduce.kind.data, element)
