"""Clusters that go over the same rows become one kernel: a normalisation, a softmax written out, statistics of rows.

Two clusters fit together where every op of both is *row-wise*: in its first dimensions, the rows, each element of a
result follows from the same row of what the group computes before. The kernel then has several nests over the same
rows, which its schedule runs row by row: what one nest did to a row is still in the caches when the next one reads it,
and a value in between that is cheap is computed again rather than kept in memory.

A contraction is row-wise in its left side. One that makes rows, what is done to the rows, and one that takes them are
a group where :mod:`row_blocks` says that this pays: attention is one, whoever wrote it.
"""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.ir import Block, Operation, SSAValue, Use

from weft.dialects.ml.base import tensor_type
from weft.dialects.target import Cpu
from weft.passes.graph.clusters import MOST_OPS, Cluster
from weft.passes.graph.roles import Role, role_of
from weft.passes.graph.row_blocks import makes_rows, takes_rows, worth_joining
from weft.passes.graph.row_dims import contraction_of, reads_rows_again, row_dims
from weft.passes.graph.siblings import are_elementwise_siblings, share_input


def join_rows(block: Block, clusters: Sequence[Cluster], cpu: Cpu | None) -> list[Cluster]:
    """The clusters of a block, in the order of their last ops, those joined that fit together.

    Contractions are joined with what they feed and what feeds them for a CPU; None means that they are not.
    """
    chained = set[Operation]()
    if cpu is not None:
        heavy = [cluster.heavy for cluster in clusters if cluster.heavy is not None]
        chained = {op for op in heavy if makes_rows(op, cpu) or takes_rows(op, cpu)}
    while True:
        joined = _Joining(block, chained).join(clusters)
        if cpu is None or not chained:
            return joined
        groups = [group for group in joined if group not in clusters]
        failing = {op for group in groups if not worth_joining(group, cpu) for op in group.members} & chained
        if not failing:
            return joined
        chained -= failing


class _Joining:
    """One way to join the clusters of a block: `chained` are the contractions that may stand beside others."""

    def __init__(self, block: Block, chained: set[Operation]) -> None:
        self.chained = chained
        self.block = block
        self.places = {op: place for place, op in enumerate(block.ops)}

    def join(self, clusters: Sequence[Cluster]) -> list[Cluster]:
        """Join each cluster to the last group that feeds it or reads what it reads, where they fit."""
        done: list[Cluster] = []
        for cluster in clusters:
            fitting = next((group for group in reversed(done) if self._belong(group, cluster)), None)
            if fitting is None:
                done.append(cluster)
            else:
                done.remove(fitting)
                done.append(self._joined(fitting, cluster))
        return sorted(done, key=lambda cluster: cluster.last)

    def _joined(self, first: Cluster, second: Cluster) -> Cluster:
        members = sorted([*first.members, *second.members], key=self.places.__getitem__, reverse=True)
        return Cluster(members, second.last, second.heavy, first.maps | second.maps, first.repeated | second.repeated)

    def _belong(self, first: Cluster, second: Cluster) -> bool:
        """Whether two clusters are better one kernel, at the place of the second."""
        if _feeds(first, second):
            return self._fit(first, second) and self._waits(first, second)
        if not share_input(first, second) or not self._waits(first, second):
            return False
        return are_elementwise_siblings(first, second) or self._fit(first, second)

    def _waits(self, first: Cluster, second: Cluster) -> bool:
        """Whether all that uses the first cluster, but the second, comes after the second."""
        members = {*first.members, *second.members}
        for op in first.members:
            for user in (self.block.find_ancestor_op_in_block(use.operation) for r in op.results for use in r.uses):
                if user is not None and user not in members and self.places[user] < second.last:
                    return False
        return True

    def _fit(self, first: Cluster, second: Cluster) -> bool:
        """Whether both clusters go over common rows, and one of them more than once."""
        members = {*first.members, *second.members}
        if len(members) > MOST_OPS or not any(reads_rows_again(op) or op in self.chained for op in members):
            return False
        beside = _right_sides(members)
        ordered = sorted(members - beside, key=self.places.__getitem__)
        rows = min(self._row_dims(op, members - beside) for op in ordered)
        return rows > 0 and len({_rows_of(value, rows) for value in _space(ordered)}) == 1

    def _row_dims(self, op: Operation, members: set[Operation]) -> int:
        if role_of(op) is Role.HEAVY and op not in self.chained and not reads_rows_again(op):
            return 0
        return row_dims(op, members)


def _feeds(first: Cluster, second: Cluster) -> bool:
    """Whether a cluster uses a result of another."""
    return any(operand.owner in first.maps for op in second.members for operand in op.operands)


def _right_sides(members: set[Operation]) -> set[Operation]:
    """The ops that only make right sides of contractions, element by element: they need not be row-wise."""
    found: set[Operation] = set()
    waiting = [one.rhs.owner for op in members if (one := contraction_of(op)) is not None]
    while waiting:
        op = waiting.pop()
        if not isinstance(op, Operation) or op not in members or op in found or role_of(op) is Role.HEAVY:
            continue
        if all(_is_right(use, members, found) for result in op.results for use in result.uses):
            found.add(op)
            waiting += [operand.owner for operand in op.operands]
    return found


def _is_right(use: Use, members: set[Operation], found: set[Operation]) -> bool:
    """Whether a use of a value is one as the right side of a contraction, or by an op that makes such a side."""
    one = contraction_of(use.operation)
    right = one is not None and use.index == 1 and one.lhs is not one.rhs
    return right or use.operation in found or use.operation not in members


def _space(members: Sequence[Operation]) -> list[SSAValue]:
    """The values whose first dimensions are the rows: all results, but those that are only moved into place."""
    return [result for op in members if role_of(op) is not Role.INDEX for result in op.results]


def _rows_of(value: SSAValue, rows: int) -> tuple[int, ...]:
    return tuple(tensor_type(value).get_shape()[:rows])
