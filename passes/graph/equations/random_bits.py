"""Random bits of several dimensions whose sizes are known at run time only.

Which dimension Threefry splits, only the run knows (:func:`weft.dialects.ml.random_bits.threefry_layout`): there each
element finds its block and its place in it, and the words of a block are computed for each element of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from xdsl.dialects import arith, tensor
from xdsl.dialects.builtin import DYNAMIC_INDEX, IntegerAttr, IntegerType, Signedness, TensorType, i64
from xdsl.ir import SSAValue

from weft.dialects import ml
from weft.dialects.ml.base import tensor_type
from weft.dialects.ml.binary import BinaryOp
from weft.dialects.ml.dtypes import width_of
from weft.dialects.ml.random import UI64
from weft.dialects.ml.random_bits import threefry2x32
from weft.passes.graph.dim_identities import dim_value
from weft.passes.graph.equations.building import filled, put
from weft.passes.graph.identities import Values
from weft.passes.rewriting import LocatedBuilder

UI32 = IntegerType(32, Signedness.UNSIGNED)


def random_bits(op: ml.RngBitGeneratorOp, builder: LocatedBuilder) -> Values:
    """rng_bit_generator(s) = reshape(rng_bit_generator(s)) of rank 1, where the elements of blocks lie in order

    Otherwise each element takes its word of the block of its place.
    """
    target = tensor_type(op.output)
    if target.get_num_dims() == 1 or DYNAMIC_INDEX not in target.get_shape():
        return None
    bits = _Bits.of(builder, op)
    if not op.is_threefry or width_of(target.element_type) == 64:
        return bits.in_order()
    block, place, count = bits.along_a_dimension()
    first, second = _words(builder, *bits.counter(block))
    here = put(builder, ml.CompareOp("EQ", place, filled(builder, place, 0)))
    result = put(builder, ml.SelectOp(here, first.value, second.value))
    if target.element_type != UI32:
        result = put(builder, ml.ConvertOp(result, target.element_type))
    return [bits.next_state(count), result]


def _words(builder: LocatedBuilder, counter: SSAValue, key: SSAValue) -> tuple[_Word, _Word]:
    """The words of the block of each element."""
    low = _halves(builder, counter)

    def constant(number: int) -> _Word:
        return _Word(builder, filled(builder, low[0].value, number))

    return threefry2x32(low, _halves(builder, key), constant)


@dataclass(frozen=True)
class _Bits:
    """The result of an op: its shape, its sizes as `index` and as `i64`."""

    builder: LocatedBuilder
    op: ml.RngBitGeneratorOp
    shape: tuple[int, ...]
    sizes: tuple[SSAValue, ...]
    numbers: tuple[SSAValue, ...]

    @staticmethod
    def of(builder: LocatedBuilder, op: ml.RngBitGeneratorOp) -> _Bits:
        """Those of an op."""
        shape = tuple(tensor_type(op.output).get_shape())
        sizes = [dim_value(builder, op, dim) for dim in op.result_dims()[1]]
        numbers = [put(builder, arith.IndexCastOp(size, i64)) for size in sizes]
        return _Bits(builder, op, shape, tuple(sizes), tuple(numbers))

    @property
    def unknown(self) -> list[SSAValue]:
        """The sizes that the type leaves open."""
        return [size for size, known in zip(self.sizes, self.shape, strict=True) if known == DYNAMIC_INDEX]

    def number(self, value: int) -> SSAValue:
        """A number of the host."""
        return put(self.builder, arith.ConstantOp(IntegerAttr(value, i64)))

    def spread(self, scalar: SSAValue) -> SSAValue:
        """A `ui64` of rank 0 everywhere."""
        type_ = TensorType(UI64, self.shape)
        return put(self.builder, ml.BroadcastInDimOp(scalar, [], type_, self.unknown))

    def from_host(self, number: SSAValue) -> SSAValue:
        """An `i64` of the host as a `ui64` of rank 0."""
        made = put(self.builder, tensor.FromElementsOp(number, result_type=TensorType(i64, [])))
        return put(self.builder, ml.ConvertOp(made, UI64))

    def iota(self, axis: int) -> SSAValue:
        """The place along an axis, as `ui64`."""
        return put(self.builder, ml.IotaOp(axis, TensorType(UI64, self.shape), self.unknown))

    def row_major(self, places: Sequence[SSAValue], sizes: Sequence[SSAValue]) -> tuple[SSAValue, SSAValue]:
        """The number of each place in row-major order, and how many there are."""
        count = self.number(1)
        total: SSAValue | None = None
        for place, size in zip(reversed(places), reversed(sizes), strict=True):
            term = put(self.builder, ml.MulOp(place, self.spread(self.from_host(count))))
            total = term if total is None else put(self.builder, ml.AddOp(total, term))
            count = put(self.builder, arith.MuliOp(count, size))
        assert total is not None
        return total, count

    def in_order(self) -> Values:
        """The results by an op that makes all elements in one row."""
        total = self.sizes[0]
        for size in self.sizes[1:]:
            total = put(self.builder, arith.MuliOp(total, size))
        target = tensor_type(self.op.output)
        row = TensorType(target.element_type, [DYNAMIC_INDEX])
        made = ml.RngBitGeneratorOp(self.op.rng_algorithm.data, self.op.initial_state, row, [total])
        self.builder.insert(made)
        return [made.output_state, put(self.builder, ml.ReshapeOp(made.output, target, self.unknown))]

    def along_a_dimension(self) -> tuple[SSAValue, SSAValue, SSAValue]:
        """The block of each element, its place in it, and the number of blocks, with pairs along one dimension."""
        halves = [put(self.builder, arith.ExtUIOp(truth, i64)) for truth in self._halved()]
        places, sizes = list[SSAValue](), list[SSAValue]()
        within: SSAValue | None = None
        for axis, (size, half) in enumerate(zip(self.numbers, halves, strict=True)):
            iota, shift = self.iota(axis), self.spread(self.from_host(half))
            places.append(put(self.builder, ml.ShiftRightLogicalOp(iota, shift)))
            odd = put(self.builder, ml.AndOp(iota, shift))
            within = odd if within is None else put(self.builder, ml.OrOp(within, odd))
            sizes.append(put(self.builder, arith.ShRUIOp(put(self.builder, arith.AddiOp(size, half)), half)))
        assert within is not None
        block, count = self.row_major(places, sizes)
        return block, within, count

    def _halved(self) -> list[SSAValue]:
        """For each dimension whether it is the one that is split: the first even one, or else the largest."""
        builder, one, zero = self.builder, self.number(1), self.number(0)
        even = [put(builder, arith.CmpiOp(put(builder, arith.AndIOp(n, one)), zero, "eq")) for n in self.numbers]
        some, *others = even
        chosen = [some]
        for truth in others:
            chosen.append(put(builder, arith.SelectOp(some, self._no(), truth)))
            some = put(builder, arith.OrIOp(some, truth))
        largest, place = self.numbers[0], zero
        for axis, size in enumerate(self.numbers[1:], 1):
            greater = put(builder, arith.CmpiOp(size, largest, "sgt"))
            largest = put(builder, arith.SelectOp(greater, size, largest))
            place = put(builder, arith.SelectOp(greater, self.number(axis), place))
        return [
            put(builder, arith.SelectOp(some, one_even, put(builder, arith.CmpiOp(place, self.number(axis), "eq"))))
            for axis, one_even in enumerate(chosen)
        ]

    def _no(self) -> SSAValue:
        return put(self.builder, arith.ConstantOp(IntegerAttr(0, 1)))

    def state(self, place: int) -> SSAValue:
        """A number of the state, of rank 0."""
        part = put(self.builder, ml.SliceOp(self.op.initial_state, [place], [place + 1]))
        return put(self.builder, ml.ReshapeOp(part, TensorType(UI64, [])))

    def counter(self, block: SSAValue) -> tuple[SSAValue, SSAValue]:
        """The counter of each element's block, and the key, both as `ui64`."""
        return put(self.builder, ml.AddOp(self.spread(self.state(1)), block)), self.spread(self.state(0))

    def next_state(self, count: SSAValue) -> SSAValue:
        """The state of the block after the last one."""
        parts = [self.state(0), put(self.builder, ml.AddOp(self.state(1), self.from_host(count)))]
        one = TensorType(UI64, [1])
        return put(self.builder, ml.ConcatenateOp([put(self.builder, ml.ReshapeOp(part, one)) for part in parts], 0))


@dataclass(frozen=True)
class _Word:
    """A tensor of `ui32` with the operators of :class:`weft.dialects.ml.random_bits.Word`."""

    builder: LocatedBuilder
    value: SSAValue

    def _with(self, op: type[BinaryOp], other: _Word) -> _Word:
        return _Word(self.builder, put(self.builder, op(self.value, other.value)))

    def __add__(self, other: _Word) -> _Word:
        return self._with(ml.AddOp, other)

    def __xor__(self, other: _Word) -> _Word:
        return self._with(ml.XorOp, other)

    def __or__(self, other: _Word) -> _Word:
        return self._with(ml.OrOp, other)

    def __lshift__(self, other: _Word) -> _Word:
        return self._with(ml.ShiftLeftOp, other)

    def __rshift__(self, other: _Word) -> _Word:
        return self._with(ml.ShiftRightLogicalOp, other)


def _halves(builder: LocatedBuilder, value: SSAValue) -> tuple[_Word, _Word]:
    """The low and the high word of `ui64`s."""
    high = put(builder, ml.ShiftRightLogicalOp(value, filled(builder, value, 32)))
    low, high = (put(builder, ml.ConvertOp(half, UI32)) for half in (value, high))
    return _Word(builder, low), _Word(builder, high)
