"""The address of an access whose index the body computes."""

from __future__ import annotations

from xdsl.dialects.builtin import VectorType
from xdsl.ir import SSAValue

from weft.dialects.loop import ComputedOp, Linear
from weft.passes.lower.function_builder import Value
from weft.passes.lower.loop_to_llvm.buffers import address, based
from weft.passes.lower.loop_to_llvm.lowering import Lowering
from weft.passes.lower.loop_to_llvm.masks import lane_numbers
from weft.passes.lower.loop_to_llvm.places import Address, Stride


def computed_address(k: Lowering, op: ComputedOp) -> Address:
    """Where an access goes now: as for any other one, unless a computed value depends on the lane."""
    if k.lanes is None or not any(_is_vector(k, value) for value in op.counters):
        return address(k, op)
    return _lane_addresses(k, op, k.lanes.width)


def _lane_addresses(k: Lowering, op: ComputedOp, width: int) -> Address:
    """An address whose step is a vector: the distance of each lane from the base."""
    buffer = k.buffers[k.analysis.target(op)]
    offsets: list[Value] = []
    constant, distance = 0, None
    for form, stride in zip(k.analysis.forms(op), buffer.strides, strict=True):
        vectors = [(value, factor) for value, factor in form.terms if _is_vector(k, value)]
        rest = k.form(Linear(tuple(t for t in form.terms if t not in vectors), form.constant))
        offsets += [_scaled(k, value, factor, stride) for value, factor in rest.terms]
        if isinstance(stride, int):
            constant += rest.constant * stride
        elif rest.constant:
            offsets.append(k.times(stride, rest.constant))
        parts = [(k.value(value, width), factor) for value, factor in vectors]
        if rest.lane:
            parts.append((lane_numbers(k, width, 1), rest.lane))
        for value, factor in parts:
            by = k.integer(factor * stride) if isinstance(stride, int) else k.times(stride, factor)
            part = k.times(value, k.splat(by, width))
            distance = part if distance is None else k.plus(distance, part)
    assert distance is not None
    return Address(buffer, based(k, buffer, offsets), constant, distance)


def _scaled(k: Lowering, value: Value, factor: int, stride: Stride) -> Value:
    return k.times(value, factor * stride) if isinstance(stride, int) else k.times(k.times(value, factor), stride)


def _is_vector(k: Lowering, value: SSAValue) -> bool:
    """Whether a value of an index, which is no counter, depends on the lane."""
    found = None if value in k.counters else k.values.get(value)
    return found is not None and isinstance(found.type, VectorType)
