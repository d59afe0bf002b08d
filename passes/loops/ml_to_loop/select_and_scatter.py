"""Windows that select an element each, and scatter to it: one nest in order, the selection kept in registers."""

from __future__ import annotations

from xdsl.dialects import arith
from xdsl.dialects.builtin import MemRefType, i1, i64
from xdsl.ir import Attribute, Region, SSAValue

from weft.dialects import ml
from weft.dialects.loop.buffers import AllocOp
from weft.dialects.loop.linear import Linear
from weft.dialects.ml.base import MlOp, tensor_type
from weft.passes.loops.ml_to_loop.body import signless
from weft.passes.loops.ml_to_loop.kernel import Kernel
from weft.passes.loops.ml_to_loop.lookups import as_form
from weft.passes.loops.ml_to_loop.nests import Index, Nest, loop_names
from weft.passes.loops.ml_to_loop.shapes import Source, Space, with_space
from weft.passes.loops.reify import Size


def select_and_scatter(kernel: Kernel, op: MlOp) -> None:
    """An `ml.select_and_scatter`: fill the result, then go through the places of the window in order."""
    assert isinstance(op, ml.SelectAndScatterOp)
    dims, places = kernel.dims(op.operand), kernel.dims(op.source)
    out = kernel.home(op.result)
    nest, index = Nest.top(kernel).loops(dims, [f"{name}z" for name in loop_names(len(dims))])
    nest.store(nest.element(op.init_value, ()), out, index)
    if 0 in dims or 0 in places:
        return

    def build(top: Nest) -> None:
        outer, place = top.loops(places, loop_names(len(places)))
        chosen = _Chosen(outer, op, place, source)
        found = chosen.search()
        spot = tuple(as_form(outer, number) for number in found)
        present = outer.load(out, spot)
        combined = _apply(outer, op.scatter, present, outer.element(op.source, place))
        outer.store(outer.body.select(outer.load(chosen.any, ()), combined, present), out, spot)

    source = _source(kernel, op)
    Nest.top(kernel).where_some(dims, build, lambda top: None)


def _source(kernel: Kernel, op: ml.SelectAndScatterOp) -> Source:
    """The operand with its padding; what stands there is never selected."""
    sliding, element = op.sliding, signless(tensor_type(op.operand).element_type)
    dims = [kernel.sizes.size(size, op) for size in sliding.padded(op.operand_dims(0))]
    repeats: list[Size] = [-(-size // stride) for size, stride in zip(sliding.window, sliding.stride, strict=True)]
    spaces = [Space(low, high) for low, high in sliding.pad]
    return with_space(kernel, op.operand, spaces, dims, lambda nest: kernel.constant(0, element), repeats)


def _apply(nest: Nest, region: Region, *arguments: SSAValue) -> SSAValue:
    """The value of a body for scalars."""
    inner = Nest(nest.kernel, nest.builder)
    for parameter, argument in zip(region.block.args, arguments, strict=True):
        inner.bind(parameter, argument)
    end = region.block.last_op
    assert isinstance(end, ml.ReturnOp)
    return inner.element(end.values[0], ())


class _Chosen:
    """The element that a window has selected so far: whether there is one, its value, and its place."""

    def __init__(self, nest: Nest, op: ml.SelectAndScatterOp, place: Index, source: Source) -> None:
        self.nest, self.op, self.place, self.source = nest, op, place, source
        self.any = self._register("any", i1, 0)
        self.value = self._register("v", signless(tensor_type(op.operand).element_type), 0)
        self.spots = [self._register(f"at{axis}", i64, 0) for axis in range(len(place))]

    def _register(self, name: str, element: Attribute, first: int) -> SSAValue:
        kernel = self.nest.kernel
        made = AllocOp("reg", kernel.fresh_name(name), MemRefType(element, []))
        buffer = self.nest.builder.insert(made).result
        self.nest.store(kernel.constant(first, element), buffer, ())
        return buffer

    def search(self) -> list[SSAValue]:
        """Go through the window; the place of what it selects, 0 where there is nothing."""
        sliding = self.op.sliding
        names = [f"{name}w" for name in loop_names(len(self.place))]
        inner, within = self.nest.loops(sliding.window, names)
        steps = list(zip(self.place, sliding.stride, within, strict=True))
        padded = tuple(at * stride + point for at, stride, point in steps)
        spot = [form - low for form, (low, _) in zip(padded, sliding.pad, strict=True)]
        body = inner.body
        new = self.source.element(inner, padded)
        kept = _apply(inner, self.op.select, old := inner.load(self.value, ()), new)
        found = inner.load(self.any, ())
        keeps = body.put(arith.AndIOp(found, kept))
        takes = body.select(keeps, body.like(0, keeps), self._inside(inner, spot))
        inner.store(body.select(takes, new, old), self.value, ())
        inner.store(body.put(arith.OrIOp(found, takes)), self.any, ())
        for form, buffer in zip(spot, self.spots, strict=True):
            number = inner.number(form, i64)
            inner.store(body.select(takes, number, inner.load(buffer, ())), buffer, ())
        return [self.nest.load(buffer, ()) for buffer in self.spots]

    def _inside(self, nest: Nest, spot: list[Linear]) -> SSAValue:
        """Whether a place is one of the operand, not of its padding."""
        result = nest.kernel.constant(1, i1)
        for form, size, (low, high) in zip(spot, nest.kernel.dims(self.op.operand), self.op.sliding.pad, strict=True):
            number = nest.number(form, i64)
            if low > 0:
                result = nest.body.put(arith.AndIOp(result, nest.body.cmpi("sge", number, nest.body.like(0, number))))
            if high > 0:
                limit = nest.number(Linear() + size, i64)
                result = nest.body.put(arith.AndIOp(result, nest.body.cmpi("slt", number, limit)))
        return result
