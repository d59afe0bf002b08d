"""Nests of loops, and the elements of values inside them.

An elementwise op has no nest of its own: :meth:`Nest.element` builds its scalar body where an element is needed,
and asks for the elements of the operands in turn, at the index that the op reads them at.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeAlias

from xdsl.dialects import arith
from xdsl.dialects.builtin import DenseIntOrFPElementsAttr, IndexType, IntegerType, i64
from xdsl.ir import Block, SSAValue
from xdsl.rewriter import InsertPoint

from weft import codes
from weft.dialects import ml
from weft.dialects.locations import error_at
from weft.dialects.loop.access import LoadOp, ReduceOp, StoreOp
from weft.dialects.loop.computed import GatherOp, ScatterOp, has_computed, is_computed
from weft.dialects.loop.linear import Form, Linear, linear
from weft.dialects.loop.nest import ForOp, IfOp, IndexOp
from weft.dialects.ml.base import MlOp, tensor_type
from weft.dialects.ml.constant import dense, elements_of
from weft.dialects.ml.dtypes import dtype_of, width_of
from weft.passes.loops.ml_to_loop.body import AnyInteger, Body, is_integer, signless, wide
from weft.passes.loops.ml_to_loop.dynamic_slices import MOVES
from weft.passes.loops.ml_to_loop.kernel import Kernel
from weft.passes.loops.ml_to_loop.lookups import LOOKUPS
from weft.passes.loops.ml_to_loop.scalars import bitcast, scalar
from weft.passes.loops.reify import Size
from weft.passes.repetition import is_repetition
from weft.passes.rewriting import LocatedBuilder

Index: TypeAlias = tuple[Linear, ...]

LETTERS = "ijklmnopqrstuvw"


def loop_names(count: int, first: int = 0) -> list[str]:
    """Names for the loops over `count` dimensions: i, j, k, ..."""
    return [LETTERS[n] if n < len(LETTERS) else f"d{n}_" for n in range(first, first + count)]


class Nest:
    """A place inside some loops (or inside none) where ops are put."""

    def __init__(self, kernel: Kernel, builder: LocatedBuilder) -> None:
        self.kernel = kernel
        self.builder = builder
        self.body = Body(builder, kernel.constant)
        self._elements: dict[tuple[SSAValue, Index], SSAValue] = {}

    @staticmethod
    def top(kernel: Kernel) -> Nest:
        """The end of the kernel, inside no loop."""
        return Nest(kernel, kernel.builder)

    def at_start(self) -> Nest:
        """The start of the kernel, inside no loop: only what it is given may be read there."""
        return Nest(self.kernel, self.kernel.top)

    def loops(self, dims: Sequence[Form], names: Sequence[str]) -> tuple[Nest, Index]:
        """Open one loop for each size, the first outermost; gives the place inside and the counters."""
        nest, counters = self, list[Linear]()
        for label, dim in zip(self.kernel.fresh_labels(names), dims, strict=True):
            loop = ForOp(label, dim)
            nest.builder.insert(loop)
            nest = nest._within(loop.block)
            counters.append(linear(loop.counter))
        return nest, tuple(counters)

    def _within(self, block: Block) -> Nest:
        return Nest(self.kernel, LocatedBuilder(InsertPoint.at_end(block), self.builder.location))

    def where_some(self, dims: Iterable[Size], some: Callable[[Nest], None], none: Callable[[Nest], None]) -> None:
        """Build `some` for the runs in which all sizes are positive, and `none` for the others."""
        unknown = [dim for dim in dict.fromkeys(dims) if not isinstance(dim, int) or dim == 0]
        if not unknown:
            some(self)
        elif isinstance(unknown[0], int) or any(dim == 0 for dim in unknown):
            none(self)
        else:
            test = IfOp(linear(unknown[0]) - 1)
            self.builder.insert(test)
            self._within(test.then.block).where_some(unknown[1:], some, none)
            none(self._within(test.other.block))

    def load(self, buffer: SSAValue, index: Sequence[Linear]) -> SSAValue:
        """Read an element of a buffer."""
        read = GatherOp if any(has_computed(form) for form in index) else LoadOp
        return self.builder.insert(read(buffer, index)).result

    def store(self, value: SSAValue, buffer: SSAValue, index: Sequence[Linear]) -> None:
        """Write an element of a buffer, at a place that may be computed."""
        write = ScatterOp if any(has_computed(form) for form in index) else StoreOp
        self.builder.insert(write(value, buffer, index))

    def reduce(self, kind: str, value: SSAValue, buffer: SSAValue, index: Sequence[Linear], over: Index) -> None:
        """Combine a value into an element of a buffer; the first iteration of `over`, and the only one, stores it."""
        counters = [value for form in over for value in form.values]
        op = ReduceOp(kind, value, buffer, index, counters) if counters else StoreOp(value, buffer, index)
        self.builder.insert(op)

    def number(self, form: Linear, type_: AnyInteger) -> SSAValue:
        """A linear form as an integer."""
        total: SSAValue | None = None
        for value in filter(is_computed, form.values):
            term = self.body.put(arith.IndexCastOp(value, type_))
            term = self.body.put(arith.MuliOp(term, self.body.like(form.coefficient(value), term)))
            total = term if total is None else self.body.put(arith.AddiOp(total, term))
            form = form.without(value)
        if form.is_constant:
            rest = self.kernel.constant(form.constant, type_)
        else:
            rest = self.body.put(arith.IndexCastOp(self.place(form), type_))
        return rest if total is None else self.body.put(arith.AddiOp(total, rest))

    def place(self, form: Linear) -> SSAValue:
        """A linear form of counters and symbols as an index."""
        if form.is_constant:
            return self.kernel.constant(form.constant, IndexType())
        return self.builder.insert(IndexOp(form)).result

    def bind(self, value: SSAValue, element: SSAValue) -> None:
        """Say what the one element of a rank-0 value is here."""
        self._elements[value, ()] = element

    def wide_element(self, value: SSAValue, index: Index) -> SSAValue:
        """An element in the type that arithmetic on it has."""
        return self.body.resize_float(self.element(value, index), wide(tensor_type(value).element_type))

    def element(self, value: SSAValue, index: Index) -> SSAValue:
        """An element of a tensor: read where it is in memory, else computed here, once."""
        key = (value, index)
        if key not in self._elements:
            buffer = self.kernel.held.get(value)
            self._elements[key] = self._computed(value, index) if buffer is None else self._read(value, buffer, index)
        return self._elements[key]

    def _read(self, value: SSAValue, buffer: SSAValue, index: Index) -> SSAValue:
        return self.body.resize_float(self.load(buffer, index), signless(tensor_type(value).element_type))

    def _computed(self, value: SSAValue, index: Index) -> SSAValue:
        op = value.owner
        if not isinstance(op, MlOp):
            raise TypeError(f"{value} is neither in memory nor computed by an ml op")
        location, self.builder.location = self.builder.location, op.location
        result = _READERS.get(type(op), _pointwise)(self, op, index)
        self.builder.location = location
        return result


def _pointwise(nest: Nest, op: MlOp, index: Index) -> SSAValue:
    ranks = [tensor_type(operand).get_num_dims() for operand in op.operands]
    operands = [nest.element(operand, index if rank else ()) for operand, rank in zip(op.operands, ranks, strict=True)]
    return scalar(nest.body, op, operands)


def _constant(nest: Nest, op: MlOp, index: Index) -> SSAValue:
    assert isinstance(op, ml.ConstantOp)
    type_ = tensor_type(op.result).element_type
    dense_data = op.value if isinstance(op.value, DenseIntOrFPElementsAttr) else dense(op.array())
    if not is_repetition(dense_data):
        raise error_at(
            op, "a kernel holds constants of one repeated element; others are arguments of it", code=codes.CANNOT_LOWER
        )
    dtype = dtype_of(type_)
    element = elements_of(dense_data.data.data[: dtype.itemsize], dtype, (1,))
    return nest.kernel.constant(element[0].item(), signless(type_))


def _broadcast(nest: Nest, op: MlOp, index: Index) -> SSAValue:
    assert isinstance(op, ml.BroadcastInDimOp)
    sizes, wide = tensor_type(op.operand).get_shape(), tensor_type(op.result).get_shape()
    source = (
        linear(0) if size == 1 and wide[axis] != 1 else index[axis] for size, axis in zip(sizes, op.dims, strict=True)
    )
    return nest.element(op.operand, tuple(source))


def _transpose(nest: Nest, op: MlOp, index: Index) -> SSAValue:
    assert isinstance(op, ml.TransposeOp)
    return nest.element(op.operand, tuple(index[op.perm.index(axis)] for axis in range(len(index))))


def _slice(nest: Nest, op: MlOp, index: Index) -> SSAValue:
    assert isinstance(op, ml.SliceOp)
    places = zip(index, op.starts, op.steps, strict=True)
    return nest.element(op.operand, tuple(form * step + start for form, start, step in places))


def _iota(nest: Nest, op: MlOp, index: Index) -> SSAValue:
    assert isinstance(op, ml.IotaOp)
    target = signless(tensor_type(op.result).element_type)
    if is_integer(target):
        return nest.number(index[op.dim], target)
    return nest.body.to_float(nest.number(index[op.dim], i64), target, signed=True)


def _bitcast(nest: Nest, op: MlOp, index: Index) -> SSAValue:
    """Bits as another type: of one width, parts of a wider element, or several elements joined."""
    assert isinstance(op, ml.BitcastConvertOp)
    body, target = nest.body, signless(tensor_type(op.result).element_type)
    before, after = width_of(tensor_type(op.operand).element_type), width_of(target)
    if before == after:
        return bitcast(body, nest.element(op.operand, index), target)
    if before > after:
        whole = bitcast(body, nest.element(op.operand, index[:-1]), IntegerType(before))
        place = nest.number(index[-1] * after, IntegerType(before))
        part = body.resize_integer(body.put(arith.ShRUIOp(whole, place)), IntegerType(after), signed=False)
        return bitcast(body, part, target)
    joined: SSAValue | None = None
    for number in range(after // before):
        piece = bitcast(body, nest.element(op.operand, (*index, linear(number))), IntegerType(before))
        piece = body.resize_integer(piece, IntegerType(after), signed=False)
        piece = body.put(arith.ShLIOp(piece, body.like(number * before, piece))) if number else piece
        joined = piece if joined is None else body.put(arith.OrIOp(joined, piece))
    assert joined is not None
    return bitcast(body, joined, target)


_READERS: Mapping[type[MlOp], Callable[[Nest, MlOp, Index], SSAValue]] = {
    ml.ConstantOp: _constant,
    ml.BroadcastInDimOp: _broadcast,
    ml.TransposeOp: _transpose,
    ml.SliceOp: _slice,
    ml.IotaOp: _iota,
    ml.BitcastConvertOp: _bitcast,
    **LOOKUPS,
    **MOVES,
}
"""Ops that read their operands at other indices, or at none. Every other op reads them at its own."""
