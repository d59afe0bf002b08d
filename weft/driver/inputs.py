"""Values for arguments, said as text.

`a.npy`, `all.npz:name`, `4x8xf32=0.5`, `4x8xf32=random:7`, `2x2xf32=[1, 2, 3, 4]`, `4x8xf32=bytes:...`, `i64=3`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from weft import codes
from weft.backends.signature import Signature
from weft.diagnostics import WeftError
from weft.dialects.dtype_names import numpy_dtype

Value = NDArray[Any] | bool | int | float

_SHAPED = re.compile(r"^((?:\d+x)*)([a-z]+\d*|complex<f\d+>)=(.+)$", re.S)


def given_values(signature: Signature, specs: Sequence[str], folder: Path, *, examples: bool) -> list[Value] | None:
    """The values that are given for a function's arguments, in order or as NAME=SPEC; None where nothing is.

    With `examples`, an argument for which nothing is given has the value that the program names in `weft.input`;
    those files are relative to `folder`. Raises :class:`WeftError` where values for other arguments are missing.
    """
    given = _assigned(signature, specs)
    values: list[Value] = []
    missing: list[str] = []
    for position, spec in enumerate(signature.arguments):
        if spec.name in given:
            scalar = spec.dtype if spec.kind == "scalar" else None
            values.append(read_value(given[spec.name], Path(), spec.name, position, scalar))
        elif examples and spec.default is not None:
            values.append(read_value(spec.default, folder, spec.name, position))
        else:
            missing.append(f"{spec.name}: {spec}")
    if missing and not specs:
        return None
    if missing:
        raise missing_values(signature, missing)
    return values


def missing_values(signature: Signature, missing: Sequence[str]) -> WeftError:
    """The error of a function for whose arguments there are no values, each `name: type`."""
    hint = "give them with --input NAME=SPEC, for example --input " + missing[0].partition(":")[0] + "=a.npy"
    return WeftError(f"@{signature.name} needs values for {', '.join(missing)}", hint=hint, code=codes.WRONG_ARGUMENTS)


def _assigned(signature: Signature, specs: Sequence[str]) -> dict[str, str]:
    """The spec for each argument that has one, by the argument's name."""
    names = [spec.name for spec in signature.arguments]
    given: dict[str, str] = {}
    free: list[str] = []
    for text in specs:
        name, equals, rest = text.partition("=")
        if equals and name.lstrip("%") in names:
            given[name.lstrip("%")] = rest
        else:
            free.append(text)
    remaining = [name for name in names if name not in given]
    if len(free) > len(remaining):
        raise WeftError(
            f"{len(specs)} inputs were given, @{signature.name} takes {len(names)}", code=codes.WRONG_ARGUMENTS
        )
    return given | dict(zip(remaining, free, strict=False))


def read_value(
    spec: str, folder: Path, name: str | None = None, position: int | None = None, scalar: str | None = None
) -> Value:
    """The value that a spec stands for; file names are relative to `folder`.

    Where a scalar of the element type `scalar` is wanted, a plain number will do.
    An `.npz` without `:key` is asked for the argument's name, then for `arg<position>`, then for `<position>`.
    Raises :class:`WeftError` for a spec or a file that cannot be read.
    """
    if scalar is not None and _is_number(spec):
        return _made(spec, "", scalar, spec)
    match = _SHAPED.match(spec)
    if match is not None:
        return _made(spec, match[1], match[2], match[3])
    file, _, key = spec.partition(":") if not re.match(r"^[A-Za-z]:[\\/]", spec) else (spec, "", "")
    path = folder / file
    if path.suffix == ".npy":
        return _load(path)
    if path.suffix == ".npz":
        return _member(path, [key] if key else [n for n in (name, f"arg{position}", str(position)) if n])
    hint = "a value is a.npy, b.npz, b.npz:key, 4x8xf32=0.5, 4x8xf32=random:7 or i64=3"
    raise WeftError(f"cannot make a value of '{spec}'", hint=hint, code=codes.BAD_INPUT)


