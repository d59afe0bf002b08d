"""Clusters that go over the same rows become one kernel: a normalisation, a softmax written out, statistics of rows.

Two clusters fit together where every op of both is *row-wise*: in its first dimensions, the rows, each element of a
result follows from the same row of what the group computes before. The kernel then has several nests over the same
rows, which its schedule runs row by row: what one nest did to a row is still in the caches when the next one reads it,
and a value in between that is cheap is computed again rather than kept in memory.
"""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.dialects.builtin import TensorType
from xdsl.ir import Attribute, Block, Operation, SSAValue

from weft.dialects import ml
from weft.dialects.ml.argreduction import ArgReductionOp
from weft.dialects.ml.base import tensor_type
from weft.dialects.ml.scans import ScanOp
from weft.passes.graph.clusters import MOST_OPS, Cluster
from weft.passes.graph.roles import Read, Role, read_of, role_of


def join_rows(block: Block, clusters: Sequence[Cluster]) -> list[Cluster]:
    """The clusters of a block, in the order of their last ops, those joined that fit together."""
    places = {op: place for place, op in enumerate(block.ops)}
    done: list[Cluster] = []
    for cluster in clusters:
        fitting = next((g for g in reversed(done) if _feeds(g, cluster) and _fit(block, places, g, cluster)), None)
        if fitting is None:
            done.append(cluster)
        else:
            done.remove(fitting)
            done.append(_joined(places, fitting, cluster))
    return sorted(done, key=lambda cluster: cluster.last)


def _joined(places: dict[Operation, int], first: Cluster, second: Cluster) -> Cluster:
    members = sorted([*first.members, *second.members], key=places.__getitem__, reverse=True)
    return Cluster(members, second.last, second.heavy, first.maps | second.maps, first.repeated | second.repeated)


def _feeds(first: Cluster, second: Cluster) -> bool:
    """Whether a cluster uses a result of another."""
    return any(operand.owner in first.maps for op in second.members for operand in op.operands)


def _fit(block: Block, places: dict[Operation, int], first: Cluster, second: Cluster) -> bool:
    """Whether one kernel may hold both clusters, at the place of the second, and goes over common rows."""
    members = {*first.members, *second.members}
    if len(members) > MOST_OPS or not any(_reads_rows_again(op) for op in members):
        return False
    for op in first.members:
        for user in (block.find_ancestor_op_in_block(use.operation) for result in op.results for use in result.uses):
            if user is not None and user not in members and places[user] < second.last:
                return False
    ordered = sorted(members, key=places.__getitem__)
    rows = min(_row_dims(op, members) for op in ordered)
    return rows > 0 and len({_rows_of(value, rows) for value in _space(ordered)}) == 1


def _reads_rows_again(op: Operation) -> bool:
    """Whether an op combines the elements of rows, so that others read the rows once more."""
    return isinstance(op, ml.ReduceOp | ml.SoftmaxOp | ArgReductionOp | ScanOp)


def _space(members: Sequence[Operation]) -> list[SSAValue]:
    """The values whose first dimensions are the rows: all results, but those that are only moved into place."""
    return [result for op in members if role_of(op) is not Role.INDEX for result in op.results]


def _rows_of(value: SSAValue, rows: int) -> tuple[int, ...]:
    return tuple(tensor_type(value).get_shape()[:rows])


def _row_dims(op: Operation, group: set[Operation]) -> int:
    """In how many of its first dimensions an op is row-wise in what the group computes."""
    rank = min(tensor_type(result).get_num_dims() for result in op.results)
    if isinstance(op, ml.ReduceOp):
        return min([*op.dims, rank])
    if isinstance(op, ml.SoftmaxOp | ArgReductionOp | ScanOp):
        return op.dim
    if role_of(op) is Role.HEAVY:
        return 0
    inside = [value for value in op.operands if isinstance(value.type, TensorType) and value.owner in group]
    if isinstance(op, ml.BroadcastInDimOp):
        return _kept_dims(op) if inside else _ANY
    if role_of(op) is Role.INDEX:
        return 0 if inside else _ANY
    return 0 if any(read_of(op, value) is not Read.SAME for value in inside) else rank


_ANY = 1 << 30
"""An op that only moves what comes from outside fits any rows."""


def _kept_dims(op: ml.BroadcastInDimOp) -> int:
    """How many of the first dimensions of a broadcast are those of its operand, none repeated."""
    source, target = _shape(op.operand.type), _shape(op.result.type)
    kept = 0
    for axis, dim in enumerate(op.broadcast_dimensions.get_values()):
        if dim != axis or source[axis] != target[axis]:
            break
        kept += 1
    return kept


def _shape(type_: Attribute) -> tuple[int, ...]:
    assert isinstance(type_, TensorType)
    return type_.get_shape()
