"""Contractions: products of elements, summed. matmul and dot_general."""

from __future__ import annotations

from abc import ABC
from collections.abc import Iterator, Sequence
from math import prod
from typing import Literal, TypeAlias, cast

import numpy as np
from xdsl.dialects.builtin import TensorType
from xdsl.dialects.utils.enum_attribute import EnumAttribute
from xdsl.ir import Attribute, Operation, SpacedOpaqueSyntaxAttribute, SSAValue
from xdsl.irdl import (
    IRDLOperation,
    irdl_attr_definition,
    irdl_op_definition,
    operand_def,
    opt_prop_def,
    result_def,
)
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
from xdsl.utils.str_enum import StrEnum

from weft.dialects.ml import numerics
from weft.dialects.ml.base import (
    INDEX_LIST,
    TENSOR,
    Body,
    MlOp,
    check_axes,
    index_list,
    same_dims,
    tensor_type,
    typed,
)
from weft.dialects.ml.dims import Requirement, Shape, meet, shape_of, static_shape
from weft.dialects.ml.dtypes import Array, DType, is_float, kind_of, width_of
from weft.dialects.ml.syntax import list_text, parse_list, values_of


class Precision(StrEnum):
    """How exactly floats are multiplied: as their type says, or at least as exactly as tf32 or bf16."""

    IEEE = "ieee"
    TF32 = "tf32"
    BF16 = "bf16"


PrecisionName: TypeAlias = Literal["ieee", "tf32", "bf16"]


@irdl_attr_definition
class PrecisionAttr(EnumAttribute[Precision], SpacedOpaqueSyntaxAttribute):
    """`#ml<precision tf32>`."""

    name = "ml.precision"


def _precision_attr(precision: PrecisionName) -> PrecisionAttr | None:
    return None if precision == Precision.IEEE else PrecisionAttr(Precision(precision))


def contract(lhs: Array, rhs: Array, dtype: DType) -> Array:
    """The batched product of `[b, m, k]` and `[b, k, n]` in `dtype`; floats are summed in f64."""
    if is_float(dtype):
        return numerics.narrow(np.matmul(lhs.astype(np.float64), rhs.astype(np.float64)), dtype)
    if dtype == np.bool_:
        return np.matmul(lhs.astype(np.int64), rhs.astype(np.int64)) != 0
    return np.matmul(lhs.astype(dtype), rhs.astype(dtype))


class ContractionOp(MlOp, ABC):
    """A contraction of two tensors of one element type.

    The result's element type is the operands' or a wider one of the same kind (`i8` to `i32`, `bf16` to
    `f32`). Sums of f16 and bf16 are kept in f32, integers wrap in the result's type, `i1` has `and` and `or`.
    The order of summation is free. `precision` (ieee unless given) allows f32 operands to be rounded to tf32
    or bf16; with bf16 as operands and as precision, denormal numbers may be taken for zeros, as the instructions of
    machines for bf16 do.
    """

    lhs = operand_def(TENSOR)
    rhs = operand_def(TENSOR)
    result = result_def(TENSOR)
    precision = opt_prop_def(PrecisionAttr)

    @property
    def exactness(self) -> Precision:
        """How exactly floats are multiplied: `precision`, or ieee."""
        return Precision.IEEE if self.precision is None else self.precision.data

    def check(self) -> None:
        lhs, rhs = tensor_type(self.lhs).element_type, tensor_type(self.rhs).element_type
        result = tensor_type(self.result).element_type
        if lhs != rhs:
            raise VerifyException(f"{self.name}: the operands must have one element type, not {lhs} and {rhs}")
        wider = kind_of(result) == kind_of(lhs) and width_of(result) > width_of(lhs)
        if result != lhs and not wider:
            raise VerifyException(f"{self.name}: the elements of the result must be {lhs} or wider, not {result}")

    def result_elements(self) -> tuple[Attribute, ...]:
        return (tensor_type(self.result).element_type,)


