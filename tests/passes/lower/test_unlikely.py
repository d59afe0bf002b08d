"""What is rarely needed is computed in the lanes that need it, and jumped over where none does."""

import numpy as np
import pytest

import weft
from weft.passes.pipelines import CPU
from weft.tools.main import main

PROGRAM = """
func.func @main(%x: tensor<?xTYPE>) -> (tensor<?xTYPE>, tensor<?xTYPE>, tensor<?xTYPE>) {
  %0 = ml.sin %x : tensor<?xTYPE>
  %1 = ml.cos %x : tensor<?xTYPE>
  %2 = ml.tan %0 : tensor<?xTYPE>
  func.return %0, %1, %2 : tensor<?xTYPE>, tensor<?xTYPE>, tensor<?xTYPE>
}
"""


@pytest.mark.parametrize(("type_", "dtype"), [("f32", np.float32), ("f64", np.float64)])
def test_large_numbers_among_small_ones_are_right_in_every_lane(type_, dtype):
    compiled, rng = weft.compile(PROGRAM.replace("TYPE", type_), threads=1), np.random.default_rng(2)
    for n in (0, 1, 7, 40, 131):
        x = rng.normal(size=n).astype(dtype)
        x[rng.random(n) < 0.1] = 1e30
        x[rng.random(n) < 0.1] = -np.inf
        x[rng.random(n) < 0.1] = 12345678
        with np.errstate(invalid="ignore"):
            wide = x.astype(np.float64)
            expected = np.sin(wide), np.cos(wide), np.tan(np.sin(wide))
        for found, wanted in zip(compiled(x), expected, strict=True):
            np.testing.assert_allclose(found, wanted, rtol=4 * np.finfo(dtype).eps, atol=1e-30)


def test_the_library_is_called_aside(tmp_path, capsys):
    file = tmp_path / "a.mlir"
    file.write_text(PROGRAM.replace("?", "64").replace("TYPE", "f32"))
    assert main(["opt", str(file), "--pass-pipeline", CPU]) == 0
    text = capsys.readouterr().out
    width = text.partition("vector.reduce.and.v")[2].partition("i1")[0]
    assert int(width) > 1
    aside = text.index(f'"llvm.sin.v{width}f32"')
    assert text.rindex("^bb", 0, aside) > text.rindex("vector.reduce.and", 0, aside)
