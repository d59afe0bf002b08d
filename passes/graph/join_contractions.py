"""join-contractions: narrow contractions of one left side become one wide one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import numpy as np
from xdsl.context import Context
from xdsl.dialects import func
from xdsl.dialects.builtin import ModuleOp, TensorType
from xdsl.ir import Block, Operation, SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import InsertPoint, Rewriter

from weft.dialects import ml
from weft.dialects.locations import fuse
from weft.dialects.ml.base import tensor_type
from weft.dialects.ml.dtypes import dtype_of
from weft.dialects.target import Cpu, compiled_for
from weft.passes.graph.constants import new_constant
from weft.passes.graph.outline_kernels import host_blocks, is_kernel
from weft.passes.graph.row_dims import Contraction, contraction_of
from weft.passes.rewriting import LocatedBuilder

COPY_COST = 0.5
"""Cycles for an element of the right sides that is put beside the others, and of the results that is taken apart."""

GAIN = 0.9
"""The joined contraction costs no more than this part of the others."""

MOST_CONSTANT_BYTES = 1 << 24
"""Larger constants are not put together while the program is compiled."""


@dataclass(frozen=True)
class JoinContractions(ModulePass):
    """Makes one contraction of several that have their left side in common, where each alone fills its vectors badly.

    A product of so few columns that its last vector is half empty costs as much as one of more columns. Beside each
    other in one right side, the columns of several products fill whole vectors, and the left side is read once.
    The cost is that of the products in vectors of the target's size, and of putting right sides together and taking
    results apart. Wide products, as of queries, keys and values of 64 columns or more, gain nothing, and stay.

    **Before**, on a target with vectors of 16 elements
    ```mlir
    func.func @main(%x: tensor<512x64xf32>, %a: tensor<64x8xf32>, %b: tensor<64x8xf32>)
        -> (tensor<512x8xf32>, tensor<512x8xf32>) {
      %0 = ml.matmul %x, %a : (tensor<512x64xf32>, tensor<64x8xf32>) -> tensor<512x8xf32>
      %1 = ml.matmul %x, %b : (tensor<512x64xf32>, tensor<64x8xf32>) -> tensor<512x8xf32>
      func.return %0, %1 : tensor<512x8xf32>, tensor<512x8xf32>
    }
    ```

    **After**
    ```mlir
    func.func @main(%x: tensor<512x64xf32>, %a: tensor<64x8xf32>, %b: tensor<64x8xf32>)
        -> (tensor<512x8xf32>, tensor<512x8xf32>) {
      %ab = ml.concatenate %a, %b, dim = 1 : (tensor<64x8xf32>, tensor<64x8xf32>) -> tensor<64x16xf32>
      %01 = ml.matmul %x, %ab : (tensor<512x64xf32>, tensor<64x16xf32>) -> tensor<512x16xf32>
      %0 = ml.slice %01 [0:512, 0:8] : tensor<512x16xf32> to tensor<512x8xf32>
      %1 = ml.slice %01 [0:512, 8:16] : tensor<512x16xf32> to tensor<512x8xf32>
      func.return %0, %1 : tensor<512x8xf32>, tensor<512x8xf32>
    }
    ```

    **Needs** right sides of static size, with one dimension that is neither contracted nor of the batch, that are
    there before the first of the contractions.

    **Leaves alone** kernels, contractions whose left sides have run-time sizes, and programs for a GPU.
    """

    name = "join-contractions"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Join in every block of every host function."""
        cpu = compiled_for(op)
        if cpu is None:
            return
        for function in op.ops:
            if isinstance(function, func.FuncOp) and not is_kernel(function):
                for block in host_blocks(function):
                    _join(block, cpu)


def _join(block: Block, cpu: Cpu) -> None:
    """Join the contractions of one block that have a left side in common."""
    groups: dict[object, list[Operation]] = {}
    for op in block.ops:
        found = contraction_of(op)
        if found is not None and (key := _key(op, found)) is not None:
            groups.setdefault(key, []).append(op)
    for ops in groups.values():
        first = ops[0]
        ready = [op for op in ops if _is_ready(op, first)]
        if len(ready) > 1 and _pays(ready, cpu):
            _replace(ready)


