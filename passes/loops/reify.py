"""Sizes at run time: the shape of a tensor or memref as integers and `index` values.

A shape never depends on computing the data: the walk goes from a value back through casts, ml ops (by their
`result_dims`), and calls of kernel functions, until it reaches values that are there anyway. What is known is
folded, so a static size is always an `int`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias, cast

from xdsl.builder import Builder
from xdsl.dialects import arith, bufferization, func, memref, tensor
from xdsl.dialects.builtin import DYNAMIC_INDEX, IndexType, IntegerAttr, ShapedType
from xdsl.dialects.linalg.abstract_ops import LinalgStructuredOperation
from xdsl.ir import Operation, OpResult, SSAValue
from xdsl.traits import SymbolTable

from weft import codes
from weft.dialects.locations import error_at
from weft.dialects.ml.base import MlOp
from weft.dialects.ml.dims import Dim, DimOf, FloorDiv, Product, SizeOf, Sum, product
from weft.dialects.purity import only_computes
from weft.passes.loops.lists import Size, mixed

KERNELS = ("ml.kernel", "loop.kernel")


def reify_shape(value: SSAValue, builder: Builder) -> list[Size]:
    """The shape of a tensor or memref; new ops go where `builder` stands."""
    return Reifier(builder).shape(value)


def reify_results(op: MlOp, builder: Builder) -> list[list[Size]]:
    """The shapes of an ml op's results by its shape rule, without using the results."""
    sizes = Reifier(builder)
    return [[sizes.size(dim, op) for dim in dims] for dims in op.result_dims()]


class NotHere(Exception):
    """A size inside a callee depends on something that its caller does not have."""


