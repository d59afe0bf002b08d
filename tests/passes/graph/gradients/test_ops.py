"""Every op that has a gradient: against small steps, and the same on the CPU."""

import numpy as np
import pytest

import weft
from tests.passes.graph.gradients.cases import CASES
from tests.passes.graph.gradients.finite import check
from tests.passes.graph.harness import passed
from weft.backends import reference
from weft.dialects import ml
from weft.dialects.dtype_names import numpy_dtype
from weft.dialects.ml.dtypes import Kind, kind_of
from weft.passes.graph.decompositions import DECOMPOSITIONS
from weft.passes.graph.gradients.tables import RULES

WITHOUT = (
    ml.ArgmaxOp,
    ml.ArgminOp,
    ml.ComplexOp,
    ml.RealOp,
    ml.ImagOp,
    ml.ConjOp,
    ml.AndOp,
    ml.OrOp,
    ml.XorOp,
    ml.NotOp,
    ml.ShiftLeftOp,
    ml.ShiftRightArithmeticOp,
    ml.ShiftRightLogicalOp,
    ml.IotaOp,
    ml.ConstantOp,
    ml.CompareOp,
    ml.IsFiniteOp,
    ml.GetDimensionSizeOp,
    ml.OneHotOp,
    ml.RngBitGeneratorOp,
    ml.RandomUniformOp,
    ml.RandomNormalOp,
    ml.TriOp,
)
"""Ops that take or give no floats, or whose results are no smooth function of them."""


@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_gradient_of_an_op_is_what_small_steps_show(case):
    check(case.text, *case.values(5))


@pytest.mark.long
@pytest.mark.parametrize("case", [case for case in CASES if case.times > 1], ids=str)
def test_the_gradient_of_an_op_has_a_gradient_itself(case):
    check(case.text, *case.values(7), times=case.times)


TOLERANCE = {"f64": 1e-9, "f32": 1e-4, "bf16": 1e-1}


@pytest.mark.long
@pytest.mark.parametrize("element", TOLERANCE)
@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_cpu_computes_the_same_gradient(case, element):
    module = passed(case.text.replace("f64", element), "differentiate", function="main", seed=True)
    rng, dtype, tolerance = np.random.default_rng(1), numpy_dtype(element), TOLERANCE[element]
    given = [value.astype(dtype) if value.dtype == np.float64 else value for value in case.values(6)]
    results = reference.run(module, "main", given)
    given += [np.asarray(rng.normal(size=np.shape(result))).astype(dtype) for result in results]
    expected = reference.run(module, "main.grad", given)
    found = weft.compile(module, entry="main.grad")(*given)
    for a, b in zip(found, expected, strict=True):
        assert np.asarray(a).dtype == b.dtype
        wide = (np.asarray(x).astype(np.float64) for x in (a, b))
        np.testing.assert_allclose(*wide, rtol=tolerance, atol=tolerance)


def test_every_op_of_ml_has_a_gradient_or_a_reason():
    ops = [op for op in ml.ML.operations if issubclass(op, ml.MlOp)]
    missing = [op.name for op in ops if op not in RULES and op not in DECOMPOSITIONS and op not in WITHOUT]
    assert missing == []


def test_every_op_of_ml_with_a_gradient_is_checked():
    text = " ".join(case.text for case in CASES)
    elementwise = (ml.UnaryOp, ml.BinaryOp)
    others = [op for op in ml.ML.operations if op not in WITHOUT and (op in RULES or op in DECOMPOSITIONS)]
    unchecked = [op.name for op in others if not issubclass(op, elementwise) and f"{op.name} " not in f"{text} "]
    unchecked = [name for name in unchecked if f"{name}(" not in text]
    assert sorted(unchecked) == ["ml.bitcast_convert", "ml.convert", "ml.quantize", "ml.reduce_precision"]


def test_conversions_pass_the_gradient_on_between_floats():
    text = """
      func.func @main(%x: tensor<3xf32>) -> tensor<3xf64> {
        %0 = ml.convert %x : tensor<3xf32> to tensor<3xf64>
        %1 = ml.mul %0, %0 : tensor<3xf64>
        func.return %1 : tensor<3xf64>
      }"""
    module = passed(text, "differentiate", function="main", seed=True)
    x = np.array([1, 2, 3], np.float32)
    gradient = reference.run(module, "main.grad", [x, np.ones(3)])[1]
    assert gradient.dtype == np.float32
    np.testing.assert_array_equal(gradient, 2 * x)


@pytest.mark.parametrize("kind", [Kind.SIGNED, Kind.BOOL])
def test_no_gradient_passes_through_integers(kind):
    element = next(e for e in ("i32", "i1") if kind_of(_type(e)) is kind)
    text = f"""
      func.func @main(%x: tensor<3xf64>) -> tensor<3xf64> {{
        %0 = ml.convert %x : tensor<3xf64> to tensor<3x{element}>
        %1 = ml.convert %0 : tensor<3x{element}> to tensor<3xf64>
        %2 = ml.mul %1, %x : tensor<3xf64>
        func.return %2 : tensor<3xf64>
      }}"""
    module = passed(text, "differentiate", function="main", seed=True)
    x = np.array([1.5, -2.5, 0])
    _, gradient = reference.run(module, "main.grad", [x, np.ones(3)])
    np.testing.assert_array_equal(gradient, x.astype(np.int32) if element == "i32" else x != 0)


def _type(name):
    from xdsl.dialects.builtin import i1, i32

    return {"i32": i32, "i1": i1}[name]
