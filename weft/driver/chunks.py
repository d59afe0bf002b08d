"""`--split-input-file`: a file as several modules, each knowing the line that it starts on."""

from __future__ import annotations

from dataclasses import dataclass

MARKER = "// -----"
"""What separates the chunks, in files and in what is printed."""


@dataclass(frozen=True)
class Chunk:
    """A piece of a file: its text, and the 1-based line of the file that it starts on."""

    text: str
    first_line: int


def split(text: str, marker: str = MARKER) -> list[Chunk]:
    """The chunks between the markers; the rest of the marker's line belongs to the next chunk, as in MLIR."""
    chunks: list[Chunk] = []
    line = 1
    for piece in text.split(marker):
        chunks.append(Chunk(piece, line))
        line += piece.count("\n")
    return chunks
