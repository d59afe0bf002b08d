"""fold: what is known when the program is compiled becomes a constant."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from math import prod
from typing import cast

import numpy as np
from xdsl.context import Context
from xdsl.dialects import scf, tensor
from xdsl.dialects.builtin import ModuleOp, TensorType
from xdsl.ir import Attribute, Operation, Region, SSAValue
from xdsl.passes import ModulePass

from weft.diagnostics import WeftError
from weft.dialects import ml
from weft.dialects.ml.base import MlOp
from weft.dialects.ml.dtypes import ELEMENT_TYPES, Array
from weft.dialects.scalars import MEANINGS, evaluate
from weft.passes.graph.constants import array_of, constant_op, index_of, new_scalar, results_of
from weft.passes.graph.worklist import Pattern, Patterns, Simplifier
from weft.passes.rewriting import LocatedBuilder

Values = Sequence[SSAValue] | None


def fold_tensors(op: MlOp, builder: LocatedBuilder, *, max_elements: int, max_moved_elements: int) -> Values:
    """op(constants) = constant"""
    if isinstance(op, ml.TransposeOp) and op.operand.has_one_use():
        max_elements = max_moved_elements
    if constant_op(op.results[0]) is not None or _needs_body(op):
        return None
    if not all(_is_small(result.type, max_elements) for result in op.results):
        return None
    operands = _known(op)
    if operands is None or any(array.size > max_elements for array in operands):
        return None
    try:
        arrays = op.evaluate(*operands)
    except WeftError:
        return None
    most = sum(array.size for array in operands)
    if any(array.size > max(most, 1) and not _is_splat(array) for array in arrays):
        return None

    return results_of(builder, op, arrays) if _fit(op, arrays) else None


def _needs_body(op: MlOp) -> bool:
    """Whether the meaning of an op depends on what a region computes."""
    return bool(op.regions) and not (isinstance(op, ml.BodyReduction) and op.kind is not None)


def fold_scalars(op: Operation, builder: LocatedBuilder, *, max_elements: int) -> Values:
    """arith and math of constants = constant"""
    if constant_op(op.results[0]) is not None or not op.operands:
        return None
    if not all(_is_small(result.type, max_elements) for result in op.results):
        return None
    operands = _known(op)
    if operands is None:
        return None
    try:
        values = evaluate(op, tuple(array[()] if array.ndim == 0 else array for array in operands))
    except WeftError:
        return None

    return results_of(builder, op, [np.asarray(value) for value in values])


def fold_extract(op: tensor.ExtractOp, builder: LocatedBuilder) -> Values:
    """extract(constant, i) = its element"""
    source, index = array_of(op.tensor), [index_of(value) for value in op.indices]
    if source is None or None in index:
        return None
    place = cast(tuple[int, ...], tuple(index))
    if any(not 0 <= i < n for i, n in zip(place, source.shape, strict=True)):
        return None

    return [new_scalar(builder, np.asarray(source[place]), op.result.type)]


def fold_from_elements(op: tensor.FromElementsOp, builder: LocatedBuilder) -> Values:
    """from_elements(constants) = constant"""
    elements = [array_of(value) for value in op.elements]
    type_ = op.result.type
    if any(element is None for element in elements) or type_.get_element_type() not in ELEMENT_TYPES:
        return None
    if not elements or not type_.has_static_shape():
        return None

    return results_of(builder, op, [np.array(elements).reshape(type_.get_shape())])


def fold_splat(op: tensor.SplatOp, builder: LocatedBuilder, *, max_elements: int) -> Values:
    """splat(constant) = constant"""
    element = array_of(op.input)
    if element is None or not _is_small(op.result.type, max_elements):
        return None

    return results_of(builder, op, [np.full(op.result.type.get_shape(), element)])


def fold_index_switch(op: scf.IndexSwitchOp, builder: LocatedBuilder) -> Values:
    """index_switch(constant) = the ops of its case"""
    chosen = index_of(op.arg)
    if chosen is None:
        return None

    cases = [int(case) for case in op.cases.get_values()]
    region = op.case_regions[cases.index(chosen)] if chosen in cases else op.default_region
    return inline(region, builder)


def inline(region: Region, builder: LocatedBuilder) -> list[SSAValue]:
    """Move the ops of a one-block region without arguments before an op; what its terminator gives."""
    block = region.block
    end = block.last_op
    assert end is not None
    for op in list(block.ops):
        op.detach()
        if op is not end:
            builder.insert(op)
    values = list(end.operands)
    end.erase()
    return values


def _known(op: Operation) -> list[Array] | None:
    """The constant operands of an op; None where one is not constant."""
    found: list[Array] = []
    for operand in op.operands:
        array = array_of(operand)
        if array is None:
            return None
        found.append(array)
    return found


def _is_small(type_: Attribute, max_elements: int) -> bool:
    """Whether a constant of that type may be made."""
    if not isinstance(type_, TensorType):
        return True
    tensor_type = cast(TensorType[Attribute], type_)
    return (
        tensor_type.element_type in ELEMENT_TYPES
        and tensor_type.has_static_shape()
        and prod(tensor_type.get_shape()) <= max_elements
    )


def _is_splat(array: Array) -> bool:
    data, width = array.tobytes(), array.itemsize
    return data[width:] == data[:-width]


def _fit(op: Operation, arrays: Sequence[Array]) -> bool:
    """Whether the arrays have the shapes that the types claim."""
    shapes = [cast(TensorType[Attribute], result.type).get_shape() for result in op.results]
    return all(array.shape == tuple(shape) for array, shape in zip(arrays, shapes, strict=True))


@dataclass(frozen=True)
class Fold(ModulePass):
    """Computes ops whose operands are constants, by the meaning that each op has in NumPy.

    `max-elements` bounds the constants that are read and made. Constants never grow: a result has no more
    elements than the operands together, unless all of them are the same. `max-moved-elements` is the bound for
    constants that are only transposed, and that nothing else reads: the weights of a layer are put in order once.

    **Before**
    ```mlir
    %a = ml.constant dense<[1.0, 2.0]> : tensor<2xf32>
    %b = ml.exp %a : tensor<2xf32>
    %c = arith.constant 6 : index
    %d = arith.muli %c, %c : index
    ```

    **After**
    ```mlir
    %b = ml.constant dense<[2.71828175, 7.3890562]> : tensor<2xf32>
    %d = arith.constant 36 : index
    ```

    **Needs** nothing. **Leaves alone** constants in resources, constants beyond the bounds, and ops whose
    run-time checks fail on their constants.
    """

    name = "fold"

    max_elements: int = 65536
    max_moved_elements: int = 1 << 26

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Run the pass on a module."""
        Simplifier(self.patterns(), foreign=False).run(op)

    def patterns(self) -> Patterns:
        """The patterns, by op class."""
        scalars = partial(fold_scalars, max_elements=self.max_elements)
        by_class: dict[type[Operation], tuple[Pattern, ...]] = dict.fromkeys(MEANINGS, (scalars,))
        return by_class | {
            MlOp: (partial(fold_tensors, max_elements=self.max_elements, max_moved_elements=self.max_moved_elements),),
            tensor.ExtractOp: (fold_extract,),
            tensor.FromElementsOp: (fold_from_elements,),
            tensor.SplatOp: (partial(fold_splat, max_elements=self.max_elements),),
            scf.IndexSwitchOp: (fold_index_switch,),
        }
