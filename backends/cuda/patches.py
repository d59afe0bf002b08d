"""A graph for any arrays: a function is captured once, and where its arrays lie elsewhere the nodes that use them are
told.

It is captured with addresses that no memory has, a range of its own for each array. What a kernel of the graph gets of
such a range is then known to be so far behind the start of that array, and is put right before the graph is launched
(runtime.ll, `weft_cuda_patch`): only kernels that use an array that lies elsewhere than before are touched.
"""

from __future__ import annotations

import ctypes
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from weft.backends.cpu.descriptors import words as words_of_rank
from weft.backends.cuda.driver import Driver

_FIRST, _APART = 0x5A << 56, 1 << 44
"""Where the ranges begin, and how far one is from the next: no memory has such addresses."""

_SIZES = {"8": 1, "16": 2, "32": 4, "64": 8}
_ENTRY = re.compile(r"\.entry\s+(?P<name>[\w$.]+)\s*\((?P<parameters>[^)]*)\)")
_PARAMETER = re.compile(r"\.param\s+(?P<rest>[^,]*?)\.(?:u|s|b|f)(?P<bits>\d+)\s+(?P<more>[^,]*)")
_COUNT = re.compile(r"\[(\d+)\]")

LOG = ctypes.CFUNCTYPE(None, ctypes.c_int64, ctypes.c_void_p, ctypes.c_void_p)
"""Called for each launch that is captured: kernel, sizes, and pointers to the values of its arguments."""


@dataclass(frozen=True)
class Parameter:
    """A parameter of a kernel: its bytes, and whether it is a pointer."""

    size: int
    is_pointer: bool


def parameters_of(ptx: str) -> dict[str, tuple[Parameter, ...]]:
    """The parameters of each kernel of a text in PTX."""
    return {
        found["name"]: tuple(
            Parameter(_SIZES[one["bits"]] * int((_COUNT.search(one["more"]) or [0, 1])[1]), ".ptr" in one["more"])
            for one in _PARAMETER.finditer(found["parameters"])
        )
        for found in _ENTRY.finditer(ptx)
    }


class NodeParams(ctypes.Structure):
    """CUDA_KERNEL_NODE_PARAMS, with the fields that came with CUDA 12."""

    _fields_ = (
        ("function", ctypes.c_void_p),
        ("grid", ctypes.c_uint32 * 3),
        ("block", ctypes.c_uint32 * 3),
        ("shared", ctypes.c_uint32),
        ("values", ctypes.c_void_p),
        ("extra", ctypes.c_void_p),
        ("kernel", ctypes.c_void_p),
        ("context", ctypes.c_void_p),
    )


class Fixup(ctypes.Structure):
    """A value of a node that is an address: where it is kept, which word of a call it follows, and how far behind."""

    _fields_ = (("place", ctypes.c_void_p), ("word", ctypes.c_int64), ("offset", ctypes.c_int64))


class Node(ctypes.Structure):
    """A node whose parameters follow the arrays of a call: the node, its parameters, its fixups."""

    _fields_ = (
        ("node", ctypes.c_void_p),
        ("parameters", ctypes.c_void_p),
        ("first", ctypes.c_int64),
        ("count", ctypes.c_int64),
    )


class Patch(ctypes.Structure):
    """What `weft_cuda_patch` reads: the graph, how many words a call has, a byte for each (1: address), the nodes."""

    _fields_ = (
        ("graph", ctypes.c_void_p),
        ("words", ctypes.c_int64),
        ("addresses", ctypes.c_void_p),
        ("nodes", ctypes.c_int64),
        ("table", ctypes.c_void_p),
        ("fixups", ctypes.c_void_p),
    )


@dataclass(frozen=True)
class Words:
    """The words that say all that a call is given: a byte for each (1: an address), and where the address of the first
    element of each array stands."""

    addresses: bytes
    starts: tuple[int, ...]

    @staticmethod
    def of(ranks: Sequence[int], scalars: int) -> Words:
        """Of descriptors of arrays of these ranks, and so many scalars."""
        descriptors = [b"\1\1" + bytes(words_of_rank(rank) - 2) for rank in ranks]
        starts = [sum(map(len, descriptors[:number])) + 1 for number in range(len(ranks))]
        return Words(b"".join(descriptors) + bytes(scalars), tuple(starts))

    def sizes(self, key: bytes) -> bytes:
        """The words but the addresses."""
        parts = (key[8 * n : 8 * n + 8] for n, address in enumerate(self.addresses) if not address)
        return b"".join(parts)


def stand_ins(count: int) -> list[int]:
    """An address for each of so many arrays, that no memory has."""
    return [_FIRST + number * _APART for number in range(count)]


