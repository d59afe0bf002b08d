"""Equations of elementwise ops that hold exactly: for NaN, infinities and both zeros too.

Each pattern is an equation, its guards, then the rewrite; see :mod:`weft.passes.graph.worklist`.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from xdsl.ir import Operation, OpResult, SSAValue

from weft.dialects import ml
from weft.dialects.ml.base import MlOp, tensor_type
from weft.dialects.ml.binary import CommutativeOp
from weft.dialects.ml.dtypes import Kind, kind_of, width_of
from weft.passes.graph.constants import constant_op, is_splat, same_number, splat_of
from weft.passes.graph.worklist import Pattern, Patterns
from weft.passes.rewriting import LocatedBuilder

Values = Sequence[SSAValue] | None


def element_kind(value: SSAValue) -> Kind:
    """The kind of a tensor's elements."""
    return kind_of(tensor_type(value).element_type) or Kind.ANY


def maker(value: SSAValue, kind: type[MlOp]) -> MlOp | None:
    """The op that makes a value, where it is of that class and its sizes are checked by nobody at run time."""
    op = value.op if isinstance(value, OpResult) else None
    return op if isinstance(op, kind) and not op.requirements() else None


def constant_to_the_right(op: CommutativeOp, builder: LocatedBuilder) -> Values:
    """c + x = x + c"""
    if constant_op(op.lhs) is None or constant_op(op.rhs) is not None:
        return None

    return [builder.insert(type(op)(op.rhs, op.lhs)).result]


def _neutral_right(op: ml.BinaryOp, builder: LocatedBuilder, *, kinds: Kind, number: float) -> Values:
    if element_kind(op.lhs) not in kinds or not is_splat(op.rhs, number):
        return None

    return [op.lhs]


def neutral(number: float, kinds: Kind = Kind.ANY) -> Pattern:
    """x op number = x, for the kinds of elements for which it is exact."""
    return partial(_neutral_right, kinds=kinds, number=number)


def _absorbing_right(op: ml.BinaryOp, builder: LocatedBuilder, *, kinds: Kind, number: float) -> Values:
    if element_kind(op.lhs) not in kinds or not is_splat(op.rhs, number):
        return None

    return [op.rhs]


def absorbing(number: float, kinds: Kind = Kind.ANY) -> Pattern:
    """x op number = number, for the kinds of elements for which it is exact."""
    return partial(_absorbing_right, kinds=kinds, number=number)


def all_ones_right(op: ml.AndOp | ml.OrOp, builder: LocatedBuilder) -> Values:
    """x and 11...1 = x;  x or 11...1 = 11...1"""
    element = tensor_type(op.rhs).element_type
    ones = -1 if kind_of(element) is Kind.SIGNED else (1 << width_of(element)) - 1
    if not is_splat(op.rhs, ones):
        return None

    return [op.lhs if isinstance(op, ml.AndOp) else op.rhs]


def same_operands(op: ml.BinaryOp, builder: LocatedBuilder) -> Values:
    """max(x, x) = x, and so for min, and, or"""
    return [op.lhs] if op.lhs is op.rhs else None


def cancels(op: ml.SubOp | ml.XorOp, builder: LocatedBuilder) -> Values:
    """x - x = 0;  x xor x = 0, for integers of static sizes"""
    if op.lhs is not op.rhs or element_kind(op.lhs) in Kind.FLOAT | Kind.COMPLEX:
        return None

    zero = same_number(builder, 0, op.result.type)
    return None if zero is None else [zero]


def involution(op: ml.NegOp | ml.NotOp, builder: LocatedBuilder) -> Values:
    """neg(neg(x)) = x;  not(not(x)) = x"""
    inner = maker(op.operand, type(op))

    return None if inner is None else [inner.operands[0]]


def idempotent(op: ml.UnaryOp, builder: LocatedBuilder) -> Values:
    """abs(abs(x)) = abs(x), and so for relu, sign and the roundings"""
    return None if maker(op.operand, type(op)) is None else [op.operand]


def abs_of_neg(op: ml.AbsOp, builder: LocatedBuilder) -> Values:
    """abs(neg(x)) = abs(x)"""
    inner = maker(op.operand, ml.NegOp)
    if inner is None:
        return None

    return [builder.insert(ml.AbsOp(inner.operands[0])).result]


def select_known(op: ml.SelectOp, builder: LocatedBuilder) -> Values:
    """select(true, a, b) = a;  select(false, a, b) = b"""
    pred = splat_of(op.pred)
    if pred is None or op.requirements():
        return None

    return [op.on_true if pred else op.on_false]


