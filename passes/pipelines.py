"""The named pipelines, as text that can be pasted after `--pass-pipeline`."""

from __future__ import annotations

TENSORS = (
    "differentiate",
    "canonicalize",
    "convert-to-ml",
    "expand-complex",
    "infer-shapes",
    "fold",
    "cse",
    "check-shapes",
    "canonicalize",
    "cse",
)
"""Stop 2: clean tensor programs, their declared gradients made, their run-time checks said."""

KERNELS = ("decompose", "outline-kernels", "cse")
"""Stop 3: kernels."""

BUFFERS = ("bufferize", "convert-ml-to-loop", "raise-to-loop")
"""Stop 4: buffers and loops."""

SCHEDULED = ("expand-narrow-floats", "expand-math", "choose-schedule", "apply-schedule", "hoist-buffers", "plan-memory")
"""Stop 5: schedules applied, memory planned."""

TARGET = (
    "convert-loop-to-llvm",
    "convert-linalg-to-loops",
    "lower-affine",
    "expand-narrow-floats",
    "convert-scf-to-cf",
    "convert-to-llvm",
)
"""Stop 6: the llvm dialect."""

STOPS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("tensors", TENSORS),
    ("kernels", KERNELS),
    ("buffers", BUFFERS),
    ("scheduled", SCHEDULED),
    ("target", TARGET),
)
"""The stops of the road after the text, and the passes that lead to each."""

CPU = f"builtin.module({','.join(name for _, passes in STOPS for name in passes)})"
"""From any stop of the road to the llvm dialect."""

PLAIN = (
    "builtin.module(differentiate,convert-to-ml,expand-complex,decompose,outline-kernels,bufferize,"
    "convert-ml-to-loop,expand-narrow-floats,expand-math,hoist-buffers,"
    f"{','.join(TARGET)})"
)
"""From any stop of the road to the llvm dialect by what is needed only: nothing is simplified, fused or scheduled."""
