"""Constants, and the data behind them."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, TypeAlias, cast

import numpy as np
from xdsl.dialect_interfaces.op_asm import OpAsmDialectInterface
from xdsl.dialects.builtin import (
    AnyDenseElement,
    Builtin,
    BytesAttr,
    DenseIntOrFPElementsAttr,
    DenseResourceAttr,
    StringAttr,
    TensorType,
)
from xdsl.ir import Attribute
from xdsl.irdl import (
    AnyAttr,
    IRDLOperation,
    ParamAttrConstraint,
    VarConstraint,
    irdl_op_definition,
    opt_prop_def,
    result_def,
    traits_def,
)
from xdsl.irdl.declarative_assembly_format import (
    AttributeVariable,
    CustomDirective,
    ParsingState,
    PrintingState,
    TypeDirective,
    irdl_custom_directive,
)
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.traits import ConstantLike, Pure
from xdsl.utils.exceptions import VerifyException

from weft import codes, weights
from weft.diagnostics import WeftError
from weft.dialects.locations import error_at
from weft.dialects.ml.base import TENSOR, Body, MlOp, tensor_type
from weft.dialects.ml.dims import DYNAMIC, Shape
from weft.dialects.ml.dtypes import Array, DType, Kind, dtype_of, element_type_of, kind_of

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


DATA = "weft.data"
"""The attribute that says in which file the data of a constant is."""

DATA_TYPE = "weft.data_type"
"""The attribute of a global whose data lies in a file: the tensor type that the file must hold."""


@irdl_custom_directive
class DataOrType(CustomDirective):
    """The value of a constant; where it lies in a file, only its type, after a colon."""

    value: AttributeVariable
    type: TypeDirective

    def parse(self, parser: Parser, state: ParsingState) -> None:
        """Read either. The value says the type of the result."""
        if parser.parse_optional_punctuation(":"):
            self.type.set(state, (parser.parse_type(),))
            return
        value = parser.parse_attribute()
        self.value.set(state, value)
        if isinstance(value, DenseIntOrFPElementsAttr | DenseResourceAttr):
            self.type.set(state, (cast("Dense | DenseResourceAttr", value).get_type(),))
        else:
            parser.raise_error(f"expected dense data or a resource, not {value}")

    def print(self, printer: Printer, state: PrintingState, op: IRDLOperation) -> None:
        """Write the value, or the type."""
        value = self.value.get(op)
        state.print_whitespace(printer)
        if value is None:
            printer.print_string(": ")
        printer.print_attribute(self.type.get(op)[0] if value is None else value)


@irdl_op_definition
class ConstantOp(MlOp):
    """A tensor that is known when the program is compiled. StableHLO: constant.

    The value is dense (a splat too), or a resource of the file.

    ```mlir
    %a = ml.constant dense<[1.0, 2.0]> : tensor<2xf32>
    %b = ml.constant dense<0> : tensor<4x4xi32>
    %z = ml.constant dense<[(1.0, 2.0), (0.0, -1.0)]> : tensor<2xcomplex<f32>>
    ```

    ```mlir
    %c = ml.constant dense_resource<weights> : tensor<2xf32>
    ```

    Large data stays in a file beside the program, which is mapped into memory when the program is loaded: `weft.data`
    names a `.safetensors` or `.npz` file and an array in it, or a `.npy` file, relative to the program.

    ```mlir
    %w = ml.constant {weft.data = "weights.safetensors:layer0.w"} : tensor<784x512xf32>
    ```
    """

    name = "ml.constant"
    TAKES: ClassVar = Kind.ALL

    T: ClassVar = VarConstraint("T", TENSOR)

    value = opt_prop_def(
        ParamAttrConstraint(DenseIntOrFPElementsAttr, (T, AnyAttr()))
        | ParamAttrConstraint(DenseResourceAttr, (AnyAttr(), T))
    )
    result = result_def(T)

    traits = traits_def(Pure(), ConstantLike())
    custom_directives = (DataOrType,)
    assembly_format = "attr-dict custom<DataOrType>($value, type($result))"

    def __init__(self, value: DenseIntOrFPElementsAttr | DenseResourceAttr):
        super().__init__(result_types=[value.get_type()], properties={"value": value})

    @staticmethod
    def of(array: Array) -> ConstantOp:
        """The constant that holds an array."""
        return ConstantOp(dense(array))

    @property
    def data(self) -> str | None:
        """Where the data lies: a file and an array in it. None where the constant holds it itself."""
        data = self.attributes.get(DATA)
        return data.data if isinstance(data, StringAttr) and self.value is None else None

    def array(self) -> Array:
        """The value as a read-only array. Raises :class:`WeftError` for a resource or a file without fitting data."""
        source = tensor_type(self.result)
        dtype, shape, value = dtype_of(source.element_type), source.get_shape(), self.value
        try:
            if value is None:
                return weights.load_as(weights.Place.of(self.data or "", Path()), dtype, shape)
            data = (
                value.data.data
                if isinstance(value, DenseIntOrFPElementsAttr)
                else resource_bytes(value.resource_handle.data)
            )
            return elements_of(data, dtype, shape)
        except WeftError as error:
            raise error_at(self, error.message, error.hint, code=error.code) from error
        except ValueError as error:
            raise error_at(self, f"the data of the constant does not fill {source}", code=codes.BAD_RESOURCE) from error

    def check(self) -> None:
        if DYNAMIC in tensor_type(self.result).get_shape():
            raise VerifyException(f"{self.name}: a constant must have static sizes, not {self.result.type}")
        if self.value is None and not isinstance(self.attributes.get(DATA), StringAttr):
            raise VerifyException(f'{self.name}: a constant needs a value, or {DATA} = "FILE:NAME"')
        if self.value is not None and DATA in self.attributes:
            raise VerifyException(f"{self.name}: a constant has a value or {DATA}, not both")
        if self.value is None and kind_of(tensor_type(self.result).element_type) is Kind.COMPLEX:
            raise VerifyException(f"{self.name}: complex numbers stand in the program, not in a file")

    def result_dims(self) -> tuple[Shape, ...]:
        return (tensor_type(self.result).get_shape(),)

    def result_elements(self) -> tuple[Attribute, ...]:
        return (tensor_type(self.result).element_type,)

    def compute(self, operands: tuple[Array, ...], body: Body | None) -> tuple[Array, ...]:
        return (self.array(),)
