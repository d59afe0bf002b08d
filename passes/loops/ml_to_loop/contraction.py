"""Contractions as one perfect nest: batch, free dimensions of both sides, contracted dimensions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from xdsl.dialects import arith
from xdsl.dialects.builtin import BFloat16Type, Float32Type, UnitAttr, i1
from xdsl.ir import Attribute, BlockArgument, SSAValue

from weft.dialects import ml
from weft.dialects.loop.buffers import memref_of
from weft.dialects.loop.hints import FLUSHES, TF32
from weft.dialects.loop.linear import Linear
from weft.dialects.ml.base import MlOp, tensor_type
from weft.dialects.ml.contraction import Precision
from weft.dialects.ml.dtypes import Kind, kind_of
from weft.passes.loops.ml_to_loop.body import Body, is_float, wide
from weft.passes.loops.ml_to_loop.kernel import Kernel
from weft.passes.loops.ml_to_loop.nests import Index, Nest
from weft.passes.loops.ml_to_loop.values import fill, settle
from weft.passes.loops.reify import Size


@dataclass(frozen=True)
class _Side:
    """One operand: the axes that are batch, free and contracted."""

    value: SSAValue
    batch: Sequence[int]
    free: Sequence[int]
    contract: Sequence[int]

    def index(self, batch: Index, free: Index, contract: Index) -> Index:
        """The index into the operand for these counters."""
        places: dict[int, Linear] = {}
        for axes, forms in ((self.batch, batch), (self.free, free), (self.contract, contract)):
            places |= dict(zip(axes, forms, strict=True))
        return tuple(places[axis] for axis in range(len(places)))


def contraction(kernel: Kernel, op: MlOp) -> None:
    """A matmul or dot_general: load, load, multiply, reduce; f16 and bf16 are summed in f32.

    An operand that is computed and read more than a few times gets a buffer first.
    """
    assert isinstance(op, ml.MatmulOp | ml.DotGeneralOp)
    lhs, rhs = _sides(op)
    result = op.results[0]
    element = wide(tensor_type(result).element_type)
    dims = [kernel.dims(side.value) for side in (lhs, rhs)]
    left, right = [dims[0][axis] for axis in lhs.free], [dims[1][axis] for axis in rhs.free]
    settle(kernel, lhs.value, repeats=right)
    settle(kernel, rhs.value, repeats=left)
    batch = [_known(dims[0][a], dims[1][b]) for a, b in zip(lhs.batch, rhs.batch, strict=True)]
    summed = [_known(dims[0][a], dims[1][b]) for a, b in zip(lhs.contract, rhs.contract, strict=True)]
    buffer = kernel.home(result, element)
    names = [*_names("b", batch), *_names("i", left), *_names("j", right), *_names("k", summed)]

    def build(top: Nest) -> None:
        nest, counters = top.loops((*batch, *left, *right, *summed), names)
        place = counters[: len(counters) - len(summed)]
        over = counters[len(place) :]
        i, j = place[len(batch) : len(batch) + len(left)], place[len(batch) + len(left) :]
        indices = (lhs.index(place[: len(batch)], i, over), rhs.index(place[: len(batch)], j, over))
        factors = [_widened(nest, side.value, index, element) for side, index in zip((lhs, rhs), indices, strict=True)]
        product = multiply(nest.body, *factors)
        allow_less(product, op.exactness, (lhs.value, rhs.value))
        nest.reduce(add_kind(element), product, buffer, place, over)

    top = Nest.top(kernel)
    none = partial(fill, buffer=buffer, dims=(*batch, *left, *right), number=0)
    if isinstance(buffer, BlockArgument) and _are_several(kernel):
        # rows go from one product to another: their nests stand side by side, under no condition
        kernel.constant(0, memref_of(buffer).element_type)  # before the start is taken
        top.at_start().where_some(summed, lambda start: None, none)
        build(top)
    else:
        top.where_some(summed, build, none)


def _are_several(kernel: Kernel) -> bool:
    """Whether a kernel has several contractions."""
    return sum(isinstance(op, ml.MatmulOp | ml.DotGeneralOp) for op in kernel.old) > 1


def _sides(op: ml.MatmulOp | ml.DotGeneralOp) -> tuple[_Side, _Side]:
    if isinstance(op, ml.MatmulOp):
        rank = tensor_type(op.lhs).get_num_dims()
        batch, row, column = tuple(range(rank - 2)), rank - 2, rank - 1
        return _Side(op.lhs, batch, (row,), (column,)), _Side(op.rhs, batch, (column,), (row,))
    values = (op.lhs, op.rhs)
    lhs, rhs = (_Side(value, op.batch[n], op.free[n], op.contract[n]) for n, value in enumerate(values))
    return lhs, rhs


def _known(a: Size, b: Size) -> Size:
    """One of two equal sizes: the one that is known, if any."""
    return a if isinstance(a, int) else b


def _names(letter: str, dims: Sequence[Size]) -> list[str]:
    return [letter] if len(dims) == 1 else [f"{letter}{letter}{n}" for n in range(len(dims))]


def _widened(nest: Nest, value: SSAValue, index: Index, element: Attribute) -> SSAValue:
    return widen(nest.body, nest.element(value, index), tensor_type(value).element_type, element)


def widen(b: Body, x: SSAValue, source: Attribute, target: Attribute) -> SSAValue:
    """A factor of a product in the type in which products are summed; `source` says its sign."""
    if is_float(target):
        return b.resize_float(x, target)
    return b.resize_integer(x, target, signed=kind_of(source) is Kind.SIGNED)


def multiply(b: Body, x: SSAValue, y: SSAValue) -> SSAValue:
    """The product of two elements; truth values are joined by `and`."""
    if is_float(x.type):
        return b.put(arith.MulfOp(x, y))
    return b.put(arith.AndIOp(x, y) if x.type == i1 else arith.MuliOp(x, y))


def allow_less(product: SSAValue, precision: Precision, factors: Sequence[SSAValue]) -> None:
    """Note on a product how much less exact it may be: denormal bf16 numbers taken for zeros where no more than their
    precision is asked for, factors of f32 rounded to tf32."""
    rounds = all(isinstance(tensor_type(value).element_type, Float32Type) for value in factors)
    if rounds and precision is Precision.TF32 and isinstance(product.owner, arith.MulfOp):
        product.owner.attributes[TF32] = UnitAttr()
    narrow = all(isinstance(tensor_type(value).element_type, BFloat16Type) for value in factors)
    if narrow and precision is Precision.BF16 and isinstance(product.owner, arith.MulfOp):
        product.owner.attributes[FLUSHES] = UnitAttr()


def add_kind(element: Attribute) -> str:
    """The kind of `loop.reduce` that sums elements of that type."""
    return "or" if element == i1 else "add"
