"""Products of a warpgroup (`wgmma`), in NumPy: what its descriptors find in shared memory, added to registers.

Source: PTX ISA, "Asynchronous warpgroup level matrix instructions"; the layouts as CUTLASS writes them down
(`cute/arch/mma_sm90_desc.hpp`), in units of 16 bytes, before the swizzle of addresses:

| matrix lies | no swizzle | a swizzle of 16 * s bytes |
| --- | --- | --- |
| along k | ((8, n), 2) : ((1, SBO), LBO) | ((8, n), 2) : ((s, SBO), 1) |
| along m or n | ((1, n), (8, k)) : ((., SBO), (1, LBO)) | ((s, n), (8, k)) : ((1, LBO), (s, SBO)) |

A product is made when it begins. Its operands are read until its group is waited for: until then they are marked as
read by the agent of the warpgroup, for each warp by what that warp knew.
"""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import ml_dtypes
import numpy as np

from weft import codes
from weft.backends.sim.agents import Addresses, Agent, gathered
from weft.backends.sim.tensor_maps import SWIZZLES, swizzled
from weft.diagnostics import WeftError

if TYPE_CHECKING:
    from weft.backends.sim.scene import Scene

BRINGS = np.dtype([("registers", "u8"), ("a", "u8"), ("b", "u8"), ("site", "i4")])
"""What a thread brings in its slot: where its registers lie, the descriptors of A and B, its place."""

_ELEMENTS: dict[str, Any] = {
    "f16": np.float16,
    "bf16": ml_dtypes.bfloat16,
    "tf32": np.float32,
    "e4m3": ml_dtypes.float8_e4m3fn,
    "e5m2": ml_dtypes.float8_e5m2,
    "s8": np.int8,
    "u8": np.uint8,
    "b1": np.uint8,
}
_RESULTS: dict[str, Any] = {"f32": np.float32, "f16": np.float16, "s32": np.int32}

_UNIT = 16
_TF32_DROPPED = np.uint32(0x1FFF)
_WINDOW = 1 << 18
"""Descriptors hold so much of an address: shared memory is smaller."""

_PRODUCT_KEY = 3
_MODES = (SWIZZLES[0], SWIZZLES[3], SWIZZLES[2], SWIZZLES[1])
"""The swizzles by the number that a descriptor has for each."""


