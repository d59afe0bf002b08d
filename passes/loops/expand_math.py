"""Math functions on f32 become arithmetic that vectorizes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

from xdsl.context import Context
from xdsl.dialects import arith, func, math
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import InsertPoint, Rewriter

from weft import codes
from weft.diagnostics import WeftError, did_you_mean
from weft.dialects.loop.hints import ACCURACIES, UNLIKELY, accuracy_of
from weft.dialects.target import ATTRIBUTE, CudaAttr, cpu_of
from weft.dialects.walking import inside
from weft.passes.loops.expansions.angles import atan, atan2
from weft.passes.loops.expansions.arithmetic import BY_MACHINE, Floats
from weft.passes.loops.expansions.circular import Circle
from weft.passes.loops.expansions.error_function import erf
from weft.passes.loops.expansions.exponentials import exp, exp2, expm1, tanh
from weft.passes.loops.expansions.formats import F32, F64, Format
from weft.passes.loops.expansions.logarithms import log, log1p, log2, log10
from weft.passes.loops.expansions.powers import cbrt, power
from weft.passes.loops.ml_to_loop.body import Body, Number, number_attr
from weft.passes.rewriting import LocatedBuilder

Expansion = Callable[..., SSAValue]

CIRCLE, ALONE = Circle(library=True), Circle(library=False)

BOTH: Mapping[type[Operation], Expansion] = {
    math.ExpOp: exp,
    math.Exp2Op: exp2,
    math.ExpM1Op: expm1,
    math.LogOp: log,
    math.Log2Op: log2,
    math.Log10Op: log10,
    math.Log1pOp: log1p,
    math.TanhOp: tanh,
    math.ErfOp: erf,
    math.SinOp: CIRCLE.sin,
    math.CosOp: CIRCLE.cos,
    math.TanOp: CIRCLE.tan,
    math.AtanOp: atan,
    math.Atan2Op: atan2,
    math.CbrtOp: cbrt,
    math.PowFOp: power,
}

EXPANSIONS: Mapping[Format, Mapping[type[Operation], Expansion]] = {F32: BOTH, F64: BOTH}
"""What each function becomes, by format. All are right at infinities, NaN, zeros and denormal numbers."""

WITHOUT_LIBRARY: Mapping[Format, Mapping[type[Operation], Expansion]] = {
    F32: {**EXPANSIONS[F32], math.SinOp: ALONE.sin, math.CosOp: ALONE.cos, math.TanOp: ALONE.tan},
    F64: {kind: made for kind, made in BOTH.items() if kind not in (math.SinOp, math.CosOp, math.TanOp)},
}
"""The same for a machine without a math library, as a GPU: nothing but arithmetic, and rounding to a whole number."""

TABLES = "avx512dq"
"""The feature of a target that scales by powers of two and looks numbers up in a register in one instruction each."""

LARGEST_ERROR_ULP = 4
"""The greatest error of an expansion, in units of the last place of the result."""


@dataclass(frozen=True)
class ExpandMath(ModulePass):
    """Turn functions of `math` on f32 and f64 in kernels into arithmetic: polynomials, and the bits of numbers.

    These are exp, exp2, expm1, log, log2, log10, log1p, tanh, erf, sin, cos, tan, atan, atan2, cbrt and powf.
    They vectorize like any scalar body; a call of the math library would go lane by lane. `accuracy` is `4ulp`, the
    greatest error in units in the last place (docs/math.md has that of each function); `1ulp`, for which f32 is
    computed in f64, and f64 by the library; or `library`, which leaves all functions to it. An op's own
    `weft.accuracy` goes before.

    **Before**
    ```mlir
    %y = math.exp %x : f32
    ```

    **After**
    ```mlir
    %0 = arith.cmpf olt, %x, %lowest : f32
    %1 = arith.select %0, %lowest, %x : f32
    %2 = arith.mulf %1, %log2_e : f32
    // ... n = round(x * log2(e)); r = x - n * ln 2; a polynomial in r, times 2**n
    ```

    Where the module's target has AVX-512, exp and exp2 take a part of their power from a table in a register
    (`loop.lookup`), and powers of two are put in by one instruction (`loop.scale`). Where it is a GPU, exp and exp2 of
    f32 take the power of what is left by its instruction, `math.exp2` with `fastmath<afn>`.

    **Needs** nothing; before `choose-schedule` it is done once, and not for each copy of a body.

    **Leaves alone** other types, other functions, and functions that are not kernels. sin, cos and tan of numbers
    beyond 2**20 stay with the library, behind a test. Raises WeftError for an unknown accuracy.
    """

    name = "expand-math"

    accuracy: str = ACCURACIES[0]

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Expand the math functions of every kernel of the module."""
        if self.accuracy not in ACCURACIES:
            raise WeftError(
                f"expand-math has no accuracy '{self.accuracy}': it has {', '.join(ACCURACIES)}",
                hint=did_you_mean(self.accuracy, ACCURACIES),
                code=codes.OPTION_VALUE,
            )
        for function in op.ops:
            if isinstance(function, func.FuncOp) and "loop.kernel" in function.attributes:
                _expand(function, self.accuracy, _abilities(op))


