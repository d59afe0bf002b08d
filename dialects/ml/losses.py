"""Losses of classifiers: cross_entropy."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, TypeAlias, cast

import numpy as np
from xdsl.dialects.builtin import TensorType
from xdsl.dialects.utils.enum_attribute import EnumAttribute
from xdsl.ir import Attribute, Operation, SpacedOpaqueSyntaxAttribute, SSAValue
from xdsl.irdl import irdl_attr_definition, irdl_op_definition, operand_def, opt_prop_def, result_def
from xdsl.irdl.declarative_assembly_format import AttributeVariable, irdl_custom_directive
from xdsl.parser import Parser
from xdsl.utils.exceptions import VerifyException
from xdsl.utils.str_enum import StrEnum

from weft.dialects.ml import numerics
from weft.dialects.ml.base import AXIS, TENSOR, Body, MlOp, axis_of, same_dims, tensor_type, typed
from weft.dialects.ml.dims import Requirement, Shape
from weft.dialects.ml.dtypes import KIND_NAMES, Array, Kind, kind_of
from weft.dialects.ml.nn import log_softmax
from weft.dialects.ml.norms import aligned
from weft.dialects.ml.options import Form, OptionList, count_option


class LossReduction(StrEnum):
    """What becomes of the losses of the lines: they stay as they are, or their mean or sum is taken."""

    NONE = "none"
    MEAN = "mean"
    SUM = "sum"


LossReductionName: TypeAlias = Literal["none", "mean", "sum"]


@irdl_attr_definition
class LossReductionAttr(EnumAttribute[LossReduction], SpacedOpaqueSyntaxAttribute):
    """`#ml<loss_reduction mean>`."""

    name = "ml.loss_reduction"


def _parse_reduction(parser: Parser) -> Attribute:
    return LossReductionAttr(parser.parse_str_enum(LossReduction))


def _reduction_text(attr: Attribute) -> str:
    return cast(LossReductionAttr, attr).data.value


@irdl_custom_directive
class LossOptions(OptionList):
    """`, axis = 1, reduction = mean`."""

    axis: AttributeVariable
    reduction: AttributeVariable

    def form(self, name: str) -> Form | None:
        """How the value of an option is read and written."""
        return (_parse_reduction, _reduction_text) if name == "reduction" else super().form(name)


@irdl_op_definition
class CrossEntropyOp(MlOp):
    """How far the softmax of each line of logits, along an axis, is from what it should be.

    The axis of the classes is the last one unless given; a negative one counts from the end. Labels are either
    integers, the right class of each line (one dimension less than the logits); then the loss of a line is
    `-log_softmax(logits)[label]`, and a line whose label is no class (such as -100) has loss 0. Or they are
    probabilities of the type of the logits; then it is `-sum(labels * log_softmax(logits))`, where a probability
    of 0 adds nothing. `reduction` is `none` (one loss a line) unless given, `sum`, or `mean`: the mean over the
    lines, those with a label that is no class left out; NaN for none. As smaller ops: `ml.log_softmax`, a
    selection of the label's elements, and sums. PyTorch: cross_entropy; ONNX: SoftmaxCrossEntropyLoss.

    ```mlir
    %r = ml.cross_entropy %x, %labels : (tensor<4x10xf32>, tensor<4xi32>) -> tensor<4xf32>
    %s = ml.cross_entropy %y, %p, axis = 0, reduction = mean : (tensor<10x4xf32>, tensor<10x4xf32>) -> tensor<f32>
    ```
    """

    name = "ml.cross_entropy"

    logits = operand_def(TENSOR)
    labels = operand_def(TENSOR)
    result = result_def(TENSOR)
    axis = opt_prop_def(AXIS)
    reduction = opt_prop_def(LossReductionAttr)

    custom_directives = (LossOptions,)
    assembly_format = (
        "$logits `,` $labels custom<LossOptions>($axis, $reduction) attr-dict `:` functional-type(operands, $result)"
    )

    def __init__(
        self,
        logits: SSAValue | Operation,
        labels: SSAValue | Operation,
        *,
        axis: int | None = None,
        reduction: LossReductionName | None = None,
    ):
        source = typed(logits)
        shape = list(source.get_shape())
        del shape[-1 if axis is None else axis]
        kept = shape if reduction in (None, "none") else []
        super().__init__(
            operands=[logits, labels],
            result_types=[TensorType(source.element_type, kept)],
            properties={
                "axis": None if axis is None else count_option(axis),
                "reduction": None if reduction is None else LossReductionAttr(LossReduction(reduction)),
            },
        )

    @property
    def dim(self) -> int:
        """The axis of the classes, counted from the front."""
        axis = axis_of(self.axis, -1)
        return axis + tensor_type(self.logits).get_num_dims() if axis < 0 else axis

    @property
    def joined(self) -> LossReduction:
        """How the losses of the lines are joined."""
        return LossReduction.NONE if self.reduction is None else self.reduction.data

    @property
    def by_index(self) -> bool:
        """Whether labels are integers, and no probabilities."""
        return (kind_of(tensor_type(self.labels).element_type) or Kind.BOOL) in Kind.INTEGER

    def check(self) -> None:
        logits, labels = tensor_type(self.logits), tensor_type(self.labels)
        if kind_of(logits.element_type) is not Kind.FLOAT:
            raise VerifyException(f"{self.name} takes {KIND_NAMES[Kind.FLOAT]} logits, not {logits}")
        rank = logits.get_num_dims()
        if not 0 <= self.dim < rank:
            raise VerifyException(f"{self.name}: {logits} has no axis {axis_of(self.axis, -1)}")
        if not self.by_index and labels.element_type != logits.element_type:
            raise VerifyException(
                f"{self.name}: labels must be integers, or {logits.element_type} as the logits, not {labels}"
            )
        expected = rank - self.by_index
        if labels.get_num_dims() != expected:
            what = "integer labels" if self.by_index else "probabilities"
            raise VerifyException(f"{self.name}: {what} must have rank {expected} here, not {labels}")

    def _lines(self) -> Shape:
        return tuple(size for axis, size in enumerate(self.operand_dims(0)) if axis != self.dim)

    def rules(self) -> Iterator[Requirement]:
        wanted = self._lines() if self.by_index else self.operand_dims(0)
        yield from same_dims(wanted, self.operand_dims(1), f"{self.name}: labels must have the sizes of the logits")

    def result_dims(self) -> tuple[Shape, ...]:
        return (self._lines() if self.joined is LossReduction.NONE else (),)

    def compute(self, operands: tuple[Array, ...], body: Body | None) -> tuple[Array, ...]:
        logits, labels = operands
        logs = log_softmax(numerics.widen(logits), self.dim)
        if self.by_index:
            numbers = aligned(np.arange(int(logs.shape[self.dim])), [self.dim], logs.ndim)
            classes = np.asarray(np.expand_dims(labels, self.dim) == numbers)
            losses = -np.where(classes, logs, 0.0).sum(axis=self.dim)
            counted = np.any(classes, axis=self.dim).sum()
        else:
            shares = numerics.widen(labels)
            losses = -np.where(shares == 0, 0.0, shares * logs).sum(axis=self.dim)
            counted = losses.size
        if self.joined is not LossReduction.NONE:
            losses = losses.sum() / (np.float64(counted) if self.joined is LossReduction.MEAN else 1)
        return (numerics.narrow(np.asarray(losses), self.result_dtype()),)
