"""Calls without Python in between, for arrays of a library with DLPack's C exchange API."""

import sys
import threading

import numpy as np
import pytest

from tests.backends.cuda.programs import CHAIN, ONE, TWICE, X, doubled, program, tensors
from tests.fake_cuda import Exchange, Fake, OnDevice, Tensor, compiled
from weft import WeftError, codes
from weft.backends.cuda.fast_call import call_text
from weft.backends.signature import Signature, ValueSpec


class Watched:
    """A function with a short cut; `slow` counts the calls that did not take it."""

    def __init__(self, text, signature):
        self.fake = Fake(kernels={"double": doubled}, context=77)
        self.call, self.loaded = compiled(self.fake, text, signature, short_cut=True)
        self.exchange = Exchange(self.loaded.fast.device, 5)
        self.slow = 0
        self.call(*(OnDevice(X.copy()) for _ in signature.arguments), stream=5)  # makes a record for the stream
        self.loaded.fast.api, self.loaded.fast.type = self.exchange.address, id(Tensor)
        Tensor.__cuda_array_interface__ = property(self._counted)
        self.fake.calls.clear()
        self.fake.launches.clear()

    def _counted(self, tensor):
        self.slow += 1
        return OnDevice(tensor.values, 5).__cuda_array_interface__


@pytest.fixture(autouse=True)
def tidy():
    yield
    if hasattr(Tensor, "__cuda_array_interface__"):
        del Tensor.__cuda_array_interface__


def test_results_are_made_by_the_library():
    f = Watched(ONE, tensors())
    x = Tensor(X.copy())
    y = f.call(x)
    assert isinstance(y, Tensor) and f.slow == 0
    np.testing.assert_array_equal(y.values, 2 * X)
    assert f.fake.launches[0].stream == 5
    before = sys.getrefcount(x)
    for _ in range(10):
        y = f.call(x)
    assert sys.getrefcount(x) == before and sys.getrefcount(y) == 2


def test_results_are_written_to_out():
    f = Watched(ONE, tensors())
    x, out = Tensor(X.copy()), Tensor(np.zeros(4, np.float32))
    before = sys.getrefcount(out)
    assert f.call(x, out=out) is out and f.slow == 0
    np.testing.assert_array_equal(out.values, 2 * X)
    assert sys.getrefcount(out) == before


def test_what_does_not_fit_goes_the_slow_way():
    f = Watched(ONE, tensors())
    wide = np.arange(8, dtype=np.float32)
    y = f.call(Tensor(wide[::2]))
    assert f.slow == 1
    np.testing.assert_array_equal(y.to_host(), 2 * wide[::2])
    for wrong in (Tensor(np.zeros(5, np.float32)), Tensor(np.zeros(4)), Tensor(np.zeros((4, 1), np.float32)), "text"):
        with pytest.raises(WeftError, match="expected tensor<4xf32>"):
            f.call(wrong)
    x = Tensor(X.copy())
    with pytest.raises(WeftError, match="shares memory"):
        f.call(x, out=x)
    with pytest.raises(WeftError, match="takes 1 arguments"):
        f.call(x, x)
    f.exchange.refused = True
    assert f.call(x).shape == (4,)
    f.exchange.refused, f.exchange.stream = False, 6
    slow = f.slow
    np.testing.assert_array_equal(f.call(x).to_host(), 2 * X)  # there is no record of that stream
    assert f.slow == slow + 1


def test_repeated_calls_become_a_graph_and_are_replayed():
    f = Watched(TWICE, tensors())
    x, out = Tensor(X.copy()), Tensor(np.zeros(4, np.float32))
    for k in range(6):
        x.values[:] = X + k
        f.call(x, out=out)
        np.testing.assert_array_equal(out.values, 4 * (X + k))
    assert f.slow <= 4 and f.fake.calls.count("cuStreamBeginCapture") <= 2
    launched = f.fake.calls.count("cuGraphLaunch")
    assert launched == 5
    for _ in range(4):  # a graph for any arrays is tried; of two launches it is no gain
        other = Tensor(X.copy())
        slow = f.slow
        f.call(other, out=out)
        np.testing.assert_array_equal(out.values, 4 * X)
    f.call(x, out=out)
    assert f.slow == slow and f.fake.calls.count("cuGraphLaunch") == launched + 1


def test_a_graph_for_any_arrays_is_put_right_without_python():
    f = Watched(CHAIN, tensors())
    outs = []
    for k in range(6):
        if k == 2:
            slow = f.slow
        x, out = Tensor(X + k), Tensor(np.zeros(4, np.float32))
        outs.append((x, out))
        assert f.call(x, out=out) is out
        np.testing.assert_array_equal(out.values, 32 * (X + k))
    assert f.slow == slow and f.fake.calls.count("cuStreamBeginCapture") == 1
    f.fake.fail("cuGraphExecKernelNodeSetParams", 1)
    for k in range(3):
        x, out = Tensor(X + k), Tensor(np.zeros(4, np.float32))
        outs.append((x, out))
        f.call(x, out=out)
        np.testing.assert_array_equal(out.values, 32 * (X + k))


def test_numbers_are_passed():
    text = program(
        """
  gpu.memset %y, %v : memref<4xf32>, f32
  func.return""",
        "%x: memref<4xf32>, %v: f32, %y: memref<4xf32>",
    )
    given = (ValueSpec("x", "tensor", "f32", (4,)), ValueSpec("v", "scalar", "f32"))
    signature = Signature("main", given, (ValueSpec("result0", "tensor", "f32", (4,)),))
    f = Fake(kernels={"double": doubled}, context=77)
    call, loaded = compiled(f, text, signature, short_cut=True)
    call(OnDevice(X), 1.5, stream=5)
    exchange = Exchange(loaded.fast.device, 5)
    loaded.fast.api, loaded.fast.type = exchange.address, id(Tensor)
    for value in (2.5, -0.0, 3.0):
        np.testing.assert_array_equal(call(Tensor(X), value).values, np.full(4, value, np.float32))


def test_errors_are_told():
    f = Watched(TWICE, tensors())
    first, second, third, fourth = (Tensor(X.copy()) for _ in range(4))  # each elsewhere, so that there is no graph
    for x in (first, second, third):
        f.call(x)
    f.slow = 0
    f.fake.fail("cuLaunchKernelEx", 0, 1)
    with pytest.raises(WeftError, match="cuLaunchKernelEx says CUDA_ERROR_1") as error:
        f.call(fourth)
    assert error.value.code is codes.DEVICE_FAILED and f.slow == 0
    x, out = Tensor(X.copy()), Tensor(np.zeros(4, np.float32))
    for _ in range(4):
        f.call(x, out=out)
        np.testing.assert_array_equal(out.values, 4 * X)
    f.fake.fail("cuGraphLaunch", 700)
    with pytest.raises(WeftError, match="one of 2 launches failed: CUDA_ERROR_ILLEGAL_ADDRESS"):
        f.call(x, out=out)


def test_several_threads_have_records_of_their_own():
    f = Watched(TWICE, tensors())
    wrong = []

    def values(y):
        return y.values if isinstance(y, Tensor) else y.to_host()

    def work(k):
        for _ in range(50):
            if not np.array_equal(values(f.call(Tensor(X + k))), 4 * (X + k)):
                wrong.append(k)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_there_is_no_short_cut_without_arrays_or_with_sizes_of_the_run():
    assert not call_text(Signature("main", (ValueSpec("v", "scalar", "f32"),), tensors().results))
    assert not call_text(Signature("main", tensors().arguments, (ValueSpec("r", "tensor", "f32", (None,)),)))
    assert call_text(tensors(2, 3))
