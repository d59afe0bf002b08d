"""Checking the arguments of a call against a signature: everything is refused before anything runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from weft import codes
from weft.backends.signature import Signature, ValueSpec
from weft.diagnostics import WeftError, did_you_mean

Array = NDArray[Any]


def bind(signature: Signature, args: Sequence[object], kwargs: Mapping[str, object]) -> list[object]:
    """Values in the order of the signature. Raises :class:`WeftError` for missing, unknown or doubled arguments."""
    specs = signature.arguments
    if len(args) > len(specs):
        raise WeftError(
            f"@{signature.name} takes {len(specs)} arguments, {len(args)} were given",
            hint=listing(specs),
            code=codes.WRONG_ARGUMENTS,
        )
    names = [spec.name for spec in specs]
    values = dict(zip(names, args, strict=False))
    for name, value in kwargs.items():
        if name not in names:
            hint = did_you_mean(name, names) or listing(specs)
            raise WeftError(f"@{signature.name} has no argument '{name}'", hint=hint, code=codes.WRONG_ARGUMENTS)
        if name in values:
            raise WeftError(f"@{signature.name}: argument '{name}' is given twice", code=codes.WRONG_ARGUMENTS)
        values[name] = value
    missing = [spec for spec in specs if spec.name not in values]
    if missing:
        raise WeftError(
            f"@{signature.name}: no value for {', '.join(f'{s.name}: {s}' for s in missing)}",
            code=codes.WRONG_ARGUMENTS,
        )
    return [values[name] for name in names]


def listing(specs: Sequence[ValueSpec]) -> str:
    """`it takes (a: tensor<4xf32>, b: i64)`, for hints."""
    return "it takes (" + ", ".join(f"{spec.name}: {spec}" for spec in specs) + ")"


def check_value(spec: ValueSpec, value: object) -> Array | bool | int | float:
    """A value that fits the spec: an array of exactly the dtype and shape, or a Python scalar.

    A tensor argument may be any array-like of the dtype; a Python scalar or a list is converted where nothing is lost.
    A memref argument must be an array that can be used in place. Raises :class:`WeftError` naming the argument.
    """
    if spec.kind == "scalar":
        return _scalar(spec, value)
    if spec.kind == "memref":
        return _memref(spec, value)
    array = _array(spec, value)
    _check_dims(spec, array)
    return (
        array if array.flags.c_contiguous and array.flags.aligned else np.ascontiguousarray(array).reshape(array.shape)
    )


def mismatch(spec: ValueSpec, found: str, hint: str | None = None) -> WeftError:
    """The error that an argument is something else than its spec says."""
    return WeftError(f"argument '{spec.name}' is {found}, expected {spec}", hint=hint, code=codes.WRONG_ARGUMENT)


def describe(array: Array) -> str:
    """`an array of shape (2, 3) and dtype float32`."""
    return f"an array of shape {array.shape} and dtype {array.dtype}"


def _array(spec: ValueSpec, value: Any) -> Array:
    dtype = spec.numpy_dtype
    if isinstance(value, (bool, int, float, complex, list, tuple)):
        return _from_python(spec, value, dtype)
    if not isinstance(value, np.ndarray):
        try:
            value = np.from_dlpack(value) if hasattr(value, "__dlpack__") else np.asarray(value)
        except (TypeError, ValueError, RuntimeError, BufferError):
            raise mismatch(spec, f"of type {type(value).__name__}") from None
    array = cast(Array, value)
    if array.dtype != dtype:
        raise mismatch(spec, describe(array), f"convert it: {spec.name}.astype('{dtype}')")
    return array


def _from_python(spec: ValueSpec, value: Any, dtype: np.dtype[Any]) -> Array:
    try:
        plain = np.asarray(value)
        if plain.dtype.kind == "c" and dtype.kind != "c":
            raise mismatch(spec, f"{value!r}, which {spec.dtype} cannot hold")
        array = plain.astype(dtype)
    except (TypeError, ValueError, OverflowError):
        raise mismatch(spec, f"of type {type(value).__name__}") from None
    same_kind = plain.dtype.kind == dtype.kind or dtype.kind not in "biu" or plain.size == 0
    if not same_kind and not np.array_equal(plain, array):
        raise mismatch(spec, f"{value!r}, which {spec.dtype} cannot hold")
    return array


def fits(spec: ValueSpec, shape: Sequence[int]) -> bool:
    """Whether an array of that shape has the sizes that a spec declares."""
    return len(spec.dims) == len(shape) and all(
        want is None or want == have for want, have in zip(spec.dims, shape, strict=True)
    )


def _check_dims(spec: ValueSpec, array: Array) -> None:
    if not fits(spec, array.shape):
        raise mismatch(spec, describe(array))


def _memref(spec: ValueSpec, value: object) -> Array:
    if not isinstance(value, np.ndarray):
        raise mismatch(spec, f"of type {type(value).__name__}", "a memref is used in place: pass a NumPy array")
    array = cast(Array, value)
    if array.dtype != spec.numpy_dtype:
        raise mismatch(spec, describe(array), "a memref is used in place: its dtype must be the declared one")
    _check_dims(spec, array)
    if not array.flags.writeable:
        raise mismatch(spec, "a read-only array", "a memref may be written: pass a copy")
    size = array.itemsize
    if not array.flags.aligned or any(step % size for step in array.strides):
        raise mismatch(spec, "an array whose elements are not aligned")
    check_strides(spec, array.shape, [step // size for step in array.strides], describe(array))
    return array


def check_strides(spec: ValueSpec, shape: Sequence[int], strides: Sequence[int], found: str) -> None:
    """Raises :class:`WeftError` where strides (in elements) are not those of a memref; `found` describes the array."""
    wanted = spec.strides if spec.strides is not None else contiguous_strides(shape)
    for have, want, dim in zip(strides, wanted, shape, strict=True):
        if 0 not in shape and dim > 1 and want is not None and have != want:
            hint = f"its layout needs the strides {wanted} (in elements)"
            raise mismatch(spec, f"{found} and strides {tuple(strides)}", hint)


def contiguous_strides(shape: Sequence[int]) -> tuple[int, ...]:
    """Row-major strides, in elements."""
    strides: list[int] = []
    step = 1
    for dim in reversed(shape):
        strides.append(step)
        step *= max(dim, 1)
    return tuple(reversed(strides))


def _scalar(spec: ValueSpec, value: object) -> bool | int | float:
    dtype, plain = spec.numpy_dtype, _plain(value)
    if plain is None:
        raise mismatch(spec, f"of type {type(value).__name__}")
    if dtype.kind == "b":
        if plain in (0, 1):
            return bool(plain)
    elif dtype.kind in "iu":
        low, high = integer_range(spec.dtype)
        if not isinstance(plain, float) and low <= plain <= high:
            return int(plain)
    else:
        return float(plain)
    raise mismatch(spec, f"{value!r}, which {spec.dtype} cannot hold")


def _plain(value: Any) -> bool | int | float | None:
    """A Python number, for one and for a NumPy scalar or array of rank 0; None for anything else."""
    if getattr(value, "ndim", None) == 0 and value.dtype.kind in "biufV":
        read = {"b": bool, "i": int, "u": int}.get(value.dtype.kind, float)
        return read(value)
    return value if isinstance(value, (bool, int, float)) else None


def integer_range(dtype: str) -> tuple[int, int]:
    """The least and greatest value of an integer type; signless ones take signed and unsigned values alike."""
    width = 64 if dtype == "index" else int(dtype.lstrip("siu"))
    if dtype.startswith("ui"):
        return 0, 2**width - 1
    return -(2 ** (width - 1)), 2 ** (width - 1) - 1


def check_out(results: Sequence[ValueSpec], out: object, inputs: Sequence[object]) -> list[Array] | None:
    """The `out=` arrays, one for each result. Raises :class:`WeftError` for a wrong number, dtype or shape."""
    if out is None:
        return None
    outs = listed_out(results, out)
    for n, (spec, array) in enumerate(zip(results, outs, strict=True)):
        check_one_out(n, spec, array)
        others = [*inputs, *outs[:n]]
        known = cast(Array, array)
        if any(isinstance(other, np.ndarray) and np.may_share_memory(known, cast(Array, other)) for other in others):
            raise shared_out(n)
    return cast(list[Array], outs)


def listed_out(results: Sequence[ValueSpec], out: object) -> list[object]:
    """What `out=` holds for each result. Raises :class:`WeftError` for another number."""
    outs = list(cast(Sequence[object], out)) if isinstance(out, (tuple, list)) else [out]
    if len(outs) != len(results):
        raise WeftError(
            f"out= holds {len(outs)} arrays, the function gives {len(results)} results", code=codes.WRONG_OUT
        )
    return outs


def wrong_out(n: int, spec: ValueSpec, found: str) -> WeftError:
    """The error that `out=` holds something else for a result than an array that can take it."""
    wanted = f"expected a writable, contiguous array for {spec}"
    return WeftError(f"out= for result {n} is {found}, {wanted}", code=codes.WRONG_OUT)


def shared_out(n: int) -> WeftError:
    """The error that an array of `out=` overlaps something."""
    return WeftError(f"out= for result {n} shares memory with an argument or another result", code=codes.WRONG_OUT)


def check_one_out(n: int, spec: ValueSpec, array: object) -> None:
    """Raises :class:`WeftError` for an object that is no NumPy array that can take a result."""
    if not isinstance(array, np.ndarray):
        raise wrong_out(n, spec, f"of type {type(array).__name__}")
    known = cast(Array, array)
    if known.dtype != spec.numpy_dtype or not fits(spec, known.shape):
        raise wrong_out(n, spec, describe(known))
    if not (known.flags.c_contiguous and known.flags.writeable and known.flags.aligned):
        raise wrong_out(n, spec, "read-only, strided or unaligned")
