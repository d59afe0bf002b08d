"""The entry of a public function: MLIR's C interface around the function's body."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import cast

from xdsl.dialects import func, llvm
from xdsl.dialects.builtin import MemRefType, i1, i64
from xdsl.ir import Attribute
from xdsl.utils.hints import isa

from weft.dialects.host_marks import INTO
from weft.passes.lower.emitter import Emitter
from weft.passes.lower.function_builder import Value
from weft.passes.lower.host.buffers import Buffer, from_components, layout_of, to_components
from weft.passes.lower.host.descriptors import descriptor_type, results_type
from weft.passes.lower.host.function import Shared, body_name, result_struct, takes_memory, value_types
from weft.passes.lower.types import PTR, integer_type, memory_type, register_type

PREFIX = "_mlir_ciface_"


def emit_entries(function: func.FuncOp, shared: Shared) -> list[llvm.FuncOp]:
    """`i64 @_mlir_ciface_NAME(ptr results, arguments...)`; `results` is absent where nothing is returned.

    Where the body takes memory for results, a second one, within the module, hands on what stands in `results`.
    """
    name = function.sym_name.data
    if not takes_memory(function, shared.memory):
        return [_entry(function, shared, PREFIX + name, "external", None)]
    return [
        _entry(function, shared, PREFIX + name, "external", lambda e: e.null()),
        _entry(function, shared, INTO + name, "internal", lambda e: e.arguments[0]),
    ]


def _entry(
    function: func.FuncOp, shared: Shared, name: str, linkage: str, given: Callable[[Emitter], Value] | None
) -> llvm.FuncOp:
    """One entry; `given` is what the body gets as the place of memory for results, if it takes that."""
    inputs, outputs = function.function_type.inputs.data, function.function_type.outputs.data
    leading: list[Attribute] = [PTR] if outputs else []
    passed = [PTR if isa(type_, MemRefType) else register_type(type_) for type_ in inputs]
    e = Emitter([*leading, *passed], function.location, shared.externals)
    components: list[Value] = []
    for argument, type_ in zip(e.arguments[len(leading) :], inputs, strict=True):
        if isa(type_, MemRefType):
            layout = layout_of(type_, function)
            components += to_components(layout, _load(e, argument, type_, layout.offset))
        else:
            components.append(argument)
    components += [given(e)] if given is not None else []
    struct = result_struct(outputs, function)
    packed = cast(Value, e.call(body_name(function.sym_name.data), components, struct))
    status = e.extract_value(packed, 0, i64)
    if outputs:
        good, done = e.block(), e.block()
        e.cond_br(e.icmp("eq", status, e.integer(0)), good, done)
        e.enter(good)
        _store_results(e, e.arguments[0], packed, outputs, function)
        e.br(done)
        e.enter(done)
    e.ret(status)
    return e.finish(name, i64, linkage=linkage)


def _load(e: Emitter, pointer: Value, type_: MemRefType, offset: int | None) -> Buffer:
    """The buffer that a descriptor describes. Where the type fixes the offset, the pointer makes up the rest."""
    rank = len(type_.get_shape())
    struct = descriptor_type(rank)

    def word(*path: int) -> Value:
        return e.load(e.field(pointer, struct, *path), i64, 8)

    allocated = e.load(e.field(pointer, struct, 0), PTR, 8)
    aligned = e.load(e.field(pointer, struct, 1), PTR, 8)
    held = word(2)
    sizes = tuple(word(3, dim) for dim in range(rank))
    strides = tuple(word(4, dim) for dim in range(rank))
    if offset is not None:
        aligned = e.gep(aligned, e.sub(held, e.integer(offset)), memory_type(type_.element_type))
        held = e.integer(offset)
    return Buffer(type_.element_type, allocated, aligned, held, sizes, strides)


def _store_results(
    e: Emitter, results: Value, packed: Value, types: Sequence[Attribute], function: func.FuncOp
) -> None:
    struct = results_type(types)
    place = 1
    for index, type_ in enumerate(types):
        parts = value_types(type_, function)
        values = [e.extract_value(packed, place + i, part) for i, part in enumerate(parts)]
        place += len(parts)
        target = e.field(results, struct, index)
        if not isa(type_, MemRefType):
            value = values[0]
            e.store(e.cast(llvm.ZExtOp, value, integer_type(8)) if value.type == i1 else value, target, 1)
            continue
        buffer = from_components(e, type_, layout_of(type_, function), values)
        _store(e, target, buffer)


def _store(e: Emitter, target: Value, buffer: Buffer) -> None:
    struct = descriptor_type(len(buffer.sizes))
    for place, value in enumerate((buffer.allocated, buffer.aligned, buffer.offset)):
        e.store(value, e.field(target, struct, place), 8)
    for place, numbers in ((3, buffer.sizes), (4, buffer.strides)):
        for dim, value in enumerate(numbers):
            e.store(value, e.field(target, struct, place, dim), 8)
