"""Which ops may be removed or joined: what their classes say about effects, found once per class."""

from __future__ import annotations

from enum import Enum, auto
from functools import cache

from xdsl.dialects.builtin import UnregisteredOp
from xdsl.ir import Operation
from xdsl.traits import (
    IsTerminator,
    MemoryEffect,
    MemoryReadEffect,
    NoMemoryEffect,
    RecursiveMemoryEffect,
    SymbolOpInterface,
)

from weft.dialects.purity import UNMARKED


class Effects(Enum):
    """What an op does besides making its results."""

    NONE = auto()
    READS = auto()
    NESTED = auto()
    """What the ops in its regions do."""
    OTHER = auto()
    """Something that must stay, or nobody knows."""


@cache
def effects_of(kind: type[Operation]) -> Effects:
    """The effects of a class of ops. Symbols and terminators always stay."""
    if issubclass(kind, UnregisteredOp) or kind.has_trait(SymbolOpInterface):
        return Effects.OTHER
    if issubclass(kind, UNMARKED):
        return Effects.NONE
    found = {type(trait) for trait in kind.traits if isinstance(trait, MemoryEffect)}
    if kind.has_trait(IsTerminator) or not found:
        return Effects.OTHER
    rest = {trait for trait in found if not issubclass(trait, NoMemoryEffect)}
    if not rest:
        return Effects.NONE
    if rest == {RecursiveMemoryEffect}:
        return Effects.NESTED
    return Effects.READS if rest == {MemoryReadEffect} else Effects.OTHER


def is_pure(op: Operation) -> bool:
    """Whether an op only makes its results, and the same ones for the same operands."""
    effects = effects_of(type(op))
    return effects is Effects.NONE or (effects is Effects.NESTED and _nested(op, {Effects.NONE}))


def is_dead(op: Operation) -> bool:
    """Whether nothing is lost without the op: no result is used, and it changes nothing."""
    effects = effects_of(type(op))
    if effects is Effects.OTHER or any(result.first_use is not None for result in op.results):
        return False
    return effects is not Effects.NESTED or _nested(op, {Effects.NONE, Effects.READS})


def _nested(op: Operation, allowed: set[Effects]) -> bool:
    """Whether all ops in the regions of `op`, but for the ends of blocks, have allowed effects."""
    for region in op.regions:
        for block in region.blocks:
            for inner in block.ops:
                effects = effects_of(type(inner))
                if inner is block.last_op and inner.has_trait(IsTerminator) and not inner.successors:
                    continue
                if effects in allowed or (effects is Effects.NESTED and _nested(inner, allowed)):
                    continue
                return False
    return True
