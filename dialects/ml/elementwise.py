"""Elementwise ops of one operand."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

import numpy as np
from xdsl.dialects.builtin import i1
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.irdl import VarConstraint, irdl_op_definition, operand_def, result_def

from weft.dialects.ml import complex_functions, numerics
from weft.dialects.ml.base import TENSOR, Body, MlOp, RealOf, TruthOf, real_type, tensor_type, truth_type
from weft.dialects.ml.dims import Shape
from weft.dialects.ml.dtypes import Array, Kind, part_of


class UnaryOp(MlOp, ABC):
    """An op that maps each element of its operand; operand and result have the same type."""

    T: ClassVar = VarConstraint("T", TENSOR)

    operand = operand_def(T)
    result = result_def(T)

    assembly_format = "$operand attr-dict `:` type($result)"

    def __init__(self, operand: SSAValue | Operation):
        super().__init__(operands=[operand], result_types=[SSAValue.get(operand).type])

    @staticmethod
    @abstractmethod
    def meaning(x: Array) -> Array:
        """The op on an array; floats come as f64."""

    def result_dims(self) -> tuple[Shape, ...]:
        return (self.operand_dims(0),)

    def compute(self, operands: tuple[Array, ...], body: Body | None) -> tuple[Array, ...]:
        return (numerics.in_wide(self.meaning, operands[0]),)


class FloatUnaryOp(UnaryOp, ABC):
    """An elementwise op on floats."""

    TAKES: ClassVar = Kind.FLOAT


@irdl_op_definition
class AbsOp(UnaryOp):
    """The magnitude of floats, signed integers and complex numbers; that of INT_MIN is INT_MIN. StableHLO: abs.

    That of complex numbers is real, and does not overflow before its time.

    ```mlir
    %r = ml.abs %a : tensor<4xf32>
    %s = ml.abs %z : tensor<4xcomplex<f32>>
    ```
    """

    name = "ml.abs"
    TAKES: ClassVar = Kind.FLOAT | Kind.SIGNED | Kind.COMPLEX

    result = result_def(RealOf(UnaryOp.T))

    assembly_format = "$operand attr-dict `:` type($operand)"

    def __init__(self, operand: SSAValue | Operation):
        super(UnaryOp, self).__init__(operands=[operand], result_types=[real_type(operand)])

    def result_elements(self) -> tuple[Attribute, ...]:
        return (part_of(tensor_type(self.operand).element_type),)

    def compute(self, operands: tuple[Array, ...], body: Body | None) -> tuple[Array, ...]:
        return (np.abs(numerics.widen(operands[0])).astype(self.result_dtype()),)

    @staticmethod
    def meaning(x: Array) -> Array:
        return np.abs(x)


@irdl_op_definition
class NegOp(UnaryOp):
    """The negation of floats and integers; integers wrap. StableHLO: negate.

    ```mlir
    %r = ml.neg %a : tensor<4xi32>
    ```
    """

    name = "ml.neg"
    TAKES: ClassVar = Kind.NUMBER | Kind.COMPLEX

    @staticmethod
    def meaning(x: Array) -> Array:
        return np.negative(x)


@irdl_op_definition
class SignOp(UnaryOp):
    """-1, 0 or 1 by the sign of floats and signed integers; NaN and -0 stay. StableHLO: sign.

    That of complex numbers is z / |z|: 0 at 0, NaN where a part is NaN or both are infinite.

    ```mlir
    %r = ml.sign %a : tensor<4xf32>
    ```
    """

    name = "ml.sign"
    TAKES: ClassVar = Kind.FLOAT | Kind.SIGNED | Kind.COMPLEX

    @staticmethod
    def meaning(x: Array) -> Array:
        return complex_functions.sign(x) if x.dtype.kind == "c" else numerics.sign(x)


@irdl_op_definition
class ReluOp(UnaryOp):
    """The greater of x and 0, for floats and integers; NaN stays.

    ```mlir
    %r = ml.relu %a : tensor<4xf32>
    ```
    """

    name = "ml.relu"
    TAKES: ClassVar = Kind.NUMBER

    @staticmethod
    def meaning(x: Array) -> Array:
        return numerics.maximum(x, np.zeros_like(x))


@irdl_op_definition
class NotOp(UnaryOp):
    """The complement of integers, bit by bit, and of truth values. StableHLO: not.

    ```mlir
    %r = ml.not %a : tensor<4xi1>
    ```
    """

    name = "ml.not"
    TAKES: ClassVar = Kind.BITS

    @staticmethod
    def meaning(x: Array) -> Array:
        return np.invert(x)


@irdl_op_definition
class FloorOp(FloatUnaryOp):
    """The greatest whole number that is not greater. StableHLO: floor.

    ```mlir
    %r = ml.floor %a : tensor<4xf32>
    ```
    """

    name = "ml.floor"

    @staticmethod
    def meaning(x: Array) -> Array:
        return np.floor(x)


@irdl_op_definition
class CeilOp(FloatUnaryOp):
    """The least whole number that is not less. StableHLO: ceil.

    ```mlir
    %r = ml.ceil %a : tensor<4xf32>
    ```
    """

    name = "ml.ceil"

    @staticmethod
    def meaning(x: Array) -> Array:
        return np.ceil(x)


@irdl_op_definition
class RoundOp(FloatUnaryOp):
    """The nearest whole number, halves away from zero. StableHLO: round_nearest_afz.

    ```mlir
    %r = ml.round %a : tensor<4xf32>
    ```
    """

    name = "ml.round"

    @staticmethod
    def meaning(x: Array) -> Array:
        return numerics.round_half_away(x)


@irdl_op_definition
class RoundEvenOp(FloatUnaryOp):
    """The nearest whole number, halves to the even one. StableHLO: round_nearest_even.

    ```mlir
    %r = ml.round_even %a : tensor<4xf32>
    ```
    """

    name = "ml.round_even"

    @staticmethod
    def meaning(x: Array) -> Array:
        return np.rint(x)


@irdl_op_definition
class IsFiniteOp(MlOp):
    """Whether a float is neither infinite nor NaN. StableHLO: is_finite.

    ```mlir
    %r = ml.is_finite %a : tensor<4xf32>
    ```
    """

    name = "ml.is_finite"
    TAKES: ClassVar = Kind.FLOAT

    T: ClassVar = VarConstraint("T", TENSOR)

    operand = operand_def(T)
    result = result_def(TruthOf(T))

    assembly_format = "$operand attr-dict `:` type($operand)"

    def __init__(self, operand: SSAValue | Operation):
        super().__init__(operands=[operand], result_types=[truth_type(operand)])

    def result_dims(self) -> tuple[Shape, ...]:
        return (self.operand_dims(0),)

    def result_elements(self) -> tuple[Attribute, ...]:
        return (i1,)

    def compute(self, operands: tuple[Array, ...], body: Body | None) -> tuple[Array, ...]:
        return (np.isfinite(operands[0]),)
