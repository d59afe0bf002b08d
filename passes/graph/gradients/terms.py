"""Values that are written as formulas: `1 - y * y` builds the ops, on tensors and on scalars alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, cast

import numpy as np
from xdsl.dialects import arith, math
from xdsl.dialects.builtin import AnyFloat, TensorType, f32
from xdsl.ir import Attribute, Operation, SSAValue

from weft.dialects import ml
from weft.dialects.interfaces import run_time_sizes
from weft.dialects.ml.base import Tensor, tensor_type
from weft.dialects.ml.dtypes import Kind, dtype_of, kind_of, width_of
from weft.passes.graph.constants import new_constant, new_scalar
from weft.passes.rewriting import LocatedBuilder

Maker: TypeAlias = Any
"""A class of ops, called with its operands."""

FUNCTIONS: dict[type[Operation], Maker] = {
    ml.ExpOp: math.ExpOp,
    ml.LogOp: math.LogOp,
    ml.SinOp: math.SinOp,
    ml.CosOp: math.CosOp,
    ml.TanhOp: math.TanhOp,
    ml.SqrtOp: math.SqrtOp,
    ml.RsqrtOp: math.RsqrtOp,
    ml.AbsOp: math.AbsFOp,
    ml.NegOp: arith.NegfOp,
    ml.AddOp: arith.AddfOp,
    ml.SubOp: arith.SubfOp,
    ml.MulOp: arith.MulfOp,
    ml.DivOp: arith.DivfOp,
    ml.PowOp: math.PowFOp,
}
"""The op on scalars that does what an op of ml does on tensors."""

COMPARISONS = {"EQ": "oeq", "NE": "une", "GT": "ogt", "GE": "oge", "LT": "olt", "LE": "ole"}
"""Directions of `ml.compare`, and the predicates of `arith.cmpf` that mean the same."""


def element_of(type_: Attribute) -> Attribute:
    """The element type of a tensor; a scalar's type itself."""
    return cast(Tensor, type_).element_type if isinstance(type_, TensorType) else type_


def is_differentiable(type_: Attribute) -> bool:
    """Whether values of a type have gradients: tensors of floats, and floats."""
    return kind_of(element_of(type_)) is Kind.FLOAT


def filled(builder: LocatedBuilder, model: SSAValue, number: float, element: Attribute | None = None) -> SSAValue:
    """A value of the type and the sizes of `model` that is `number` everywhere; tensors of `element`, where given."""
    if not isinstance(model.type, TensorType):
        return new_scalar(builder, np.asarray(number), model.type)
    source = tensor_type(model)
    target = TensorType(element or source.element_type, source.get_shape())
    scalar = new_constant(builder, np.asarray(number).astype(dtype_of(target.element_type)))
    if not target.get_shape():
        return scalar
    return builder.insert(ml.BroadcastInDimOp(scalar, [], target, run_time_sizes(builder, model))).result


def spread(builder: LocatedBuilder, value: SSAValue, dims: Sequence[int], model: SSAValue) -> SSAValue:
    """`value` repeated to the shape of `model`; its dimension i becomes dimension `dims[i]`."""
    shape, source = tensor_type(model).get_shape(), tensor_type(value)
    said = {dim for dim, size in zip(dims, source.get_shape(), strict=True) if size != 1}
    sizes = run_time_sizes(builder, model, [axis for axis in range(len(shape)) if axis not in said])
    target = TensorType(source.element_type, shape)
    if target == source and list(dims) == list(range(len(shape))):
        return value
    return builder.insert(ml.BroadcastInDimOp(value, dims, target, sizes)).result


def convert(builder: LocatedBuilder, value: SSAValue, element: Attribute) -> SSAValue:
    """Elements of another float type, by value."""
    own = element_of(value.type)
    if own == element:
        return value
    if isinstance(value.type, TensorType):
        return builder.insert(ml.ConvertOp(value, element)).result
    kind = arith.ExtFOp if width_of(own) < width_of(element) else arith.TruncFOp
    return builder.insert(kind(value, cast(AnyFloat, element))).result


