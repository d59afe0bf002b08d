"""Kernels of loops, from naive nests and a schedule to machine code: how fast the code is, and how fast it is made.

    taskset -c 1 python benchmarks/kernels.py [--only product] [--seconds 0.5]

Each kernel goes through `apply-schedule`, `hoist-buffers` and `convert-loop-to-llvm` to object code, and runs on one
thread on aligned arrays (`taskset` keeps NumPy to one, too). Printed are the median and the best time, GFLOP/s with
their share of the FMA peak (a kernel of its own, measured beside each) or GB/s, NumPy's time over ours, and what each
stage of compiling took, in milliseconds.
"""

from __future__ import annotations

import argparse
import ctypes
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np
from xdsl.dialects.builtin import MemRefType, ModuleOp
from xdsl.dialects.func import FuncOp

import weft
from weft.backends.cpu.library import Library
from weft.backends.cpu.runtime import runtime_symbol
from weft.backends.llvm import to_llvm_ir, to_object
from weft.driver.passes import run_pipeline

Array = np.ndarray


@dataclass(frozen=True)
class Kernel:
    """A kernel: its arguments (name, shape), its body and schedule, what it does, and NumPy's way.

    The last argument is the output. `flops` or `bytes` is what one run takes.
    """

    name: str
    arguments: tuple[tuple[str, tuple[int, ...]], ...]
    body: str
    schedule: str
    numpy: Callable[..., object]
    flops: int = 0
    bytes: int = 0

    def text(self) -> str:
        """The kernel as MLIR text."""
        attributes = 'loop.name = "{}", loop.align = 64 : i64'
        arguments = [f"%{n}: {memref(s)} {{{attributes.format(n)}}}" for n, s in self.arguments]
        head = f"attributes {{loop.kernel, loop.schedule = #loop.schedule<{self.schedule}>}}"
        return f"func.func @k({', '.join(arguments)}) {head} {{\n{self.body}\nfunc.return\n}}\n"


def memref(shape: Sequence[int]) -> str:
    """The type of a buffer."""
    return f"memref<{'x'.join([*map(str, shape), 'f32'])}>"


def nest(loops: Sequence[tuple[str, int]], body: str) -> str:
    """Loops around a body."""
    for name, size in reversed(loops):
        body = f'loop.for "{name}" %{name} to {size} {{\n{body}\n}}'
    return body


def product(m: int, n: int, k: int, schedule: str, how: str) -> Kernel:
    """C = A @ B."""
    a, b, c = (m, k), (k, n), (m, n)
    body = nest(
        [("i", m), ("j", n), ("k", k)],
        f"""%a = loop.load %A[%i, %k] : {memref(a)}
        %b = loop.load %B[%k, %j] : {memref(b)}
        %p = arith.mulf %a, %b : f32
        loop.reduce add %p into %C[%i, %j] over (%k) : {memref(c)}""",
    )
    run = lambda a, b, c: np.matmul(a, b, out=c)  # noqa: E731
    name = f"product {how} {m}x{n}x{k}"
    return Kernel(name, (("A", a), ("B", b), ("C", c)), body, schedule, run, flops=2 * m * n * k)


def direct(rows: int = 12, columns: int = 32) -> str:
    """The plan of a small product: a register tile, no packing."""
    return f"""tile i {rows} into (ip, ir), tile j {columns} into (jp, jr), interchange (jp, ip, k, ir, jr),
      vectorize jr 16, unroll ir, unroll k 4, stage C at ip as Cr in reg (ir, jr), partition jp, partition ip"""


def packed() -> str:
    """The plan of a large product: panels of both inputs in the order in which the register tile reads them."""
    return """tile i 12 into (ip, ir), tile ip 16 into (ic, ip), tile j 32 into (jp, jr), tile jp 128 into (jc, jp),
      tile k 512 into (kc, k), interchange (jc, kc, ic, jp, ip, k, ir, jr), vectorize jr 16, unroll ir, unroll k 4,
      stage C at ip as Cr in reg (ir, jr), prefetch C at ip, stage B at kc as Bp in heap (jp, k, jr),
      stage A at ic as Ap in heap (ip, k, ir), vectorize Bp.jr 16, unroll Bp.k 4, partition Ap.ip,
      tile Ap.k 16 into (Ap.ko, Ap.kv), interchange (Ap.ko, Ap.kv, Ap.ir), vectorize Ap.ir 16, unroll Ap.kv,
      stage A at Ap.ko as At in reg (ir, kv), unroll At.ir, vectorize At.kv 16, unroll "Ap.ir~",
      unroll "Ap.k~" 1, partition Ap.ko, partition Bp.jp, partition jp, partition ip, unroll "k~" 1"""


def rows(columns: int = 128, steps: int = 16) -> str:
    """The plan of a product of few rows: the second input streams by once."""
    return f"""tile i 1 into (ip, ir), tile j {columns} into (jp, jr), tile k {steps} into (kc, k),
      interchange (kc, jp, ip, k, ir, jr), vectorize jr 16, unroll ir, unroll k, stage C at ip as Cr in reg (ir, jr),
      partition kc, partition jp, partition ip"""


