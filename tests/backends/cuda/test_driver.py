"""The driver: its errors, and what is said where it or its package is missing."""

import sys

import pytest

from tests.fake_cuda import Fake
from weft import WeftError, codes
from weft.backends.cuda import target_facts
from weft.backends.cuda.driver import Driver, driver
from weft.backends.cuda.gpu import current_gpu, sized


def test_without_the_package_it_is_named(monkeypatch):
    driver.cache_clear()
    monkeypatch.setitem(sys.modules, "cuda.bindings.driver", None)
    with pytest.raises(WeftError, match="the target cuda needs the Python package cuda-bindings") as error:
        driver()
    assert error.value.code is codes.MISSING_PACKAGE and "pip install 'weft[cuda]'" in str(error.value)


def test_an_old_driver_is_told():
    with pytest.raises(WeftError, match="the NVIDIA driver has no 'cuLaunchKernelEx'") as error:
        Driver(lambda name: None).status("cuLaunchKernelEx", 0, 0, 0, 0)
    assert error.value.code is codes.NO_DEVICE


def test_a_driver_without_a_gpu_is_told():
    fake = Fake()
    fake.cuDeviceGetCount = lambda place: 0
    with pytest.raises(WeftError, match="there is no GPU to run on"):
        current_gpu(fake.driver())


def test_errors_have_the_names_of_the_driver():
    fake = Fake()
    fake.fail("cuMemFree", 700, 1)
    with pytest.raises(WeftError, match=r"cuMemFree failed: CUDA_ERROR_ILLEGAL_ADDRESS \(as the fake says\)") as error:
        fake.driver().call("cuMemFree", 1)
    assert "the GPU no more" in str(error.value)
    with pytest.raises(WeftError, match="cuMemFree failed: CUDA_ERROR_1"):
        fake.driver().call("cuMemFree", 1)


def test_the_facts_of_a_gpu_are_asked_of_it():
    gpu = current_gpu(Fake().driver())
    assert gpu.name == "Fake GPU"
    assert (gpu.facts.chip, gpu.facts.ptx, gpu.facts.multiprocessors, gpu.facts.shared_bytes) == (
        "sm_90a",
        86,
        4,
        232448,
    )


def test_a_chip_that_is_none_is_refused():
    with pytest.raises(WeftError, match="unknown target 'cuda:ninety'") as error:
        target_facts("ninety")
    assert error.value.code is codes.UNKNOWN_TARGET


def test_sizes_are_told_in_units():
    assert [sized(n) for n in (0, 1023, 1 << 20, 3 << 29, 1 << 41)] == [
        "0 bytes",
        "1023 bytes",
        "1 MiB",
        "1.5 GiB",
        "2 TiB",
    ]