def _load(path: Path) -> Any:
    try:
        return np.load(path, allow_pickle=False)
    except OSError as error:
        raise WeftError(f"cannot open input file '{path}': {error.strerror or error}", code=codes.CANNOT_READ) from None
    except (ValueError, EOFError) as error:
        raise WeftError(f"'{path}' is not a NumPy file: {error}", code=codes.BAD_INPUT) from None


def _member(path: Path, keys: list[str]) -> NDArray[Any]:
    with _load(path) as archive:
        for key in keys:
            if key in archive.files:
                try:
                    return archive[key]
                except (ValueError, OSError, EOFError) as error:
                    raise WeftError(f"'{path}:{key}' cannot be read: {error}", code=codes.BAD_INPUT) from None
        names = ", ".join(archive.files)
    raise WeftError(
        f"'{path}' has no array '{keys[0]}'", hint=f"it has: {names}" if names else "it is empty", code=codes.BAD_INPUT
    )


def _made(spec: str, dims: str, element: str, text: str) -> Value:
    shape = tuple(int(d) for d in dims.split("x") if d)
    if np.prod([float(d) for d in shape]) > 2**34:
        raise WeftError(f"'{spec}' is too large an array to make", code=codes.BAD_INPUT)
    try:
        dtype = numpy_dtype(element)
    except KeyError:
        raise WeftError(
            f"'{spec}': '{element}' is not an element type",
            hint="for example 4x8xf32=0.5 or i64=3",
            code=codes.BAD_INPUT,
        ) from None
    if text.startswith("random"):
        seed = text.partition(":")[2] or "0"
        if not seed.isdigit():
            raise WeftError(
                f"'{spec}': the seed after 'random:' must be a whole number, not '{seed}'", code=codes.BAD_INPUT
            )
        return _random(shape, dtype, int(seed))
    try:
        array = _array(text, shape, dtype)
    except (ValueError, OverflowError):
        raise WeftError(f"'{spec}': '{text}' is not a value of type {element}", code=codes.BAD_INPUT) from None
    return array if dims else cast(Value, array.item()) if dtype.kind in "biuf" else array


def _array(text: str, shape: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
    """A list of all elements, their bytes (little-endian, in hexadecimal), or one number. Raises ValueError."""
    if text.startswith("bytes:"):
        return np.frombuffer(bytes.fromhex(text.removeprefix("bytes:")), dtype).reshape(shape).copy()
    if text.startswith("["):
        numbers = [_number(word.strip().lower(), dtype) for word in text.strip("[] ").split(",") if word.strip()]
        return np.array(numbers).astype(dtype).reshape(shape)
    return np.full(shape, _number(text, dtype), dtype)


def _number(text: str, dtype: np.dtype[Any]) -> bool | int | float | complex:
    if dtype.kind == "c":
        return complex(text.replace(" ", ""))
    if dtype.kind == "b":
        return {"true": True, "1": True, "false": False, "0": False}[text] if text in _BOOLS else bool(int(text))
    return int(text, 0) if dtype.kind in "iu" else float(text)


def _is_number(text: str) -> bool:
    if text in _BOOLS:
        return True
    try:
        float(text if not text.lower().lstrip("+-").startswith("0x") else int(text, 0))
    except ValueError:
        return False
    return True


_BOOLS = ("true", "false", "0", "1")


def _random(shape: tuple[int, ...], dtype: np.dtype[Any], seed: int) -> NDArray[Any]:
    """Normal for floats, uniform over a small range for integers, fair for booleans: the same for the same seed."""
    rng = np.random.default_rng(seed)
    if dtype.kind == "b":
        return rng.integers(0, 2, shape).astype(dtype)
    if dtype.kind in "iu":
        return rng.integers(0 if dtype.kind == "u" else -100, 101, shape).astype(dtype)
    if dtype.kind == "c":
        return (rng.standard_normal(shape) + 1j * rng.standard_normal(shape)).astype(dtype)
    return rng.standard_normal(shape).astype(dtype)
