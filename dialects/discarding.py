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
                for argument in block.args:
                    vars(argument).clear()
                vars(block).clear()
            vars(region).clear()
        for result in op.results:
            vars(result).clear()
        for use in (*op._operand_uses, *op._successor_uses):  # pyright: ignore[reportPrivateUsage]
            vars(use).clear()
        vars(op).clear()
