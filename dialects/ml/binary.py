"""Elementwise ops of two operands. Operands and result have the same type: nothing is broadcast."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import ClassVar

import numpy as np
from xdsl.ir import Operation, SSAValue
from xdsl.irdl import VarConstraint, irdl_op_definition, operand_def, result_def, traits_def
from xdsl.traits import Commutative, Pure

from weft.dialects.ml import complex_functions, numerics
from weft.dialects.ml.base import TENSOR, Body, MlOp, same_dims
from weft.dialects.ml.dims import Requirement, Shape
from weft.dialects.ml.dtypes import Array, Kind


class BinaryOp(MlOp, ABC):
    """An op that maps pairs of elements of two operands of one type."""

    T: ClassVar = VarConstraint("T", TENSOR)

    lhs = operand_def(T)
    rhs = operand_def(T)
    result = result_def(T)

    assembly_format = "$lhs `,` $rhs attr-dict `:` type($result)"

    def __init__(self, lhs: SSAValue | Operation, rhs: SSAValue | Operation):
        super().__init__(operands=[lhs, rhs], result_types=[SSAValue.get(lhs).type])

    @staticmethod
    @abstractmethod
    def meaning(a: Array, b: Array) -> Array:
        """The op on arrays of one dtype; floats come as f64."""

    def result_dims(self) -> tuple[Shape, ...]:
        return (self.operand_dims(0),)

    def rules(self) -> Iterator[Requirement]:
        message = f"{self.name}: the operands must have the same sizes"
        return same_dims(self.operand_dims(0), self.operand_dims(1), message)

    def compute(self, operands: tuple[Array, ...], body: Body | None) -> tuple[Array, ...]:
        return (numerics.in_wide(self.meaning, *operands),)


class CommutativeOp(BinaryOp, ABC):
    """A binary op whose operands may be exchanged."""

    traits = traits_def(Pure(), Commutative())


@irdl_op_definition
class AddOp(CommutativeOp):
    """The sum; integers wrap, `i1` is `or`. StableHLO: add.

    ```mlir
    %r = ml.add %a, %b : tensor<4xf32>
    ```
    """

    name = "ml.add"
    TAKES: ClassVar = Kind.ALL

    @staticmethod
    def meaning(a: Array, b: Array) -> Array:
        return np.add(a, b)


@irdl_op_definition
class SubOp(BinaryOp):
    """The difference; integers wrap. StableHLO: subtract.

    ```mlir
    %r = ml.sub %a, %b : tensor<4xf32>
    ```
    """

    name = "ml.sub"
    TAKES: ClassVar = Kind.NUMBER | Kind.COMPLEX

    @staticmethod
    def meaning(a: Array, b: Array) -> Array:
        return np.subtract(a, b)


@irdl_op_definition
class MulOp(CommutativeOp):
    """The product; integers wrap, `i1` is `and`. StableHLO: multiply.

    That of complex numbers is (ac - bd) + (ad + bc)i also where parts are infinite.

    ```mlir
    %r = ml.mul %a, %b : tensor<4xf32>
    ```
    """

    name = "ml.mul"
    TAKES: ClassVar = Kind.ALL

    @staticmethod
    def meaning(a: Array, b: Array) -> Array:
        return np.multiply(a, b)


@irdl_op_definition
class DivOp(BinaryOp):
    """The quotient; see :func:`numerics.divide` for integers. StableHLO: divide.

    That of complex numbers is computed by Smith's method (Algorithm 116, 1962), which squares nothing.

    ```mlir
    %r = ml.div %a, %b : tensor<4xf32>
    ```
    """

    name = "ml.div"
    TAKES: ClassVar = Kind.NUMBER | Kind.COMPLEX

    @staticmethod
    def meaning(a: Array, b: Array) -> Array:
        return numerics.divide(a, b)


@irdl_op_definition
class RemOp(BinaryOp):
    """The remainder, with the sign of the dividend; x rem 0 is x for integers. StableHLO: remainder.

    ```mlir
    %r = ml.rem %a, %b : tensor<4xi32>
    ```
    """

    name = "ml.rem"
    TAKES: ClassVar = Kind.NUMBER

    @staticmethod
    def meaning(a: Array, b: Array) -> Array:
        return numerics.remainder(a, b)


@irdl_op_definition
class PowOp(BinaryOp):
    """a to the power of b; see :func:`numerics.power` for integers. StableHLO: power.

    That of complex numbers is exp(b log(a)), the principal value; 1 where b is 0; where a is 0, it is 0 if the real
    part of b is positive, and NaN if not.

    ```mlir
    %r = ml.pow %a, %b : tensor<4xf32>
    ```
    """

    name = "ml.pow"
    TAKES: ClassVar = Kind.NUMBER | Kind.COMPLEX

    @staticmethod
    def meaning(a: Array, b: Array) -> Array:
        return complex_functions.power(a, b) if a.dtype.kind == "c" else numerics.power(a, b)


@irdl_op_definition
class MaxOp(CommutativeOp):
    """The greater one; NaN where one is NaN; +0 is greater than -0. StableHLO: maximum.

    ```mlir
    %r = ml.max %a, %b : tensor<4xf32>
    ```
    """

    name = "ml.max"
    TAKES: ClassVar = Kind.ANY

    @staticmethod
    def meaning(a: Array, b: Array) -> Array:
        return numerics.maximum(a, b)


@irdl_op_definition
class MinOp(CommutativeOp):
    """The lesser one; NaN where one is NaN; -0 is less than +0. StableHLO: minimum.

    ```mlir
    %r = ml.min %a, %b : tensor<4xf32>
    ```
    """

    name = "ml.min"
    TAKES: ClassVar = Kind.ANY

    @staticmethod
    def meaning(a: Array, b: Array) -> Array:
        return numerics.minimum(a, b)


@irdl_op_definition
class Atan2Op(BinaryOp):
    """The angle of the point (b, a): the arc tangent of a / b in its quadrant. StableHLO: atan2.

    That of complex numbers is -i log((b + ia) / sqrt(a^2 + b^2)).

    ```mlir
    %r = ml.atan2 %a, %b : tensor<4xf32>
    ```
    """

    name = "ml.atan2"
    TAKES: ClassVar = Kind.FLOAT | Kind.COMPLEX

    @staticmethod
    def meaning(a: Array, b: Array) -> Array:
        return complex_functions.atan2(a, b) if a.dtype.kind == "c" else np.arctan2(a, b)


@irdl_op_definition
class AndOp(CommutativeOp):
    """Both, bit by bit. StableHLO: and.

    ```mlir
    %r = ml.and %a, %b : tensor<4xi32>
    ```
    """

    name = "ml.and"
    TAKES: ClassVar = Kind.BITS

    @staticmethod
    def meaning(a: Array, b: Array) -> Array:
        return np.bitwise_and(a, b)


@irdl_op_definition
class OrOp(CommutativeOp):
    """Either, bit by bit. StableHLO: or.

    ```mlir
    %r = ml.or %a, %b : tensor<4xi1>
    ```
    """

    name = "ml.or"
    TAKES: ClassVar = Kind.BITS

    @staticmethod
    def meaning(a: Array, b: Array) -> Array:
        return np.bitwise_or(a, b)


@irdl_op_definition
class XorOp(CommutativeOp):
    """One but not both, bit by bit. StableHLO: xor.

    ```mlir
    %r = ml.xor %a, %b : tensor<4xi32>
    ```
    """

    name = "ml.xor"
    TAKES: ClassVar = Kind.BITS

    @staticmethod
    def meaning(a: Array, b: Array) -> Array:
        return np.bitwise_xor(a, b)


@irdl_op_definition
class ShiftLeftOp(BinaryOp):
    """a shifted left by b bits; 0 where b is negative or too great. StableHLO: shift_left.

    ```mlir
    %r = ml.shift_left %a, %b : tensor<4xi32>
    ```
    """

    name = "ml.shift_left"
    TAKES: ClassVar = Kind.INTEGER

    @staticmethod
    def meaning(a: Array, b: Array) -> Array:
        return numerics.shift_left(a, b)


@irdl_op_definition
class ShiftRightArithmeticOp(BinaryOp):
    """a shifted right by b bits, the top bit coming in; all sign where b is negative or too great. StableHLO.

    ```mlir
    %r = ml.shift_right_arithmetic %a, %b : tensor<4xi32>
    ```
    """

    name = "ml.shift_right_arithmetic"
    TAKES: ClassVar = Kind.INTEGER

    @staticmethod
    def meaning(a: Array, b: Array) -> Array:
        return numerics.shift_right_arithmetic(a, b)


@irdl_op_definition
class ShiftRightLogicalOp(BinaryOp):
    """a shifted right by b bits, zeros coming in; 0 where b is negative or too great. StableHLO.

    ```mlir
    %r = ml.shift_right_logical %a, %b : tensor<4xi32>
    ```
    """

    name = "ml.shift_right_logical"
    TAKES: ClassVar = Kind.INTEGER

    @staticmethod
    def meaning(a: Array, b: Array) -> Array:
        return numerics.shift_right_logical(a, b)
