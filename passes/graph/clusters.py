"""Which ml ops of a block go into one kernel.

A cluster becomes a kernel that is called where its last op stood. Ops are taken from the last to the first, and
an op joins the cluster of the ops that use it where this keeps the program's meaning and pays:

- *Order.* An op that only one cluster uses may always move down into it. An op that is used elsewhere too may
  join (its value is then a result of the kernel) when every use elsewhere comes after the cluster's last op. So no
  path of values leaves a cluster and comes back.
- *Work.* A cluster has at most one heavy op. A heavy op joins only ops that use its result at their own index
  (its epilogue). An op that computes something joins where each of its elements is read at one index; a costly one
  where each element is read once. What can be the epilogue of a heavy op is not repeated in a later one.
- *Results.* All results of a cluster have the index space of its last op.

The index at which a cluster reads a value is tracked as a small number, a *map*: ROOT is the index space of the
cluster's results, and every operand that is read at another index gets a map of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from xdsl.dialects.builtin import TensorType
from xdsl.ir import Block, Operation, SSAValue

from weft.dialects.walking import inside
from weft.passes.graph.roles import Read, Role, is_costly, is_free, read_of, role_of

ROOT = 0
AT_ROOT = frozenset((ROOT,))
MOST_OPS = 128
"""A kernel with more ops costs more to compile than its fusion gains."""
MOST_MAPS = 8
"""How many indices a value that costs nothing may be read at in one kernel."""


@dataclass(eq=False)
class Cluster:
    """Ops that become one kernel. `members` are in the order in which they joined: last op first."""

    members: list[Operation]
    last: int
    """The place of the last op in its block."""
    heavy: Operation | None = None
    maps: dict[Operation, frozenset[int]] = field(default_factory=dict[Operation, frozenset[int]])
    """The maps at which the cluster reads each op's result."""
    repeated: set[Operation] = field(default_factory=set[Operation])
    """Ops of which some element is read more than once."""

    def used_outside(self, value: SSAValue) -> bool:
        """Whether an op that is not in the cluster uses a value."""
        block = self.members[0].parent_block()
        return block is not None and any(
            block.find_ancestor_op_in_block(use.operation) not in self.maps for use in value.uses
        )


def clusters_of(block: Block) -> list[Cluster]:
    """The clusters of the ml ops of one block, in the order of their last ops. Dead ops belong to none."""
    return sorted(_Clustering(block).run(), key=lambda cluster: cluster.last)


