"""Calls of programs for a GPU, on a driver that is not there: arrays in and out, memory, graphs, errors."""

import gc
import threading

import numpy as np
import pytest

from tests.backends.cuda.programs import CHAIN, ONE, SUM, TWICE, X, doubled, launch, program, tensors
from tests.fake_cuda import Fake, OnDevice, compiled
from weft import WeftError, codes
from weft.backends.cuda.device_array import DeviceArray
from weft.backends.cuda.gpu import gpu_of
from weft.backends.cuda.upload import to_device
from weft.backends.signature import Signature, ValueSpec


@pytest.fixture
def fake():
    made = Fake(kernels={"double": doubled})
    yield made
    assert "freed twice" not in made.calls


# arrays


def test_numpy_arrays_are_copied_there_and_memrefs_back(fake):
    x, y = X.copy(), np.zeros(4, np.float32)
    assert compiled(fake, ONE)(x, y) is None
    np.testing.assert_array_equal(y, 2 * X)
    assert fake.used() == 0


def test_results_of_numpy_arrays_are_numpy_arrays(fake):
    f = compiled(fake, ONE, tensors())
    y = f(X)
    assert isinstance(y, np.ndarray) and y.dtype == np.float32
    np.testing.assert_array_equal(y, 2 * X)
    out = np.zeros(4, np.float32)
    assert f(X, out=out) is out
    np.testing.assert_array_equal(out, 2 * X)
    np.testing.assert_array_equal(f([0, 1, 2, 3]), 2 * X)


def test_arrays_on_the_gpu_are_used_where_they_are(fake):
    f = compiled(fake, ONE, tensors())
    x = OnDevice(X)
    y = f(x)
    assert isinstance(y, DeviceArray) and y.shape == (4,) and y.dtype == np.float32
    np.testing.assert_array_equal(y.to_host(), 2 * X)
    np.testing.assert_array_equal(np.asarray(f(y)), 4 * X)
    out = OnDevice(np.zeros(4, np.float32))
    assert f(x, out=out) is out
    np.testing.assert_array_equal(out.values, 2 * X)
    del y
    gc.collect()
    assert fake.used() == 0


def test_to_device_keeps_an_array_there(fake):
    gpu = gpu_of(fake.driver(), 0)
    x = to_device(X, gpu=gpu)
    assert fake.used() == 16
    np.testing.assert_array_equal(x.to_host(), X)
    y = compiled(fake, ONE, tensors())(x)
    np.testing.assert_array_equal(y.to_host(), 2 * X)
    assert repr(y) == "<weft array 4xfloat32 on Fake GPU>"
    large = np.arange(3_000_001, dtype=np.float32)
    np.testing.assert_array_equal(to_device(large, gpu=gpu).to_host(), large)
    assert to_device(np.zeros((0, 3)), gpu=gpu).to_host().shape == (0, 3)
    assert to_device(x, gpu=gpu) is x


def test_strided_tensors_are_packed_on_the_device(fake):
    f = compiled(fake, ONE, tensors())
    wide = np.arange(16, dtype=np.float32)
    np.testing.assert_array_equal(f(OnDevice(wide[1::4])).to_host(), 2 * wide[1::4])
    np.testing.assert_array_equal(f(OnDevice(wide[3::-1])).to_host(), 2 * wide[3::-1])
    np.testing.assert_array_equal(f(OnDevice(np.broadcast_to(np.float32(3), 4))).to_host(), [6, 6, 6, 6])


def test_strided_memrefs_of_the_host_keep_what_lies_between(fake):
    text = program("memref.copy %x, %y : memref<4xf32> to memref<4xf32, strided<[2]>>\n func.return")
    text = text.replace("%y: memref<4xf32>", "%y: memref<4xf32, strided<[2]>>")
    y = np.full(8, -1, np.float32)
    compiled(fake, text)(X.copy(), y[::2])
    np.testing.assert_array_equal(y, [0, -1, 1, -1, 2, -1, 3, -1])


