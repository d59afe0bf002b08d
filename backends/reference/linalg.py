"""The `linalg` dialect: structured ops, by their maps, iterators and body; in place on memrefs.

The body runs once for each point of the reduction loops, on whole arrays over the parallel loops, where it holds
scalar arithmetic only and no output is written twice by parallel points; else once for each point.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from xdsl.dialects import arith
from xdsl.dialects.builtin import AnyFloat
from xdsl.dialects.linalg import ops as linalg
from xdsl.dialects.linalg.abstract_ops import LinalgStructuredOperation
from xdsl.dialects.linalg.attrs import IteratorType
from xdsl.interpreter import ReturnedValues
from xdsl.ir import Operation, Region, SSAValue
from xdsl.ir.affine import AffineDimExpr, AffineMap

from weft import codes
from weft.backends.reference.machine import Machine, Rules, rule_of
from weft.backends.reference.values import Buffer, is_array
from weft.dialects.locations import error_at
from weft.dialects.ml.dtypes import Array
from weft.dialects.scalars.types import INDEX, Value, element_of

_SCALAR_DIALECTS = ("arith", "math")


@dataclass(frozen=True)
class _Access:
    """An operand of a structured op: a scalar (without a shape) or an array, and the map that indexes it."""

    value: Value
    map: AffineMap

    def index(self, op: Operation, point: Sequence[Any]) -> tuple[Any, ...]:
        """The index at a point; counters may be arrays. Raises :class:`WeftError` for one outside."""
        index = tuple(self.map.eval(point, ()))
        for axis, (i, n) in enumerate(zip(index, np.shape(self.value), strict=True)):
            if np.size(i) and not (np.min(i) >= 0 and np.max(i) < n):
                raise error_at(
                    op,
                    f"'{op.name}' leaves dimension {axis} of an operand, whose size is {n}",
                    code=codes.OUT_OF_BOUNDS,
                )
        return index

    def is_same(self, other: _Access) -> bool:
        """Whether both reach the same elements at every point."""
        mine, theirs = self.value.__array_interface__, other.value.__array_interface__
        same_place = mine["data"] == theirs["data"] and self.value.strides == other.value.strides
        return self.map == other.map and same_place

    def read(self, op: Operation, point: Sequence[Any]) -> Value:
        """The elements at a point."""
        return self.value[self.index(op, point)] if is_array(self.value) else self.value


def _structured(machine: Machine, op: LinalgStructuredOperation, args: tuple[Value, ...]) -> tuple[Value, ...]:
    values = [arg.array if isinstance(arg, Buffer) else arg for arg in args]
    first = len(op.inputs)
    if op.res:
        values[first:] = [value.copy() for value in values[first:]]
    maps = [attr.data for attr in op.get_indexing_maps()]
    accesses = [_Access(value, map_) for value, map_ in zip(values, maps, strict=True)]
    ranges = _loop_ranges(op, values)
    kinds = [attr.data for attr in op.get_iterator_types()]
    whole = [kind is IteratorType.PARALLEL for kind in kinds]
    if not _runs_whole(op.body, accesses, first, whole):
        whole = [False] * len(whole)
    _run(machine, op, op.body, accesses, first, ranges, whole)
    return tuple(values[first:]) if op.res else ()


def _loop_ranges(op: LinalgStructuredOperation, values: Sequence[Value]) -> tuple[int, ...]:
    sizes = [n for value in values if is_array(value) for n in value.shape]
    return tuple(op.get_shapes_to_loops_map().eval(sizes, []))


def _runs_whole(body: Region, accesses: Sequence[_Access], first: int, whole: Sequence[bool]) -> bool:
    """Whether the body may run on arrays over the parallel loops."""
    scalar = all(
        op.dialect_name() in _SCALAR_DIALECTS or isinstance(op, linalg.IndexOp | linalg.YieldOp)
        for op in body.block.ops
    )
    parallel = {axis for axis, is_whole in enumerate(whole) if is_whole}
    outputs = accesses[first:]
    once = all(
        parallel <= {e.position for e in output.map.results if isinstance(e, AffineDimExpr)} for output in outputs
    )
    apart = not any(
        not output.is_same(other) and np.may_share_memory(output.value, other.value)
        for output in outputs
        for other in accesses
        if is_array(other.value)
    )
    return scalar and once and apart


def _run(
    machine: Machine,
    op: Operation,
    body: Region,
    accesses: Sequence[_Access],
    first: int,
    ranges: Sequence[int],
    whole: Sequence[bool],
) -> None:
    """Run the body over all points: loops that are `whole` at once, the others one by one."""
    if 0 in ranges:
        return
    grids = iter(np.ogrid[tuple(slice(n) for n, w in zip(ranges, whole, strict=True) if w)])
    axes: list[Sequence[Any]] = [
        [next(grids).astype(INDEX)] if w else [INDEX.type(i) for i in range(n)]
        for n, w in zip(ranges, whole, strict=True)
    ]
    indices = [_counter(inner) for inner in body.walk() if isinstance(inner, linalg.IndexOp)]
    for point in product(*axes):
        machine.set_values((result, point[dim]) for result, dim in indices)
        inputs = tuple(access.read(op, point) for access in accesses)
        results = machine.run_ssacfg_region(body, inputs)
        for output, result in zip(accesses[first:], results, strict=True):
            output.value[output.index(op, point)] = result


def _counter(op: linalg.IndexOp) -> tuple[SSAValue, int]:
    return op.result, op.dim.value.data


def _index(machine: Machine, op: linalg.IndexOp, args: tuple[Value, ...]) -> tuple[Value, ...]:
    return machine.get_values((op.result,))


def _pooling_max(machine: Machine, op: linalg.PoolingNchwMaxOp, args: tuple[Value, ...]) -> tuple[Value, ...]:
    """xDSL's hidden region compares with the window operand; the op's meaning is the greatest element."""
    source, window, out = (arg.array if isinstance(arg, Buffer) else arg for arg in args)
    result = out.copy() if op.res else out
    maps = [attr.data for attr in op.get_indexing_maps()]
    reads, writes = _Access(source, maps[0]), _Access(result, maps[2])
    is_float = isinstance(element_of(op.outputs[0].type), AnyFloat)
    greatest = rule_of(arith.MaximumfOp if is_float else arith.MaxSIOp)
    assert greatest is not None
    template = next(iter(op.body.block.ops))
    rows, columns = window.shape
    grid = [axis.astype(INDEX) for axis in np.ogrid[tuple(slice(n) for n in result.shape)]]
    for row, column in product(range(rows), range(columns)):
        point = (*grid, row, column)
        seen = (reads.read(op, point), writes.read(op, point))
        result[writes.index(op, point)] = greatest(machine, template, seen)[0]
    return (result,) if op.res else ()


def _broadcast(machine: Machine, op: linalg.BroadcastOp, args: tuple[Value, ...]) -> tuple[Value, ...]:
    source, out = (arg.array if isinstance(arg, Buffer) else arg for arg in args)
    added = op.dimensions.get_values()
    wide = np.expand_dims(source, added)
    if any(n not in (1, m) for n, m in zip(wide.shape, out.shape, strict=True)):
        raise error_at(
            op,
            f"'linalg.broadcast' of sizes {list(source.shape)} does not give {list(out.shape)}",
            code=codes.OUT_OF_BOUNDS,
        )
    return _written(out, np.broadcast_to(wide, out.shape), bool(op.result))


def _written(out: Array, value: Array, fresh: bool) -> tuple[Value, ...]:
    result = out.copy() if fresh else out
    result[...] = value
    return (result,) if fresh else ()


def _reduce(machine: Machine, op: linalg.ReduceOp, args: tuple[Value, ...]) -> tuple[Value, ...]:
    source, out = (arg.array if isinstance(arg, Buffer) else arg for arg in args)
    result = out.copy() if op.result else out
    axes = op.dimensions.get_values()
    rank = source.ndim
    kept = tuple(AffineDimExpr(axis) for axis in range(rank) if axis not in axes)
    accesses = [_Access(source, AffineMap.identity(rank)), _Access(result, AffineMap(rank, 0, kept))]
    whole = [axis not in axes for axis in range(rank)]
    if not _runs_whole(op.region, accesses, 1, whole):
        whole = [False] * rank
    _run(machine, op, op.region, accesses, 1, source.shape, whole)
    return (result,) if op.result else ()


def _yield(machine: Machine, op: linalg.YieldOp, args: tuple[Value, ...]) -> tuple[Value, ...]:
    return ReturnedValues(args)


RULES: Rules = {
    LinalgStructuredOperation: _structured,
    linalg.PoolingNchwMaxOp: _pooling_max,
    linalg.BroadcastOp: _broadcast,
    linalg.ReduceOp: _reduce,
    linalg.IndexOp: _index,
    linalg.YieldOp: _yield,
}