class _Clustering:
    """The work on one block."""

    def __init__(self, block: Block) -> None:
        self.block = block
        self.places = {op: place for place, op in enumerate(block.ops)}
        self.of: dict[Operation, Cluster] = {}
        self.interned: dict[tuple[int, Operation, int], int] = {}
        self.epilogues = _epilogues(self.places)

    def run(self) -> Iterable[Cluster]:
        for op in reversed(list(self.places)):
            if role_of(op) is not Role.HOST and any(result.first_use is not None for result in op.results):
                self._place(op)
        return dict.fromkeys(self.of.values())

    def _place(self, op: Operation) -> None:
        """Put `op` into the cluster of its users where it fits, else into one of its own."""
        users = list(dict.fromkeys(self._users(op)))
        candidates = list(dict.fromkeys(self.of[user] for user in users if user in self.of))
        if len(candidates) > 1 and (merged := self._merged(op, candidates, users)) is not None:
            candidates = [merged]
        for cluster in sorted(candidates, key=lambda cluster: cluster.last):
            if self._join(op, cluster, users):
                return
        self.of[op] = Cluster([op], self.places[op], op if role_of(op) is Role.HEAVY else None, {op: AT_ROOT})

    def _users(self, op: Operation) -> Iterator[Operation]:
        """The ops of the block that use `op`, or that hold an op in a region that does."""
        for result in op.results:
            for use in result.uses:
                user = self.block.find_ancestor_op_in_block(use.operation)
                if user is not None:
                    yield user

    def _join(self, op: Operation, cluster: Cluster, users: list[Operation]) -> bool:
        """Add `op` to a cluster of some of its users, if it fits."""
        inside = [user for user in users if self.of.get(user) is cluster]
        outside = [user for user in users if self.of.get(user) is not cluster]
        maps, repeated = self._reads(op, cluster, inside)
        if len(cluster.members) >= MOST_OPS or not self._pays(op, cluster, maps, repeated):
            return False
        if outside and not self._may_be_result(op, cluster, maps, outside):
            return False
        self.of[op] = cluster
        cluster.members.append(op)
        cluster.maps[op] = maps
        cluster.repeated |= {op} if repeated else set()
        cluster.heavy = op if role_of(op) is Role.HEAVY else cluster.heavy
        return True

    def _pays(self, op: Operation, cluster: Cluster, maps: frozenset[int], repeated: bool) -> bool:
        """Whether computing `op` in the cluster, at those maps, is no more work than computing it before."""
        if role_of(op) is Role.HEAVY:
            return cluster.heavy is None and maps == AT_ROOT
        if is_free(op):
            return 0 < len(maps) <= MOST_MAPS
        return len(maps) == 1 and not (repeated and (is_costly(op) or op in self.epilogues))

    def _may_be_result(self, op: Operation, cluster: Cluster, maps: frozenset[int], outside: list[Operation]) -> bool:
        """Whether `op` may be a further result: it has the cluster's index space and is used after it."""
        return (
            role_of(op) is Role.POINT and maps == AT_ROOT and all(self.places[user] > cluster.last for user in outside)
        )

    def _reads(self, op: Operation, cluster: Cluster, users: list[Operation]) -> tuple[frozenset[int], bool]:
        """The maps at which `users`, all of the cluster, read `op`; and whether an element is read again."""
        maps: set[int] = set()
        again = False
        for user in users:
            again |= user in cluster.repeated
            for position, operand in enumerate(user.operands):
                if operand.owner is not op:
                    continue
                read = read_of(user, operand)
                again |= read is Read.AGAIN
                if read is Read.SAME:
                    maps |= cluster.maps[user]
                else:
                    maps |= {self._moved(at, user, position) for at in cluster.maps[user]}
        return frozenset(maps), again or len(maps) > 1

    def _moved(self, at: int, user: Operation, position: int) -> int:
        return self.interned.setdefault((at, user, position), len(self.interned) + 1)

    def _merged(self, op: Operation, clusters: list[Cluster], users: list[Operation]) -> Cluster | None:
        """One cluster of several that all use `op` at their own index, if that is legal."""
        members = [member for cluster in clusters for member in cluster.members]
        last = max(cluster.last for cluster in clusters)
        if (
            role_of(op) is not Role.POINT
            or len(members) >= MOST_OPS
            or sum(cluster.heavy is not None for cluster in clusters) > 1
            or any(
                self._reads(op, cluster, [user for user in users if self.of.get(user) is cluster])[0] != AT_ROOT
                for cluster in clusters
            )
            or not self._ends_before_uses(op, members, last)
        ):
            return None
        merged = Cluster(sorted(members, key=self.places.__getitem__, reverse=True), last)
        for cluster in clusters:
            merged.heavy = merged.heavy or cluster.heavy
            merged.maps |= cluster.maps
            merged.repeated |= cluster.repeated
        self.of |= dict.fromkeys(members, merged)
        return merged

    def _ends_before_uses(self, op: Operation, members: list[Operation], last: int) -> bool:
        """Whether everything outside `members` that uses them, or `op`, comes after the place `last`."""
        own = set(members)
        return all(user in own or self.places[user] > last for member in (op, *members) for user in self._users(member))


def _epilogues(ops: Iterable[Operation]) -> set[Operation]:
    """The ops that a heavy op before them can take along, because they use its result at its own index."""
    found: set[Operation] = set()
    for op in ops:
        if role_of(op) is Role.POINT and any(
            isinstance(owner := operand.owner, Operation)
            and read_of(op, operand) is Read.SAME
            and (owner in found or role_of(owner) is Role.HEAVY)
            for operand in op.operands
            if isinstance(operand.type, TensorType)
        ):
            found.add(op)
    return found


def outside_values(members: Iterable[Operation]) -> list[SSAValue]:
    """The values that ops and their regions use and do not define, in the order of their first use."""
    ops = list(members)
    defined = {result for op in ops for inner in inside(op) for result in inner.results}
    defined |= {arg for op in ops for inner in inside(op) for r in inner.regions for b in r.blocks for arg in b.args}
    used = (operand for op in ops for inner in inside(op) for operand in inner.operands)
    return [value for value in dict.fromkeys(used) if value not in defined]
