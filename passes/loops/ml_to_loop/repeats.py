"""Values that several nests of a kernel would compute each for itself."""

from __future__ import annotations

from collections.abc import Container, Sequence

from xdsl.dialects import bufferization
from xdsl.ir import Operation, SSAValue

from weft.dialects import ml
from weft.dialects.ml.base import MlOp, tensor_type
from weft.passes.graph.roles import is_costly, is_free

CHEAP = 8
"""An element that costs no more ops than this is computed again rather than kept in memory."""
COSTLY = 16
"""How many ops a function like exp counts for."""


class Repeats:
    """Which values of a kernel more than one nest needs, and what an element of them costs."""

    def __init__(self, ops: Sequence[Operation], own_nests: Container[type[Operation]]) -> None:
        self._nests: dict[SSAValue, frozenset[object]] = {}
        self._costs: dict[SSAValue, int] = {}
        for op in reversed(ops):
            for result in op.results:
                needing: set[object] = set()
                for use in result.uses:
                    needing |= self._needing(use.operation, own_nests)
                self._nests[result] = frozenset(needing)

    def _needing(self, user: Operation, own_nests: Container[type[Operation]]) -> set[object]:
        """The nests that need a value because an op uses it."""
        if isinstance(user, ml.SoftmaxOp):
            return {(user, "max"), (user, "exp")}
        if isinstance(user, bufferization.MaterializeInDestinationOp):
            return {tensor_type(user.source).get_shape()}
        if isinstance(user, MlOp) and type(user) not in own_nests:
            return {nest for result in user.results for nest in self._nests.get(result, ())}
        return {user}

    def is_worth_keeping(self, op: MlOp, held: Container[SSAValue]) -> bool:
        """Whether the result of an op that is computed where it is needed is better computed once, into memory.

        To be asked of the ops in their order.
        """
        (result,) = op.results
        own = 0 if is_free(op) or isinstance(op, ml.ConstantOp) else COSTLY if is_costly(op) else 1
        cost = own + sum(self._costs.get(operand, 0) for operand in op.operands if operand not in held)
        keep = own > 0 and cost > CHEAP and len(self._nests.get(result, ())) > 1
        self._costs[result] = 0 if keep else cost
        return keep
