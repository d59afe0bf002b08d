"""What several reducers ask about a module and do to it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

from xdsl.dialects.builtin import DenseIntOrFPElementsAttr, MemRefType, ModuleOp, StringAttr, TensorType, VectorType
from xdsl.ir import Attribute, Block, Operation, SSAValue
from xdsl.traits import IsTerminator


def shape_of(type_: Attribute) -> tuple[int, ...] | None:
    """The shape of a ranked type; None for any other."""
    if not isinstance(type_, TensorType | MemRefType | VectorType):
        return None
    shape: tuple[int, ...] = cast(Any, type_).get_shape()
    return shape


def element_of(type_: Attribute) -> Attribute:
    """The element type of a type that has elements, else the type."""
    return cast(Attribute, getattr(type_, "element_type", type_))


def is_splat(dense: DenseIntOrFPElementsAttr[Any]) -> bool:
    """Whether all elements are the same bits, or there are none."""
    data, count = dense.data.data, len(dense)
    return not count or data == data[: len(data) // count] * count


def values_of(module: ModuleOp) -> list[SSAValue]:
    """Every result and every argument of a block."""
    found: list[SSAValue] = []
    for op in module.walk():
        found += op.results
        found += [argument for region in op.regions for block in region.blocks for argument in block.args]
    return found


def attached(op: Operation, module: ModuleOp) -> bool:
    """Whether an op is still in its module."""
    return op.get_toplevel_object() is module


def inner_ops(module: ModuleOp) -> list[Operation]:
    """The ops that may go: neither the module nor a symbol nor the end of a block. Users come before what they use."""
    ops = [op for op in module.walk() if op is not module and not is_symbol(op) and not is_terminator(op)]
    return ops[::-1]


def is_symbol(op: Operation) -> bool:
    """Whether an op has a name that others can refer to."""
    return isinstance(op.get_attr_or_prop("sym_name"), StringAttr)


def is_terminator(op: Operation) -> bool:
    """Whether an op ends its block, by its kind."""
    return op.has_trait(IsTerminator, value_if_unregistered=False)


def used(op: Operation) -> bool:
    """Whether a result of an op is used."""
    return any(result.first_use is not None for result in op.results)


def visible(op: Operation) -> Iterator[SSAValue]:
    """Values that are surely defined before an op, the nearest first: its operands, then arguments of blocks around
    it and the results before it in its block.
    """
    yield from op.operands
    before = op.prev_op
    while before is not None:
        yield from before.results
        before = before.prev_op
    block: Block | None = op.parent
    while block is not None:
        yield from block.args
        block = block.parent_block()


def first_of_type(op: Operation, type_: Attribute) -> SSAValue | None:
    """The nearest visible value of a type."""
    return next((value for value in visible(op) if value.type == type_), None)


def erase(op: Operation) -> None:
    """Take an op, with all that is in it, out of its module. Its results must be unused."""
    _forget(op)
    op.detach()


def erase_block(block: Block) -> None:
    """Take a block out of its region, whoever uses what it defines."""
    for op in block.ops:
        _forget(op)
    if block.parent is not None:
        block.parent.detach_block(block)


def _forget(op: Operation) -> None:
    """Use nothing any more. (xDSL's `drop_all_references` loses its way in regions of several blocks.)"""
    for inner in list(op.walk()):
        inner.operands, inner.successors = (), ()


def replace_results(op: Operation, values: list[SSAValue]) -> None:
    """Use other values for an op's results, and erase it."""
    for result, value in zip(op.results, values, strict=True):
        result.replace_all_uses_with(value)
    erase(op)
