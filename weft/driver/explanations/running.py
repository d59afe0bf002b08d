"""E07: programs that run, and what they are given."""

from __future__ import annotations

from weft import codes
from weft.driver.explanations.base import Example, Explanation

_ABS = """func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = ml.abs %x : tensor<4xf32>
  func.return %0 : tensor<4xf32>
}
"""
_TWO = "func.func @first() {\n  func.return\n}\nfunc.func @second() {\n  func.return\n}\n"
_TAKE = """func.func @main(%m: tensor<4xf32>, %i: index) -> f32 {
  %0 = tensor.extract %m[%i] : tensor<4xf32>
  func.return %0 : f32
}
"""
_SAME = """func.func @main(%x: tensor<?xf32>, %y: tensor<?xf32>) -> tensor<?xf32> {
  %0 = ml.add %x, %y : tensor<?xf32>
  func.return %0 : tensor<?xf32>
}
"""
_PYTHON = '''import numpy as np
import weft

f = weft.compile("""
func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = ml.abs %x : tensor<4xf32>
  func.return %0 : tensor<4xf32>
}
""")
f(np.ones(4, np.float32), out=np.empty(SIZE, np.float32))
'''


def _huge(size: int) -> str:
    type_ = f"tensor<{size}xf32>"
    return f"func.func @main() -> {type_} {{\n  %0 = ml.iota dim = 0 : {type_}\n  func.return %0 : {type_}\n}}\n"


_SIMULATED = '''import numpy as np
import weft
from weft.backends import sim

module = weft.parse("""
gpu.module @kernels {
  llvm.func @fill(%y: !llvm.ptr<1>) attributes {gpu.kernel, nvvm.kernel} {
    %t = nvvm.read.ptx.sreg.tid.x : i32
    nvvm.barrier0
    %p = llvm.getelementptr %y[%t] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, i32
    llvm.store %t, %p : i32, !llvm.ptr<1>
    llvm.return
  }
}
""")
y = np.zeros(2048, np.int32)
sim.CALL
'''
_WAITING = _SIMULATED.replace(
    "    nvvm.barrier0\n",
    """    %last = llvm.mlir.constant(31 : i32) : i32
    %others = llvm.icmp "ult" %t, %last : i32
    llvm.cond_br %others, ^wait, ^end
  ^wait:
    %all = llvm.mlir.constant(-1 : i32) : i32
    nvvm.bar.warp.sync %all : i32
    llvm.br ^end
  ^end:
    nvvm.barrier0
""",
)


def _launched(text: str, call: str) -> str:
    return text.replace("CALL", call)


