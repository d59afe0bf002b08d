"""Running an example on the inputs that it carries."""

from __future__ import annotations

from pathlib import Path

import numpy as np

import weft
from weft.driver.inputs import read_value


def carried(path: Path, target: str, *changes: tuple[str, str]) -> dict[str, np.ndarray]:
    """The results of a program on its own inputs, by label; with some parts of its text replaced by others."""
    text = path.read_text()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    compiled = weft.compile(text, target)
    arguments = compiled.signature.arguments
    values = [read_value(spec.default, path.parent, spec.name, n) for n, spec in enumerate(arguments)]
    found = compiled(*values)
    results = found if isinstance(found, tuple) else (found,)
    return dict(zip((spec.name for spec in compiled.signature.results), results, strict=True))
