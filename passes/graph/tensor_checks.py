"""What the ops of `tensor` require of run-time sizes and indices."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias, cast

from xdsl.dialects import arith, tensor
from xdsl.ir import Operation, SSAValue

from weft.passes.graph.checker import Checker
from weft.passes.loops.lists import Size, mixed
from weft.passes.loops.reify import Reifier, shape_of

Rule: TypeAlias = Callable[[Checker, Operation], None]


def element(checker: Checker, op: Operation) -> None:
    """`tensor.extract`, `tensor.insert`: every index inside its dimension."""
    this = cast(tensor.ExtractOp | tensor.InsertOp, op)
    source = this.tensor if isinstance(this, tensor.ExtractOp) else this.dest
    sizes = checker.sizes(op)
    for axis, index in enumerate(this.indices):
        _inside(checker, op, sizes.index(index), sizes.dim(source, axis), f"index {axis}", f"dimension {axis}")


def axis_of(checker: Checker, op: Operation) -> None:
    """`tensor.dim`: the dimension that is asked for is there."""
    this = cast(tensor.DimOp, op)
    if this.source.type.name == "tensor":
        rank = len(shape_of(this.source))
        _inside(checker, op, checker.sizes(op).index(this.index), rank, "the index", "the rank")


def extract_slice(checker: Checker, op: Operation) -> None:
    """`tensor.extract_slice`: the slice is inside the source."""
    this = cast(tensor.ExtractSliceOp, op)
    _slice(checker, this, this.source)


def insert_slice(checker: Checker, op: Operation) -> None:
    """`tensor.insert_slice`: the slice is inside the destination, and is as large as the source."""
    this = cast(tensor.InsertSliceOp, op)
    sizes = _slice(checker, this, this.dest)
    source = checker.sizes(op).shape(this.source)
    if len(source) == len(sizes):
        _equal(checker, op, source, sizes, "of the source", "the size of the slice")


def sizes_given(checker: Checker, op: Operation) -> None:
    """`tensor.empty`, `tensor.splat`: sizes are not negative."""
    this = cast(tensor.EmptyOp | tensor.SplatOp, op)
    given = this.dynamic_sizes if isinstance(this, tensor.EmptyOp) else this.dynamicSizes
    sizes = checker.sizes(op)
    for position, size in enumerate(given):
        _not_negative(checker, op, sizes.index(size), f"size {position}")


def cast_type(checker: Checker, op: Operation) -> None:
    """`tensor.cast`: the sizes that the result's type knows are those of the source."""
    this = cast(tensor.CastOp, op)
    if this.source.type.name != "tensor" or this.dest.type.name != "tensor":
        return
    sizes = checker.sizes(op)
    for axis, known in enumerate(shape_of(this.dest)):
        if known >= 0:
            message = f"{op.name}: dimension {axis} of the source must be {known}"
            checker.require(op, sizes.dim(this.source, axis), "==", known, message)


def concat(checker: Checker, op: Operation) -> None:
    """`tensor.concat`: the inputs agree but along the dimension of the op."""
    this = cast(tensor.ConcatOp, op)
    sizes = checker.sizes(op)
    first = sizes.shape(this.inputs[0])
    for position, source in enumerate(this.inputs[1:], 1):
        for axis, size in enumerate(sizes.shape(source)):
            if axis != this.dim.value.data:
                message = f"{op.name}: dimension {axis} of input {position} must equal that of input 0"
                checker.require(op, size, "==", first[axis], message)


def pad(checker: Checker, op: Operation) -> None:
    """`tensor.pad`: nothing is cut off."""
    this = cast(tensor.PadOp, op)
    sizes = checker.sizes(op)
    for side, padding in (("low", mixed(this.low, this.static_low)), ("high", mixed(this.high, this.static_high))):
        for axis, size in enumerate(padding):
            _not_negative(checker, op, _known(sizes, size), f"the {side} padding of dimension {axis}")


def expand(checker: Checker, op: Operation) -> None:
    """`tensor.expand_shape`: each group of dimensions has as many elements as the one that it came from."""
    this = cast(tensor.ExpandShapeOp, op)
    sizes = checker.sizes(op)
    shape = [_known(sizes, size) for size in mixed(this.dynamic_output_shape, this.static_output_shape)]
    for axis, size in enumerate(shape):
        _not_negative(checker, op, size, f"dimension {axis} of the result")
    for axis, group in enumerate(this.reassociation.data):
        count = sizes.fold(arith.MuliOp, [shape[index.value.data] for index in group.data], 1)
        message = f"{op.name}: the group {axis} of the result must have as many elements as dimension {axis}"
        checker.require(op, count, "==", sizes.dim(this.src, axis), message)


