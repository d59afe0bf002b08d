"""The pass itself: what it makes, what it refuses, and that the CPU computes the same."""

import numpy as np
import pytest

from tests.passes.graph.harness import passed
from weft.backends import reference
from weft.diagnostics import WeftError
from weft.dialects.dtype_names import numpy_dtype

SUM = """
  func.func @f(%x: tensor<4xf32>, %k: tensor<4xi32>, %y: tensor<4xf32>) -> tensor<f32> {
    %0 = ml.sin %x : tensor<4xf32>
    %1 = ml.mul %0, %y : tensor<4xf32>
    %2 = ml.reduce add %1 : tensor<4xf32> to tensor<f32>
    func.return %2 : tensor<f32>
  }"""


def functions_of(module):
    return {op.sym_name.data: op for op in module.body.block.ops}


def types_of(function):
    return [str(t) for t in function.function_type.inputs], [str(t) for t in function.function_type.outputs]


def test_all_arguments_of_floats_get_gradients_unless_some_are_named():
    x, scalar, ints = "tensor<4xf32>", "tensor<f32>", "tensor<4xi32>"
    made = functions_of(passed(SUM, "differentiate", function="f"))["f.grad"]
    assert types_of(made) == ([x, ints, x], [scalar, x, x])
    made = functions_of(passed(SUM, "differentiate", function="f", wrt=(2,), gradient="g"))["g"]
    assert types_of(made) == ([x, ints, x], [scalar, x])
    made = functions_of(passed(SUM, "differentiate", function="f", seed=True))["f.grad"]
    assert types_of(made) == ([x, ints, x, scalar], [scalar, x, x])


def test_the_docstring_shows_what_the_pass_makes():
    text = """
      func.func @f(%x: tensor<4xf32>) -> tensor<f32> {
        %0 = ml.sin %x : tensor<4xf32>
        %1 = ml.reduce add %0 : tensor<4xf32> to tensor<f32>
        func.return %1 : tensor<f32>
      }"""
    module = passed(text, "differentiate", function="f")
    gradient = functions_of(module)["f.grad"]
    ops = [op.name for op in gradient.body.block.ops]
    assert ops == ["ml.sin", "ml.reduce", "ml.constant", "ml.broadcast_in_dim", "ml.cos", "ml.mul", "func.return"]
    assert str(gradient.res_attrs.data[1]) == '{weft.name = "d_x"}'


def test_what_no_gradient_needs_is_left_out():
    text = """
      func.func @f(%x: tensor<4xf32>, %w: tensor<4xf32>) -> tensor<f32> {
        %0 = ml.mul %x, %w : tensor<4xf32>
        %1 = ml.reduce add %0 : tensor<4xf32> to tensor<f32>
        func.return %1 : tensor<f32>
      }"""
    module = passed(text, "differentiate", function="f", wrt=(1,))
    assert [op.name for op in functions_of(module)["f.grad"].body.block.ops].count("ml.mul") == 2


def test_the_example_inputs_of_the_arguments_stay():
    text = 'func.func @f(%x: f32 {weft.input = "a.npy", weft.name = "weight"}) -> f32 { func.return %x : f32 }'
    made = functions_of(passed(text, "differentiate", function="f"))["f.grad"]
    assert str(made.arg_attrs.data[0]) == '{weft.input = "a.npy", weft.name = "weight"}'
    assert str(made.res_attrs.data[1]) == '{weft.name = "d_weight"}'


def test_an_argument_that_does_not_matter_has_zeros():
    text = "func.func @f(%x: f32, %y: tensor<?x2xf32>) -> f32 { func.return %x : f32 }"
    module = passed(text, "differentiate", function="f")
    value, one, zeros = reference.run(module, "f.grad", [np.float32(3), np.ones((3, 2), np.float32)])
    assert (value, one) == (3, 1)
    np.testing.assert_array_equal(zeros, np.zeros((3, 2), np.float32))


NON_SMOOTH = [
    ("ml.relu %x : tensor<3xf64>", [0.0, -1, 2], [0, 0, 1]),
    ("ml.abs %x : tensor<3xf64>", [0.0, -1, 2], [0, -1, 1]),
    ("ml.max %x, %z : tensor<3xf64>", [0.0, -1, 2], [0.5, 0, 1]),
    ("ml.min %x, %z : tensor<3xf64>", [0.0, -1, 2], [0.5, 1, 0]),
    ("ml.pow %x, %z : tensor<3xf64>", [0.0, -1, 2], [0, 0, 0]),
    ("ml.mul %x, %m : tensor<3xf64>", [2.0, -1, 2], [2 + 3 / 2, 2, 2 + 3 / 2]),
    ("ml.floor %x : tensor<3xf64>", [0.5, -1, 2], [0, 0, 0]),
]


