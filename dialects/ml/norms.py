"""Normalization along axes: layer_norm and rms_norm."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from math import isfinite
from typing import ClassVar

import numpy as np
from xdsl.dialects.builtin import FloatAttr
from xdsl.ir import Operation, SSAValue
from xdsl.irdl import (
    AttrSizedOperandSegments,
    VarConstraint,
    irdl_op_definition,
    operand_def,
    opt_operand_def,
    opt_prop_def,
    result_def,
)
from xdsl.irdl.declarative_assembly_format import AttributeVariable, irdl_custom_directive
from xdsl.utils.exceptions import VerifyException

from weft.dialects.ml import numerics
from weft.dialects.ml.base import INDEX_LIST, TENSOR, Body, MlOp, check_axes, index_list, tensor_type, typed
from weft.dialects.ml.dims import Requirement, Shape
from weft.dialects.ml.dtypes import Array, Kind
from weft.dialects.ml.options import FLOAT_OPTION, OptionList, float_option, number_of

EPSILON = 1e-5
"""What is added to a variance unless an op says otherwise: ONNX's and PyTorch's default."""


@irdl_custom_directive
class AxesOptions(OptionList):
    """`, axes = [1], epsilon = 1.000000e-05`."""

    axes: AttributeVariable
    epsilon: AttributeVariable


def check_epsilon(op: MlOp, epsilon: FloatAttr | None) -> None:
    """Verify that an epsilon is a finite number that is not negative."""
    value = number_of(epsilon, EPSILON)
    if not (isfinite(value) and value >= 0):
        raise VerifyException(f"{op.name}: epsilon must be a finite number of 0 or more, not {value}")


def given(**values: SSAValue | None) -> dict[str, SSAValue]:
    """The operands that are there, by name."""
    return {name: value for name, value in values.items() if value is not None}


def check_elements_alike(op: MlOp) -> None:
    """Verify that all operands have the elements of the first one."""
    element = tensor_type(op.operands[0]).element_type
    for value in op.operands:
        if tensor_type(value).element_type != element:
            raise VerifyException(f"{op.name}: all operands must have {element} elements, not {value.type}")


def aligned(x: Array, dims: Sequence[int], rank: int) -> Array:
    """An array whose dimensions are the dimensions `dims` of one of that rank; the others are 1."""
    shape = np.ones(rank, np.int64)
    shape[list(dims)] = x.shape
    return x.transpose(np.argsort(dims)).reshape(tuple(shape))


def mean(x: Array, axes: tuple[int, ...]) -> Array:
    """The mean along axes, which stay as 1; NaN for none."""
    return np.sum(x, axis=axes, keepdims=True) / np.float64(np.prod([x.shape[axis] for axis in axes]))


def standardized(x: Array, axes: tuple[int, ...], epsilon: float) -> Array:
    """(x - mean) / sqrt(variance + epsilon)."""
    centered = x - mean(x, axes)
    return centered / np.sqrt(mean(centered * centered, axes) + epsilon)


SAME = VarConstraint("T", TENSOR)
"""The type that operand and result have."""


class AxesNormOp(MlOp, ABC):
    """A normalization of all elements along some axes, the last one unless given."""

    TAKES: ClassVar = Kind.FLOAT

    result = result_def(SAME)
    axes = opt_prop_def(INDEX_LIST)
    epsilon = opt_prop_def(FLOAT_OPTION)

    custom_directives = (AxesOptions,)

    @property
    def dims(self) -> tuple[int, ...]:
        """The axes along which elements are normalized."""
        rank = tensor_type(self.operands[0]).get_num_dims()
        return (rank - 1,) if self.axes is None else self.axes.get_values()

    @property
    def offset(self) -> float:
        """The epsilon."""
        return number_of(self.epsilon, EPSILON)

    @abstractmethod
    def _parameters(self) -> dict[str, SSAValue]:
        """The parameters that are given, by name, in the order of the operands after the first."""

    def check(self) -> None:
        check_axes(f"{self.name}: axes", self.dims, tensor_type(self.operands[0]).get_num_dims())
        check_epsilon(self, self.epsilon)
        check_elements_alike(self)
        for name, value in self._parameters().items():
            if tensor_type(value).get_num_dims() != len(self.dims):
                raise VerifyException(
                    f"{self.name}: {name} must have one dimension for each of the axes {list(self.dims)}, "
                    f"not {value.type}"
                )

    def rules(self) -> Iterator[Requirement]:
        along = self.operand_dims(0)
        for position, name in enumerate(self._parameters(), 1):
            for axis, size in zip(self.dims, self.operand_dims(position), strict=True):
                yield Requirement(size, "==", along[axis], f"{self.name}: {name} must have the size of axis {axis}")

    def result_dims(self) -> tuple[Shape, ...]:
        return (self.operand_dims(0),)

    @abstractmethod
    def _normalized(self, x: Array) -> Array:
        """The normalized elements, in f64."""

    def _meaning(self, x: Array, *rest: Array) -> Array:
        result = self._normalized(x)
        parameters = {name: aligned(y, self.dims, x.ndim) for name, y in zip(self._parameters(), rest, strict=True)}
        return result * parameters.get("scale", np.float64(1)) + parameters.get("bias", np.float64(-0.0))

    def compute(self, operands: tuple[Array, ...], body: Body | None) -> tuple[Array, ...]:
        return (numerics.in_wide(self._meaning, *operands),)


@irdl_op_definition
class LayerNormOp(AxesNormOp):
    """(x - mean) / sqrt(variance + epsilon) * scale + bias, with mean and variance along axes.

    As smaller ops: `m = reduce add x / n; c = x - broadcast m; v = reduce add (c * c) / n;
    c * broadcast rsqrt(v + epsilon) * broadcast scale + broadcast bias`. The axes are the last one unless given;
    scale (1) and bias (0) have one dimension for each of them, in their order. The variance divides by the number
    n of elements; epsilon is 1e-5 unless given. Ba, Kiros, Hinton, "Layer Normalization" (2016);
    ONNX: LayerNormalization, PyTorch: layer_norm.

    ```mlir
    %r = ml.layer_norm %x : tensor<4x8xf32>
    %s = ml.layer_norm %x scale(%g : tensor<8xf32>) bias(%b : tensor<8xf32>), axes = [1], epsilon = 1.000000e-06
        : tensor<4x8xf32>
    ```
    """

    name = "ml.layer_norm"

    operand = operand_def(SAME)
    scale = opt_operand_def(TENSOR)
    bias = opt_operand_def(TENSOR)

    irdl_options = (AttrSizedOperandSegments(as_property=True),)
    assembly_format = (
        "$operand (`scale` `(` $scale^ `:` type($scale) `)`)? (`bias` `(` $bias^ `:` type($bias) `)`)? "
        "custom<AxesOptions>($axes, $epsilon) attr-dict `:` type($result)"
    )

    def __init__(
        self,
        operand: SSAValue | Operation,
        scale: SSAValue | Operation | None = None,
        bias: SSAValue | Operation | None = None,
        *,
        axes: Sequence[int] | None = None,
        epsilon: float | None = None,
    ):
        super().__init__(
            operands=[operand, scale, bias],
            result_types=[typed(operand)],
            properties={"axes": None if axes is None else index_list(axes), "epsilon": float_option(epsilon)},
        )

    def _parameters(self) -> dict[str, SSAValue]:
        return given(scale=self.scale, bias=self.bias)

    def _normalized(self, x: Array) -> Array:
        return standardized(x, self.dims, self.offset)


@irdl_op_definition
class RmsNormOp(AxesNormOp):
    """x / sqrt(mean(x * x) + epsilon) * scale, with the mean along axes.

    As smaller ops: `m = reduce add (x * x) / n; x * broadcast rsqrt(m + epsilon) * broadcast scale`. The axes are
    the last one unless given; scale (1) has one dimension for each of them, in their order; epsilon is 1e-5 unless
    given. Zhang, Sennrich, "Root Mean Square Layer Normalization" (2019); ONNX: RMSNormalization,
    PyTorch: rms_norm.

    ```mlir
    %r = ml.rms_norm %x : tensor<4x8xf32>
    %s = ml.rms_norm %x scale(%g : tensor<8xf32>), axes = [1], epsilon = 1.000000e-06 : tensor<4x8xf32>
    ```
    """

    name = "ml.rms_norm"

    operand = operand_def(SAME)
    scale = opt_operand_def(TENSOR)

    assembly_format = (
        "$operand (`scale` `(` $scale^ `:` type($scale) `)`)? "
        "custom<AxesOptions>($axes, $epsilon) attr-dict `:` type($result)"
    )

    def __init__(
        self,
        operand: SSAValue | Operation,
        scale: SSAValue | Operation | None = None,
        *,
        axes: Sequence[int] | None = None,
        epsilon: float | None = None,
    ):
        super().__init__(
            operands=[operand, scale],
            result_types=[typed(operand)],
            properties={"axes": None if axes is None else index_list(axes), "epsilon": float_option(epsilon)},
        )

    def _parameters(self) -> dict[str, SSAValue]:
        return given(scale=self.scale)

    def _normalized(self, x: Array) -> Array:
        return x / np.sqrt(mean(x * x, self.dims) + self.offset)
