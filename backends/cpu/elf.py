"""The undefined symbols of an object file. LLVM's linker ends the process over one that it cannot find."""

from __future__ import annotations

import struct

_HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
_SECTION = struct.Struct("<IIQQQQIIQQ")
_SYMBOL = struct.Struct("<IBBHQQ")
_SYMTAB = 2
_MADE_BY_LINKER = "_GLOBAL_OFFSET_TABLE_"


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
