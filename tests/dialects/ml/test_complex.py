"""Complex numbers: types, verifiers, and meanings against NumPy."""

import numpy as np
import pytest
from xdsl.dialects.builtin import ComplexType, Float32Type, Float64Type, i32
from xdsl.utils.exceptions import VerifyException

from tests.dialects.ml.support import read, value, written
from weft.dialects import ml
from weft.dialects.ml.base import tensor_type
from weft.dialects.ml.dtypes import dtype_of, element_type_of, kind_of

C64, C128 = ComplexType(Float32Type()), ComplexType(Float64Type())
BOTH = (C64, C128)

# Parts at which formulas break: zeros of both signs, equal parts, the borders of the type.
PARTS = (0.0, -0.0, 0.5, -1.0, 1.0, 3.0, -2.5, 1e-30, 1e30)


def grid(element):
    return np.array([complex(a, b) for a in PARTS for b in PARTS], dtype_of(element))


def test_types_have_numpys_dtypes():
    assert dtype_of(C64) == np.complex64 and dtype_of(C128) == np.complex128
    assert element_type_of(np.dtype(np.complex64)) == C64 and element_type_of(np.dtype(np.complex128)) == C128
    assert kind_of(ComplexType(i32)) is None


UNARY = {
    ml.NegOp: np.negative,
    ml.ConjOp: np.conj,
    ml.ExpOp: np.exp,
    ml.LogOp: np.log,
    ml.SqrtOp: np.sqrt,
    ml.RsqrtOp: lambda x: 1 / np.sqrt(x),
    ml.SinOp: np.sin,
    ml.CosOp: np.cos,
    ml.TanOp: np.tan,
    ml.TanhOp: np.tanh,
    ml.AbsOp: np.abs,
    ml.RealOp: np.real,
    ml.ImagOp: np.imag,
}


@pytest.mark.parametrize("element", BOTH, ids=str)
@pytest.mark.parametrize("op", UNARY, ids=lambda op: op.name)
def test_unary_meanings_are_numpys_in_double_precision_rounded_once(op, element):
    x = grid(element)
    made = op(value(element, x.size))
    with np.errstate(all="ignore"):
        expected = np.asarray(UNARY[op](x.astype(np.complex128)))
        expected = expected.astype(dtype_of(tensor_type(made.result).element_type))
    (found,) = made.evaluate(x)
    assert found.dtype == expected.dtype
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("element", BOTH, ids=str)
@pytest.mark.parametrize(
    ("op", "meaning"), [(ml.AddOp, np.add), (ml.SubOp, np.subtract), (ml.MulOp, np.multiply), (ml.DivOp, np.divide)]
)
def test_binary_meanings_are_numpys(op, meaning, element):
    x = grid(element)
    a, b = np.repeat(x, x.size), np.tile(x, x.size)
    with np.errstate(all="ignore"):
        expected = meaning(a.astype(np.complex128), b.astype(np.complex128)).astype(a.dtype)
    (found,) = op(value(element, a.size), value(element, a.size)).evaluate(a, b)
    assert found.dtype == expected.dtype
    np.testing.assert_array_equal(found, expected)


BY_FORMULA = {
    ml.Expm1Op: lambda x: np.exp(x) - 1,
    ml.Log1pOp: lambda x: np.log(x + 1),
    ml.CbrtOp: lambda x: np.exp(np.log(x) / 3),
    ml.SigmoidOp: lambda x: 1 / (1 + np.exp(-x)),
    ml.SignOp: lambda x: x / np.abs(x),
}


@pytest.mark.parametrize("op", BY_FORMULA, ids=lambda op: op.name)
def test_meanings_that_numpy_lacks_are_their_formulas(op):
    rng = np.random.default_rng(3)
    x = 10 ** rng.uniform(-2, 1, 500) * np.exp(1j * rng.uniform(-np.pi, np.pi, 500))
    (found,) = op(value(C128, x.size)).evaluate(x)
    np.testing.assert_allclose(found, BY_FORMULA[op](x), rtol=1e-12)


