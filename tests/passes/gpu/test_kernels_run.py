"""Kernels by hand, lowered and run in the simulator, against NumPy."""

from functools import cache
from pathlib import Path

import numpy as np
import pytest

from tests.passes.gpu.ptx import lower
from weft.backends import sim

FOLDER = Path(__file__).parent / "Inputs"
RNG = np.random.default_rng(0)


@cache
def code(text):
    return sim.compile_module(sim.gpu_module_of(lower(text)))


def launch(name, grid, block, *arguments):
    """Run a kernel of `Inputs/kernels.mlir`; arrays are changed in place."""
    text = (FOLDER / "kernels.mlir").read_text()
    sim.launch(code(text), name, grid, block, arguments)


KINDS = {
    ("add", "f32"): np.sum,
    ("mul", "f64"): np.prod,
    ("maximumf", "f32"): np.max,
    ("minsi", "i32"): np.min,
    ("maxui", "i64"): np.max,
    ("xor", "i16"): np.bitwise_xor.reduce,
    ("add", "f16"): np.sum,
    ("or", "i1"): np.any,
}
DTYPES = {"f32": "f4", "f64": "f8", "f16": "f2", "i1": "?", "i8": "u1", "i16": "u2", "i32": "i4", "i64": "u8"}


def values(type_, count):
    dtype = np.dtype(DTYPES[type_])
    if type_.startswith("f"):
        return (1 + RNG.integers(-3, 4, count) / 8).astype(dtype)
    if type_ == "i1":
        return RNG.integers(0, 2, count).astype(dtype)
    return RNG.integers(np.iinfo(dtype).min, np.iinfo(dtype).max, count, dtype, endpoint=True)


def reduction(number, op, type_, attributes=""):
    """A kernel that reduces over its block twice, and writes the results of all threads."""
    buffers = ", ".join(f"%{name}: memref<?x{type_}>" for name in ("in", "out", "again"))
    return f"""  gpu.func @k{number}({buffers}) kernel {attributes} {{
    %x = gpu.thread_id x
    %y = gpu.thread_id y
    %z = gpu.thread_id z
    %dx = gpu.block_dim x
    %dy = gpu.block_dim y
    %0 = arith.muli %z, %dy : index
    %1 = arith.addi %0, %y : index
    %2 = arith.muli %1, %dx : index
    %i = arith.addi %2, %x : index
    %v = memref.load %in[%i] : memref<?x{type_}>
    %s = gpu.all_reduce {op} %v {{}} : ({type_}) -> {type_}
    %t = gpu.all_reduce {op} %v {{}} : ({type_}) -> {type_}
    memref.store %s, %out[%i] : memref<?x{type_}>
    memref.store %t, %again[%i] : memref<?x{type_}>
    gpu.return
  }}
"""


def check_reduction(compiled, number, kind, shape):
    _, type_ = kind
    count = int(np.prod(shape))
    x = values(type_, count)
    out, again = np.zeros_like(x), np.zeros_like(x)
    sim.launch(compiled, f"k{number}", [1], shape, (x, count, out, count, again, count))
    with np.errstate(all="ignore"):
        want = KINDS[kind](x.astype("f8") if type_ == "f16" else x).astype(x.dtype)
    tolerance = {"f32": 1e-4, "f64": 1e-10, "f16": 2e-2}.get(type_, 0)
    np.testing.assert_allclose(out.astype("f8"), np.full(count, float(want)), rtol=tolerance)
    np.testing.assert_array_equal(out, again)


@pytest.mark.parametrize("shape", [(1,), (7,), (33,), (100,), (1024,), (5, 3, 2), (7, 9, 11)], ids=str)
def test_all_threads_of_a_block_get_the_result_of_a_reduction(shape):
    compiled = code("gpu.module @m {\n" + "".join(reduction(n, *kind) for n, kind in enumerate(KINDS)) + "}")
    for number, kind in enumerate(KINDS):
        check_reduction(compiled, number, kind, shape)


def test_a_reduction_in_a_block_of_known_size():
    shapes = [(9, 1, 1), (32, 1, 1), (96, 1, 1), (20, 5, 1)]
    known = "attributes {{known_block_size = array<i32: {}, {}, {}>}}"
    kernels = [reduction(n, "add", "f32", known.format(*shape)) for n, shape in enumerate(shapes)]
    compiled = code("gpu.module @m {\n" + "".join(kernels) + "}")
    for number, shape in enumerate(shapes):
        check_reduction(compiled, number, ("add", "f32"), shape)