def select_same(op: ml.SelectOp, builder: LocatedBuilder) -> Values:
    """select(p, a, a) = a"""
    if op.on_true is not op.on_false or (op.requirements() and op.operand_dims(0)):
        return None

    return [op.on_true]


def select_of_not(op: ml.SelectOp, builder: LocatedBuilder) -> Values:
    """select(not(p), a, b) = select(p, b, a)"""
    inner = maker(op.pred, ml.NotOp)
    if inner is None:
        return None

    return [builder.insert(ml.SelectOp(inner.operands[0], op.on_false, op.on_true)).result]


def compare_same(op: ml.CompareOp, builder: LocatedBuilder) -> Values:
    """x <= x is true, x < x is false, for all but floats of static sizes"""
    if op.operands[0] is not op.operands[1] or element_kind(op.operands[0]) in Kind.FLOAT | Kind.COMPLEX:
        return None

    holds = op.comparison_direction.data.value in ("EQ", "LE", "GE")
    truth = same_number(builder, holds, op.results[0].type)
    return None if truth is None else [truth]


def convert_to_same(op: ml.ConvertOp, builder: LocatedBuilder) -> Values:
    """convert(x to its own type) = x"""
    return [op.operand] if op.operand.type == op.result.type else None


def convert_twice(op: ml.ConvertOp, builder: LocatedBuilder) -> Values:
    """convert(convert(x to b) to c) = convert(x to c), where b holds every x"""
    inner = maker(op.operand, ml.ConvertOp)
    if inner is None or not _holds_all(inner):
        return None

    return [builder.insert(ml.ConvertOp(inner.operands[0], tensor_type(op.result).element_type)).result]


def softmax_of_one(op: ml.SoftmaxOp, builder: LocatedBuilder) -> Values:
    """softmax(x) = (x - x) + 1 along a dimension of one element: 1, or NaN for what is not finite; of static sizes"""
    type_ = tensor_type(op.operand)
    one = same_number(builder, 1, type_) if type_.get_shape()[op.dim] == 1 else None
    if one is None:
        return None

    nothing = builder.insert(ml.SubOp(op.operand, op.operand)).result
    return [builder.insert(ml.AddOp(nothing, one)).result]


def _holds_all(op: Operation) -> bool:
    """Whether a convert loses nothing: to a wider type of the kind, from unsigned to wider signed, from i1."""
    source, target = tensor_type(op.operands[0]).element_type, tensor_type(op.results[0]).element_type
    wider = width_of(target) > width_of(source)
    match kind_of(source), kind_of(target):
        case Kind.BOOL, _:
            return True
        case Kind.FLOAT, Kind.FLOAT:
            return wider and width_of(target) > 16
        case (Kind.SIGNED, Kind.SIGNED) | (Kind.UNSIGNED, Kind.UNSIGNED) | (Kind.UNSIGNED, Kind.SIGNED):
            return wider
        case _:
            return False


IDENTITIES: Patterns = {
    CommutativeOp: (constant_to_the_right,),
    ml.AddOp: (neutral(-0.0, Kind.FLOAT), neutral(0, Kind.BITS)),
    ml.SubOp: (neutral(0), cancels),
    ml.MulOp: (neutral(1), absorbing(0, Kind.BITS)),
    ml.DivOp: (neutral(1),),
    ml.PowOp: (neutral(1),),
    ml.MaxOp: (same_operands,),
    ml.MinOp: (same_operands,),
    ml.AndOp: (same_operands, absorbing(0), all_ones_right),
    ml.OrOp: (same_operands, neutral(0), all_ones_right),
    ml.XorOp: (neutral(0), cancels),
    ml.ShiftLeftOp: (neutral(0),),
    ml.ShiftRightArithmeticOp: (neutral(0),),
    ml.ShiftRightLogicalOp: (neutral(0),),
    ml.NegOp: (involution,),
    ml.NotOp: (involution,),
    ml.AbsOp: (idempotent, abs_of_neg),
    ml.ReluOp: (idempotent,),
    ml.SignOp: (idempotent,),
    ml.FloorOp: (idempotent,),
    ml.CeilOp: (idempotent,),
    ml.RoundOp: (idempotent,),
    ml.RoundEvenOp: (idempotent,),
    ml.SelectOp: (select_known, select_same, select_of_not),
    ml.CompareOp: (compare_same,),
    ml.ConvertOp: (convert_to_same, convert_twice),
    ml.SoftmaxOp: (softmax_of_one,),
}
"""The equations, by op class."""
