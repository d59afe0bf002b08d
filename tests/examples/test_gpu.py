"""The GPU course: each kernel by hand gives what its twin on tensors gives, in the simulator."""

from pathlib import Path

import numpy as np
import pytest

import weft
from weft.driver.inputs import read_value

FOLDER = Path(__file__).parents[2] / "examples" / "gpu"
PROGRAMS = sorted(path.stem for path in FOLDER.glob("*.mlir"))
TWINS = [name for name in PROGRAMS if name != "device_query"]

QUICK = ("matmul_tensor_cores", "matmul_tiled", "reduction")


def result(name, entry, target="gpu-sim"):
    """What a function of an example gives on the inputs that it carries."""
    path = FOLDER / f"{name}.mlir"
    compiled = weft.compile(path, target, entry=entry)
    arguments = compiled.signature.arguments
    return compiled(*(read_value(spec.default, path.parent, spec.name, n) for n, spec in enumerate(arguments)))


@pytest.mark.parametrize(
    "name", [name if name in QUICK else pytest.param(name, marks=pytest.mark.long) for name in TWINS]
)
def test_a_kernel_by_hand_gives_what_its_twin_gives(name):
    by_hand, twin = result(name, "main"), result(name, "twin")
    assert np.asarray(by_hand).dtype == np.asarray(twin).dtype
    np.testing.assert_allclose(by_hand, twin, rtol=2e-4, atol=1e-5)


@pytest.mark.gpu
@pytest.mark.parametrize("name", TWINS)
def test_a_kernel_by_hand_gives_what_its_twin_gives_on_a_gpu(name):
    by_hand, twin = result(name, "main", "cuda"), result(name, "twin", "cuda")
    np.testing.assert_allclose(by_hand, twin, rtol=2e-4, atol=1e-5)


def test_a_thread_says_who_it_is():
    assert result("device_query", "main") == (96, 4, 32, 3, 37, 1, 5, 229)


def test_more_threads_than_a_block_can_hold_are_refused_at_the_launch():
    with pytest.raises(weft.WeftError, match=r"vector_add.mlir:\d+:\d+.*1,?024"):
        result("vector_add", "too_many")


@pytest.mark.parametrize("name", PROGRAMS)
def test_each_program_says_what_it_shows_and_how_it_runs(name):
    head = (FOLDER / f"{name}.mlir").read_text().partition("\n\n")[0]
    assert f"weft run examples/gpu/{name}.mlir" in head
    assert head.startswith("// ")


def test_who_forgets_the_target_is_told_it():
    with pytest.raises(weft.WeftError, match="for a device") as error:
        weft.compile(FOLDER / "vector_add.mlir", entry="main")
    assert "--target" in str(error.value)