@pytest.mark.parametrize("count", [5, 45, 64])
def test_a_warp_reduces_and_shuffles(count):
    text = """gpu.module @m {
  gpu.func @k(%in: memref<?xf64>, %sum: memref<?xf64>, %next: memref<?xf64>, %is: memref<?xi1>) kernel {
    %i = gpu.thread_id x
    %v = memref.load %in[%i] : memref<?xf64>
    %s = gpu.subgroup_reduce add %v : (f64) -> f64
    memref.store %s, %sum[%i] : memref<?xf64>
    %c1 = arith.constant 1 : i32
    %c8 = arith.constant 8 : i32
    %d, %valid = gpu.shuffle down %v, %c1, %c8 : f64
    memref.store %d, %next[%i] : memref<?xf64>
    memref.store %valid, %is[%i] : memref<?xi1>
    gpu.return
  }
}"""
    x = RNG.integers(-9, 9, count).astype("f8")
    total, following, valid = np.zeros_like(x), np.zeros_like(x), np.zeros(count, bool)
    sim.launch(code(text), "k", [1], [count], (x, count, total, count, following, count, valid, count))
    lanes = np.arange(count)
    np.testing.assert_array_equal(total, [x[lane // 32 * 32 : lane // 32 * 32 + 32].sum() for lane in lanes])
    inside = lanes % 8 != 7
    np.testing.assert_array_equal(valid, inside)
    there = inside & (lanes + 1 < count)
    np.testing.assert_array_equal(following[there], x[lanes[there] + 1])
    np.testing.assert_array_equal(following[~inside], x[~inside])


@pytest.mark.parametrize("shape", [(8, 8), (13, 21), (1, 17), (30, 5)])
def test_a_transpose_goes_through_shared_memory(shape):
    m, n = shape
    x, y = RNG.random(shape, "f4"), np.zeros((n, m), "f4")
    launch("transpose", [-(-n // 8), -(-m // 8)], [8, 8], x, m, n, y, n, m)
    np.testing.assert_array_equal(y, x.T)


def test_views_see_the_same_memory():
    x, y = RNG.random((6, 8), "f4"), np.zeros(9, "f4")
    launch("views", [1], [4], x, y, 9, 3)
    want = np.zeros(9, "f4")
    want[3:7] = x[1:5, 4] + np.array([1, 20, 300, 4000], "f4")
    np.testing.assert_array_equal(y, want)


@pytest.mark.parametrize("first", [True, False])
def test_a_thread_has_memory_of_its_own(first):
    x, y = RNG.random(4, "f4"), np.zeros(4, "f4")
    launch("locals", [1], [4], x, 4, y, 4, first)
    np.testing.assert_array_equal(y, np.arange(4, dtype="f4") if first else x)


@pytest.mark.parametrize("count", [8, 13, 15])
def test_vectors_stop_at_the_end_of_a_buffer(count):
    threads = -(-count // 4)
    x, h = RNG.random(count, "f4"), RNG.random(4 * threads).astype("f2")
    v = np.concatenate([x, np.full(4 * threads - count, 9, "f4")]).reshape(threads, 4)
    s = v * v + np.exp2(v)
    s[:, 0] = v.sum(1)
    want_h = h.reshape(threads, 4).copy()
    want_h[:, 2:] = 0.5
    got, got_h = x.copy(), h.copy()
    launch("vectors", [1], [threads], got, count, got_h, h.size, 2)
    np.testing.assert_allclose(got, s[:, ::-1].ravel()[:count], rtol=1e-6)
    np.testing.assert_array_equal(got_h, (want_h + want_h).ravel())


def test_updates_are_atomic():
    x = RNG.integers(0, 50, 256).astype("i4")
    sums, count = np.zeros(4, "f4"), np.zeros(50, "i4")
    product, most = np.ones(1, "i8"), np.full(1, -1.0)
    small, halves = np.zeros(4, "u1"), np.zeros(1, "f2")
    launch("atomics", [4], [64], x, 256, sums, count, 50, product, most, small, halves)
    np.testing.assert_array_equal(count, np.bincount(x, minlength=50))
    np.testing.assert_array_equal(sums, [x[i::4].sum() for i in range(4)])
    want = 1
    for number in x.tolist():
        want = want * (number | 1) % (1 << 64)
    assert int(product.view("u8")[0]) == want
    assert most[0] == x.max()
    np.testing.assert_array_equal(small, [x[i::4].sum() % 256 for i in range(4)])
    assert halves[0] == 256


def test_remainders_are_exact():
    some = [0.0, -0.0, 1.0, -1.5, 3.0, 0.1, 1e-3, 7e-42, 3.4e38, -2.5e20, 1e10, np.inf, -np.inf, np.nan]
    a, b = (x.ravel() for x in np.meshgrid(np.array(some, "f4"), np.array(some, "f4")))
    more = [*some[:8], 1e308, 5e-324, 2.2e-308, 123456789.125, np.inf, np.nan]
    c, d = (x.ravel() for x in np.meshgrid(np.array(more, "f8"), np.array(more, "f8")))
    n = a.size
    got, got_wide = a.copy(), c.copy()
    launch("remainders", [-(-n // 64)], [64], got, n, b, n, got_wide, n, d, n, n)
    with np.errstate(all="ignore"):
        for have, want in ((got, np.fmod(a, b)), (got_wide, np.fmod(c, d))):
            np.testing.assert_array_equal(have, want)
            known = ~np.isnan(want)
            np.testing.assert_array_equal(np.signbit(have[known]), np.signbit(want[known]))


def test_functions_of_the_device_are_called():
    x = np.linspace(-20, 20, 64, dtype="f4")
    got = x.copy()
    launch("calls", [2], [32], got, 64)
    np.testing.assert_allclose(got, 1 / (1 + np.exp(-x.astype("f8"))), rtol=2e-6)
