"""A short way for calls with arrays of libraries that have no C API for it: CuPy, Numba, JAX, weft's own.

What is true of all arrays of a type and a layout is found out once; a call then looks where each array lies, and fills
that in. Whatever is not as it was goes the long way (:mod:`weft.backends.cuda.compiled`), which converts, copies, or
says what is wrong: so this changes no meaning.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from math import prod
from struct import Struct
from typing import Any, cast

from weft.backends.arguments import contiguous_strides, fits
from weft.backends.complex_pairs import is_complex
from weft.backends.cpu.descriptors import words
from weft.backends.cuda.arrays import Kind, Unusable, kind_of
from weft.backends.cuda.device_array import DeviceArray, Memory
from weft.backends.cuda.driver import OUT_OF_MEMORY
from weft.backends.cuda.failures import failed
from weft.backends.cuda.loaded import Loaded
from weft.backends.cuda.states import State, States
from weft.backends.cuda.streams import plain
from weft.backends.signature import ValueSpec

MISSED = object()
"""What a call gives that has to go the long way."""

_COUNT_BITS = 63


@dataclass(frozen=True)
class _Place:
    """An array that code is given: its spec, whether it is written, and the layouts that were seen. For each the bytes,
    and what stands behind the address in a descriptor; None for one that goes the long way."""

    spec: ValueSpec
    written: bool
    ordinal: int
    seen: dict[Hashable, tuple[int, tuple[int, ...]] | None] = field(
        default_factory=dict[Hashable, tuple[int, tuple[int, ...]] | None]
    )

    def tail(self, kind: Kind, layout: Hashable) -> tuple[int, tuple[int, ...]] | None:
        """What is known of arrays of a kind with this layout."""
        key = (kind.name, layout)
        if key not in self.seen:
            self.seen[key] = self._looked_at(kind, layout)
        return self.seen[key]

    def _looked_at(self, kind: Kind, layout: Hashable) -> tuple[int, tuple[int, ...]] | None:
        assert kind.facts is not None
        try:
            facts = kind.facts(layout)
        except Unusable:
            return None
        wanted = contiguous_strides(facts.shape)
        good = facts.dtype == self.spec.numpy_dtype and fits(self.spec, facts.shape)
        here = facts.device in (None, self.ordinal) and not (self.written and facts.read_only)
        if not good or not here or facts.strides not in (None, wanted):
            return None
        return facts.dtype.itemsize * prod(facts.shape), (0, *facts.shape, *wanted)


class ShortCall:
    """The short way of one function."""

    def __init__(self, loaded: Loaded, states: States, begin: Callable[[int], None], entry: Callable[..., int]) -> None:
        self._loaded, self._gpu, self._states, self._begin, self._entry = loaded, loaded.gpu, states, begin, entry
        self._signature = signature = loaded.program.signature
        arrays = [spec for spec in (*signature.arguments, *signature.results) if spec.kind != "scalar"]
        self._usable = (
            all(spec.is_out for spec in signature.results)
            and all(spec.kind != "scalar" for spec in signature.arguments)
            and not any(is_complex(spec) or spec.strides is not None for spec in arrays)
        )
        ordinal = loaded.gpu.ordinal
        self._arguments = [_Place(spec, spec.kind == "memref", ordinal) for spec in signature.arguments]
        self._results = [_Place(spec, True, ordinal) for spec in signature.results]
        self._writes = any(place.written for place in self._arguments)
        sizes = [words(len(spec.dims)) for spec in arrays]
        self._starts = [8 * sum(sizes[:number]) for number in range(len(sizes))]
        self._form = Struct(f"={sum(sizes)}q")
        self._kinds: dict[tuple[type, ...], list[Kind]] = {}

    def learn(self, given: Sequence[object], kinds: Sequence[Kind | None]) -> None:
        """Arrays like these were taken: what comes with arrays of these types may take the short way."""
        if self._usable and given and all(kind is not None and kind.look is not None for kind in kinds):
            self._kinds[tuple(map(type, given))] = cast("list[Kind]", list(kinds))

    def __call__(self, args: Sequence[object], out: object) -> Any:
        """The results of a call; :data:`MISSED` where it has to go the long way."""
        kinds = self._kinds.get(tuple(map(type, args)))
        if kinds is None or not self._is_current():
            return MISSED
        found = None if kinds[0].stream is None else kinds[0].stream(self._gpu)
        taken = _Taken(None if found is None else plain(found[0]))
        for value, kind, place in zip(args, kinds, self._arguments, strict=True):
            if not taken.add(value, kind, place):
                return MISSED
        held = None if found is None else found[1]
        results = self._new(taken, kinds[0], held) if out is None else self._given(taken, out)
        if results is None or taken.overlaps():
            return MISSED
        state = self._states.take(taken.stream or 0)
        try:
            status = self._run(state, self._form.pack(*taken.words))
            if status and state.record.error == OUT_OF_MEMORY and not self._writes:
                return MISSED
            if status:
                raise failed(self._loaded, state.record, status)
        finally:
            self._states.give(state)
        values = [kinds[0].take(value) if type(value) is DeviceArray else value for value in results]
        return tuple(values) if len(values) > 1 else values[0] if values else None

    def _is_current(self) -> bool:
        """Whether the context of the GPU is this thread's."""
        now = ctypes.c_void_p()
        return not self._gpu.driver.status("cuCtxGetCurrent", ctypes.byref(now)) and now.value == self._gpu.context

    def _given(self, taken: _Taken, out: object) -> list[Any] | None:
        """What `out=` holds; None where the long way has to look at it."""
        given: list[Any] = list(cast("tuple[Any, ...]", out)) if type(out) is tuple else [out]
        if len(given) != len(self._results):
            return None
        for value, place in zip(given, self._results, strict=True):
            kind = kind_of(value)
            if kind is None or kind.look is None or not taken.add(value, kind, place):
                return None
        return given

    def _new(self, taken: _Taken, kind: Kind, held: object) -> list[Any] | None:
        """New arrays for the results: of the caller's library, or weft's own; None where one is not as is expected."""
        made: list[Any] = []
        stream = taken.stream or 0
        for place in self._results:
            spec, shape = place.spec, cast("tuple[int, ...]", place.spec.dims)
            if kind.new is not None:
                value = kind.new(shape, spec.numpy_dtype, self._gpu, stream)
                if not taken.add(value, kind, place):
                    return None
            else:
                count = spec.numpy_dtype.itemsize * prod(shape)
                address = self._gpu.allocate(count, stream, f"the result {spec.name}")
                memory = Memory(self._gpu, address, stream, held)
                value = DeviceArray(self._gpu, address, shape, spec.numpy_dtype, stream, memory)
                taken.words += (address, address, 0, *shape, *contiguous_strides(shape))
            made.append(value)
        return made

    def _run(self, state: State, key: bytes) -> int:
        frame = ctypes.create_string_buffer(key, len(key) + 1)
        start = ctypes.addressof(frame)

        def entry() -> int:
            self._begin(state.address)
            return self._entry(*(start + offset for offset in self._starts))

        def elsewhere(addresses: Sequence[int]) -> int:
            try:
                for offset, address in zip(self._starts, addresses, strict=True):
                    (ctypes.c_uint64 * 2).from_address(start + offset)[:] = (address, address)
                return entry()
            finally:
                frame.raw = key + b"\0"

        return state.run_static(entry, key, elsewhere)


class _Taken:
    """The arrays of a call as far as they were looked at: the words of their descriptors, and where they lie."""

    def __init__(self, stream: int | None) -> None:
        self.stream = stream
        self.words: list[int] = []
        self._spans: list[tuple[int, int, bool]] = []

    def add(self, value: Any, kind: Kind, place: _Place) -> bool:
        """Look at an array; whether the short way may take it."""
        assert kind.look is not None
        looked = kind.look(value, self.stream)
        if looked is None:
            return False
        address, layout, made_on = looked
        tail = place.tail(kind, layout)
        if tail is None or address >> _COUNT_BITS:
            return False
        if made_on is not None:
            made_on = plain(made_on)
            if self.stream is None:
                self.stream = made_on
            elif made_on != self.stream:
                return False
        self.words += (address, address, *tail[1])
        self._spans.append((address, address + tail[0], place.written))
        return True

    def overlaps(self) -> bool:
        """Whether an array that is written shares memory with another one."""
        for n, (low, high, written) in enumerate(self._spans):
            if written and any(low < end and start < high for m, (start, end, _) in enumerate(self._spans) if m != n):
                return True
        return False
