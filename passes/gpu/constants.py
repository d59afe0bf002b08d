"""The constants of a function of a device, at its top."""

from __future__ import annotations

from xdsl.dialects import arith
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.rewriter import InsertPoint

from weft.passes.loops.ml_to_loop.body import Number, number_attr
from weft.passes.rewriting import LocatedBuilder


class Constants:
    """The constants of a function with any number of blocks; each is made once."""

    def __init__(self, function: Operation) -> None:
        block = function.regions[0].blocks[0]
        first = block.first_op
        point = InsertPoint.at_end(block) if first is None else InsertPoint.before(first)
        self.builder = LocatedBuilder(point, function.location)
        self.made: dict[Attribute, SSAValue] = {}

    def of(self, number: Number, type_: Attribute) -> SSAValue:
        """A scalar constant."""
        attr = number_attr(number, type_)
        if attr not in self.made:
            self.made[attr] = self.builder.insert(arith.ConstantOp(attr)).result
        return self.made[attr]
