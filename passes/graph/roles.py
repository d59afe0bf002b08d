"""What outlining has to know about an ml op: how it reads its operands, and what it costs to compute it twice."""

from __future__ import annotations

from enum import Enum, auto
from functools import cache

from xdsl.dialects import arith
from xdsl.dialects.builtin import DenseIntOrFPElementsAttr, IntegerType, TensorType
from xdsl.ir import Operation, SSAValue

from weft.dialects import ml
from weft.dialects.ml.base import MlOp, tensor_type
from weft.dialects.ml.binary import BinaryOp
from weft.dialects.ml.dtypes import kind_of
from weft.dialects.ml.elementwise import UnaryOp
from weft.passes.repetition import is_repetition


class Role(Enum):
    """What an op is to a kernel."""

    HOST = auto()
    """It stays in the host function."""
    POINT = auto()
    """One result element needs one element of each operand, at the same index."""
    INDEX = auto()
    """It reads an operand at another index; it computes nothing."""
    HEAVY = auto()
    """It needs loops of its own: a contraction, a reduction, a concatenation. A kernel has at most one."""


class Read(Enum):
    """How an op reads the elements of an operand."""

    SAME = auto()
    """At the index of the result, once."""
    MOVED = auto()
    """At another index, each element at most once."""
    AGAIN = auto()
    """At another index, elements more than once."""


_HOST = (ml.ConstantOp, ml.ReshapeOp, ml.GetDimensionSizeOp)
_LOOKUP = (ml.GatherOp, ml.TakeOp, ml.OneHotOp)
"""Ops that read an element of their operands more than once, at places of their own."""

_PLACES = (*_LOOKUP, ml.TriOp, ml.TrilOp, ml.TriuOp, ml.ReducePrecisionOp)
"""Ops of which an element follows from its place."""

_POINT = (UnaryOp, BinaryOp, ml.CompareOp, ml.SelectOp, ml.ClampOp, ml.ConvertOp, ml.IsFiniteOp, ml.IotaOp, *_PLACES)
_INDEX = (ml.BroadcastInDimOp, ml.TransposeOp, ml.SliceOp, ml.ReverseOp, ml.DynamicSliceOp)
_DYNAMIC = (ml.DynamicSliceOp, ml.DynamicUpdateSliceOp)
_READ_ONCE = (ml.ReduceOp, ml.ConcatenateOp, ml.PadOp, ml.DynamicUpdateSliceOp, ml.SortOp, ml.TopKOp, ml.ScanOp)
"""Heavy ops that read each element of an operand at most once."""

_COSTLY = (
    ml.ExpOp,
    ml.Expm1Op,
    ml.Exp2Op,
    ml.LogOp,
    ml.Log1pOp,
    ml.Log2Op,
    ml.CbrtOp,
    ml.SinOp,
    ml.CosOp,
    ml.TanOp,
    ml.TanhOp,
    ml.SigmoidOp,
    ml.ErfOp,
    ml.GeluOp,
    ml.SiluOp,
    ml.SoftplusOp,
    ml.PowOp,
    ml.RemOp,
    ml.Atan2Op,
)


def role_of(op: Operation) -> Role:
    """The role of an op; HOST for every op that is not of ml."""
    if isinstance(op, ml.BitcastConvertOp):
        same = len(tensor_type(op.operand).get_shape()) == len(tensor_type(op.result).get_shape())
        return Role.POINT if same else Role.INDEX
    return _role_of(type(op))


@cache
def _role_of(kind: type[Operation]) -> Role:
    if not issubclass(kind, MlOp) or issubclass(kind, _HOST):
        return Role.HOST
    if issubclass(kind, _POINT):
        return Role.POINT
    return Role.INDEX if issubclass(kind, _INDEX) else Role.HEAVY


def splat_of(op: Operation) -> DenseIntOrFPElementsAttr | None:
    """The value of a constant that repeats one element, of `ml` or of `arith`; None for any other op.

    Kernels hold such constants themselves.
    """
    if not isinstance(op, ml.ConstantOp | arith.ConstantOp):
        return None
    value = op.value
    if not isinstance(value, DenseIntOrFPElementsAttr) or not isinstance(value.type, TensorType):
        return None
    if kind_of(value.get_element_type()) is None:
        return None
    return value if is_repetition(value) else None


def is_splat(op: Operation) -> bool:
    """Whether an op is a constant that repeats one element."""
    return splat_of(op) is not None


def read_of(op: Operation, operand: SSAValue) -> Read:
    """How `op`, which is no HOST op, reads a tensor operand."""
    role = role_of(op)
    if isinstance(op, _LOOKUP) or (isinstance(op, _DYNAMIC) and operand in op.start_indices):
        return Read.AGAIN
    if role is Role.HEAVY:
        return Read.MOVED if isinstance(op, _READ_ONCE) else Read.AGAIN
    if isinstance(op, ml.BroadcastInDimOp):
        return Read.AGAIN if _expands(op) else Read.MOVED
    if isinstance(op, ml.BitcastConvertOp) and role is Role.INDEX:
        return Read.AGAIN
    if role is Role.INDEX:
        return Read.MOVED
    result = tensor_type(op.results[0])
    return Read.SAME if tensor_type(operand).get_num_dims() == result.get_num_dims() else Read.AGAIN


def _expands(op: ml.BroadcastInDimOp) -> bool:
    """Whether a broadcast repeats elements; so it is taken where sizes are not known."""
    source, target = tensor_type(op.operand).get_shape(), tensor_type(op.result).get_shape()
    kept = dict(zip(op.broadcast_dimensions.get_values(), source, strict=True))
    return any(size != 1 and (axis not in kept or (kept[axis] == 1 != size)) for axis, size in enumerate(target))


def is_free(op: Operation) -> bool:
    """Whether an op costs nothing at any index: it moves elements, or says them by their place."""
    return role_of(op) is Role.INDEX or isinstance(op, ml.IotaOp | ml.TriOp | ml.BitcastConvertOp)


def is_costly(op: Operation) -> bool:
    """Whether computing an element twice costs more than storing it."""
    if isinstance(op, ml.DivOp):
        return isinstance(tensor_type(op.result).element_type, IntegerType)
    return isinstance(op, _COSTLY)
