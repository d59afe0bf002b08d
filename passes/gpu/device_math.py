"""Functions of `math` on a GPU, without a library: what each becomes.

LLVM ends the process on a function that a GPU has no instruction for, and a GPU has few: those in :data:`MACHINE` are
right to the last place or exact. The rest are expansions into arithmetic, the same as those of the CPU's kernels, with
the same error; what those leave to a library is a function of the module (:mod:`weft.passes.gpu.device_functions`).
"""

from __future__ import annotations

from xdsl.dialects import math
from xdsl.ir import Operation
from xdsl.rewriter import Rewriter

from weft import codes
from weft.dialects.locations import error_at
from weft.passes.gpu.constants import Constants
from weft.passes.gpu.device_functions import FUNCTIONS
from weft.passes.loops.expand_math import expansion_of
from weft.passes.loops.expansions.arithmetic import BY_MACHINE
from weft.passes.loops.ml_to_loop.body import Body
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
    """Whether an op is no instruction: it is expanded, or called."""
    by_machine = isinstance(op, math.Exp2Op) and op.fastmath == BY_MACHINE
    return op.name.startswith("math.") and type(op) not in MACHINE and not by_machine


def expand_functions(function: Operation) -> None:
    """Replace the functions in the body of a function of a device by arithmetic, where they have an expansion.

    Raises :class:`WeftError` at one that has no form on a GPU.
    """
    constants: Constants | None = None
    for op in list(function.walk()):
        if not is_function(op):
            continue
        make = expansion_of(op)
        if make is not None:
            constants = constants or Constants(function)
            result = make(Body(LocatedBuilder.before(op), constants.of), *op.operands)
            Rewriter.replace_op(op, (), [result])
        elif type(op) not in (*FUNCTIONS, math.FPowIOp):
            raise error_at(op, f"'{op.name}' on {op.operands[0].type} has no form on a GPU", code=codes.CANNOT_LOWER)
