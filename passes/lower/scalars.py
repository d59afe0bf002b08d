"""The one table of scalar ops: what each `arith` and `math` op is in the llvm dialect.

A rule takes the emitter, the op, and its operands as llvm values; these may be scalars or fixed vectors of any
width, and the result is as wide as they are. Nothing traps, and no poison is made: the modules of the rules say
what comes instead. Ops with two results are in `EXTENDED_RULES`, those of `loop` in `VECTOR_RULES`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from xdsl.ir import Operation

from weft.passes.lower.emitter import Emitter
from weft.passes.lower.function_builder import Value
from weft.passes.lower.scalar_casts import CAST_RULES
from weft.passes.lower.scalar_floats import FLOAT_RULES
from weft.passes.lower.scalar_integers import EXTENDED_RULES, INTEGER_RULES
from weft.passes.lower.scalar_rule import Rule
from weft.passes.lower.scalar_vectors import VECTOR_RULES

__all__ = ["EXTENDED_RULES", "SCALAR_RULES", "VECTOR_RULES", "Rule", "emit_scalar"]

SCALAR_RULES: Mapping[type[Operation], Rule] = {**INTEGER_RULES, **FLOAT_RULES, **CAST_RULES}
"""Ops with one result."""


def emit_scalar(e: Emitter, op: Operation, operands: Sequence[Value]) -> tuple[Value, ...] | None:
    """The results of `op` on llvm values; None if it is no scalar op."""
    if (rule := SCALAR_RULES.get(type(op))) is not None:
        return (rule(e, op, operands),)
    if (extended := EXTENDED_RULES.get(type(op))) is not None:
        return extended(e, op, operands)
    if (by_vectors := VECTOR_RULES.get(type(op))) is not None:
        return (by_vectors(e, op, operands),)
    return None
