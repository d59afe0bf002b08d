"""How long compiling and calling take: each program compiled anew, read from the cache, and called.

    python benchmarks/compile.py [--only softmax] [--profile] [--rounds 5]

Compiling starts from text in a process that has compiled something before, and ends with the first result; `cache` is
the same from the cache on disk, `text` the part of it that reading (and hashing) the text takes. `--profile` shows what
the compiler did, pass by pass. Times are processor time of one thread, in milliseconds.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
import timeit
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import cast

os.environ["WEFT_CACHE_DIR"] = tempfile.mkdtemp()

import mlir
import numpy as np
from measure import aligned
from rows import attention, conv, gelu, layer_norm, matmul, mlp, resnet_block, softmax, uniform

import weft
from weft.driver.compile import Request, compile_program
from weft.driver.instruments import Quiet
from weft.driver.schedules.program_cost import flops_of  # noqa: F401  (imports what compiling needs)

EXAMPLES = Path(__file__).parents[1] / "examples"

PROGRAMS: dict[str, tuple[Callable[[], str], float]] = {
    "matmul 1024": (lambda: mlir.text(matmul(1024, 1024, 1024)), 100),
    "matmul 1000x777x333": (lambda: mlir.text(matmul(1000, 333, 777)), 100),
    "matmul 256": (lambda: mlir.text(matmul(256, 256, 256)), 40),
    "gelu": (lambda: mlir.text(gelu(10**6)), 40),
    "softmax": (lambda: mlir.text(softmax(512, 512)), 40),
    "layer norm": (lambda: mlir.text(layer_norm(512, 512)), 40),
    "convolution": (lambda: mlir.text(conv(56, 64)), 40),
    "attention": (lambda: mlir.text(attention(12, 512, 64)), 100),
    "mlp": (lambda: mlir.text(mlp(32, (784, 512, 512, 10))), 200),
    "resnet block": (lambda: mlir.text(resnet_block(56, 64)), 400),
    "transformer block": (lambda: (EXAMPLES / "transformer_block.mlir").read_text(), 400),
}
"""Programs, and what compiling them may take."""


class Passes(Quiet):
    """The time of each pass."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._start = 0.0

    def before(self, step: object, op: object) -> None:
        """Start the clock."""
        self._start = time.process_time()

    def after(self, step: object, op: object) -> None:
        """Stop it."""
        name = step.name  # type: ignore[attr-defined]
        self.seconds[name] = self.seconds.get(name, 0.0) + time.process_time() - self._start


def timed(work: Callable[[], object]) -> float:
    """Milliseconds of processor time."""
    start = time.process_time()
    work()
    return 1e3 * (time.process_time() - start)


def arrays_of(compiled: weft.driver.compile.Compiled) -> list[np.ndarray]:
    """Arguments for a program of f32 tensors."""
    return [
        np.full(spec.dims, n, np.int32) if spec.dtype == "i32" else uniform(cast("tuple[int, ...]", spec.dims), n)
        for n, spec in enumerate(compiled.signature.arguments)
    ]


def measure(name: str, text: str, goal: float, rounds: int, profile: bool) -> None:
    """One line, and the passes below it."""
    arrays = arrays_of(weft.compile(text, threads=1))
    fresh: list[float] = []
    for number in range(rounds):
        changed = f"// {number}\n{text}"
        fresh.append(timed(lambda changed=changed: weft.compile(changed, threads=1)(*arrays)))
    cached = min(timed(lambda: weft.compile(text, threads=1)(*arrays)) for _ in range(5))
    ready = weft.compile(text, threads=1)
    call = min(timed(lambda: ready(*arrays)) for _ in range(3))
    reading = min(timed(lambda: (hash(text), text.encode())) for _ in range(3))
    best = min(fresh) - call
    how = "ok  " if best <= goal else "MISS"
    print(
        f"{name:22} compiled {best:7.1f} ms (goal {goal:3.0f}) {how}  from the cache {cached - call:6.2f}, "
        f"of it the text {reading:6.2f}",
        flush=True,
    )
    if profile:
        passes = Passes()
        whole = timed(lambda: compile_program(text, Request(threads=1, instruments=(passes,))))
        inside = sum(passes.seconds.values()) * 1e3
        for step, seconds in sorted(passes.seconds.items(), key=lambda item: -item[1])[:12]:
            print(f"    {step:28} {seconds * 1e3:7.1f}")
        print(f"    {'reading and machine code':28} {whole - inside:7.1f}")


def calls() -> None:
    """What a call costs: three arrays of one element, results of static and of run-time size."""
    static = weft.compile(mlir.text(_add(1)), threads=1)
    dynamic = weft.compile(
        "func.func @main(%a: tensor<?xf32>, %b: tensor<?xf32>) -> tensor<?xf32> {\n"
        "  %r = ml.add %a, %b : tensor<?xf32>\n  func.return %r : tensor<?xf32>\n}\n",
        threads=1,
    )
    a, b, out = (aligned((1,)) for _ in range(3))
    for name, statement, function in (
        ("three arrays, out=", "f(a, b, out=o)", static),
        ("a new array for the result", "f(a, b)", static),
        ("run-time size, out=", "f(a, b, out=o)", dynamic),
        ("run-time size, a new array", "f(a, b)", dynamic),
        ("np.add, out=", "f(a, b, out=o)", np.add),
    ):
        timer = timeit.Timer(statement, globals={"f": function, "a": a, "b": b, "o": out}, timer=time.process_time)
        print(f"call, {name:28} {min(timer.repeat(9, 20000)) / 20000 * 1e6:7.3f} us")


def _add(n: int) -> object:
    from rows import add

    return add(n)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="programs whose names hold this")
    parser.add_argument("--rounds", type=int, default=3, help="how often each is compiled")
    parser.add_argument("--profile", action="store_true", help="show the passes")
    options = parser.parse_args(arguments)
    for name, (text, goal) in PROGRAMS.items():
        if options.only in name:
            measure(name, text(), goal, options.rounds, options.profile)
    calls()


if __name__ == "__main__":
    main()
