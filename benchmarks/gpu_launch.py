"""What a call from Python costs on a GPU: weft beside torch and CuPy, on arrays that are there.

    python benchmarks/gpu_launch.py

Each number is the time between two calls that do not wait, in microseconds: the median of rounds of 1,000 calls, the
libraries in turns. `weft, 4 kernels` is a function of four launches, replayed as one CUDA graph.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

import weft

ADD = """
func.func @main(%x: tensor<1024xf32>, %y: tensor<1024xf32>) -> tensor<1024xf32> {
  %0 = ml.add %x, %y : tensor<1024xf32>
  func.return %0 : tensor<1024xf32>
}
"""

CHAIN = """
func.func @main(%x: tensor<256x256xf32>, %w: tensor<256x256xf32>) -> tensor<256x256xf32> {
  %0 = ml.softmax %x, axis = 1 : tensor<256x256xf32>
  %1 = ml.matmul %0, %w : (tensor<256x256xf32>, tensor<256x256xf32>) -> tensor<256x256xf32>
  %2 = ml.softmax %1, axis = 1 : tensor<256x256xf32>
  %3 = ml.matmul %2, %w : (tensor<256x256xf32>, tensor<256x256xf32>) -> tensor<256x256xf32>
  func.return %3 : tensor<256x256xf32>
}
"""

_ROUNDS, _CALLS = 15, 1000


def calls() -> dict[str, Callable[[], Any]]:
    """The calls to time, by name; libraries that are not installed are left out."""
    import torch

    add, chain = weft.compile(ADD, target="cuda"), weft.compile(CHAIN, target="cuda")
    x, y, z = (torch.randn(1024, device="cuda") for _ in range(3))
    m, w, out = (torch.randn(256, 256, device="cuda") for _ in range(3))
    found: dict[str, Callable[[], Any]] = {
        "weft, out=": lambda: add(x, y, out=z),
        "weft": lambda: add(x, y),
        "torch, out=": lambda: torch.add(x, y, out=z),
        "torch": lambda: torch.add(x, y),
        "weft, 4 kernels": lambda: chain(m, w, out=out),
        "torch, 4 kernels": lambda: torch.matmul(torch.softmax(torch.softmax(m, 1) @ w, 1), w),
    }
    try:
        import cupy
    except ImportError:
        return found
    a, b, c = (cupy.random.rand(1024, dtype=cupy.float32) for _ in range(3))
    found["CuPy, out="] = lambda: cupy.add(a, b, out=c)
    found["weft on CuPy, out="] = lambda: add(a, b, out=c)
    return found


def main() -> None:
    """Time the calls and print a table."""
    import torch

    found = calls()
    times: dict[str, list[float]] = {name: [] for name in found}
    for call in found.values():
        for _ in range(200):
            call()
    for _ in range(_ROUNDS):
        for name, call in found.items():
            torch.cuda.synchronize()
            start = time.perf_counter()
            for _ in range(_CALLS):
                call()
            times[name].append((time.perf_counter() - start) / _CALLS * 1e6)
    for name, measured in times.items():
        print(f"{name:22} {statistics.median(measured):7.2f} us   least {min(measured):6.2f}")


if __name__ == "__main__":
    main()
