"""Sizes of a kernel that must be equal, as one size."""

from __future__ import annotations

from collections.abc import Iterable

from xdsl.builder import Builder
from xdsl.ir import Operation, SSAValue

from weft.dialects.ml.base import MlOp
from weft.dialects.ml.dims import Dim, DimOf, SizeOf
from weft.passes.loops.lists import Size
from weft.passes.loops.reify import Reifier


class EqualSizes(Reifier):
    """A reifier for the top of a kernel that gives one size for all that the kernel's ops want to be equal.

    The host has checked what they want, so loops over `dim(x, 0)` and over `dim(y, 0)` in `x + y` are loops over the
    same range, which only a comparison of symbols can see later. Of two sizes the known one is taken, or else the one
    that was asked for first.
    """

    def __init__(self, builder: Builder) -> None:
        super().__init__(builder)
        self._same: dict[Size, Size] = {}

    def equate(self, ops: Iterable[Operation]) -> None:
        """Take what the ops want to be equal as equal. Sizes that take arithmetic are left alone."""
        for op in ops:
            for need in op.requirements() if isinstance(op, MlOp) else ():
                if need.relation == "==" and _is_plain(need.left) and _is_plain(need.right):
                    self._unite(self.size(need.left, op), self.size(need.right, op))

    def dim(self, value: SSAValue, axis: int) -> Size:
        """The size of one axis of a tensor or memref."""
        return self._first(super().dim(value, axis))

    def index(self, value: SSAValue) -> Size:
        """The value of an `index` operand."""
        return self._first(super().index(value))

    def _first(self, size: Size) -> Size:
        while size in self._same:
            size = self._same[size]
        return size

    def _unite(self, left: Size, right: Size) -> None:
        if left == right:
            return
        if isinstance(right, int):
            left, right = right, left
        if isinstance(right, SSAValue):
            self._same[right] = left


def _is_plain(dim: Dim) -> bool:
    return isinstance(dim, int | DimOf | SizeOf)
