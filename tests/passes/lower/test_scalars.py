"""Every scalar op, scalar and in vectors, on edge values, against NumPy or Python's integers."""

import itertools
import math as libm
from fractions import Fraction

import ml_dtypes
import numpy as np
import pytest
from xdsl.dialects import arith, math
from xdsl.dialects.builtin import (
    FloatAttr,
    IndexType,
    IntegerAttr,
    IntegerType,
    bf16,
    f16,
    f32,
    f64,
    i1,
    i64,
)
from xdsl.ir import Block

from tests.passes.lower.scalar_kernels import Kernels, constant_second, constants, source
from weft.dialects.upstream.arith import ARITH, RemFOp
from weft.passes.lower.scalars import EXTENDED_RULES, SCALAR_RULES

WIDTHS = (1, 3, 8)
ODD_DOUBLES = [
    *(np.inf, -np.inf, np.nan, -0.0, 1e300, -1e300, 1e-300, 5e-324),
    *(65519.99999, 65520.0, 3.3961775292304e38, 3.4e38, 9.183549615799121e-41 / 2),
]
BASES = [0.0, -0.0, 1, -1, 2, -2.5, np.inf, -np.inf, np.nan]
FLOATS = {f32: np.float32, f64: np.float64}
NARROW = {f16: np.float16, bf16: ml_dtypes.bfloat16}


pytestmark = pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")  # NaN is among the values


def int_type(width):
    return i1 if width == 1 else IntegerType(width)


def int_dtype(width, signed=True):
    return np.dtype(bool) if width == 1 else np.dtype(f"{'' if signed else 'u'}int{width}")