@pytest.mark.parametrize("op, x, expected", NON_SMOOTH, ids=[op for op, _, _ in NON_SMOOTH])
def test_where_a_function_is_not_smooth_the_gradient_is_between_those_beside_it(op, x, expected):
    text = f"""
      func.func @f(%x: tensor<3xf64>) -> tensor<f64> {{
        %z = ml.constant dense<0.0> : tensor<3xf64>
        %most = ml.reduce max %x : tensor<3xf64> to tensor<f64>
        %m = ml.broadcast_in_dim %most, dims = [] : tensor<f64> to tensor<3xf64>
        %0 = {op}
        %1 = ml.reduce add %0 : tensor<3xf64> to tensor<f64>
        func.return %1 : tensor<f64>
      }}"""
    module = passed(text, "differentiate", function="f")
    _, gradient = reference.run(module, "f.grad", [np.array(x)])
    np.testing.assert_array_equal(gradient, expected)


@pytest.mark.parametrize("x, expected", [([2.0, 3, 0], [0, 0, 6]), ([0.0, 3, 0], [0, 0, 0]), ([2.0, 3, 4], [12, 8, 6])])
def test_a_product_has_a_gradient_at_zero(x, expected):
    text = """
      func.func @f(%x: tensor<3xf64>) -> tensor<f64> {
        %0 = ml.reduce mul %x : tensor<3xf64> to tensor<f64>
        func.return %0 : tensor<f64>
      }"""
    module = passed(text, "differentiate", function="f")
    _, gradient = reference.run(module, "f.grad", [np.array(x)])
    np.testing.assert_array_equal(gradient, expected)


@pytest.mark.parametrize(
    "x, expected", [([2.0, 3, 4], [16, 10, 6]), ([2.0, 0, 4], [1, 10, 0]), ([0.0, 3, 0], [4, 0, 0])]
)
def test_a_running_product_has_a_gradient_at_zero(x, expected):
    text = """
      func.func @f(%x: tensor<3xf64>) -> tensor<f64> {
        %0 = ml.cumprod %x : tensor<3xf64>
        %1 = ml.reduce add %0 : tensor<3xf64> to tensor<f64>
        func.return %1 : tensor<f64>
      }"""
    module = passed(text, "differentiate", function="f")
    _, gradient = reference.run(module, "f.grad", [np.array(x)])
    np.testing.assert_array_equal(gradient, expected)


F = "func.func @f({}) -> {} {{ {} }}"
BAD = [
    ({"function": "g"}, SUM, "there is no function @g to differentiate"),
    ({"function": "f", "wrt": (1,)}, SUM, r"argument 1 of @f is tensor<4xi32>: only floats have gradients"),
    ({"function": "f", "wrt": (3,)}, SUM, "@f has no argument 3: it has 3, counted from 0"),
    ({"function": "f", "wrt": (0, 0)}, SUM, "wrt names an argument of @f twice: 0, 0"),
    ({"function": "f", "gradient": "f"}, SUM, "there is a function @f already"),
    ({"function": "f"}, F.format("%x: tensor<4xf32>", "tensor<4xf32>", "func.return %x : tensor<4xf32>"),
     r"the first result of @f must be a float or a tensor of rank 0, but it gives tensor<4xf32>"),
    ({"function": "f"}, F.format("%x: i32", "i32", "func.return %x : i32"), "no argument of floats"),
    ({"function": "f", "seed": True}, F.format("%x: f32, %y: i32", "i32", "func.return %y : i32"),
     "no result of floats"),
    ({"function": "f"}, "func.func private @f(f32) -> f32", "@f has no body to differentiate"),
    ({"function": "f"}, F.format("%x: f32", "f32", "cf.br ^a(%x : f32)\n ^a(%y: f32):\n func.return %y : f32"),
     "only structured control flow has gradients"),
    ({"function": "f"}, F.format("%x: f32", "f32", "%0 = func.call @f(%x) : (f32) -> f32\n func.return %0 : f32"),
     "@f calls itself"),
    ({"function": "f"}, F.format("%x: f32", "f32", "%0 = func.call @h(%x) : (f32) -> f32\n func.return %0 : f32")
     + "\nfunc.func private @h(f32) -> f32", "a call of @h, which has no body, has no gradient"),
    ({"function": "f"}, F.format("%x: f32, %m: memref<f32>", "f32", "memref.store %x, %m[] : memref<f32>\n"
     "%0 = memref.load %m[] : memref<f32>\n func.return %0 : f32"), "memref.store writes memory"),
    ({"function": "f"}, F.format("%x: tensor<4xf32>", "tensor<f32>", """
        %z = ml.constant dense<0.0> : tensor<f32>
        %0 = ml.reduce(%x init %z), dims = [0] : (tensor<4xf32>, tensor<f32>) -> tensor<f32> {
        ^bb0(%a: tensor<f32>, %b: tensor<f32>):
          %c = ml.abs %b : tensor<f32>
          %d = ml.add %a, %c : tensor<f32>
          ml.return %d : tensor<f32>
        }
        func.return %0 : tensor<f32>"""), "ml.reduce with a body of its own has no gradient"),
    ({"function": "f"}, F.format("%x: f32", "f32", """
        %0 = scf.while (%a = %x) : (f32) -> f32 {
          %c = arith.cmpf olt, %a, %x : f32
          scf.condition(%c) %a : f32
        } do {
        ^bb0(%b: f32):
          scf.yield %b : f32
        }
        func.return %0 : f32"""), "scf.while has no gradient: how often it runs is not known before"),
]  # fmt: skip


