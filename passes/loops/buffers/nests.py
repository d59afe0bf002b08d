"""Plain loops over all elements of a buffer, for the few tensor ops that compute in the host."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from xdsl.dialects import scf
from xdsl.dialects.builtin import IndexType
from xdsl.ir import Block, SSAValue
from xdsl.rewriter import InsertPoint

from weft.passes.loops.lists import Size
from weft.passes.loops.reify import Reifier
from weft.passes.rewriting import LocatedBuilder

Body = Callable[[LocatedBuilder, list[SSAValue]], None]
"""Builds what happens at one index."""


def for_each(builder: LocatedBuilder, sizes: Sequence[Size], body: Body) -> None:
    """A nest of `scf.for` over an index space, with `body` inside; no loop for rank 0."""
    numbers = Reifier(builder)
    bounds = [numbers.value(size) for size in sizes]
    ends = (numbers.value(0), numbers.value(1)) if bounds else None
    inner, counters = builder, list[SSAValue]()
    for bound in bounds:
        assert ends is not None
        block = Block(arg_types=[IndexType()])
        end = LocatedBuilder(InsertPoint.at_end(block), builder.location)
        terminator = end.insert(scf.YieldOp())
        inner.insert(scf.ForOp(ends[0], bound, ends[1], [], block))
        counters.append(block.args[0])
        inner = LocatedBuilder(InsertPoint.before(terminator), builder.location)
    body(inner, counters)
