"""The four programs of docs/road.md at stop 2, read from that page."""

from __future__ import annotations

import re
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "road.md"
BLOCK = re.compile(r"^```mlir\n(.*?)^```$", re.M | re.S)
NAMES = ("layer", "softmax", "convolution", "attention")


def programs() -> dict[str, str]:
    """The programs by name: the blocks of the page that are one function of `ml` ops."""
    blocks = [text for text in BLOCK.findall(PAGE.read_text()) if text.startswith("func.func @main(")]
    return dict(zip(NAMES, [text for text in blocks if "= ml." in text and text.count("func.func") == 1], strict=True))
