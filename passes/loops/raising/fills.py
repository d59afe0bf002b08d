"""A contraction that accumulates into a buffer which the loops before it fill with the neutral value.

`linalg.fill` and `linalg.matmul`, say: two nests, one buffer. The second starts from its first product instead, and the
first is needed only where the second does not run as a kernel.
"""

from __future__ import annotations

from xdsl.dialects import func
from xdsl.ir import Block, BlockArgument, Operation, SSAValue

from weft.dialects.loop import ForOp, ReduceOp, StoreOp, loop_of
from weft.dialects.loop.access import AccessOp
from weft.dialects.loop.nest import loops_around
from weft.dialects.purity import only_computes
from weft.passes.loops.raising.forms import Inputs
from weft.passes.loops.raising.reductions import is_neutral


def absorb_fill(fill: func.CallOp, filled: Block, inputs: Inputs) -> bool:
    """Let the reduction of a nest start by itself, where the kernel called just before did nothing but fill its buffer.

    `filled` is the body of that kernel. True where the reduction now does without the fill.
    """
    if not _only_pure_between(fill, inputs.root) or (store := _fill_of(filled)) is None:
        return False
    host = fill.arguments[store.buffer.index] if isinstance(store.buffer, BlockArgument) else None
    buffer = None if host is None else inputs.given.get(host)
    if buffer is None:
        return False
    touching = [op for op in inputs.block.walk() if isinstance(op, AccessOp) and op.target is buffer]
    if len(touching) != 1 or not isinstance(reduce := touching[0], ReduceOp) or reduce.over:
        return False
    if not is_neutral(store.value, reduce) or _box(reduce) is None or _box(reduce) != _box(store):
        return False
    inside = {value for form in reduce.index() for value in form.values}
    over = [loop for loop in reversed(list(loops_around(reduce))) if loop.counter not in inside]
    if not over or not all(loop.trip() for loop in loops_around(reduce)):
        return False
    reduce.set_over([loop.counter for loop in over])
    return True


def _only_pure_between(call: Operation, root: Operation) -> bool:
    op = call.next_op
    while op is not None and op is not root:
        if op.regions or not only_computes(op):
            return False
        op = op.next_op
    return op is root


def _fill_of(block: Block) -> StoreOp | None:
    """The one store of a kernel that has no other access."""
    accesses = [op for op in block.walk() if isinstance(op, AccessOp)]
    return accesses[0] if len(accesses) == 1 and isinstance(accesses[0], StoreOp) else None


def _box(access: AccessOp) -> tuple[int, ...] | None:
    """The sizes of what an access reaches, if its index is a counter a dimension, each of constant range; else None."""
    seen: set[SSAValue] = set()
    sizes: list[int] = []
    for form in access.index():
        loop = loop_of(form.values[0]) if len(form.values) == 1 else None
        trip = loop.trip() if isinstance(loop, ForOp) else None
        if trip is None or form.constant or form.coefficient(form.values[0]) != 1 or form.values[0] in seen:
            return None
        seen.add(form.values[0])
        sizes.append(trip)
    return tuple(sizes)