def chain(n: int, *, streaming: bool) -> Kernel:
    """Y = X * A + B."""
    t = memref((n,))
    body = nest(
        [("i", n)],
        f"""%x = loop.load %X[%i] : {t}
        %a = loop.load %A[%i] : {t}
        %b = loop.load %B[%i] : {t}
        %m = arith.mulf %x, %a : f32
        %y = arith.addf %m, %b : f32
        loop.store %y, %Y[%i] : {t}""",
    )
    schedule = "tile i 32 into (io, iv), vectorize iv 16, partition io" + (", nontemporal Y" if streaming else "")

    def run(x: Array, a: Array, b: Array, y: Array) -> None:
        np.multiply(x, a, out=y)
        np.add(y, b, out=y)

    arguments = tuple((name, (n,)) for name in "XABY")
    return Kernel(f"x*a+b {n}{' streaming' if streaming else ''}", arguments, body, schedule, run, bytes=16 * n)


def row_sums(m: int, n: int) -> Kernel:
    """S = the sums of the rows of X."""
    body = nest(
        [("i", m), ("j", n)],
        f"""%x = loop.load %X[%i, %j] : {memref((m, n))}
        loop.reduce add %x into %S[%i] over (%j) : {memref((m,))}""",
    )
    schedule = "tile j 64 into (jo, jv), vectorize jv 16, rfactor S as Sp over jo parts jv, partition jo"
    run = lambda x, s: np.sum(x, axis=1, out=s)  # noqa: E731
    return Kernel(f"row sums {m}x{n}", (("X", (m, n)), ("S", (m,))), body, schedule, run, bytes=4 * m * n)


def convolution(size: int, channels: int) -> Kernel:
    """Y[h, w, o] = the sum of X[h + r, w + s, c] * F[r, s, c, o], on an input with room around it."""
    x, f, y = (size + 2, size + 2, channels), (3, 3, channels, channels), (size, size, channels)
    body = nest(
        [("h", size), ("w", size), ("o", channels), ("r", 3), ("s", 3), ("c", channels)],
        f"""%x = loop.load %X[%h + %r, %w + %s, %c] : {memref(x)}
        %f = loop.load %F[%r, %s, %c, %o] : {memref(f)}
        %p = arith.mulf %x, %f : f32
        loop.reduce add %p into %Y[%h, %w, %o] over (%r, %s, %c) : {memref(y)}""",
    )
    schedule = """tile w 14 into (wp, wr), tile o 32 into (op, or), interchange (op, h, wp, r, s, c, wr, or),
      vectorize or 16, unroll wr, stage Y at wp as Yr in reg, partition wp"""

    def run(x: Array, f: Array, y: Array) -> None:
        y[...] = 0
        for r in range(3):
            for s in range(3):
                y += x[r : r + size, s : s + size] @ f[r, s]

    flops = 2 * 9 * size * size * channels * channels
    return Kernel(f"3x3 convolution {size} {channels}", (("X", x), ("F", f), ("Y", y)), body, schedule, run, flops)


def peak() -> Kernel:
    """As many fused multiply-adds as a core can do: 24 independent sums of vectors in registers."""
    steps, sums = 4096, 24
    tile = memref((sums, 16))
    body = f"""%zero = arith.constant 0.0 : f32
      %t = loop.alloc reg "t" : {tile}
      loop.for "f" %f to {sums} unroll {{ loop.for "g" %g to 16 vector(16) {{
        loop.store %zero, %t[%f, %g] : {tile} }} }}
      loop.for "n" %n to {steps} {{ loop.for "i" %i to {sums} unroll {{ loop.for "l" %l to 16 vector(16) {{
        %x = loop.load %X[%l] : {memref((16,))}
        %p = arith.mulf %x, %x : f32
        loop.reduce add %p into %t[%i, %l] : {tile} }} }} }}
      loop.for "o" %o to {sums} unroll {{ loop.for "q" %q to 16 vector(16) {{
        %v = loop.load %t[%o, %q] : {tile}
        loop.store %v, %Y[%o, %q] : {tile} }} }}"""

    def run(x: Array, y: Array) -> None:
        y[...] = steps * x * x

    flops = 2 * 16 * sums * steps
    return Kernel("fma peak", (("X", (16,)), ("Y", (sums, 16))), body, "unroll i", run, flops)


KERNELS = (
    product(64, 64, 64, direct(8), "direct"),
    product(256, 256, 256, direct(), "direct"),
    product(512, 512, 512, direct(), "direct"),
    product(1024, 1024, 1024, packed(), "packed"),
    product(1000, 777, 333, packed(), "packed"),
    product(17, 31, 13, direct(), "direct"),
    product(1, 4096, 4096, rows(), "by rows"),
    convolution(56, 64),
    chain(10_000, streaming=False),
    chain(10_000_000, streaming=True),
    row_sums(4096, 4096),
)


