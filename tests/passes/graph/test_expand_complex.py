"""`expand-complex`: no complex number is left, nothing is computed that nobody needs, and what it cannot do is said."""

import numpy as np
import pytest

from tests.passes.graph.harness import module_of, passed, run_passes
from weft.backends import reference
from weft.diagnostics import WeftError
from weft.dialects import ml
from weft.passes.graph.constants import array_of


def names(module):
    """The names of the ops inside the function, in order."""
    return [op.name for op in module.walk() if op.name not in ("builtin.module", "func.func", "func.return")]


def test_parts_that_are_computed_are_used_again():
    module = passed(
        """func.func @main(%x: tensor<4xcomplex<f32>>) -> tensor<4xcomplex<f32>> {
          %0 = ml.neg %x : tensor<4xcomplex<f32>>
          %1 = ml.neg %0 : tensor<4xcomplex<f32>>
          func.return %1 : tensor<4xcomplex<f32>>
        }""",
        "expand-complex",
    )
    assert names(module) == ["ml.slice", "ml.slice", *["ml.neg"] * 4, "ml.concatenate"]


def test_a_part_that_nobody_takes_is_not_computed():
    module = passed(
        """func.func @main(%x: tensor<4xcomplex<f32>>, %y: tensor<4xcomplex<f32>>) -> tensor<4xf32> {
          %0 = ml.add %x, %y : tensor<4xcomplex<f32>>
          %1 = ml.imag %0 : tensor<4xcomplex<f32>>
          func.return %1 : tensor<4xf32>
        }""",
        "expand-complex",
    )
    assert names(module) == ["ml.slice", "ml.slice", "ml.add", "ml.reshape"]


def test_ops_that_move_elements_stay_one_op():
    module = passed(
        """func.func @main(%x: tensor<4x3xcomplex<f64>>) -> tensor<1x4xcomplex<f64>> {
          %0 = ml.transpose %x, perm = [1, 0] : tensor<4x3xcomplex<f64>> to tensor<3x4xcomplex<f64>>
          %1 = ml.slice %0 [0:3:3, 0:4] : tensor<3x4xcomplex<f64>> to tensor<1x4xcomplex<f64>>
          func.return %1 : tensor<1x4xcomplex<f64>>
        }""",
        "expand-complex",
    )
    assert names(module) == ["ml.transpose", "ml.slice"]
    assert str(module.body.block.first_op.function_type) == "(tensor<4x3x2xf64>) -> tensor<1x4x2xf64>"


def test_a_constant_keeps_the_bits_of_its_parts():
    module = passed(
        """func.func @main() -> tensor<2xcomplex<f32>> {
          %0 = ml.constant dense<"0x0000803F000000800000C07F00000040"> : tensor<2xcomplex<f32>>
          func.return %0 : tensor<2xcomplex<f32>>
        }""",
        "expand-complex",
    )
    (constant,) = (op for op in module.walk() if isinstance(op, ml.ConstantOp))
    found = array_of(constant.result)
    assert found.tobytes() == np.array([[1, -0.0], [np.nan, 2]], np.float32).tobytes()


def test_floats_have_parts_too():
    module = passed(
        """func.func @main(%x: tensor<?xf16>) -> (tensor<?xf16>, tensor<?xf16>) {
          %0 = ml.real %x : tensor<?xf16>
          %1 = ml.imag %x : tensor<?xf16>
          func.return %0, %1 : tensor<?xf16>, tensor<?xf16>
        }""",
        "expand-complex",
    )
    assert not {"ml.real", "ml.imag"} & set(names(module))
    x = np.array([1, -2], np.float16)
    real, imaginary = reference.run(module, "main", [x])
    assert real.tolist() == [1, -2] and imaginary.tolist() == [0, 0]


def test_numbers_go_through_every_control_flow():
    text = """func.func @main(%x: tensor<2xcomplex<f32>>, %p: i1) -> tensor<2xcomplex<f32>> {
      %0 = scf.if %p -> (tensor<2xcomplex<f32>>) {
        %1 = ml.conj %x : tensor<2xcomplex<f32>>
        scf.yield %1 : tensor<2xcomplex<f32>>
      } else {
        scf.yield %x : tensor<2xcomplex<f32>>
      }
      cf.cond_br %p, ^a(%0 : tensor<2xcomplex<f32>>), ^b(%x : tensor<2xcomplex<f32>>)
    ^a(%y: tensor<2xcomplex<f32>>):
      %2 = ml.mul %y, %y : tensor<2xcomplex<f32>>
      cf.br ^b(%2 : tensor<2xcomplex<f32>>)
    ^b(%z: tensor<2xcomplex<f32>>):
      func.return %z : tensor<2xcomplex<f32>>
    }"""
    x = np.array([1 + 2j, -1j], np.complex64)
    before, after = module_of(text), passed(text, "expand-complex")
    assert "complex" not in str(after)
    for p in (True, False):
        (expected,) = reference.run(before, "main", [x, p])
        (found,) = reference.run(after, "main", [x.view(np.float32).reshape(2, 2), p])
        np.testing.assert_array_equal(found.reshape(-1).view(np.complex64), expected)


def test_a_module_of_real_numbers_is_left_alone():
    module = module_of("func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> { func.return %x : tensor<4xf32> }")
    before = str(module)
    run_passes(module, "expand-complex")
    assert str(module) == before


REFUSED = [
    ("func.func @main(%x: complex<f32>) { func.return }", "'func.func' has values of type complex<f32>"),
    ("func.func @main(%x: memref<4xcomplex<f32>>) { func.return }", "memref<4xcomplex<f32>>"),
    ("func.func @main(%x: tensor<4xcomplex<i32>>) { func.return }", "tensor<4xcomplex<i32>>"),
    (
        """func.func @main(%x: tensor<4xcomplex<f32>>, %i: index) {
          %0 = tensor.extract %x[%i] : tensor<4xcomplex<f32>>
          func.return
        }""",
        "'tensor.extract' has values of type",
    ),
]


@pytest.mark.parametrize(("text", "says"), REFUSED, ids=["scalar", "memref", "integers", "extract"])
def test_what_has_no_form_in_pairs_is_refused(text, says):
    with pytest.raises(WeftError) as caught:
        passed(text, "expand-complex")
    assert says in str(caught.value)