Abilities: TypeAlias = Mapping[str, bool]
"""What a machine has instructions for: options of :class:`Floats`."""

_NONE: Abilities = {}


def _abilities(module: ModuleOp) -> Abilities:
    if isinstance(module.attributes.get(ATTRIBUTE), CudaAttr):
        return {"powers": True}
    return {"tables": cpu_of(module).has(TABLES)}


def _expand(function: func.FuncOp, accuracy: str, abilities: Abilities) -> None:
    """Expand the math functions of one kernel."""
    found = [(op, made) for op in inside(function) if (made := _expansion(op, accuracy, abilities=abilities))]
    if not found:
        return
    constants = _Constants(function)
    for op, make in found:
        result = make(Body(LocatedBuilder.before(op), constants.of), *op.operands)
        Rewriter.replace_op(op, (), [result])


def expansion_of(op: Operation) -> Callable[..., SSAValue] | None:
    """What makes the result of an op, where no library is at hand; None where it has no expansion, or is one's rest."""
    exact = "1ulp" if accuracy_of(op) == "1ulp" else "4ulp"
    return _expansion(op, exact, exact) or _expansion(op, "4ulp", "4ulp")


def _expansion(
    op: Operation, accuracy: str, asked: str | None = None, *, abilities: Abilities = _NONE
) -> Callable[..., SSAValue] | None:
    """What makes the result of an op, where it has an expansion of the accuracy that is asked for."""
    format_ = next((known for known in EXPANSIONS if op.operands and op.operands[0].type == known.type), None)
    expansion = None if format_ is None else EXPANSIONS[format_].get(type(op))
    asked = asked or accuracy_of(op) or accuracy
    if format_ is None or expansion is None or UNLIKELY in op.attributes or asked == "library":
        return None
    if op.properties.get("fastmath") == BY_MACHINE:
        return None
    if asked == "1ulp" and format_ is F64:
        return None
    if asked == "1ulp" and type(op) in BOTH:
        return partial(_in_f64, BOTH[type(op)], abilities)
    return partial(_directly, format_, expansion, abilities)


def _in_f64(expansion: Expansion, abilities: Abilities, body: Body, *operands: SSAValue) -> SSAValue:
    wide = (body.resize_float(operand, F64.type) for operand in operands)
    return body.resize_float(expansion(Floats(body, F64, **abilities), *wide), F32.type)


def _directly(format_: Format, expansion: Expansion, abilities: Abilities, body: Body, *operands: SSAValue) -> SSAValue:
    return expansion(Floats(body, format_, **abilities), *operands)


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
