"""Kernels from text to stop 7, to PTX, and PTX to machine code by ptxas."""

import shutil
import subprocess

from weft.backends.cuda.ptx import target_of, to_ptx
from weft.dialects import gpu
from weft.driver.reading import read_module
from weft.registry import context, find_pass

PASSES = ("lower-affine", "expand-narrow-floats", "convert-scf-to-cf", "convert-gpu-to-nvvm")


def lower(text, passes=PASSES):
    """The module of a text at stop 7."""
    ctx = context()
    module = read_module(text, ctx, "kernels.mlir")
    for name in passes:
        find_pass(name)().apply(ctx, module)
        module.verify()
    return module


def assembled(text):
    """The PTX of a text with one `gpu.module`, which ptxas took, if there is one."""
    module = next(op for op in lower(text).walk() if isinstance(op, gpu.ModuleOp))
    ptx = to_ptx(module)
    if shutil.which("ptxas"):
        command = ["ptxas", f"-arch={target_of(module).chip}", "-O0", "-o", "/dev/null", "-"]
        taken = subprocess.run(command, input=ptx, capture_output=True, text=True, check=False)
        assert taken.returncode == 0, taken.stderr[-2000:]
    return ptx
