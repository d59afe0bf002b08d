"""What GPU there is, and what is installed beside weft; a vector add shows that programs run.

python benchmarks/gpu_facts.py
"""

from __future__ import annotations

import sys
from importlib import metadata

import numpy as np

import weft
from weft.backends.cuda import target_facts

PACKAGES = (
    "cuda-bindings",
    "numpy",
    "torch",
    "triton",
    "jax",
    "cupy-cuda12x",
    "cupy-cuda13x",
    "numba-cuda",
    "llvmlite",
)

ADD = """
func.func @main(%x: tensor<?xf32>) -> tensor<?xf32> {
  %0 = ml.add %x, %x : tensor<?xf32>
  func.return %0 : tensor<?xf32>
}
"""


def main() -> int:
    """Print it."""
    try:
        print(target_facts(""))
        x = np.arange(1000, dtype=np.float32)
        right = bool((weft.compile(ADD, target="cuda")(x) == 2 * x).all())
    except weft.WeftError as error:
        print(error)
        return 1
    for name in PACKAGES:
        try:
            print(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            print(f"{name} is not installed")
    print(f"vector add is {'right' if right else 'WRONG'}")
    return 0 if right else 1


if __name__ == "__main__":
    sys.exit(main())