def _key(op: Operation, found: Contraction) -> object | None:
    """What contractions that can be joined have in common; None for one that cannot be."""
    left, right = tensor_type(found.lhs), tensor_type(found.rhs)
    if not left.has_static_shape() or not right.has_static_shape() or len(found.free[1]) != 1 or 0 in right.get_shape():
        return None
    (axis,) = found.free[1]
    others = tuple(size for dim, size in enumerate(right.get_shape()) if dim != axis)
    result = tensor_type(op.results[0]).element_type
    return type(op), found.lhs, found.batch, found.free, others, right.element_type, result, _properties(op)


def _properties(op: Operation) -> object:
    return frozenset(op.properties.items()), frozenset(op.attributes.items())


def _is_ready(op: Operation, first: Operation) -> bool:
    """Whether the right side of a contraction is there before another op of its block."""
    owner = _right(op).owner
    return not isinstance(owner, Operation) or owner.parent is not first.parent or owner.is_before_in_block(first)


def _right(op: Operation) -> SSAValue:
    found = contraction_of(op)
    assert found is not None
    return found.rhs


def _pays(ops: Sequence[Operation], cpu: Cpu) -> bool:
    """Whether one contraction costs less than several: in vectors of products, and elements that are moved."""
    shapes = [tensor_type(op.results[0]).get_shape() for op in ops]
    columns = [shape[-1] for shape in shapes]
    lanes = max(2, cpu.vector_bytes // max(1, dtype_of(tensor_type(ops[0].results[0]).element_type).itemsize))
    rows = prod(shapes[0][:-1])
    depth = prod(tensor_type(_right(ops[0])).get_shape()) // columns[0]
    apart = rows * depth * sum(-(-n // lanes) for n in columns)
    joined = rows * depth * -(-sum(columns) // lanes)
    constant = all(isinstance(_right(op).owner, ml.ConstantOp) for op in ops)
    moved = (rows + (0 if constant else depth)) * sum(columns)
    return joined + COPY_COST * moved <= GAIN * apart


def _replace(ops: Sequence[Operation]) -> None:
    """One contraction at the place of the first, and a slice of its result for each."""
    first = ops[0]
    builder = LocatedBuilder(InsertPoint.before(first), fuse(ops))
    found = contraction_of(first)
    assert found is not None
    right = _beside(builder, [_right(op) for op in ops], found.free[1][0])
    result = tensor_type(first.results[0])
    width = tensor_type(right).get_shape()[found.free[1][0]]
    shape = [*result.get_shape()[:-1], width]
    whole = type(first).create(
        operands=[found.lhs, right],
        result_types=[TensorType(result.element_type, shape)],
        properties=dict(first.properties),
        attributes=dict(first.attributes),
    )
    builder.insert(whole)
    start = 0
    for op in ops:
        end = start + tensor_type(op.results[0]).get_shape()[-1]
        starts, limits = [0] * (len(shape) - 1) + [start], [*shape[:-1], end]
        part = builder.insert(ml.SliceOp(whole.results[0], starts, limits)).result
        part.name_hint = op.results[0].name_hint
        op.results[0].replace_all_uses_with(part)
        start = end
    for op in ops:
        Rewriter.erase_op(op)


def _beside(builder: LocatedBuilder, values: Sequence[SSAValue], axis: int) -> SSAValue:
    """Right sides beside each other; constants are put together now."""
    constants = [value.owner for value in values]
    if all(isinstance(op, ml.ConstantOp) for op in constants):
        arrays = [op.array() for op in constants if isinstance(op, ml.ConstantOp)]
        if sum(array.nbytes for array in arrays) <= MOST_CONSTANT_BYTES:
            return new_constant(builder, np.concatenate(arrays, axis))
    return builder.insert(ml.ConcatenateOp(values, axis)).result