def test_arrays_that_do_not_fit_are_refused(fake):
    f, g = compiled(fake, ONE, tensors()), compiled(fake, ONE)
    for value, text in (
        (
            OnDevice(np.zeros(5, np.float32)),
            "an array on the GPU of shape (5,) and dtype float32, expected tensor<4xf32>",
        ),
        (OnDevice(np.zeros(4)), "dtype float64, expected tensor<4xf32>"),
        (np.zeros(5, np.float32), "an array of shape (5,)"),
        ("text", "argument 'x0' is an array of shape () and dtype <U4"),
    ):
        with pytest.raises(WeftError, match="x0") as error:
            f(value)
        assert text in str(error.value) and error.value.code is codes.WRONG_ARGUMENT
    y = OnDevice(np.zeros(4, np.float32))
    for x, text in (
        (OnDevice(X.copy(), read_only=True), "a read-only array"),
        (OnDevice(np.zeros(8, np.float32)[::2]), r"strides \(2,\)"),
        (y, "arguments 'x' and 'y' share memory"),
    ):
        with pytest.raises(WeftError, match=text):
            g(x, y)
    for out, text in (
        (OnDevice(np.zeros(5, np.float32)), "out= for result 0"),
        (OnDevice(np.zeros(8, np.float32)[::2]), "read-only, strided"),
        (np.zeros(3, np.float32), "out= for result 0 is an array of shape"),
    ):
        with pytest.raises(WeftError, match=text) as error:
            f(X, out=out)
        assert error.value.code is codes.WRONG_OUT
    x = OnDevice(X.copy())
    with pytest.raises(WeftError, match="shares memory"):
        f(x, out=x)
    assert fake.used() == 0


def test_arrays_come_with_their_stream(fake):
    f = compiled(fake, ONE, tensors())
    y = f(OnDevice(X, stream=5))
    assert fake.launches[-1].stream == 5
    assert y.__cuda_array_interface__["stream"] == 5
    f(OnDevice(X, stream=5), stream=9)
    assert fake.launches[-1].stream == 9 and "cuStreamWaitEvent" in fake.calls
    f(OnDevice(X, stream=1))
    assert fake.launches[-1].stream == 0

    class Stream:
        def __cuda_stream__(self):
            return 0, 11

    f(X, stream=Stream())
    assert fake.launches[-1].stream == 11
    with pytest.raises(WeftError, match="expected a stream"):
        f(X, stream="fast")


# memory, calls, graphs


def test_memory_is_kept_between_calls_and_given_back_at_the_end(fake):
    f = compiled(fake, TWICE, tensors())
    for _ in range(3):
        np.testing.assert_array_equal(f(X), 4 * X)
    assert fake.used() == 16  # the temporary buffer
    taken = fake.calls.count("cuMemAllocFromPoolAsync")
    f(X)
    assert fake.calls.count("cuMemAllocFromPoolAsync") == taken + 2  # the argument and the result
    del f
    gc.collect()
    assert fake.used() == 0


def test_memory_of_another_size_does_not_stay_for_long(fake):
    text = program(
        """
  %a = memref.alloc(%k) : memref<?xf32>
  memref.store %v, %a[%c1] : memref<?xf32>
  memref.dealloc %a : memref<?xf32>
  %b = memref.alloc() : memref<100xf32>
  memref.store %v, %b[%c1] : memref<100xf32>
  memref.dealloc %b : memref<100xf32>
  func.return""",
        "%k: index, %v: f32",
    )
    f = compiled(fake, text)
    f(10, 1.0)
    f(10, 1.0)
    assert fake.used() == 440 and fake.calls.count("cuMemAllocFromPoolAsync") == 2
    for k in (50, 300, 2000):
        f(k, 1.0)
    assert fake.used() == 4 * (100 + 300 + 2000)
    f(2000, 1.0)
    f(5000, 1.0)
    assert fake.used() == 4 * (100 + 2000 + 5000)


def test_the_second_call_with_the_same_arrays_makes_a_graph(fake):
    f = compiled(fake, TWICE, tensors())
    x, y = OnDevice(X.copy()), OnDevice(np.zeros(4, np.float32))
    for k in range(4):
        x.values[:] = X + k
        f(x, out=y)
        np.testing.assert_array_equal(y.values, 4 * (X + k))
    assert len(fake.launches) == 4 and fake.calls.count("cuGraphLaunch") == 3
    other = OnDevice(X.copy())
    f(other, out=y)
    np.testing.assert_array_equal(y.values, 4 * X)
    assert fake.calls.count("cuGraphLaunch") == 3
    f(x, out=y)
    assert fake.calls.count("cuGraphLaunch") == 4


