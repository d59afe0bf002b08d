"""In how many of its first dimensions, the rows, an op is row-wise: elements follow from the same row before it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from xdsl.dialects.builtin import TensorType
from xdsl.ir import Attribute, Operation, SSAValue

from weft.dialects import ml
from weft.dialects.ml.argreduction import ArgReductionOp
from weft.dialects.ml.base import tensor_type
from weft.dialects.ml.scans import ScanOp
from weft.passes.graph.roles import Read, Role, read_of, role_of

ANY = 1 << 30
"""An op that only moves what comes from outside fits any rows."""


@dataclass(frozen=True)
class Contraction:
    """A matmul or dot_general: the numbers of the batch and of the free dimensions of its two sides."""

    lhs: SSAValue
    rhs: SSAValue
    batch: tuple[tuple[int, ...], tuple[int, ...]]
    free: tuple[tuple[int, ...], tuple[int, ...]]

    def kept(self) -> int:
        """How many of the first dimensions of the result are the first ones of the left side, in order."""
        dims = (*self.batch[0], *self.free[0])
        return next((place for place, axis in enumerate(dims) if place != axis), len(dims))


def contraction_of(op: Operation) -> Contraction | None:
    """An op as a contraction; None for any other op."""
    if isinstance(op, ml.MatmulOp):
        rank = tensor_type(op.lhs).get_num_dims()
        batch = tuple(range(rank - 2))
        return Contraction(op.lhs, op.rhs, (batch, batch), ((rank - 2,), (rank - 1,)))
    if isinstance(op, ml.DotGeneralOp):
        return Contraction(op.lhs, op.rhs, op.batch, op.free)
    return None


def reads_rows_again(op: Operation) -> bool:
    """Whether an op combines the elements of rows, so that others read the rows once more."""
    return isinstance(op, ml.ReduceOp | ml.SoftmaxOp | ArgReductionOp | ScanOp)


def row_dims(op: Operation, group: Collection[object]) -> int:
    """In how many of its first dimensions an op is row-wise in what the group computes."""
    rank = min(tensor_type(result).get_num_dims() for result in op.results)
    if isinstance(op, ml.ReduceOp):
        return min([*op.dims, rank])
    if isinstance(op, ml.SoftmaxOp | ArgReductionOp | ScanOp):
        return op.dim
    inside = [v for v in op.operands if isinstance(v.type, TensorType) and v.owner in group]
    found = contraction_of(op)
    if found is not None:
        return _contraction_dims(found, inside)
    if role_of(op) is Role.HEAVY:
        return 0
    if isinstance(op, ml.BroadcastInDimOp):
        return _kept_dims(op) if inside else ANY
    if role_of(op) is Role.INDEX:
        return 0 if inside else ANY
    return 0 if any(read_of(op, value) is not Read.SAME for value in inside) else rank


def _contraction_dims(found: Contraction, inside: list[SSAValue]) -> int:
    """A contraction needs whole rows of its left side; the right one should come from outside."""
    return 0 if found.rhs in inside else found.kept()


def _kept_dims(op: ml.BroadcastInDimOp) -> int:
    """How many of the first dimensions of a broadcast are those of its operand, none repeated."""
    source, target = shape(op.operand.type), shape(op.result.type)
    kept = 0
    for axis, dim in enumerate(op.broadcast_dimensions.get_values()):
        if dim != axis or source[axis] != target[axis]:
            break
        kept += 1
    return kept


def shape(type_: Attribute) -> tuple[int, ...]:
    """The shape of a tensor type."""
    assert isinstance(type_, TensorType)
    return type_.get_shape()
