"""What a compiled function keeps between its calls: a record with its memory for each call at a time, and graphs."""

from __future__ import annotations

import ctypes
import sys
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from weft.backends.cuda.loaded import Loaded, patch, taker
from weft.backends.cuda.patches import Recorder, Table, Words, stand_ins
from weft.backends.cuda.record import BLOCKING, CAPTURING, FAST_RECORDS, Fast, Record, Ring

_GRAPHS = 8
"""So many graphs of a function are kept in a state, for different arguments."""

_TRIES = 3
"""So often a graph for any arrays is tried: calls may have other sizes each time."""

_STREAMS = 16
"""For so many streams states are kept."""

_THREAD_LOCAL = 1
"""CU_STREAM_CAPTURE_MODE_THREAD_LOCAL."""

_NON_BLOCKING = 1


@dataclass(frozen=True)
class Graph:
    """A graph that can be launched, and the launches in it."""

    handle: int
    count: int
    ring: Any
    table: Table | None = None
    """What puts it right for other arrays, of a graph for any."""
    source: int = 0
    sizes: bytes = b""


class State:
    """The record of one call at a time on one stream, and the graphs that were captured with its memory.

    Its calls are in the order of the stream, so that they may share its memory. `words` are those that say all that a
    call is given; a short call writes them into `frame`, in which `descriptors` are those of arrays.
    """

    def __init__(self, loaded: Loaded, table: Any, stream: int, words: Words) -> None:
        gpu = loaded.gpu
        self.gpu = gpu
        self.stream = stream
        self._table = table
        room = 8 * len(words.addresses) + 1
        self._key, self._last = ctypes.create_string_buffer(room), ctypes.create_string_buffer(room)
        self._loaded, self._words = loaded, words
        self.frame = ctypes.create_string_buffer(8 * len(words.addresses))
        start = ctypes.addressof(self.frame)
        self.descriptors = tuple(start + 8 * (first - 1) for first in words.starts)
        self.record = Record(
            stream=stream,
            kernels=ctypes.addressof(table),
            limits=ctypes.addressof(gpu.limits),
            pool=gpu.pool,
            flags=BLOCKING if gpu.blocking else 0,
            strided=loaded.strided_if_loaded,
            busy=1,
            key=ctypes.addressof(self._key),
            last=ctypes.addressof(self._last),
            tries=_TRIES,
        )
        self.address = ctypes.addressof(self.record)
        self._graphs: OrderedDict[bytes, Graph] = OrderedDict()
        self._never: set[bytes] = set()
        self._any: Graph | None = None
        self._capturing = 0

    def run(self, entry: Callable[[], int]) -> int:
        """Call host code, which begins with the record; its status."""
        status = entry()
        if status:
            self.after_failure()
        return status

    def after_failure(self) -> None:
        """Take back what host code has not given back, since it failed."""
        for block in self.record.blocks:
            block[2] = 0

    def run_static(self, entry: Callable[[], int], key: bytes, elsewhere: Callable[[Sequence[int]], int]) -> int:
        """Call host code that does the same whenever the key is the same: the second time it becomes a graph, if it can
        one for any arrays of the same sizes.

        `elsewhere` calls host code with other addresses of the arrays.
        """
        record, graph = self.record, self._graphs.get(key)
        if record.tries < 0:  # it could not be put right, and is of two calls now
            self._drop_any()
            record.tries = 0
        if graph is not None or record.repeats:
            graph = (
                None if self._is_captured() else graph or self._for_these(key, entry) or self._for_any(key, elsewhere)
            )
        if graph is not None:
            return self._launch(graph, key)
        before, status = record.repeats, self.run(entry)
        repeats = status == 0 and record.launches > 1 and not record.waits and not self.gpu.blocking
        if repeats or before:  # else nobody looks at the last call
            record.repeats = int(repeats)
            self._last.raw = key if repeats and key not in self._never else b"\xff" * len(key)
        return status

    def _for_any(self, key: bytes, elsewhere: Callable[[Sequence[int]], int]) -> Graph | None:
        """The graph for any arrays, put right for these; it is captured where the last call had the same sizes."""
        record = self.record
        if self._any is not None and self._point(self._any, key):
            return self._any
        if record.tries <= 0:
            return None
        record.tries -= 1
        if self._words.sizes(self._last.raw[: len(key)]) != self._words.sizes(key):
            return None
        functions = [kernel.function for kernel, _ in self._loaded.facts]
        recorder = Recorder(self.gpu.driver, self._capture_stream(), functions, self._loaded.parameters)
        record.log = recorder.address
        try:
            graph = self._captured(lambda: elsewhere(stand_ins(len(self._words.starts))), recorder, key)
        finally:
            record.log = None
        if graph is None:
            return None
        self._drop_any()
        self._any, record.tries = graph, _TRIES
        return graph if self._point(graph, key) else None

    def _point(self, graph: Graph, key: bytes) -> bool:
        """Let the graph for any arrays use those of a call."""
        assert graph.table is not None
        if graph.sizes != self._words.sizes(key):
            return False
        self.record.graph, self.record.patch, self._key.raw = graph.handle, graph.table.address, key
        return patch(self.gpu.driver)(self.address, key) == 1

    def _for_these(self, key: bytes, entry: Callable[[], int]) -> Graph | None:
        """A graph for these arrays alone, where the last call had the same."""
        if self._last.raw[: len(key)] != key or key in self._never:
            return None
        graph = self._captured(entry)
        if graph is None:
            self._never.add(key)
            return None
        self._keep(key, graph)
        return graph

    def _launch(self, graph: Graph, key: bytes) -> int:
        record = self.record
        if key in self._graphs:
            self._graphs.move_to_end(key)
        status = self.gpu.driver.status("cuGraphLaunch", graph.handle, self.stream)
        record.error, record.what = status, ord("g")
        record.since, record.ring = graph.count, graph.ring
        record.patch = graph.table.address if graph.table is not None else None
        record.graph, record.graph_launches, self._key.raw = graph.handle, graph.count, key
        return -status

    def _is_captured(self) -> bool:
        """Whether the caller captures a graph of its own."""
        found = ctypes.c_int()
        return bool(self.gpu.driver.status("cuStreamIsCapturing", self.stream, ctypes.byref(found)) or found.value)

    def _capture_stream(self) -> int:
        if not self._capturing:
            self._capturing = self.gpu.driver.handle("cuStreamCreate", _NON_BLOCKING)
        return self._capturing

    def _captured(self, entry: Callable[[], int], recorder: Recorder | None = None, key: bytes = b"") -> Graph | None:
        """The graph of a call; None where none can be made. With a recorder, one for any arrays of a key's sizes."""
        used, record = self.gpu.driver, self.record
        if used.status("cuStreamBeginCapture", self._capture_stream(), _THREAD_LOCAL):
            return None
        record.stream = self._capturing
        record.flags |= CAPTURING
        record.since = 0
        status = -1
        source, made = ctypes.c_void_p(), ctypes.c_void_p()
        try:
            status = self.run(entry)
        finally:
            record.stream = self.stream
            record.flags &= ~CAPTURING
            ended = used.status("cuStreamEndCapture", self._capturing, ctypes.byref(source))
        if ended or not source.value:
            return None
        good = status == 0 and used.status("cuGraphInstantiate", ctypes.byref(made), source, 0) == 0
        graph = None
        if good and made.value:
            table = None if recorder is None else recorder.table(made.value, source.value, self._words)
            ring = Ring.from_buffer_copy(record.ring)
            held = source.value if table is not None else 0  # it has the nodes
            graph = Graph(made.value, record.launches, ring, table, held, self._words.sizes(key))
        if graph is None or graph.table is None:
            used.status("cuGraphDestroy", source)
        if graph is not None and recorder is not None and graph.table is None:
            self._destroy(graph)
            return None
        return graph

    def _keep(self, key: bytes, graph: Graph) -> None:
        self._graphs[key] = graph
        if len(self._graphs) > _GRAPHS:
            _, old = self._graphs.popitem(last=False)
            self._destroy(old)

    def _destroy(self, graph: Graph) -> None:
        if self.record.graph == graph.handle:
            self.record.graph = self.record.patch = None
        self.gpu.driver.status("cuGraphExecDestroy", graph.handle)
        if graph.source:
            self.gpu.driver.status("cuGraphDestroy", graph.source)

    def _drop_any(self) -> None:
        if self._any is not None:
            self._destroy(self._any)
            self._any = None

    def release(self) -> bool:
        """Give back the memory that is kept, in the order of the stream, and the graphs that use it; whether there was
        any. No call has the state."""
        used = self.gpu.driver
        self.record.graph = self.record.patch = None
        self._drop_any()
        for graph in self._graphs.values():
            used.status("cuGraphExecDestroy", graph.handle)
        self._graphs.clear()
        kept = [block for block in self.record.blocks if block[0]]
        for block in kept:
            used.status("cuMemFreeAsync", block[0], self.stream)
            block[0] = 0
        return bool(kept)

    def close(self) -> None:
        """Give back all that is kept."""
        self.release()
        used = self.gpu.driver
        if self._capturing:
            used.status("cuStreamDestroy", self._capturing)
            self._capturing = 0


