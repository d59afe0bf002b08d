"""Compiled functions as Python callables: arguments checked, descriptors made, the status turned into an error."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import Any, NoReturn, Protocol, cast

import numpy as np

from weft import codes
from weft.backends.arguments import bind, check_out, check_value
from weft.backends.complex_pairs import in_pairs, is_complex, numbers_of, pairs_of
from weft.backends.cpu.descriptors import Array, Memory, array_at, describe, too_large, words
from weft.backends.cpu.scalars import argument_type, result_type, to_argument
from weft.backends.failures import failure
from weft.backends.signature import ENTRY, Signature, ValueSpec
from weft.diagnostics import WeftError

_EFFORT = 10000
"""How long to look for a common element of two strided arrays that lie in one another's range."""


class Code(Protocol):
    """Loaded code. Its functions are where they are for as long as it is held."""

    def address(self, name: str) -> int:
        """Where a function starts."""
        ...


class CompiledFunction:
    """A function in machine code: call it with arrays, in order or by name.

    It holds its code: the code lives as long as the callable does. Calls may run in several threads at once; the GIL
    is free while the code runs.
    """

    def __init__(self, library: Code, signature: Signature, messages: Sequence[str], held: object = None) -> None:
        self.signature = signature
        self.messages = tuple(messages)
        self._library = library
        self._held = held
        self._outs = [spec for spec in signature.results if spec.is_out]
        self._declared = [spec for spec in signature.results if not spec.is_out]
        self._returned = [in_pairs(spec) for spec in self._declared]
        self._struct = _results_struct(self._returned)
        types: list[Any] = [ctypes.c_void_p] if self._returned else []
        types += [
            argument_type(spec.dtype) if spec.kind == "scalar" else ctypes.c_void_p for spec in signature.arguments
        ]
        types += [ctypes.c_void_p] * len(self._outs)
        self._entry = ctypes.CFUNCTYPE(ctypes.c_int64, *types)(library.address(ENTRY + signature.name))

    def __call__(self, *args: object, out: object = None, **kwargs: object) -> Any:
        """One result comes back as an array (a number for a scalar), several as a tuple, none as None.

        With `out=`, an array or a tuple of arrays, the results are written there. Raises :class:`WeftError` for
        arguments that do not fit, before anything runs, and for a run-time check that fails.
        """
        given = bind(self.signature, args, kwargs)
        specs = self.signature.arguments
        values = [check_value(spec, value) for spec, value in zip(specs, given, strict=True)]
        values = _apart(specs, values)
        wanted = check_out(self.signature.results, out, values)
        results = self._run(values, wanted)
        if wanted is not None:
            pairs = list(zip(wanted, results, strict=True))
            for n, pair in enumerate(pairs):
                _check_shape(n, *pair)
            results = [_write(*pair) for pair in pairs]
        return tuple(results) if len(results) > 1 else results[0] if results else None

    def _run(self, values: Sequence[object], wanted: Sequence[Array] | None) -> list[Any]:
        """The results, static ones in the arrays that are wanted or in new ones."""
        outs = [
            wanted[i] if wanted is not None else np.empty(cast("tuple[int, ...]", spec.dims), spec.numpy_dtype)
            for i, spec in enumerate(self.signature.results)
            if spec.is_out
        ]
        returned = self._struct()
        passed: list[Any] = [ctypes.addressof(returned)] if self._returned else []
        keep: list[Any] = []
        for spec, value in [*zip(self.signature.arguments, values, strict=True), *zip(self._outs, outs, strict=True)]:
            if spec.kind == "scalar":
                passed.append(to_argument(cast(float, value), spec.dtype, spec.numpy_dtype))
            else:
                array = pairs_of(cast(Array, value))
                descriptor = (ctypes.c_int64 * words(array.ndim))(*describe(array))
                keep.append(descriptor)
                passed.append(ctypes.addressof(descriptor))
        status = self._entry(*passed)
        if status:
            raise failure(self.signature.name, self.messages, status)
        arrays = [cast(Array, value) for value in values if isinstance(value, np.ndarray)]
        taken = _take(self._returned, returned, arrays)
        fresh = (_as_declared(spec, value) for spec, value in zip(self._declared, taken, strict=True))
        ready = iter(outs)
        return [next(ready) if spec.is_out else next(fresh) for spec in self.signature.results]

    @property
    def ways_out(self) -> tuple[object, ...]:
        """What a short cut calls where it does not do (:mod:`weft.backends.cpu.fast_call`)."""
        return self, self.fail, self.too_large, self.deliver

    def deliver(self, array: Array, result: Array) -> None:
        """Put the one result of a size that only the run knows into the array that was given for it."""
        _check_shape(next(n for n, spec in enumerate(self.signature.results) if not spec.is_out), array, result)
        _write(array, result)

    def fail(self, status: int) -> NoReturn:
        """Raise the error that a status stands for."""
        raise failure(self.signature.name, self.messages, status)

    def too_large(self, descriptor: int) -> NoReturn:
        """Raise the error for the one returned array, whose descriptor is at an address: its sizes are too large."""
        rank = len(self._returned[0].dims)
        raise too_large((ctypes.c_int64 * words(rank)).from_address(descriptor)[3 : 3 + rank])


