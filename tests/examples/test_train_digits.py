"""The training example: it learns, from images that it is not asked for."""

from pathlib import Path

import numpy as np
import pytest

import weft
from weft.diagnostics import WeftError

FILE = Path(__file__).parents[2] / "examples" / "train_digits.mlir"


@pytest.fixture(scope="module")
def data():
    with np.load(FILE.with_name("digits_training.npz")) as known, np.load(FILE.with_name("digits.npz")) as new:
        return known["images"], known["labels"], new["images"], new["labels"]


def test_no_image_is_both_trained_on_and_asked_for(data):
    known, _, new, _ = data
    assert len(known) == 1437 and len(new) == 360
    assert not {image.tobytes() for image in known} & {image.tobytes() for image in new}


def test_the_network_learns_from_random_weights(data):
    loss, accuracy = weft.compile(FILE)(*data)
    assert loss < 0.01
    assert accuracy >= 0.97


def steps(count):
    text = FILE.read_text()
    assert "%steps = arith.constant 2000" in text
    return text.replace("%steps = arith.constant 2000", f"%steps = arith.constant {count}")


def test_it_knows_nothing_before(data):
    loss, accuracy = weft.compile(steps(0))(*data)
    assert loss == 0 and accuracy < 0.3


def test_a_gradient_of_another_type_than_declared_is_an_error_with_both_types(data):
    text = FILE.read_text().replace("array<i64: 0, 1, 2, 3, 4, 5>", "array<i64: 0, 1, 2, 3, 5, 4>")
    with pytest.raises(WeftError, match=r"@gradient is declared as .*, but the gradient is .*"):
        weft.compile(text)
