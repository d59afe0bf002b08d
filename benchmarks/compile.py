"""How long compiling and calling take: each program compiled anew, read from the cache, and called.

    python benchmarks/compile.py [--only softmax] [--profile] [--rounds 5] [--write]

Compiling starts from text in a process that has compiled something before, and ends with the first result; `cache` is
the same from the cache on disk, without the part that reading (and hashing) the text takes. `--profile` shows what the
compiler did, pass by pass. Times are processor time of one thread, in milliseconds. `--write` puts the figures into
`docs/performance.md`.
"""

from __future__ import annotations

import argparse
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
import timeit
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import cast

os.environ["WEFT_CACHE_DIR"] = tempfile.mkdtemp()

import mlir
import numpy as np
from measure import aligned
from rows import attention, conv, gelu, layer_norm, matmul, mlp, resnet_block, softmax, uniform

import weft
from weft.backends import llvm
from weft.driver.compile import Request, compile_program
from weft.driver.instruments import Quiet
from weft.driver.schedules.program_cost import flops_of  # noqa: F401  (imports what compiling needs)

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "examples"
PAGE = ROOT / "docs" / "performance.md"
FROM_CACHE = 10.0
"""What a program from the cache may take beyond reading its text, in milliseconds."""

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


@dataclass(frozen=True)
class Row:
    """Milliseconds: compiling anew, LLVM's part of it, what it may take, and taking it from the cache."""

    name: str
    compiled: float
    llvm: float
    goal: float
    cached: float

    @property
    def verdict(self) -> str:
        """Whether both are fast enough."""
        return "holds" if self.compiled <= self.goal and self.cached <= FROM_CACHE else "missed"

    def __str__(self) -> str:
        return (
            f"{self.name:22} compiled {self.compiled:7.1f} ms (goal {self.goal:3.0f}), by LLVM {self.llvm:6.1f}, "
            f"from the cache {self.cached:6.2f}  {self.verdict}"
        )


class Generating:
    """LLVM's time while it is entered: parsing and verifying IR, and making code of it."""

    def __enter__(self) -> Generating:
        self.milliseconds = 0.0
        self._made = llvm.to_object
        llvm.to_object = self._make
        return self

    def _make(self, *args: object, **kwargs: object) -> bytes:
        code: list[bytes] = []
        self.milliseconds += timed(lambda: code.append(self._made(*args, **kwargs)))  # type: ignore[arg-type]
        return code[0]

    def __exit__(self, *error: object) -> None:
        llvm.to_object = self._made


def measure(name: str, text: str, goal: float, rounds: int, profile: bool) -> Row:
    """One program; where it is asked for, its passes are printed."""
    arrays = arrays_of(weft.compile(text, threads=1))
    fresh: list[tuple[float, float]] = []
    for number in range(rounds):
        changed = f"// {number}\n{text}"
        with Generating() as generating:
            whole = timed(lambda changed=changed: weft.compile(changed, threads=1)(*arrays))
        fresh.append((whole, generating.milliseconds))
    cached = min(timed(lambda: weft.compile(text, threads=1)(*arrays)) for _ in range(5))
    ready = weft.compile(text, threads=1)
    call = min(timed(lambda: ready(*arrays)) for _ in range(3))
    reading = min(timed(lambda: (hash(text), text.encode())) for _ in range(3))
    whole, by_llvm = min(fresh)
    row = Row(name, max(whole - call, 0.0), by_llvm, goal, max(cached - call - reading, 0.0))
    print(row, flush=True)
    if profile:
        passes = Passes()
        whole = timed(lambda: compile_program(text, Request(threads=1, instruments=(passes,))))
        inside = sum(passes.seconds.values()) * 1e3
        for step, seconds in sorted(passes.seconds.items(), key=lambda item: -item[1])[:12]:
            print(f"    {step:28} {seconds * 1e3:7.1f}")
        print(f"    {'reading and machine code':28} {whole - inside:7.1f}")
    return row


