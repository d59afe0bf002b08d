"""Kernels from text to PTX, and PTX to machine code by ptxas."""

import shutil
import subprocess
import sys

from xdsl.dialects import llvm

from weft.backends.llvm.functions import FunctionText
from weft.backends.llvm.instructions import LINES
from weft.backends.llvm.text_types import type_text
from weft.backends.llvm.translate import _global
from weft.dialects import gpu, nvvm
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


def _nvvm_line(op, names):
    code = op.INSTRUCTION.code
    if callable(code):
        code = code(op)
        name, arguments = code.text, code.arguments
    else:
        name, _, rest = code.partition("(")
        arguments = [rest.removesuffix(")")] if rest else list(op.operands)
    given = [a if isinstance(a, str) else f"{type_text(a.type)} {names.name(a)}" for a in arguments]
    result = type_text(op.results[0].type) if op.results else "void"
    types = ", ".join(g.split(" ")[0] for g in given)
    names.declare(name, f"{result} @({types})")
    return f"call {result} @{name}({', '.join(given)})"


for kind in nvvm.OPS.values():
    LINES[kind] = _nvvm_line


def kernel_ir(module):
    declarations, out = {}, []
    for op in module.walk():
        if isinstance(op, llvm.FuncOp):
            lines = FunctionText(op, declarations.setdefault).lines()
            if "gpu.kernel" in op.attributes:
                lines[0] = lines[0].replace("define void", "define ptx_kernel void")
            out += lines
        elif isinstance(op, llvm.GlobalOp):
            out.append(_global(op, None))
    out += [f"declare {type_.replace('@', '@' + name, 1)}" for name, type_ in declarations.items()]
    return "\n".join(out)


_CHILD = """
import sys
import llvmlite.binding as binding
binding.initialize_all_targets()
binding.initialize_all_asmprinters()
target = binding.Target.from_triple("nvptx64-nvidia-cuda")
machine = target.create_target_machine(cpu=sys.argv[1], features=sys.argv[2], opt=3)
module = binding.parse_assembly('target triple = "nvptx64-nvidia-cuda"\\n' + sys.stdin.read())
module.verify()
sys.stdout.write(machine.emit_assembly(module))
"""
"""A program that makes PTX of LLVM IR: LLVM ends the process on what a GPU has no instruction for."""


def assembled(text):
    """The PTX of a text with one `gpu.module`, which ptxas took, if there is one. LLVM has a process of its own."""
    module = lower(text)
    target = next(op for op in module.walk() if isinstance(op, gpu.ModuleOp)).targets.data[0].data
    made = subprocess.run(
        [sys.executable, "-c", _CHILD, target.chip, target.features],
        input=kernel_ir(module),
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stderr[-2000:]
    if shutil.which("ptxas"):
        taken = subprocess.run(
            ["ptxas", f"-arch={target.chip}", "-O0", "-o", "/dev/null", "-"],
            input=made.stdout,
            capture_output=True,
            text=True,
            check=False,
        )
        assert taken.returncode == 0, taken.stderr[-2000:]
    return made.stdout