def edges(width):
    """Integers at which things break, as signed numbers."""
    low, high = -(1 << (width - 1)), (1 << (width - 1)) - 1
    near = {0, 1, -1, 2, -2, 3, -3, 7, 10, width - 1, width, width + 1, low, low + 1, high, high - 1, high // 3}
    return sorted(x for x in near if low <= x <= high)


def pairs(width):
    a, b = zip(*itertools.product(edges(width), repeat=2), strict=True)
    return [np.array([x & ((1 << width) - 1) for x in side]).astype(int_dtype(width, False)) for side in (a, b)]


# what integer ops mean, on Python's integers: signed a, b; unsigned u, v; the width w


def truncated(a, b):
    q = abs(a) // abs(b)
    return q if (a < 0) == (b < 0) else -q


def power(a, b):
    if b >= 0:
        return pow(a, b, 1 << 64)
    if a == 0:
        return -1
    return {1: 1, -1: -1 if b % 2 else 1}.get(a, 0)


INTEGERS = {
    arith.AddiOp: lambda a, b, u, v, w: a + b,
    arith.SubiOp: lambda a, b, u, v, w: a - b,
    arith.MuliOp: lambda a, b, u, v, w: a * b,
    arith.AndIOp: lambda a, b, u, v, w: u & v,
    arith.OrIOp: lambda a, b, u, v, w: u | v,
    arith.XOrIOp: lambda a, b, u, v, w: u ^ v,
    arith.DivSIOp: lambda a, b, u, v, w: truncated(a, b) if b else -1,
    arith.DivUIOp: lambda a, b, u, v, w: u // v if v else -1,
    arith.FloorDivSIOp: lambda a, b, u, v, w: a // b if b else -1,
    arith.CeilDivSIOp: lambda a, b, u, v, w: -(-a // b) if b else -1,
    arith.CeilDivUIOp: lambda a, b, u, v, w: -(-u // v) if v else -1,
    arith.RemSIOp: lambda a, b, u, v, w: a - b * truncated(a, b) if b else a,
    arith.RemUIOp: lambda a, b, u, v, w: u % v if v else u,
    arith.ShLIOp: lambda a, b, u, v, w: u << v if v < w else 0,
    arith.ShRUIOp: lambda a, b, u, v, w: u >> v if v < w else 0,
    arith.ShRSIOp: lambda a, b, u, v, w: a >> min(v, w - 1),
    arith.MinSIOp: lambda a, b, u, v, w: min(a, b),
    arith.MaxSIOp: lambda a, b, u, v, w: max(a, b),
    arith.MinUIOp: lambda a, b, u, v, w: min(u, v),
    arith.MaxUIOp: lambda a, b, u, v, w: max(u, v),
    math.IPowIOp: lambda a, b, u, v, w: power(a, b),
}
UNARY_INTEGERS = {
    math.AbsIOp: lambda a, u, w: abs(a),
    math.CountLeadingZerosOp: lambda a, u, w: w - u.bit_length(),
    math.CountTrailingZerosOp: lambda a, u, w: (u & -u).bit_length() - 1 if u else w,
    math.CtPopOp: lambda a, u, w: u.bit_count(),
}
COMPARISONS = (
    lambda a, b, u, v: a == b,
    lambda a, b, u, v: a != b,
    lambda a, b, u, v: a < b,
    lambda a, b, u, v: a <= b,
    lambda a, b, u, v: a > b,
    lambda a, b, u, v: a >= b,
    lambda a, b, u, v: u < v,
    lambda a, b, u, v: u <= v,
    lambda a, b, u, v: u > v,
    lambda a, b, u, v: u >= v,
)


def as_numbers(array, width):
    """Each element as a signed and as an unsigned number."""
    unsigned = [int(x) for x in array]
    return [u - (1 << width) if u >> (width - 1) else u for u in unsigned], unsigned


def wrapped(numbers, width):
    raw = np.array([n & ((1 << width) - 1) for n in numbers], np.uint64)
    return raw.astype(int_dtype(width, False))


@pytest.mark.parametrize("width", [1, 8, 16, 32, 64])
def test_integer_ops_mean_what_the_design_says_and_never_trap(width):
    type_, dtype = int_type(width), int_dtype(width, False)
    ops = [(kind.name, source(kind, [type_, type_], [type_])) for kind in INTEGERS]
    ops += [(kind.name, source(kind, [type_], [type_])) for kind in UNARY_INTEGERS]
    ops += [(f"cmp{n}", source(arith.CmpiOp, [type_] * 2, [i1], predicate=IntegerAttr(n, i64))) for n in range(10)]
    ops += [
        (k.name, source(k, [type_] * 2, [type_, i1 if k is arith.AddUIExtendedOp else type_])) for k in EXTENDED_RULES
    ]
    run = Kernels(ops, WIDTHS)
    a, b = pairs(width)
    (sa, ua), (sb, ub) = as_numbers(a, width), as_numbers(b, width)
    both = list(zip(sa, sb, ua, ub, strict=True))
    for lanes in WIDTHS:
        for kind, meaning in INTEGERS.items():
            want = wrapped([meaning(*numbers, width) for numbers in both], width)
            np.testing.assert_array_equal(run(kind.name, lanes, [a, b], [dtype])[0], want, f"{kind.name} x{lanes}")
        for kind, meaning in UNARY_INTEGERS.items():
            want = wrapped([meaning(*numbers, width) for numbers in zip(sa, ua, strict=True)], width)
            np.testing.assert_array_equal(run(kind.name, lanes, [a], [dtype])[0], want, f"{kind.name} x{lanes}")
        for n, meaning in enumerate(COMPARISONS):
            want = [meaning(*numbers) for numbers in both]
            np.testing.assert_array_equal(run(f"cmp{n}", lanes, [a, b], [bool])[0], want, f"cmpi {n}")
        total, carry = run(arith.AddUIExtendedOp.name, lanes, [a, b], [dtype, bool])
        np.testing.assert_array_equal(total, wrapped([u + v for _, _, u, v in both], width))
        np.testing.assert_array_equal(carry, [(u + v) >> width != 0 for _, _, u, v in both])
        for kind, products in (
            (arith.MulUIExtendedOp, [u * v for _, _, u, v in both]),
            (arith.MulSIExtendedOp, [x * y for x, y, _, _ in both]),
        ):
            low, high = run(kind.name, lanes, [a, b], [dtype, dtype])
            np.testing.assert_array_equal(low, wrapped(products, width))
            np.testing.assert_array_equal(high, wrapped([p >> width for p in products], width))


def float_edges(dtype):
    info = ml_dtypes.finfo(dtype)
    tiny, least = float(info.smallest_normal), float(info.smallest_subnormal)
    some = [
        0.0,
        1.0,
        0.5,
        1.5,
        2.0,
        2.5,
        3.0,
        0.1,
        1e-3,
        0.7,
        10.25,
        100.0,
        float(info.max),
        float(info.eps),
        tiny,
        least,
    ]
    values = [*some, *(-x for x in some), np.inf, -np.inf, np.nan]
    return np.array(values, np.float64).astype(dtype)


def float_pairs(dtype):
    a, b = np.meshgrid(float_edges(dtype), float_edges(dtype))
    return a.ravel(), b.ravel()


def zeros_ordered(pick, sign):
    """NumPy's maximum or minimum, but with -0 below +0."""

    def meaning(a, b):
        zero = np.copysign(0, np.where(sign(np.signbit(a), np.signbit(b)), -1.0, 1.0)).astype(a.dtype)
        return np.where((a == 0) & (b == 0), zero, pick(a, b))

    return meaning


BINARY_FLOATS = {
    arith.AddfOp: np.add,
    arith.SubfOp: np.subtract,
    arith.MulfOp: np.multiply,
    arith.DivfOp: np.divide,
    arith.MaximumfOp: zeros_ordered(np.maximum, np.logical_and),
    arith.MinimumfOp: zeros_ordered(np.minimum, np.logical_or),
    arith.MaxnumfOp: np.fmax,
    arith.MinnumfOp: np.fmin,
    math.CopySignOp: np.copysign,
    math.Atan2Op: np.arctan2,
    math.PowFOp: np.power,
    RemFOp: np.fmod,
}
UNARY_FLOATS = {
    arith.NegfOp: np.negative,
    math.AbsFOp: np.abs,
    math.AcosOp: np.arccos,
    math.AcoshOp: np.arccosh,
    math.AsinOp: np.arcsin,
    math.AsinhOp: np.arcsinh,
    math.AtanOp: np.arctan,
    math.AtanhOp: np.arctanh,
    math.CbrtOp: np.cbrt,
    math.CeilOp: np.ceil,
    math.CosOp: np.cos,
    math.CoshOp: np.cosh,
    math.ErfOp: np.vectorize(libm.erf),
    math.Exp2Op: np.exp2,
    math.ExpM1Op: np.expm1,
    math.ExpOp: np.exp,
    math.FloorOp: np.floor,
    math.Log10Op: np.log10,
    math.Log1pOp: np.log1p,
    math.Log2Op: np.log2,
    math.LogOp: np.log,
    math.RoundEvenOp: np.rint,
    math.RoundOp: lambda x: np.copysign(np.floor(np.abs(x) + 0.5), x),
    math.RsqrtOp: lambda x: 1 / np.sqrt(x),
    math.SinOp: np.sin,
    math.SinhOp: np.sinh,
    math.SqrtOp: np.sqrt,
    math.TanOp: np.tan,
    math.TanhOp: np.tanh,
    math.TruncOp: np.trunc,
}
EXACT = {
    *(arith.AddfOp, arith.SubfOp, arith.MulfOp, arith.DivfOp, arith.MaximumfOp, arith.MinimumfOp, arith.MaxnumfOp),
    *(arith.MinnumfOp, math.CopySignOp, arith.NegfOp, math.AbsFOp, math.CeilOp, math.FloorOp, math.RoundEvenOp),
    *(math.RoundOp, math.SqrtOp, math.TruncOp),
}
FLOAT_COMPARISONS = (
    lambda a, b, nan: np.zeros(a.shape, bool),
    lambda a, b, nan: (a == b) & ~nan,
    lambda a, b, nan: (a > b) & ~nan,
    lambda a, b, nan: (a >= b) & ~nan,
    lambda a, b, nan: (a < b) & ~nan,
    lambda a, b, nan: (a <= b) & ~nan,
    lambda a, b, nan: (a != b) & ~nan,
    lambda a, b, nan: ~nan,
    lambda a, b, nan: (a == b) | nan,
    lambda a, b, nan: (a > b) | nan,
    lambda a, b, nan: (a >= b) | nan,
    lambda a, b, nan: (a < b) | nan,
    lambda a, b, nan: (a <= b) | nan,
    lambda a, b, nan: (a != b) | nan,
    lambda a, b, nan: nan,
    lambda a, b, nan: np.ones(a.shape, bool),
)


def assert_close(kind, got, want, dtype):
    if kind in EXACT:
        np.testing.assert_array_equal(got, want, kind.name)
        if kind not in (arith.MaxnumfOp, arith.MinnumfOp):  # either zero will do
            np.testing.assert_array_equal(np.signbit(got[~np.isnan(got)]), np.signbit(want[~np.isnan(want)]), kind.name)
    else:
        rtol = 8 * float(np.finfo(dtype).eps)
        np.testing.assert_allclose(got, want, rtol=rtol, atol=float(np.finfo(dtype).tiny), err_msg=kind.name)


@pytest.mark.parametrize("type_", FLOATS, ids=str)
def test_float_ops_agree_with_numpy(type_):
    dtype = FLOATS[type_]
    ops = [(kind.name, source(kind, [type_, type_], [type_])) for kind in BINARY_FLOATS]
    ops += [(kind.name, source(kind, [type_], [type_])) for kind in UNARY_FLOATS]
    run = Kernels(ops, WIDTHS)
    a, b = float_pairs(dtype)
    x = float_edges(dtype)
    with np.errstate(all="ignore"):
        for lanes in WIDTHS:
            for kind, meaning in BINARY_FLOATS.items():
                assert_close(kind, run(kind.name, lanes, [a, b], [dtype])[0], meaning(a, b), dtype)
            for kind, meaning in UNARY_FLOATS.items():
                want = np.asarray(meaning(x)).astype(dtype)
                assert_close(kind, run(kind.name, lanes, [x], [dtype])[0], want, dtype)


@pytest.mark.parametrize("type_", [*FLOATS, *NARROW], ids=str)
def test_comparisons_and_selections_take_every_float_type(type_):
    dtype = {**FLOATS, **NARROW}[type_]
    ops = [(f"cmp{n}", source(arith.CmpfOp, [type_] * 2, [i1], predicate=IntegerAttr(n, i64))) for n in range(16)]
    ops.append(("select", source(arith.SelectOp, [i1, type_, type_], [type_])))
    run = Kernels(ops, WIDTHS)
    a, b = float_pairs(dtype)
    nan = np.isnan(a) | np.isnan(b)
    condition = np.arange(a.size) % 3 == 0
    for lanes in WIDTHS:
        for n, meaning in enumerate(FLOAT_COMPARISONS):
            np.testing.assert_array_equal(run(f"cmp{n}", lanes, [a, b], [bool])[0], meaning(a, b, nan), f"cmpf {n}")
        got = run("select", lanes, [condition, a, b], [dtype])[0]
        np.testing.assert_array_equal(got.view(f"u{got.itemsize}"), np.where(condition, a, b).view(f"u{got.itemsize}"))


@pytest.mark.parametrize("type_", FLOATS, ids=str)
def test_fma_rounds_once_and_integer_powers_keep_the_sign(type_):
    dtype = FLOATS[type_]
    ops = [
        ("fma", source(math.FmaOp, [type_] * 3, [type_])),
        ("powi32", source(math.FPowIOp, [type_, IntegerType(32)], [type_])),
        ("powi64", source(math.FPowIOp, [type_, i64], [type_])),
    ]
    run = Kernels(ops, WIDTHS)
    eps = np.finfo(dtype).eps
    one = np.full(8, 1 + eps, dtype)
    product = (1 + eps) * (1 + eps)
    for lanes in WIDTHS:
        got = run("fma", lanes, [one, one, np.full(8, -product, dtype)], [dtype])[0]
        assert (got != 0).all()
        for key, width in (("powi32", np.int32), ("powi64", np.int64)):
            x, n = np.meshgrid(
                np.array([0.0, -0.0, 1, -1, 2, -2.5, np.inf, -np.inf, np.nan], dtype),
                np.array([0, 1, 2, 3, -1, -2, -3]),
            )
            x, n = x.ravel(), n.ravel().astype(width)
            with np.errstate(all="ignore"):
                want = np.power(x, n.astype(dtype))
            np.testing.assert_allclose(run(key, lanes, [x, n], [dtype])[0], want, rtol=4 * eps)
        great = np.array([2**53 + 1], np.int64)
        assert run("powi64", lanes, [np.array([-1], dtype), great], [dtype])[0][0] == -1


def bits_of(array):
    return array.view(f"u{array.itemsize}")


def narrow_exactly(values, dtype):
    """f64 to a narrow float, rounded once: NumPy does it for f16, exact arithmetic for bf16."""
    if dtype is np.float16:
        with np.errstate(all="ignore"):
            return values.astype(dtype)
    return np.array([bf16_exactly(float(x)) for x in values], ml_dtypes.bfloat16)


def bf16_exactly(x):
    if not np.isfinite(x) or x == 0:
        return x
    size = Fraction(abs(x))
    exponent = max(libm.frexp(abs(x))[1] - 8, -133)
    kept, rest = divmod(size, Fraction(2) ** exponent)
    rest /= Fraction(2) ** exponent
    kept += rest > Fraction(1, 2) or (rest == Fraction(1, 2) and kept % 2 == 1)
    rounded = libm.inf if kept * Fraction(2) ** exponent >= 2**128 else libm.ldexp(kept, exponent)
    return libm.copysign(rounded, x)


@pytest.mark.parametrize("type_", NARROW, ids=str)
def test_conversions_to_narrow_floats_round_once(type_):
    dtype = NARROW[type_]
    run = Kernels(
        [
            ("from_f32", source(arith.TruncFOp, [f32], [type_])),
            ("from_f64", source(arith.TruncFOp, [f64], [type_])),
            ("to_f32", source(arith.ExtFOp, [type_], [f32])),
            ("to_f64", source(arith.ExtFOp, [type_], [f64])),
        ],
        WIDTHS,
    )
    every = np.arange(1 << 16, dtype=np.uint16).view(dtype)
    middle = every[np.isfinite(every)].astype(np.float64)
    middle = np.sort(np.unique(middle))[::97]
    half = (middle[1:] + middle[:-1]) / 2
    doubles = np.concatenate(
        [
            middle,
            half,
            np.nextafter(half, np.inf),
            np.nextafter(half, -np.inf),
            ODD_DOUBLES,
        ]
    )
    with np.errstate(all="ignore"):
        singles = doubles.astype(np.float32)
    for lanes in WIDTHS:
        for key, given in (("from_f32", singles), ("from_f64", doubles)):
            got, want = run(key, lanes, [given], [dtype])[0], narrow_exactly(given, dtype)
            np.testing.assert_array_equal(got.astype(np.float64), want.astype(np.float64), f"{key} x{lanes}")
        np.testing.assert_array_equal(run("to_f32", lanes, [every], [np.float32])[0], every.astype(np.float32))
        np.testing.assert_array_equal(run("to_f64", lanes, [every], [np.float64])[0], every.astype(np.float64))


def saturated(values, width, signed):
    low, high = (-(1 << (width - 1)), (1 << (width - 1)) - 1) if signed else (0, (1 << width) - 1)
    out = []
    for x in values.astype(np.float64).tolist():
        number = 0 if libm.isnan(x) else (high if x > 0 else low) if libm.isinf(x) else int(x)
        out.append(min(max(number, low), high))
    return wrapped(out, width)


@pytest.mark.parametrize("type_", [*FLOATS, *NARROW], ids=str)
def test_floats_to_integers_saturate_and_nan_is_zero(type_):
    dtype = {**FLOATS, **NARROW}[type_]
    widths = (1, 8, 16, 32, 64)
    kinds = {arith.FPToSIOp: True, arith.FPToUIOp: False}
    ops = [(f"{kind.name}{w}", source(kind, [type_], [int_type(w)])) for kind in kinds for w in widths]
    run = Kernels(ops, WIDTHS)
    some = [
        127.5,
        128.0,
        255.5,
        256.0,
        -128.9,
        -129.0,
        32767.0,
        65535.5,
        2.0**31,
        2.0**32,
        2.0**63,
        2.0**64,
        -0.9,
        -1.0,
    ]
    with np.errstate(all="ignore"):
        x = np.concatenate([float_edges(dtype), np.array([*some, *(-v for v in some)]).astype(dtype)])
    for lanes in WIDTHS:
        for (kind, signed), width in itertools.product(kinds.items(), widths):
            got = run(f"{kind.name}{width}", lanes, [x], [int_dtype(width, False)])[0]
            np.testing.assert_array_equal(got, saturated(x, width, signed), f"{kind.name} to i{width} x{lanes}")


@pytest.mark.parametrize("type_", [*FLOATS, *NARROW], ids=str)
def test_integers_to_floats_round_once(type_):
    dtype = {**FLOATS, **NARROW}[type_]
    kinds = {arith.SIToFPOp: True, arith.UIToFPOp: False}
    widths = (1, 8, 16, 32, 64)
    ops = [(f"{kind.name}{w}", source(kind, [int_type(w)], [type_])) for kind in kinds for w in widths]
    run = Kernels(ops, WIDTHS)
    for lanes, (kind, signed), width in itertools.product(WIDTHS, kinds.items(), widths):
        x = wrapped([*edges(width), *hard_integers(width)], width)
        numbers = as_numbers(x, width)[0 if signed else 1]
        got = run(f"{kind.name}{width}", lanes, [x], [dtype])[0]
        want = np.array([nearest(n, dtype) for n in numbers], dtype)
        np.testing.assert_array_equal(got.astype(np.float64), want.astype(np.float64), f"{kind.name} i{width} x{lanes}")


def hard_integers(width):
    """Numbers around the midpoints of narrow floats."""
    out = []
    for power_ in range(9, width):
        for digits in (8, 11, 24, 53):
            if power_ >= digits:
                middle = (1 << power_) + (1 << (power_ - digits))
                out += [middle - 1, middle, middle + 1, -middle, 1 - middle]
    return out


def nearest(number, dtype):
    """The float nearest to an integer, ties to even, by exact arithmetic."""
    digits = {np.float16: 11, ml_dtypes.bfloat16: 8, np.float32: 24, np.float64: 53}[dtype]
    size = abs(number)
    extra = max(size.bit_length() - digits, 0)
    kept, rest = size >> extra, size & ((1 << extra) - 1)
    half = 1 << extra >> 1
    if extra and (rest > half or (rest == half and kept & 1)):
        kept += 1
    with np.errstate(over="ignore"):
        return dtype(float(kept << extra) * (-1 if number < 0 else 1))


def test_integers_change_their_width_and_bits_their_type():
    ops = []
    for narrow, wide in itertools.combinations((1, 8, 16, 32, 64), 2):
        ops.append((f"sext{narrow}_{wide}", source(arith.ExtSIOp, [int_type(narrow)], [int_type(wide)])))
        ops.append((f"zext{narrow}_{wide}", source(arith.ExtUIOp, [int_type(narrow)], [int_type(wide)])))
        ops.append((f"trunc{wide}_{narrow}", source(arith.TruncIOp, [int_type(wide)], [int_type(narrow)])))
    for width in (1, 8, 32, 64):
        ops.append((f"index{width}", source(arith.IndexCastOp, [int_type(width)], [IndexType()])))
        ops.append((f"unindex{width}", source(arith.IndexCastOp, [IndexType()], [int_type(width)])))
    bits = {f32: 32, f64: 64, f16: 16, bf16: 16}
    for type_, width in bits.items():
        ops.append((f"bits_{type_}", source(arith.BitcastOp, [type_], [int_type(width)])))
        ops.append((f"float_{type_}", source(arith.BitcastOp, [int_type(width)], [type_])))
    run = Kernels(ops, WIDTHS)
    for lanes in WIDTHS:
        for narrow, wide in itertools.combinations((1, 8, 16, 32, 64), 2):
            x, y = wrapped(edges(narrow), narrow), wrapped(edges(wide), wide)
            signed, unsigned = as_numbers(x, narrow)
            got = run(f"sext{narrow}_{wide}", lanes, [x], [int_dtype(wide, False)])[0]
            np.testing.assert_array_equal(got, wrapped(signed, wide))
            got = run(f"zext{narrow}_{wide}", lanes, [x], [int_dtype(wide, False)])[0]
            np.testing.assert_array_equal(got, wrapped(unsigned, wide))
            got = run(f"trunc{wide}_{narrow}", lanes, [y], [int_dtype(narrow, False)])[0]
            np.testing.assert_array_equal(got, wrapped(as_numbers(y, wide)[1], narrow))
        for width in (1, 8, 32, 64):
            x = wrapped(edges(width), width)
            signed = np.array(as_numbers(x, width)[0])
            np.testing.assert_array_equal(run(f"index{width}", lanes, [x], [np.int64])[0], signed)
            np.testing.assert_array_equal(run(f"unindex{width}", lanes, [signed], [int_dtype(width, False)])[0], x)
        for type_ in bits:
            x = float_edges({**FLOATS, **NARROW}[type_])
            raw = run(f"bits_{type_}", lanes, [x], [f"u{x.itemsize}"])[0]
            np.testing.assert_array_equal(raw, bits_of(x))
            np.testing.assert_array_equal(bits_of(run(f"float_{type_}", lanes, [raw], [x.dtype])[0]), raw)


@pytest.mark.parametrize("divisor", [1, 3, -3, 7, -1, 0])
def test_constant_divisors_and_shifts_need_no_guard_or_get_one(divisor):
    kinds = (
        arith.DivSIOp,
        arith.DivUIOp,
        arith.RemSIOp,
        arith.RemUIOp,
        arith.FloorDivSIOp,
        arith.ShLIOp,
        arith.ShRSIOp,
        arith.ShRUIOp,
    )
    x = wrapped(edges(32), 32)
    signed, unsigned = as_numbers(x, 32)
    for kind in kinds:
        block = Block(arg_types=[IntegerType(32)])
        op = kind.create(operands=[block.args[0], block.args[0]], result_types=[IntegerType(32)])
        got = constant_second(op, divisor, x)
        v = divisor & 0xFFFFFFFF
        want = wrapped([INTEGERS[kind](a, divisor, u, v, 32) for a, u in zip(signed, unsigned, strict=True)], 32)
        np.testing.assert_array_equal(got, want, f"{kind.name} by {divisor}")


def test_constants_of_every_type_keep_their_bits():
    attrs = [IntegerAttr(n, int_type(w)) for w in (1, 8, 16, 32, 64) for n in edges(w) if w > 1 or n in (0, -1)]
    attrs += [IntegerAttr(-5, IndexType())]
    attrs += [FloatAttr(float(x), t) for t, d in {**FLOATS, **NARROW}.items() for x in float_edges(d)]
    for attr, got in zip(attrs, constants(attrs), strict=True):
        if isinstance(attr, FloatAttr):
            assert got == attr.type.pack([attr.value.data]), attr
        else:
            width = 8 * len(got)
            assert int.from_bytes(got, "little") == attr.value.data & (
                (1 << width) - 1 if width > 8 or attr.type != i1 else 1
            )


def test_the_table_holds_every_op_of_arith_and_math():
    known = set(SCALAR_RULES) | set(EXTENDED_RULES)
    missing = {op.name for dialect in (ARITH, math.Math) for op in dialect.operations if op not in known}
    assert not missing