@dataclass(frozen=True)
class _Launched:
    node: int
    parameters: NodeParams
    values: tuple[Any, ...]
    pointers: tuple[tuple[Any, int, int], ...]
    """The values that follow an array: the value, which array, how far behind its start."""


class Recorder:
    """The launches of a call while it is captured on a stream."""

    def __init__(
        self, used: Driver, stream: int, functions: Sequence[int], parameters: Sequence[tuple[Parameter, ...] | None]
    ) -> None:
        """`functions` are the kernels, and `parameters` what each takes, where that is known."""
        self._driver, self._stream = used, stream
        self._functions, self._parameters = functions, parameters
        self._launched: list[_Launched] | None = []
        self.log = LOG(self._note)

    @property
    def address(self) -> int:
        """Where the function is that notes a launch."""
        return ctypes.cast(self.log, ctypes.c_void_p).value or 0

    def _note(self, kernel: int, sizes: int, arguments: int) -> None:
        try:
            self._keep(kernel, sizes, arguments)
        except BaseException:
            self._launched = None  # a launch that is not known in a graph would be one with an address of nothing
            raise

    def _keep(self, kernel: int, sizes: int, arguments: int) -> None:
        node = self._last_node()
        known = self._parameters[kernel]
        if node is None or known is None or self._launched is None:
            self._launched = None
            return
        dims = (ctypes.c_int64 * 10).from_address(sizes)
        values: list[Any] = []
        pointers: list[tuple[Any, int, int]] = []
        for number, parameter in enumerate(known):
            place = ctypes.c_uint64.from_address(arguments + 8 * number).value
            if not parameter.is_pointer:
                values.append(ctypes.create_string_buffer(ctypes.string_at(place, parameter.size), parameter.size))
                continue
            value = ctypes.c_uint64(ctypes.c_uint64.from_address(place).value)
            values.append(value)
            if value.value >= _FIRST:
                array, offset = divmod(value.value - _FIRST, _APART)
                pointers.append((value, array, offset))
        places = (ctypes.c_void_p * max(len(values), 1))(*(ctypes.addressof(value) for value in values))
        parameters = NodeParams(
            function=self._functions[kernel],
            grid=(ctypes.c_uint32 * 3)(*dims[:3]),
            block=(ctypes.c_uint32 * 3)(*dims[3:6]),
            shared=dims[9],
            values=ctypes.addressof(places),
        )
        self._launched.append(_Launched(node, parameters, (places, *values), tuple(pointers)))

    def _last_node(self) -> int | None:
        """The node that was captured last: the next one would come after it."""
        status, graph, nodes, count = ctypes.c_int(), ctypes.c_void_p(), ctypes.c_void_p(), ctypes.c_size_t()
        places = (ctypes.byref(place) for place in (status, graph, nodes, count))
        asked = next(places), None, *places
        if self._driver.status("cuStreamGetCaptureInfo", self._stream, *asked) or count.value != 1 or not nodes.value:
            return None
        return ctypes.c_uint64.from_address(nodes.value).value

    def table(self, graph: int, source: int, words: Words) -> Table | None:
        """What puts the nodes right in a graph that was made of what was captured, `source`; None where that holds more
        than launches, or where it is no gain: it takes about half a launch a node, and another one for the graph."""
        count = ctypes.c_size_t()
        if self._launched is None or self._driver.status("cuGraphGetNodes", source, None, ctypes.byref(count)):
            return None
        touched = [one for one in self._launched if one.pointers]
        if count.value != len(self._launched) or len(touched) + 3 > 2 * len(self._launched):
            return None
        return Table(graph, words, touched)


class Table:
    """A :class:`Patch` with all that it points to."""

    def __init__(self, graph: int, words: Words, launched: Sequence[_Launched]) -> None:
        found = [(value, array, offset) for one in launched for value, array, offset in one.pointers]
        self._fixups = (Fixup * max(len(found), 1))(
            *((ctypes.addressof(value), words.starts[array], offset) for value, array, offset in found)
        )
        self._nodes = (Node * max(len(launched), 1))()
        first = 0
        for number, one in enumerate(launched):
            count = len(one.pointers)
            self._nodes[number] = (one.node, ctypes.addressof(one.parameters), first, count)
            first += count
        self._addresses = ctypes.create_string_buffer(words.addresses, len(words.addresses))
        self._held = launched
        self.patch = Patch(
            graph,
            len(words.addresses),
            ctypes.addressof(self._addresses),
            len(launched),
            ctypes.addressof(self._nodes),
            ctypes.addressof(self._fixups),
        )
        self.address = ctypes.addressof(self.patch)


@lru_cache(None)
def patcher(address: int) -> Callable[[int, Any], int]:
    """The function that puts a record's graph right for the words of a call: 1, or 0 where it cannot."""
    return ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_void_p, ctypes.c_char_p)(address)
