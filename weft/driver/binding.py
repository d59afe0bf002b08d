"""Binding arguments: a program with some of its inputs inside, as constants."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast

import numpy as np
from xdsl.dialects import arith, func, tensor
from xdsl.dialects.builtin import (
    AnyDenseElement,
    AnyFloat,
    BytesAttr,
    DenseIntOrFPElementsAttr,
    FloatAttr,
    IndexType,
    IntegerAttr,
    IntegerType,
    ModuleOp,
    Signedness,
    TensorType,
)
from xdsl.ir import Attribute, Operation
from xdsl.rewriter import InsertPoint, Rewriter
from xdsl.utils.hints import isa

from weft import codes
from weft.backends.arguments import Array, check_value
from weft.backends.signature import ValueSpec
from weft.diagnostics import WeftError, did_you_mean
from weft.dialects import ml
from weft.dialects.locations import error_at
from weft.driver.inputs import read_value
from weft.driver.reduction.signature import drop_argument, has_callers
from weft.driver.signatures import signature_of


def bind_arguments(
    module: ModuleOp, functions: Sequence[func.FuncOp], values: Mapping[str, object], folder: Path
) -> None:
    """Make constants of the arguments of these names, in every function that has them.

    A value is an array or number, a text as `weft run --input` takes it, or None for the input that the program names
    itself (`weft.input`, relative to `folder`). Raises :class:`WeftError` for a name that no function has, and for a
    value that does not fit.
    """
    left = set(values)
    known: list[str] = []
    for function in functions:
        specs = signature_of(function).arguments
        known += [spec.name for spec in specs]
        for place in reversed(range(len(specs))):
            if (name := specs[place].name) in values:
                left.discard(name)
                _bind(module, function, place, specs[place], _value(specs[place], place, values[name], folder))
    if left:
        name = min(left)
        hint = did_you_mean(name, known) or f"arguments are {', '.join(dict.fromkeys(known)) or 'none'}"
        raise WeftError(f"there is no argument '{name}' to bind", hint=hint, code=codes.WRONG_ARGUMENTS)


def _value(spec: ValueSpec, place: int, value: object, folder: Path) -> object:
    if isinstance(value, str):
        return read_value(value, Path(), spec.name, place, spec.dtype if spec.kind == "scalar" else None)
    if value is not None:
        return value
    if spec.default is None:
        message = f"the program has no input for '{spec.name}: {spec}' to bind"
        raise WeftError(message, hint=f"give it: {spec.name}=FILE.npy", code=codes.WRONG_ARGUMENTS)
    return read_value(spec.default, folder, spec.name, place)


def _bind(module: ModuleOp, function: func.FuncOp, place: int, spec: ValueSpec, value: object) -> None:
    if has_callers(module, function):
        name = function.sym_name.data
        raise error_at(
            function, f"'@{name}' is called in the program: its arguments cannot be bound", code=codes.WRONG_ARGUMENTS
        )
    if spec.kind == "memref":
        message = f"argument '{spec.name}' is a memref, which may be written: it cannot be bound"
        raise error_at(function, message, code=codes.WRONG_ARGUMENT)
    argument = function.body.blocks[0].args[place]
    made = _constant(spec, argument.type, check_value(spec, value), function)
    for op in made:
        op.location = function.location
    Rewriter.insert_op(made, InsertPoint.at_start(function.body.blocks[0]))
    made[-1].results[0].name_hint = argument.name_hint
    argument.replace_all_uses_with(made[-1].results[0])
    drop_argument(function, place)


def _constant(spec: ValueSpec, type_: Attribute, value: Array | bool | int | float, at: Operation) -> list[Operation]:
    """Ops that make a value of a type; the last gives it."""
    if isa(type_, TensorType):
        array = np.asarray(value)
        element = cast(AnyDenseElement, type_.element_type)
        data = DenseIntOrFPElementsAttr(TensorType(element, array.shape), BytesAttr(array.tobytes()))
        constant = ml.ConstantOp(data)
        return [constant] if constant.result.type == type_ else [constant, tensor.CastOp(constant.result, type_)]
    number = cast(float, value)
    if isinstance(type_, AnyFloat):
        return [arith.ConstantOp(FloatAttr(number, type_))]
    is_signless = isa(type_, IntegerType) and type_.signedness.data == Signedness.SIGNLESS
    if is_signless or isinstance(type_, IndexType):
        return [arith.ConstantOp(IntegerAttr(int(number), cast("IntegerType | IndexType", type_)))]
    raise error_at(at, f"argument '{spec.name}' is a {spec}: it cannot be bound", code=codes.WRONG_ARGUMENT)
