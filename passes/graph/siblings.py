"""Clusters that read one value, and not each other, become one kernel: what they share is read once.

Two kinds of clusters fit together. Elementwise ones do where both read a value at the index of their results, which
are then results of one nest. Clusters over the same rows do where :mod:`row_groups` says so. Contractions do not:
each reads its inputs from the caches many times, so that nothing is gained by one nest for two.
"""

from __future__ import annotations

from collections.abc import Iterator

from xdsl.dialects.builtin import TensorType
from xdsl.ir import Operation, SSAValue

from weft.dialects.ml.base import tensor_type
from weft.passes.graph.clusters import ROOT, Cluster, outside_values
from weft.passes.graph.roles import Read, Role, read_of, role_of
from weft.passes.graph.row_dims import contraction_of

MOST_STREAMS = 12
"""So many inputs and results a nest may go through at once; more would push each other out of the first cache."""

MOST_SIBLING_OPS = 64
"""Elementwise ops of one nest; more would need more registers than there are."""


def share_input(first: Cluster, second: Cluster) -> bool:
    """Whether two clusters without contractions read one tensor."""
    if any(contraction_of(op) is not None for op in (*first.members, *second.members)):
        return False
    tensors = [{v for v in outside_values(one.members) if _is_large(v)} for one in (first, second)]
    return bool(tensors[0] & tensors[1])


def are_elementwise_siblings(first: Cluster, second: Cluster) -> bool:
    """Whether two clusters of elementwise ops read a value at the index of their results, and are not too much."""
    members = (*first.members, *second.members)
    if len(members) > MOST_SIBLING_OPS or any(role_of(op) not in (Role.POINT, Role.INDEX) for op in members):
        return False
    if not set(_at_root(first)) & set(_at_root(second)):
        return False
    outputs = sum(one.used_outside(r) for one in (first, second) for op in one.members for r in op.results)
    same = {tensor_type(op.results[0]).get_shape() for one in (first, second) for op in one.members[:1]}
    inputs = {value for value in outside_values(members) if _is_large(value)}
    return len(same) == 1 and len(inputs) + outputs <= MOST_STREAMS


def _at_root(cluster: Cluster) -> Iterator[SSAValue]:
    """The tensors from outside that a cluster reads at the index of its results."""
    for op in cluster.members:
        if ROOT in cluster.maps[op] and role_of(op) is Role.POINT:
            yield from (v for v in op.operands if _is_outside(v, cluster) and read_of(op, v) is Read.SAME)


def _is_outside(value: SSAValue, cluster: Cluster) -> bool:
    return _is_large(value) and not (isinstance(value.owner, Operation) and value.owner in cluster.maps)


def _is_large(value: SSAValue) -> bool:
    """Whether a value is a tensor of more than one element, as far as is known."""
    return isinstance(value.type, TensorType) and any(size != 1 for size in tensor_type(value).get_shape())
