"""Comparisons of two tensors, element by element."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import numpy as np
from xdsl.dialects.builtin import i1
from xdsl.dialects.utils.enum_attribute import EnumAttribute
from xdsl.ir import Attribute, Operation, SpacedOpaqueSyntaxAttribute, SSAValue
from xdsl.irdl import (
    ParsePropInAttrDict,
    VarConstraint,
    irdl_attr_definition,
    irdl_op_definition,
    operand_def,
    opt_prop_def,
    prop_def,
    result_def,
)
from xdsl.utils.exceptions import VerifyException
from xdsl.utils.str_enum import StrEnum

from weft.dialects.ml.base import TENSOR, Body, MlOp, TruthOf, same_dims, tensor_type, truth_type
from weft.dialects.ml.dims import Requirement, Shape
from weft.dialects.ml.dtypes import Array, Kind, kind_of
from weft.dialects.ml.numerics import Meaning


class Direction(StrEnum):
    """How two elements are compared."""

    EQ = "EQ"
    NE = "NE"
    GE = "GE"
    GT = "GT"
    LE = "LE"
    LT = "LT"


class CompareType(StrEnum):
    """By which order. TOTALORDER has -NaN < -inf < ... < -0 < +0 < ... < +inf < +NaN."""

    FLOAT = "FLOAT"
    TOTALORDER = "TOTALORDER"
    SIGNED = "SIGNED"
    UNSIGNED = "UNSIGNED"


@irdl_attr_definition
class DirectionAttr(EnumAttribute[Direction], SpacedOpaqueSyntaxAttribute):
    """`#ml<comparison_direction LT>`."""

    name = "ml.comparison_direction"


@irdl_attr_definition
class CompareTypeAttr(EnumAttribute[CompareType], SpacedOpaqueSyntaxAttribute):
    """`#ml<comparison_type FLOAT>`."""

    name = "ml.comparison_type"


COMPARE: dict[Direction, Meaning] = {
    Direction.EQ: np.equal,
    Direction.NE: np.not_equal,
    Direction.GE: np.greater_equal,
    Direction.GT: np.greater,
    Direction.LE: np.less_equal,
    Direction.LT: np.less,
}

COMPARE_TYPES: dict[Kind, tuple[CompareType, ...]] = {
    Kind.FLOAT: (CompareType.FLOAT, CompareType.TOTALORDER),
    Kind.SIGNED: (CompareType.SIGNED,),
    Kind.UNSIGNED: (CompareType.UNSIGNED,),
    Kind.BOOL: (CompareType.UNSIGNED,),
    Kind.COMPLEX: (CompareType.FLOAT,),
}
"""The orders that a kind of element has; the first one is the default."""


def total_order_key(x: Array) -> Array:
    """Integers that are ordered as the floats of `x` are in the total order."""
    bits = np.ascontiguousarray(x).view(f"int{8 * x.dtype.itemsize}").reshape(x.shape)
    return np.where(bits < 0, bits ^ np.iinfo(bits.dtype).max, bits)


@irdl_op_definition
class CompareOp(MlOp):
    """A comparison: EQ, NE, GE, GT, LE or LT, to truth values. StableHLO: compare.

    Comparisons with NaN are false, NE is true. `compare_type` is FLOAT for floats (TOTALORDER where asked),
    SIGNED or UNSIGNED for integers, as the element type says; truth values are UNSIGNED.
    Complex numbers are equal or not (FLOAT); they have no order.

    ```mlir
    %r = ml.compare LT, %a, %b : tensor<4xf32>
    %s = ml.compare LT, %a, %b {compare_type = #ml<comparison_type TOTALORDER>} : tensor<4xf32>
    ```
    """

    name = "ml.compare"
    TAKES: ClassVar = Kind.ALL

    T: ClassVar = VarConstraint("T", TENSOR)

    lhs = operand_def(T)
    rhs = operand_def(T)
    result = result_def(TruthOf(T))
    comparison_direction = prop_def(DirectionAttr)
    compare_type = opt_prop_def(CompareTypeAttr)

    irdl_options = (ParsePropInAttrDict(),)

    assembly_format = "$comparison_direction `,` $lhs `,` $rhs attr-dict `:` type($lhs)"

    def __init__(
        self,
        direction: str,
        lhs: SSAValue | Operation,
        rhs: SSAValue | Operation,
        compare_type: str | None = None,
    ):
        super().__init__(
            operands=[lhs, rhs],
            result_types=[truth_type(lhs)],
            properties={
                "comparison_direction": DirectionAttr(Direction(direction)),
                "compare_type": None if compare_type is None else CompareTypeAttr(CompareType(compare_type)),
            },
        )

    @property
    def direction(self) -> Direction:
        """How the elements are compared."""
        return self.comparison_direction.data

    @property
    def order(self) -> CompareType:
        """The order that the comparison goes by: `compare_type`, or what the element type says."""
        if self.compare_type is not None:
            return self.compare_type.data
        return self._orders()[0]

    def _orders(self) -> tuple[CompareType, ...]:
        kind = kind_of(tensor_type(self.lhs).element_type)
        return COMPARE_TYPES[kind] if kind is not None else ()

    def check(self) -> None:
        if self.order not in (orders := self._orders()):
            names = " or ".join(orders)
            raise VerifyException(f"{self.name}: {self.lhs.type} is compared by {names}, not {self.order}")
        kind = kind_of(tensor_type(self.lhs).element_type)
        if kind is Kind.COMPLEX and self.direction not in (Direction.EQ, Direction.NE):
            raise VerifyException(f"{self.name}: complex numbers are compared by EQ or NE, not {self.direction}")

    def result_dims(self) -> tuple[Shape, ...]:
        return (self.operand_dims(0),)

    def result_elements(self) -> tuple[Attribute, ...]:
        return (i1,)

    def rules(self) -> Iterator[Requirement]:
        message = f"{self.name}: the operands must have the same sizes"
        return same_dims(self.operand_dims(0), self.operand_dims(1), message)

    def compute(self, operands: tuple[Array, ...], body: Body | None) -> tuple[Array, ...]:
        if self.order is CompareType.TOTALORDER:
            operands = tuple(map(total_order_key, operands))
        return (COMPARE[self.direction](*operands),)
