"""Builtin attributes, but for dense ones."""

from __future__ import annotations

from typing import Any, cast

from immutabledict import immutabledict
from xdsl.dialect_interfaces.op_asm import OpAsmDialectInterface
from xdsl.dialects.builtin import (
    AnyFloat,
    ArrayAttr,
    BytesAttr,
    DictionaryAttr,
    FloatAttr,
    IndexType,
    IntegerAttr,
    IntegerType,
    NoneAttr,
    OpaqueAttr,
    StridedLayoutAttr,
    StringAttr,
    SymbolRefAttr,
    UnitAttr,
    f64,
    i64,
)
from xdsl.ir import Attribute

from weft import codes
from weft.frontends.mlir.actions.common import Action
from weft.frontends.mlir.actions.numbers import HexInt, bounded
from weft.frontends.mlir.reading import Reading
from weft.frontends.mlir.text import unescape

_TRUE, _FALSE = (IntegerAttr(value, IntegerType(1)) for value in (1, 0))
_UNIT = UnitAttr()


def string(reader: Reading, token: str) -> Attribute:
    """`"text"`; bytes where escapes make something else than ASCII."""
    contents = unescape(token)
    return BytesAttr(contents) if isinstance(contents, bytes) else StringAttr(contents)


def untyped_number(reader: Reading, value: float) -> Attribute:
    """A number without a type: f64 or i64."""
    if isinstance(value, float):
        return FloatAttr(value, f64)
    return IntegerAttr(int(value), i64)


def typed_number(reader: Reading, values: list[Any]) -> Attribute:
    """`5 : i32`, `0x7fc00000 : f32`: hexadecimal gives the bits of a float."""
    value, _, type = values
    if isinstance(type, AnyFloat):
        if isinstance(value, HexInt):
            return FloatAttr(float_of_bits(reader, value, type), cast(Any, type))
        return FloatAttr(float(value), cast(Any, type))
    if not isinstance(type, (IntegerType, IndexType)):
        reader.fail(
            f"a number has an integer, index or float type, not {type}", reader.here(), code=codes.BAD_ATTRIBUTE
        )
    if isinstance(value, float):
        reader.fail(f"the float {value} cannot have the type {type}", reader.here(), code=codes.BAD_ATTRIBUTE)
    if isinstance(type, IndexType):
        bounded(reader, value, "the index")
    return IntegerAttr(int(value), cast(Any, type))


def float_of_bits(reader: Reading, bits: int, type: AnyFloat) -> float:
    """The float with these bits."""
    width = type.compile_time_size
    if bits >> (8 * width):
        reader.fail(f"0x{bits:x} has more bits than {type}", reader.here(), code=codes.OUT_OF_RANGE)
    return next(type.iter_unpack(bits.to_bytes(width, "little")))


def dictionary(reader: Reading, value: dict[str, Attribute]) -> Attribute:
    """`{a = 1, b}`."""
    return DictionaryAttr(immutabledict(value))


def dictionary_entries(reader: Reading, values: list[Any]) -> dict[str, Attribute]:
    """The entries of a dictionary; a key may stand once."""
    entries = dict(values[1])
    if len(entries) != len(values[1]):
        seen = set[str]()
        for key, _ in values[1]:
            if key in seen:
                reader.fail(f"the key '{key}' stands twice in this dictionary", reader.here(), code=codes.REPEATED_KEY)
            seen.add(key)
    return entries


def symbol(reader: Reading, token: str) -> Attribute:
    """`@name`."""
    return SymbolRefAttr(reader.symbol(token), ArrayAttr[StringAttr]([]))


def nested_symbol(reader: Reading, values: list[Any]) -> Attribute:
    """`@outer::@name`."""
    outer: SymbolRefAttr = values[0]
    return SymbolRefAttr(outer.root_reference, ArrayAttr([*outer.nested_references.data, reader.symbol(values[2])]))


def opaque(reader: Reading, values: list[Any]) -> Attribute:
    """`opaque<"dialect", "contents">`, typed or not."""
    type = values[7] if len(values) > 6 else NoneAttr()
    return OpaqueAttr.from_strings(reader.text_of(values[2]), reader.text_of(values[4]), type=type)


def strided_layout(reader: Reading, strides: list[int | None], tail: list[Any]) -> Attribute:
    """`strided<[1, ?], offset: ?>`; `tail` is what follows the strides."""
    offset = tail[3] if len(tail) > 2 else 0
    for number in (*strides, offset):
        if number is not None:
            bounded(reader, number, "a stride or offset")
    return StridedLayoutAttr(strides, offset) if len(tail) > 2 else StridedLayoutAttr(strides)


def file_metadata(reader: Reading, values: list[Any]) -> None:
    """`{-# dialect_resources: {...} #-}`; external resources are for tools, and are not kept."""
    for section, groups in values[1] if len(values) == 3 else ():
        if section == "external_resources":
            continue
        if section != "dialect_resources":
            reader.fail(
                f"file metadata has dialect_resources and external_resources, not '{section}'",
                reader.here(),
                code=codes.BAD_RESOURCE,
            )
        for name, entries in groups:
            _dialect_resources(reader, name, entries)


def _dialect_resources(reader: Reading, name: str, entries: Any) -> None:
    dialect = reader.ctx.get_optional_dialect(name)
    store = dialect.get_interface(OpAsmDialectInterface) if dialect is not None else None
    if dialect is None or store is None or not isinstance(entries, list):
        reader.fail(f"there is no dialect '{name}' that keeps resources", reader.here(), code=codes.BAD_RESOURCE)
    for key, blob in cast(list[tuple[str, str]], entries):
        declared = reader.resource(dialect.name, store, key)
        try:
            store.parse_resource(declared, reader.text_of(blob))
        except (ValueError, KeyError) as error:
            reader.fail(f"the resource '{key}' is wrong: {error}", reader.here(), code=codes.BAD_RESOURCE)


def named_group(reader: Reading, values: list[Any]) -> tuple[str, Any]:
    """`name: {...}` or `name: "blob"`."""
    if len(values) == 3:
        return values[0], values[2]
    return values[0], values[3] if len(values) == 5 else []


ACTIONS: dict[str, Action] = {
    "string": string,
    "text": lambda reader, token: reader.text_of(token),
    "untyped_number": untyped_number,
    "typed_number": typed_number,
    "true_attr": lambda reader, token: _TRUE,
    "false_attr": lambda reader, token: _FALSE,
    "unit_attr": lambda reader, token: _UNIT,
    "array0": lambda reader, values: ArrayAttr[Attribute]([]),
    "array1": lambda reader, values: ArrayAttr[Attribute](values[1]),
    "dictionary": dictionary,
    "dict0": lambda reader, values: {},
    "dict1": dictionary_entries,
    "entry_quoted_unit": lambda reader, token: (reader.text_of(token), _UNIT),
    "entry_quoted": lambda reader, values: (reader.text_of(values[0]), values[2]),
    "entry_unit": lambda reader, token: (token, _UNIT),
    "entry": lambda reader, values: (values[0], values[2]),
    "symbol": symbol,
    "nested_symbol": nested_symbol,
    "opaque": opaque,
    "strided0": lambda reader, values: strided_layout(reader, [], values[4:]),
    "strided1": lambda reader, values: strided_layout(reader, values[3], values[5:]),
    "metadata_section": named_group,
    "resource_group": named_group,
    "resource": named_group,
    "file_metadata": file_metadata,
}