def starts() -> dict[str, float]:
    """What whole processes take, in milliseconds: `weft run` of a sum of two arrays, compiled and from the cache."""
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / "add.mlir"
        environment = os.environ | {"WEFT_CACHE_DIR": folder, "PYTHONPYCACHEPREFIX": folder}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)

        def start(statement: str, *arguments: str) -> float:
            before = _children()
            command = [sys.executable, "-c", statement, *arguments]
            subprocess.run(command, env=environment, check=True, capture_output=True)
            return 1e3 * (_children() - before)

        def run() -> float:
            command = "from weft.tools.main import main; raise SystemExit(main())"
            return start(command, "run", str(program), "--input", "16xf32=1", "--input", "16xf32=2")

        def changed(number: int) -> float:
            program.write_text(f"// {number}\n{mlir.text(_add(16))}")
            return run()

        changed(0)  # Python compiles weft, and weft its grammar
        statement = "import weft, numpy"
        found = {"python": min(start("pass") for _ in range(3)), statement: min(start(statement) for _ in range(3))}
        found["weft run"] = min(changed(number) for number in range(1, 4))
        found["weft run, from the cache"] = min(run() for _ in range(3))
    for name, milliseconds in found.items():
        print(f"process, {name:26} {milliseconds:6.0f} ms", flush=True)
    return found


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def calls() -> dict[str, float]:
    """What a call costs, in microseconds: three arrays of one element, results of static and of run-time size."""
    found: dict[str, float] = {}
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
        found[name] = min(timer.repeat(9, 20000)) / 20000 * 1e6
        print(f"call, {name:28} {found[name]:7.3f} us")
    return found


def _add(n: int) -> object:
    from rows import add

    return add(n)


def section(rows: Sequence[Row], processes: dict[str, float], called: dict[str, float]) -> str:
    """The part of the page that tells of compiling."""
    lines = [
        "| program | compiled | by LLVM | goal | from the cache | |",
        "| --- | ---: | ---: | ---: | ---: | --- |",
        *(
            f"| {r.name} | {r.compiled:.0f} ms | {r.llvm:.0f} ms | {r.goal:.0f} ms | {r.cached:.1f} ms | {r.verdict} |"
            for r in rows
        ),
        "",
        "| a whole process | processor time |",
        "| --- | ---: |",
        *(f"| {name} | {milliseconds:.0f} ms |" for name, milliseconds in processes.items()),
        "",
        "| a call with three arrays of one element | |",
        "| --- | ---: |",
        *(f"| {name} | {microseconds:.2f} us |" for name, microseconds in called.items()),
    ]
    day = f"{date.today():%d %B %Y}"
    return (
        "\n<!-- compile -->\n## Compiling, starting, calling\n\n"
        f"`benchmarks/compile.py --write` made this on {day}, in processor time of one thread (others computed on\n"
        "the machine). A program is compiled from its text up to its first result, in a process that has compiled\n"
        "something before, with nothing of it in the cache on disk. From there it may take "
        f"{FROM_CACHE:.0f} ms beyond reading the text.\n\n" + "\n".join(lines) + "\n<!-- end compile -->\n"
    )


def write(text: str) -> None:
    """Put the section into the page, in the place of the one that is there."""
    old = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(re.sub(r"\n<!-- compile -->\n.*?<!-- end compile -->\n", "", old, flags=re.DOTALL) + text, "utf-8")


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="programs whose names hold this")
    parser.add_argument("--rounds", type=int, default=3, help="how often each is compiled")
    parser.add_argument("--profile", action="store_true", help="show the passes")
    parser.add_argument("--write", action="store_true", help="put the figures into docs/performance.md")
    options = parser.parse_args(arguments)
    rows = [
        measure(name, text(), goal, options.rounds, options.profile)
        for name, (text, goal) in PROGRAMS.items()
        if options.only in name
    ]
    found = section(rows, starts(), calls())
    if options.write:
        write(found)


if __name__ == "__main__":
    main()
