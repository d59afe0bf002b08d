"""Writes the generated pages of `docs/`: `python -m weft.tools.reference_docs` in the root of a checkout."""

from __future__ import annotations

from pathlib import Path

from weft.driver.explain import errors_reference
from weft.driver.reference import ops_reference, passes_reference

DIALECTS = ("ml", "loop", "target")
"""The dialects whose ops are weft's own."""


def pages() -> dict[str, str]:
    """The generated pages, by file name."""
    return {"ops.md": ops_reference(DIALECTS), "passes.md": passes_reference(), "errors.md": errors_reference()}


def main(folder: Path = Path("docs")) -> None:
    """Write the pages into a folder."""
    for name, text in pages().items():
        (folder / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
