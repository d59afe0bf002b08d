"""Constants of the llvm dialect as LLVM spells them, bit for bit."""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from typing import cast

from xdsl.dialects.builtin import (
    BFloat16Type,
    DenseIntOrFPElementsAttr,
    Float16Type,
    Float32Type,
    Float64Type,
    FloatAttr,
    IntegerAttr,
    IntegerType,
    StringAttr,
)
from xdsl.ir import Attribute
from xdsl.utils.hints import isa

from weft.backends.llvm.names import escaped
from weft.backends.llvm.text_types import type_text

_F32_EXPONENT, _F32_FRACTION = 0xFF, (1 << 23) - 1


def _f32_bits_as_f64(raw: int) -> int:
    """An f32's bits as the f64 of the same value: LLVM writes f32 constants so. NaN payloads are kept."""
    sign, exponent, fraction = raw >> 31, raw >> 23 & _F32_EXPONENT, raw & _F32_FRACTION
    if exponent == _F32_EXPONENT:
        return sign << 63 | 0x7FF << 52 | fraction << 29
    value = struct.unpack("<f", struct.pack("<I", raw))[0]
    return struct.unpack("<Q", struct.pack("<d", value))[0]


def _f32(raw: int) -> str:
    return f"0x{_f32_bits_as_f64(raw):016X}"


_FLOATS: Mapping[type[Attribute], Callable[[int], str]] = {
    BFloat16Type: lambda raw: f"0xR{raw:04X}",
    Float16Type: lambda raw: f"0xH{raw:04X}",
    Float32Type: _f32,
    Float64Type: lambda raw: f"0x{raw:016X}",
}


def _scalar(type_: Attribute, data: bytes) -> str:
    """A number from the little-endian bytes that hold it."""
    raw = int.from_bytes(data, "little")
    if (found := _FLOATS.get(type(type_))) is not None:
        return found(raw)
    width = cast(IntegerType, type_).bitwidth
    if width == 1:
        return "true" if raw & 1 else "false"
    raw &= (1 << width) - 1
    return str(raw - (1 << width) if raw >> (width - 1) else raw)


def _elements(attr: DenseIntOrFPElementsAttr) -> list[bytes]:
    size = attr.type.element_type.compile_time_size
    data = attr.data.data
    return [data[i : i + size] for i in range(0, len(data), size)]


def constant_text(attr: Attribute, type_: Attribute) -> str:
    """The operand that stands for a constant of that type.

    Raises ValueError for an attribute that is no number, vector or array of numbers.
    """
    if isa(attr, IntegerAttr):
        width = cast(IntegerType, type_).bitwidth
        return _scalar(type_, (attr.value.data & ((1 << width) - 1)).to_bytes((width + 7) // 8, "little"))
    if isa(attr, FloatAttr):
        return _scalar(type_, attr.type.pack([attr.value.data]))
    if isa(attr, DenseIntOrFPElementsAttr):
        return _dense(attr)
    raise ValueError(f"{attr} is no constant of type {type_}")


def _dense(attr: DenseIntOrFPElementsAttr) -> str:
    element = attr.get_element_type()
    name = type_text(element)
    items = _elements(attr)
    if len(set(items)) == 1:
        return f"splat ({name} {_scalar(element, items[0])})"
    return "<" + ", ".join(f"{name} {_scalar(element, item)}" for item in items) + ">"


def data_bytes(attr: Attribute) -> bytes:
    """The bytes of an attribute as they lie in memory; an i1 takes one, 0 or 1.

    Raises ValueError for an attribute that holds no data.
    """
    if isinstance(attr, StringAttr):
        return attr.data.encode()
    if not isa(attr, DenseIntOrFPElementsAttr):
        raise ValueError(f"a global cannot hold {attr}")
    data = attr.data.data
    element = attr.get_element_type()
    if isa(element, IntegerType) and element.bitwidth == 1:
        return bytes(b & 1 for b in data)
    return data


def data_text(attr: Attribute) -> tuple[str, str]:
    """Type and value of a global that holds an attribute's bytes. Raises ValueError for one that holds no data."""
    data = data_bytes(attr)
    type_ = f"[{len(data)} x i8]"
    if data.count(0) == len(data):
        return type_, "zeroinitializer"
    return type_, f'c"{escaped(data)}"'
