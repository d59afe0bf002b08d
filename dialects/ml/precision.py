"""Floats of fewer bits in floats of more: reduce_precision."""

from __future__ import annotations

import re
from typing import ClassVar

import numpy as np
from xdsl.dialects.builtin import IntegerAttr, i32
from xdsl.ir import Operation, SSAValue
from xdsl.irdl import IRDLOperation, VarConstraint, irdl_op_definition, operand_def, prop_def, result_def
from xdsl.irdl.declarative_assembly_format import (
    AttributeVariable,
    CustomDirective,
    ParsingState,
    PrintingState,
    irdl_custom_directive,
)
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.utils.exceptions import VerifyException

from weft.dialects.ml.base import TENSOR, Body, MlOp, tensor_type
from weft.dialects.ml.dims import Shape
from weft.dialects.ml.dtypes import Array, Kind
from weft.dialects.ml.rounding import Rounding, rounding

BITS = IntegerAttr.constr(i32)


@irdl_custom_directive
class Format(CustomDirective):
    """The bits of a float, `e5m10`."""

    exponent: AttributeVariable
    mantissa: AttributeVariable

    def parse(self, parser: Parser, state: ParsingState) -> None:
        """Read the bits."""
        position = parser.pos
        text = parser.parse_identifier(" such as e5m10")
        found = re.fullmatch(r"e(\d+)m(\d+)", text)
        if found is None:
            parser.raise_error("a format is the bits of exponent and mantissa, such as e5m10", position)
        self.exponent.set(state, IntegerAttr(int(found[1]), i32))
        self.mantissa.set(state, IntegerAttr(int(found[2]), i32))

    def print(self, printer: Printer, state: PrintingState, op: IRDLOperation) -> None:
        """Write the bits."""
        assert isinstance(op, ReducePrecisionOp)
        state.print_whitespace(printer)
        printer.print_string(f"e{op.exponent_bits.value.data}m{op.mantissa_bits.value.data}")


@irdl_op_definition
class ReducePrecisionOp(MlOp):
    """Floats as a format of fewer bits would hold them, in their own type. StableHLO: reduce_precision.

    The mantissa is rounded to the nearest, halves to the even one. What the exponent cannot hold becomes an infinity
    or a zero of its sign: the format has no denormals unless its exponent has all bits of the type. NaN stays; a
    format without mantissa has none and gives infinity.

    ```mlir
    %r = ml.reduce_precision %a, format = e5m10 : tensor<4xf32>
    ```
    """

    name = "ml.reduce_precision"
    TAKES: ClassVar = Kind.FLOAT

    T: ClassVar = VarConstraint("T", TENSOR)

    operand = operand_def(T)
    result = result_def(T)
    exponent_bits = prop_def(BITS)
    mantissa_bits = prop_def(BITS)

    custom_directives = (Format,)
    assembly_format = (
        "$operand `,` `format` `=` custom<Format>($exponent_bits, $mantissa_bits) attr-dict `:` type($operand)"
    )

    def __init__(self, operand: SSAValue | Operation, exponent_bits: int, mantissa_bits: int):
        super().__init__(
            operands=[operand],
            result_types=[SSAValue.get(operand).type],
            properties={
                "exponent_bits": IntegerAttr(exponent_bits, i32),
                "mantissa_bits": IntegerAttr(mantissa_bits, i32),
            },
        )

    @property
    def rounding(self) -> Rounding:
        """How the bits of an element are rounded."""
        element = tensor_type(self.operand).element_type
        return rounding(element, self.exponent_bits.value.data, self.mantissa_bits.value.data)

    def check(self) -> None:
        if self.exponent_bits.value.data < 1:
            raise VerifyException(f"{self.name}: the exponent must have 1 bit or more")
        if self.mantissa_bits.value.data < 0:
            raise VerifyException(f"{self.name}: the bits of the mantissa must not be negative")

    def result_dims(self) -> tuple[Shape, ...]:
        return (self.operand_dims(0),)

    def compute(self, operands: tuple[Array, ...], body: Body | None) -> tuple[Array, ...]:
        (x,) = operands
        how = self.rounding
        word = np.dtype(f"uint{8 * x.dtype.itemsize}")
        bits = np.ascontiguousarray(x).reshape(-1).view(word)
        sign, found = bits & word.type(how.sign), bits
        if how.dropped:
            even = (bits >> word.type(how.dropped)) & word.type(1)
            found = (bits + even + word.type(how.bias)) & word.type(how.kept)
        size = found & word.type(how.exponent)
        found = np.where(size > word.type(how.greatest), sign | word.type(how.exponent), found)
        if how.flushes:
            found = np.where(size <= word.type(how.least), sign, found)
        lost = word.type(how.exponent) if how.loses_nan else bits
        found = np.where(np.isnan(x.reshape(-1)), lost, found)
        return (found.astype(word).view(x.dtype).reshape(x.shape),)
