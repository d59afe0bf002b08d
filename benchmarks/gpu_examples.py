"""The programs of the GPU course, each kernel by hand beside its twin on tensors: both are run and compared.

    python benchmarks/gpu_examples.py                          # on the GPU of this machine
    python benchmarks/gpu_examples.py --target gpu-sim reduction

All of them run in one process, so that a tool can watch it (`benchmarks/sanitize.py`).
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

import weft
from weft.driver.inputs import read_value

FOLDER = Path(__file__).parents[1] / "examples" / "gpu"

ALONE = ("device_query",)
"""Programs without a twin."""


def result(name: str, entry: str, target: str) -> Any:
    """What a function of a program gives on the inputs that it carries."""
    path = FOLDER / f"{name}.mlir"
    compiled = weft.compile(path, target, entry=entry)
    arguments = compiled.signature.arguments
    return compiled(*(read_value(spec.default, path.parent, spec.name, n) for n, spec in enumerate(arguments)))


def run(name: str, target: str) -> str:
    """Run a program; what is wrong with it, or nothing."""
    by_hand = result(name, "main", target)
    if name in ALONE:
        return ""
    twin = result(name, "twin", target)
    if not np.allclose(by_hand, twin, rtol=2e-4, atol=1e-5):
        return f"differs from its twin by {np.max(np.abs(np.asarray(by_hand) - np.asarray(twin))):.2e}"
    return ""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what the command line asks for; how many programs are wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help="only these programs")
    parser.add_argument("--target", default="cuda", help="cuda (default), or gpu-sim")
    options = parser.parse_args(arguments)
    wrong = 0
    for name in options.names or sorted(path.stem for path in FOLDER.glob("*.mlir")):
        start = time.perf_counter()
        try:
            said = run(name, options.target)
        except weft.WeftError as error:
            said = str(error)
        wrong += bool(said)
        print(f"{name:24} {said or 'right'} ({time.perf_counter() - start:.1f} s)", flush=True)
    return min(wrong, 100)


if __name__ == "__main__":
    sys.exit(main())
