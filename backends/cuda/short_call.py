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
from typing import Any, TypeAlias, cast

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

_ADDRESS_BITS = 63

_FORMS = 64
"""So many layouts of the arrays of the same types are known at a time."""


Layouts: TypeAlias = tuple[Hashable, ...]
"""The layouts of the arrays of a call, in the order in which code takes them."""


@dataclass(frozen=True)
class _Place:
    """An array that code is given: its spec, whether it is written, and on which GPU it has to be."""

    spec: ValueSpec
    written: bool
    ordinal: int

    def sized(self, kind: Kind, layout: Hashable) -> tuple[int, tuple[int, ...]] | None:
        """The bytes of arrays of a kind with this layout, and what stands behind the address in a descriptor; None for
        one that goes the long way."""
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


@dataclass(frozen=True)
class _Form:
    """What calls with arrays of the same layouts share: the words of their descriptors but for the addresses, and which
    bytes belong to each array that is written, with those of the others."""

    words: tuple[int, ...]
    apart: tuple[tuple[int, int, int, int], ...]
    """Two arrays that may not overlap, of which one is written: their numbers and their bytes."""

    @staticmethod
    def of(places: Sequence[_Place], kinds: Sequence[Kind], layouts: Layouts) -> _Form | None:
        """The form of arrays; None where one has to go the long way."""
        sizes: list[int] = []
        words_: list[int] = []
        for place, kind, layout in zip(places, kinds, layouts, strict=True):
            found = place.sized(kind, layout)
            if found is None:
                return None
            sizes.append(found[0])
            words_ += (0, 0, *found[1])
        pairs = [(m, n) for n in range(len(places)) for m in range(n) if places[m].written or places[n].written]
        return _Form(tuple(words_), tuple((m, n, sizes[m], sizes[n]) for m, n in pairs))


@dataclass
class _Types:
    """Calls with arrays of the same types: their kinds, and the forms by layout, the last one at hand."""

    kinds: tuple[Kind, ...]
    forms: dict[Layouts, _Form | None] = field(default_factory=dict[Layouts, "_Form | None"])
    last: tuple[Layouts, _Form | None] | None = None

    def form(self, layouts: Layouts, places: Sequence[_Place]) -> _Form | None:
        """The form of these layouts."""
        last = self.last
        if last is not None and last[0] == layouts:
            return last[1]
        if layouts not in self.forms:
            if len(self.forms) >= _FORMS:
                self.forms.clear()
            self.forms[layouts] = _Form.of(places, self.kinds, layouts)
        form = self.forms[layouts]
        self.last = layouts, form
        return form


