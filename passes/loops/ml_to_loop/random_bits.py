"""Random bits: a nest over the blocks, each of which gives a few elements in a row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod

from xdsl.dialects import arith
from xdsl.dialects.builtin import DYNAMIC_INDEX, i32, i64
from xdsl.ir import SSAValue

from weft.dialects import ml
from weft.dialects.loop.linear import Linear, linear
from weft.dialects.ml.base import MlOp, tensor_type
from weft.dialects.ml.dims import FloorDiv, Product, Sum
from weft.dialects.ml.random_bits import Layout, philox4x32, threefry2x32
from weft.passes.loops.ml_to_loop.body import AnyInteger, Body, integer_type, signless
from weft.passes.loops.ml_to_loop.kernel import Kernel
from weft.passes.loops.ml_to_loop.nests import Index, Nest, loop_names
from weft.passes.loops.reify import Size


def rng_bit_generator(kernel: Kernel, op: MlOp) -> None:
    """An `ml.rng_bit_generator`: into the result where the blocks fill it in order, else by way of a buffer."""
    assert isinstance(op, ml.RngBitGeneratorOp)
    blocks = _blocks_of(kernel, op)
    _next_state(kernel, op, blocks)
    layout, shape = blocks.layout, kernel.dims(op.output)
    target = integer_type(signless(tensor_type(op.output).element_type))
    result = kernel.home(op.output)
    fits = blocks.wide == shape
    buffer = result if fits else kernel.alloc("bits", target, blocks.wide)
    nest, index = Nest.top(kernel).loops(blocks.sizes, loop_names(len(blocks.sizes)))
    for number, value in enumerate(_elements(nest, op, blocks.number(index), layout, target)):
        place = (form * layout.run + number if axis == layout.dim else form for axis, form in enumerate(index))
        nest.store(value, buffer, tuple(place))
    if not fits:
        copy, index = Nest.top(kernel).loops(shape, [f"{name}x" for name in loop_names(len(shape))])
        source = (_row_major(index, tensor_type(op.output).get_shape()),) if layout.flat else index
        copy.store(copy.load(buffer, source), result, index)


@dataclass(frozen=True)
class _Blocks:
    """The blocks of an op: their layout, how many there are along each dimension, and the sizes of all their elements.

    Where the run knows the sizes, there is one dimension, and `layout` says nothing of its own sizes.
    """

    layout: Layout
    sizes: tuple[Size, ...]
    wide: tuple[Size, ...]

    @property
    def count(self) -> Linear:
        """How many there are."""
        return linear(self.sizes[0]) if len(self.sizes) == 1 else linear(self.layout.count)

    def number(self, index: Index) -> Linear:
        """The number of a block in row-major order."""
        return index[0] if len(index) == 1 else _row_major(index, self.layout.blocks)


def _blocks_of(kernel: Kernel, op: ml.RngBitGeneratorOp) -> _Blocks:
    shape = tensor_type(op.output).get_shape()
    if DYNAMIC_INDEX not in shape:
        layout = op.layout(shape)
        wide = (size * layout.run if axis == layout.dim else size for axis, size in enumerate(layout.blocks))
        return _Blocks(layout, layout.blocks, tuple(wide))
    layout = replace(op.layout([1]), flat=False)
    count = FloorDiv(Sum((op.result_dims()[1][0], layout.run - 1)), layout.run)
    sizes = (kernel.sizes.size(count, op), kernel.sizes.size(Product((count, layout.run)), op))
    return _Blocks(layout, sizes[:1], sizes[1:])


def _row_major(index: Index, shape: Sequence[int]) -> Linear:
    """The number of a place in row-major order."""
    total = linear(0)
    for axis, form in enumerate(index):
        total += form * prod(shape[axis + 1 :])
    return total


def _next_state(kernel: Kernel, op: ml.RngBitGeneratorOp, blocks: _Blocks) -> None:
    """The key, and the counter of the block after the last one."""
    buffer, top = kernel.home(op.output_state), Nest.top(kernel)
    for place, value in enumerate(_counter(top, op, blocks.count)[: tensor_type(op.output_state).get_shape()[0]]):
        top.store(value, buffer, (linear(place),))


def _counter(nest: Nest, op: ml.RngBitGeneratorOp, number: Linear) -> tuple[SSAValue, SSAValue, SSAValue]:
    """The key, and the low and the high half of the counter of a block, as `i64`."""
    body, longer = nest.body, tensor_type(op.initial_state).get_shape()[0] == 3
    state = [nest.element(op.initial_state, (linear(place),)) for place in range(3 if longer else 2)]
    low = body.put(arith.AddiOp(state[1], nest.number(number, i64)))
    carry = body.put(arith.ExtUIOp(body.cmpi("ult", low, state[1]), i64))
    return state[0], low, body.put(arith.AddiOp(state[2] if longer else state[0], carry))


def _elements(
    nest: Nest, op: ml.RngBitGeneratorOp, number: Linear, layout: Layout, target: AnyInteger
) -> list[SSAValue]:
    """The elements that a block gives."""
    body = nest.body
    key, low, high = (_halves(body, value) for value in _counter(nest, op, number))

    def constant(value: int) -> _Word:
        return _Word(body, body.constant(value, i32))

    if op.is_threefry:
        block: Sequence[_Word] = threefry2x32(low, key, constant)
    else:
        block = philox4x32((*low, *high), key, constant, _product)
    words = [word.value for word in block]
    if layout.words == 2:
        return [_joined(body, *pair) for pair in zip(words[::2], words[1::2], strict=True)][: layout.run]
    return [body.resize_integer(word, target, signed=False) for word in words[: layout.run]]


@dataclass(frozen=True)
class _Word:
    """An `i32` with the operators of :class:`weft.dialects.ml.random_bits.Word`."""

    body: Body
    value: SSAValue

    def _with(self, op: type[arith.SignlessIntegerBinaryOperation], other: _Word) -> _Word:
        return _Word(self.body, self.body.put(op(self.value, other.value)))

    def __add__(self, other: _Word) -> _Word:
        return self._with(arith.AddiOp, other)

    def __xor__(self, other: _Word) -> _Word:
        return self._with(arith.XOrIOp, other)

    def __or__(self, other: _Word) -> _Word:
        return self._with(arith.OrIOp, other)

    def __lshift__(self, other: _Word) -> _Word:
        return self._with(arith.ShLIOp, other)

    def __rshift__(self, other: _Word) -> _Word:
        return self._with(arith.ShRUIOp, other)


def _halves(body: Body, value: SSAValue) -> tuple[_Word, _Word]:
    """The low and the high word of an `i64`."""
    high = body.put(arith.ShRUIOp(value, body.like(32, value)))
    return _Word(body, body.put(arith.TruncIOp(value, i32))), _Word(body, body.put(arith.TruncIOp(high, i32)))


def _product(word: _Word, number: int) -> tuple[_Word, _Word]:
    """The high and the low word of a product with a number."""
    body = word.body
    wide = body.put(arith.ExtUIOp(word.value, i64))
    low, high = _halves(body, body.put(arith.MuliOp(wide, body.like(number, wide))))
    return high, low


def _joined(body: Body, low: SSAValue, high: SSAValue) -> SSAValue:
    """Two words as an `i64`."""
    upper = body.put(arith.ExtUIOp(high, i64))
    upper = body.put(arith.ShLIOp(upper, body.like(32, upper)))
    return body.put(arith.OrIOp(body.put(arith.ExtUIOp(low, i64)), upper))