@pytest.mark.parametrize("op", [ml.Expm1Op, ml.Log1pOp])
def test_meanings_keep_their_digits_near_zero(op):
    x = np.array([1e-20 + 1e-20j, -1e-12j, 1e-9 - 1e-14j], np.complex128)
    np.testing.assert_allclose(op(value(C128, 3)).evaluate(x)[0], x, rtol=1e-8)


def test_signs_of_what_has_none():
    x = np.array([0, complex(np.inf, 1), complex(0, -np.inf), complex(np.inf, np.inf), complex(1, np.nan)])
    (found,) = ml.SignOp(value(C128, 5)).evaluate(x)
    assert found[:3].tolist() == [0, 1, -1j] and np.isnan(found[3:]).all()


def test_powers_and_angles():
    a, b = np.array([0, 0, 0, 2j, 1j], np.complex128), np.array([1, 0, -1, 2, 1j], np.complex128)
    (found,) = ml.PowOp(value(C128, 5), value(C128, 5)).evaluate(a, b)
    assert found[:2].tolist() == [0, 1] and np.isnan(found[2])
    np.testing.assert_allclose(found[3:], [-4, np.exp(-np.pi / 2)])
    y, x = np.array([1 + 1j, 2, -0.5j]), np.array([0.5 - 2j, -1, 3])
    (found,) = ml.Atan2Op(value(C128, 3), value(C128, 3)).evaluate(y, x)
    np.testing.assert_allclose(np.tan(found), y / x, rtol=1e-12)
    assert found[1].real == np.arctan2(2, -1)


def test_parts_make_numbers_and_come_back():
    re, im = np.array([1, np.nan, -0.0], np.float32), np.array([2, 3, np.inf], np.float32)
    (z,) = ml.ComplexOp(value(Float32Type(), 3), value(Float32Type(), 3)).evaluate(re, im)
    assert z.dtype == np.complex64
    np.testing.assert_array_equal(ml.RealOp(value(C64, 3)).evaluate(z)[0], re)
    np.testing.assert_array_equal(ml.ImagOp(value(C64, 3)).evaluate(z)[0], im)


def test_floats_are_numbers_without_an_imaginary_part():
    x = np.array([1, -2], np.float32)
    np.testing.assert_array_equal(ml.RealOp(value(Float32Type(), 2)).evaluate(x)[0], x)
    np.testing.assert_array_equal(ml.ImagOp(value(Float32Type(), 2)).evaluate(x)[0], [0, 0])


def test_conversions_ignore_and_make_imaginary_parts():
    z = np.array([1.5 + 2j, 0 + 1j, 0, -3.7], np.complex128)
    assert ml.ConvertOp(value(C128, 4), Float32Type()).evaluate(z)[0].tolist() == [1.5, 0, 0, np.float32(-3.7)]
    assert ml.ConvertOp(value(C128, 4), i32).evaluate(z)[0].tolist() == [1, 0, 0, -3]
    assert ml.ConvertOp(value(C128, 4), ml.base.i1).evaluate(z)[0].tolist() == [True, True, False, True]
    np.testing.assert_array_equal(ml.ConvertOp(value(C128, 4), C64).evaluate(z)[0], z.astype(np.complex64))
    back = ml.ConvertOp(value(i32, 2), C64).evaluate(np.array([7, -1], np.int32))[0]
    assert back.dtype == np.complex64 and back.tolist() == [7, -1]


def test_numbers_are_equal_where_both_parts_are():
    a = np.array([1 + 2j, 1 + 2j, complex(np.nan, 0), 0j], np.complex64)
    b = np.array([1 + 2j, 1 - 2j, complex(np.nan, 0), complex(-0.0, -0.0)], np.complex64)
    equal = ml.CompareOp("EQ", value(C64, 4), value(C64, 4)).evaluate(a, b)[0]
    assert equal.tolist() == [True, False, False, True]
    other = ml.CompareOp("NE", value(C64, 4), value(C64, 4)).evaluate(a, b)[0]
    assert other.tolist() == [False, True, True, False]


