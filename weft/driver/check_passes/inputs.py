"""Inputs made from a signature: the same for the same seed and name, with values that hurt among them."""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from weft.backends.signature import Signature, ValueSpec

SIZES = (3, 1, 0, 7, 2, 5)
"""What `?` stands for: one size a set of inputs, so that sizes that must agree do."""

LARGEST = 1 << 16
"""Programs with more elements in an argument than this are not run."""


def inputs_of(signature: Signature, seed: int) -> list[list[Any]]:
    """Sets of arguments, one for each size of `?`; two sets for a static program, plain and with special values."""
    sizes = SIZES if any(not spec.static for spec in signature.arguments) else SIZES[:1]
    return [[_value(spec, size, seed, special) for spec in signature.arguments] for size in sizes for special in (0, 1)]


def too_large(signature: Signature) -> bool:
    """Whether an argument is too large for the oracle."""
    return any(np.prod([dim or 1 for dim in spec.dims], dtype=float) > LARGEST for spec in signature.arguments)


def _value(spec: ValueSpec, size: int, seed: int, special: int) -> Any:
    rng = np.random.default_rng([seed, zlib.crc32(spec.name.encode()), special])
    shape = tuple(size if dim is None else dim for dim in spec.dims)
    dtype = spec.numpy_dtype
    if dtype.kind == "b":
        array = rng.integers(0, 2, shape).astype(dtype)
    elif dtype.kind in "iu":
        array = _integers(rng, shape, dtype, special)
    else:
        array = _floats(rng, shape, dtype, special)
    return array.item() if spec.kind == "scalar" else array


def _integers(rng: np.random.Generator, shape: tuple[int, ...], dtype: np.dtype[Any], special: int) -> NDArray[Any]:
    limits = np.iinfo(dtype)
    plain = rng.integers(max(limits.min, -9), 10, shape).astype(dtype)
    edges = np.array([limits.min, limits.max, 0, 1], dtype)[rng.integers(0, 4, shape)]
    return np.asarray(np.where(rng.random(shape) < 0.3 * special, edges, plain), dtype)


def _floats(rng: np.random.Generator, shape: tuple[int, ...], dtype: np.dtype[Any], special: int) -> NDArray[Any]:
    plain = rng.uniform(-4, 4, shape)
    edges = np.array([np.nan, np.inf, -np.inf, -0.0, 0.0, 1.0, 1e-40])[rng.integers(0, 7, shape)]
    return np.asarray(np.where(rng.random(shape) < 0.2 * special, edges, plain)).astype(dtype)
