"""Marks on scalar ops: what the code for a target may count on, and how exact it has to be."""

from __future__ import annotations

from xdsl.dialects.arith import FastMathFlagsAttr
from xdsl.dialects.builtin import StringAttr
from xdsl.dialects.utils import FastMathFlag
from xdsl.ir import Operation

from weft import codes
from weft.diagnostics import did_you_mean
from weft.dialects.locations import error_at

UNLIKELY = "loop.unlikely"
"""On an `arith.select` and on the op of its last operand: that the condition fails is rare.

The op need not be computed where the condition holds; code for a vector may jump over it where it holds in all lanes.

```mlir
%0 = math.sin %x {loop.unlikely} : f32
%1 = arith.select %is_small, %fast, %0 {loop.unlikely} : f32
```
"""

FLUSHES = "loop.flushes"
"""On an `arith.mulf` of bf16 numbers: denormal factors, products and sums may be taken for zeros.

```mlir
%p = arith.mulf %a, %b {loop.flushes} : f32
```
"""

TF32 = "loop.tf32"
"""On an `arith.mulf` of f32 numbers: its factors may be rounded to tf32, 10 bits behind the point.

```mlir
%p = arith.mulf %a, %b {loop.tf32} : f32
```
"""

ACCURACY = "weft.accuracy"
"""On an op of `math`, or an elementwise op of `ml`: how exact it has to be, one of :data:`ACCURACIES`.

```mlir
%y = ml.exp %x {weft.accuracy = "1ulp"} : tensor<4xf32>
```
"""

ACCURACIES = ("4ulp", "1ulp", "library")
"""Errors in units in the last place of the result; or as the math library of the machine computes."""


def accuracy_of(op: Operation) -> str | None:
    """The accuracy that an op asks for; None where it asks for none. Raises WeftError for an unknown one."""
    asked = op.attributes.get(ACCURACY)
    if asked is None:
        return None
    if not isinstance(asked, StringAttr) or asked.data not in ACCURACIES:
        said = asked.data if isinstance(asked, StringAttr) else str(asked)
        hint = did_you_mean(said, ACCURACIES)
        raise error_at(op, f"'{said}' is no accuracy: these are {', '.join(ACCURACIES)}", hint, code=codes.OPTION_VALUE)
    return asked.data


FASTMATH = "fastmath"
"""The property of an op of `arith`, and the attribute of a reduction, that says what liberties it has."""


def is_loose(op: Operation) -> bool:
    """Whether the greater of two floats may be that of a comparison: whatever it is where one is NaN or both are 0."""
    flags = op.properties.get(FASTMATH) or op.attributes.get(FASTMATH)
    if not isinstance(flags, FastMathFlagsAttr):
        return False
    return {FastMathFlag.NO_NANS, FastMathFlag.NO_SIGNED_ZEROS} <= set(flags.data)
