"""What machine code made ahead of time tells of itself: a record in a section of the file, read before it is loaded.

A record is the words `weft`, `0`, the length of a JSON text as a 64-bit number, and the text, padded to whole words of
eight bytes; a file that was linked of several objects holds several, one after another.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from weft.backends.signature import Signature

SECTION = ".weft"
_HEAD = struct.Struct("<4sIQ")
_MAGIC = b"weft"


@dataclass(frozen=True)
class Weights:
    """The file beside the code that holds its constants: its name, its size, and what it is recognised by.

    The digest stands in the file at `digest_place`, the data begin at `data_place`.
    """

    file: str
    size: int
    digest: str
    digest_place: int
    data_place: int


@dataclass(frozen=True)
class Record:
    """The facts: which weft made the code, for what machine and how many threads; its functions and messages.

    `features` are those of LLVM that the machine must have. `prefix` stands before the names of plain functions.
    """

    version: str
    triple: str
    cpu: str
    features: tuple[str, ...]
    threads: int
    prefix: str
    functions: tuple[Signature, ...]
    messages: tuple[str, ...]
    weights: Weights | None = None

    def to_bytes(self) -> bytes:
        """The record as it stands in the section."""
        facts = {name: getattr(self, name) for name in ("version", "triple", "cpu", "features", "threads", "prefix")}
        facts["functions"] = [signature.to_json() for signature in self.functions]
        facts["messages"] = self.messages
        facts["weights"] = None if self.weights is None else vars(self.weights)
        text = json.dumps(facts, ensure_ascii=False).encode()
        return _HEAD.pack(_MAGIC, 0, len(text)) + text + bytes(-len(text) % 8)


def read_records(data: bytes) -> Sequence[Record]:
    """The records of a section. Raises ValueError for bytes that are none."""
    records: list[Record] = []
    place = 0
    while place < len(data):
        if data[place : place + 8] == bytes(8):  # a linker may leave room between the sections that it joins
            place += 8
            continue
        try:
            magic, layout, length = _HEAD.unpack_from(data, place)
        except struct.error as error:
            raise ValueError("a cut record") from error
        start = place + _HEAD.size
        if (magic, layout) != (_MAGIC, 0) or start + length > len(data):
            raise ValueError("no record of weft")
        records.append(_record(json.loads(data[start : start + length])))
        place = start + length + -length % 8
    return records


def _record(facts: dict[str, Any]) -> Record:
    try:
        return Record(
            facts["version"],
            facts["triple"],
            facts["cpu"],
            tuple(facts["features"]),
            facts["threads"],
            facts["prefix"],
            tuple(map(Signature.from_json, facts["functions"])),
            tuple(facts["messages"]),
            Weights(**facts["weights"]) if facts["weights"] is not None else None,
        )
    except (KeyError, TypeError) as error:
        raise ValueError(f"an incomplete record: {error}") from error
