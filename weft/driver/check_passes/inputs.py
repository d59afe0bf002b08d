"""Inputs made from a signature: the same for the same seed and name, with values that hurt among them."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import Any, cast

import ml_dtypes
import numpy as np
from numpy.typing import NDArray

from weft.backends.complex_pairs import in_pairs, is_complex, numbers_of
from weft.backends.signature import Signature, ValueSpec
from weft.driver.check_passes.sizes import Size

KINDS = ("plain", "special", "extreme")
"""Small numbers; with NaN, infinities, zeros of both signs and denormal numbers among them; with the greatest ones."""

LARGEST = 1 << 22
"""Programs with more elements in an argument than this are not run."""


def inputs_of(signature: Signature, seed: int, sizes: Mapping[Size, int], kind: str) -> list[Any]:
    """One value for each argument; `sizes` are what `?` stands for."""
    return [_value(spec, n, seed, sizes, kind) for n, spec in enumerate(signature.arguments)]


def kinds_of(signature: Signature) -> tuple[str, ...]:
    """The kinds of inputs that differ for these arguments."""
    kinds = {spec.numpy_dtype.kind for spec in signature.arguments}
    return KINDS[:1] if kinds <= {"b"} else KINDS[:2] if kinds <= {"b", "i", "u"} else KINDS


def too_large(signature: Signature, sizes: Mapping[Size, int]) -> bool:
    """Whether an argument is too large to be made."""
    shapes = (_shape(spec, n, sizes) for n, spec in enumerate(signature.arguments))
    return any(np.prod(shape, dtype=float) > LARGEST for shape in shapes)


def _shape(spec: ValueSpec, argument: int, sizes: Mapping[Size, int]) -> tuple[int, ...]:
    return tuple(sizes[Size(argument, axis)] if dim is None else dim for axis, dim in enumerate(spec.dims))


def _value(spec: ValueSpec, argument: int, seed: int, sizes: Mapping[Size, int], kind: str) -> Any:
    if Size(argument, -1) in sizes:
        return sizes[Size(argument, -1)]
    rng = np.random.default_rng([seed, zlib.crc32(spec.name.encode()), KINDS.index(kind)])
    shape, dtype = _shape(spec, argument, sizes), spec.numpy_dtype
    if is_complex(spec):
        shape, dtype = (*shape, 2), in_pairs(spec).numpy_dtype
    array = _plain(rng, shape, dtype)
    edges = _edges(dtype, kind)
    if edges.size:
        _strew(rng, array, edges)
    return array.item() if spec.kind == "scalar" else numbers_of(array, spec.numpy_dtype)


def _plain(rng: np.random.Generator, shape: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
    if dtype.kind == "b":
        values = rng.integers(0, 2, shape)
    elif dtype.kind in "iu":
        values = rng.integers(0 if dtype.kind == "u" else -9, 10, shape)
    else:
        values = rng.uniform(-4, 4, shape)
    return np.asarray(values).astype(dtype)


def _edges(dtype: np.dtype[Any], kind: str) -> NDArray[Any]:
    """The values that hurt, of a dtype."""
    if kind == "plain" or dtype.kind == "b":
        return np.empty(0, dtype)
    if dtype.kind in "iu":
        limits = np.iinfo(dtype)
        return np.array([limits.min, limits.max, 0, 1, limits.max - 1, limits.min + 1], dtype)
    limits = cast(Any, ml_dtypes.finfo(dtype))
    if kind == "special":
        return np.array([np.nan, np.inf, -0.0, -np.inf, 0.0, 1.0, limits.smallest_subnormal], dtype)
    return np.array([limits.max, limits.min, limits.tiny, -limits.smallest_subnormal, limits.eps], dtype)


def _strew(rng: np.random.Generator, array: NDArray[Any], edges: NDArray[Any]) -> None:
    """Put values that hurt into a few places, more of them in a larger array."""
    flat = array.reshape(-1)
    count = min(flat.size, 2 + flat.size // 16)
    places = rng.permutation(flat.size)[:count]
    flat[places] = np.resize(rng.permutation(edges), count)
