"""What the scalar dialects of xDSL (`arith`, `math`) mean, in NumPy, on scalars and on arrays element by element."""

from __future__ import annotations

import warnings

import numpy as np
from xdsl.ir import Operation

from weft.dialects.scalars import arith, math
from weft.dialects.scalars.types import Meanings, Value

MEANINGS: Meanings = {**arith.MEANINGS, **math.MEANINGS}
"""Every op of `arith` and `math`."""


def evaluate(op: Operation, operands: tuple[Value, ...]) -> tuple[Value, ...]:
    """The results of an op of :data:`MEANINGS`, without warnings of NumPy. Raises KeyError for another op."""
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return MEANINGS[type(op)](op, operands)
