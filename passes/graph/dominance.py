"""Which block every path to a block goes through last: the tree of immediate dominators."""

from __future__ import annotations

from xdsl.ir import Block, Region
from xdsl.ir.post_order import PostOrderIterator


def dominator_tree(region: Region) -> dict[Block, list[Block]]:
    """The blocks that each reachable block immediately dominates (Cooper, Harvey and Kennedy's algorithm)."""
    first = region.blocks.first
    if first is None:
        return {}
    order = list(PostOrderIterator(first))
    number = {block: i for i, block in enumerate(order)}
    parent: dict[Block, Block] = {first: first}
    changed = True
    while changed:
        changed = False
        for block in reversed(order[:-1]):
            known = [pred for pred in block.predecessors() if pred in parent]
            best = known[0]
            for pred in known[1:]:
                best = _common(best, pred, parent, number)
            changed |= parent.get(block) is not best
            parent[block] = best
    tree: dict[Block, list[Block]] = {block: [] for block in order}
    for block in order[:-1]:
        tree[parent[block]].append(block)
    return tree


def _common(a: Block, b: Block, parent: dict[Block, Block], number: dict[Block, int]) -> Block:
    while a is not b:
        while number[a] < number[b]:
            a = parent[a]
        while number[b] < number[a]:
            b = parent[b]
    return a
