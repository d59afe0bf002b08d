"""The `arith` dialect: xDSL's, with the float remainder and the comparisons of vectors and tensors that it lacks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

from xdsl.dialects.arith import Arith as XdslArith
from xdsl.dialects.arith import CmpfOp, CmpiOp, FloatingPointLikeBinaryOperation, SelectOp
from xdsl.dialects.builtin import IntegerType, TensorType, VectorType, i1
from xdsl.ir import Attribute, Dialect
from xdsl.irdl import EqAttrConstraint, IRDLOperation, RangeOf, VerificationContext, irdl_op_definition, traits_def
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


@dataclass(frozen=True)
class _Truths(EqAttrConstraint[Attribute]):
    """i1, or a vector or tensor of i1; where a text leaves the type out, i1."""

    def verify(self, attr: Attribute, constraint_context: VerificationContext) -> None:
        """Look at the elements."""
        element = cast(Any, attr).element_type if isinstance(attr, VectorType | TensorType) else attr
        super().verify(element, constraint_context)

    def get_bases(self) -> set[type[Attribute]] | None:
        """Several."""
        return {IntegerType, VectorType, TensorType}


_ONE_TRUTH = RangeOf(EqAttrConstraint(i1)).of_length(1)
_TRUTHS = RangeOf(_Truths(i1)).of_length(1)


def _widen(kind: type[IRDLOperation]) -> None:
    """Let an op of xDSL's have i1 or a vector or tensor of i1 where its definition has i1 alone.

    A class of our own would be another op to all that knows xDSL's. Without this no comparison of vectors or tensors
    verifies, though MLIR has them.
    """
    definition = kind.get_irdl_definition()
    for _, value in (*definition.operands, *definition.results):
        if value.constr == _ONE_TRUTH:
            value.constr = _TRUTHS


for _kind in (CmpiOp, CmpfOp, SelectOp):
    _widen(_kind)

ARITH = Dialect("arith", [*XdslArith.operations, RemFOp], [*XdslArith.attributes])
