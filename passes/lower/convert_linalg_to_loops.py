"""The pass `convert-linalg-to-loops`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from xdsl.context import Context
from xdsl.dialects import memref, scf
from xdsl.dialects.builtin import DYNAMIC_INDEX, MemRefType, ModuleOp
from xdsl.dialects.linalg.abstract_ops import LinalgStructuredOperation
from xdsl.dialects.linalg.ops import BroadcastOp, IndexOp, ReduceOp, YieldOp
from xdsl.ir import Block, Operation, Region, SSAValue
from xdsl.ir.affine import AffineDimExpr, AffineExpr, AffineMap
from xdsl.passes import ModulePass
from xdsl.rewriter import InsertPoint
from xdsl.utils.hints import isa

from weft import codes
from weft.dialects.locations import error_at
from weft.dialects.walking import inside
from weft.passes.lower.affine_expressions import expand_map, index_constant
from weft.passes.rewriting import LocatedBuilder


@dataclass(frozen=True)
class ConvertLinalgToLoops(ModulePass):
    """Turns structured ops on memrefs (`linalg.generic` and the named ops) into `scf.for` nests over scalars.

    **Before**
    ```mlir
    linalg.add ins(%a, %b : memref<?xf32>, memref<?xf32>) outs(%c : memref<?xf32>)
    ```
    **After**
    ```mlir
    %n = memref.dim %a, %c0 : memref<?xf32>
    scf.for %i = %c0 to %n step %c1 {
      %0 = memref.load %a[%i] : memref<?xf32>
      %1 = memref.load %b[%i] : memref<?xf32>
      %2 = arith.addf %0, %1 : f32
      memref.store %2, %c[%i] : memref<?xf32>
    }
    ```

    **Needs** memrefs: an op on tensors is an error. **Leaves alone** all other dialects.
    """

    name = "convert-linalg-to-loops"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Run the pass. Raises :class:`WeftError` for an op on tensors, and for one whose loops have no bounds."""
        for inner in inside(op):
            if inner.name.startswith("linalg.") and isinstance(
                inner, LinalgStructuredOperation | BroadcastOp | ReduceOp
            ):
                lower_structured(inner)


def lower_structured(op: LinalgStructuredOperation | BroadcastOp | ReduceOp) -> None:
    """Put loops in the place of one op. Raises as the pass does."""
    _lower(_structure(op))


@dataclass(frozen=True)
class _Structure:
    """A structured op: what it reads and writes, by which maps, and its body."""

    op: Operation
    operands: Sequence[SSAValue]
    maps: Sequence[AffineMap]
    outputs: int
    """How many of the operands, the last ones, are written."""
    body: Block

    @property
    def loops(self) -> int:
        """How many loops the op stands for."""
        return self.maps[0].num_dims


def _structure(op: LinalgStructuredOperation | BroadcastOp | ReduceOp) -> _Structure:
    if isinstance(op, LinalgStructuredOperation):
        maps = [attr.data for attr in op.get_indexing_maps()]
        return _Structure(op, op.operands, maps, len(op.outputs), op.body.block)
    broadcast = isinstance(op, BroadcastOp)
    whole, part = (op.init, op.input) if broadcast else (op.input, op.init)
    rank = len(whole.type.get_shape()) if isa(whole.type, MemRefType) else 0
    missing = op.dimensions.get_values()
    kept: list[AffineExpr] = [AffineExpr.dimension(dim) for dim in range(rank) if dim not in missing]
    by_value = {whole: AffineMap.identity(rank), part: AffineMap(rank, 0, tuple(kept))}
    body = op.hidden_region.block if isinstance(op, BroadcastOp) else op.region.block
    return _Structure(op, (op.input, op.init), [by_value[op.input], by_value[op.init]], 1, body)


def _lower(s: _Structure) -> None:
    builder = LocatedBuilder.before(s.op)
    if s.op.results:
        raise error_at(
            s.op,
            f"'{s.op.name}' on tensors cannot become loops",
            "run the pass 'bufferize' first",
            code=codes.WRONG_STOP,
        )
    bounds = [_bound(builder, s, loop) for loop in range(s.loops)]
    zero, one = index_constant(builder, 0), index_constant(builder, 1)
    counters: list[SSAValue] = []
    for bound in bounds:
        block = Block(arg_types=[bound.type])
        builder.insert(scf.ForOp(zero, bound, one, (), Region(block)))
        end = LocatedBuilder(InsertPoint.at_end(block), s.op.location).insert(scf.YieldOp())
        counters.append(block.args[0])
        builder = LocatedBuilder(InsertPoint.before(end), s.op.location)
    _body(builder, s, counters)
    s.op.detach()
    s.op.erase()


def _bound(builder: LocatedBuilder, s: _Structure, loop: int) -> SSAValue:
    """The size of the first dimension that a loop runs along."""
    for operand, map_ in zip(s.operands, s.maps, strict=True):
        for dim, result in enumerate(map_.results):
            if result != AffineDimExpr(loop) or not isa(operand.type, MemRefType):
                continue
            size = operand.type.get_shape()[dim]
            if size != DYNAMIC_INDEX:
                return index_constant(builder, size)
            return builder.insert(memref.DimOp(operand, index_constant(builder, dim))).result
    raise error_at(
        s.op,
        f"loop {loop} of '{s.op.name}' has no bound: no operand's dimension is that loop alone",
        code=codes.CANNOT_LOWER,
    )


def _body(builder: LocatedBuilder, s: _Structure, counters: Sequence[SSAValue]) -> None:
    """Loads, the body's ops, stores."""
    places = [
        expand_map(builder, map_, counters) if isa(operand.type, MemRefType) else []
        for operand, map_ in zip(s.operands, s.maps, strict=True)
    ]
    values: dict[SSAValue, SSAValue] = {}
    for operand, place, argument in zip(s.operands, places, s.body.args, strict=True):
        if not isa(operand.type, MemRefType):
            values[argument] = operand
        elif argument.first_use is not None:
            values[argument] = builder.insert(memref.LoadOp.get(operand, place)).res
    for inner in s.body.ops:
        if isinstance(inner, YieldOp):
            _store(builder, s, places, [values.get(value, value) for value in inner.operands])
        elif inner.name == IndexOp.name:
            index = cast(IndexOp, inner)
            values[index.result] = counters[index.dim.value.data]
        else:
            builder.insert(inner.clone(values))


def _store(
    builder: LocatedBuilder, s: _Structure, places: Sequence[Sequence[SSAValue]], results: Sequence[SSAValue]
) -> None:
    first = len(s.operands) - s.outputs
    for result, operand, place in zip(results, s.operands[first:], places[first:], strict=True):
        builder.insert(memref.StoreOp.get(result, operand, place))