@irdl_op_definition
class MatmulOp(ContractionOp):
    """The product of matrices, `[..., m, k]` and `[..., k, n]` to `[..., m, n]`.

    Both operands have the same leading (batch) dimensions: nothing is broadcast. ONNX: MatMul; NumPy: matmul.

    ```mlir
    %r = ml.matmul %a, %b : (tensor<2x3xf32>, tensor<3x4xf32>) -> tensor<2x4xf32>
    %s = ml.matmul %a, %b, precision = tf32 : (tensor<2x3xf32>, tensor<3x4xf32>) -> tensor<2x4xf32>
    ```
    """

    name = "ml.matmul"

    assembly_format = (
        "$lhs `,` $rhs (`,` `precision` `=` $precision^)? attr-dict `:` functional-type(operands, $result)"
    )

    def __init__(
        self,
        lhs: SSAValue | Operation,
        rhs: SSAValue | Operation,
        *,
        element: Attribute | None = None,
        precision: PrecisionName = "ieee",
    ):
        a, b = typed(lhs), typed(rhs)
        dims = _matmul_dims(shape_of(0, a.get_shape()), shape_of(1, b.get_shape()))
        super().__init__(
            operands=[lhs, rhs],
            result_types=[TensorType(element or a.element_type, static_shape(dims))],
            properties={"precision": _precision_attr(precision)},
        )

    def check(self) -> None:
        super().check()
        ranks = {tensor_type(value).get_num_dims() for value in (self.lhs, self.rhs)}
        if len(ranks) != 1 or min(ranks) < 2:
            raise VerifyException(
                f"{self.name} takes two tensors of one rank, 2 or more, not {self.lhs.type} and {self.rhs.type} "
                "(ml.dot_general takes any)"
            )

    def rules(self) -> Iterator[Requirement]:
        lhs, rhs = self.operand_dims(0), self.operand_dims(1)
        message = f"{self.name}: the last dimension of lhs must be the last but one of rhs"
        yield Requirement(lhs[-1], "==", rhs[-2], message)
        yield from same_dims(lhs[:-2], rhs[:-2], f"{self.name}: the operands must have the same batch dimensions")

    def result_dims(self) -> tuple[Shape, ...]:
        return (_matmul_dims(self.operand_dims(0), self.operand_dims(1)),)

    def compute(self, operands: tuple[Array, ...], body: Body | None) -> tuple[Array, ...]:
        return (contract(operands[0], operands[1], self.result_dtype()),)


def _matmul_dims(lhs: Shape, rhs: Shape) -> Shape:
    return (*map(meet, lhs[:-2], rhs[:-2]), lhs[-2], rhs[-1])


@irdl_custom_directive
class DotOptions(CustomDirective):
    """The options of a contraction that are given: `, batch = [0] x [0], contract = [2] x [1], precision = tf32`."""

    lhs_batch: AttributeVariable
    rhs_batch: AttributeVariable
    lhs_contract: AttributeVariable
    rhs_contract: AttributeVariable
    precision: AttributeVariable

    def _pairs(self) -> dict[str, tuple[AttributeVariable, AttributeVariable]]:
        return {
            "batch": (self.lhs_batch, self.rhs_batch),
            "contract": (self.lhs_contract, self.rhs_contract),
        }

    def parse(self, parser: Parser, state: ParsingState) -> None:
        """Read the options, in any order."""
        pairs = self._pairs()
        while parser.parse_optional_punctuation(","):
            option = parser.expect(
                lambda: parser.parse_optional_keyword_in([*pairs, "precision"]),
                "expected batch, contract or precision",
            )
            parser.parse_punctuation("=")
            if option == "precision":
                self.precision.set(state, PrecisionAttr(parser.parse_str_enum(Precision)))
                continue
            left, right = pairs[option]
            left.set(state, parse_list(parser))
            parser.parse_keyword("x")
            right.set(state, parse_list(parser))

    def print(self, printer: Printer, state: PrintingState, op: IRDLOperation) -> None:
        """Write the options that are given."""
        for option, (left, right) in self._pairs().items():
            if left.is_present(op):
                printer.print_string(f", {option} = {list_text(left.get(op))} x {list_text(right.get(op))}")
        if self.precision.is_present(op):
            printer.print_string(", precision = ")
            self.precision.print_attr(printer, cast(PrecisionAttr, self.precision.get(op)))
        state.should_emit_space = True
        state.last_was_punctuation = False


