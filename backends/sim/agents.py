"""What goes on by itself while threads do (agents.ll): its accesses, checked, and the bytes that it moves."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from weft.backends.sim import code

if TYPE_CHECKING:
    from weft.backends.sim.scene import Scene

Addresses: TypeAlias = np.ndarray[Any, np.dtype[np.int64]]
Bytes: TypeAlias = np.ndarray[Any, np.dtype[np.uint8]]

_LINE = 16
"""The bytes at which the alignment of shared memory is looked at."""

_TYPES: dict[str, tuple[Any, ...]] = {
    "weft_sim_begin": (ctypes.c_int64, ctypes.c_uint64, ctypes.c_uint64),
    "weft_sim_check_agent": (
        ctypes.c_int64,
        *[ctypes.c_uint64] * 2,
        ctypes.c_int64,
        ctypes.c_void_p,
        *[ctypes.c_int64] * 4,
    ),
    "weft_sim_waited": (None, ctypes.c_uint64, ctypes.c_uint64, ctypes.c_int64),
    "weft_sim_found": (None, ctypes.c_uint64, *[ctypes.c_int64] * 4),
    "weft_sim_delivered": (None, ctypes.c_uint64, ctypes.c_uint64, ctypes.c_int64, ctypes.c_int64),
}


@lru_cache(None)
def run_time(name: str) -> Callable[..., int]:
    """A function of the run-time library (agents.ll)."""
    return ctypes.CFUNCTYPE(*_TYPES[name])(code.run_time().address(name))


class Agent:
    """What a thread begins that goes on by itself, under the key of the agent that does it."""

    def __init__(self, scene: Scene, key: int) -> None:
        self.thread = scene.thread_address
        self.key = key
        self._checks = bool(scene.stage.launch["check"][0])
        self.clock = run_time("weft_sim_begin")(self.thread, key) if self._checks else 0

    def may(self, addresses: Addresses, width: int, site: int, kind: int) -> bool:
        """Check that so many bytes at each address are accessed; whether all of them may be."""
        if not self._checks or not addresses.size:
            return True
        bad = 0
        for length, starts in runs(addresses, width):
            place = starts.__array_interface__["data"][0]
            bad += run_time("weft_sim_check_agent")(
                self.thread, self.key, self.clock, place, len(starts), length, site, kind
            )
        return not bad

    def begins_at(self, brought: Any, alignment: int, kind: int) -> bool:
        """Check the alignment of what is brought of shared memory; True."""
        place = np.array([int(brought["here"])], np.int64)
        return self.may(place, _LINE, int(brought["site"]), kind | alignment << 8)

    def known_to(self, thread: int) -> None:
        """A thread has waited for it."""
        if self._checks:
            run_time("weft_sim_waited")(thread, self.key, self.clock)


def runs(addresses: Addresses, width: int) -> list[tuple[int, Addresses]]:
    """The pieces of `width` bytes at these addresses, those side by side as one: lengths, and where such begin."""
    found: dict[int, list[int]] = {}
    for start, places in _each_run(addresses, width):
        found.setdefault(len(places) * width, []).append(start)
    return [(length, np.array(starts, np.int64)) for length, starts in found.items()]


def _each_run(addresses: Addresses, width: int) -> Iterator[tuple[int, Any]]:
    """The pieces side by side: where each begins, and which of the addresses are in it. Address 0 is none."""
    flat = addresses.ravel()
    order = np.argsort(flat, kind="stable")
    order = order[np.searchsorted(flat[order], 1) :]
    if not order.size:
        return
    first = np.flatnonzero(np.concatenate([[True], np.diff(flat[order]) != width]))
    for begin, end in zip(first.tolist(), [*first[1:].tolist(), len(order)], strict=True):
        yield int(flat[order[begin]]), order[begin:end]


def gathered(addresses: Addresses, width: int) -> Bytes:
    """The elements of so many bytes at addresses, a row each; zeros at address 0."""
    out = np.zeros((addresses.size, width), np.uint8)
    for start, places in _each_run(addresses, width):
        out[places] = np.frombuffer(ctypes.string_at(start, len(places) * width), np.uint8).reshape(-1, width)
    return out


def scattered(addresses: Addresses, values: Bytes) -> None:
    """Put elements, a row each, at addresses, but at address 0."""
    for start, places in _each_run(addresses, values.shape[1]):
        piece = np.ascontiguousarray(values[places])
        ctypes.memmove(start, piece.ctypes.data, piece.nbytes)
