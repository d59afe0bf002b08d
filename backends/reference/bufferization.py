"""The `bufferization` dialect: where tensors and memory meet. What crosses over is copied."""

from __future__ import annotations

from xdsl.dialects import bufferization
from xdsl.dialects.builtin import TensorType

from weft import codes
from weft.backends.reference.machine import Machine, Rules
from weft.backends.reference.values import Buffer, buffer_of, fresh, shape_at
from weft.dialects.locations import error_at
from weft.dialects.scalars.types import Value, need_dtype


def _alloc_tensor(machine: Machine, op: bufferization.AllocTensorOp, args: tuple[Value, ...]) -> tuple[Value, ...]:
    count = len(op.dynamic_sizes)
    if op.copy is not None:
        return (args[count],)
    sizes = shape_at(op, op.tensor.type, args[:count])
    return (fresh(sizes, need_dtype(op, op.tensor.type), machine.fill or 0).array,)


def _clone(machine: Machine, op: bufferization.CloneOp, args: tuple[Value, ...]) -> tuple[Value, ...]:
    return (buffer_of(args[0].array.copy()),)


def _to_tensor(machine: Machine, op: bufferization.ToTensorOp, args: tuple[Value, ...]) -> tuple[Value, ...]:
    return (args[0].array.copy(),)


def _to_buffer(machine: Machine, op: bufferization.ToBufferOp, args: tuple[Value, ...]) -> tuple[Value, ...]:
    return (buffer_of(args[0].copy()),)


def _materialize(
    machine: Machine, op: bufferization.MaterializeInDestinationOp, args: tuple[Value, ...]
) -> tuple[Value, ...]:
    source, dest = args
    if isinstance(op.dest.type, TensorType):
        return (source,)
    assert isinstance(dest, Buffer)
    if source.shape != dest.sizes:
        raise error_at(
            op, f"'{op.name}' puts sizes {list(source.shape)} into {list(dest.sizes)}", code=codes.OUT_OF_BOUNDS
        )
    dest.array[...] = source
    return ()


RULES: Rules = {
    bufferization.AllocTensorOp: _alloc_tensor,
    bufferization.CloneOp: _clone,
    bufferization.ToTensorOp: _to_tensor,
    bufferization.ToBufferOp: _to_buffer,
    bufferization.MaterializeInDestinationOp: _materialize,
}
