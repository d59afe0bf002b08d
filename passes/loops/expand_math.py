"""Math functions on f32 become arithmetic that vectorizes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects import arith, func, math
from xdsl.dialects.builtin import ModuleOp, f32
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import InsertPoint, Rewriter

from weft.passes.loops.expansions.arithmetic import Floats
from weft.passes.loops.expansions.error_function import erf
from weft.passes.loops.expansions.exponentials import exp, exp2, expm1, tanh
from weft.passes.loops.expansions.logarithms import log, log1p, log2
from weft.passes.loops.ml_to_loop.body import Body, Number, number_attr
from weft.passes.rewriting import LocatedBuilder

EXPANSIONS: Mapping[type[Operation], Callable[[Floats, SSAValue], SSAValue]] = {
    math.ExpOp: exp,
    math.Exp2Op: exp2,
    math.ExpM1Op: expm1,
    math.LogOp: log,
    math.Log2Op: log2,
    math.Log1pOp: log1p,
    math.TanhOp: tanh,
    math.ErfOp: erf,
}
"""What each function becomes. All are right at infinities, NaN, zeros and denormal numbers."""

LARGEST_ERROR_ULP = 4
"""The greatest error of an expansion, in units of the last place of the result."""


@dataclass(frozen=True)
class ExpandMath(ModulePass):
    """Turn exp, exp2, expm1, log, log2, log1p, tanh and erf on f32 in kernels into polynomials.

    The error is at most 4 units in the last place. A polynomial vectorizes like any scalar body; a call of the
    math library would go lane by lane.

    **Before**
    ```mlir
    %y = math.exp %x : f32
    ```

    **After**
    ```mlir
    %0 = arith.maximumf %x, %lowest : f32
    %1 = arith.minimumf %0, %highest : f32
    %2 = arith.mulf %1, %log2_e : f32
    // ... n = round(x * log2(e)); r = x - n * ln 2; a polynomial in r, times 2**n
    ```

    **Needs** nothing; before `choose-schedule` it is done once, and not for each copy of a body.

    **Leaves alone** other types (f64 keeps the accuracy of the library), other functions, and functions that are
    not kernels.
    """

    name = "expand-math"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Expand the math functions of every kernel of the module."""
        for function in op.ops:
            if isinstance(function, func.FuncOp) and "loop.kernel" in function.attributes:
                _expand(function)


def _expand(function: func.FuncOp) -> None:
    """Expand the math functions of one kernel."""
    found = [op for op in function.walk() if type(op) in EXPANSIONS and op.operands[0].type == f32]
    if not found:
        return
    constants = _Constants(function)
    for op in found:
        builder = LocatedBuilder.before(op)
        result = EXPANSIONS[type(op)](Floats(Body(builder, constants.of)), op.operands[0])
        Rewriter.replace_op(op, (), [result])


class _Constants:
    """The constants of a kernel, at its top; each is made once."""

    def __init__(self, function: func.FuncOp) -> None:
        block = function.body.block
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