class ShortCall:
    """The short way of one function."""

    def __init__(self, loaded: Loaded, states: States, begin: Callable[[int], None], entry: Callable[..., int]) -> None:
        self._loaded, self._gpu, self._states, self._begin, self._entry = loaded, loaded.gpu, states, begin, entry
        signature = loaded.program.signature
        arrays = [spec for spec in (*signature.arguments, *signature.results) if spec.kind != "scalar"]
        self._usable = (
            all(spec.is_out for spec in signature.results)
            and all(spec.kind != "scalar" for spec in signature.arguments)
            and not any(is_complex(spec) or spec.strides is not None for spec in arrays)
        )
        self._arguments, self._results = signature.arguments, signature.results
        self._places = [
            *(_Place(spec, spec.kind == "memref", self._gpu.ordinal) for spec in self._arguments),
            *(_Place(spec, True, self._gpu.ordinal) for spec in self._results),
        ]
        self._writes = any(spec.kind == "memref" for spec in self._arguments)
        sizes = [words(len(spec.dims)) for spec in arrays]
        self._firsts = [sum(sizes[:number]) for number in range(len(sizes))]
        self._pack = Struct(f"={sum(sizes)}q")
        self._learned: dict[tuple[type, ...], tuple[Kind, ...]] = {}
        self._types: dict[tuple[type, ...], _Types] = {}

    def learn(self, given: Sequence[object], kinds: Sequence[Kind | None]) -> None:
        """Arrays like these were taken: what comes with arrays of these types may take the short way."""
        if self._usable and given and all(kind is not None and kind.look is not None for kind in kinds):
            self._learned[tuple(map(type, given))] = tuple(cast("Sequence[Kind]", kinds))

    def __call__(self, args: tuple[object, ...], out: object) -> Any:
        """The results of a call; :data:`MISSED` where it has to go the long way."""
        kinds = self._learned.get(tuple(map(type, args)))
        if kinds is None:
            return MISSED
        now = ctypes.c_void_p()
        driver = self._gpu.driver
        if driver.status("cuCtxGetCurrent", ctypes.byref(now)) or now.value == self._gpu.context:
            return self._called(args, out, kinds)
        with self._gpu.current():
            return self._called(args, out, kinds)

    def _called(self, args: tuple[object, ...], out: object, kinds: tuple[Kind, ...]) -> Any:
        found = None if kinds[0].stream is None else kinds[0].stream(self._gpu)
        taken = _Taken(None if found is None else plain(found[0]))
        if not taken.add(args, kinds):
            return MISSED
        if out is None:
            results = self._new(kinds[0], taken.stream or 0, None if found is None else found[1])
        else:
            results = cast("tuple[Any, ...]", out) if type(out) is tuple else (out,)
        types = self._types_of((*args, *results))
        if types is None or not taken.add(results, types.kinds[len(args) :]):
            return MISSED
        form = types.form(tuple(taken.layouts), self._places)
        if form is None or taken.overlaps(form):
            return MISSED
        status, state = self._run(form, taken)
        if status:
            if state.record.error == OUT_OF_MEMORY and not self._writes:
                return MISSED
            raise failed(self._loaded, state.record, status)
        if out is None:
            results = [kinds[0].take(value) if type(value) is DeviceArray else value for value in results]
        return tuple(results) if len(results) > 1 else results[0] if results else None

    def _types_of(self, values: tuple[object, ...]) -> _Types | None:
        """What is known of arrays of these types, all that code is given; None where the long way has to look."""
        key = tuple(map(type, values))
        known = self._types.get(key)
        if known is None and len(values) == len(self._places):
            kinds = [kind for kind in map(kind_of, values) if kind is not None and kind.look is not None]
            if len(kinds) == len(values):
                known = self._types[key] = _Types(tuple(kinds))
        return known

    def _new(self, kind: Kind, stream: int, held: object) -> list[Any]:
        """New arrays for the results: of the caller's library, or weft's own."""
        made: list[Any] = []
        for spec in self._results:
            shape = cast("tuple[int, ...]", spec.dims)
            if kind.new is not None:
                made.append(kind.new(shape, spec.numpy_dtype, self._gpu, stream))
                continue
            count = spec.numpy_dtype.itemsize * prod(shape)
            address = self._gpu.allocate(count, stream, f"the result {spec.name}")
            memory = Memory(self._gpu, address, stream, held)
            made.append(DeviceArray(self._gpu, address, shape, spec.numpy_dtype, stream, memory))
        return made

    def _run(self, form: _Form, taken: _Taken) -> tuple[int, State]:
        """The status of the call, and the state that it had."""
        words_ = list(form.words)
        for first, address in zip(self._firsts, taken.addresses, strict=True):
            words_[first] = words_[first + 1] = address
        state = self._states.take(taken.stream or 0)
        try:
            self._pack.pack_into(state.frame, 0, *words_)
            key = state.frame.raw

            def entry() -> int:
                self._begin(state.address)
                return self._entry(*state.descriptors)

            def elsewhere(addresses: Sequence[int]) -> int:
                other = list(form.words)
                for first, address in zip(self._firsts, addresses, strict=True):
                    other[first] = other[first + 1] = address
                self._pack.pack_into(state.frame, 0, *other)
                try:
                    return entry()
                finally:
                    self._pack.pack_into(state.frame, 0, *words_)

            return state.run_static(entry, key, elsewhere), state
        finally:
            self._states.give(state)


class _Taken:
    """The arrays of a call as far as they were looked at: where they lie, and their layouts."""

    def __init__(self, stream: int | None) -> None:
        self.stream = stream
        self.addresses: list[int] = []
        self.layouts: list[Hashable] = []

    def add(self, values: Sequence[object], kinds: Sequence[Kind]) -> bool:
        """Look at arrays; whether the short way may take them."""
        for value, kind in zip(values, kinds, strict=True):
            assert kind.look is not None
            looked = kind.look(value, self.stream)
            if looked is None:
                return False
            address, layout, made_on = looked
            if made_on is not None:
                made_on = plain(made_on)
                if self.stream is None:
                    self.stream = made_on
                elif made_on != self.stream:
                    return False
            if address >> _ADDRESS_BITS:
                return False
            self.addresses.append(address)
            self.layouts.append(layout)
        return True

    def overlaps(self, form: _Form) -> bool:
        """Whether an array that is written shares memory with another one."""
        at = self.addresses
        return any(at[m] < at[n] + there and at[n] < at[m] + here for m, n, here, there in form.apart)
