"""What is measured on: the facts about the machine, and the environment that peers read when they are imported."""

from __future__ import annotations

import os
import platform
import re
from pathlib import Path


def pin(threads: int) -> None:
    """Keep this process to some cores, and every library that comes to as many threads. Call it before any import.

    `OPENBLAS_CORETYPE` and `OPENBLAS_L2_SIZE` go together: without them NumPy's OpenBLAS finds out by itself what
    the machine is, which is what it does for everybody else.
    """
    for name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):
        os.environ.pop(name, None)
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
        os.environ[name] = str(threads)
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])


def cores() -> int:
    """How many cores this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def facts() -> dict[str, str]:
    """The machine, and the versions of what is measured, as text."""
    from weft.driver.host import host_cpu

    cpu = host_cpu(cores())
    features = _cpuinfo("flags").split()
    return {
        "CPU": _cpuinfo("model name") or platform.processor() or platform.machine(),
        "family, model": f"{_cpuinfo('cpu family')}, {_cpuinfo('model')}",
        "cores that may be used": str(cores()),
        "vectors": f"{cpu.vector_bytes} bytes, {cpu.vector_registers} registers"
        + (", bf16" if "avx512_bf16" in features else "")
        + (", VNNI" if "avx512_vnni" in features else ""),
        "caches": f"L1 {cpu.l1_bytes >> 10} KiB, L2 {cpu.l2_bytes >> 10} KiB, L3 {cpu.l3_bytes >> 10} KiB",
        "system": f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
    }


def _cpuinfo(name: str) -> str:
    """A line of /proc/cpuinfo."""
    path = Path("/proc/cpuinfo")
    if not path.exists():
        return ""
    found = re.search(rf"^{name}\s*: (.*)$", path.read_text(), re.MULTILINE)
    return found.group(1) if found else ""


_PEAK = """
func.func @main(%X: memref<16xf32>, %Y: memref<24x16xf32>) {
  func.call @peak(%X, %Y) : (memref<16xf32>, memref<24x16xf32>) -> ()
  func.return
}
func.func private @peak(%X: memref<16xf32> {loop.name = "X", loop.align = 64 : i64},
                        %Y: memref<24x16xf32> {loop.name = "Y", loop.align = 64 : i64})
    attributes {loop.kernel, loop.schedule = #loop.schedule<unroll i>} {
  %zero = arith.constant 0.0 : f32
  %t = loop.alloc reg "t" : memref<24x16xf32>
  loop.for "f" %f to 24 unroll { loop.for "g" %g to 16 vector(16) {
    loop.store %zero, %t[%f, %g] : memref<24x16xf32> } }
  loop.for "n" %n to 65536 { loop.for "i" %i to 24 unroll { loop.for "l" %l to 16 vector(16) {
    %x = loop.load %X[%l] : memref<16xf32>
    %p = arith.mulf %x, %x : f32
    loop.reduce add %p into %t[%i, %l] : memref<24x16xf32> } } }
  loop.for "o" %o to 24 unroll { loop.for "q" %q to 16 vector(16) {
    %v = loop.load %t[%o, %q] : memref<24x16xf32>
    loop.store %v, %Y[%o, %q] : memref<24x16xf32> } }
  func.return
}
"""


def peak_flops() -> float:
    """Floating-point operations a second of one core: 24 independent sums of vectors, fused multiply-adds."""
    import timeit

    from measure import aligned

    import weft

    run = weft.compile(_PEAK, threads=1)
    x, y = aligned((16,)), aligned((24, 16))
    seconds = min(timeit.repeat(lambda: run(x, y), number=1, repeat=9))
    return 2 * 24 * 16 * 65536 / seconds


def last_cache() -> int:
    """The bytes of the last cache."""
    from weft.driver.host import host_cpu

    return host_cpu(1).l3_bytes


def bandwidth(threads: int) -> float:
    """Bytes a second between memory and some threads, when the sum of two arrays that fit into no cache is written."""
    import timeit

    from measure import aligned

    import weft

    type_ = f"tensor<{1 << 25}xf32>"
    given = f"(%a: {type_}, %b: {type_}) -> {type_}"
    program = f"func.func @main{given} {{\n  %r = ml.add %a, %b : {type_}\n  func.return %r : {type_}\n}}\n"
    run = weft.compile(program, threads=threads)
    a, b, out = (aligned((1 << 25,)) for _ in range(3))
    for array in (a, b, out):
        array.fill(1)
    return 3 * a.nbytes / min(timeit.repeat(lambda: run(a, b, out=out), number=1, repeat=7))
