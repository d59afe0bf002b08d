"""Softmax: the greatest of a line, the exponentials and their sum, the shares."""

from __future__ import annotations

from xdsl.dialects import arith, math

from weft.dialects import ml
from weft.dialects.loop.linear import Linear
from weft.dialects.ml.base import MlOp, tensor_type
from weft.passes.loops.ml_to_loop.body import signless, wide
from weft.passes.loops.ml_to_loop.kernel import Kernel
from weft.passes.loops.ml_to_loop.nests import Index, Nest, loop_names


def softmax(kernel: Kernel, op: MlOp) -> None:
    """Three loops along the axis. Lines along the last axis go one at a time; others side by side, in three nests.

    f16 and bf16 are computed in f32 and rounded once.
    """
    assert isinstance(op, ml.SoftmaxOp)
    dims, lines = kernel.dims(op.operand), _Lines(kernel, op)
    steps = (("m", lines.greatest), ("e", lines.exponentials), ("d", lines.shares))
    names = loop_names(len(dims))
    if op.dim == len(dims) - 1:
        nest, place = Nest.top(kernel).loops(dims[:-1], names[:-1])
        for tag, step in steps:
            inner, along = nest.loops(dims[-1:], [names[-1] + tag])
            step(inner, place, along[0])
        return
    for tag, step in steps:
        nest, index = Nest.top(kernel).loops(dims, [name + tag for name in names])
        step(nest, (*index[: op.dim], *index[op.dim + 1 :]), index[op.dim])


class _Lines:
    """The bodies of the three loops: `place` is the line, `along` the counter along it."""

    def __init__(self, kernel: Kernel, op: ml.SoftmaxOp) -> None:
        own = tensor_type(op.result).element_type
        element = wide(own)
        dims = kernel.dims(op.operand)
        lines = (*dims[: op.dim], *dims[op.dim + 1 :])
        self.op, self.own = op, signless(own)
        self.most = kernel.alloc("m", element, lines)
        self.sums = kernel.alloc("z", element, lines)
        self.result = kernel.home(op.result)
        by_line = op.dim == len(dims) - 1  # of these, one is needed at a time, and stays in the caches
        self.parts = kernel.alloc("e", element, dims) if by_line or element != own else self.result

    def _index(self, place: Index, along: Linear) -> Index:
        return (*place[: self.op.dim], along, *place[self.op.dim :])

    def greatest(self, nest: Nest, place: Index, along: Linear) -> None:
        """m = max(m, x)."""
        value = nest.wide_element(self.op.operand, self._index(place, along))
        nest.reduce("max", value, self.most, place, (along,))

    def exponentials(self, nest: Nest, place: Index, along: Linear) -> None:
        """e = exp(x - m); z = z + e."""
        index = self._index(place, along)
        value = nest.wide_element(self.op.operand, index)
        shifted = nest.body.put(arith.SubfOp(value, nest.load(self.most, place)))
        part = nest.body.put(math.ExpOp(shifted))
        nest.store(part, self.parts, index)
        nest.reduce("add", part, self.sums, place, (along,))

    def shares(self, nest: Nest, place: Index, along: Linear) -> None:
        """y = e * (1 / z); z is 1 or more, or NaN."""
        index = self._index(place, along)
        sums = nest.load(self.sums, place)
        inverse = nest.body.put(arith.DivfOp(nest.kernel.constant(1.0, sums.type), sums))
        share = nest.body.put(arith.MulfOp(nest.load(self.parts, index), inverse))
        nest.store(nest.body.resize_float(share, self.own), self.result, index)