def _as_declared(spec: ValueSpec, value: Any) -> Any:
    """A returned value as its type says: complex numbers come as pairs."""
    return numbers_of(cast(Array, value), spec.numpy_dtype) if is_complex(spec) else value


def _check_shape(n: int, array: Array, result: Any) -> None:
    """Raises :class:`WeftError` where an array has not the shape of the result that is to be put there."""
    if array.shape != np.shape(result):
        raise WeftError(
            f"out= for result {n} has the shape {array.shape}, the result has {np.shape(result)}",
            code=codes.WRONG_OUT,
        )


def _write(array: Array, result: Any) -> Array:
    """Put a result into the array that is wanted for it, if it is not there."""
    if result is not array:
        array[...] = result
    return array


def _results_struct(specs: Sequence[ValueSpec]) -> type[ctypes.Structure]:
    fields = [
        (f"r{i}", result_type(spec.numpy_dtype) if spec.kind == "scalar" else ctypes.c_int64 * words(len(spec.dims)))
        for i, spec in enumerate(specs)
    ]
    return type("Results", (ctypes.Structure,), {"_fields_": fields})


def _take(specs: Sequence[ValueSpec], returned: ctypes.Structure, arguments: Sequence[Array]) -> list[Any]:
    """The returned values. Memory that is not an argument's is the caller's from now on."""
    owners: dict[int, object] = {0: None}
    owners.update((array.__array_interface__["data"][0], array) for array in arguments)
    out: list[Any] = []
    for i, spec in enumerate(specs):
        if spec.kind == "scalar":
            place = getattr(type(returned), f"r{i}").offset
            out.append(np.frombuffer(cast(Any, returned), spec.numpy_dtype, 1, place)[0])
            continue
        descriptor: list[int] = list(getattr(returned, f"r{i}"))
        if descriptor[0] not in owners:
            owners[descriptor[0]] = Memory(descriptor[0])
        out.append(array_at(descriptor, spec.numpy_dtype, owners))
    return out


def _apart(specs: Sequence[ValueSpec], values: list[Any]) -> list[Any]:
    """The values such that no buffer overlaps another: a tensor that does is copied, a memref refused."""
    buffers = [i for i, spec in enumerate(specs) if spec.kind == "memref"]
    if not buffers:
        return values
    values = list(values)
    for i in buffers:
        for j, spec in enumerate(specs):
            if spec.kind == "scalar" or (spec.kind == "memref" and j <= i) or not _overlap(values[i], values[j]):
                continue
            if spec.kind == "memref":
                raise WeftError(
                    f"arguments '{specs[i].name}' and '{spec.name}' share memory, and compiled code "
                    "counts on memrefs that do not overlap",
                    hint="pass a copy of one",
                    code=codes.WRONG_ARGUMENT,
                )
            values[j] = values[j].copy()
    return values


def _overlap(a: Array, b: Array) -> bool:
    if not np.may_share_memory(a, b):
        return False
    try:
        return np.shares_memory(a, b, max_work=cast(Any, _EFFORT))
    except np.exceptions.TooHardError:
        return True
