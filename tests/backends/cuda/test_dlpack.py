"""Arrays of weft's own for other libraries: DLPack, the array interface, and who holds the memory."""

import ctypes
import gc

import ml_dtypes
import numpy as np
import pytest

from tests.fake_cuda import Fake
from weft.backends.cuda import dlpack
from weft.backends.cuda.arrays import kind_of
from weft.backends.cuda.gpu import gpu_of
from weft.backends.cuda.upload import to_device


@pytest.fixture
def fake():
    return Fake()


def device_array(fake, values):
    return to_device(values, gpu=gpu_of(fake.driver(), 0))


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int8, np.uint16, bool, np.complex64, ml_dtypes.bfloat16])
def test_a_capsule_says_where_and_what_the_array_is(fake, dtype):
    values = np.arange(6).reshape(2, 3).astype(dtype)
    array = device_array(fake, values)
    found = dlpack.Imported(array.__dlpack__())
    assert array.__dlpack_device__() == found.device == (dlpack.CUDA, 0)
    assert (found.address, found.shape, found.strides, found.dtype) == (array.address, (2, 3), (3, 1), values.dtype)
    np.testing.assert_array_equal(array.to_host(), values)


def test_a_capsule_that_nobody_takes_lets_go(fake):
    array = device_array(fake, np.ones(4, np.float32))
    capsule = array.__dlpack__()
    del array
    gc.collect()
    assert fake.used() == 16
    del capsule
    gc.collect()
    assert fake.used() == 0


def test_a_consumer_holds_the_memory_until_it_calls_the_deleter(fake):
    array = device_array(fake, np.ones(4, np.float32))
    capsule = array.__dlpack__()
    kind = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.py_object, ctypes.c_char_p)
    managed = kind(("PyCapsule_GetPointer", ctypes.pythonapi))(capsule, b"dltensor")
    used = b"used_dltensor"
    kind(("PyCapsule_SetName", ctypes.pythonapi))(capsule, used)
    del capsule, array
    gc.collect()
    assert fake.used() == 16
    deleter = ctypes.c_void_p.from_address(managed + 56).value
    ctypes.CFUNCTYPE(None, ctypes.c_void_p)(deleter)(managed)
    gc.collect()
    assert fake.used() == 0


def test_another_stream_waits_for_the_array(fake):
    array = device_array(fake, np.ones(4, np.float32))
    for stream in (None, 1, -1):
        array.__dlpack__(stream=stream)
    assert "cuStreamWaitEvent" not in fake.calls
    array.__dlpack__(stream=7)
    assert "cuStreamWaitEvent" in fake.calls
    with pytest.raises(BufferError):
        array.__dlpack__(copy=True)
    with pytest.raises(BufferError):
        array.__dlpack__(dl_device=(1, 0))


def test_the_array_interface_names_the_stream(fake):
    array = device_array(fake, np.ones((2, 2), np.float32))
    found = array.__cuda_array_interface__
    assert found["shape"] == (2, 2) and found["typestr"] == "<f4" and found["stream"] == 1
    assert found["data"] == (array.address, False)


def test_a_copy_on_the_host_holds_nothing(fake):
    array = device_array(fake, np.ones(4, np.float32))
    copy = np.asarray(array)
    del array
    gc.collect()
    assert fake.used() == 0 and copy.sum() == 4


def test_kinds_go_by_the_package_of_a_type(fake):
    assert kind_of(np.ones(3)) is None and kind_of(1.0) is None and kind_of([1]) is None
    assert kind_of(device_array(fake, np.ones(3))).name == "weft"
    Tensor = type("Tensor", (), {"__module__": "torch.nn"})
    assert kind_of(Tensor()).name == "torch"
    Other = type("Other", (), {"__module__": "library", "__dlpack__": None})
    assert kind_of(Other()).name == "an array library"
