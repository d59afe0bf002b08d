"""The ops that accumulate, and the kinds of reductions that they are."""

from __future__ import annotations

from collections.abc import Mapping

from xdsl.dialects import arith
from xdsl.ir import Operation

KINDS: Mapping[type[Operation], str] = {
    arith.AddfOp: "add",
    arith.SubfOp: "add",
    arith.AddiOp: "add",
    arith.SubiOp: "add",
    arith.MulfOp: "mul",
    arith.MuliOp: "mul",
    arith.MaximumfOp: "max",
    arith.MaxSIOp: "max",
    arith.MaxUIOp: "umax",
    arith.MinimumfOp: "min",
    arith.MinSIOp: "min",
    arith.MinUIOp: "umin",
    arith.AndIOp: "and",
    arith.OrIOp: "or",
    arith.XOrIOp: "xor",
}
"""The op that combines, and the kind of the reduction. What is taken away is added with the other sign."""

DIFFERENCES = (arith.SubfOp, arith.SubiOp)
"""Ops that take their right operand away from their left one."""

ORDERED = (arith.AddfOp, arith.SubfOp, arith.MulfOp)
"""Ops whose order matters, unless the program gives it free."""