def test_one_graph_is_for_any_arrays(fake):
    """Of five launches two use the arrays of the call: their nodes are told where those lie."""
    f = compiled(fake, CHAIN, tensors())
    outs = []
    for k in range(6):
        x, y = OnDevice(X + k), OnDevice(np.zeros(4, np.float32))
        f(x, out=y)
        outs.append((x, y))
        np.testing.assert_array_equal(y.values, 32 * (X + k))
    assert fake.calls.count("cuStreamBeginCapture") == 1 and fake.calls.count("cuGraphLaunch") == 5
    assert fake.calls.count("cuGraphExecKernelNodeSetParams") == 10
    f(*outs[-1][:1], out=outs[0][1])
    assert fake.calls.count("cuGraphExecKernelNodeSetParams") == 11
    np.testing.assert_array_equal(outs[0][1].values, 32 * (X + 5))
    fake.fail("cuGraphExecKernelNodeSetParams", 0, 1)
    for k in range(3):
        x, y = OnDevice(X + k), OnDevice(np.zeros(4, np.float32))
        f(x, out=y)
        outs.append((x, y))
        np.testing.assert_array_equal(y.values, 32 * (X + k))
    del f
    gc.collect()
    assert fake.calls.count("cuGraphExecDestroy") == fake.calls.count("cuGraphInstantiate")
    assert fake.calls.count("cuGraphDestroy") == fake.calls.count("cuStreamEndCapture")


def test_a_graph_for_any_arrays_is_for_their_sizes(fake):
    """The same array may be given twice, and another time two."""
    f = compiled(fake, SUM, tensors(2))
    x, y, z = (OnDevice(X + k) for k in range(3))
    for a, b in ((x, x), (x, y), (y, z), (z, z), (y, x)):
        out = OnDevice(np.zeros(4, np.float32))
        f(a, b, out=out)
        np.testing.assert_array_equal(out.values, 16 * b.values)
        np.testing.assert_array_equal(f(a, b, out=out).values, 16 * b.values)


def test_one_launch_needs_no_graph_and_code_that_reads_the_device_has_none(fake):
    x, y = OnDevice(X.copy()), OnDevice(np.zeros(4, np.float32))
    reads = program(
        f"""
  {launch("%x", "%y")}
  %0 = memref.load %y[%c1] : memref<4xf32>
  memref.store %0, %x[%c1] : memref<4xf32>
  {launch("%x", "%y")}
  func.return"""
    )
    one, other = compiled(fake, ONE), compiled(fake, reads)
    for _ in range(3):
        one(x, y)
        other(x, y)
    assert x.values[1] == 8 and y.values[1] == 16
    assert "cuGraphLaunch" not in fake.calls


