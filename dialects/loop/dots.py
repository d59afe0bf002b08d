"""Sums of products of narrow numbers that machines have one instruction for: two products a lane, added to a sum."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.dialects import arith
from xdsl.dialects.builtin import BFloat16Type, f32, i32
from xdsl.ir import Operation, SSAValue

from weft.dialects.loop.access import LoadOp, ReduceOp
from weft.dialects.loop.hints import FLUSHES
from weft.dialects.loop.nest import ForOp
from weft.dialects.scalars.types import bits_of

PAIR = 2
"""How many products such an instruction adds to a lane."""

FLOATS, INTEGERS = "avx512bf16", "avx512vnni"
"""The features of a target that has the instruction for bf16, and for integers of 16 bits."""


@dataclass(frozen=True)
class Factor:
    """One side of the product: the load, and whether an integer keeps its sign."""

    load: LoadOp
    signed: bool = True


@dataclass(frozen=True)
class Dot:
    """`out += left * right`, of bf16 into f32, or of integers that 16 bits hold into i32."""

    out: ReduceOp
    left: Factor
    right: Factor

    @property
    def is_float(self) -> bool:
        """Whether these are floats."""
        return self.out.value.type == f32

    @property
    def feature(self) -> str:
        """What a target must have for the instruction."""
        return FLOATS if self.is_float else INTEGERS


def dot_of(out: ReduceOp) -> Dot | None:
    """A reduction as such a sum; None for another one.

    Floats need the leave to take denormal numbers for zeros (:data:`FLUSHES`): the instruction does.
    """
    product = out.value.owner
    if out.kind.data != "add" or not isinstance(product, arith.MulfOp | arith.MuliOp):
        return None
    if isinstance(product, arith.MulfOp) and FLUSHES not in product.attributes:
        return None
    left, right = _factor(product.lhs), _factor(product.rhs)
    if left is None or right is None or left.load is right.load:
        return None
    return Dot(out, left, right)


def dot_in(loop: ForOp) -> Dot | None:
    """The one thing that a loop does, where that is such a sum, over its iterations."""
    found = [op for op in loop.block.ops if isinstance(op, ReduceOp)]
    dot = dot_of(found[0]) if len(found) == 1 else None
    if dot is None or loop.counter in dot.out.counters:
        return None
    product = dot.out.value.owner
    assert isinstance(product, Operation)
    loads = (dot.left.load, dot.right.load)
    parts = {dot.out, product, *loads, *(value.owner for value in product.operands)}
    return dot if set(loop.block.ops) == parts and all(loop.counter in load.counters for load in loads) else None


def _factor(value: SSAValue) -> Factor | None:
    """A number that was loaded, and made wider."""
    cast = value.owner
    if not isinstance(cast, arith.ExtFOp | arith.ExtSIOp | arith.ExtUIOp) or not isinstance(cast.input.owner, LoadOp):
        return None
    load, narrow = cast.input.owner, cast.input.type
    if isinstance(cast, arith.ExtFOp):
        return Factor(load) if isinstance(narrow, BFloat16Type) and value.type == f32 else None
    signed = isinstance(cast, arith.ExtSIOp)
    fits = (bits_of(narrow) or 0) in ((8, 16) if signed else (8,))
    return Factor(load, signed) if fits and value.type == i32 else None
