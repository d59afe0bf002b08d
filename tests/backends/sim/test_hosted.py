"""Programs with host code, their kernels in the simulator."""

from __future__ import annotations

import numpy as np
import pytest

import weft
from weft.backends.sim.options import read_options
from weft.tools.main import main

MATMUL = """
func.func @main(%x: tensor<{m}x{k}xf32>, %w: tensor<{k}x{n}xf32>) -> tensor<{m}x{n}xf32> {{
  %0 = ml.matmul %x, %w : (tensor<{m}x{k}xf32>, tensor<{k}x{n}xf32>) -> tensor<{m}x{n}xf32>
  %1 = ml.relu %0 : tensor<{m}x{n}xf32>
  func.return %1 : tensor<{m}x{n}xf32>
}}
"""


@pytest.mark.parametrize(("m", "k", "n"), [(1, 1, 1), (17, 31, 13), (40, 70, 33), (64, 64, 64)])
def test_a_product(m: int, k: int, n: int):
    """The compiler's own kernels are right, and the checker finds nothing wrong with them."""
    rng = np.random.default_rng(0)
    x, w = (rng.standard_normal(shape).astype(np.float32) for shape in ((m, k), (k, n)))
    function = weft.compile(MATMUL.format(m=m, k=k, n=n), target="gpu-sim:check")
    np.testing.assert_allclose(function(x, w), np.maximum(x @ w, 0), rtol=1e-4, atol=1e-5)
    assert not [report for report in function.call.reports if report.is_error]


def test_run_time_sizes_and_many_launches():
    program = """
    func.func @main(%x: tensor<?x7xf32>) -> (tensor<?xf32>, tensor<7x?xf32>) {
      %0 = ml.reduce add %x, dims = [1] : tensor<?x7xf32> to tensor<?xf32>
      %1 = ml.transpose %x, perm = [1, 0] : tensor<?x7xf32> to tensor<7x?xf32>
      func.return %0, %1 : tensor<?xf32>, tensor<7x?xf32>
    }
    """
    function = weft.compile(program, target="gpu-sim:check")
    for rows in (1, 5, 33):
        x = np.arange(rows * 7, dtype=np.float32).reshape(rows, 7)
        total, turned = function(x)
        np.testing.assert_array_equal(total, x.sum(axis=1))
        np.testing.assert_array_equal(turned, x.T)


BY_HAND = """
func.func @main(%x: memref<64xf32>, %y: memref<64xf32>) {
  %c1 = arith.constant 1 : index
  %threads = arith.constant 64 : index
  gpu.launch_func @kernels::@reverse blocks in (%c1, %c1, %c1) threads in (%threads, %c1, %c1)
    args(%x : memref<64xf32>, %y : memref<64xf32>)
  func.return
}
gpu.module @kernels {
  gpu.func @reverse(%x: memref<64xf32>, %y: memref<64xf32>)
      workgroup(%tile: memref<64xf32, #gpu.address_space<workgroup>>) kernel {
    %t = gpu.thread_id x
    %last = arith.constant 63 : index
    %r = arith.subi %last, %t : index
    %0 = memref.load %x[%t] : memref<64xf32>
    memref.store %0, %tile[%t] : memref<64xf32, #gpu.address_space<workgroup>>
    gpu.barrier
    %1 = memref.load %tile[%r] : memref<64xf32, #gpu.address_space<workgroup>>
    memref.store %1, %y[%t] : memref<64xf32>
    gpu.return
  }
}
"""


def test_a_race_on_the_command_line(tmp_path, capsys):
    """It is an error, and the exit code is 1; the same kernel with its barrier is fine."""
    file = tmp_path / "reverse.mlir"
    words = ["run", str(file), "--input", "x=64xf32=1", "--input", "y=64xf32=0", "--check-gpu"]
    file.write_text(BY_HAND.replace("gpu.barrier", "// gpu.barrier"))
    assert main(words) == 1
    said = capsys.readouterr().err
    assert "reverse.mlir:16:5: error: data race: thread 32 of block 0 writes byte 128 of @reverse_shared_0" in said
    assert "    memref.store %0, %tile[%t] : memref<64xf32, #gpu.address_space<workgroup>>\n    ^\n" in said
    assert "reverse.mlir:18:5: error: thread 0 of block 0 reads byte 252" in said
    file.write_text(BY_HAND)
    assert main(words) == 0


def test_too_many_threads_are_refused_at_the_launch():
    x, y = np.zeros(64, np.float32), np.zeros(64, np.float32)
    function = weft.compile(BY_HAND.replace("64 : index", "1025 : index"), target="gpu-sim")
    with pytest.raises(weft.WeftError, match=r"<string>:5:3: .*1025 threads in a block, the device allows 1024"):
        function(x, y)


