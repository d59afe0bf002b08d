"""Whether contractions over the same rows are worth one kernel: one makes rows, another takes them.

Apart, all rows go through memory between the two. In one kernel, blocks of rows stay in the second cache from one
contraction to the next, and each block reads all of the right sides again. That pays where all rows together are more
than that cache holds, a block of some rows is less than half of it, and the right sides come from a cache, too.
"""

from __future__ import annotations

from math import prod

from xdsl.dialects.builtin import DYNAMIC_INDEX
from xdsl.ir import Operation, SSAValue

from weft.dialects.ml.base import tensor_type
from weft.dialects.ml.dtypes import dtype_of
from weft.dialects.target import Cpu
from weft.passes.graph.clusters import Cluster
from weft.passes.graph.row_dims import contraction_of

UNKNOWN_SIZE = 512
"""What is assumed of a size that only the run knows."""

LEAST_ROWS = 8
"""So many rows at least a block has: with fewer, reading the right sides again costs more than is gained."""


def makes_rows(op: Operation, cpu: Cpu) -> bool:
    """Whether an op is a contraction whose result is too large for the second cache, and some rows of it are not."""
    found = contraction_of(op)
    return found is not None and _is_blocked(op.results[0], len(found.batch[0]) + len(found.free[0]), cpu)


def takes_rows(op: Operation, cpu: Cpu) -> bool:
    """Whether an op is a contraction of such rows that the program computes."""
    found = contraction_of(op)
    return found is not None and isinstance(found.lhs.owner, Operation) and _is_blocked(found.lhs, found.kept(), cpu)


def worth_joining(group: Cluster, cpu: Cpu) -> bool:
    """Whether the contractions of a group of clusters, if it has any, gain by being in it."""
    found = {op: contraction for op in group.members if (contraction := contraction_of(op)) is not None}
    if not found:
        return True
    made: set[object] = set()
    chained = False
    for op in reversed(group.members):
        fed = any(operand.owner in made for operand in op.operands)
        chained |= fed and op in found and takes_rows(op, cpu)
        if fed or (op in found and makes_rows(op, cpu)):
            made.add(op)
    return chained and sum(_bytes(one.rhs, len(one.batch[1])) for one in found.values()) <= cpu.l3_bytes // 2


def why_apart(op: Operation, cpu: Cpu) -> str | None:
    """Why the rows of a contraction, those that it makes or those that it takes, are not handed on in blocks.

    None for any other op, and where its rows could be in blocks.
    """
    found = contraction_of(op)
    if found is None:
        return None
    made = _against(op.results[0], len(found.batch[0]) + len(found.free[0]), cpu)
    return made and _against(found.lhs, found.kept(), cpu) and f"the rows of {op.name} are not in blocks, for {made}"


def _is_blocked(rows: SSAValue, dims: int, cpu: Cpu) -> bool:
    """Whether a value, its first dimensions the rows, is worth blocks of rows."""
    return _against(rows, dims, cpu) is None


def _against(rows: SSAValue, dims: int, cpu: Cpu) -> str | None:
    """What stands against blocks of the rows of a value, the first dimensions of which are the rows.

    All are more than the second cache holds; a block, twice, is less than half of it: before and after what is done
    to the rows. Of a row whose size only the run knows a usual size is taken.
    """
    if _bytes(rows, 0) <= cpu.l2_bytes:
        return "all of them fit into the second cache"
    if 2 * LEAST_ROWS * _bytes(rows, dims) > cpu.l2_bytes // 2:
        return f"{LEAST_ROWS} of them take more than a quarter of the second cache"
    return None


def _bytes(value: SSAValue, first: int) -> int:
    """The size of what a tensor has in its dimensions from `first` on."""
    type_ = tensor_type(value)
    sizes = (UNKNOWN_SIZE if size == DYNAMIC_INDEX else size for size in type_.get_shape()[first:])
    return prod(sizes) * dtype_of(type_.element_type).itemsize
