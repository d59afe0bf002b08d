"""Nests marked `tensor`: loads of matrices and their products, which the lanes of a warp do together.

Which row of which matrix a lane brings is laid down by `ldmatrix` (PTX ISA, "Warp-level matrix load instruction"):
lanes 0 to 7 the rows of the first matrix, 8 to 15 those of the second, and so on.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from xdsl.ir import Block, Operation, SSAValue
from xdsl.rewriter import InsertPoint

from weft import codes
from weft.dialects.locations import error_at
from weft.dialects.loop import ForOp, Linear, LoadMatrixOp, MmaOp, linear
from weft.dialects.loop.buffers import PIECE
from weft.passes.gpu.loop_to_gpu.ids import Ids
from weft.passes.gpu.loop_to_gpu.places import WARP, Places
from weft.passes.loops.kernels import erase, insert, label
from weft.passes.loops.nest_shape import element_bytes
from weft.passes.loops.tensor_nest import GROUPS, PAIRS, Operand, TensorNest, tensor_nest

Counters: TypeAlias = Mapping[SSAValue, Linear]


def expand_tensor_nests(body: Block, places: Places, ids: Ids) -> set[Operation]:
    """Replace the nests; the ops that all lanes of a warp have to run.

    Raises :class:`WeftError` where the lanes of a warp do not hold the sums as the products need them.
    """
    together: set[Operation] = set()
    for op in list(body.walk()):
        if isinstance(op, ForOp) and op.kind() == "tensor":
            nest = tensor_nest(op)
            _check_lanes(nest, places)
            made = _product(nest, _Lanes(ids))
            insert(made, InsertPoint.before(op), op)
            together |= set(made)
            erase(op)
    return together


def _check_lanes(nest: TensorNest, places: Places) -> None:
    group, pair = places.of[nest.group], places.of[nest.pair]
    whole = group.modulus in (None, WARP) and group.room >= WARP and not group.room % WARP
    if group.axis or pair.axis or (group.divisor, pair.divisor, pair.modulus) != (PAIRS, 1, PAIRS) or not whole:
        raise error_at(
            nest.half,
            f"the lanes of a warp are not the {GROUPS} rows of '{label(nest.group)}' times the {PAIRS} columns of"
            f" '{label(nest.pair)}'",
            "map nothing else to threads inside a warp",
            code=codes.CANNOT_LOWER,
        )


class _Lanes:
    """Parts of the number of a lane, `(lane mod modulus) / divisor`, as forms."""

    def __init__(self, ids: Ids) -> None:
        self.ids = ids

    def part(self, modulus: int, divisor: int = 1) -> Linear:
        return linear(self.ids.part(self.ids.thread(0), modulus, divisor))


def _product(nest: TensorNest, lanes: _Lanes) -> list[Operation]:
    left = _load(nest.left, _rows(nest, lanes), 4)
    right = _load(nest.right, _columns(nest, lanes), 2 if nest.side is None else 4)
    start: Counters = {loop.counter: linear(0) for loop in nest.kept}
    index = [form.substitute(start) for form in nest.out.index()]
    return [left, right, MmaOp(left.result, right.result, nest.out.buffer, index)]


def _load(operand: Operand, at: Counters, count: int) -> LoadMatrixOp:
    """A lane of A has what lies along the depth, one of B too: where memory has it across, matrices are turned."""
    index = [form.substitute(at) for form in operand.load.index()]
    return LoadMatrixOp(operand.load.buffer, index, count, transpose=not operand.along_depth)


def _rows(nest: TensorNest, lanes: _Lanes) -> Counters:
    """Where the row begins that a lane brings of A: upper left, lower left, upper right, lower right matrix."""
    within, lower, right = lanes.part(8), lanes.part(16, 8), lanes.part(32, 16)
    if nest.left.along_depth:
        group, depth = within, right * _half(nest)
    else:
        group, depth = linear(0), within + right * 8
    return {nest.half.counter: lower, nest.group.counter: group, nest.depth.counter: depth}


def _half(nest: TensorNest) -> int:
    """The elements of one row of a matrix: half the depth."""
    return PIECE // element_bytes(nest.left.load)


def _columns(nest: TensorNest, lanes: _Lanes) -> Counters:
    """The same of B: of each block of columns the upper and the lower matrix."""
    if nest.right.along_depth:
        pair, column, depth = lanes.part(8, 2), lanes.part(2), lanes.part(16, 8) * _half(nest)
    else:
        pair, column, depth = linear(0), linear(0), lanes.part(16)
    at: dict[SSAValue, Linear] = {nest.pair.counter: pair, nest.column.counter: column, nest.depth.counter: depth}
    if nest.side is not None:
        at[nest.side.counter] = lanes.part(32, 16)
    return at
