"""The signature of a function of a module: what its arguments and results are called, and what they are."""

from __future__ import annotations

from typing import cast

from xdsl.dialects import func
from xdsl.dialects.builtin import (
    DYNAMIC_INDEX,
    ArrayAttr,
    DictionaryAttr,
    MemRefType,
    NoneAttr,
    StridedLayoutAttr,
    StringAttr,
    TensorType,
)
from xdsl.ir import Attribute

from weft import codes
from weft.backends.signature import Signature, ValueSpec
from weft.dialects.dtype_names import numpy_dtype
from weft.dialects.locations import error_at


def signature_of(function: func.FuncOp) -> Signature:
    """The signature of a public function. Raises :class:`WeftError` for a type that no array or number can be."""
    arguments = [
        _spec(function, type_, _argument_name(function, n), _attributes(function.arg_attrs, n))
        for n, type_ in enumerate(function.function_type.inputs)
    ]
    results = [
        _spec(function, type_, f"result{n}", _attributes(function.res_attrs, n))
        for n, type_ in enumerate(function.function_type.outputs)
    ]
    return Signature(function.sym_name.data, tuple(arguments), tuple(results))


def _argument_name(function: func.FuncOp, n: int) -> str:
    return function.body.blocks[0].args[n].name_hint or f"arg{n}"


def _attributes(attributes: ArrayAttr[DictionaryAttr] | None, n: int) -> dict[str, Attribute]:
    return dict(attributes.data[n].data) if attributes is not None else {}


def _text(attributes: dict[str, Attribute], name: str) -> str | None:
    value = attributes.get(name)
    return value.data if isinstance(value, StringAttr) else None


def _spec(function: func.FuncOp, type_: Attribute, name: str, attributes: dict[str, Attribute]) -> ValueSpec:
    label = _text(attributes, "weft.name") or name
    files = _text(attributes, "weft.input"), _text(attributes, "weft.output")
    if isinstance(type_, TensorType):
        tensor = cast(TensorType[Attribute], type_)
        dims = tuple(None if d == DYNAMIC_INDEX else d for d in tensor.get_shape())
        return ValueSpec(label, "tensor", _dtype(function, tensor.element_type), dims, None, *files)
    if isinstance(type_, MemRefType):
        memref = cast(MemRefType[Attribute], type_)
        dims = tuple(None if d == DYNAMIC_INDEX else d for d in memref.get_shape())
        return ValueSpec(label, "memref", _dtype(function, memref.element_type), dims, _strides(memref), *files)
    return ValueSpec(label, "scalar", _dtype(function, type_), (), None, *files)


def _strides(memref: MemRefType[Attribute]) -> tuple[int | None, ...] | None:
    layout = memref.layout
    if isinstance(layout, NoneAttr):
        return None
    if isinstance(layout, StridedLayoutAttr):
        return tuple(None if isinstance(step, NoneAttr) else step.data for step in layout.strides.data)
    strides = memref.get_strides()
    return None if strides is None else tuple(strides)


def _dtype(function: func.FuncOp, element: Attribute) -> str:
    name = str(element)
    try:
        numpy_dtype(name)
    except (KeyError, TypeError):
        message = f"'@{function.sym_name.data}' cannot be called: no array or number has the type {name}"
        raise error_at(function, message, code=codes.UNSUPPORTED_TYPE) from None
    return name
