"""Sorts: each line is copied, sorted by merging runs of 1, 2, 4, ... from one buffer to another, and copied out.

A merge takes one element at a time, without branches: the places of the next elements of both runs are values that
a loop carries in registers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from xdsl.dialects import arith
from xdsl.dialects.builtin import DYNAMIC_INDEX, IndexType, MemRefType, i1, i32
from xdsl.ir import Attribute, SSAValue

from weft.dialects import ml
from weft.dialects.loop.buffers import AllocOp
from weft.dialects.loop.linear import Linear, linear
from weft.dialects.ml.base import MlOp, tensor_type
from weft.dialects.ml.dtypes import Kind, kind_of
from weft.passes.loops.ml_to_loop.body import Body, integer_type, signless
from weft.passes.loops.ml_to_loop.casts import total_order
from weft.passes.loops.ml_to_loop.kernel import Kernel
from weft.passes.loops.ml_to_loop.nests import Index, Nest, loop_names
from weft.passes.loops.reify import Size

GoesBefore = Callable[[Nest, Sequence[SSAValue], Sequence[SSAValue]], SSAValue]
"""Whether the elements of the second list go before those of the first."""

FEW_KEPT = 32
"""Up to so many greatest elements are found by insertion."""

LONGEST = 40
"""A line has less than two to the power of so many elements."""


def sort(kernel: Kernel, op: MlOp) -> None:
    """An `ml.sort`."""
    assert isinstance(op, ml.SortOp)
    dims = kernel.dims(op.inputs[0])
    buffers = [kernel.home(output) for output in op.outputs]
    if 0 in dims:
        return
    rows, place = _rows(kernel, dims, op.dim)
    line = _Line(rows, dims[op.dim], [signless(tensor_type(value).element_type) for value in op.inputs])

    def at(along: Linear) -> Index:
        return (*place[: op.dim], along, *place[op.dim :])

    line.fill(lambda nest, along: [nest.element(value, at(along)) for value in op.inputs])
    line.sort(_by_body(op))
    line.empty(buffers, at, dims[op.dim])


def top_k(kernel: Kernel, op: MlOp) -> None:
    """An `ml.top_k`: few elements are inserted as they come; for many, all are sorted and the first copied out."""
    assert isinstance(op, ml.TopKOp)
    dims = kernel.dims(op.operand)
    element = tensor_type(op.operand).element_type
    target = integer_type(tensor_type(op.indices).element_type)
    buffers = [kernel.home(op.values), kernel.home(op.indices)]
    if 0 in (*dims, op.count):
        return
    rows, place = _rows(kernel, dims, len(dims) - 1)
    if op.count <= FEW_KEPT:
        _insert(rows, place, op, buffers)
        return
    line = _Line(rows, dims[-1], [signless(element), target])
    line.fill(lambda nest, along: [nest.element(op.operand, (*place, along)), nest.number(along, target)])
    line.sort(lambda nest, old, new: _greater(nest.body, new[0], old[0], element))
    line.empty(buffers, lambda along: (*place, along), op.count)


def _insert(rows: Nest, place: Index, op: ml.TopKOp, buffers: Sequence[SSAValue]) -> None:
    """Carry each element of a line past those that are kept; where it is greater it stays, and all behind move on.

    What stands behind the first n kept elements after n steps is not looked at.
    """
    element = tensor_type(op.operand).element_type
    target = integer_type(tensor_type(op.indices).element_type)
    value, number = _State.of(rows, "value", signless(element)), _State.of(rows, "number", target)
    moving = _State.of(rows, "moving", i1)
    line, (along,) = rows.loops([rows.kernel.dims(op.operand)[-1]], ["in"])
    value.set(line, line.element(op.operand, (*place, along)))
    number.set(line, line.number(along, target))
    moving.set(line, rows.kernel.constant(0, i1))
    kept, (slot,) = line.loops([op.count], ["kept"])
    body, at = kept.body, (*place, slot)
    new, old = ([state.get(kept) for state in (value, number)], [kept.load(buffer, at) for buffer in buffers])
    empty = body.cmpi("sge", kept.place(slot - along), kept.kernel.constant(0, IndexType()))
    greater = body.put(arith.OrIOp(empty, _greater(body, new[0], old[0], element)))
    stays = body.put(arith.OrIOp(moving.get(kept), greater))
    moving.set(kept, stays)
    for now, before, state, buffer in zip(new, old, (value, number), buffers, strict=True):
        kept.store(body.select(stays, now, before), buffer, at)
        state.set(kept, body.select(stays, before, now))


def _rows(kernel: Kernel, dims: Sequence[Size], dim: int) -> tuple[Nest, Index]:
    """The loops over all dimensions but one."""
    others = [size for axis, size in enumerate(dims) if axis != dim]
    return Nest.top(kernel).loops(others, loop_names(len(others)))


def _by_body(op: ml.SortOp) -> GoesBefore:
    block = op.comparator.block
    end = block.last_op
    assert isinstance(end, ml.ReturnOp)
    result = end.values[0]

    def goes_before(nest: Nest, old: Sequence[SSAValue], new: Sequence[SSAValue]) -> SSAValue:
        for number, (before, after) in enumerate(zip(new, old, strict=True)):
            nest.bind(block.args[2 * number], before)
            nest.bind(block.args[2 * number + 1], after)
        return nest.element(result, ())

    return goes_before


def _greater(body: Body, a: SSAValue, b: SSAValue, element: Attribute) -> SSAValue:
    """Whether `a` is greater than `b`, floats by the total order."""
    kind = kind_of(element)
    if kind is Kind.FLOAT:
        return body.cmpi("sgt", total_order(body, a), total_order(body, b))
    return body.cmpi("sgt" if kind is Kind.SIGNED else "ugt", a, b)


@dataclass
class _State:
    """A value that loops carry."""

    buffer: SSAValue

    @staticmethod
    def of(rows: Nest, name: str, type_: Attribute) -> _State:
        """A new one, of a type."""
        alloc = AllocOp("reg", rows.kernel.fresh_name(name), MemRefType(type_, []))
        return _State(rows.builder.insert(alloc).result)

    def get(self, nest: Nest) -> SSAValue:
        """The value now."""
        return nest.load(self.buffer, ())

    def set(self, nest: Nest, value: SSAValue) -> None:
        """Make it another value."""
        nest.store(value, self.buffer, ())


class _Line:
    """One line of each operand while it is sorted, in buffers of its own, inside the loops over the lines."""

    def __init__(self, rows: Nest, size: Size, elements: Sequence[Attribute]) -> None:
        self.rows, self.size = rows, size
        self.kernel = rows.kernel
        self.now = [self._alloc("a", element) for element in elements]
        self.next = [self._alloc("b", element) for element in elements]
        self.left, self.right, self.middle, self.end, self.width = (
            _State.of(rows, name, IndexType()) for name in ("left", "right", "middle", "end", "width")
        )

    def _alloc(self, name: str, element: Attribute) -> SSAValue:
        type_ = MemRefType(element, [self.size if isinstance(self.size, int) else DYNAMIC_INDEX])
        sizes = [self.size] if isinstance(self.size, SSAValue) else []
        return self.rows.builder.insert(AllocOp("heap", self.kernel.fresh_name(name), type_, sizes)).result

    def _index(self, number: int) -> SSAValue:
        return self.kernel.constant(number, IndexType())

    def fill(self, elements: Callable[[Nest, Linear], Sequence[SSAValue]]) -> None:
        """Store the elements of the line."""
        nest, (along,) = self.rows.loops([self.size], ["in"])
        for value, buffer in zip(elements(nest, along), self.now, strict=True):
            nest.store(value, buffer, (along,))

    def empty(self, buffers: Sequence[SSAValue], at: Callable[[Linear], Index], count: Size) -> None:
        """Copy the first elements of the line to their places in the results."""
        nest, (along,) = self.rows.loops([count], ["out"])
        for source, target in zip(self.now, buffers, strict=True):
            nest.store(nest.load(source, (along,)), target, at(along))

    def sort(self, goes_before: GoesBefore) -> None:
        """Merge there and back, until a run is as long as the line."""
        self.width.set(self.rows, self._index(1))
        rounds, _ = self.rows.loops([_rounds(self.kernel, self.size)], ["round"])
        for source, target in ((self.now, self.next), (self.next, self.now)):
            self.end.set(rounds, self._index(0))
            for state in (self.left, self.right, self.middle):
                state.set(rounds, self._index(0))
            self._merge(rounds, source, target, goes_before)
            width = self.width.get(rounds)
            self.width.set(rounds, rounds.body.put(arith.AddiOp(width, width)))

    def _merge(
        self, rounds: Nest, sources: Sequence[SSAValue], targets: Sequence[SSAValue], goes_before: GoesBefore
    ) -> None:
        """Merge neighbouring runs of `width` elements."""
        nest, (along,) = rounds.loops([self.size], ["merge"])
        body = nest.body
        left, right, middle, end = self._run(nest, nest.place(along))
        last = nest.place(linear(self.size) - 1)
        old, new = (
            [nest.load(source, (linear(body.put(arith.MinSIOp(place, last))),)) for source in sources]
            for place in (left, right)
        )
        first = body.put(arith.OrIOp(body.cmpi("sge", left, middle), goes_before(nest, old, new)))
        later = body.put(arith.AndIOp(body.cmpi("slt", right, end), first))
        for a, b, target in zip(old, new, targets, strict=True):
            nest.store(body.select(later, b, a), target, (along,))
        one, zero = self._index(1), self._index(0)
        self.left.set(nest, body.put(arith.AddiOp(left, body.select(later, zero, one))))
        self.right.set(nest, body.put(arith.AddiOp(right, body.select(later, one, zero))))
        self.middle.set(nest, middle)
        self.end.set(nest, end)

    def _run(self, nest: Nest, at: SSAValue) -> tuple[SSAValue, SSAValue, SSAValue, SSAValue]:
        """The next places in both runs, and the ends of both; the next pair of runs where one pair is merged."""
        body, size = nest.body, nest.place(linear(self.size))
        width = self.width.get(nest)
        middle = body.put(arith.MinSIOp(body.put(arith.AddiOp(at, width)), size))
        end = body.put(arith.MinSIOp(body.put(arith.AddiOp(middle, width)), size))
        done = body.cmpi("eq", at, self.end.get(nest))
        return (
            body.select(done, at, self.left.get(nest)),
            body.select(done, middle, self.right.get(nest)),
            body.select(done, middle, self.middle.get(nest)),
            body.select(done, end, self.end.get(nest)),
        )


def _rounds(kernel: Kernel, size: Size) -> Size:
    """How often to merge there and back: half of the binary logarithm of the size, both rounded up."""
    if isinstance(size, int):
        return -(-max(size - 1, 0).bit_length() // 2)
    top = Nest(kernel, kernel.top)
    count = top.body.like(0, size)
    for power in range(0, LONGEST, 2):
        longer = top.body.cmpi("sgt", size, top.body.like(1 << power, size))
        one = top.body.put(arith.ExtUIOp(longer, i32))
        count = top.body.put(arith.AddiOp(count, top.body.put(arith.IndexCastOp(one, IndexType()))))
    return count
