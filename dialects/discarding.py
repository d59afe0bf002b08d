"""Ops that nobody needs any more, freed at once.

An op, its block and its operands refer to each other, so that only the cycle collector frees them; and it looks at each
several times, and at all else that is young, before it knows that nobody else holds them.
"""

from __future__ import annotations

from xdsl.ir import Operation

from weft.dialects.walking import inside


def discard(root: Operation) -> None:
    """Take an op apart, and all that stand in it: none of them, and no value of theirs, may be used again."""
    for op in inside(root):
        for region in op.regions:
            for block in list(region.blocks):
                vars(block).clear()
            vars(region).clear()
        # of what an op holds, uses alone refer to each other; all else refers to ops, blocks and regions
        for use in (*op._operand_uses, *op._successor_uses):  # pyright: ignore[reportPrivateUsage]
            use._prev_use = None  # pyright: ignore[reportPrivateUsage]
        vars(op).clear()
