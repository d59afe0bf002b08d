"""Programs on an NVIDIA GPU: arrays of other libraries, streams, graphs, limits, memory, faults.

`pytest -m gpu` runs them where there is one; a library that is not installed is left out.
"""

import gc
import re
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

import weft
from weft import WeftError, codes

pytestmark = pytest.mark.gpu

LAYER = """
func.func @main(%x: tensor<?x64xf32>, %w: tensor<64x32xf32>, %b: tensor<32xf32>) -> tensor<?x32xf32> {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x64xf32>
  %xw = ml.matmul %x, %w : (tensor<?x64xf32>, tensor<64x32xf32>) -> tensor<?x32xf32>
  %bias = ml.broadcast_in_dim %b, dims = [1], sizes(%n) : tensor<32xf32> to tensor<?x32xf32>
  %sum = ml.add %xw, %bias : tensor<?x32xf32>
  %y = ml.relu %sum : tensor<?x32xf32>
  func.return %y : tensor<?x32xf32>
}
"""

ADD = """
func.func @main(%x: tensor<1000xf32>, %y: tensor<1000xf32>) -> tensor<1000xf32> {
  %0 = ml.add %x, %y : tensor<1000xf32>
  func.return %0 : tensor<1000xf32>
}
"""

SOFTMAX_TWICE = """
func.func @main(%x: tensor<128x256xf32>, %w: tensor<256x256xf32>) -> tensor<128x256xf32> {
  %0 = ml.softmax %x, axis = 1 : tensor<128x256xf32>
  %1 = ml.matmul %0, %w : (tensor<128x256xf32>, tensor<256x256xf32>) -> tensor<128x256xf32>
  %2 = ml.softmax %1, axis = 1 : tensor<128x256xf32>
  %3 = ml.matmul %2, %w : (tensor<128x256xf32>, tensor<256x256xf32>) -> tensor<128x256xf32>
  func.return %3 : tensor<128x256xf32>
}
"""

LOOP = """
func.func @main(%x: tensor<64xf32>) -> tensor<64xf32> {
  %limit = arith.constant 100.0 : f32
  %c0 = arith.constant 0 : index
  %r = scf.while (%a = %x) : (tensor<64xf32>) -> tensor<64xf32> {
    %s = tensor.extract %a[%c0] : tensor<64xf32>
    %go = arith.cmpf olt, %s, %limit : f32
    scf.condition(%go) %a : tensor<64xf32>
  } do {
  ^bb0(%b: tensor<64xf32>):
    %d = ml.add %b, %b : tensor<64xf32>
    scf.yield %d : tensor<64xf32>
  }
  func.return %r : tensor<64xf32>
}
"""

BLOCK = """
module attributes {gpu.container_module} {
func.func @main(%x: memref<4096xf32>) {
  %c1 = arith.constant 1 : index
  %n = arith.constant THREADS : index
  gpu.launch_func @kernels::@twice blocks in (%c1, %c1, %c1) threads in (%n, %c1, %c1) args(%x : memref<4096xf32>)
  func.return
}
gpu.module @kernels {
  gpu.func @twice(%x: memref<4096xf32>) kernel {
    %t = gpu.thread_id x
    %k = arith.constant SCALE : index
    %i = arith.muli %t, %k : index
    %0 = memref.load %x[%i] : memref<4096xf32>
    %1 = arith.addf %0, %0 : f32
    memref.store %1, %x[%i] : memref<4096xf32>
    gpu.return
  }
}
}
"""