@dataclass(frozen=True)
class Term:
    """A value in a formula. Numbers take its type and sizes."""

    builder: LocatedBuilder
    value: SSAValue

    def apply(self, kind: type[Operation], *others: Term | float) -> Term:
        """An op of ml (on scalars: the one that does the same) on this term and others."""
        operands = [self.value, *(self.of(other).value for other in others)]
        maker: Maker = kind if isinstance(self.value.type, TensorType) else FUNCTIONS[kind]
        return Term(self.builder, self.builder.insert(maker(*operands)).results[0])

    def of(self, number: Term | float) -> Term:
        """A number as a term like this one; a term is itself."""
        return number if isinstance(number, Term) else Term(self.builder, filled(self.builder, self.value, number))

    def __add__(self, other: Term | float) -> Term:
        return self.apply(ml.AddOp, other)

    def __radd__(self, other: float) -> Term:
        return self.of(other) + self

    def __sub__(self, other: Term | float) -> Term:
        return self.apply(ml.SubOp, other)

    def __rsub__(self, other: float) -> Term:
        return self.of(other) - self

    def __mul__(self, other: Term | float) -> Term:
        return self.apply(ml.MulOp, other)

    def __rmul__(self, other: float) -> Term:
        return self * other

    def __truediv__(self, other: Term | float) -> Term:
        return self.apply(ml.DivOp, other)

    def __rtruediv__(self, other: float) -> Term:
        return self.of(other) / self

    def __neg__(self) -> Term:
        return self.apply(ml.NegOp)

    def __pow__(self, other: Term | float) -> Term:
        return self.apply(ml.PowOp, other)

    def exp(self) -> Term:
        """e to the power of the term."""
        return self.apply(ml.ExpOp)

    def log(self) -> Term:
        """The natural logarithm."""
        return self.apply(ml.LogOp)

    def sin(self) -> Term:
        """The sine."""
        return self.apply(ml.SinOp)

    def cos(self) -> Term:
        """The cosine."""
        return self.apply(ml.CosOp)

    def sigmoid(self) -> Term:
        """1 / (1 + exp(-x))."""
        if isinstance(self.value.type, TensorType):
            return self.apply(ml.SigmoidOp)
        return 1 / (1 + (-self).exp())

    def where(self, direction: str, other: Term | float, kept: Term | float, rest: Term | float) -> Term:
        """`kept` where the comparison with `other` holds, else `rest`. One of both must be a term."""
        holds = self.compare(direction, other)
        model = kept if isinstance(kept, Term) else rest
        assert isinstance(model, Term)
        return model.chosen(holds, kept, rest)

    def compare(self, direction: str, other: Term | float) -> SSAValue:
        """The truth values of a comparison."""
        right = self.of(other).value
        if isinstance(self.value.type, TensorType):
            return self.builder.insert(ml.CompareOp(direction, self.value, right)).result
        return self.builder.insert(arith.CmpfOp(self.value, right, COMPARISONS[direction])).result

    def chosen(self, holds: SSAValue, kept: Term | float, rest: Term | float) -> Term:
        """`kept` where `holds`, else `rest`; numbers become terms like this one."""
        values = [self.of(term).value for term in (kept, rest)]
        kind: Maker = ml.SelectOp if isinstance(values[0].type, TensorType) else arith.SelectOp
        return Term(self.builder, self.builder.insert(kind(holds, *values)).results[0])

    def reduce(self, kind: str, dims: Sequence[int]) -> Term:
        """A reduction of a tensor along dimensions; the term itself where there are none."""
        if not dims:
            return self
        return Term(self.builder, self.builder.insert(ml.ReduceOp.of(kind, self.value, dims)).outputs[0])

    def spread(self, dims: Sequence[int], model: SSAValue) -> Term:
        """The tensor repeated to the shape of `model`; its dimension i becomes dimension `dims[i]`."""
        return Term(self.builder, spread(self.builder, self.value, dims, model))

    def wide(self) -> Term:
        """In f32 where the elements are f16 or bf16: formulas round once, at their end."""
        element = element_of(self.value.type)
        return self if width_of(element) > 16 else self.convert(f32)

    def convert(self, element: Attribute) -> Term:
        """In another float type."""
        return Term(self.builder, convert(self.builder, self.value, element))
