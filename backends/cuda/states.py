"""What a compiled function keeps between its calls: a record with its memory for each call at a time, and graphs."""

from __future__ import annotations

import ctypes
import sys
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from weft.backends.cuda.loaded import Loaded
from weft.backends.cuda.record import BLOCKING, CAPTURING, Record, Ring

_GRAPHS = 8
"""So many graphs of a function are kept in a state, for different arguments."""

_STREAMS = 16
"""For so many streams states are kept."""

_THREAD_LOCAL = 1
"""CU_STREAM_CAPTURE_MODE_THREAD_LOCAL."""

_NON_BLOCKING = 1

Key = tuple[object, ...]


@dataclass(frozen=True)
class Graph:
    """A graph that can be launched, and the launches in it."""

    handle: int
    count: int
    ring: Any


class State:
    """The record of one call at a time on one stream, and the graphs that were captured with its memory.

    Its calls are in the order of the stream, so that they may share its memory.
    """

    def __init__(self, loaded: Loaded, table: Any, stream: int) -> None:
        gpu = loaded.gpu
        self.gpu = gpu
        self.stream = stream
        self.record = Record(
            stream=stream,
            kernels=ctypes.addressof(table),
            limits=ctypes.addressof(gpu.limits),
            pool=gpu.pool,
            flags=BLOCKING if gpu.blocking else 0,
            strided=loaded.strided_if_loaded,
        )
        self.address = ctypes.addressof(self.record)
        self._table = table
        self._graphs: OrderedDict[Key, Graph] = OrderedDict()
        self._last: Key | None = None
        self._capturing = 0

    def run(self, entry: Callable[[], int]) -> int:
        """Call host code; its status. The record is begun."""
        status = entry()
        if status:
            for block in self.record.blocks:
                block[2] = 0  # host code that fails gives nothing back
        return status

    def run_static(self, entry: Callable[[], int], key: Key) -> int:
        """Call host code that does the same whenever the key is the same: the second time it becomes a graph."""
        used = self.gpu.driver
        graph = self._graphs.get(key)
        if graph is not None:
            self._graphs.move_to_end(key)
            status = used.status("cuGraphLaunch", graph.handle, self.stream)
            self.record.error, self.record.what = status, ord("g")
            self.record.since, self.record.ring = graph.count, graph.ring
            return -status
        again = key == self._last
        self._last = None
        if again and not self._is_captured():
            handle = self._captured(entry)
            if handle:
                self._keep(key, Graph(handle, self.record.launches, Ring.from_buffer_copy(self.record.ring)))
                return self.run_static(entry, key)
        status = self.run(entry)
        if status == 0 and self.record.launches > 1 and not self.record.waits and not self.gpu.blocking:
            self._last = key
        return status

    def _is_captured(self) -> bool:
        """Whether the caller captures a graph of its own."""
        found = ctypes.c_int()
        return bool(self.gpu.driver.status("cuStreamIsCapturing", self.stream, ctypes.byref(found)) or found.value)

    def _captured(self, entry: Callable[[], int]) -> int:
        """The graph of a call; 0 where none can be made."""
        used = self.gpu.driver
        if not self._capturing:
            self._capturing = used.handle("cuStreamCreate", _NON_BLOCKING)
        if used.status("cuStreamBeginCapture", self._capturing, _THREAD_LOCAL):
            return 0
        self.record.stream = self._capturing
        self.record.flags |= CAPTURING
        self.record.since = 0
        status = -1
        graph, made = ctypes.c_void_p(), ctypes.c_void_p()
        try:
            status = self.run(entry)
        finally:
            self.record.stream = self.stream
            self.record.flags &= ~CAPTURING
            ended = used.status("cuStreamEndCapture", self._capturing, ctypes.byref(graph))
        if ended or not graph.value:
            return 0
        good = status == 0 and used.status("cuGraphInstantiate", ctypes.byref(made), graph, 0) == 0
        used.status("cuGraphDestroy", graph)
        return (made.value or 0) if good else 0

    def _keep(self, key: Key, graph: Graph) -> None:
        self._graphs[key] = graph
        if len(self._graphs) > _GRAPHS:
            _, old = self._graphs.popitem(last=False)
            self.gpu.driver.status("cuGraphExecDestroy", old.handle)

    def close(self) -> None:
        """Give back what is kept, in the order of the stream."""
        used = self.gpu.driver
        for graph in self._graphs.values():
            used.status("cuGraphExecDestroy", graph.handle)
        self._graphs.clear()
        for block in self.record.blocks:
            if block[0]:
                used.status("cuMemFreeAsync", block[0], self.stream)
                block[0] = 0
        if self._capturing:
            used.status("cuStreamDestroy", self._capturing)
            self._capturing = 0


class States:
    """The states of a function that no call uses now, by stream."""

    def __init__(self, loaded: Loaded) -> None:
        self._loaded = loaded
        self._table = loaded.table()
        self._idle: OrderedDict[int, list[State]] = OrderedDict()

    def take(self, stream: int) -> State:
        """A state for a call on a stream, which no other call has."""
        idle = self._idle.get(stream)
        if idle:
            try:
                return idle.pop()
            except IndexError:  # another thread was faster
                pass
        return State(self._loaded, self._table, stream)

    def give(self, state: State) -> None:
        """A call is done: the state is for the next one on its stream."""
        self._idle.setdefault(state.stream, []).append(state)
        if len(self._idle) > _STREAMS:
            _, old = self._idle.popitem(last=False)
            for one in old:
                one.close()

    def __del__(self) -> None:
        if sys.is_finalizing():
            return
        with self._loaded.gpu.current():
            for states in self._idle.values():
                for state in states:
                    state.close()
