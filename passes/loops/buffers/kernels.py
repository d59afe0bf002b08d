"""A kernel function on buffers: its body still works on tensors, between `to_tensor` and `materialize`."""

from __future__ import annotations

from typing import cast

from xdsl.dialects import bufferization, func
from xdsl.dialects.builtin import UnitAttr
from xdsl.ir import Attribute, SSAValue
from xdsl.rewriter import InsertPoint

from weft.dialects import ml
from weft.passes.loops.buffers.functions import convert_signature
from weft.passes.loops.buffers.types import is_tensor, memref_of
from weft.passes.rewriting import LocatedBuilder


def bufferize_kernel(function: func.FuncOp) -> None:
    """Give a kernel its signature; read its inputs by `to_tensor`, put its results into the out arguments."""
    changed, outs = convert_signature(function)
    block = function.body.block
    top = InsertPoint.before(block.first_op) if block.first_op else InsertPoint.at_end(block)
    builder = LocatedBuilder(top, function.location)
    for old, new in changed.items():
        old.replace_all_uses_with(_read(builder, old, new))
        block.erase_arg(old)
    end = cast(func.ReturnOp, block.last_op)
    builder = LocatedBuilder.before(end)
    for position, target in outs.items():
        _write(builder, end.arguments[position], target)
    builder.insert(func.ReturnOp(*(value for value in end.arguments if not is_tensor(value.type))))
    end.detach()
    end.erase()


def _read(builder: LocatedBuilder, old: SSAValue, buffer: SSAValue) -> SSAValue:
    """A tensor argument as a tensor of its old type."""
    if not is_tensor(old.type):
        return buffer
    tensor = builder.insert(bufferization.ToTensorOp(buffer, restrict=True)).tensor
    if tensor.type == old.type:
        return tensor
    return _read_as(builder, tensor, old.type)


def _write(builder: LocatedBuilder, value: SSAValue, target: SSAValue) -> None:
    """Put a result into its out argument."""
    plain = bufferization.TensorFromMemRefConstraint.memref_to_tensor(memref_of(target))
    if value.type != plain:
        value = _read_as(builder, value, plain)
    op = bufferization.MaterializeInDestinationOp.build(
        operands=[value, target],
        result_types=[[]],
        properties={"restrict": UnitAttr(), "writable": UnitAttr()},
    )
    builder.insert(op)


def _read_as(builder: LocatedBuilder, value: SSAValue, type_: Attribute) -> SSAValue:
    """The same bits, as signed or unsigned elements."""
    return builder.insert(ml.BitcastConvertOp.create(operands=[value], result_types=[type_])).results[0]
