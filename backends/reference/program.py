"""Running a module's functions on NumPy arrays, with the call manners of a compiled program."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any, cast

import numpy as np
from xdsl.dialects.builtin import MemRefType, ModuleOp, ShapedType
from xdsl.dialects.func import FuncOp
from xdsl.ir import Attribute

from weft import codes
from weft.backends.reference.indexing import check_static
from weft.backends.reference.machine import Machine, Rounding
from weft.backends.reference.memref import check_layout
from weft.backends.reference.values import Buffer, buffer_of, is_array
from weft.diagnostics import WeftError, did_you_mean
from weft.dialects.locations import error_at, where
from weft.dialects.ml.dtypes import Array
from weft.dialects.scalars.types import Value, need_dtype


def run(
    module: ModuleOp,
    entry: str,
    args: Sequence[Any],
    *,
    fill: int | None = None,
    listeners: tuple[Machine.Listener, ...] = (),
    rounding: Rounding | None = None,
) -> tuple[Any, ...]:
    """Run the function `entry` and give its results, one array or NumPy scalar for each.

    Tensor and memref arguments are arrays of their type's dtype (memrefs are used in place); an index or integer
    argument is a number. `fill` is what each byte holds of memory that nobody has written yet; `listeners` are told of
    every op that runs, and `rounding` changes what it gives. Raises :class:`WeftError` for arguments that do not fit,
    a failed check, or an op that the reference cannot run.
    """
    machine = Machine(module, fill, listeners, rounding)
    function = entry_of(machine, entry)
    inputs = function.function_type.inputs.data
    if len(args) != len(inputs):
        raise error_at(function, f"@{entry} takes {len(inputs)} arguments, not {len(args)}", code=codes.WRONG_ARGUMENTS)
    values = [_argument(function, i, type_, arg) for i, (type_, arg) in enumerate(zip(inputs, args, strict=True))]
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        results = machine.call(function, tuple(values))
    return tuple(result.array if isinstance(result, Buffer) else result for result in results)


def load(module: ModuleOp, entry: str) -> Program:
    """The function `entry` as a callable. Raises :class:`WeftError` where there is none."""
    entry_of(Machine(module), entry)
    return Program(module, entry)


class Program:
    """A function of a module: called with arrays and numbers, gives one result, or several as a tuple."""

    def __init__(self, module: ModuleOp, entry: str) -> None:
        self.module = module
        self.entry = entry

    def __call__(self, *args: Any, out: Array | Sequence[Array] | None = None) -> Any:
        """Run it. `out` are arrays that take the results instead of fresh ones."""
        results = run(self.module, self.entry, args)
        if out is not None:
            places = [out] if isinstance(out, np.ndarray) else list(out)
            results = tuple(_put(self.entry, i, place, result) for i, (place, result) in _pairs(places, results))
        if not results:
            return None
        return results[0] if len(results) == 1 else results


def entry_of(machine: Machine, entry: str) -> FuncOp:
    """The function of that name. Raises :class:`WeftError` where there is none, or it has no body."""
    function = machine.functions.get(entry)
    if function is None:
        raise WeftError(
            f"there is no function @{entry}",
            where(machine.module),
            did_you_mean(entry, machine.functions),
            code=codes.NO_ENTRY,
        )
    if function.is_declaration:
        raise error_at(function, f"@{entry} has no body", code=codes.NO_BODY)
    return function


def _pairs(places: Sequence[Array], results: Sequence[Value]) -> Any:
    if len(places) != len(results):
        raise WeftError(f"out has {len(places)} arrays for {len(results)} results", code=codes.WRONG_OUT)
    return enumerate(zip(places, results, strict=True))


def _put(entry: str, position: int, place: Array, result: Value) -> Array:
    if place.dtype != result.dtype or place.shape != np.shape(result):
        raise WeftError(
            f"out {position} of @{entry} must be {result.dtype} of shape {np.shape(result)}, "
            f"not {place.dtype} of shape {place.shape}",
            code=codes.WRONG_OUT,
        )
    place[...] = result
    return place


def _argument(function: FuncOp, position: int, type_: Attribute, given: Any) -> Value:
    name = f"argument {position} of @{function.sym_name.data}"
    dtype = need_dtype(function, type_)
    if isinstance(type_, ShapedType):
        array: Array = given if is_array(given) else np.asarray(given)
        if array.dtype != dtype:
            raise error_at(
                function, f"{name} must be an array of {dtype}, not {array.dtype}", code=codes.WRONG_ARGUMENT
            )
        _check_shape(function, name, cast(Attribute, type_), array)
        return _in_place(function, name, cast(Attribute, type_), array) if isinstance(type_, MemRefType) else array
    return _scalar(function, name, dtype, given)


def _check_shape(function: FuncOp, name: str, type_: Attribute, array: Array) -> None:
    try:
        check_static(function, type_, array.shape)
    except WeftError as error:
        raise error_at(
            function, f"{name} must be {type_}, not an array of shape {array.shape}", code=codes.WRONG_ARGUMENT
        ) from error


def _in_place(function: FuncOp, name: str, type_: Attribute, array: Array) -> Buffer:
    if any(stride % array.itemsize for stride in array.strides):
        raise error_at(function, f"{name} has strides that are not whole elements", code=codes.WRONG_ARGUMENT)
    buffer = buffer_of(array)
    check_layout(function, type_, buffer)
    return buffer


def _scalar(function: FuncOp, name: str, dtype: np.dtype[Any], given: Any) -> Value:
    if np.ndim(given) != 0:
        raise error_at(
            function, f"{name} must be one number, not an array of shape {np.shape(given)}", code=codes.WRONG_ARGUMENT
        )
    number = np.asarray(given)
    if dtype.kind in "iu" and (number.dtype.kind not in "iub" or not _fits(int(number), dtype)):
        raise error_at(function, f"{name} must be an integer of {dtype}, not {given}", code=codes.WRONG_ARGUMENT)
    return number.astype(dtype)[()]


def _fits(number: int, dtype: np.dtype[Any]) -> bool:
    info = np.iinfo(dtype)
    return info.min <= number <= info.max
