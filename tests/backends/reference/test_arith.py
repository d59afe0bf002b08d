import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.backends.reference.harness import results_of

WIDTHS = (1, 3, 8, 16, 31, 32, 33, 63, 64)


def signed(value: int, width: int) -> int:
    value &= (1 << width) - 1
    return value - (1 << width) if value >> (width - 1) else value


def quotient(a: int, b: int) -> int:
    return abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)


# By op: signed operands or not, and the meaning on Python integers.
BINARY = {
    "addi": (True, lambda a, b, w: a + b),
    "subi": (True, lambda a, b, w: a - b),
    "muli": (True, lambda a, b, w: a * b),
    "divsi": (True, lambda a, b, w: quotient(a, b) if b else -1),
    "divui": (False, lambda a, b, w: a // b if b else -1),
    "remsi": (True, lambda a, b, w: a - b * quotient(a, b) if b else a),
    "remui": (False, lambda a, b, w: a % b if b else a),
    "floordivsi": (True, lambda a, b, w: a // b if b else -1),
    "ceildivsi": (True, lambda a, b, w: -(-a // b) if b else -1),
    "ceildivui": (False, lambda a, b, w: -(-a // b) if b else -1),
    "maxsi": (True, lambda a, b, w: max(a, b)),
    "minsi": (True, lambda a, b, w: min(a, b)),
    "maxui": (False, lambda a, b, w: max(a, b)),
    "minui": (False, lambda a, b, w: min(a, b)),
    "andi": (False, lambda a, b, w: a & b),
    "ori": (False, lambda a, b, w: a | b),
    "xori": (False, lambda a, b, w: a ^ b),
    "shli": (False, lambda a, b, w: a << b if b < w else 0),
    "shrui": (False, lambda a, b, w: a >> b if b < w else 0),
}


@pytest.mark.parametrize("name", BINARY)
@settings(max_examples=12, deadline=None)
@given(data=st.data())
def test_integer_ops_of_every_width_agree_with_python(name, data):
    width = data.draw(st.sampled_from(WIDTHS))
    edges = [0, 1, -1, width, width - 1, 1 << (width - 1), (1 << (width - 1)) - 1]
    numbers = st.sampled_from(edges) | st.integers(-(1 << 63), (1 << 63) - 1)
    a, b = (signed(data.draw(numbers), width) for _ in range(2))
    text = f"""
      func.func @main() -> i{width} {{
        %a = arith.constant {a} : i{width}
        %b = arith.constant {b} : i{width}
        %r = arith.{name} %a, %b : i{width}
        func.return %r : i{width}
      }}"""
    if width == 1:
        text = text.replace(f"constant {a} : i1", f"constant {'true' if a else 'false'}")
        text = text.replace(f"constant {b} : i1", f"constant {'true' if b else 'false'}")
    (found,) = results_of(text)
    is_signed, meaning = BINARY[name]
    mask = (1 << width) - 1
    operands = (a, b) if is_signed else (a & mask, b & mask)
    expected = signed(meaning(*operands, width), width)
    assert (bool(expected) if width == 1 else expected) == found


def test_arithmetic_shift_brings_the_sign_in():
    text = """
      func.func @main(%a: i8, %n: i8) -> i8 {
        %r = arith.shrsi %a, %n : i8
        func.return %r : i8
      }"""
    assert results_of(text, -128, 3) == (-16,)
    assert results_of(text, -128, 8) == (-1,)
    assert results_of(text, -128, -1) == (-1,)
    assert results_of(text, 127, 200 - 256) == (0,)


@pytest.mark.parametrize("predicate", ["eq", "ne", "slt", "sle", "sgt", "sge", "ult", "ule", "ugt", "uge"])
def test_integer_comparisons_see_signed_or_unsigned(predicate):
    text = f"""
      func.func @main(%a: i8, %b: i8) -> i1 {{
        %r = arith.cmpi {predicate}, %a, %b : i8
        func.return %r : i1
      }}"""
    for a, b in [(0, 0), (-1, 1), (1, -1), (-128, 127), (5, 7)]:
        left, right = (a & 255, b & 255) if predicate[0] == "u" else (a, b)
        relation = {"q": left == right, "e": left != right}.get(predicate[1])
        expected = {
            "eq": left == right,
            "ne": left != right,
            "lt": left < right,
            "le": left <= right,
            "gt": left > right,
            "ge": left >= right,
        }[predicate if predicate in ("eq", "ne") else predicate[1:]]
        del relation
        assert results_of(text, a, b) == (expected,)


@pytest.mark.parametrize(
    ("predicate", "less", "equal", "greater", "unordered"),
    [
        ("false", 0, 0, 0, 0),
        ("oeq", 0, 1, 0, 0),
        ("ogt", 0, 0, 1, 0),
        ("oge", 0, 1, 1, 0),
        ("olt", 1, 0, 0, 0),
        ("ole", 1, 1, 0, 0),
        ("one", 1, 0, 1, 0),
        ("ord", 1, 1, 1, 0),
        ("ueq", 0, 1, 0, 1),
        ("ugt", 0, 0, 1, 1),
        ("uge", 0, 1, 1, 1),
        ("ult", 1, 0, 0, 1),
        ("ule", 1, 1, 0, 1),
        ("une", 1, 0, 1, 1),
        ("uno", 0, 0, 0, 1),
        ("true", 1, 1, 1, 1),
    ],
)
def test_float_comparisons_follow_their_truth_table(predicate, less, equal, greater, unordered):
    text = f"""
      func.func @main(%a: f32, %b: f32) -> i1 {{
        %r = arith.cmpf {predicate}, %a, %b : f32
        func.return %r : i1
      }}"""
    cases = [(1.0, 2.0, less), (2.0, 2.0, equal), (3.0, 2.0, greater), (np.nan, 2.0, unordered)]
    assert [results_of(text, a, b)[0] for a, b, _ in cases] == [bool(e) for *_, e in cases]


def test_floats_to_integers_saturate_and_nan_is_zero():
    for name, low, high in [("fptosi", -128, 127), ("fptoui", 0, -1)]:
        text = f"""
          func.func @main(%a: f32) -> i8 {{
            %r = arith.{name} %a : f32 to i8
            func.return %r : i8
          }}"""
        found = [int(results_of(text, a)[0]) for a in (-1e9, 1e9, np.nan, 3.9, -np.inf)]
        assert found == [low, high, 0, 3, low]


def test_the_greatest_float_below_two_to_the_64_is_an_unsigned_integer():
    text = """
      func.func @main(%a: f64) -> i64 {
        %r = arith.fptoui %a : f64 to i64
        func.return %r : i64
      }"""
    assert results_of(text, np.nextafter(2.0**64, 0)) == (-2048,)
    assert results_of(text, 2.0**64) == (-1,)


def test_conversions_to_bf16_round_once():
    text = """
      func.func @main(%a: f64, %b: i64) -> (bf16, bf16) {
        %r = arith.truncf %a : f64 to bf16
        %s = arith.sitofp %b : i64 to bf16
        func.return %r, %s : bf16, bf16
      }"""
    halfway = 1 + 2.0**-8
    below, above = results_of(text, halfway - 2.0**-40, 0)[0], results_of(text, halfway + 2.0**-40, 0)[0]
    assert (float(below), float(above)) == (1.0, 1 + 2.0**-7)
    assert float(results_of(text, 0.0, 2**62 + 2**54 + 1)[1]) == 2.0**62 + 2.0**55


def test_max_and_min_let_nan_through_and_maxnum_does_not():
    text = """
      func.func @main(%a: f32, %b: f32) -> (f32, f32, f32, f32) {
        %0 = arith.maximumf %a, %b : f32
        %1 = arith.minimumf %a, %b : f32
        %2 = arith.maxnumf %a, %b : f32
        %3 = arith.minnumf %a, %b : f32
        func.return %0, %1, %2, %3 : f32, f32, f32, f32
      }"""
    for args in [(np.nan, 1.0), (1.0, np.nan)]:
        found = results_of(text, *args)
        assert np.isnan(found[0]) and np.isnan(found[1])
        assert found[2:] == (1.0, 1.0)
    zeros = results_of(text, -0.0, 0.0)
    assert [bool(np.signbit(z)) for z in zeros] == [False, True, False, True]


def test_extended_products_give_both_halves():
    text = """
      func.func @main(%a: i64, %b: i64) -> (i64, i64, i64, i64) {
        %l, %h = arith.mulsi_extended %a, %b : i64
        %m, %i = arith.mului_extended %a, %b : i64
        func.return %l, %h, %m, %i : i64, i64, i64, i64
      }"""
    low, high, low_u, high_u = map(int, results_of(text, -3, 5))
    assert (low, high) == (-15, -1)
    assert (low_u, high_u) == (-15, 4)


def test_ops_work_on_tensors_of_bf16():
    text = """
      func.func @main(%a: tensor<3xbf16>) -> tensor<3xbf16> {
        %r = arith.addf %a, %a : tensor<3xbf16>
        func.return %r : tensor<3xbf16>
      }"""
    x = np.array([1.5, -0.0, np.inf], ml_dtypes.bfloat16)
    (found,) = results_of(text, x)
    assert found.dtype == x.dtype
    np.testing.assert_array_equal(found.astype(np.float32), (x + x).astype(np.float32))


def test_dense_constants_of_every_kind_are_read():
    text = """
      func.func @main() -> (tensor<2x2xi1>, tensor<3xi64>, tensor<2xf16>, tensor<4xindex>) {
        %0 = arith.constant dense<[[true, false], [false, true]]> : tensor<2x2xi1>
        %1 = arith.constant dense<[1, -2, 3]> : tensor<3xi64>
        %2 = arith.constant dense<1.5> : tensor<2xf16>
        %3 = arith.constant dense<7> : tensor<4xindex>
        func.return %0, %1, %2, %3 : tensor<2x2xi1>, tensor<3xi64>, tensor<2xf16>, tensor<4xindex>
      }"""
    bools, ints, halves, indices = results_of(text)
    np.testing.assert_array_equal(bools, [[True, False], [False, True]])
    np.testing.assert_array_equal(ints, [1, -2, 3])
    np.testing.assert_array_equal(halves, np.array([1.5, 1.5], np.float16))
    np.testing.assert_array_equal(indices, [7, 7, 7, 7])
