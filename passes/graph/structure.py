"""Equal code: a key that two functions share when they do the same, whatever their names and places."""

from __future__ import annotations

from collections.abc import Hashable, Mapping

from xdsl.dialects.func import FuncOp
from xdsl.ir import Attribute, Block, Operation, Region, SSAValue

from weft.passes.repetition import in_short


def structure_of(function: FuncOp) -> Hashable:
    """Types, ops, attributes and the flow of values of a function; not its name, name hints and locations."""
    numbers: dict[SSAValue, int] = {}
    attributes = {name: value for name, value in function.attributes.items() if name != "sym_name"}
    properties = {name: value for name, value in function.properties.items() if name != "sym_name"}
    return (_items(attributes), _items(properties), _region(function.body, numbers))


def _items(attributes: Mapping[str, Attribute]) -> Hashable:
    return tuple([(name, in_short(attributes[name])) for name in sorted(attributes)])


def _region(region: Region, numbers: dict[SSAValue, int]) -> Hashable:
    blocks = {block: number for number, block in enumerate(region.blocks)}
    return tuple(_block(block, blocks, numbers) for block in region.blocks)


def _block(block: Block, blocks: dict[Block, int], numbers: dict[SSAValue, int]) -> Hashable:
    for arg in block.args:
        numbers[arg] = len(numbers)
    return (tuple(arg.type for arg in block.args), tuple(_op(op, blocks, numbers) for op in block.ops))


def _op(op: Operation, blocks: dict[Block, int], numbers: dict[SSAValue, int]) -> Hashable:
    operands = tuple(numbers.get(operand, operand) for operand in op.operands)
    regions = tuple(_region(region, numbers) for region in op.regions)
    for result in op.results:
        numbers[result] = len(numbers)
    return (
        op.name,
        operands,
        tuple(result.type for result in op.results),
        _items(op.attributes),
        _items(op.properties),
        tuple(blocks[successor] for successor in op.successors),
        regions,
    )
