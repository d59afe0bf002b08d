"""Builtin types."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from xdsl.dialects.builtin import (
    DYNAMIC_INDEX,
    AnyFloat,
    ArrayAttr,
    BoolAttr,
    ComplexType,
    FunctionType,
    IndexType,
    IntegerType,
    MemRefLayoutAttr,
    MemRefType,
    NoneType,
    Signedness,
    TensorType,
    TupleType,
    UnrankedMemRefType,
    UnrankedTensorType,
    VectorType,
    bf16,
    f4E2M1FN,
    f6E2M3FN,
    f6E3M2FN,
    f8E3M4,
    f8E4M3,
    f8E4M3B11FNUZ,
    f8E4M3FN,
    f8E4M3FNUZ,
    f8E5M2,
    f8E5M2FNUZ,
    f8E8M0FNU,
    f16,
    f32,
    f64,
    f80,
    f128,
    tf32,
)
from xdsl.ir import Attribute

from weft import codes
from weft.frontends.mlir.actions.common import Action
from weft.frontends.mlir.actions.numbers import INT64_MAX, size
from weft.frontends.mlir.reading import Reading

_FLOATS: tuple[AnyFloat, ...] = (
    bf16, f16, f32, f64, f80, f128, tf32, f8E5M2, f8E4M3, f8E4M3FN, f8E5M2FNUZ, f8E4M3FNUZ, f8E4M3B11FNUZ,
    f8E3M4, f8E8M0FNU, f6E2M3FN, f6E3M2FN, f4E2M1FN,
)  # fmt: skip
_WORDS: dict[str, Attribute] = {
    "index": IndexType(),
    "none": NoneType(),
    **{type.name: type for type in _FLOATS},
}
_SIGNS = {"i": Signedness.SIGNLESS, "si": Signedness.SIGNED, "ui": Signedness.UNSIGNED}
_WIDEST = (1 << 24) - 1
"""MLIR's bound on the width of an integer type."""

_COMMENT = re.compile(r"//[^\n]*")
_DIMENSION = re.compile(r"\[\s*[0-9]+\s*\]|[0-9]+|\?")


def builtin_type(token: str) -> Attribute:
    """A type of one word: `index`, `i32`, `ui8`, `bf16`. Raises ValueError where there is none."""
    word = _WORDS.get(token)
    if word is not None:
        return word
    sign, width = token.rstrip("0123456789"), token.lstrip("siu")
    if sign not in _SIGNS:
        raise ValueError(f"there is no float type '{token}'")
    if len(width) > len(str(_WIDEST)) or int(width) > _WIDEST:
        raise ValueError(f"an integer type has at most {_WIDEST} bits, found {width[:40]}")
    return IntegerType(int(width), _SIGNS[sign])


def shaped(reader: Reading, values: list[Any]) -> Attribute:
    """`tensor<4x?xf32, ...>`, `memref<...>`, `vector<[4]xf32>`: the opening token holds the dimensions."""
    token, start = values[0]
    element: Attribute = values[1]
    rest: list[Attribute] = values[3:-1:2]
    if "//" in token:
        token = _COMMENT.sub("", token)
    sort, _, dimensions = token.partition("<")
    if dimensions.lstrip().startswith("*"):
        return _UNRANKED[sort.rstrip()](reader, element, rest, start)
    texts = _DIMENSION.findall(dimensions)
    shape = [
        DYNAMIC_INDEX if text == "?" else size(reader, text.strip("[] \t\r\n"), "the dimension", start)
        for text in texts
    ]
    check_count(reader, shape, start)
    try:
        return _RANKED[sort.rstrip()](reader, element, shape, texts, rest, start)
    except ValueError as error:
        return reader.fail(str(error), start, code=codes.BAD_TYPE)


def check_count(reader: Reading, shape: Sequence[int], start: int) -> None:
    """Refuse a shape whose known dimensions alone make more elements than int64 counts."""
    count = 1
    for dimension in shape:
        if dimension > 0:
            count *= dimension
    if count > INT64_MAX and 0 not in shape:
        reader.fail("the number of elements of this shape does not fit in 64 bits", start, code=codes.TOO_LARGE)


def _tensor(
    reader: Reading, element: Attribute, shape: list[int], texts: list[str], rest: list[Attribute], start: int
) -> Attribute:
    if len(rest) > 1 or any(text[0] == "[" for text in texts):
        reader.fail(
            "a tensor type is tensor<shape x element> or tensor<shape x element, encoding>", start, code=codes.BAD_TYPE
        )
    return TensorType(element, shape, *rest)


def _memref(
    reader: Reading, element: Attribute, shape: list[int], texts: list[str], rest: list[Attribute], start: int
) -> Attribute:
    if any(text[0] == "[" for text in texts):
        reader.fail("only the dimensions of a vector can be scalable", start, code=codes.BAD_TYPE)
    if not rest:
        return MemRefType(element, shape)
    layout = rest[0]
    if isinstance(layout, MemRefLayoutAttr):
        return MemRefType(element, shape, layout, *rest[1:])
    if len(rest) == 2:
        reader.fail("the layout of a memref must be a strided layout or an affine map", start, code=codes.BAD_TYPE)
    return MemRefType(element, shape, memory_space=layout)


def _vector(
    reader: Reading, element: Attribute, shape: list[int], texts: list[str], rest: list[Attribute], start: int
) -> Attribute:
    if rest:
        reader.fail("a vector type is vector<shape x element>", start, code=codes.BAD_TYPE)
    if "?" in texts:
        reader.fail("a vector has no dynamic dimension, only scalable ones such as [4]", start, code=codes.BAD_TYPE)
    scalable = ArrayAttr(BoolAttr.from_bool(text[0] == "[") for text in texts)
    return VectorType(element, shape, scalable)


def _unranked_tensor(reader: Reading, element: Attribute, rest: list[Attribute], start: int) -> Attribute:
    if rest:
        reader.fail("an unranked tensor has no encoding", start, code=codes.BAD_TYPE)
    return UnrankedTensorType(element)


def _unranked_memref(reader: Reading, element: Attribute, rest: list[Attribute], start: int) -> Attribute:
    if len(rest) > 1:
        reader.fail("an unranked memref has no layout", start, code=codes.BAD_TYPE)
    return UnrankedMemRefType.from_type(element, *rest)


def _unranked_vector(reader: Reading, element: Attribute, rest: list[Attribute], start: int) -> Attribute:
    return reader.fail("there is no unranked vector", start, code=codes.BAD_TYPE)


_RANKED = {"tensor": _tensor, "memref": _memref, "vector": _vector}
_UNRANKED = {"tensor": _unranked_tensor, "memref": _unranked_memref, "vector": _unranked_vector}


def complex_type(reader: Reading, values: list[Any]) -> Attribute:
    """`complex<f32>`."""
    element = values[2]
    if not isinstance(element, (IntegerType, AnyFloat)):
        reader.fail(
            f"a complex number is made of integers or floats, not of {element}", reader.here(), code=codes.BAD_TYPE
        )
    return ComplexType(element)


ACTIONS: dict[str, Action] = {
    "shaped": shaped,
    "tuple0": lambda reader, values: TupleType(()),
    "tuple1": lambda reader, values: TupleType(tuple(values[2])),
    "complex": complex_type,
    "signature0": lambda reader, values: ((), values[3]),
    "signature1": lambda reader, values: (values[1], values[4]),
    "functype0": lambda reader, values: FunctionType.from_lists([], values[3]),
    "functype1": lambda reader, values: FunctionType.from_lists(values[1], values[4]),
}
