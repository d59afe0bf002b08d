"""Complex numbers and their parts. What else takes complex numbers says so in its `TAKES`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import numpy as np
from xdsl.dialects.builtin import TensorType
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.irdl import VarConstraint, irdl_op_definition, operand_def, result_def
from xdsl.utils.exceptions import VerifyException

from weft.dialects.ml.base import (
    TENSOR,
    Body,
    ComplexOf,
    MlOp,
    RealOf,
    same_dims,
    tensor_type,
    typed,
)
from weft.dialects.ml.base import real_type as real_type_of
from weft.dialects.ml.dims import Requirement, Shape
from weft.dialects.ml.dtypes import Array, Kind, complex_of, has_complex, part_of, parts_of
from weft.dialects.ml.elementwise import UnaryOp


@irdl_op_definition
class ComplexOp(MlOp):
    """The complex numbers of real and imaginary parts, f32 or f64. StableHLO: complex.

    ```mlir
    %z = ml.complex %re, %im : tensor<4xf32>
    ```
    """

    name = "ml.complex"
    TAKES: ClassVar = Kind.FLOAT
    GIVES: ClassVar = Kind.COMPLEX

    T: ClassVar = VarConstraint("T", TENSOR)

    lhs = operand_def(T)
    rhs = operand_def(T)
    result = result_def(ComplexOf(T))

    assembly_format = "$lhs `,` $rhs attr-dict `:` type($lhs)"

    def __init__(self, lhs: SSAValue | Operation, rhs: SSAValue | Operation):
        parts = typed(lhs)
        super().__init__(
            operands=[lhs, rhs], result_types=[TensorType(complex_of(parts.element_type), parts.get_shape())]
        )

    def check(self) -> None:
        if not has_complex(tensor_type(self.lhs).element_type):
            raise VerifyException(f"{self.name}: the parts of a complex number are f32 or f64, not {self.lhs.type}")

    def result_dims(self) -> tuple[Shape, ...]:
        return (self.operand_dims(0),)

    def result_elements(self) -> tuple[Attribute, ...]:
        return (complex_of(tensor_type(self.lhs).element_type),)

    def rules(self) -> Iterator[Requirement]:
        message = f"{self.name}: the operands must have the same sizes"
        return same_dims(self.operand_dims(0), self.operand_dims(1), message)

    def compute(self, operands: tuple[Array, ...], body: Body | None) -> tuple[Array, ...]:
        result = np.empty(operands[0].shape, self.result_dtype())
        result.real, result.imag = operands
        return (result,)


class PartOp(MlOp):
    """A part of complex numbers; floats are complex numbers without an imaginary part."""

    TAKES: ClassVar = Kind.FLOAT | Kind.COMPLEX
    GIVES: ClassVar = Kind.FLOAT

    T: ClassVar = VarConstraint("T", TENSOR)

    operand = operand_def(T)
    result = result_def(RealOf(T))

    assembly_format = "$operand attr-dict `:` type($operand)"

    def __init__(self, operand: SSAValue | Operation):
        super().__init__(operands=[operand], result_types=[real_type_of(operand)])

    def result_dims(self) -> tuple[Shape, ...]:
        return (self.operand_dims(0),)

    def result_elements(self) -> tuple[Attribute, ...]:
        return (part_of(tensor_type(self.operand).element_type),)


@irdl_op_definition
class RealOp(PartOp):
    """The real parts of complex numbers; floats themselves. StableHLO: real.

    ```mlir
    %r = ml.real %z : tensor<4xcomplex<f32>>
    ```
    """

    name = "ml.real"

    def compute(self, operands: tuple[Array, ...], body: Body | None) -> tuple[Array, ...]:
        return (parts_of(operands[0])[0].copy() if operands[0].dtype.kind == "c" else operands[0],)


@irdl_op_definition
class ImagOp(PartOp):
    """The imaginary parts of complex numbers; 0 for floats. StableHLO: imag.

    ```mlir
    %r = ml.imag %z : tensor<4xcomplex<f32>>
    ```
    """

    name = "ml.imag"

    def compute(self, operands: tuple[Array, ...], body: Body | None) -> tuple[Array, ...]:
        return (parts_of(operands[0])[1].copy() if operands[0].dtype.kind == "c" else np.zeros_like(operands[0]),)


@irdl_op_definition
class ConjOp(UnaryOp):
    """The complex conjugates: the imaginary parts negated. CHLO: conj.

    ```mlir
    %r = ml.conj %z : tensor<4xcomplex<f32>>
    ```
    """

    name = "ml.conj"
    TAKES: ClassVar = Kind.COMPLEX

    @staticmethod
    def meaning(x: Array) -> Array:
        return np.conj(x)