class Stages(dict[str, float]):
    """How long each stage of compiling took, in milliseconds."""

    def timed(self, name: str, work: Callable[[], object]) -> object:
        """Do something, and note how long it took."""
        start = time.perf_counter()
        result = work()
        self[name] = (time.perf_counter() - start) * 1e3
        return result


def compiled(kernel: Kernel, stages: Stages) -> tuple[Callable[..., object], list[tuple[int, ...]]]:
    """The machine code of a kernel, and the shapes of the buffers that it takes besides its arguments."""
    module: ModuleOp = weft.parse(kernel.text())
    stages.timed("schedule", lambda: run_pipeline(module, "builtin.module(apply-schedule)"))
    run_pipeline(module, "builtin.module(hoist-buffers)")
    function = next(op for op in module.body.block.ops if isinstance(op, FuncOp))
    types = function.function_type.inputs.data[len(kernel.arguments) :]
    extra = [type_.get_shape() for type_ in types if isinstance(type_, MemRefType)]
    stages.timed("lower", lambda: run_pipeline(module, "builtin.module(convert-loop-to-llvm)"))
    stages["ops"] = sum(1 for _ in module.walk())
    ir = str(stages.timed("print", lambda: to_llvm_ir(module)))
    code = stages.timed("code", lambda: to_object(ir))
    assert isinstance(code, bytes)
    library = Library(code, ["k"], lambda name: runtime_symbol(name, 1))
    call = ctypes.CFUNCTYPE(None)(library.address("k"))
    call.library = library  # the code lives as long as its library
    return call, extra


def aligned(shape: tuple[int, ...]) -> Array:
    """An array of f32 that starts at a multiple of 64 bytes, with room for a vector behind it."""
    count = int(np.prod(shape))
    memory = np.zeros(4 * count + 128, np.uint8)
    start = -memory.ctypes.data % 64
    return memory[start : start + 4 * count].view(np.float32).reshape(shape)


def times(runs: Sequence[Callable[[], object]], seconds: float) -> list[list[float]]:
    """The times of each, taken in turns."""
    taken: list[list[float]] = [[] for _ in runs]
    for run in runs:
        run()
    end = time.perf_counter() + seconds * len(runs)
    while time.perf_counter() < end or len(taken[0]) < 5:
        for list_, run in zip(taken, runs, strict=True):
            start = time.perf_counter()
            run()
            list_.append(time.perf_counter() - start)
    return taken


def ready(kernel: Kernel, stages: Stages) -> tuple[Callable[[], object], Callable[[], object]]:
    """The kernel and NumPy's way on the same arrays, once they agree."""
    compiled(kernel, Stages())  # imports and LLVM's start are not compile time
    call, extra = compiled(kernel, stages)
    numbers = np.random.default_rng(0)
    arrays = [aligned(shape) for _, shape in kernel.arguments]
    for array in arrays:
        array[...] = numbers.random(array.shape, np.float32) - 0.5
    extras = [aligned(shape) for shape in extra]
    pointers = [ctypes.c_void_p(array.ctypes.data) for array in (*arrays, *extras)]
    kernel.numpy(*arrays)
    wanted = arrays[-1].copy()
    arrays[-1].fill(np.nan)
    call(*pointers)
    assert np.allclose(arrays[-1], wanted, rtol=1e-3, atol=1e-3), f"{kernel.name} is wrong"
    return (lambda: (extras, call(*pointers))), (lambda: kernel.numpy(*arrays))


def measure(kernel: Kernel, seconds: float) -> str:
    """One line of the table."""
    stages = Stages()
    ceiling = peak()
    ours, theirs = ready(kernel, stages)
    limit, _ = ready(ceiling, Stages())
    run, numpy, fastest = times([ours, theirs, limit], seconds)
    here = median(run)
    if kernel.flops:
        rate = kernel.flops / here / 1e9
        share = rate / (ceiling.flops / median(fastest) / 1e9)
        work = f"{rate:7.1f} GFLOP/s {share:6.1%}"
    else:
        work = f"{kernel.bytes / here / 1e9:7.1f} GB/s          "
    made = "  ".join(f"{name} {value:.1f}" if name != "ops" else f"ops {value:.0f}" for name, value in stages.items())
    return (
        f"{kernel.name:34}{here * 1e6:10.1f} us (best {min(run) * 1e6:9.1f}){work:>26}"
        f"   numpy {median(numpy) / here:5.2f}x   {made}"
    )


def main() -> None:
    """Measure the kernels that the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--only", default="", help="kernels whose name holds this text")
    parser.add_argument("--seconds", type=float, default=0.5, help="how long to run each")
    options = parser.parse_args()
    for kernel in KERNELS:
        if options.only in kernel.name:
            print(measure(kernel, options.seconds), flush=True)


if __name__ == "__main__":
    main()