def values(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def layer(x, w, b):
    return np.maximum(x @ w + b, 0)


def close(found, wanted):
    np.testing.assert_allclose(np.asarray(found), wanted, rtol=1e-4, atol=1e-4)


# arrays


@pytest.mark.parametrize("rows", [0, 1, 7, 64, 1000])
def test_numpy_in_and_out(rows):
    f = weft.compile(LAYER, target="cuda")
    x, w, b = values(rows, 64), values(64, 32, seed=1), values(32, seed=2)
    y = f(x, w, b)
    assert isinstance(y, np.ndarray)
    close(y, layer(x, w, b))


def test_weft_arrays_stay_on_the_gpu():
    f = weft.compile(ADD, target="cuda")
    x = weft.to_device(values(1000))
    y = f(x, x)
    close(y.to_host(), 2 * values(1000))
    close(f(y, x).to_host(), 3 * values(1000))


def test_torch_tensors_come_and_go_without_copies():
    torch = pytest.importorskip("torch")
    f = weft.compile(LAYER, target="cuda")
    x, w, b = (torch.randn(*shape, device="cuda") for shape in ((33, 64), (64, 32), (32,)))
    y = f(x, w, b)
    assert isinstance(y, torch.Tensor) and y.is_cuda
    torch.testing.assert_close(y, torch.relu(x @ w + b), rtol=1e-3, atol=1e-3)
    g = weft.compile(ADD, target="cuda")
    u, v, out = (torch.randn(1000, device="cuda") for _ in range(3))
    assert g(u, v, out=out) is out
    torch.testing.assert_close(out, u + v)
    torch.testing.assert_close(g(u, np.ones(1000, np.float32)), u + 1)
    wide = torch.randn(1000, 3, device="cuda")
    torch.testing.assert_close(g(wide[:, 1], v), wide[:, 1] + v)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64", "int32", "int8", "bool"])
def test_torch_dtypes(dtype):
    torch = pytest.importorskip("torch")
    short = {"float16": "f16", "bfloat16": "bf16", "float64": "f64", "int32": "i32", "int8": "i8", "bool": "i1"}[dtype]
    op = "ml.or" if dtype == "bool" else "ml.add"
    f = weft.compile(ADD.replace("f32", short).replace("ml.add", op), target="cuda")
    x = torch.randint(0, 2, (1000,), device="cuda").to(getattr(torch, dtype))
    y = f(x, x)
    assert y.dtype == x.dtype
    assert torch.equal(y, x | x if dtype == "bool" else x + x)


def test_torch_streams():
    torch = pytest.importorskip("torch")
    f = weft.compile(SOFTMAX_TWICE, target="cuda")
    x, w = torch.randn(128, 256, device="cuda"), torch.randn(256, 256, device="cuda")
    wanted = torch.softmax(torch.softmax(x, 1) @ w, 1) @ w
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        found = [f(x, w) for _ in range(4)]
    side.synchronize()
    for y in found:
        torch.testing.assert_close(y, wanted, rtol=1e-3, atol=1e-3)
    y = f(x, w, stream=side)
    side.synchronize()
    torch.testing.assert_close(y, wanted, rtol=1e-3, atol=1e-3)


def test_repeated_calls_replay_a_graph():
    torch = pytest.importorskip("torch")
    f = weft.compile(SOFTMAX_TWICE, target="cuda")
    x, w, y = torch.randn(128, 256, device="cuda"), torch.randn(256, 256, device="cuda"), torch.empty(128, 256).cuda()
    for _ in range(5):
        x.copy_(torch.randn(128, 256))
        f(x, w, out=y)
        torch.testing.assert_close(y, torch.softmax(torch.softmax(x, 1) @ w, 1) @ w, rtol=1e-3, atol=1e-3)


def test_one_graph_is_for_any_arrays():
    """A chain whose ends alone use the arrays of the call."""
    torch = pytest.importorskip("torch")
    body = [f"  %{n + 1} = ml.softmax %{n}, axis = 1 : tensor<128x256xf32>\n" for n in range(6)]
    text = "func.func @main(%0: tensor<128x256xf32>) -> tensor<128x256xf32> {\n"
    f = weft.compile(text + "".join(body) + "  func.return %6 : tensor<128x256xf32>\n}", target="cuda")
    held = []
    for _ in range(8):
        x, y = torch.randn(128, 256, device="cuda"), torch.empty(128, 256, device="cuda")
        held.append((x, y))
        wanted = x
        for _ in range(6):
            wanted = torch.softmax(wanted, 1)
        f(x, out=y)
        torch.testing.assert_close(y, wanted)


def test_arrays_of_cupy_take_the_short_way():
    cupy = pytest.importorskip("cupy")
    f = weft.compile(ADD, target="cuda")
    for _ in range(4):
        x, y = (cupy.random.rand(1000, dtype=cupy.float32) for _ in range(2))
        assert cupy.allclose(f(x, y), x + y)
        out = cupy.empty(1000, cupy.float32)
        assert f(x, y, out=out) is out and cupy.allclose(out, x + y)


def test_calls_hold_no_tensors():
    torch = pytest.importorskip("torch")
    f = weft.compile(ADD, target="cuda")
    x = torch.randn(1000, device="cuda")
    for _ in range(10):
        y = f(x, x)
    count, memory = sys.getrefcount(x), torch.cuda.memory_allocated()
    for _ in range(1000):
        y = f(x, x)
    assert sys.getrefcount(x) == count and sys.getrefcount(y) == 2
    assert torch.cuda.memory_allocated() == memory
    torch.testing.assert_close(y, x + x)


def test_a_torch_graph_captures_calls():
    torch = pytest.importorskip("torch")
    f = weft.compile(SOFTMAX_TWICE, target="cuda")
    x, w, y = torch.randn(128, 256, device="cuda"), torch.randn(256, 256, device="cuda"), torch.empty(128, 256).cuda()
    f(x, w, out=y)
    side = torch.cuda.Stream()
    with torch.cuda.stream(side):
        f(x, w, out=y)  # the memory of this stream is taken
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph, stream=side):
        f(x, w, out=y)
    x.copy_(torch.randn(128, 256))
    graph.replay()
    torch.testing.assert_close(y, torch.softmax(torch.softmax(x, 1) @ w, 1) @ w, rtol=1e-3, atol=1e-3)


