"""Going through all ops that stand in an op, which steps of schedules do again and again."""

from __future__ import annotations

from xdsl.ir import Operation


def inside(root: Operation) -> list[Operation]:
    """An op and all that stand in it, outer ones first, in the order of the program.

    That is what `root.walk()` gives; but there every op goes through a generator of each level, which takes thrice as
    long. The list stays as it is when ops are moved or erased.
    """
    found: list[Operation] = []
    _add(root, found)
    return found


def _add(op: Operation, found: list[Operation]) -> None:
    found.append(op)
    for region in op.regions:
        for block in region.blocks:
            inner = block.first_op
            while inner is not None:
                if inner.regions:
                    _add(inner, found)
                else:
                    found.append(inner)
                inner = inner.next_op