EXPLANATIONS = (
    Explanation(
        codes.NO_ENTRY,
        "What runs is the function that --entry (or `entry=`) names, else `@main`, else the only public function "
        "with a body.",
        Example(_TWO, "weft run FILE"),
        Example(_TWO, "weft run FILE --entry second"),
    ),
    Explanation(
        codes.WRONG_ARGUMENTS,
        "A function takes a value for each of its arguments, in order or by name. On the command line each is an "
        "`--input NAME=SPEC`; a program may carry examples of its inputs (`weft.input`).",
        Example(_ABS, "weft run FILE"),
        Example(_ABS, "weft run FILE --input x=4xf32=-1"),
    ),
    Explanation(
        codes.WRONG_ARGUMENT,
        "An array has exactly the element type and the shape that the function declares; `?` takes every size. "
        "Nothing is converted implicitly, as a conversion would copy: `array.astype(...)` says it.",
        Example(_ABS, "weft run FILE --input x=5xf32=1"),
        Example(_ABS, "weft run FILE --input x=4xf32=1"),
    ),
    Explanation(
        codes.WRONG_OUT,
        "`out=` takes an array for each result, of its element type and shape, writable, contiguous, and apart "
        "from the arguments.",
        Example(_PYTHON.replace("SIZE", "5"), "python FILE"),
        Example(_PYTHON.replace("SIZE", "4"), "python FILE"),
    ),
    Explanation(
        codes.CHECK_FAILED,
        "Something that only the run knows is not as the program needs it: sizes that must be equal are not, an "
        "assertion of the program (`cf.assert`) does not hold, a step of a loop is not positive. The place is the "
        "op that needs it.",
        Example(_SAME, "weft run FILE --input x=3xf32=1 --input y=4xf32=1"),
        Example(_SAME, "weft run FILE --input x=3xf32=1 --input y=3xf32=1"),
    ),
    Explanation(
        codes.BAD_INPUT,
        "An input is a file (`a.npy`, `b.npz`, `b.npz:key`), a filled array (`4x8xf32=0.5`, `4x8xf32=random:7`) "
        "or a number (`i64=3`).",
        Example(_ABS, "weft run FILE --input x=4xf32"),
        Example(_ABS, "weft run FILE --input x=4xf32=0.5"),
    ),
    Explanation(
        codes.UNKNOWN_TARGET,
        "A program is compiled for `cpu`, for `cuda` (the NVIDIA GPU of this machine) or for `gpu-sim` (the same code, "
        "simulated), or run by `reference`: NumPy, op by op, which is slow and says what is "
        "right. `weft compile` takes other CPUs of Linux too: `cpu:x86-64-v3`, `cpu:aarch64`, `cpu:riscv64,+v`.",
        Example(_ABS, "weft run FILE --target refrence --input x=4xf32=1"),
        Example(_ABS, "weft run FILE --target reference --input x=4xf32=1"),
    ),
    Explanation(
        codes.OUT_OF_BOUNDS,
        "The reference, which checks every access, met an index or a size that is not in the bounds of a tensor "
        "or a buffer. Compiled code does not check ops of memref and tensor, as MLIR's does not: there the same "
        "program is undefined.",
        Example(_TAKE, "weft run FILE --target reference --input m=4xf32=1 --input i=4"),
        Example(_TAKE, "weft run FILE --target reference --input m=4xf32=1 --input i=3"),
    ),
    Explanation(
        codes.OUT_OF_MEMORY,
        "The machine has not as much memory as the arrays of the program need.",
        Example(_huge(4_000_000_000_000), "weft run FILE"),
        Example(_huge(4), "weft run FILE"),
    ),
    Explanation(
        codes.NO_DEVICE,
        "The target `cuda` runs on an NVIDIA GPU of this machine, by its driver (of CUDA 12.0 or newer) and the Python "
        "package cuda-bindings (`pip install 'weft[cuda]'`). Without a GPU, `--target gpu-sim` runs the same code "
        "on the CPU, and `weft compile` makes PTX of it.",
    ),
    Explanation(
        codes.DEVICE_FAILED,
        "The driver reports an error: the message says which, and which call and kernel it was. A fault of a kernel "
        "(an address that is not its own, a failed assertion) comes to light when the program next waits for the GPU; "
        "where several launches may be to blame they are listed, and CUDA_LAUNCH_BLOCKING=1 finds the one. After such "
        "a fault the process can use the GPU no more. `--target gpu-sim` runs the same code on the CPU.",
    ),
    Explanation(
        codes.BAD_LAUNCH,
        "A GPU has limits: the threads of a block (1,024, and fewer where a kernel needs many registers), the blocks "
        "of a grid along y and z (65,535), the shared memory of a block. The message says which one the launch breaks, "
        "and by what.",
        Example(_launched(_SIMULATED, 'launch(module, "fill", [1], [2048], [y])'), "python FILE"),
        Example(_launched(_SIMULATED, 'launch(module, "fill", [2], [1024], [y])'), "python FILE"),
    ),
    Explanation(
        codes.DEADLOCK,
        "Threads wait for others that do not come: the lanes of a mask must all come to what they do together. On a "
        "device the kernel hangs, or goes on with garbage.",
        Example(_launched(_WAITING, 'launch(module, "fill", [1], [32], [y])'), "python FILE"),
        Example(
            _launched(_WAITING.replace("(-1 :", "(0x7FFFFFFF :"), 'launch(module, "fill", [1], [32], [y])'),
            "python FILE",
        ),
    ),
    Explanation(
        codes.GPU_FINDING,
        "The checker of the GPU simulator watches every access of memory and every barrier: data races, accesses out "
        "of bounds or misaligned, reads of shared memory that nobody wrote, barriers in divergent flow.",
        Example(_launched(_SIMULATED, 'check(module, "fill", [1], [64], [y[:32]])'), "python FILE"),
        Example(_launched(_SIMULATED, 'check(module, "fill", [1], [64], [y])'), "python FILE"),
    ),
)