def test_cupy_arrays():
    cupy = pytest.importorskip("cupy")
    f = weft.compile(LAYER, target="cuda")
    x, w, b = cupy.asarray(values(33, 64)), cupy.asarray(values(64, 32, seed=1)), cupy.asarray(values(32, seed=2))
    y = f(x, w, b)
    assert isinstance(y, cupy.ndarray)
    close(cupy.asnumpy(y), layer(cupy.asnumpy(x), cupy.asnumpy(w), cupy.asnumpy(b)))
    g = weft.compile(ADD, target="cuda")
    with cupy.cuda.Stream(non_blocking=True) as stream:
        u = cupy.asarray(values(1000))
        v = g(u, u[::-1])
        stream.synchronize()
    close(cupy.asnumpy(v), values(1000) + values(1000)[::-1])
    close(cupy.asnumpy(cupy.from_dlpack(weft.to_device(values(1000)))), values(1000))
    close(cupy.asnumpy(cupy.asarray(weft.to_device(values(1000)))), values(1000))


def test_jax_arrays(monkeypatch):
    monkeypatch.setenv("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
    jax = pytest.importorskip("jax")
    if jax.default_backend() != "gpu":
        pytest.skip("this JAX has no GPU")
    f = weft.compile(LAYER, target="cuda")
    x, w, b = (jax.numpy.asarray(values(*s)) for s in ((33, 64), (64, 32), (32,)))
    y = f(x, w, b)
    assert isinstance(y, jax.Array)
    close(y, layer(values(33, 64), values(64, 32), values(32)))
    g = weft.compile(ADD, target="cuda")
    u = jax.numpy.asarray(values(1000))
    close(jax.jit(lambda t: t * 2)(g(u, u)), 4 * values(1000))


def test_numba_arrays():
    cuda = pytest.importorskip("numba.cuda")
    f = weft.compile(ADD, target="cuda")
    x = cuda.to_device(values(1000))
    y = f(x, x)
    close(y.copy_to_host(), 2 * values(1000))


def test_mixed_arrays():
    torch = pytest.importorskip("torch")
    f = weft.compile(LAYER, target="cuda")
    x, w, b = torch.from_numpy(values(33, 64)).cuda(), values(64, 32, seed=1), weft.to_device(values(32, seed=2))
    y = f(x, w, b)
    assert y.is_cuda
    close(y.cpu().numpy(), layer(values(33, 64), w, values(32, seed=2)))


# control, memory, threads


def test_a_loop_depends_on_what_the_gpu_computes():
    f = weft.compile(LOOP, target="cuda")
    x = np.abs(values(64)) + 0.5
    wanted = x.copy()
    while wanted[0] < 100:
        wanted = wanted + wanted
    close(f(x), wanted)


def test_a_program_comes_from_the_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("WEFT_CACHE_DIR", str(tmp_path))
    assert not weft.compile(ADD, target="cuda").from_cache
    again = weft.compile(ADD, target="cuda")
    assert again.from_cache
    close(again(values(1000), values(1000)), 2 * values(1000))


def test_several_threads_call_at_once():
    torch = pytest.importorskip("torch")
    f = weft.compile(SOFTMAX_TWICE, target="cuda")
    w = torch.randn(256, 256, device="cuda")
    torch.cuda.synchronize()
    wrong = []

    def call(seed):
        stream = torch.cuda.Stream()
        with torch.cuda.stream(stream):
            x = torch.randn(128, 256, device="cuda") + seed
            wanted = torch.softmax(torch.softmax(x, 1) @ w, 1) @ w
            for _ in range(50):
                y = f(x, w)
            stream.synchronize()
            if not torch.allclose(y, wanted, rtol=1e-3, atol=1e-3):
                wrong.append(seed)

    threads = [threading.Thread(target=call, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_memory_is_given_back():
    from weft.backends.cuda.gpu import current_gpu

    f = weft.compile(SOFTMAX_TWICE, target="cuda")
    x, w = values(128, 256), values(256, 256)
    f(x, w)
    gpu = current_gpu()
    with gpu.current():
        before = gpu.memory()[0]
        for _ in range(100):
            f(x, w)
        gc.collect()
        assert before - gpu.memory()[0] < 64 << 20


def test_out_of_memory_names_what_is_asked_for():
    large = ADD.replace("1000x", "100000000000x")
    f = weft.compile(large, target="cuda")
    with pytest.raises(WeftError) as error:
        f(np.broadcast_to(np.float32(0), 100000000000)[:0], np.zeros(1, np.float32))
    assert error.value.code is codes.WRONG_ARGUMENT
    made = "func.func @main() -> tensor<200000000000xf32> {\n  %0 = ml.iota dim = 0 : tensor<200000000000xf32>\n"
    f = weft.compile(made + "  func.return %0 : tensor<200000000000xf32>\n}\n", target="cuda")
    torch = pytest.importorskip("torch")
    with pytest.raises((WeftError, torch.cuda.OutOfMemoryError, MemoryError), match=r"GiB|memory|allocate"):
        f()


# limits and faults


def test_more_than_1024_threads_are_refused_at_the_line():
    f = weft.compile(BLOCK.replace("THREADS", "2048").replace("SCALE", "1"), target="cuda")
    with pytest.raises(WeftError, match=r"has 2048 threads along x, .* takes 1024") as error:
        f(values(4096))
    assert error.value.code is codes.BAD_LAUNCH and error.value.where.line == 6
    f = weft.compile(BLOCK.replace("THREADS", "1024").replace("SCALE", "1"), target="cuda")
    x = values(4096)
    f(x)
    close(x[:1024], 2 * values(4096)[:1024])


FAULT = """
import numpy as np, weft
f = weft.compile(PROGRAM, target="cuda")
try:
    f(np.zeros(4096, np.float32))
except weft.WeftError as error:
    print(error)
"""


def test_a_fault_names_the_kernel_and_its_line():
    """In a process of its own: after a fault the GPU is lost to it."""
    program = BLOCK.replace("THREADS", "1024").replace("SCALE", str(1 << 40))
    result = subprocess.run(
        [sys.executable, "-c", FAULT.replace("PROGRAM", repr(program))], capture_output=True, text=True, timeout=300
    )
    assert "the kernel '@kernels::@twice' failed: CUDA_ERROR_ILLEGAL_ADDRESS" in result.stdout, result.stderr
    assert "<string>:6:3" in result.stdout
    assert result.returncode == 0 and not result.stderr


def test_a_process_ends_cleanly_with_arrays_left():
    text = (
        "import numpy as np, weft\nf = weft.compile(PROGRAM, target='cuda')\nx = weft.to_device(np.ones(1000, 'f4'))\n"
    )
    text += "y = f(x, x)\nz = y.to_host()\nassert z[0] == 2\n"
    result = subprocess.run(
        [sys.executable, "-c", text.replace("PROGRAM", repr(ADD))], capture_output=True, text=True, timeout=300
    )
    assert result.returncode == 0 and not result.stderr, result.stderr


# the documentation


def snippets():
    page = (Path(__file__).parents[2] / "docs" / "gpu-run.md").read_text(encoding="utf-8")
    return re.findall(r"^```py\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("number", range(len(snippets())))
def test_the_snippets_of_the_page_run(number):
    if "torch" in snippets()[number]:
        pytest.importorskip("torch")
    exec(compile(snippets()[number], "snippet", "exec"), {})
