"""Random gathers and scatters, and what they mean: StableHLO's specification, word for word, one element at a time."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from xdsl.ir import Attribute, SSAValue

from weft.dialects import ml
from weft.dialects.ml.dtypes import Array, dtype_of

SIZES = (1, 1, 2, 3, 5)


@dataclass(frozen=True)
class Places:
    """Shapes and dimension numbers that fit each other; `window` are the sizes of a slice, of dimension -1 all."""

    operand: tuple[int, ...]
    indices: tuple[int, ...]
    window: tuple[int, ...]
    offset_dims: tuple[int, ...]
    dropped: tuple[int, ...]
    batching: tuple[tuple[int, ...], tuple[int, ...]]
    index_map: tuple[int, ...]
    vector_dim: int

    @property
    def batch_axes(self) -> list[int]:
        return [axis for axis in range(len(self.indices)) if axis != self.vector_dim]

    @property
    def sizes(self) -> list[int]:
        """The sizes of a slice."""
        return [n if size < 0 else size for n, size in zip(self.operand, self.window, strict=True)]

    @property
    def result(self) -> tuple[int, ...]:
        """The shape of a gather's result, and of a scatter's updates."""
        inside = [n for axis, n in enumerate(self.sizes) if axis not in (*self.dropped, *self.batching[0])]
        batch = iter([self.indices[axis] for axis in self.batch_axes])
        at = dict(zip(self.offset_dims, inside, strict=True))
        return tuple(at[d] if d in at else next(batch) for d in range(len(self.batch_axes) + len(inside)))

    def gather(self, operand: SSAValue, indices: SSAValue) -> ml.GatherOp:
        """The op."""
        return ml.GatherOp(
            operand,
            indices,
            self.window,
            offset_dims=self.offset_dims,
            collapsed=self.dropped,
            batching=self.batching,
            start_index_map=self.index_map,
            index_vector_dim=self.vector_dim,
        )

    def starts(self, at: tuple[int, ...], indices: Array) -> tuple[list[int], list[int]]:
        """`full_start_index` (not clamped) and `full_batching_index` of an element of the result."""
        batch = [at[d] for d in range(len(at)) if d not in self.offset_dims]
        full = list(batch)
        start = [0] * len(self.operand)
        for component, axis in enumerate(self.index_map):
            place = list(full)
            if self.vector_dim < len(self.indices):
                place.insert(self.vector_dim, component)
            start[axis] = int(indices[tuple(place)])
        batching = [0] * len(self.operand)
        for axis, along in zip(*self.batching, strict=True):
            batching[axis] = batch[along - (0 if along < self.vector_dim else 1)]
        return start, batching

    def offsets(self, at: tuple[int, ...]) -> list[int]:
        """`full_offset_index` of an element of the result."""
        inside = iter(at[d] for d in self.offset_dims)
        left_out = (*self.dropped, *self.batching[0])
        return [0 if axis in left_out else next(inside) for axis in range(len(self.operand))]

    def gathered(self, operand: Array, indices: Array) -> Array:
        """What the gather means."""
        out = np.empty(self.result, operand.dtype)
        for at in np.ndindex(*self.result):
            start, batching = self.starts(at, indices)
            clamped = [min(max(s, 0), n - w) for s, n, w in zip(start, self.operand, self.sizes, strict=True)]
            parts = zip(clamped, batching, self.offsets(at), strict=True)
            out[at] = operand[tuple(map(sum, parts))]
        return out

    def scatter(self, inputs: list[SSAValue], indices: SSAValue, updates: list[SSAValue], body) -> ml.ScatterOp:
        """The op that puts slices back; `body` is a kind or a region."""
        return ml.ScatterOp(
            inputs,
            indices,
            updates,
            body,
            update_window_dims=self.offset_dims,
            inserted=self.dropped,
            batching=self.batching,
            scatter_dims=self.index_map,
            index_vector_dim=self.vector_dim,
        )

    def scattered(self, x: Array, indices: Array, updates: Array, combine: Callable[[Any, Any], Any]) -> Array:
        """What the scatter means."""
        out = x.copy()
        for at in np.ndindex(*self.result):
            start, batching = self.starts(at, indices)
            place = tuple(map(sum, zip(start, batching, self.offsets(at), strict=True)))
            if all(0 <= p < n for p, n in zip(place, x.shape, strict=True)):
                out[place] = combine(out[place], updates[at])
        return out

    def random_indices(self, rng: random.Random, element: Attribute) -> Array:
        """Indices, some of them outside."""
        low = -2 if dtype_of(element).kind == "i" else 0
        numbers = [rng.randint(low, 6) for _ in range(prod(self.indices))]
        dtype = dtype_of(element)
        if numbers and rng.random() < 0.3:
            numbers[0] = int(rng.choice([np.iinfo(dtype).max, np.iinfo(dtype).min]))
        return np.array(numbers, dtype).reshape(self.indices)


def random_places(rng: random.Random, operand: tuple[int, ...] | None = None, empty: bool = True) -> Places:
    """Dimension numbers for an operand of a given or random shape."""
    if operand is None:
        operand = tuple(rng.choice(SIZES) for _ in range(rng.randint(0, 3)))
    axes = range(len(operand))
    batching = [axis for axis in axes if rng.random() < 0.2]
    rest = [axis for axis in axes if axis not in batching]
    index_map = rng.sample(rest, rng.randint(0, len(rest)))
    dropped = [axis for axis in rest if operand[axis] and rng.random() < 0.4]
    window = [
        1 if axis in (*batching, *dropped) and operand[axis] else rng.choice((-1, rng.randint(0, operand[axis])))
        for axis in axes
    ]
    batch = [operand[axis] for axis in batching]
    batch += [rng.choice((0, 1, 2, 3, 7) if empty else (1, 2, 7)) for _ in range(rng.randint(0, 2))]
    order = rng.sample(range(len(batch)), len(batch))
    indices = [batch[old] for old in order]
    along = [order.index(number) for number in range(len(batching))]
    vector_dim = len(indices)
    if len(index_map) != 1 or rng.random() < 0.7:
        vector_dim = rng.randint(0, len(indices))
        indices.insert(vector_dim, len(index_map))
        along = [axis + (axis >= vector_dim) for axis in along]
    rank = len(batch) + len(rest) - len(dropped)
    offset_dims = sorted(rng.sample(range(rank), len(rest) - len(dropped)))
    return Places(
        operand,
        tuple(indices),
        tuple(window),
        tuple(offset_dims),
        tuple(dropped),
        (tuple(batching), tuple(along)),
        tuple(index_map),
        vector_dim,
    )
