"""Every value is defined before it is used: xDSL's verifier does not look at that."""

from __future__ import annotations

from collections.abc import Iterator

from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Block, Operation, Region, SSAValue
from xdsl.irdl.dominance import DominanceInfo

from weft import codes
from weft.diagnostics import WeftError
from weft.dialects.locations import error_at


def undominated(module: ModuleOp) -> Iterator[WeftError]:
    """An error for each use that the value's definition does not dominate.

    The module's own region is a graph region: order does not matter there.
    Source: https://mlir.llvm.org/docs/LangRef/#control-flow-and-ssacfg-regions
    """
    visible: set[SSAValue] = {result for block in module.body.blocks for op in block.ops for result in op.results}
    for block in module.body.blocks:
        for op in block.ops:
            yield from _in_op(op, visible)


def _in_op(op: Operation, visible: set[SSAValue]) -> Iterator[WeftError]:
    for n, operand in enumerate(op.operands):
        if operand not in visible:
            name = f"%{operand.name_hint}" if operand.name_hint else f"#{n}"
            message = f"'{op.name}' op operand {name} is used where its definition does not dominate it"
            yield error_at(op, message, code=codes.NOT_DOMINATED)
    for region in op.regions:
        yield from _in_region(region, visible)


def _in_region(region: Region, visible: set[SSAValue]) -> Iterator[WeftError]:
    blocks = list(region.blocks)
    if len(blocks) == 1:
        added: list[SSAValue] = []
        yield from _in_block(blocks[0], visible, added)
        visible.difference_update(added)
        return
    if any(after.parent is not region for block in blocks if block.last_op for after in block.last_op.successors):
        return  # no graph to look at: the branch is wrong
    dominance = DominanceInfo(region) if blocks else None
    for block in blocks:
        assert dominance is not None
        above = [
            value
            for other in blocks
            if other is not block and dominance.dominates(other, block)
            for value in _defined(other)
        ]
        visible.update(above)
        added = []
        yield from _in_block(block, visible, added)
        visible.difference_update(above, added)


def _defined(block: Block) -> list[SSAValue]:
    return [*block.args, *(result for op in block.ops for result in op.results)]


def _in_block(block: Block, visible: set[SSAValue], added: list[SSAValue]) -> Iterator[WeftError]:
    added.extend(block.args)
    visible.update(added)
    for op in block.ops:
        yield from _in_op(op, visible)
        visible.update(op.results)
        added.extend(op.results)
