"""Normalization of features: group_norm, and batch_norm with statistics that are known."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import ClassVar

import numpy as np
from xdsl.dialects.builtin import IntegerAttr
from xdsl.ir import Operation, SSAValue
from xdsl.irdl import (
    AttrSizedOperandSegments,
    irdl_op_definition,
    operand_def,
    opt_operand_def,
    opt_prop_def,
    prop_def,
    result_def,
)
from xdsl.irdl.declarative_assembly_format import AttributeVariable, irdl_custom_directive
from xdsl.utils.exceptions import VerifyException

from weft.dialects.ml import numerics
from weft.dialects.ml.base import AXIS, TENSOR, Body, MlOp, axis_of, tensor_type, typed
from weft.dialects.ml.dims import Requirement, Shape, product, quotient
from weft.dialects.ml.dtypes import Array, Kind
from weft.dialects.ml.norms import (
    EPSILON,
    SAME,
    aligned,
    check_elements_alike,
    check_epsilon,
    given,
    standardized,
)
from weft.dialects.ml.options import FLOAT_OPTION, OptionList, count_option, float_option, number_of


@irdl_custom_directive
class FeatureOptions(OptionList):
    """`, feature_index = 3, epsilon = 1.000000e-05`."""

    feature_index: AttributeVariable
    epsilon: AttributeVariable


@irdl_custom_directive
class GroupOptions(OptionList):
    """`, groups = 2, feature_index = 3, epsilon = 1.000000e-05`."""

    groups: AttributeVariable
    feature_index: AttributeVariable
    epsilon: AttributeVariable


def _option(value: int | None) -> IntegerAttr | None:
    return None if value is None else count_option(value)


class _FeatureNormOp(MlOp, ABC):
    """What normalizations of features share."""

    TAKES: ClassVar = Kind.FLOAT

    result = result_def(SAME)
    feature_index = opt_prop_def(AXIS)
    epsilon = opt_prop_def(FLOAT_OPTION)

    @property
    def dim(self) -> int:
        """The dimension of the features."""
        return axis_of(self.feature_index, 1)

    @property
    def offset(self) -> float:
        """The epsilon."""
        return number_of(self.epsilon, EPSILON)

    @abstractmethod
    def _parameters(self) -> dict[str, SSAValue]:
        """The parameters that are given, by name, in the order of the operands after the first."""

    def check(self) -> None:
        if not 0 <= self.dim < tensor_type(self.operands[0]).get_num_dims():
            raise VerifyException(f"{self.name}: {self.operands[0].type} has no dimension {self.dim} for the features")
        check_epsilon(self, self.epsilon)
        check_elements_alike(self)
        for name, value in self._parameters().items():
            if tensor_type(value).get_num_dims() != 1:
                raise VerifyException(f"{self.name}: {name} must have rank 1, one element a feature, not {value.type}")

    def rules(self) -> Iterator[Requirement]:
        features = self.operand_dims(0)[self.dim]
        for position, name in enumerate(self._parameters(), 1):
            message = f"{self.name}: {name} must have one element for each feature"
            yield Requirement(self.operand_dims(position)[0], "==", features, message)

    def result_dims(self) -> tuple[Shape, ...]:
        return (self.operand_dims(0),)

    def _named(self, x: Array, rest: tuple[Array, ...]) -> dict[str, Array]:
        return {name: aligned(y, [self.dim], x.ndim) for name, y in zip(self._parameters(), rest, strict=True)}


@irdl_op_definition
class GroupNormOp(_FeatureNormOp):
    """(x - mean) / sqrt(variance + epsilon) * scale + bias, with mean and variance of groups of features.

    Dimension 0 is the batch, `feature_index` (1 unless given) the features. Each of the `groups` has as many
    features, side by side; mean and variance are those of all its elements in one sample. Scale (1) and bias (0)
    have one element a feature; epsilon is 1e-5 unless given. One group a feature is instance normalization. As
    smaller ops: as `ml.layer_norm`, with sums of features joined to sums of groups by `ml.reshape`. Wu, He,
    "Group Normalization" (2018); ONNX: GroupNormalization (opset 21), PyTorch: group_norm.

    ```mlir
    %r = ml.group_norm %x, groups = 2 : tensor<4x6x8xf32>
    %s = ml.group_norm %x scale(%g : tensor<8xf32>) bias(%b : tensor<8xf32>), groups = 2, feature_index = 2
        : tensor<4x6x8xf32>
    ```
    """

    name = "ml.group_norm"

    operand = operand_def(SAME)
    scale = opt_operand_def(TENSOR)
    bias = opt_operand_def(TENSOR)
    groups = prop_def(AXIS)

    custom_directives = (GroupOptions,)
    irdl_options = (AttrSizedOperandSegments(as_property=True),)
    assembly_format = (
        "$operand (`scale` `(` $scale^ `:` type($scale) `)`)? (`bias` `(` $bias^ `:` type($bias) `)`)? "
        "custom<GroupOptions>($groups, $feature_index, $epsilon) attr-dict `:` type($result)"
    )

    def __init__(
        self,
        operand: SSAValue | Operation,
        groups: int,
        scale: SSAValue | Operation | None = None,
        bias: SSAValue | Operation | None = None,
        *,
        feature_index: int | None = None,
        epsilon: float | None = None,
    ):
        super().__init__(
            operands=[operand, scale, bias],
            result_types=[typed(operand)],
            properties={
                "groups": count_option(groups),
                "feature_index": _option(feature_index),
                "epsilon": float_option(epsilon),
            },
        )

    @property
    def count(self) -> int:
        """How many groups there are."""
        return self.groups.value.data

    def _parameters(self) -> dict[str, SSAValue]:
        return given(scale=self.scale, bias=self.bias)

    def check(self) -> None:
        super().check()
        if self.dim == 0:
            raise VerifyException(f"{self.name}: dimension 0 is the batch, so feature_index must be 1 or more")
        if self.count < 1:
            raise VerifyException(f"{self.name}: groups must be 1 or more, not {self.count}")

    def rules(self) -> Iterator[Requirement]:
        yield from super().rules()
        features = self.operand_dims(0)[self.dim]
        whole = product([quotient(features, self.count), self.count])
        message = f"{self.name}: the features must make {self.count} groups of one size"
        yield Requirement(whole, "==", features, message)

    def _meaning(self, x: Array, *rest: Array) -> Array:
        moved = np.moveaxis(x, self.dim, 1)
        batch, features, *space = moved.shape
        split = moved.reshape(batch, self.count, features // self.count, *space)
        flat = standardized(split, tuple(range(2, split.ndim)), self.offset)
        normalized = np.moveaxis(flat.reshape(moved.shape), 1, self.dim)
        named = self._named(x, rest)
        return normalized * named.get("scale", np.float64(1)) + named.get("bias", np.float64(-0.0))

    def compute(self, operands: tuple[Array, ...], body: Body | None) -> tuple[Array, ...]:
        return (numerics.in_wide(self._meaning, *operands),)


@irdl_op_definition
class BatchNormInferenceOp(_FeatureNormOp):
    """scale * (x - mean) / sqrt(variance + epsilon) + offset, with a mean and a variance for each feature.

    `feature_index` (1 unless given) is the dimension of the features; the other operands have one element for
    each. Epsilon is 1e-5 unless given. As smaller ops: `(x - broadcast mean) *
    broadcast (scale * rsqrt(variance + epsilon)) + broadcast offset`. StableHLO: batch_norm_inference.

    ```mlir
    %r = ml.batch_norm_inference %x, %scale, %offset, %mean, %variance, feature_index = 1, epsilon = 1.000000e-03
        : (tensor<4x3x8xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>) -> tensor<4x3x8xf32>
    ```
    """

    name = "ml.batch_norm_inference"

    operand = operand_def(SAME)
    scale = operand_def(TENSOR)
    shift = operand_def(TENSOR)
    mean = operand_def(TENSOR)
    variance = operand_def(TENSOR)

    custom_directives = (FeatureOptions,)
    assembly_format = (
        "$operand `,` $scale `,` $shift `,` $mean `,` $variance custom<FeatureOptions>($feature_index, $epsilon) "
        "attr-dict `:` functional-type(operands, $result)"
    )

    def __init__(
        self,
        operand: SSAValue | Operation,
        scale: SSAValue | Operation,
        shift: SSAValue | Operation,
        mean: SSAValue | Operation,
        variance: SSAValue | Operation,
        *,
        feature_index: int | None = None,
        epsilon: float | None = None,
    ):
        super().__init__(
            operands=[operand, scale, shift, mean, variance],
            result_types=[typed(operand)],
            properties={"feature_index": _option(feature_index), "epsilon": float_option(epsilon)},
        )

    def _parameters(self) -> dict[str, SSAValue]:
        return given(scale=self.scale, offset=self.shift, mean=self.mean, variance=self.variance)

    def _meaning(self, x: Array, *rest: Array) -> Array:
        named = self._named(x, rest)
        deviation = np.sqrt(named["variance"] + self.offset)
        return named["scale"] * (x - named["mean"]) / deviation + named["offset"]

    def compute(self, operands: tuple[Array, ...], body: Body | None) -> tuple[Array, ...]:
        return (numerics.in_wide(self._meaning, *operands),)