def test_calls_in_several_threads_do_not_share_memory(fake):
    f = compiled(fake, TWICE, tensors())
    wrong = []

    def call(k):
        for _ in range(20):
            if not np.array_equal(f(X + k), 4 * (X + k)):
                wrong.append(k)

    threads = [threading.Thread(target=call, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_globals_are_put_there_once(fake):
    text = program(
        """
  %g = memref.get_global @w : memref<4xf32>
  memref.copy %g, %y : memref<4xf32> to memref<4xf32>
  func.return""",
        globals_='memref.global "private" constant @w : memref<4xf32> = dense<[1.0, 2.0, 3.0, 4.0]>',
    )
    f = compiled(fake, text)
    y = np.zeros(4, np.float32)
    f(X.copy(), y)
    f(X.copy(), y)
    np.testing.assert_array_equal(y, [1, 2, 3, 4])
    assert fake.calls.count("cuMemAlloc") == 1
    del f
    gc.collect()
    assert fake.used() == 0


def test_what_has_a_size_of_the_run_comes_back_as_it_is(fake):
    text = program(
        f"""
  %y = memref.alloc() : memref<4xf32>
  {launch("%x", "%y")}
  %z = memref.cast %y : memref<4xf32> to memref<?xf32>
  func.return %z : memref<?xf32>""",
        "%x: memref<4xf32>",
        " -> memref<?xf32>",
    )
    signature = tensors(1, 0)
    signature = Signature("main", signature.arguments, (ValueSpec("result0", "tensor", "f32", (None,)),))
    f = compiled(fake, text, signature)
    np.testing.assert_array_equal(f(X), 2 * X)
    assert fake.used() == 0
    y = f(OnDevice(X))
    np.testing.assert_array_equal(y.to_host(), 2 * X)
    out = np.zeros(4, np.float32)
    assert f(X, out=out) is out
    np.testing.assert_array_equal(out, 2 * X)
    with pytest.raises(WeftError, match=r"has the shape \(3,\), the result has \(4,\)"):
        f(X, out=np.zeros(3, np.float32))
    del y
    gc.collect()
    assert fake.used() == 0


def test_a_buffer_that_comes_back_twice_is_held_once(fake):
    text = program(
        f"""
  %y = memref.alloc() : memref<4xf32>
  {launch("%x", "%y")}
  %z = memref.cast %y : memref<4xf32> to memref<?xf32>
  func.return %z, %z : memref<?xf32>, memref<?xf32>""",
        "%x: memref<4xf32>",
        " -> (memref<?xf32>, memref<?xf32>)",
    )
    results = tuple(ValueSpec(f"result{n}", "tensor", "f32", (None,)) for n in range(2))
    f = compiled(fake, text, Signature("main", tensors(1, 0).arguments, results))
    y, z = f(OnDevice(X))
    del y
    np.testing.assert_array_equal(z.to_host(), 2 * X)
    for one in f(X):
        np.testing.assert_array_equal(one, 2 * X)
    del z
    gc.collect()
    assert fake.used() == 0


def test_scalars_are_read_from_the_device(fake):
    text = program(
        """
  %0 = memref.load %x[%c1] : memref<4xf32>
  func.return %0 : f32""",
        "%x: memref<4xf32>",
        " -> f32",
    )
    assert compiled(fake, text)(X.copy()) == 1.0


@pytest.mark.parametrize("dtype", ["i8", "f16", "f32", "f64", "i64"])
def test_elements_are_written_and_filled(fake, dtype):
    text = f"""
module attributes {{gpu.container_module}} {{
func.func @main(%x: memref<4x{dtype}>, %v: {dtype}) {{
  %c1 = arith.constant 1 : index
  gpu.memset %x, %v : memref<4x{dtype}>, {dtype}
  %0 = memref.load %x[%c1] : memref<4x{dtype}>
  %s = memref.alloca() : memref<4x{dtype}>
  gpu.memcpy %s, %x : memref<4x{dtype}>, memref<4x{dtype}>
  %t = gpu.wait async
  gpu.wait [%t]
  memref.store %0, %x[%c1] : memref<4x{dtype}>
  func.return
}}
gpu.module @kernels {{}}
}}
"""
    f = compiled(fake, text)
    x = np.zeros(4, f.signature.arguments[0].numpy_dtype)
    f(x, 3)
    np.testing.assert_array_equal(x, [3, 3, 3, 3])
    f(x, -77)
    np.testing.assert_array_equal(x, [-77] * 4)


# errors


def failure(f, *args):
    with pytest.raises(WeftError) as error:
        f(*args)
    return error.value


def test_too_many_threads_are_refused_with_the_line(fake):
    large = ONE.replace("threads in (%c4,", "threads in (%c2048,").replace(
        "%c4 = arith", "%c2048 = arith.constant 2048 : index\n  %c4 = arith"
    )
    error = failure(compiled(fake, large), X.copy(), X.copy())
    assert error.code is codes.BAD_LAUNCH and error.where.line == 11
    assert "'@kernels::@double' failed: a block of 2048 x 1 x 1 has 2048 threads along x, Fake GPU takes 1024" in str(
        error
    )
    square = ONE.replace("threads in (%c4, %c1,", "threads in (%c64, %c32,").replace(
        "%c4 = arith", "%c64 = arith.constant 64 : index\n  %c32 = arith.constant 32 : index\n  %c4 = arith"
    )
    error = failure(compiled(fake, square), X.copy(), X.copy())
    assert "a block of 64 x 32 x 1 has 2048 threads, Fake GPU takes 1024" in str(error)
    fake.threads["double"] = 2
    error = failure(compiled(fake, ONE), X.copy(), X.copy())
    assert "has 4 threads, Fake GPU takes 1024, of which its registers and its declared block leave 2" in str(error)
    assert not fake.launches and fake.used() == 0


@pytest.mark.parametrize(
    "grid, text",
    [
        ("1, 70000, 1", "70000 blocks along y, Fake GPU takes 65535"),
        ("1, 1, -1", "-1 blocks along z, may not be negative"),
        ("3000000000, 1, 1", "3000000000 blocks along x, Fake GPU takes 2147483647"),
    ],
)
def test_grids_that_are_too_large_are_refused(fake, grid, text):
    names = [f"%g{n}" for n in range(3)]
    made = "\n".join(f"  {n} = arith.constant {v} : index" for n, v in zip(names, grid.split(","), strict=True))
    changed = ONE.replace("blocks in (%c1, %c1, %c1)", f"blocks in ({', '.join(names)})")
    error = failure(compiled(fake, changed.replace("%c4 = arith", f"{made}\n  %c4 = arith")), X.copy(), X.copy())
    assert text in str(error)


def test_an_empty_grid_runs_nothing(fake):
    text = ONE.replace("blocks in (%c1,", "blocks in (%c0,").replace(
        "%c4 = arith", "%c0 = arith.constant 0 : index\n  %c4 = arith"
    )
    compiled(fake, text)(X.copy(), X.copy())
    assert not fake.launches


def test_shared_memory_and_clusters_reach_the_driver(fake):
    text = ONE.replace("      args(", "      dynamic_shared_memory_size %s args(").replace(
        "blocks in (%c1, %c1, %c1)", "clusters in (%c2, %c1, %c1) blocks in (%c2, %c1, %c1)"
    )
    text = text.replace(
        "%c4 = arith", "%c2 = arith.constant 2 : index\n  %s = arith.constant 65536 : i32\n  %c4 = arith"
    )
    compiled(fake, text)(X.copy(), X.copy())
    (launched,) = fake.launches
    assert launched.shared == 65536 and launched.cluster == (2, 1, 1) and launched.grid == (2, 1, 1)
    error = failure(compiled(fake, text.replace("65536", "300000")), X.copy(), X.copy())
    assert "asks for 300000 bytes of shared memory (0 static, 300000 dynamic), Fake GPU has 232448" in str(error)


def test_out_of_memory_says_how_much_is_asked_for_and_free(fake):
    fake.available = 40
    f = compiled(fake, TWICE, tensors())
    error = failure(f, X)
    assert error.code is codes.OUT_OF_MEMORY and fake.used() == 0
    assert "16 bytes are asked for, 8 bytes of 40 bytes are free on Fake GPU" in str(error)


def test_functions_give_back_what_they_keep_where_there_is_no_memory(fake):
    f, g = compiled(fake, TWICE, tensors()), compiled(fake, TWICE, tensors())
    f(X)
    assert fake.used() == 16
    fake.available = 48
    np.testing.assert_array_equal(g(X), 4 * X)  # its argument, its result and its temporary buffer
    assert fake.used() == 16
    fake.available = 47
    assert failure(f, X).code is codes.OUT_OF_MEMORY


def test_a_fault_is_told_with_the_launches_that_may_be_to_blame(fake):
    f = compiled(fake, ONE, tensors())
    fake.fail("cuStreamSynchronize", 700)
    error = failure(f, X)
    assert error.code is codes.DEVICE_FAILED and error.where.line == 10
    assert "the kernel '@kernels::@double' failed: CUDA_ERROR_ILLEGAL_ADDRESS (as the fake says)" in str(error)
    assert "this process can use the GPU no more" in str(error)
    f = compiled(fake, TWICE, tensors())
    fake.fail("cuStreamSynchronize", 700)
    error = failure(f, X)
    assert "one of 2 launches failed" in str(error) and str(error).count("is launched here") == 2
    fake.fail("cuLaunchKernelEx", 1, 1)  # while a graph is captured, and then
    error = failure(f, X)
    assert "cuLaunchKernelEx says CUDA_ERROR_1 (as the fake says)" in str(error)
    np.testing.assert_array_equal(f(X), 4 * X)
    assert fake.used() == 16


def test_the_log_of_the_driver_is_shown_for_code_that_it_refuses(fake):
    fake.fail("cuModuleLoadDataEx", 218)
    with pytest.raises(WeftError, match=r"the driver refuses the code of @kernels: .*CUDA_ERROR_INVALID_PTX"):
        compiled(fake, ONE)


def test_a_graph_that_cannot_be_made_is_not_needed(fake):
    f = compiled(fake, TWICE, tensors())
    x, y = OnDevice(X.copy()), OnDevice(np.zeros(4, np.float32))
    fake.fail("cuStreamBeginCapture", 900)
    for _ in range(3):
        f(x, out=y)
    np.testing.assert_array_equal(y.values, 4 * X)