PROGRAM = """
func.func @main(%z: tensor<4xcomplex<f32>>, %x: tensor<4xf64>, %p: tensor<4xi1>) -> tensor<4xcomplex<f64>> {
  %0 = ml.constant dense<[(1.0, -0.0), (2.5, 3.0), (0.0, 0.0), (-1.0, 1.0)]> : tensor<4xcomplex<f32>>
  %1 = ml.select %p, %z, %0 : tensor<4xi1>, tensor<4xcomplex<f32>>
  %2 = ml.abs %1 : tensor<4xcomplex<f32>>
  %3 = ml.real %1 : tensor<4xcomplex<f32>>
  %4 = ml.complex %x, %x : tensor<4xf64>
  %5 = ml.compare NE, %z, %1 : tensor<4xcomplex<f32>>
  func.return %4 : tensor<4xcomplex<f64>>
}
"""


@pytest.mark.parametrize("generic", [False, True])
def test_text_reads_back(generic):
    text = written(read(PROGRAM), generic)
    assert written(read(text), generic) == text
    assert "tensor<4xcomplex<f64>>" in text


def test_results_have_the_types_of_the_parts():
    ops = {op.name: op for op in read(PROGRAM).walk()}
    assert str(ops["ml.abs"].results[0].type) == "tensor<4xf32>"
    assert str(ops["ml.real"].results[0].type) == "tensor<4xf32>"
    assert str(ops["ml.complex"].results[0].type) == "tensor<4xcomplex<f64>>"


REFUSED = [
    ("%r = ml.max %z, %z : tensor<4xcomplex<f32>>", "ml.max takes"),
    ("%r = ml.relu %z : tensor<4xcomplex<f32>>", "ml.relu takes"),
    ("%r = ml.exp2 %z : tensor<4xcomplex<f32>>", "ml.exp2 takes float"),
    ("%r = ml.reduce add %z, dims = [0] : tensor<4xcomplex<f32>> to tensor<complex<f32>>", "ml.reduce takes"),
    ("%r = ml.compare LT, %z, %z : tensor<4xcomplex<f32>>", "complex numbers are compared by EQ or NE, not LT"),
    ("%r = ml.compare EQ, %z, %z {compare_type = #ml<comparison_type TOTALORDER>} : tensor<4xcomplex<f32>>", "FLOAT"),
    ("%r = ml.conj %x : tensor<4xf32>", "ml.conj takes complex"),
    ("%r = ml.real %i : tensor<4xi32>", "ml.real takes"),
    ("%r = ml.complex %h, %h : tensor<4xf16>", "the parts of a complex number are f32 or f64"),
    ("%r = ml.complex %z, %z : tensor<4xcomplex<f32>>", "ml.complex takes float"),
    ("%r = ml.iota dim = 0 : tensor<4xcomplex<f32>>", "ml.iota gives"),
    ("%r = ml.bitcast_convert %x : tensor<4xf32> to tensor<2xcomplex<f32>>", "ml.bitcast_convert gives"),
    ('%r = ml.constant {weft.data = "a.npz:z"} : tensor<4xcomplex<f32>>', "not in a file"),
    ('%r = "ml.abs"(%z) : (tensor<4xcomplex<f32>>) -> tensor<4xcomplex<f32>>', "tensor<4xf32>"),
]


@pytest.mark.parametrize(("line", "says"), REFUSED, ids=[says for _, says in REFUSED])
def test_what_is_no_use_of_complex_numbers_is_refused(line, says):
    arguments = "%z: tensor<4xcomplex<f32>>, %x: tensor<4xf32>, %i: tensor<4xi32>, %h: tensor<4xf16>"
    with pytest.raises(VerifyException, match=says):
        read(f"func.func @f({arguments}) {{ {line}\n func.return }}")
