"""Ops made and copied quickly. What is made is what xDSL's `create` and `clone` make; they take three times as long."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

from xdsl.dialects.builtin import LocationAttr
from xdsl.ir import Attribute, Block, Operation, OpResult, Region, SSAValue, Use
from xdsl.ir.core import SSAValues

Op = TypeVar("Op", bound=Operation)


def make(
    kind: type[Op],
    operands: Sequence[SSAValue],
    results: Sequence[Attribute],
    properties: Mapping[str, Attribute] | None,
    location: LocationAttr,
) -> Op:
    """An op without regions and successors."""
    made = kind.__new__(kind)
    if operands:
        uses = tuple([Use(made, index) for index in range(len(operands))])
        for operand, use in zip(operands, uses, strict=True):
            operand.add_use(use)
        made._operands = SSAValues(operands)  # pyright: ignore[reportPrivateUsage]
        made._operand_uses = uses  # pyright: ignore[reportPrivateUsage]
    made.results = SSAValues([OpResult(type_, made, index) for index, type_ in enumerate(results)])
    made.properties = {} if properties is None else dict(properties)
    made.attributes = {}
    made.location = location
    return made


def copied(op: Op) -> Op:
    """A copy of an op that uses no value from outside, with names and locations."""
    return _copy(op, {}) if _is_straight(op) else op.clone()


def _is_straight(op: Operation) -> bool:
    """Whether every region in an op is one block, so that definitions stand before uses."""
    for region in op.regions:
        block = region.first_block
        if block is None or block is not region.last_block:
            return False
        if not all(_is_straight(inner) for inner in block.ops if inner.regions):
            return False
    return True


def _copy(op: Op, values: dict[SSAValue, SSAValue]) -> Op:
    operands = [values[operand] for operand in op.operands]
    made = make(type(op), operands, [result.type for result in op.results], op.properties, op.location)
    if op.attributes:
        made.attributes = dict(op.attributes)
    _name(op.results, made.results, values)
    for region in op.regions:
        old = region.block
        block = Block(arg_types=[arg.type for arg in old.args])
        for arg, new in zip(old.args, block.args, strict=True):
            new.location = arg.location
        _name(old.args, block.args, values)
        block.add_ops([_copy(inner, values) for inner in old.ops])
        made.add_region(Region(block))
    return made


def _name(olds: Sequence[SSAValue], news: Sequence[SSAValue], values: dict[SSAValue, SSAValue]) -> None:
    """Note what values have become, and give them their names, which are known to be valid."""
    for old, new in zip(olds, news, strict=True):
        values[old] = new
        new._name = old._name  # pyright: ignore[reportPrivateUsage]