def test_memory_that_is_given_back_is_no_longer_there():
    """A kernel's view of an array ends with the call: the next call's arrays may lie elsewhere in the same memory."""
    function = weft.compile(BY_HAND, target="gpu-sim:check")
    for _ in range(3):
        both = np.arange(128, dtype=np.float32)
        function(both[:64], both[64:])
        np.testing.assert_array_equal(both[64:], both[63::-1])


def test_printing(capsys):
    program = """
    func.func @main() {
      %c1 = arith.constant 1 : index
      %c2 = arith.constant 2 : index
      gpu.launch_func @kernels::@hello blocks in (%c1, %c1, %c1) threads in (%c2, %c1, %c1) args()
      func.return
    }
    gpu.module @kernels {
      gpu.func @hello() kernel {
        %t = gpu.thread_id x
        %f = arith.constant -1.5 : f32
        gpu.printf "100%% of %d: %7.3f\\n" %t, %f : index, f32
        gpu.return
      }
    }
    """
    weft.compile(program, target="gpu-sim")()
    assert capsys.readouterr().out == "100% of 0:  -1.500\n100% of 1:  -1.500\n"


WARP = """
func.func @main(%a: memref<16x16xf16>, %b: memref<16x16xf16>, %c: memref<16x16xf32>, %s: memref<1xi32>) {
  %c1 = arith.constant 1 : index
  %c32 = arith.constant 32 : index
  gpu.launch_func @kernels::@k blocks in (%c1, %c1, %c1) threads in (%c32, %c1, %c1)
    args(%a : memref<16x16xf16>, %b : memref<16x16xf16>, %c : memref<16x16xf32>, %s : memref<1xi32>)
  func.return
}
gpu.module @kernels {
  gpu.func @k(%a: memref<16x16xf16>, %b: memref<16x16xf16>, %c: memref<16x16xf32>, %s: memref<1xi32>) kernel {
    %c0 = arith.constant 0 : index
    %t = gpu.thread_id x
    %ti = arith.index_cast %t : index to i32
    %fa = gpu.subgroup_mma_load_matrix %a[%c0, %c0] {leadDimension = 16 : index}
      : memref<16x16xf16> -> !gpu.mma_matrix<16x16xf16, "AOp">
    %fb = gpu.subgroup_mma_load_matrix %b[%c0, %c0] {leadDimension = 16 : index}
      : memref<16x16xf16> -> !gpu.mma_matrix<16x16xf16, "BOp">
    %fc = gpu.subgroup_mma_load_matrix %c[%c0, %c0] {leadDimension = 16 : index}
      : memref<16x16xf32> -> !gpu.mma_matrix<16x16xf32, "COp">
    %fd = gpu.subgroup_mma_compute %fa, %fb, %fc
      : !gpu.mma_matrix<16x16xf16, "AOp">, !gpu.mma_matrix<16x16xf16, "BOp"> -> !gpu.mma_matrix<16x16xf32, "COp">
    gpu.subgroup_mma_store_matrix %fd, %c[%c0, %c0] {leadDimension = 16 : index}
      : !gpu.mma_matrix<16x16xf32, "COp">, memref<16x16xf32>
    %sum = gpu.all_reduce add %ti {} : (i32) -> i32
    memref.store %sum, %s[%c0] : memref<1xi32>
    gpu.return
  }
}
"""


def test_matrices_and_sums_of_a_warp():
    """A product by tensor cores, and a sum that every thread has and stores."""
    rng = np.random.default_rng(0)
    a, b = (rng.standard_normal((16, 16)).astype(np.float16) for _ in range(2))
    c, s = rng.standard_normal((16, 16)).astype(np.float32), np.zeros(1, np.int32)
    wanted = a.astype(np.float32) @ b.astype(np.float32) + c
    weft.compile(WARP, target="gpu-sim:check")(a, b, c, s)
    np.testing.assert_allclose(c, wanted, rtol=1e-5, atol=1e-5)
    assert s[0] == sum(range(32))


def test_only_the_gpu_is_checked(tmp_path, capsys):
    file = tmp_path / "reverse.mlir"
    file.write_text(BY_HAND)
    assert main(["run", str(file), "--check-gpu", "--target", "reference"]) == 1
    assert "--check-gpu simulates the GPU: the target is gpu-sim, not reference" in capsys.readouterr().err


def test_options():
    assert read_options("").device.chip == "sm_80"
    assert read_options("sm_90a,+ptx88").device.ptx == 88
    options = read_options("sm_90a,check")
    assert (options.device.chip, options.device.shared_bytes, options.checked) == ("sm_90a", 232448, True)
    with pytest.raises(weft.WeftError, match="unknown target 'gpu-sim:chek': no code can be made for 'chek'"):
        read_options("chek")
