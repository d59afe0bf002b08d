"""Gradients of convolutions, which are convolutions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from xdsl.dialects.builtin import DYNAMIC_INDEX, TensorType
from xdsl.ir import SSAValue

from weft import codes
from weft.dialects import ml
from weft.dialects.locations import error_at
from weft.dialects.ml.base import tensor_type
from weft.dialects.ml.convolution_dims import Labels
from weft.passes.graph.gradients.rule import Here, Rules
from weft.passes.graph.gradients.terms import convert, element_of, filled
from weft.passes.graph.gradients.windows import Line, cut_to, is_empty


def convolution(op: ml.ConvolutionOp, here: Here) -> Sequence[SSAValue | None]:
    """To the input, the cotangents seen through the window turned round; to the window, the input seen through them."""
    if is_empty(op.lhs, op.rhs, op.result):
        return [filled(here.builder, value, 0) for value in (op.lhs, op.rhs)]
    element = element_of(op.lhs.type)
    results = [
        make(op, here) if here.wants(operand) else None for operand, make in ((op.lhs, _to_input), (op.rhs, _to_window))
    ]
    return [None if value is None else convert(here.builder, value, element) for value in results]


def _lines(op: ml.ConvolutionOp) -> Iterator[Line]:
    """How the window moves along each spatial dimension. Raises WeftError where its size is not known."""
    window = op.window
    lhs, rhs, out = (tensor_type(value).get_shape() for value in (op.lhs, op.rhs, op.result))
    for axis in range(window.dims.spatial):
        size = rhs[window.dims.rhs_order[axis + 2]]
        if size == DYNAMIC_INDEX:
            message = f"{op.name} with a window of run-time size has no gradient: {op.rhs.type}"
            raise error_at(op, message, code=codes.NO_GRADIENT)
        yield Line(
            lhs[window.dims.lhs_order[axis + 2]],
            out[window.dims.out_order[axis + 2]],
            size,
            window.stride[axis],
            window.lhs_step[axis],
            window.rhs_step[axis],
            *window.pad[axis],
        )


def _wide(op: ml.ConvolutionOp, here: Here) -> tuple[SSAValue, SSAValue, SSAValue]:
    """The cotangent and both operands, in the element type of the result."""
    element = element_of(op.result.type)
    g, lhs, rhs = (convert(here.builder, value, element) for value in (here.cotangent(op.result), op.lhs, op.rhs))
    return g, lhs, rhs


def _swapped(labels: Labels, one: str, other: str) -> Labels:
    """Labels with two of them exchanged."""
    return tuple({one: other, other: one}.get(label, label) for label in labels)


def _to_input(op: ml.ConvolutionOp, here: Here) -> SSAValue:
    window, lines = op.window, list(_lines(op))
    g, _, kernel = _wide(op, here)
    groups = max(window.feature_groups, window.batch_groups)
    labels = _swapped(window.dims.rhs, "i", "o")
    if groups > 1:
        kernel, labels = _regrouped(op, here, kernel, groups)
    turned = ml.Window(
        ml.ConvDims(window.dims.out, labels, window.dims.lhs),
        window.lhs_step,
        tuple(line.turned() for line in lines),
        window.stride,
        window.rhs_step,
        tuple(not flag for flag in window.reverse),
        groups,
    )
    result = here.builder.insert(ml.ConvolutionOp(g, kernel, turned, precision=op.exactness.value)).result
    if window.batch_groups > 1:
        result = _batched(op, here, result)
    return cut_to(here, result, op.lhs) if any(line.has_rest() for line in lines) else result


def _regrouped(op: ml.ConvolutionOp, here: Here, kernel: SSAValue, groups: int) -> tuple[SSAValue, Labels]:
    """The window with input and output features exchanged in each group, and its labels."""
    order = op.window.dims.rhs_order
    kernel = here.builder.insert(ml.TransposeOp(kernel, order)).result
    outputs, inputs, *spatial = _static(op, kernel)
    element, rank = element_of(kernel.type), len(spatial)
    split = ml.ReshapeOp(kernel, TensorType(element, [groups, outputs // groups, inputs, *spatial]))
    turned = ml.TransposeOp(here.builder.insert(split), [0, 2, 1, *range(3, 3 + rank)])
    joined = ml.ReshapeOp(
        here.builder.insert(turned), TensorType(element, [groups * inputs, outputs // groups, *spatial])
    )
    return here.builder.insert(joined).result, ("o", "i", *map(str, range(rank)))


def _batched(op: ml.ConvolutionOp, here: Here, value: SSAValue) -> SSAValue:
    """The groups of features as groups of the batch, where the input has them."""
    dims, groups = op.window.dims, op.window.batch_groups
    value = here.builder.insert(ml.TransposeOp(value, dims.lhs_order)).result
    batch, features, *spatial = _static(op, value)
    element, rank = element_of(value.type), len(spatial)
    split = ml.ReshapeOp(value, TensorType(element, [batch, groups, features // groups, *spatial]))
    moved = ml.TransposeOp(here.builder.insert(split), [1, 0, 2, *range(3, 3 + rank)])
    shape = [groups * batch, features // groups, *spatial]
    joined = ml.ReshapeOp(here.builder.insert(moved), TensorType(element, shape))
    back = [dims.lhs_order.index(axis) for axis in range(rank + 2)]
    return here.builder.insert(ml.TransposeOp(here.builder.insert(joined), back)).result


def _static(op: ml.ConvolutionOp, value: SSAValue) -> tuple[int, ...]:
    """The sizes of a tensor. Raises WeftError where only the run knows them."""
    shape = tensor_type(value).get_shape()
    if DYNAMIC_INDEX in shape:
        raise error_at(op, f"{op.name} in groups of run-time sizes has no gradient", code=codes.NO_GRADIENT)
    return shape


def _to_window(op: ml.ConvolutionOp, here: Here) -> SSAValue:
    window, lines = op.window, list(_lines(op))
    g, lhs, _ = _wide(op, here)
    roles = {"b": "i", "f": "o"}
    dims = ml.ConvDims(
        _swapped(window.dims.lhs, "b", "f"),
        tuple(roles.get(label, label) for label in window.dims.out),
        tuple({"i": "b", "o": "f"}.get(label, label) for label in window.dims.rhs),
    )
    turned = ml.Window(
        dims,
        window.rhs_step,
        tuple((line.low, _high(line)) for line in lines),
        window.lhs_step,
        window.stride,
        (),
        window.batch_groups,
        window.feature_groups,
    )
    result = here.builder.insert(ml.ConvolutionOp(lhs, g, turned, precision=op.exactness.value)).result
    if any(line.has_rest() for line in lines):
        result = cut_to(here, result, op.rhs)
    spatial = [axis for axis, flag in zip(window.dims.rhs_order[2:], window.reverse, strict=True) if flag]
    return here.builder.insert(ml.ReverseOp(result, spatial)).result if spatial else result


def _high(line: Line) -> int:
    """The high padding with which the cotangents, dilated by the stride, have a place for each element of the window.

    Where sizes are not known, they have that with the padding of the window, and too many where strides leave a rest.
    """
    if DYNAMIC_INDEX in (line.size, line.places):
        return line.high
    seen = (line.places - 1) * line.stride + 1
    whole = (line.size - 1) * line.base_step + 1
    return seen + (line.window - 1) * line.window_step - whole - line.low


CONVOLUTION: Rules = {
    ml.ConvolutionOp: convolution,
}
