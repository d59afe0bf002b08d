"""Functions of `math` in kernels, without a library: their errors, and what they are at the ends."""

from functools import cache

import numpy as np
import pytest

import weft
from tests.passes.gpu.ptx import lower
from weft.backends import sim

RNG = np.random.default_rng(0)
LARGEST_ERROR_ULP = 4
DTYPES = {"f32": np.float32, "f64": np.float64}
WIDE = np.longdouble
FUNCTIONS = {
    "sin": np.sin,
    "cos": np.cos,
    "tan": np.tan,
    "asin": np.arcsin,
    "acos": np.arccos,
    "atan": np.arctan,
    "sinh": np.sinh,
    "cosh": np.cosh,
    "tanh": np.tanh,
    "asinh": np.arcsinh,
    "acosh": np.arccosh,
    "atanh": np.arctanh,
    "exp": np.exp,
    "expm1": np.expm1,
    "log": np.log,
    "log1p": np.log1p,
    "log2": np.log2,
    "log10": np.log10,
    "cbrt": np.cbrt,
}
KERNEL = """  gpu.func @{name}(%x: memref<?x{type}>, %y: memref<?x{second}>, %n: index) kernel {{
    %i = gpu.global_id x
    %in = arith.cmpi ult, %i, %n : index
    scf.if %in {{
      %0 = memref.load %x[%i] : memref<?x{type}>
      %1 = memref.load %y[%i] : memref<?x{second}>
      %2 = {op} : {type}{tail}
      memref.store %2, %x[%i] : memref<?x{type}>
    }}
    gpu.return
  }}
"""


@cache
def code(type_):
    text = "".join(KERNEL.format(name=n, type=type_, second=type_, op=f"math.{n} %0", tail="") for n in FUNCTIONS)
    text += KERNEL.format(name="powf", type=type_, second=type_, op="math.powf %0, %1", tail="")
    text += KERNEL.format(name="fpowi", type=type_, second="i32", op="math.fpowi %0, %1", tail=", i32")
    return sim.compile_module(sim.gpu_module_of(lower(f"gpu.module @m {{\n{text}}}")))


def run(name, type_, x, y=None):
    got = x.copy()
    y = np.zeros_like(x) if y is None else y
    sim.launch(code(type_), name, [-(-x.size // 64)], [64], (got, x.size, y, y.size, x.size))
    return got


def check(got, want, dtype):
    """Within the error that is stated; NaN and infinities where they should be."""
    rounded = want.astype(dtype)
    usual = np.isfinite(rounded) & np.isfinite(got)
    np.testing.assert_array_equal(got[~usual], rounded[~usual])
    unit = np.spacing(np.abs(rounded[usual])).astype(WIDE)
    assert np.max(np.abs(got[usual].astype(WIDE) - want[usual]) / unit, initial=0) <= LARGEST_ERROR_ULP


def values(dtype):
    some = [0.0, -0.0, 1, -1, 0.5, 2, np.inf, -np.inf, np.nan, 1e-30, 3, -7.5, 1e5, 2e6, -1e22, 3e38]
    more = [
        RNG.normal(size=200) * 3,
        RNG.uniform(-1, 1, 200),
        RNG.normal(size=100) * 1e7,
        10.0 ** RNG.uniform(-30, 30, 100),
    ]
    return np.concatenate([some, *more, RNG.uniform(-700, 700, 100)]).astype(dtype)


@pytest.mark.parametrize("type_", DTYPES)
@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_functions_have_their_stated_error(name, type_):
    dtype = DTYPES[type_]
    x = values(dtype)
    check(run(name, type_, x), FUNCTIONS[name](x.astype(WIDE)), dtype)


@pytest.mark.parametrize("type_", DTYPES)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_powers_have_their_stated_error_and_special_cases(type_):
    dtype = DTYPES[type_]
    x = np.concatenate([np.abs(RNG.normal(size=200)) + 0.01, 10.0 ** RNG.uniform(-30, 30, 200)]).astype(dtype)
    y = RNG.uniform(-9, 9, 400).astype(dtype)
    check(run("powf", type_, x, y), np.power(x.astype(WIDE), y.astype(WIDE)), dtype)
    ends = np.array([0.0, -0.0, 1, -1, 2, -2, 0.5, np.inf, -np.inf, np.nan, 3, -3, 2.5], dtype)
    a, b = (grid.ravel().copy() for grid in np.meshgrid(ends, ends))
    check(run("powf", type_, a, b), np.power(a.astype(WIDE), b.astype(WIDE)), dtype)
    n = RNG.integers(-20, 20, a.size).astype(np.int32)
    check(run("fpowi", type_, a, n), np.power(a.astype(WIDE), n.astype(WIDE)), dtype)


@pytest.mark.parametrize("name", ["exp", "exp2"])
def test_powers_are_the_instruction_of_the_machine(tmp_path, name):
    """On f32; what is left for it is near 0. The simulator's is right to less than a unit."""
    text = f"""func.func @main(%x: tensor<4096xf32>) -> tensor<4096xf32> {{
      %y = ml.{name} %x : tensor<4096xf32>
      func.return %y : tensor<4096xf32>
    }}"""
    weft.export(text, tmp_path / "x.ptx", target="cuda:sm_75")
    assert "ex2.approx.ftz.f32" in (tmp_path / "x.ptx").read_text()
    edges = [np.inf, -np.inf, np.nan, 0, -0.0, 1e-40, -1e-40, 88.7228, 89.5, -87.4, -103.9, 127.9, 128, -149, -151]
    x = np.concatenate([np.linspace(-160, 130, 4096 - len(edges)), edges]).astype(np.float32)
    with np.errstate(all="ignore"):
        wanted = (np.exp if name == "exp" else np.exp2)(x.astype(np.float64))
        unit = np.spacing(np.minimum(wanted, np.finfo(np.float32).max).astype(np.float32)).astype(np.float64)
        found = weft.compile(text, target="gpu-sim")(x)
        off = np.abs(found - wanted) / unit
    finite = wanted < np.finfo(np.float32).max
    assert np.max(off[finite]) < 1.5
    ends = np.where(np.isnan(wanted[~finite]), np.nan, np.inf)
    np.testing.assert_array_equal(found[~finite], ends)
