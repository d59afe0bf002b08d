"""Dense attributes: literals, hexadecimal data, resources, arrays."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any, NamedTuple, cast

from xdsl.dialect_interfaces.op_asm import OpAsmDialectInterface
from xdsl.dialects.builtin import (
    DYNAMIC_INDEX,
    AnyFloat,
    BytesAttr,
    ComplexType,
    DenseArrayBase,
    DenseIntOrFPElementsAttr,
    DenseResourceAttr,
    IndexType,
    IntegerType,
    MemRefType,
    ShapedType,
    Signedness,
    TensorType,
    VectorType,
)
from xdsl.ir import Attribute

from weft import codes
from weft.frontends.mlir.actions.attributes import float_of_bits
from weft.frontends.mlir.actions.common import Action
from weft.frontends.mlir.actions.numbers import HexInt
from weft.frontends.mlir.reading import Reading

_MOST_BYTES = 1 << 31
"""A literal larger than this would only fill the memory: a few letters can ask for any size."""


class Literal(NamedTuple):
    """What stands between `dense<` and `>`: its values in order, and its shape (empty for one value)."""

    values: list[Any]
    shape: list[int]


def literal_list(reader: Reading, values: list[Any]) -> Literal:
    """`[a, b]`: all of one shape."""
    parts: list[Literal] = values[1]
    shape = parts[0].shape
    if any(part.shape != shape for part in parts):
        reader.fail("the rows of this literal have different shapes", reader.here(), code=codes.BAD_LITERAL)
    if shape:
        return Literal([value for part in parts for value in part.values], [len(parts), *shape])
    return Literal([part.values[0] for part in parts], [len(parts)])


def literal_complex(reader: Reading, values: list[Any]) -> Literal:
    """`(re, im)`."""
    real, imaginary = values[1], values[3]
    is_bits = isinstance(real, HexInt) or isinstance(imaginary, HexInt)
    if isinstance(real, float) != isinstance(imaginary, float) and not is_bits:
        reader.fail(
            "both parts of a complex number are integers, or both are floats", reader.here(), code=codes.BAD_LITERAL
        )
    return Literal([(real, imaginary)], [])


def dense_type(reader: Reading, type: Attribute) -> tuple[Any, int]:
    """The type of a literal, and its number of elements."""
    if not isinstance(type, (TensorType, VectorType, MemRefType)):
        reader.fail(f"a dense literal is a tensor, vector or memref, not {type}", reader.here(), code=codes.BAD_LITERAL)
    element = cast(Any, type).element_type
    if not isinstance(element, (IntegerType, IndexType, AnyFloat, ComplexType)):
        reader.fail(
            f"the elements of a dense literal are numbers, not {element}", reader.here(), code=codes.BAD_LITERAL
        )
    shape = cast(ShapedType, type).get_shape()
    if DYNAMIC_INDEX in shape:
        reader.fail("a dense literal has a static shape", reader.here(), code=codes.BAD_LITERAL)
    count = prod(shape)
    if count * max(element.compile_time_size, 1) > _MOST_BYTES:
        reader.fail(
            f"a dense literal of {count} elements is too large for text",
            reader.here(),
            "use dense_resource",
            code=codes.BAD_LITERAL,
        )
    return cast(Any, type), count


def dense_empty(reader: Reading, values: list[Any]) -> Attribute:
    """`dense<> : type`."""
    type, count = dense_type(reader, values[4])
    if count:
        reader.fail(f"this literal is empty, but {type} has {count} elements", reader.here(), code=codes.BAD_LITERAL)
    return DenseIntOrFPElementsAttr.from_list(type, cast(list[int], []))


def dense_hex(reader: Reading, values: list[Any]) -> Attribute:
    """`dense<"0x..."> : type`: the bytes of all elements, or of one for all."""
    type, count = dense_type(reader, values[5])
    digits = reader.text_of(values[2])
    try:
        data = bytes.fromhex(digits[2:]) if digits[:2] in ("0x", "0X") else None
    except ValueError:
        data = None
    if data is None:
        reader.fail(
            'the data of a dense literal is "0x" and pairs of hexadecimal digits', reader.here(), code=codes.BAD_LITERAL
        )
    width = type.element_type.compile_time_size
    if len(data) == width:
        data *= count
    if len(data) != width * count:
        reader.fail(
            f"{type} needs {width * count} bytes, this literal has {len(data)}", reader.here(), code=codes.BAD_LITERAL
        )
    return DenseIntOrFPElementsAttr(type, BytesAttr(data))


def dense_literal(reader: Reading, values: list[Any]) -> Attribute:
    """`dense<[1, 2]> : type`, or one value for all elements."""
    literal: Literal = values[2]
    type, _ = dense_type(reader, values[5])
    shape = list(type.get_shape())
    if literal.shape and literal.shape != shape:
        reader.fail(
            f"the literal has shape {literal.shape}, its type has shape {shape}", reader.here(), code=codes.BAD_LITERAL
        )
    convert = _converter(reader, type.element_type)
    return DenseIntOrFPElementsAttr.from_list(type, [convert(value) for value in literal.values])


def _converter(reader: Reading, element: Attribute) -> Callable[[Any], Any]:
    """From what was written to an element."""
    if isinstance(element, ComplexType):
        part = _converter(reader, cast(Any, element).element_type)

        def to_complex(value: Any) -> tuple[Any, Any]:
            if not isinstance(value, tuple):
                reader.fail(f"an element of {element} is written (re, im)", reader.here(), code=codes.BAD_LITERAL)
            real, imaginary = cast(tuple[Any, Any], value)
            return part(real), part(imaginary)

        return to_complex
    if isinstance(element, AnyFloat):

        def to_float(value: Any) -> float:
            if isinstance(value, HexInt):
                return float_of_bits(reader, value, element)
            if isinstance(value, tuple):
                reader.fail(
                    f"a complex number cannot be an element of type {element}", reader.here(), code=codes.BAD_LITERAL
                )
            return float(value)

        return to_float

    boolean = element == IntegerType(1)
    unsigned = isinstance(element, IntegerType) and cast(Any, element).signedness.data == Signedness.UNSIGNED

    def to_int(value: Any) -> int:
        if not isinstance(value, int):
            reader.fail(f"{value} cannot be an element of type {element}", reader.here(), code=codes.BAD_LITERAL)
        if isinstance(value, bool) and not boolean:
            reader.fail(f"true and false are elements of i1, not of {element}", reader.here(), code=codes.BAD_LITERAL)
        if unsigned and value < 0:
            reader.fail(f"{value} cannot be an element of type {element}", reader.here(), code=codes.BAD_LITERAL)
        return int(value)

    return to_int


def dense_resource(reader: Reading, values: list[Any]) -> Attribute:
    """`dense_resource<key> : type`."""
    type = values[5]
    if not isinstance(type, ShapedType):
        reader.fail(f"a dense resource has a shaped type, not {type}", reader.here(), code=codes.BAD_LITERAL)
    store = reader.ctx.get_dialect("builtin").get_interface(OpAsmDialectInterface)
    assert store is not None, "the builtin dialect keeps resources"
    return DenseResourceAttr.from_params(reader.resource("builtin", store, values[2]), type)


def dense_array(reader: Reading, values: list[Any]) -> Attribute:
    """`array<i64: 1, 2>`."""
    element: Any = values[2]
    scalars: list[Any] = values[4] if len(values) > 4 else []
    if isinstance(element, IntegerType):
        if any(isinstance(value, float) for value in scalars):
            reader.fail(f"the elements of this array are of type {element}", reader.here(), code=codes.BAD_LITERAL)
        for value in scalars:
            element.verify_value(int(value))
        return DenseArrayBase.from_list(cast(Any, element), [int(value) for value in scalars])
    if not isinstance(element, AnyFloat):
        reader.fail(
            f"the elements of an array are integers or floats, not {element}", reader.here(), code=codes.BAD_LITERAL
        )
    convert = _converter(reader, element)
    return DenseArrayBase.from_list(element, [convert(value) for value in scalars])


ACTIONS: dict[str, Action] = {
    "literal_scalar": lambda reader, value: Literal([value], []),
    "literal_complex": literal_complex,
    "literal_empty": lambda reader, values: Literal([], [0]),
    "literal_list": literal_list,
    "dense_empty": dense_empty,
    "dense_hex": dense_hex,
    "dense_literal": dense_literal,
    "dense_resource": dense_resource,
    "dense_array": dense_array,
}
