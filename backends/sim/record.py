"""What is kept of a compiled `gpu.module` besides its code: enough to launch it, small enough for JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from weft.diagnostics import Location

MEMORY = "memory"
"""The type of an argument that is passed as memory: the address is its value."""

ENTRY = "weft.start."
"""What stands before the name of a kernel in the names of the functions that start a thread of it."""


@dataclass(frozen=True)
class Site:
    """A place in the program: where it is in the text, and the op that stands there."""

    file: str
    line: int
    column: int
    what: str

    @property
    def where(self) -> Location:
        """The place in the text."""
        return Location(self.file, self.line, self.column)


@dataclass(frozen=True)
class Kernel:
    """A kernel: the types of its arguments as LLVM spells them (or :data:`MEMORY`) and their
    names, the bounds that it puts on its launches, the number of its place, the names of its globals in shared memory,
    and the bytes of a block before dynamic shared memory."""

    arguments: tuple[str, ...]
    names: tuple[str, ...]
    threads_limit: int | None
    cluster: tuple[int, int, int] | None
    site: int
    shared: tuple[str, ...] = ()
    shared_bytes: int = 0


@dataclass(frozen=True)
class Record:
    """The kernels of a module by name; the globals in shared memory (where each begins, and its bytes, None for dynamic
    ones); the globals in global and constant memory, with their bytes; the places that code names by number; whether
    accesses are checked; what threads have Python do for them, by number from 1."""

    kernels: Mapping[str, Kernel]
    shared: Mapping[str, tuple[int, int | None]]
    tables: Mapping[str, int]
    sites: tuple[Site, ...]
    checked: bool
    services: tuple[tuple[str, dict[str, Any]], ...] = ()

    @property
    def has_agents(self) -> bool:
        """Whether anything accesses memory by itself while threads go on."""
        return any(kind != "mma" for kind, _ in self.services)

    def encoded(self, code: bytes) -> bytes:
        """The record and the code as one piece of bytes."""
        header = json.dumps(asdict(self)).encode()
        return len(header).to_bytes(8, "little") + header + code

    @staticmethod
    def decoded(data: bytes) -> tuple[Record, bytes]:
        """The inverse of :meth:`encoded`."""
        end = 8 + int.from_bytes(data[:8], "little")
        header: dict[str, Any] = json.loads(data[8:end])
        kernels = {name: _kernel(**kernel) for name, kernel in header.pop("kernels").items()}
        sites = tuple(Site(**site) for site in header.pop("sites"))
        services = tuple((kind, facts) for kind, facts in header.pop("services"))
        return Record(kernels=kernels, sites=sites, services=services, **header), data[end:]


def _kernel(
    arguments: list[str],
    names: list[str],
    threads_limit: int | None,
    cluster: list[int] | None,
    site: int,
    shared: list[str],
    shared_bytes: int,
) -> Kernel:
    """A kernel from JSON, which has no tuples."""
    shape = None if cluster is None else (cluster[0], cluster[1], cluster[2])
    return Kernel(tuple(arguments), tuple(names), threads_limit, shape, site, tuple(shared), shared_bytes)
