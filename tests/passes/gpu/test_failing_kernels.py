"""Kernels that fail, print, or are given shared memory by their launch: whole programs in the simulator."""

import numpy as np
import pytest

import weft

ASSERT = """
func.func @main(%x: memref<?xf32>, %limit: index) {
  %c1 = arith.constant 1 : index
  %c64 = arith.constant 64 : index
  gpu.launch_func @kernels::@halve blocks in (%c1, %c1, %c1) threads in (%c64, %c1, %c1)
    args(%x : memref<?xf32>, %limit : index)
  func.return
}
gpu.module @kernels {
  func.func private @check(%i: index, %limit: index) {
    %in = arith.cmpi ult, %i, %limit : index
    cf.assert %in, "a thread is beyond the limit"
    func.return
  }
  gpu.func @halve(%x: memref<?xf32>, %limit: index) kernel {
    %half = arith.constant 0.5 : f32
    %i = gpu.thread_id x
    func.call @check(%i, %limit) : (index, index) -> ()
    gpu.barrier
    %0 = memref.load %x[%i] : memref<?xf32>
    %1 = arith.mulf %0, %half : f32
    memref.store %1, %x[%i] : memref<?xf32>
    gpu.return
  }
}
"""


def test_an_assertion_that_fails_in_a_kernel_fails_the_call_with_its_line():
    main = weft.compile(ASSERT, "gpu-sim")
    x = np.ones(64, "f4")
    main(x, 64)
    np.testing.assert_array_equal(x, np.full(64, 0.5, "f4"))
    with pytest.raises(weft.WeftError, match="a thread is beyond the limit") as error:
        main(x, 40)
    assert error.value.where.line == 12


SPACE = "#gpu.address_space<workgroup>"
SHARED = f"""
func.func @main(%x: memref<32xi32>) {{
  %c1 = arith.constant 1 : index
  %c32 = arith.constant 32 : index
  %bytes = arith.constant 256 : i32
  gpu.launch_func @kernels::@reverse blocks in (%c1, %c1, %c1) threads in (%c32, %c1, %c1)
    dynamic_shared_memory_size %bytes args(%x : memref<32xi32>)
  func.return
}}
gpu.module @kernels {{
  gpu.func @reverse(%x: memref<32xi32>) kernel {{
    %c0 = arith.constant 0 : index
    %c128 = arith.constant 128 : index
    %c31 = arith.constant 31 : index
    %i = gpu.thread_id x
    %m = gpu.dynamic_shared_memory : memref<?xi8, {SPACE}>
    %v = memref.view %m[%c128][] : memref<?xi8, {SPACE}> to memref<32xi32, {SPACE}>
    %0 = memref.load %x[%i] : memref<32xi32>
    memref.store %0, %v[%i] : memref<32xi32, {SPACE}>
    gpu.barrier
    %j = arith.subi %c31, %i : index
    %1 = memref.load %v[%j] : memref<32xi32, {SPACE}>
    %n = memref.dim %m, %c0 : memref<?xi8, {SPACE}>
    %k = arith.index_cast %n : index to i32
    %2 = arith.addi %1, %k : i32
    memref.store %2, %x[%i] : memref<32xi32>
    gpu.return
  }}
}}
"""


def test_a_launch_gives_a_block_shared_memory():
    x = np.arange(32, dtype="i4")
    weft.compile(SHARED, "gpu-sim")(x)
    np.testing.assert_array_equal(x, 256 + np.arange(32)[::-1])


PRINT = """
func.func @main() {
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  gpu.launch blocks(%bx, %by, %bz) in (%gx = %c1, %gy = %c1, %gz = %c1)
             threads(%i, %ty, %tz) in (%sx = %c2, %sy = %c1, %sz = %c1) {
    %f = arith.constant 1.5 : f32
    %n = arith.constant -3 : i8
    gpu.printf "thread %d: %.2f, %d, %u%%\\n" %i, %f, %n, %n : index, f32, i8, i8
    gpu.terminator
  }
  func.return
}
"""


def test_threads_print(capfd):
    weft.compile(PRINT, "gpu-sim")()
    assert sorted(capfd.readouterr().out.splitlines()) == ["thread 0: 1.50, -3, 253%", "thread 1: 1.50, -3, 253%"]