@pytest.mark.parametrize("options, text, message", BAD, ids=[message for _, _, message in BAD])
def test_what_has_no_gradient_is_refused_in_one_sentence(options, text, message):
    with pytest.raises(WeftError, match=message):
        passed(text, "differentiate", **options)


def test_an_op_without_gradient_is_named_with_its_line_only_where_one_would_pass():
    body = "%0 = ml.reduce add %x : tensor<4xf32> to tensor<f32>\n %1 = ml.argmax %x : tensor<4xf32> to tensor<i32>\n"
    passed(
        F.format("%x: tensor<4xf32>", "tensor<f32>", body + "func.return %0 : tensor<f32>"),
        "differentiate",
        function="f",
    )
    text = F.format("%x: tensor<4xf32>", "tensor<f32>", """
        %0 = bufferization.alloc_tensor() copy(%x) : tensor<4xf32>
        %1 = ml.reduce add %0 : tensor<4xf32> to tensor<f32>
        func.return %1 : tensor<f32>""")  # fmt: skip
    with pytest.raises(WeftError, match=r"bufferization.alloc_tensor has no gradient") as error:
        passed(text, "differentiate", function="f")
    assert str(error.value.where).startswith("test.mlir:3:")


def test_a_call_of_other_code_stays_where_no_gradient_passes():
    text = F.format("%x: f32, %k: i32", "f32", "%0 = func.call @h(%k) : (i32) -> i32\n func.return %x : f32")
    module = passed(text + "\nfunc.func private @h(i32) -> i32", "differentiate", function="f")
    assert "func.call" in [op.name for op in functions_of(module)["f.grad"].walk()]


@pytest.mark.parametrize("element", ["f16", "bf16", "f32", "f64"])
def test_every_float_type_has_gradients(element):
    t, s = f"tensor<2x3x{element}>", f"tensor<2x{element}>"
    text = f"""
      func.func @f(%x: {t}) -> {s} {{
        %0 = ml.gelu %x : {t}
        %1 = ml.softmax %0 : {t}
        %2 = ml.log %1 : {t}
        %3 = ml.reduce max %2, dims = [1] : {t} to {s}
        func.return %3 : {s}
      }}"""
    wide = text.replace(element, "f64")
    x = np.array([[0.5, -1, 2], [0.25, 1, -2]])
    expected = reference.run(passed(wide, "differentiate", function="f", seed=True), "f.grad", [x, np.ones(2)])[1]
    module = passed(text, "differentiate", function="f", seed=True)
    dtype = numpy_dtype(element)
    found = reference.run(module, "f.grad", [x.astype(dtype), np.ones(2, dtype)])[1]
    assert found.dtype == dtype
    tolerance = {"f16": 5e-3, "bf16": 5e-2, "f32": 1e-5, "f64": 1e-12}[element]
    np.testing.assert_allclose(found.astype(np.float64), expected, atol=tolerance)