class Reifier:
    """Builds sizes at one place of a function.

    `values` says what stands for a value now (a tensor's buffer, while a module is bufferized). Sizes are
    remembered, so a reifier is for one insertion point only.
    """

    def __init__(
        self,
        builder: Builder,
        values: Mapping[SSAValue, SSAValue] | None = None,
        caller: tuple[Reifier, Mapping[SSAValue, SSAValue]] | None = None,
    ) -> None:
        self.builder = builder
        self.values = values
        self.caller = caller
        self._dims: dict[tuple[SSAValue, int], Size] = {}

    def shape(self, value: SSAValue) -> list[Size]:
        """The sizes of all axes of a tensor or memref."""
        return [self.dim(value, axis) for axis in range(len(shape_of(value)))]

    def dim(self, value: SSAValue, axis: int) -> Size:
        """The size of one axis of a tensor or memref."""
        static = shape_of(value)[axis]
        if static != DYNAMIC_INDEX:
            return static
        key = (value, axis)
        if key not in self._dims:
            self._dims[key] = self._dim(value, axis)
        return self._dims[key]

    def size(self, dim: Dim, op: Operation) -> Size:
        """A symbolic size of an op (see `weft.dialects.ml.dims`)."""
        match dim:
            case int():
                return dim
            case DimOf(operand, axis):
                return self.dim(op.operands[operand], axis)
            case SizeOf(operand):
                return self.index(op.operands[operand])
            case Sum(terms):
                return self.fold(arith.AddiOp, [self.size(term, op) for term in terms], 0)
            case Product(factors):
                return self.fold(arith.MuliOp, [self.size(factor, op) for factor in factors], 1)
            case FloorDiv(Product((*factors, int(known))), divisor) if known % divisor == 0:
                return self.size(product([*factors, known // divisor]), op)
            case FloorDiv(dividend, divisor):
                return self.binary(arith.FloorDivSIOp, self.size(dividend, op), divisor)

    def index(self, value: SSAValue) -> Size:
        """The value of an `index` operand: an integer where it is a constant."""
        if (constant := constant_index(value)) is not None:
            return constant
        if self.caller is None:
            return value if self.values is None else self.values.get(value, value)
        if isinstance(value, OpResult):
            return self._index_in_callee(value)
        outer, bindings = self.caller
        if value not in bindings:
            raise NotHere
        return outer.index(bindings[value])

    def value(self, size: Size) -> SSAValue:
        """A size as an SSA value."""
        if isinstance(size, SSAValue):
            return size
        op = arith.ConstantOp(IntegerAttr(size, IndexType()))
        return self.builder.insert(op).result

    def fold(self, op: type[arith.AddiOp | arith.MuliOp], sizes: Sequence[Size], neutral: int) -> Size:
        """The sum or the product of sizes, constants joined."""
        known = neutral
        result: Size | None = None
        for size in sizes:
            if isinstance(size, int):
                known = _FOLDS[op](known, size)
            else:
                result = size if result is None else self.binary(op, result, size)
        if result is None or (op is arith.MuliOp and known == 0):
            return known
        return result if known == neutral else self.binary(op, result, known)

    def binary(self, op: type[arith.SignlessIntegerBinaryOperation], left: Size, right: Size) -> Size:
        """`left op right`, folded where both are known."""
        if isinstance(left, int) and isinstance(right, int):
            return _FOLDS[op](left, right)
        new = op(self.value(left), self.value(right))
        self.builder.insert(new)
        return new.results[0]

    def _dim(self, value: SSAValue, axis: int) -> Size:
        if isinstance(value, OpResult) and not (self.values and value in self.values):
            rule = _rule(value.op)
            found = rule(self, value, axis) if rule is not None else None
            if found is not None:
                return found
        return self.leaf(value, axis)

    def leaf(self, value: SSAValue, axis: int) -> Size:
        """The size of a value that the walk cannot look behind."""
        if self.caller is not None:
            outer, bindings = self.caller
            if value not in bindings:
                raise NotHere
            return outer.dim(bindings[value], axis)
        there = value if self.values is None else self.values.get(value, value)
        if self.values is not None and value not in self.values and not _is_memref(value):
            raise error_at(
                _owner(value),
                "the size of a tensor depends on its data, which no allocation can know",
                code=codes.UNKNOWN_SIZE,
            )
        if shape_of(there)[axis] != DYNAMIC_INDEX:
            return shape_of(there)[axis]
        kind = memref.DimOp if _is_memref(there) else tensor.DimOp
        return self.builder.insert(kind(there, self.value(axis))).result

    def _index_in_callee(self, value: OpResult) -> Size:
        """Index arithmetic inside a callee, done again at the call."""
        op = value.op
        if isinstance(op, tensor.DimOp | memref.DimOp):
            axis = self.index(op.index)
            if isinstance(axis, int):
                return self.dim(op.source, axis)
        if op.regions or not only_computes(op) or not all(_is_scalar(v) for v in op.operands):
            raise NotHere
        operands = [
            self.value(self.index(v)) if isinstance(v.type, IndexType) else self._scalar(v) for v in op.operands
        ]
        copy = op.clone_without_regions(value_mapper=dict(zip(op.operands, operands, strict=True)))
        return self.builder.insert(copy).results[value.index]

    def _scalar(self, value: SSAValue) -> SSAValue:
        """A scalar that is no index, inside a callee."""
        size = self.index(value)
        if isinstance(size, int):
            raise NotHere
        return size


def shape_of(value: SSAValue) -> tuple[int, ...]:
    """The shape in the type of a tensor or memref, -1 for `?` as xDSL has it."""
    if not isinstance(value.type, ShapedType):
        raise error_at(_owner(value), f"a shape is asked of a value of type {value.type}", code=codes.UNKNOWN_SIZE)
    return value.type.get_shape()


def constant_index(value: SSAValue) -> int | None:
    """The integer that a value is where it is an `arith.constant`, else None."""
    op = value.owner
    if isinstance(op, arith.ConstantOp) and isinstance(op.value, IntegerAttr):
        return op.value.value.data
    return None


def _owner(value: SSAValue) -> Operation:
    owner = value.owner
    if isinstance(owner, Operation):
        return owner
    return cast(Operation, owner.parent_op())


def _is_memref(value: SSAValue) -> bool:
    return value.type.name == "memref"


def _is_scalar(value: SSAValue) -> bool:
    return not isinstance(value.type, ShapedType)


_FOLDS: dict[type[Operation], Callable[[int, int], int]] = {
    arith.AddiOp: lambda a, b: a + b,
    arith.SubiOp: lambda a, b: a - b,
    arith.MuliOp: lambda a, b: a * b,
    arith.FloorDivSIOp: lambda a, b: a // b,
    arith.MaxSIOp: max,
    arith.MinSIOp: min,
}

_Rule: TypeAlias = Callable[[Reifier, OpResult, int], Size | None]


def _by_ml(sizes: Reifier, value: OpResult, axis: int) -> Size | None:
    op = value.op
    return sizes.size(op.result_dims()[value.index][axis], op) if isinstance(op, MlOp) else None


def _same_as(position: int) -> _Rule:
    """The shape is that of an operand."""
    return lambda sizes, value, axis: sizes.dim(value.op.operands[position], axis)


def _by_sizes(sizes: Reifier, value: OpResult, axis: int) -> Size | None:
    """One operand per `?`, the last operands of the op, in order."""
    shape = shape_of(value)
    position = shape[:axis].count(DYNAMIC_INDEX)
    given = [v for v in value.op.operands if isinstance(v.type, IndexType)]
    return sizes.index(given[position]) if len(given) == shape.count(DYNAMIC_INDEX) else None


def _by_slice(sizes: Reifier, value: OpResult, axis: int) -> Size | None:
    op = cast(tensor.ExtractSliceOp | memref.SubviewOp, value.op)
    static = op.static_sizes.get_values()
    if len(static) != len(shape_of(value)):
        return None
    return sizes.index(op.sizes[static[:axis].count(DYNAMIC_INDEX)])


def _by_call(sizes: Reifier, value: OpResult, axis: int) -> Size | None:
    """The size of a kernel's result, by the kernel's body, from what the call passes."""
    call = cast(func.CallOp, value.op)
    callee = SymbolTable.lookup_symbol(call, call.callee)
    if not isinstance(callee, func.FuncOp) or not any(name in callee.attributes for name in KERNELS):
        return None
    if not callee.body.blocks:
        return None
    block = callee.body.block
    bindings = dict[SSAValue, SSAValue](zip(block.args, call.operands, strict=True))
    result = cast(func.ReturnOp, block.last_op).operands[value.index]
    try:
        return Reifier(sizes.builder, caller=(sizes, bindings)).dim(result, axis)
    except NotHere:
        return None


def _by_collapse(sizes: Reifier, value: OpResult, axis: int) -> Size | None:
    op = cast(tensor.CollapseShapeOp | memref.CollapseShapeOp, value.op)
    group = [index.value.data for index in op.reassociation.data[axis].data]
    return sizes.fold(arith.MuliOp, [sizes.dim(op.src, source) for source in group], 1)


def _by_expand(sizes: Reifier, value: OpResult, axis: int) -> Size | None:
    op = cast(tensor.ExpandShapeOp | memref.ExpandShapeOp, value.op)
    given = op.dynamic_output_shape if isinstance(op, tensor.ExpandShapeOp) else op.output_shape
    static = op.static_output_shape.get_values()
    return sizes.index(given[static[:axis].count(DYNAMIC_INDEX)])


def _by_pad(sizes: Reifier, value: OpResult, axis: int) -> Size | None:
    op = cast(tensor.PadOp, value.op)
    sides = [mixed(side, static)[axis] for side, static in ((op.low, op.static_low), (op.high, op.static_high))]
    around = [side if isinstance(side, int) else sizes.index(side) for side in sides]
    return sizes.fold(arith.AddiOp, [sizes.dim(op.source, axis), *around], 0)


def _by_concat(sizes: Reifier, value: OpResult, axis: int) -> Size | None:
    op = cast(tensor.ConcatOp, value.op)
    if op.dim.value.data != axis:
        return sizes.dim(op.inputs[0], axis)
    return sizes.fold(arith.AddiOp, [sizes.dim(source, axis) for source in op.inputs], 0)


def _by_outs(sizes: Reifier, value: OpResult, axis: int) -> Size | None:
    op = cast(LinalgStructuredOperation, value.op)
    return sizes.dim(op.outputs[value.index], axis)


_RULES: dict[type[Operation], _Rule] = {
    tensor.CastOp: _same_as(0),
    tensor.InsertOp: _same_as(1),
    tensor.InsertSliceOp: _same_as(1),
    bufferization.ToTensorOp: _same_as(0),
    memref.CastOp: _same_as(0),
    tensor.EmptyOp: _by_sizes,
    tensor.SplatOp: _by_sizes,
    memref.AllocOp: _by_sizes,
    tensor.ExtractSliceOp: _by_slice,
    memref.SubviewOp: _by_slice,
    tensor.CollapseShapeOp: _by_collapse,
    memref.CollapseShapeOp: _by_collapse,
    tensor.ExpandShapeOp: _by_expand,
    memref.ExpandShapeOp: _by_expand,
    tensor.PadOp: _by_pad,
    tensor.ConcatOp: _by_concat,
    func.CallOp: _by_call,
}
"""How the size of a result is found from the op, by op."""


def _rule(op: Operation) -> _Rule | None:
    if isinstance(op, MlOp):
        return _by_ml
    if isinstance(op, LinalgStructuredOperation):
        return _by_outs
    return _RULES.get(type(op))