@dataclass(frozen=True)
class Matrix:
    """What a descriptor says of a matrix in shared memory: where it begins, and two strides in bytes."""

    start: int
    leading: int
    stride: int
    swizzle: int

    @staticmethod
    def of(descriptor: int, shared: int) -> Matrix:
        """Of the 64 bits of a descriptor, in a block whose shared memory begins at an address."""
        low = (descriptor & 0x3FFF) << 4
        start = shared + ((low - shared) & (_WINDOW - 1))
        leading, stride = ((descriptor >> at & 0x3FFF) << 4 for at in (16, 32))
        return Matrix(start, leading, stride, _MODES[descriptor >> 62 & 3])

    def along_k(self, rows: int) -> Addresses:
        """Where the units of 16 bytes lie, as [row, unit], when those of a row lie along k: two of them."""
        row, unit = np.arange(rows)[:, None], np.arange(2)[None, :]
        if not self.swizzle:
            return self.start + row % 8 * _UNIT + row // 8 * self.stride + unit * self.leading
        return swizzled(self.start + row % 8 * self.swizzle + row // 8 * self.stride + unit * _UNIT, self.swizzle)

    def across_k(self, rows: int, depth: int) -> Addresses:
        """Where the units of 16 bytes lie, as [k, unit], when they lie along the rows (of 2 bytes each)."""
        k, unit = np.arange(depth)[:, None], np.arange(rows // 8)[None, :]
        if not self.swizzle:
            return self.start + unit * self.stride + k % 8 * _UNIT + k // 8 * self.leading
        span = self.swizzle // _UNIT
        place = unit % span * _UNIT + unit // span * self.leading + k % 8 * self.swizzle + k // 8 * self.stride
        return swizzled(self.start + place, self.swizzle)


@dataclass(frozen=True)
class GroupProduct:
    """D = A * B + D: the columns of D, the elements, whether each matrix lies across k, what A, B and D are
    multiplied by, and whether integer sums stop at the ends of their range."""

    n: int
    a: str
    b: str
    d: str
    a_across: bool
    b_across: bool
    a_sign: int
    b_sign: int
    adds: bool
    saturates: bool

    def serve(self, scene: Scene) -> None:
        """Do it for the 128 threads of a warpgroup."""
        brought = [scene.brought(BRINGS, n) for n in range(128)]
        stage, rank = scene.stage, scene.first // scene.stage.threads_in_block
        shared = int(stage.blocks["shared"][rank])
        for name in "ab":
            if any(int(one[name]) != int(brought[0][name]) for one in brought):
                message = f"the threads of a warpgroup give their product different descriptors of {name.upper()}"
                raise WeftError(message, code=codes.WRONG_ARGUMENT)
        a, b = (Matrix.of(int(brought[0][name]), shared) for name in "ab")
        a_places = a.across_k(64, 16) if self.a_across else a.along_k(64)
        b_places = b.across_k(self.n, 16) if self.b_across else b.along_k(self.n)
        self._check(scene, int(brought[0]["site"]), a_places, b_places)
        a_places, b_places = (_kept(places, shared, stage.shared_bytes) for places in (a_places, b_places))
        left = self._matrix(a_places, self.a, across=self.a_across) * self.a_sign
        right = self._matrix(b_places, self.b, across=self.b_across) * self.b_sign
        registers = _Registers(brought, self.n, _RESULTS[self.d])
        registers.write(self._sum(left, right.T, registers.read() if self.adds else None))

    def _matrix(self, places: Addresses, type_: str, *, across: bool) -> Any:
        """A matrix as [row, k], in the type of its sums."""
        held = gathered(places, _UNIT).reshape(places.shape[0], -1)
        if type_ == "b1":
            return np.unpackbits(held, axis=1, bitorder="little").astype(np.int64)
        if type_ == "tf32":
            held = (held.view(np.uint32) & ~_TF32_DROPPED).view(np.uint8)
        values = held.view(_ELEMENTS[type_])
        return (values.T if across else values).astype(np.int64 if self.d == "s32" else np.float32)

    def _sum(self, left: Any, right: Any, before: Any) -> Any:
        with np.errstate(all="ignore"):
            out = left @ right
            if before is not None:
                out = out + before.astype(out.dtype)
            if self.saturates:
                limits = np.iinfo(np.int32)
                out = np.clip(out, limits.min, limits.max)
            return out.astype(_RESULTS[self.d])

    def _check(self, scene: Scene, site: int, a: Addresses, b: Addresses) -> None:
        """Each warp reads its 16 rows of A, and all of B."""
        if not scene.stage.launch["check"][0]:
            return
        key = scene.thread_address + _PRODUCT_KEY
        agent = Agent(scene, key)
        for warp in range(4):
            agent.thread = scene.stage.thread_address(scene.first + 32 * warp)
            rows = a[:, 2 * warp : 2 * warp + 2] if self.a_across else a[16 * warp : 16 * warp + 16]
            agent.may(rows, _UNIT, site, 0)
            agent.may(b, _UNIT, site, 0)
        scene.stage.threads["ticket"][scene.first : scene.first + 128] = agent.clock


def _kept(places: Addresses, start: int, size: int) -> Addresses:
    """Addresses inside of a block's shared memory; 0 for the others, where zeros are read."""
    return np.where((places >= start) & (places + _UNIT <= start + size), places, 0)


class _Registers:
    """D in the registers of 128 threads: lane t of warp w has, of row 16 w + t / 4 and that 8 further, columns
    8 j + 2 (t % 4) and the next."""

    def __init__(self, brought: list[Any], n: int, dtype: Any) -> None:
        self._dtype = np.dtype(dtype)
        self._places = [int(one["registers"]) for one in brought]
        self._bytes = n // 2 * self._dtype.itemsize
        thread = np.arange(128)[:, None]
        element = np.arange(n // 2)[None, :]
        self._rows = 16 * (thread // 32) + thread % 32 // 4 + 8 * (element // 2 % 2)
        self._columns = 8 * (element // 4) + 2 * (thread % 4) + element % 2
        self._shape = (64, n)

    def read(self) -> Any:
        """D as [row, column]."""
        held = b"".join(ctypes.string_at(place, self._bytes) for place in self._places)
        out = np.empty(self._shape, self._dtype)
        out[self._rows, self._columns] = np.frombuffer(held, self._dtype).reshape(128, -1)
        return out

    def write(self, values: Any) -> None:
        """Put D there."""
        held = np.ascontiguousarray(values[self._rows, self._columns])
        for place, row in zip(self._places, held, strict=True):
            ctypes.memmove(place, row.ctypes.data, self._bytes)
