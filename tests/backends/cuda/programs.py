"""Host code at stop 8 that launches a kernel `double`, which is a Python function here."""

import ctypes

import numpy as np

from tests.fake_cuda import array
from weft.backends.signature import Signature, ValueSpec

KERNELS = """
gpu.module @kernels {
  llvm.func @double(%x: !llvm.ptr<1>, %y: !llvm.ptr<1>, %n: i64) attributes {gpu.kernel, nvvm.kernel} {
    llvm.return
  }
}
"""

LAUNCH = """
  gpu.launch_func @kernels::@double blocks in (%c1, %c1, %c1) threads in ({threads}, %c1, %c1)
      args({x} : memref<4xf32>, {y} : memref<4xf32>, %n : i64)
"""

CONSTANTS = """
  %c1 = arith.constant 1 : index
  %c4 = arith.constant 4 : index
  %n = arith.constant 4 : i64
"""


def launch(x, y, threads="%c4"):
    return LAUNCH.format(x=x, y=y, threads=threads)


def program(body, arguments="%x: memref<4xf32>, %y: memref<4xf32>", results="", globals_=""):
    host = f"func.func @main({arguments}){results} {{\n{CONSTANTS}\n{body}\n}}"
    return f"module attributes {{gpu.container_module}} {{\n{globals_}\n{host}\n{KERNELS}\n}}\n"


def doubled(launched):
    """y = 2 * x, of n elements."""
    n = launched.value(2, ctypes.c_int64)
    x, y = (array(launched.value(k, ctypes.c_uint64), (n,), ctypes.c_float) for k in (0, 1))
    y[:] = [2 * value for value in x]


def tensors(arguments=1, results=1, shape=(4,)):
    """The signature of a function from tensors to tensors, whose code takes buffers."""
    given = tuple(ValueSpec(f"x{n}", "tensor", "f32", shape) for n in range(arguments))
    return Signature("main", given, tuple(ValueSpec(f"result{n}", "tensor", "f32", shape) for n in range(results)))


ONE = program(launch("%x", "%y") + "  func.return")

TWICE = program(
    f"""
  %t = memref.alloc() : memref<4xf32>
  {launch("%x", "%t")}
  {launch("%t", "%y")}
  memref.dealloc %t : memref<4xf32>
  func.return
"""
)

CHAIN = program(
    f"""
  %t = memref.alloc() : memref<4xf32>
  %u = memref.alloc() : memref<4xf32>
  {launch("%x", "%t")}
  {launch("%t", "%u")}
  {launch("%u", "%t")}
  {launch("%t", "%u")}
  {launch("%u", "%y")}
  memref.dealloc %t : memref<4xf32>
  memref.dealloc %u : memref<4xf32>
  func.return
"""
)

SUM = program(
    f"""
  %t = memref.alloc() : memref<4xf32>
  {launch("%x", "%t")}
  {launch("%z", "%t")}
  {launch("%t", "%t")}
  {launch("%t", "%t")}
  {launch("%t", "%y")}
  memref.dealloc %t : memref<4xf32>
  func.return
""",
    "%x: memref<4xf32>, %z: memref<4xf32>, %y: memref<4xf32>",
)

X = np.arange(4, dtype=np.float32)
