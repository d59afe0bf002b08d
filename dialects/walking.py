"""Going through all ops that stand in an op, which passes and steps of schedules do again and again."""

from __future__ import annotations

from xdsl.ir import Block, Operation, Region


def inside(root: Operation | Block | Region) -> list[Operation]:
    """An op and all that stand in it, or all that stand in a block or region: outer ones first, in program order.

    That is what `root.walk()` gives; but there every op goes through a generator of each level, which takes several
    times as long. The list stays as it is when ops are moved or erased.
    """
    found: list[Operation] = []
    if isinstance(root, Operation):
        found.append(root)
        _add(root.regions, found)
    elif isinstance(root, Region):
        _add((root,), found)
    else:
        _add_block(root, found)
    return found


def _add(regions: tuple[Region, ...], found: list[Operation]) -> None:
    for region in regions:
        block = region.first_block
        while block is not None:
            _add_block(block, found)
            block = block.next_block


def _add_block(block: Block, found: list[Operation]) -> None:
    op = block.first_op
    while op is not None:
        found.append(op)
        if op.regions:
            _add(op.regions, found)
        op = op._next_op  # pyright: ignore[reportPrivateUsage]
