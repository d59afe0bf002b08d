"""Vectors in kernels: `vector` ops on vectors of one dimension. Four floats at an aligned place are one access."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import gcd
from typing import Any, cast

from xdsl.dialects import llvm, vector
from xdsl.dialects.builtin import IntegerAttr, MemRefType, VectorType, i1, i64
from xdsl.ir import Operation, SSAValue
from xdsl.ir.affine import AffineConstantExpr, AffineDimExpr
from xdsl.utils.hints import isa

from weft import codes
from weft.dialects.locations import error_at
from weft.passes.gpu.to_nvvm.function import DeviceFunction
from weft.passes.gpu.to_nvvm.warps import combine
from weft.passes.lower.function_builder import Value
from weft.passes.lower.host.buffers import Buffer
from weft.passes.lower.scalar_integers import constant_value
from weft.passes.lower.types import lanes, vector_type


def _width(type_: object) -> int:
    return cast("VectorType[Any]", type_).get_shape()[0]


def _known_alignment(f: DeviceFunction, op: Operation, base: SSAValue, indices: Sequence[SSAValue]) -> int:
    """What an access may rely on: what the op says, or what follows from its address."""
    said = op.get_attr_or_prop("alignment")
    found = f.multiples.address(base, indices, op)
    return max(found, said.value.data) if isa(said, IntegerAttr) else found


def _address(f: DeviceFunction, op: Operation, base: SSAValue, indices: Sequence[SSAValue]) -> tuple[Value, Buffer]:
    """The address of the first lane. Raises :class:`WeftError` where lanes do not lie one behind the other."""
    buffer = f.buffer(base, op)
    if buffer.strides and constant_value(buffer.strides[-1]) not in (1, None):
        raise error_at(
            op,
            f"the last dimension of {base.type} has gaps, so '{op.name}' cannot take its elements at once",
            "use 'memref.load' and 'memref.store', or a copy of the buffer",
            code=codes.UNSUPPORTED_LAYOUT,
        )
    return buffer.address(f.e, f.scalars(indices)), buffer


def _from_memory(f: DeviceFunction, value: Value, buffer: Buffer) -> Value:
    """Elements as they are in registers: an i1 lies in memory as a byte."""
    return f.e.icmp("ne", value, f.e.integer(0, value.type)) if buffer.element == i1 else value


def _to_memory(f: DeviceFunction, value: Value, buffer: Buffer) -> Value:
    return f.e.cast(llvm.ZExtOp, value, buffer.memory)


def _alignment(known: int, width: int, size: int) -> int:
    """The alignment to say of an access of `width` elements: not more than it takes."""
    whole = 1 << (width * size - 1).bit_length()
    return max(gcd(known, whole), 1)


def lower_load(f: DeviceFunction, op: vector.LoadOp) -> None:
    """`vector.load`."""
    address, buffer = _address(f, op, op.base, op.indices)
    width = _width(op.result.type)
    known = _alignment(_known_alignment(f, op, op.base, op.indices), width, buffer.bytes)
    loaded = f.e.load(address, vector_type(buffer.memory, width), known)
    f.define(op.result, _from_memory(f, loaded, buffer))


def lower_store(f: DeviceFunction, op: vector.StoreOp) -> None:
    """`vector.store`."""
    address, buffer = _address(f, op, op.base, op.indices)
    known = _alignment(_known_alignment(f, op, op.base, op.indices), _width(op.vector.type), buffer.bytes)
    f.e.store(_to_memory(f, f.scalar(op.vector), buffer), address, known)


def lower_masked_load(f: DeviceFunction, op: vector.MaskedLoadOp) -> None:
    """`vector.maskedload`."""
    address, buffer = _address(f, op, op.base, op.indices)
    rest = _to_memory(f, f.scalar(op.pass_thru), buffer)
    loaded = f.e.masked_load(address, f.scalar(op.mask), rest, buffer.bytes)
    f.define(op.result, _from_memory(f, loaded, buffer))


def lower_masked_store(f: DeviceFunction, op: vector.MaskedStoreOp) -> None:
    """`vector.maskedstore`."""
    address, buffer = _address(f, op, op.base, op.indices)
    f.e.masked_store(_to_memory(f, f.scalar(op.value_to_store), buffer), address, f.scalar(op.mask), buffer.bytes)


# transfers


def _moved_dim(op: vector.TransferReadOp | vector.TransferWriteOp) -> int | None:
    """The dimension of the buffer that the lanes run along; None where all lanes read the same element."""
    map_ = op.permutation_map.data
    if len(map_.results) == 1:
        (result,) = map_.results
        if isinstance(result, AffineDimExpr):
            return result.position
        if isinstance(result, AffineConstantExpr) and isinstance(op, vector.TransferReadOp):
            return None
    raise error_at(op, f"'{op.name}' moves vectors of one dimension here, not by {map_}", code=codes.CANNOT_LOWER)


def _in_bounds(op: vector.TransferReadOp | vector.TransferWriteOp) -> bool:
    return all(bool(attr.value.data) for attr in op.in_bounds)


def _transfer_mask(
    f: DeviceFunction, op: vector.TransferReadOp | vector.TransferWriteOp, buffer: Buffer, dim: int | None, width: int
) -> Value | None:
    """Which lanes are moved: those inside of the buffer, and in the mask that the op has. None: all."""
    e = f.e
    mask = None if op.mask is None else f.scalar(op.mask)
    if dim is None or _in_bounds(op):
        return mask
    numbers = e.dense(range(width), VectorType(i64, [width]))
    room = e.sub_index(buffer.sizes[dim], f.scalar(op.indices[dim]))
    inside = e.icmp("slt", numbers, e.splat(room, width))
    return inside if mask is None else e.and_(inside, mask)


def lower_transfer_read(f: DeviceFunction, op: vector.TransferReadOp) -> None:
    """`vector.transfer_read`: lanes outside of the buffer, or not in the mask, are the padding."""
    e, dim, width = f.e, _moved_dim(op), _width(op.result.type)
    buffer = _memory_of(f, op)
    address = buffer.address(e, f.scalars(op.indices))
    mask = _transfer_mask(f, op, buffer, dim, width)
    rest = e.splat(_to_memory(f, f.scalar(op.padding), buffer), width)
    if dim is not None and constant_value(buffer.strides[dim]) == 1:
        known = _alignment(_known_alignment(f, op, op.source, op.indices), width, buffer.bytes)
        whole = mask is None
        loaded = e.load(address, rest.type, known) if whole else e.masked_load(address, mask, rest, buffer.bytes)
    else:
        loaded = rest
        step = e.integer(0) if dim is None else buffer.strides[dim]
        for lane in range(width):
            place = e.gep(address, e.mul_index(step, e.integer(lane)), buffer.memory)
            value = _guarded_load(f, place, buffer, mask, e.extract(rest, lane), lane)
            loaded = e.insert(loaded, value, lane)
    f.define(op.result, _from_memory(f, loaded, buffer))


def _memory_of(f: DeviceFunction, op: vector.TransferReadOp | vector.TransferWriteOp) -> Buffer:
    if not isa(op.source.type, MemRefType):
        raise error_at(
            op, f"'{op.name}' works on memrefs here", "run the pass 'bufferize' first", code=codes.CANNOT_LOWER
        )
    return f.buffer(op.source, op)


def _guarded_load(f: DeviceFunction, place: Value, buffer: Buffer, mask: Value | None, rest: Value, lane: int) -> Value:
    e = f.e
    if mask is None:
        return e.load(place, buffer.memory, buffer.bytes)
    inside, onward = e.block(), e.block(buffer.memory)
    e.cond_br(e.extract(mask, lane), inside, onward, (), (rest,))
    e.enter(inside)
    e.br(onward, (e.load(place, buffer.memory, buffer.bytes),))
    e.enter(onward)
    return onward.args[0]


def lower_transfer_write(f: DeviceFunction, op: vector.TransferWriteOp) -> None:
    """`vector.transfer_write`: lanes outside of the buffer, or not in the mask, are not written."""
    e, dim, width = f.e, _moved_dim(op), _width(op.vector.type)
    buffer = _memory_of(f, op)
    address = buffer.address(e, f.scalars(op.indices))
    mask = _transfer_mask(f, op, buffer, dim, width)
    value = _to_memory(f, f.scalar(op.vector), buffer)
    step = buffer.strides[cast(int, dim)]
    if constant_value(step) == 1:
        known = _alignment(_known_alignment(f, op, op.source, op.indices), width, buffer.bytes)
        if mask is None:
            e.store(value, address, known)
        else:
            e.masked_store(value, address, mask, buffer.bytes)
        return
    for lane in range(width):
        place = e.gep(address, e.mul_index(step, e.integer(lane)), buffer.memory)
        inside, onward = e.block(), e.block()
        e.cond_br(e.integer(1, i1) if mask is None else e.extract(mask, lane), inside, onward)
        e.enter(inside)
        e.store(e.extract(value, lane), place, buffer.bytes)
        e.br(onward)
        e.enter(onward)


# values


def _position(f: DeviceFunction, op: vector.ExtractOp | vector.InsertOp) -> Value | int | None:
    """The lane that an op is about; None where it is about the whole vector."""
    places = op.get_mixed_position()
    if not places:
        return None
    (place,) = places
    return place if isinstance(place, int) else f.scalar(place)


def lower_extract(f: DeviceFunction, op: vector.ExtractOp) -> None:
    """`vector.extract`."""
    place, source = _position(f, op), f.scalar(op.vector)
    f.define(op.result, source if place is None else f.e.extract(source, place))


def lower_insert(f: DeviceFunction, op: vector.InsertOp) -> None:
    """`vector.insert`."""
    place, source = _position(f, op), f.scalar(op.source)
    f.define(op.result, source if place is None else f.e.insert(f.scalar(op.dest), source, place))


def lower_broadcast(f: DeviceFunction, op: vector.BroadcastOp) -> None:
    """`vector.broadcast`."""
    source, width = f.scalar(op.source), _width(op.vector.type)
    if lanes(source.type) == width:
        f.define(op.vector, source)
        return
    scalar = source if lanes(source.type) is None else f.e.extract(source, 0)
    f.define(op.vector, f.e.splat(scalar, width))


def lower_fma(f: DeviceFunction, op: vector.FMAOp) -> None:
    """`vector.fma`."""
    f.define(op.res, f.e.fma(*f.scalars(op.operands)))


def lower_bitcast(f: DeviceFunction, op: vector.BitcastOp) -> None:
    """`vector.bitcast`."""
    (type_,) = f.parts(op.result.type, op)
    f.define(op.result, f.e.value(llvm.BitcastOp, (f.scalar(op.source),), type_))


def lower_shuffle(f: DeviceFunction, op: vector.ShuffleOp) -> None:
    """`vector.shuffle`."""
    a, b = f.scalars(op.operands)
    e, wide = f.e, max(_width(a.type), _width(b.type))
    first = _width(a.type)
    mask = [int(place) for place in op.mask.get_values()]
    if first != _width(b.type):
        a, b = (e.shuffle(x, x, [i if i < _width(x.type) else -1 for i in range(wide)]) for x in (a, b))
        mask = [place if place < first else place - first + wide for place in mask]
    f.define(op.result, e.shuffle(a, b, mask))


def lower_reduction(f: DeviceFunction, op: vector.ReductionOp) -> None:
    """`vector.reduction`: lane by lane, in order."""
    e, source = f.e, f.scalar(op.vector)
    rule = combine(f, str(op.kind.data), op)
    total = None if op.acc is None else f.scalar(op.acc)
    for lane in range(_width(source.type)):
        value = e.extract(source, lane)
        total = value if total is None else rule(total, value)
    f.define(op.dest, cast(Value, total))


def lower_create_mask(f: DeviceFunction, op: vector.CreateMaskOp) -> None:
    """`vector.create_mask`."""
    e, width = f.e, _width(op.mask_vector.type)
    (size,) = f.scalars(op.mask_dim_sizes)
    numbers = e.dense(range(width), VectorType(i64, [width]))
    f.define(op.mask_vector, e.icmp("slt", numbers, e.splat(size, width)))


def _one_dimension(rule: Callable[[DeviceFunction, Any], None]) -> Callable[[DeviceFunction, Operation], None]:
    """A rule for ops all of whose vectors have one dimension. Raises :class:`WeftError` for others."""

    def checked(f: DeviceFunction, op: Operation) -> None:
        for value in (*op.operands, *op.results):
            if isa(value.type, VectorType) and value.type.get_num_dims() != 1:
                raise error_at(
                    op,
                    f"'{op.name}' on {value.type}: vectors in kernels have one dimension",
                    code=codes.UNSUPPORTED_TYPE,
                )
        rule(f, op)

    return checked


_RULES: Mapping[type[Operation], Callable[[DeviceFunction, Any], None]] = {
    vector.LoadOp: lower_load,
    vector.StoreOp: lower_store,
    vector.MaskedLoadOp: lower_masked_load,
    vector.MaskedStoreOp: lower_masked_store,
    vector.TransferReadOp: lower_transfer_read,
    vector.TransferWriteOp: lower_transfer_write,
    vector.ExtractOp: lower_extract,
    vector.InsertOp: lower_insert,
    vector.BroadcastOp: lower_broadcast,
    vector.FMAOp: lower_fma,
    vector.BitcastOp: lower_bitcast,
    vector.ShuffleOp: lower_shuffle,
    vector.ReductionOp: lower_reduction,
    vector.CreateMaskOp: lower_create_mask,
}

VECTOR_RULES: Mapping[type[Operation], Any] = {kind: _one_dimension(rule) for kind, rule in _RULES.items()}
"""Ops on vectors."""
