"""Functions of `math` on a GPU, without a library: what each becomes.

LLVM ends the process on a function that a GPU has no instruction for, and a GPU has few: those in :data:`MACHINE` are
right to the last place or exact. The rest are expansions into arithmetic, the same as those of the CPU's kernels, with
the same error.
"""

from __future__ import annotations

from xdsl.dialects import arith, math
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.rewriter import InsertPoint, Rewriter

from weft import codes
from weft.dialects.locations import error_at
from weft.passes.loops.expand_math import WITHOUT_LIBRARY
from weft.passes.loops.expansions.arithmetic import Floats
from weft.passes.loops.ml_to_loop.body import Body, Number, number_attr
from weft.passes.rewriting import LocatedBuilder

MACHINE: frozenset[type[Operation]] = frozenset(
    {
        math.AbsFOp,
        math.AbsIOp,
        math.CeilOp,
        math.CopySignOp,
        math.CountLeadingZerosOp,
        math.CountTrailingZerosOp,
        math.CtPopOp,
        math.FloorOp,
        math.FmaOp,
        math.IPowIOp,
        math.RoundEvenOp,
        math.RoundOp,
        math.RsqrtOp,
        math.SqrtOp,
        math.TruncOp,
    }
)
"""Ops of `math` that are instructions, or arithmetic on integers."""


def is_function(op: Operation) -> bool:
    """Whether an op has to be expanded."""
    return op.name.startswith("math.") and type(op) not in MACHINE


def expand_functions(function: Operation) -> None:
    """Replace the functions in the body of a function of a device by arithmetic on scalars.

    Raises :class:`WeftError` at one that has no expansion for its type.
    """
    constants: _Constants | None = None
    for op in list(function.walk()):
        if not is_function(op):
            continue
        constants = constants or _Constants(function)
        format_ = next((known for known in WITHOUT_LIBRARY if op.operands[0].type == known.type), None)
        expansion = None if format_ is None else WITHOUT_LIBRARY[format_].get(type(op))
        if format_ is None or expansion is None:
            raise error_at(op, f"'{op.name}' on {op.operands[0].type} has no form on a GPU", code=codes.CANNOT_LOWER)
        result = expansion(Floats(Body(LocatedBuilder.before(op), constants.of), format_), *op.operands)
        Rewriter.replace_op(op, (), [result])


class _Constants:
    """The constants of a function, at its top; each is made once."""

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
