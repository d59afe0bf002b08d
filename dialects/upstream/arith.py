"""The `arith` dialect: xDSL's, with the float remainder that it lacks."""

from __future__ import annotations

from xdsl.dialects.arith import Arith as XdslArith
from xdsl.dialects.arith import FloatingPointLikeBinaryOperation
from xdsl.ir import Dialect
from xdsl.irdl import irdl_op_definition, traits_def
from xdsl.traits import Pure


@irdl_op_definition
class RemFOp(FloatingPointLikeBinaryOperation):
    """The remainder of a float division, with the sign of the dividend: C's `fmod`. MLIR: arith.remf.

    ```mlir
    %r = arith.remf %a, %b : f32
    ```
    """

    name = "arith.remf"

    traits = traits_def(Pure())


ARITH = Dialect("arith", [*XdslArith.operations, RemFOp], [*XdslArith.attributes])
