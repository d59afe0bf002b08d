"""Changing element types: by value, and by bits."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import numpy as np
from xdsl.dialects.builtin import TensorType
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.irdl import irdl_op_definition, operand_def, result_def
from xdsl.utils.exceptions import VerifyException

from weft.dialects.ml import numerics
from weft.dialects.ml.base import TENSOR, Body, MlOp, tensor_type, typed
from weft.dialects.ml.dims import Requirement, Shape, static_shape
from weft.dialects.ml.dtypes import Array, DType, Kind, is_float, parts_of, width_of


def convert(x: Array, dtype: DType) -> Array:
    """`x` by value in another dtype, as :class:`ConvertOp` says."""
    if dtype == np.bool_:
        return x != np.zeros((), x.dtype)
    if dtype.kind == "c":
        return _to_complex(x, dtype)
    if x.dtype.kind == "c":
        return convert(parts_of(x)[0], dtype)
    if is_float(dtype):
        return _to_float(x, dtype)
    if is_float(x.dtype):
        return numerics.saturate(numerics.widen(x), dtype)
    return x.astype(dtype)


def _to_complex(x: Array, dtype: DType) -> Array:
    """To complex numbers, part by part: NumPy's own conversion is the same for those, but not for all integers."""
    result = np.zeros(x.shape, dtype)
    real, imaginary = parts_of(result)
    if x.dtype.kind == "c":
        real[...], imaginary[...] = (convert(part, real.dtype) for part in parts_of(x))
    else:
        real[...] = convert(x, real.dtype)
    return result


def _to_float(x: Array, dtype: DType) -> Array:
    """To a float in one rounding. Integers beyond 2**53 and f64 go to f16 and bf16 through odd rounding."""
    narrow = dtype.itemsize == 2
    if not narrow or x.dtype.itemsize < 4 or x.dtype == np.float32:
        return x.astype(np.float32).astype(dtype) if narrow else x.astype(dtype)
    return round_to_odd(x).astype(dtype)


def round_to_odd(x: Array) -> Array:
    """f64 or integers as f32, inexact ones with the last bit set: rounding that again rounds but once."""
    near = x.astype(np.float32)
    if x.dtype == np.float64:
        below, above = (
            np.abs(near.astype(np.float64)) < np.abs(x),
            np.abs(near.astype(np.float64)) > np.abs(x),
        )
    else:
        exact = x.astype(object)
        size = np.frompyfunc(int, 1, 1)(near)
        below, above = np.asarray(abs(size) < abs(exact), bool), np.asarray(abs(size) > abs(exact), bool)
    bits = near.view(np.int32).astype(np.int64)
    odd = bits % 2 == 1
    moved = np.where(above & ~odd, bits - 1, np.where(below & ~odd, bits + 1, bits))
    return moved.astype(np.int32).view(np.float32).reshape(x.shape)


@irdl_op_definition
class ConvertOp(MlOp):
    """Elements by value in another type. StableHLO: convert.

    To a float: rounded once, to the nearest. From a float to an integer: toward zero, held to the range of
    the type, NaN is 0. From an integer to an integer: wraps. To `i1`: whether it is not zero.
    From `i1`: 0 or 1. To a complex number: with the imaginary part 0. From one: its real part.

    ```mlir
    %r = ml.convert %a : tensor<4xf32> to tensor<4xi32>
    ```
    """

    name = "ml.convert"
    TAKES: ClassVar = Kind.ALL

    operand = operand_def(TENSOR)
    result = result_def(TENSOR)

    assembly_format = "$operand attr-dict `:` type($operand) `to` type($result)"

    def __init__(self, operand: SSAValue | Operation, element: Attribute):
        super().__init__(operands=[operand], result_types=[TensorType(element, typed(operand).get_shape())])

    def result_dims(self) -> tuple[Shape, ...]:
        return (self.operand_dims(0),)

    def result_elements(self) -> tuple[Attribute, ...]:
        return (tensor_type(self.result).element_type,)

    def compute(self, operands: tuple[Array, ...], body: Body | None) -> tuple[Array, ...]:
        return (convert(operands[0], self.result_dtype()),)


@irdl_op_definition
class BitcastConvertOp(MlOp):
    """The bits of the elements, read as another type. StableHLO: bitcast_convert.

    Elements of the same width keep the shape. A wider element becomes a last dimension of narrower ones, the
    low bits first, and back.

    ```mlir
    %r = ml.bitcast_convert %a : tensor<4xf32> to tensor<4xi32>
    %s = ml.bitcast_convert %a : tensor<4xf32> to tensor<4x2xui16>
    ```
    """

    name = "ml.bitcast_convert"
    TAKES: ClassVar = Kind.NUMBER

    operand = operand_def(TENSOR)
    result = result_def(TENSOR)

    assembly_format = "$operand attr-dict `:` type($operand) `to` type($result)"

    def __init__(self, operand: SSAValue | Operation, element: Attribute):
        source = typed(operand)
        shape = _cast_dims(source.get_shape(), width_of(source.element_type), width_of(element))
        super().__init__(operands=[operand], result_types=[TensorType(element, static_shape(shape))])

    def _widths(self) -> tuple[int, int]:
        return (
            width_of(tensor_type(self.operand).element_type),
            width_of(tensor_type(self.result).element_type),
        )

    def check(self) -> None:
        source, target = self._widths()
        if target == 1:
            raise VerifyException(f"{self.name}: bits cannot be read as i1; use ml.convert")
        if source < target and not self.operand_dims(0):
            raise VerifyException(f"{self.name}: {self.operand.type} has no last dimension to become wider elements")

    def rules(self) -> Iterator[Requirement]:
        source, target = self._widths()
        if source < target:
            ratio = target // source
            message = f"{self.name}: the last dimension of the operand must make one element of the result"
            yield Requirement(self.operand_dims(0)[-1], "==", ratio, message)

    def result_dims(self) -> tuple[Shape, ...]:
        return (_cast_dims(self.operand_dims(0), *self._widths()),)

    def result_elements(self) -> tuple[Attribute, ...]:
        return (tensor_type(self.result).element_type,)

    def compute(self, operands: tuple[Array, ...], body: Body | None) -> tuple[Array, ...]:
        data = np.ascontiguousarray(operands[0]).tobytes()
        return (np.frombuffer(data, self.result_dtype()).reshape(self.concrete_shape(operands)),)


def _cast_dims(shape: Shape, source: int, target: int) -> Shape:
    """The dims after a cast from elements of `source` bits to elements of `target` bits."""
    if source == target:
        return shape
    return shape[:-1] if source < target else (*shape, source // target)
