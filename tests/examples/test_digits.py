"""The digits example: what it prints is what NumPy computes from the same file."""

from pathlib import Path

import numpy as np
import pytest

import weft

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture(scope="module")
def data():
    with np.load(EXAMPLES / "digits.npz") as archive:
        return {name: archive[name] for name in archive.files}


def scores(data, images):
    x = images.astype(np.float32) / 16
    for n in (1, 2):
        x = np.maximum(x @ data[f"w{n}"] + data[f"b{n}"], 0)
    return x @ data["w3"] + data["b3"]


@pytest.mark.parametrize("target", ["cpu", "reference"])
def test_labels_and_accuracy_are_those_of_numpy(data, target):
    digits, accuracy = weft.compile(EXAMPLES / "digits.mlir", target)(**data)
    expected = scores(data, data["images"]).argmax(1)
    np.testing.assert_array_equal(digits, expected)
    assert abs(accuracy - (expected == data["labels"]).mean()) < 1e-6
    assert accuracy >= 0.97


@pytest.mark.parametrize("rows", [1, 2, 17, 360])
def test_scores_agree_with_numpy_for_any_batch(data, rows):
    text = (EXAMPLES / "digits.mlir").read_text()
    returned = "func.return %digits, %accuracy : tensor<?xi32>, tensor<f32>"
    text = text.replace(returned, "func.return %scores : tensor<?x10xf32>")
    text = text.replace(
        '(tensor<?xi32> {weft.name = "digits"}, tensor<f32> {weft.name = "accuracy"})', "tensor<?x10xf32>"
    )
    images = data["images"][:rows]
    found = weft.compile(text)(**(data | {"images": images, "labels": data["labels"][:rows]}))
    np.testing.assert_allclose(found, scores(data, images), rtol=1e-5, atol=1e-5)
