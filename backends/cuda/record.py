"""The record of a call: what the run-time functions (runtime.ll) know of it, and what they say when something fails."""

from __future__ import annotations

import ctypes

RING = 64
"""So many launches since the last check are remembered."""

BLOCKS = 32
"""So many blocks of memory are kept between calls."""

FAST_RECORDS = 8
"""So many records are known to calls without Python in between."""

BLOCKING, CAPTURING = 1, 2
"""Flags: wait after every launch; a graph is being captured."""

TOO_MANY_THREADS, BLOCK_SIZE, GRID_SIZE, SHARED_MEMORY, CANNOT_WAIT, RANK = -1, -2, -3, -4, -5, -6
"""Errors that are not the driver's."""


Ring = (ctypes.c_int64 * 2) * RING
"""The launches (kernel, site) that are remembered."""


class Kernel(ctypes.Structure):
    """A kernel that was loaded, and the most that a launch of it may ask for."""

    _fields_ = (("function", ctypes.c_void_p), ("threads", ctypes.c_int64), ("shared", ctypes.c_int64))


class Fast(ctypes.Structure):
    """What calls without Python in between know of a function: the type of the arrays that they take with the functions
    that DLPack has for it, the device, and records by stream. `failed` is the record of a call that failed."""

    _fields_ = (
        ("type", ctypes.c_void_p),
        ("api", ctypes.c_void_p),
        ("device", ctypes.c_int64),
        ("context", ctypes.c_void_p),
        ("failed", ctypes.c_void_p),
        ("records", ctypes.c_void_p * FAST_RECORDS),
    )


class Record(ctypes.Structure):
    """The fields of `%call` in runtime.ll, which says what they mean."""

    _fields_ = (
        ("stream", ctypes.c_void_p),
        ("kernels", ctypes.c_void_p),
        ("limits", ctypes.c_void_p),
        ("pool", ctypes.c_void_p),
        ("flags", ctypes.c_int64),
        ("error", ctypes.c_int64),
        ("what", ctypes.c_int64),
        ("kernel", ctypes.c_int64),
        ("site", ctypes.c_int64),
        ("asked", ctypes.c_int64),
        ("waits", ctypes.c_int64),
        ("launches", ctypes.c_int64),
        ("strided", ctypes.c_void_p),
        ("sizes", ctypes.c_int64 * 10),
        ("since", ctypes.c_int64),
        ("ring", Ring),
        ("blocks", (ctypes.c_int64 * 4) * BLOCKS),
        ("busy", ctypes.c_int64),
        ("serial", ctypes.c_int64),
        ("repeats", ctypes.c_int64),
        ("graph", ctypes.c_void_p),
        ("graph_launches", ctypes.c_int64),
        ("key", ctypes.c_void_p),
        ("last", ctypes.c_void_p),
        ("patch", ctypes.c_void_p),
        ("tries", ctypes.c_int64),
        ("log", ctypes.c_void_p),
    )
    # the last ones are for calls without Python in between: whether a call that repeats becomes a graph, the graph
    # that there is and its launches, the words (see `words_of`) that it is for, those of the last call, what puts the
    # graph right for other arrays (patches.py), how often one that is for any arrays may still be tried, and the
    # function that notes launches while that is captured

    def recent(self) -> list[tuple[int, int]]:
        """The launches (kernel, site) since the last check that are remembered, the first one first."""
        count: int = self.since
        places = range(max(0, count - RING), count)
        return [(self.ring[place % RING][0], self.ring[place % RING][1]) for place in places]

    def checked(self) -> None:
        """All that was launched before has been waited for."""
        self.since = 0

    def release(self, address: int) -> None:
        """Memory that is somebody else's from now on: it is kept no more."""
        for block in self.blocks:
            if block[0] == address:
                block[0] = 0
