"""Bound arguments are constants of the program: it gives what it gave with them."""

import numpy as np
import pytest

import weft
from weft.driver.binding import bind_arguments
from weft.driver.program import find_entries, parse
from weft.tools.main import main

PROGRAM = """
func.func @main(%x: tensor<?x2xf32>, %w: tensor<2x3xf32> {weft.input = "w.npy"}, %by: f32, %n: index, %yes: i1,
                %bytes: tensor<?xui8>, %last: tensor<f64>)
    -> (tensor<?x3xf32>, f32, index, i1, tensor<?xui8>, tensor<f64>) {
  %0 = ml.matmul %x, %w : (tensor<?x2xf32>, tensor<2x3xf32>) -> tensor<?x3xf32>
  %1 = arith.addf %by, %by : f32
  %2 = arith.addi %n, %n : index
  %3 = ml.add %bytes, %bytes : tensor<?xui8>
  func.return %0, %1, %2, %yes, %3, %last : tensor<?x3xf32>, f32, index, i1, tensor<?xui8>, tensor<f64>
}
"""
VALUES = {
    "x": np.arange(8, dtype=np.float32).reshape(4, 2),
    "w": np.linspace(-1, 1, 6, dtype=np.float32).reshape(2, 3),
    "by": 0.1,
    "n": 7,
    "yes": True,
    "bytes": np.array([0, 100, 200], np.uint8),
    "last": np.array(np.nan),
}


def bound(text, values, folder=None):
    module = parse(text)
    bind_arguments(module, find_entries(module, ()), values, folder)
    module.verify()
    return module


@pytest.mark.parametrize("target", ["cpu", "reference"])
@pytest.mark.parametrize("names", [*([name] for name in VALUES), ["x", "bytes", "by"], list(VALUES)])
def test_a_program_gives_what_it_gave(names, target):
    wanted = weft.compile(PROGRAM, "reference")(**VALUES)
    f = weft.compile(bound(PROGRAM, {name: VALUES[name] for name in names}), target)
    assert [spec.name for spec in f.signature.arguments] == [name for name in VALUES if name not in names]
    found = f(**{name: value for name, value in VALUES.items() if name not in names})
    for one, other in zip(found, wanted, strict=True):
        np.testing.assert_array_equal(np.asarray(one), np.asarray(other))
        assert np.asarray(one).dtype == np.asarray(other).dtype


def test_values_come_from_the_program_and_from_texts(tmp_path):
    np.save(tmp_path / "w.npy", VALUES["w"])
    module = bound(PROGRAM, {"w": None, "n": "3", "yes": "i1=1"}, tmp_path)
    rest = {name: value for name, value in VALUES.items() if name not in ("w", "n", "yes")}
    found, wanted = (weft.compile(p)(**r) for p, r in ((module, rest), (PROGRAM, {**VALUES, "n": 3})))
    for one, other in zip(found, wanted, strict=True):
        np.testing.assert_array_equal(np.asarray(one), np.asarray(other))


OTHERS = """
func.func @main(%m: memref<2xf32>, %t: tensor<2xf32>) {
  func.return
}
func.func @other(%t: tensor<2xf32>, %odd: ui8) {
  func.return
}
"""
CALLED = (
    "func.func @g(%t: i32) { func.return }\nfunc.func @f(%t: i32) { func.call @g(%t) : (i32) -> ()  func.return }\n"
)


@pytest.mark.parametrize(
    "text, values, message",
    [
        (OTHERS, {"u": 1}, "there is no argument 'u' to bind"),
        (OTHERS, {"t": None}, "the program has no input for 't: tensor<2xf32>' to bind"),
        (OTHERS, {"m": np.ones(2, np.float32)}, "argument 'm' is a memref, which may be written: it cannot be bound"),
        (OTHERS, {"t": np.ones(3, np.float32)}, "argument 't' is an array of shape (3,) and dtype float32"),
        (OTHERS, {"t": "nofile.npy"}, "cannot open input file 'nofile.npy'"),
        (OTHERS, {"odd": 1}, "argument 'odd' is a ui8: it cannot be bound"),
        (CALLED, {"t": 1}, "'@g' is called in the program: its arguments cannot be bound"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused(text, values, message, tmp_path):
    with pytest.raises(weft.WeftError) as error:
        bound(text, values, tmp_path)
    assert message in error.value.message


def test_an_argument_is_bound_in_every_function_that_has_it():
    module = bound(OTHERS, {"t": np.ones(2, np.float32)})
    assert [len(f.function_type.inputs) for f in find_entries(module, ())] == [1, 1]


def test_the_command_line_binds(tmp_path, capsys):
    (tmp_path / "p.mlir").write_text(PROGRAM)
    np.save(tmp_path / "w.npy", VALUES["w"])
    words = ["compile", str(tmp_path / "p.mlir"), "--emit=text", "--bind", "w", "--bind", "n=3"]
    assert main(words) == 0
    text = capsys.readouterr().out
    assert "ml.constant dense<[[-1.0" in text and "arith.constant 3 : index" in text and "weft.input" not in text
    assert main([*words, "--bind", "lats"]) == 1
    assert "did you mean 'last'?" in capsys.readouterr().err
