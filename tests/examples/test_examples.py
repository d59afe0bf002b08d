"""Every example runs by `weft run FILE` alone, agrees with the reference, and shows what its first lines say."""

from functools import cache
from pathlib import Path

import numpy as np
import pytest

from tests.driver.test_pictures import read_png
from tests.examples.reading import carried
from weft.tools.main import main

EXAMPLES = Path(__file__).parents[2] / "examples"
NAMES = sorted(path.stem for path in EXAMPLES.glob("*.mlir"))
ALONE = [name for name in NAMES if name != "layer"]  # a program for the tour, without inputs of its own


@pytest.fixture(scope="module")
def results():
    """The results of each example on the CPU, by label, computed once."""
    return cache(lambda name: carried(EXAMPLES / f"{name}.mlir", "cpu"))


@pytest.mark.parametrize("name", ALONE)
def test_an_example_says_what_it_shows_and_how_to_run_it(name):
    first, *rest = (EXAMPLES / f"{name}.mlir").read_text().splitlines()
    assert first.startswith("// ")
    assert any(f"weft run examples/{name}.mlir" in line for line in rest[:12])
    assert len(rest) < 120


SMALLER = {
    "mandelbrot": [("360x480", "18x24"), ("0.0055555557", "0.0973"), ("constant 100 : index", "constant 9 : index")],
    "stencil": [("to 400", "to 9")],
    "fit": [("constant 1000 : index", "constant 9 : index")],
    "train_digits": [("constant 2000 : index", "constant 5 : index")],
}
"""What would take the reference long, and what is chaotic after many steps."""


@pytest.mark.parametrize("name", ALONE)
def test_an_example_agrees_with_the_reference(name):
    found, expected = (carried(EXAMPLES / f"{name}.mlir", t, *SMALLER.get(name, ())) for t in ("cpu", "reference"))
    for label, value in expected.items():
        np.testing.assert_allclose(found[label], value, rtol=2e-4, atol=1e-4)


def test_the_transformer_continues_what_it_has_seen(results):
    read, following, right = results("transformer_block").values()
    np.testing.assert_array_equal(following[7:23], read[8:24])
    assert right == 1.0


def test_the_weights_of_the_transformer_are_those_that_its_script_makes():
    space = {"__name__": "script", "__file__": str(EXAMPLES / "transformer_block.py")}
    exec((EXAMPLES / "transformer_block.py").read_text(), space)
    with np.load(EXAMPLES / "transformer_block.npz") as archive:
        made = space["weights"]()
        assert sorted(made) == sorted(archive.files)
        for name in archive.files:
            np.testing.assert_allclose(archive[name], made[name], rtol=1e-6, atol=1e-6)


def test_the_residual_block_leaves_the_outline_of_each_shape(results):
    shapes, outlines = results("resnet_block").values()
    around = np.pad(shapes, ((0, 0), (1, 1), (1, 1)))
    inner = around[:, 1:-1, :-2] & around[:, 1:-1, 2:] & around[:, :-2, 1:-1] & around[:, 2:, 1:-1]
    np.testing.assert_array_equal(outlines, shapes & ~inner)


def test_the_lstm_counts_the_ones_since_the_last_reset(results):
    ones, resets, counts = results("lstm").values()
    for row, row_resets, row_counts in zip(ones, resets, counts, strict=True):
        count = 0
        for one, reset, said in zip(row, row_resets, row_counts, strict=True):
            count = one + (0 if reset else count)
            assert said == count


def test_the_plate_settles_at_the_solution_of_laplaces_equation(results):
    (degrees,) = results("stencil").values()
    plate = np.zeros((14, 14))
    plate[0, 1:-1] = 100
    for _ in range(2000):
        plate[1:-1, 1:-1] = (plate[:-2, 1:-1] + plate[2:, 1:-1] + plate[1:-1, :-2] + plate[1:-1, 2:]) / 4
    assert np.abs(degrees - plate).max() <= 1


def test_the_groups_are_found(results):
    centres, sizes = results("kmeans").values()
    np.testing.assert_allclose(centres, [[0, 0], [10, 0], [5, 8]], atol=0.25)
    np.testing.assert_array_equal(sizes, [30, 30, 30])


def test_the_mandelbrot_set_becomes_a_picture(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["run", str(EXAMPLES / "mandelbrot.mlir")]) == 0
    assert capsys.readouterr().out == "picture: 360x480xui8, written to mandelbrot.png\n"
    picture = read_png((tmp_path / "mandelbrot.png").read_bytes())[..., 0]
    c = (-2 + np.arange(480) / 180) + 1j * (-1 + np.arange(360)[:, None] / 180)
    z, count = np.zeros_like(c), np.zeros(c.shape, int)
    for _ in range(100):
        inside = z.real**2 + z.imag**2 <= 4
        count += inside
        z = np.where(inside, z * z + c, z)
    expected = np.where(count == 100, 0, np.minimum(8 * count, 255))
    # single precision decides some points of the border otherwise
    assert (picture == expected).mean() > 0.99
