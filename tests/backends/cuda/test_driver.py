"""The driver: its errors, and what is said where it or its package is missing."""

import sys

import pytest

from tests.fake_cuda import Fake
from weft import WeftError, codes
from weft.backends.cuda import target_facts
from weft.backends.cuda.driver import Driver, driver
from weft.backends.cuda.gpu import current_gpu, sized
from weft.backends.gpu_options import read_gpu_options
from weft.driver.compile import split_target


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


def test_a_thread_without_a_context_is_not_asked_which_gpu_it_uses():
    """The driver calls that an error, which tools that watch calls report."""
    fake = Fake()
    assert current_gpu(fake.driver()).ordinal == 0 and "cuCtxGetDevice" not in fake.calls
    fake.context = 77
    assert current_gpu(fake.driver()).ordinal == 0 and "cuCtxGetDevice" in fake.calls


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


@pytest.mark.parametrize(
    "options, chip, ptx",
    [("", "sm_90a", 86), ("sm_80", "sm_80", 86), ("+ptx88", "sm_90a", 88), ("sm_90a,+ptx86", "sm_90a", 86)],
)
def test_a_chip_and_a_version_of_ptx_may_be_asked_for(monkeypatch, options, chip, ptx):
    monkeypatch.setattr("weft.backends.cuda.gpu.driver", lambda: Fake().driver())
    facts = target_facts(options)
    assert (facts.chip, facts.ptx, facts.multiprocessors) == (chip, ptx, 4)


@pytest.mark.parametrize("target", ["cuda:sm_90a,+ptx86", "gpu-sim:sm_90a,+ptx86", "gpu-sim,+ptx86"])
def test_commands_read_a_target_alike(target):
    name, options = split_target(target)
    assert (name, read_gpu_options(options, name).ptx) == (target[: len(name)], 86)
    for wrong, said in (("sm_90a,+ptx78", "needs .ptx80"), ("sm_90a,+avx", "no version"), ("sm_80,sm_75", "two chips")):
        with pytest.raises(WeftError, match=said):
            read_gpu_options(wrong, name)


def test_sizes_are_told_in_units():
    assert [sized(n) for n in (0, 1023, 1 << 20, 3 << 29, 1 << 41)] == [
        "0 bytes",
        "1023 bytes",
        "1 MiB",
        "1.5 GiB",
        "2 TiB",
    ]
