"""What ELF files tell: the machine that they are for, their sections, and the symbols that they lack.

LLVM's linker ends the process over a symbol that it cannot find.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from mmap import mmap

_HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
_SECTION = struct.Struct("<IIQQQQIIQQ")
_SYMBOL = struct.Struct("<IBBHQQ")
_SYMTAB = 2
_NOTHING = 8
"""The kind of a section that takes no room in the file."""

SHARED = 3
"""The kind of a file that is a shared library."""

MACHINES = {62: "x86_64", 183: "aarch64", 243: "riscv64"}
"""Architectures by their numbers, as the first part of a triple has them."""
_MADE_BY_LINKER = "_GLOBAL_OFFSET_TABLE_"


@dataclass(frozen=True)
class Elf:
    """A 64-bit little-endian ELF file: its kind, the number of its machine, and the bytes of the file that each section
    takes, by name.
    """

    kind: int
    machine: int
    sections: Mapping[str, slice]


def read_elf(data: bytes | mmap) -> Elf | None:
    """What an ELF file tells; None for another format. Raises ValueError for one that is cut or damaged."""
    if data[:6] != b"\x7fELF\x02\x01":
        return None
    try:
        header = _HEADER.unpack_from(data)
        offset, size, count, names = header[6], header[11], header[12], header[13]
        table: list[tuple[int, ...]] = [_SECTION.unpack_from(data, offset + size * i) for i in range(count)]
        strings: int = table[int(names)][4]
        sections: dict[str, slice] = {}
        for name, kind, _, _, start, length, *_ in table:
            length = 0 if kind == _NOTHING else length
            end = data.find(b"\0", strings + name)
            if start + length > len(data) or end < 0:
                raise ValueError("a section lies outside of the file")
            sections[data[strings + name : end].decode()] = slice(start, start + length)
    except (struct.error, IndexError) as error:
        raise ValueError("the table of sections is damaged") from error
    return Elf(header[1], header[2], sections)


def undefined_symbols(code: bytes) -> list[str] | None:
    """The names that a 64-bit little-endian ELF object needs from elsewhere; None for another format."""
    if code[:6] != b"\x7fELF\x02\x01":
        return None
    header = _HEADER.unpack_from(code)
    offset, size, count = header[6], header[11], header[12]
    sections: list[tuple[int, ...]] = [_SECTION.unpack_from(code, offset + size * i) for i in range(count)]
    names: list[str] = []
    for section in sections:
        if section[1] != _SYMTAB:
            continue
        strings = sections[section[6]][4]
        for place in range(section[4], section[4] + section[5], _SYMBOL.size):
            name, _, _, home, _, _ = _SYMBOL.unpack_from(code, place)
            if home == 0 and name:
                end = code.index(b"\0", strings + name)
                names.append(code[strings + name : end].decode())
    return [name for name in names if name != _MADE_BY_LINKER]
