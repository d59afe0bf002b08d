"""Going through all ops that stand in an op, which passes and steps of schedules do again and again."""

from __future__ import annotations

from xdsl.ir import Block, Operation, Region


def inside(root: Operation | Block | Region) -> list[Operation]:
    """An op and all that stand in it, or all that stand in a block or region: outer ones first, in program order.

    That is what `root.walk()` gives; but there every op goes through a generator of each level, which takes several
    times as long. The list stays as it is when ops are moved or erased.
    """
    found: list[Operation] = []
    if isinstance(root, Block):
        _add(root, found)
        return found
    if isinstance(root, Operation):
        found.append(root)
    for region in root.regions if isinstance(root, Operation) else (root,):
        for block in region.blocks:
            _add(block, found)
    return found


def _add(block: Block, found: list[Operation]) -> None:
    op = block._first_op  # pyright: ignore[reportPrivateUsage]
    while op is not None:
        found.append(op)
        for region in op.regions:
            inner = region._first_block  # pyright: ignore[reportPrivateUsage]
            while inner is not None:
                _add(inner, found)
                inner = inner._next_block  # pyright: ignore[reportPrivateUsage]
        op = op._next_op  # pyright: ignore[reportPrivateUsage]
