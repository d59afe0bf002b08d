"""Large constants on their way into object code: past LLVM's text, where a byte takes up to three characters.

LLVM makes a section of zeros for each; the data is written over these.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from weft.backends.llvm.elf import read_elf
from weft.backends.llvm.machine import Machine

LEAST_BYTES = 4096
"""Smaller constants stand in the text."""

_SECTION = ".rodata.weft."


def can_hold(machine: Machine) -> bool:
    """Whether object files for a machine are known well enough to write into them."""
    return "linux" in machine.triple


@dataclass
class Blobs:
    """The data of constants, by the section of each."""

    data: dict[str, bytes] = field(default_factory=dict[str, bytes])

    def add(self, data: bytes) -> str:
        """Take in the data of a constant; the name of its section."""
        name = f"{_SECTION}{len(self.data)}"
        self.data[name] = data
        return name

    def put_into(self, code: bytes) -> bytes:
        """An object with the data in its sections."""
        if not self.data:
            return code
        elf = read_elf(code)
        assert elf is not None, "code for Linux is ELF"
        whole = bytearray(code)
        for name, data in self.data.items():
            place = elf.sections[name]
            assert place.stop - place.start == len(data), f"the section '{name}' is not as large as its constant"
            whole[place] = data
        return bytes(whole)
