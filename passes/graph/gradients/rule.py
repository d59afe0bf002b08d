"""What a rule is, and what it sees."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypeAlias

from xdsl.ir import Operation, SSAValue

from weft.passes.graph.gradients.terms import Term
from weft.passes.rewriting import LocatedBuilder


class Here(Protocol):
    """The place in the backward program where an op is differentiated."""

    @property
    def builder(self) -> LocatedBuilder:
        """Inserts ops there."""
        ...

    def cotangent(self, result: SSAValue) -> SSAValue:
        """The cotangent of a result of the op: zeros where nothing uses the result."""
        ...

    def wants(self, operand: SSAValue) -> bool:
        """Whether anybody asks for the cotangent of an operand. The others may be given or None."""
        ...

    def term(self, value: SSAValue) -> Term:
        """A value as part of a formula."""
        ...


Rule: TypeAlias = Callable[[Any, Here], Sequence[SSAValue | None]]
"""From an op to the cotangents of its operands, in order; None where there is none."""

Rules: TypeAlias = Mapping[type[Operation], Rule]


def nothing(op: Operation, here: Here) -> Sequence[SSAValue | None]:
    """The rule of ops that are constant wherever they have a derivative: no gradient passes."""
    return [None] * len(op.operands)
