"""The peers: each in a file of its own, with `build(graph, arrays, out, threads)` and `VERSION_OF`.

`build` gives a :class:`measure.Call`, or None for a program that the peer does not take; it raises ImportError where
the peer is not installed (`pip install 'weft[bench]'` brings them all).
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np
from graph import Graph
from measure import Call

NAMES = ("numpy", "numba", "torch", "inductor", "ort", "openvino", "jax", "iree")

PACKAGES = {
    "numpy": "numpy",
    "numba": "numba",
    "torch": "torch",
    "inductor": "torch",
    "ort": "onnxruntime",
    "openvino": "openvino",
    "jax": "jax",
    "iree": "iree-base-compiler",
}
"""The package of each peer."""


def versions() -> dict[str, str | None]:
    """The version of each peer, None where it is not installed."""
    found: dict[str, str | None] = {}
    for name in NAMES:
        try:
            found[name] = version(PACKAGES[name])
        except PackageNotFoundError:
            found[name] = None
    return found


def build(name: str, graph: Graph, arrays: Sequence[np.ndarray], out: np.ndarray, threads: int) -> Call | None:
    """A program as a peer runs it. None where it does not take it."""
    module: Any = import_module(f"peers.{name}_peer")
    return module.build(graph, arrays, out, threads)
