"""Blocks that nothing reaches."""

from __future__ import annotations

from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Block, Region

from weft.dialects.walking import inside


def reachable(region: Region) -> set[Block]:
    """The blocks of a region that its first block reaches."""
    first = region.blocks.first
    found: set[Block] = set()
    left = [] if first is None else [first]
    while left:
        block = left.pop()
        if block not in found:
            found.add(block)
            left += block.last_op.successors if block.last_op is not None else ()
    return found


def remove_unreachable(module: ModuleOp) -> bool:
    """Remove the blocks that nothing reaches, in every region. True when there were any."""
    regions = [
        region for op in inside(module) for region in op.regions if region.blocks.first is not region.blocks.last
    ]
    changed = False
    for region in regions:
        live = reachable(region)
        dead = [block for block in region.blocks if block not in live]
        for block in dead:
            for op in block.ops:
                op.drop_all_references()
        for block in dead:
            region.detach_block(block)
            block.erase(safe_erase=False)
            changed = True
    return changed