@irdl_op_definition
class DotGeneralOp(ContractionOp):
    """A contraction over any dimensions. StableHLO: dot_general.

    The result has the batching dimensions, then the other ones of lhs, then those of rhs. All four lists of
    dimensions are empty unless given.

    ```mlir
    %r = ml.dot_general %a, %b, batch = [0] x [0], contract = [2] x [1]
        : (tensor<5x2x3xf32>, tensor<5x3x4xf32>) -> tensor<5x2x4xf32>
    ```
    """

    name = "ml.dot_general"

    lhs_batching_dimensions = opt_prop_def(INDEX_LIST)
    rhs_batching_dimensions = opt_prop_def(INDEX_LIST)
    lhs_contracting_dimensions = opt_prop_def(INDEX_LIST)
    rhs_contracting_dimensions = opt_prop_def(INDEX_LIST)

    custom_directives = (DotOptions,)
    assembly_format = (
        "$lhs `,` $rhs custom<DotOptions>($lhs_batching_dimensions, $rhs_batching_dimensions, "
        "$lhs_contracting_dimensions, $rhs_contracting_dimensions, $precision) "
        "attr-dict `:` functional-type(operands, $result)"
    )

    def __init__(
        self,
        lhs: SSAValue | Operation,
        rhs: SSAValue | Operation,
        *,
        batch: tuple[Sequence[int], Sequence[int]] = ((), ()),
        contract: tuple[Sequence[int], Sequence[int]] = ((), ()),
        element: Attribute | None = None,
        precision: PrecisionName = "ieee",
    ):
        a, b = typed(lhs), typed(rhs)
        dims = _dot_dims(shape_of(0, a.get_shape()), shape_of(1, b.get_shape()), batch, contract)
        super().__init__(
            operands=[lhs, rhs],
            result_types=[TensorType(element or a.element_type, static_shape(dims))],
            properties={
                "lhs_batching_dimensions": index_list(batch[0]) if any(batch) else None,
                "rhs_batching_dimensions": index_list(batch[1]) if any(batch) else None,
                "lhs_contracting_dimensions": index_list(contract[0]) if any(contract) else None,
                "rhs_contracting_dimensions": index_list(contract[1]) if any(contract) else None,
                "precision": _precision_attr(precision),
            },
        )

    @property
    def batch(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """The batching dimensions of lhs and rhs, in pairs."""
        return values_of(self.lhs_batching_dimensions), values_of(self.rhs_batching_dimensions)

    @property
    def contract(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """The contracting dimensions of lhs and rhs, in pairs."""
        return values_of(self.lhs_contracting_dimensions), values_of(self.rhs_contracting_dimensions)

    @property
    def free(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """The other dimensions of lhs and rhs, in order."""
        ranks = (tensor_type(self.lhs).get_num_dims(), tensor_type(self.rhs).get_num_dims())
        return _free(ranks[0], self.batch[0], self.contract[0]), _free(ranks[1], self.batch[1], self.contract[1])

    def check(self) -> None:
        super().check()
        for value, batch, contracted in zip((self.lhs, self.rhs), self.batch, self.contract, strict=True):
            check_axes(f"{self.name}: dimensions", (*batch, *contracted), tensor_type(value).get_num_dims())
        for what, (left, right) in (("batch", self.batch), ("contract", self.contract)):
            given = {f"{side}_{what}ing_dimensions" in self.properties for side in ("lhs", "rhs")}
            if len(left) != len(right) or len(given) != 1:
                raise VerifyException(f"{self.name}: {what} must pair the dimensions, not {left} x {right}")

    def rules(self) -> Iterator[Requirement]:
        lhs, rhs = self.operand_dims(0), self.operand_dims(1)
        for what, (left, right) in (("batching", self.batch), ("contracting", self.contract)):
            for a, b in zip(left, right, strict=True):
                message = f"{self.name}: {what} dimensions {a} of lhs and {b} of rhs must have the same size"
                yield Requirement(lhs[a], "==", rhs[b], message)

    def result_dims(self) -> tuple[Shape, ...]:
        return (_dot_dims(self.operand_dims(0), self.operand_dims(1), self.batch, self.contract),)

    def compute(self, operands: tuple[Array, ...], body: Body | None) -> tuple[Array, ...]:
        (lhs, rhs), (left, right) = operands, self.free
        a = lhs.transpose(*self.batch[0], *left, *self.contract[0])
        b = rhs.transpose(*self.batch[1], *self.contract[1], *right)
        sizes = [prod(lhs.shape[axis] for axis in axes) for axes in (self.batch[0], left, self.contract[0])]
        columns = prod(rhs.shape[axis] for axis in right)
        flat = contract(a.reshape(sizes), b.reshape(sizes[0], sizes[2], columns), self.result_dtype())
        return (flat.reshape(self.concrete_shape(operands)),)


def _free(rank: int, batch: Sequence[int], contracted: Sequence[int]) -> tuple[int, ...]:
    return tuple(axis for axis in range(rank) if axis not in batch and axis not in contracted)


def _dot_dims(
    lhs: Shape,
    rhs: Shape,
    batch: tuple[Sequence[int], Sequence[int]],
    contract: tuple[Sequence[int], Sequence[int]],
) -> Shape:
    left = _free(len(lhs), batch[0], contract[0])
    right = _free(len(rhs), batch[1], contract[1])
    both = (meet(lhs[a], rhs[b]) for a, b in zip(*batch, strict=True))
    return (*both, *(lhs[axis] for axis in left), *(rhs[axis] for axis in right))
