"""Which ops only make their results."""

from __future__ import annotations

from xdsl.dialects import arith
from xdsl.ir import Operation
from xdsl.traits import Pure

UNMARKED = (arith.ExtSIOp, arith.DivSIOp, arith.DivUIOp, arith.CeilDivUIOp, arith.RemUIOp)
"""Ops that only make their results although xDSL does not say so: a division by zero has a result here, and no trap."""


def only_computes(op: Operation) -> bool:
    """Whether an op only makes its results: it may be done again, earlier, or where it was not asked for."""
    return op.has_trait(Pure()) or isinstance(op, UNMARKED)