class States:
    """The states of a function, by stream. A state is taken for a call; calls without Python in between find theirs in
    `fast`."""

    def __init__(self, loaded: Loaded, words: Words, fast: Fast) -> None:
        self._loaded = loaded
        self._words = words
        self._fast = fast
        self._table = loaded.table()
        self._take = taker(loaded.gpu.driver)
        self._lock = threading.Lock()
        self._known: OrderedDict[int, list[State]] = OrderedDict()
        loaded.gpu.keepers.add(self)

    def take(self, stream: int) -> State:
        """A state for a call on a stream, which no other call has."""
        for state in tuple(self._known.get(stream, ())):
            if self._take(state.address):
                return state
        state = State(self._loaded, self._table, stream, self._words)
        with self._lock:
            self._known.setdefault(stream, []).append(state)
            self._known.move_to_end(stream)
            self._drop_old()
            for number in range(FAST_RECORDS):
                if not self._fast.records[number]:
                    self._fast.records[number] = state.address
                    break
        return state

    def give(self, state: State) -> None:
        """A call is done: the state is for the next one on its stream."""
        state.record.busy = 0

    def by_address(self, address: int) -> State:
        """The state whose record is at an address."""
        return next(state for states in self._known.values() for state in states if state.address == address)

    def release(self) -> bool:
        """Give back the memory of states that no call has now; whether there was any."""
        taken = [state for states in tuple(self._known.values()) for state in states if self._take(state.address)]
        try:
            return sum(state.release() for state in taken) > 0
        finally:
            for state in taken:
                self.give(state)

    def _drop_old(self) -> None:
        """Forget the stream that has not been seen for longest, once there are many; not while a call is on it."""
        if len(self._known) <= _STREAMS:
            return
        stream, states = next(iter(self._known.items()))
        taken = [state for state in states if self._take(state.address)]
        for state in taken:
            for number in range(FAST_RECORDS):
                if self._fast.records[number] == state.address:
                    self._fast.records[number] = None
            state.close()
            states.remove(state)
        if not states:
            del self._known[stream]

    def __del__(self) -> None:
        if sys.is_finalizing():
            return
        with self._loaded.gpu.current():
            for states in self._known.values():
                for state in states:
                    state.close()
