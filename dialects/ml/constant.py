"""Constants, and the data behind them."""

from __future__ import annotations

from typing import ClassVar, TypeAlias, cast

import numpy as np
from xdsl.dialect_interfaces.op_asm import OpAsmDialectInterface
from xdsl.dialects.builtin import (
    AnyDenseElement,
    Builtin,
    BytesAttr,
    DenseIntOrFPElementsAttr,
    DenseResourceAttr,
    TensorType,
)
from xdsl.ir import Attribute
from xdsl.irdl import (
    AnyAttr,
    ParamAttrConstraint,
    VarConstraint,
    irdl_op_definition,
    prop_def,
    result_def,
    traits_def,
)
from xdsl.traits import ConstantLike, Pure
from xdsl.utils.exceptions import VerifyException

from weft import codes
from weft.diagnostics import WeftError
from weft.dialects.locations import error_at
from weft.dialects.ml.base import TENSOR, Body, MlOp, tensor_type
from weft.dialects.ml.dims import DYNAMIC, Shape
from weft.dialects.ml.dtypes import Array, DType, dtype_of, element_type_of

Dense: TypeAlias = DenseIntOrFPElementsAttr[AnyDenseElement]

_ALIGNMENT_BYTES = 4


def resource_bytes(key: str) -> bytes:
    """The data of a `dense_resource`, without the word of alignment that MLIR puts before it.

    xDSL keeps resources in its builtin dialect, as hexadecimal text. Raises :class:`WeftError` where there is
    none of that name.
    """
    storage = Builtin.get_interface(OpAsmDialectInterface)
    text = storage.lookup(key) if storage is not None else None
    if not text:
        raise WeftError(
            f"the resource '{key}' has no data",
            hint="give it in dialect_resources of the file",
            code=codes.BAD_RESOURCE,
        )
    return bytes.fromhex(text[2:])[_ALIGNMENT_BYTES:]


def elements_of(data: bytes, dtype: DType, shape: tuple[int, ...]) -> Array:
    """Raw little-endian data as a read-only array. Raises ValueError where the length does not fit."""
    flat = np.frombuffer(data, np.uint8) != 0 if dtype == np.bool_ else np.frombuffer(data, dtype)
    flat.flags.writeable = False
    return flat.reshape(shape)


def dense(array: Array) -> Dense:
    """An array as a dense attribute. Raises KeyError for a dtype that ml does not have."""
    array = np.asarray(array)
    element = cast(AnyDenseElement, element_type_of(array.dtype))
    data = BytesAttr(np.ascontiguousarray(array).tobytes())
    return DenseIntOrFPElementsAttr(TensorType(element, array.shape), data)


@irdl_op_definition
class ConstantOp(MlOp):
    """A tensor that is known when the program is compiled. StableHLO: constant.

    The value is dense (a splat too), or a resource of the file.

    ```mlir
    %a = ml.constant dense<[1.0, 2.0]> : tensor<2xf32>
    %b = ml.constant dense<0> : tensor<4x4xi32>
    ```

    ```mlir
    %c = ml.constant dense_resource<weights> : tensor<2xf32>
    ```
    """

    name = "ml.constant"

    T: ClassVar = VarConstraint("T", TENSOR)

    value = prop_def(
        ParamAttrConstraint(DenseIntOrFPElementsAttr, (T, AnyAttr()))
        | ParamAttrConstraint(DenseResourceAttr, (AnyAttr(), T))
    )
    result = result_def(T)

    traits = traits_def(Pure(), ConstantLike())
    assembly_format = "attr-dict $value"

    def __init__(self, value: DenseIntOrFPElementsAttr | DenseResourceAttr):
        super().__init__(result_types=[value.get_type()], properties={"value": value})

    @staticmethod
    def of(array: Array) -> ConstantOp:
        """The constant that holds an array."""
        return ConstantOp(dense(array))

    def array(self) -> Array:
        """The value as a read-only array. Raises :class:`WeftError` for a resource without fitting data."""
        source = tensor_type(self.result)
        value = self.value
        try:
            data = (
                value.data.data
                if isinstance(value, DenseIntOrFPElementsAttr)
                else resource_bytes(value.resource_handle.data)
            )
            return elements_of(data, dtype_of(source.element_type), source.get_shape())
        except WeftError as error:
            raise error_at(self, error.message, error.hint, code=codes.BAD_RESOURCE) from error
        except ValueError as error:
            raise error_at(self, f"the data of the constant does not fill {source}", code=codes.BAD_RESOURCE) from error

    def check(self) -> None:
        if DYNAMIC in tensor_type(self.result).get_shape():
            raise VerifyException(f"{self.name}: a constant must have static sizes, not {self.result.type}")

    def result_dims(self) -> tuple[Shape, ...]:
        return (tensor_type(self.result).get_shape(),)

    def result_elements(self) -> tuple[Attribute, ...]:
        return (tensor_type(self.result).element_type,)

    def compute(self, operands: tuple[Array, ...], body: Body | None) -> tuple[Array, ...]:
        return (self.array(),)
