"""Ops of networks through the whole road, on one thread: how long they run, beside NumPy.

    OMP_NUM_THREADS=1 python benchmarks/networks.py [--only attention] [--seconds 0.3]

Printed are the median and the best time, and NumPy's best time over ours.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np

import weft

Array = np.ndarray


@dataclass(frozen=True)
class Op:
    """An op on arguments of f32 (or `i32`), as text with %0, %1, ... for them, and NumPy's way."""

    name: str
    types: tuple[str, ...]
    text: str
    numpy: Callable[..., Array]

    def program(self) -> str:
        """A module with the op in `@main`."""
        given = ", ".join(f"%x{n}: tensor<{type_}>" for n, type_ in enumerate(self.types))
        result = self.text.rsplit(" ", 1)[1]
        return f"func.func @main({given}) -> {result} {{\n%r = {self.text}\nfunc.return %r : {result}\n}}\n"

    def arrays(self) -> list[Array]:
        """Arguments: normal floats, small integers."""
        rng = np.random.default_rng(0)
        made: list[Array] = []
        for type_ in self.types:
            *sizes, element = type_.split("x")
            shape = tuple(map(int, sizes))
            whole = element == "i32"
            made.append(rng.integers(0, 9, shape, np.int32) if whole else rng.standard_normal(shape, np.float32))
        return made


def layer_norm(x: Array, scale: Array, bias: Array) -> Array:
    """As NumPy's users write it."""
    centered = x - x.mean(-1, keepdims=True)
    return centered / np.sqrt((centered * centered).mean(-1, keepdims=True) + np.float32(1e-5)) * scale + bias


def rms_norm(x: Array, scale: Array) -> Array:
    """As NumPy's users write it."""
    return x / np.sqrt((x * x).mean(-1, keepdims=True) + np.float32(1e-5)) * scale


def log_softmax(x: Array) -> Array:
    """As NumPy's users write it."""
    shifted = x - x.max(-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))


def cross_entropy(x: Array, labels: Array) -> Array:
    """As NumPy's users write it."""
    return -log_softmax(x)[np.arange(len(x)), labels].mean()


def attention(q: Array, k: Array, v: Array) -> Array:
    """Causal attention, as NumPy's users write it."""
    scores = q @ k.swapaxes(-1, -2) * np.float32(q.shape[-1] ** -0.5)
    scores = np.where(np.tril(np.ones(scores.shape[-2:], bool)), scores, np.float32(-np.inf))
    powers = np.exp(scores - scores.max(-1, keepdims=True))
    return powers @ v / powers.sum(-1, keepdims=True)


X, HEADS = "512x768xf32", "1x12x512x64xf32"

OPS = (
    Op("layer_norm", (X, "768xf32", "768xf32"),
       f"ml.layer_norm %x0 scale(%x1 : tensor<768xf32>) bias(%x2 : tensor<768xf32>) : tensor<{X}>", layer_norm),
    Op("rms_norm", (X, "768xf32"), f"ml.rms_norm %x0 scale(%x1 : tensor<768xf32>) : tensor<{X}>", rms_norm),
    Op("log_softmax", (X,), f"ml.log_softmax %x0 : tensor<{X}>", log_softmax),
    Op("cross_entropy", (X, "512xi32"),
       f"ml.cross_entropy %x0, %x1, reduction = mean : (tensor<{X}>, tensor<512xi32>) -> tensor<f32>", cross_entropy),
    Op("attention", (HEADS,) * 3,
       f"ml.attention %x0, %x1, %x2, causal : ({', '.join([f'tensor<{HEADS}>'] * 3)}) -> tensor<{HEADS}>", attention),
)  # fmt: skip


def times(run: Callable[[], object], seconds: float) -> list[float]:
    """How long each run took, for about that long."""
    found: list[float] = []
    run()
    while sum(found) < seconds or len(found) < 3:
        start = time.perf_counter()
        run()
        found.append(time.perf_counter() - start)
    return found


def measure(op: Op, seconds: float) -> str:
    """One line of the table. Fails where NumPy disagrees."""
    compiled, arrays = weft.compile(op.program(), threads=1), op.arrays()
    np.testing.assert_allclose(compiled(*arrays), op.numpy(*arrays), rtol=1e-3, atol=1e-4)
    ours, theirs = (times(lambda run=run: run(*arrays), seconds) for run in (compiled, op.numpy))
    best = min(ours)
    return f"{op.name:15} {1e3 * median(ours):9.3f} {1e3 * best:9.3f} {min(theirs) / best:8.2f}"


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure the ops that the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--only", default="", help="measure ops whose names contain this")
    parser.add_argument("--seconds", type=float, default=0.3, help="how long each is measured")
    options = parser.parse_args(arguments)
    print(f"{'op':15} {'median ms':>9} {'best ms':>9} {'x NumPy':>8}")
    for op in OPS:
        if options.only in op.name:
            print(measure(op, options.seconds))


if __name__ == "__main__":
    main()
