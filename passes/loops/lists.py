"""Lists of sizes, offsets and strides that mix integers and `index` values, as upstream's ops store them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from xdsl.dialects.builtin import DYNAMIC_INDEX, I64, DenseArrayBase, i64
from xdsl.ir import SSAValue

Size: TypeAlias = int | SSAValue
"""A size: known, or an `index` value."""


def mixed(values: Sequence[SSAValue], static: DenseArrayBase[I64]) -> list[Size]:
    """An op's list: integers, and its operands in order where the attribute says `?`."""
    given = iter(values)
    return [next(given) if n == DYNAMIC_INDEX else n for n in static.get_values()]


def dynamic(sizes: Sequence[Size]) -> list[SSAValue]:
    """The operands of a list: what is no integer."""
    return [size for size in sizes if isinstance(size, SSAValue)]


def static_list(sizes: Sequence[Size]) -> DenseArrayBase[I64]:
    """The attribute of a list: its integers, and `?` for each operand."""
    return DenseArrayBase.from_list(i64, static_shape(sizes))


def static_shape(sizes: Sequence[Size]) -> list[int]:
    """A list as the shape of a type: its integers, and `?` for each operand."""
    return [size if isinstance(size, int) else DYNAMIC_INDEX for size in sizes]
