"""The short way of calls with arrays of libraries without a C API: what takes it, and what does not."""

import sys
import types

import numpy as np
import pytest

from tests.backends.cuda.programs import CHAIN, ONE, X, doubled, tensors
from tests.fake_cuda import Fake, OnDevice, compiled
from weft import WeftError
from weft.backends.cuda.device_array import DeviceArray
from weft.backends.cuda.operands import Operands


@pytest.fixture
def long_ways(monkeypatch):
    """The calls that went the long way."""
    calls = []
    whole = Operands.of

    def counted(*args):
        calls.append(args)
        return whole(*args)

    monkeypatch.setattr(Operands, "of", staticmethod(counted))
    return calls


def function(text=ONE, signature=None, fake=None):
    fake = fake or Fake(kernels={"double": doubled}, context=77)
    f = compiled(fake, text, signature or tensors())
    f.fake = fake
    return f


def test_the_second_call_takes_it(long_ways):
    f = function()
    x, y = OnDevice(X.copy(), 5), OnDevice(np.zeros(4, np.float32), 5)
    for k in range(4):
        x.values[:] = X + k
        assert f(x, out=y) is y
        np.testing.assert_array_equal(y.values, 2 * (X + k))
    assert len(long_ways) == 1
    made = f(x)
    assert isinstance(made, DeviceArray) and made.stream == 5
    np.testing.assert_array_equal(made.to_host(), 2 * (X + 3))
    assert len(long_ways) == 1
    assert {launch.stream for launch in f.fake.launches} == {5}


def test_memrefs_are_used_in_place(long_ways):
    f = function(signature=None, text=ONE)
    g = compiled(f.fake, ONE)
    x, y = OnDevice(X.copy()), OnDevice(np.zeros(4, np.float32))
    for _ in range(2):
        assert g(x, y) is None
    np.testing.assert_array_equal(y.values, 2 * X)
    assert len(long_ways) == 1
    with pytest.raises(WeftError, match="share memory"):
        g(x, x)
    with pytest.raises(WeftError, match="read-only"):
        g(x, OnDevice(y.values, read_only=True))


def test_what_is_not_as_it_was_goes_the_long_way(long_ways):
    f = function()
    x, y = OnDevice(X.copy()), OnDevice(np.zeros(4, np.float32))
    f(x, out=y)
    wide = np.arange(8, dtype=np.float32)
    np.testing.assert_array_equal(f(OnDevice(wide[::2])).to_host(), 2 * wide[::2])  # is packed first
    assert len(long_ways) == 2
    for wrong in (np.zeros(5, np.float32), np.zeros(4), np.zeros((4, 1), np.float32)):
        with pytest.raises(WeftError, match="expected tensor<4xf32>"):
            f(OnDevice(wrong))
    with pytest.raises(WeftError, match="shares memory"):
        f(x, out=x)
    with pytest.raises(WeftError, match="out="):
        f(x, out=OnDevice(np.zeros(3, np.float32)))
    with pytest.raises(WeftError, match="takes 1 arguments"):
        f(x, x)
    count = len(long_ways)
    f(OnDevice(X.copy(), 5), out=OnDevice(np.zeros(4, np.float32), 6))  # one stream waits for the other
    f(X, out=y)
    f(x, out=y, stream=7)
    assert len(long_ways) == count + 3


def test_a_thread_without_a_context_gets_that_of_the_gpu_for_the_call(long_ways):
    f = function()
    x, y = OnDevice(X.copy()), OnDevice(np.zeros(4, np.float32))
    f(x, out=y)
    f.fake.context = 0
    y.values[:] = 0
    assert f(x, out=y) is y
    np.testing.assert_array_equal(y.values, 2 * X)
    assert len(long_ways) == 1 and f.fake.context == 0


def test_without_memory_others_give_back_what_they_keep(long_ways):
    f = function(CHAIN)
    x, y = OnDevice(X.copy()), OnDevice(np.zeros(4, np.float32))
    f(x, out=y)
    f.fake.fail("cuLaunchKernelEx", 1, 1)
    with pytest.raises(WeftError, match="cuLaunchKernelEx says CUDA_ERROR_1"):
        f(OnDevice(X.copy()), out=y)
    f(x, out=y)
    np.testing.assert_array_equal(y.values, 32 * X)


def test_one_graph_is_for_arrays_that_lie_elsewhere(long_ways):
    f = function(CHAIN)
    for k in range(5):
        x, y = OnDevice(X + k), OnDevice(np.zeros(4, np.float32))
        f(x, out=y)
        np.testing.assert_array_equal(y.values, 32 * (X + k))
    assert len(long_ways) == 1 and f.fake.calls.count("cuStreamBeginCapture") == 1
    assert f.fake.calls.count("cuGraphLaunch") == 4


def test_arrays_of_wefts_own(long_ways):
    f = function()
    x = DeviceArray(f._gpu, X.ctypes.data, X.shape, X.dtype, 5, X)
    assert x.block_until_ready() is x and f.fake.calls.count("cuStreamSynchronize") == 1
    for _ in range(3):
        np.testing.assert_array_equal(f(x).to_host(), 2 * X)
    assert len(long_ways) == 1


class Cupy(types.ModuleType):
    """The part of CuPy that calls use, with NumPy's memory for the GPU's."""

    def __init__(self):
        super().__init__("cupy")
        self.stream = 5
        fields = {"__module__": "cupy", "__init__": _fill, "__cuda_array_interface__": property(lambda self: {})}
        self.ndarray = type("ndarray", (), fields)
        self.cuda = types.SimpleNamespace(get_current_stream=lambda: types.SimpleNamespace(ptr=self.stream))

    def empty(self, shape, dtype):
        return self.ndarray(np.zeros(shape, dtype))


def _fill(self, values):
    self.values = values
    self.shape, self.dtype, self.strides, self.flags = values.shape, values.dtype, values.strides, values.flags
    self.data = types.SimpleNamespace(ptr=values.ctypes.data, device_id=0)
    self.device = types.SimpleNamespace(id=0)


def test_arrays_of_cupy(long_ways, monkeypatch):
    """They are made by CuPy, on its current stream."""
    cupy = Cupy()
    monkeypatch.setitem(sys.modules, "cupy", cupy)
    f = function()
    for stream in (5, 5, 6):
        cupy.stream = stream
        y = f(cupy.ndarray(X.copy()))
        assert type(y) is cupy.ndarray
        np.testing.assert_array_equal(y.values, 2 * X)
    assert len(long_ways) == 1 and [launch.stream for launch in f.fake.launches] == [5, 5, 6]
    f(cupy.ndarray(np.zeros(8, np.float32)[::2]))
    assert len(long_ways) == 2