def collapse(checker: Checker, op: Operation) -> None:
    """`tensor.collapse_shape`: the sizes that the result's type knows are products of the source's."""
    this = cast(tensor.CollapseShapeOp, op)
    sizes = checker.sizes(op)
    for axis, (group, known) in enumerate(zip(this.reassociation.data, shape_of(this.result), strict=True)):
        if known >= 0:
            count = sizes.fold(arith.MuliOp, [sizes.dim(this.src, index.value.data) for index in group.data], 1)
            message = f"{op.name}: the dimensions of group {axis} must have {known} elements"
            checker.require(op, count, "==", known, message)


def elementwise(checker: Checker, op: Operation) -> None:
    """`arith` and `math` ops on tensors: all operands have one shape."""
    tensors = [value for value in op.operands if value.type.name == "tensor"]
    if op.dialect_name() not in ("arith", "math") or len(tensors) < 2:
        return
    sizes = checker.sizes(op)
    first = sizes.shape(tensors[0])
    for position, value in enumerate(tensors[1:], 1):
        _equal(checker, op, sizes.shape(value), first, f"of operand {position}", "that of operand 0")


def _slice(checker: Checker, op: tensor.ExtractSliceOp | tensor.InsertSliceOp, source: SSAValue) -> list[Size]:
    """The slice is inside `source`; its sizes."""
    numbers = checker.sizes(op)
    lists = ((op.offsets, op.static_offsets), (op.sizes, op.static_sizes), (op.strides, op.static_strides))
    offsets, sizes, strides = ([_known(numbers, n) for n in mixed(*pair)] for pair in lists)
    for axis, (offset, size, stride) in enumerate(zip(offsets, sizes, strides, strict=True)):
        bound = numbers.dim(source, axis)
        where = f"of dimension {axis}"
        _not_negative(checker, op, offset, f"the offset {where}")
        _not_negative(checker, op, size, f"the size {where}")
        checker.require(op, 1, "<=", stride, f"{op.name}: the stride {where} must be 1 or more")
        message = f"{op.name}: the slice {where} must end inside the tensor"
        # each part first, so that their product cannot overflow
        checker.require(op, offset, "<=", bound, message)
        checker.require(op, size, "<=", bound, message)
        step = stride if stride == 1 else numbers.binary(arith.MinSIOp, stride, _sum(numbers, bound, 1))
        reach = numbers.fold(arith.MuliOp, [_sum(numbers, size, -1), step], 1)
        checker.require(op, _sum(numbers, offset, reach), "<", bound, message)
    return sizes


def _sum(numbers: Reifier, left: Size, right: Size) -> Size:
    return numbers.fold(arith.AddiOp, [left, right], 0)


def _known(numbers: Reifier, size: Size) -> Size:
    return size if isinstance(size, int) else numbers.index(size)


def _inside(checker: Checker, op: Operation, index: Size, bound: Size, what: str, of: str) -> None:
    _not_negative(checker, op, index, what)
    checker.require(op, index, "<", bound, f"{op.name}: {what} must be less than {of}")


def _not_negative(checker: Checker, op: Operation, size: Size, what: str) -> None:
    checker.require(op, 0, "<=", size, f"{op.name}: {what} must not be negative")


def _equal(checker: Checker, op: Operation, left: Sequence[Size], right: Sequence[Size], what: str, other: str) -> None:
    for axis, (one, two) in enumerate(zip(left, right, strict=True)):
        checker.require(op, one, "==", two, f"{op.name}: dimension {axis} {what} must equal {other}")


RULES: dict[type[Operation], Rule] = {
    tensor.ExtractOp: element,
    tensor.InsertOp: element,
    tensor.DimOp: axis_of,
    tensor.ExtractSliceOp: extract_slice,
    tensor.InsertSliceOp: insert_slice,
    tensor.EmptyOp: sizes_given,
    tensor.SplatOp: sizes_given,
    tensor.CastOp: cast_type,
    tensor.ConcatOp: concat,
    tensor.PadOp: pad,
    tensor.ExpandShapeOp: expand,
    tensor.CollapseShapeOp: collapse,
}
"""The checks of each op."""
