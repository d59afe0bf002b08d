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

KERNELS = ("decompose", "join-contractions", "outline-kernels", "cse")
"""Stop 3: kernels."""

BUFFERS = ("bufferize", "convert-ml-to-loop", "raise-to-loop")
"""Stop 4: buffers and loops."""

SCHEDULED = (
    "expand-narrow-floats",
    "expand-math",
    "collapse-loops",
    "choose-schedule",
    "apply-schedule",
    "hoist-buffers",
    "plan-memory",
)
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

GPU_SCHEDULED = (
    "expand-narrow-floats",
    "expand-math",
    "collapse-loops",
    "expand-lone-rows",
    "choose-gpu-schedule",
    "apply-schedule",
    "hoist-buffers",
    "plan-memory",
)
"""Stop 5 of the GPU road: loops marked for blocks and threads, memory planned."""

OUTLINED = ("gpu-kernel-outlining",)
"""The first stop of the GPU road: launches that a user wrote have kernels, which the passes on loops leave alone."""

GPU = ("convert-loop-to-gpu",)
"""Stop 6 of the GPU road: kernels are functions of the device, and host code launches them."""

NVVM = ("convert-linalg-to-loops", "lower-affine", "expand-narrow-floats", "convert-scf-to-cf", "convert-gpu-to-nvvm")
"""Stop 7 of the GPU road: kernels in the dialects llvm and nvvm."""

GPU_TARGET = ("convert-to-llvm",)
"""Stop 8 of the GPU road: host code in the llvm dialect."""

GPU_STOPS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("outlined", OUTLINED),
    STOPS[0],
    ("kernels", ("expand-long-scans", *KERNELS)),
    STOPS[2],
    ("scheduled", GPU_SCHEDULED),
    ("gpu", GPU),
    ("nvvm", NVVM),
    ("target", GPU_TARGET),
)
"""The stops of the GPU road after the text, and the passes that lead to each."""

CUDA = f"builtin.module({','.join(name for _, passes in GPU_STOPS for name in passes)})"
"""From any stop of the GPU road to host code in the llvm dialect, and kernels in llvm and nvvm."""

PLAIN = (
    "builtin.module(differentiate,convert-to-ml,expand-complex,decompose,outline-kernels,bufferize,"
    "convert-ml-to-loop,expand-narrow-floats,expand-math,hoist-buffers,"
    f"{','.join(TARGET)})"
)
"""From any stop of the road to the llvm dialect by what is needed only: nothing is simplified, fused or scheduled."""
