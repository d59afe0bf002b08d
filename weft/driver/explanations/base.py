"""What is known of a code besides its title."""

from __future__ import annotations

from dataclasses import dataclass

from weft.codes import Code


@dataclass(frozen=True)
class Example:
    """A file and the command that is run on it, in which FILE stands for the file."""

    file: str
    command: str = "weft opt FILE"

    @property
    def language(self) -> str:
        """What the file is written in, as Markdown says it."""
        return "py" if self.command.startswith("python") else "mlir"


@dataclass(frozen=True)
class Explanation:
    """A longer text on a code, an example that gives it, and the example mended.

    Where there is no example, the text says why.
    """

    code: Code
    text: str
    wrong: Example | None = None
    mended: Example | None = None
