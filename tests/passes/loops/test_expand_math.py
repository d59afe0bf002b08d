"""expand-math: every expansion against wider floats, over all sizes of numbers, and at the ends."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from xdsl.dialects import arith
from xdsl.dialects.builtin import ModuleOp, UnknownLoc
from xdsl.parser import Parser
from xdsl.rewriter import Rewriter

from weft.backends.reference import run
from weft.diagnostics import WeftError
from weft.dialects.target import Cpu, CpuAttr
from weft.passes.loops.expand_math import EXPANSIONS, LARGEST_ERROR_ULP, WITHOUT_LIBRARY, ExpandMath
from weft.passes.loops.expansions.arithmetic import Floats
from weft.passes.loops.expansions.formats import F32, F64
from weft.passes.loops.ml_to_loop.body import Body, number_attr
from weft.passes.rewriting import LocatedBuilder
from weft.registry import context

Array = NDArray[Any]
WIDER = {"f32": np.float64, "f64": np.longdouble}
OWN = {"f32": np.float32, "f64": np.float64}
ELEMENTS = list(OWN)

is_precise = pytest.mark.skipif(np.finfo(np.longdouble).nmant < 60, reason="long double is double here")


def _erf(x: Array) -> Array:
    return np.asarray(np.frompyfunc(math.erf, 1, 1)(x.astype(np.float64)), np.float64)


MEANINGS: dict[str, Callable[..., Array]] = {
    "exp": np.exp,
    "exp2": np.exp2,
    "expm1": np.expm1,
    "log": np.log,
    "log2": np.log2,
    "log10": np.log10,
    "log1p": np.log1p,
    "tanh": np.tanh,
    "erf": _erf,
    "sin": np.sin,
    "cos": np.cos,
    "tan": np.tan,
    "atan": np.arctan,
    "cbrt": np.cbrt,
}
BINARY: dict[str, Callable[..., Array]] = {"atan2": np.arctan2, "powf": np.float_power}
SMALL = {"sin", "cos", "tan"}
"""Of these only numbers up to 2**20 are expanded."""

ENDS = [
    0.0, -0.0, np.inf, -np.inf, np.nan, 1.0, -1.0, 1e-45, -1e-45, 1.1754944e-38, -1.1754944e-38, 3.4e38, -3.4e38,
    5e-324, -5e-324, 2.2250738585072014e-308, 1.7e308, -1.7e308, 709.78, 709.79, -745.13, -745.2, 1023.999, 1024.0,
    -1074.0, -1075.0, 88.72283, 88.72284, -87.33, -103.9, -104.1, 127.99999, 128.0, -126.0, -149.0, -150.0, -151.0,
    0.625, 0.921875, 4.0, -0.99999994, -1.0000001, 0.70710677, 0.70710678, 1.4142135, 1.4142136, 0.99999994, 1.0000001,
    9.0, -17.4, 0.5, 6.0, 0.41421356, 2.0, 3.0, -3.0, 1e6, 1.5707963705062866, 3.1415927410125732, 1.5707963267948966,
]  # fmt: skip


def ends(element: str) -> Array:
    with np.errstate(all="ignore"):
        return np.array(ENDS).astype(OWN[element])


def kernel(name: str, count: int, element: str = "f32", attributes: str = "attributes {loop.kernel}") -> ModuleOp:
    """A kernel that applies `math.name` to `count` numbers (or pairs), all lanes of one vector at a time."""
    operands = "%a, %b" if name in BINARY else "%a"
    text = f"""
        func.func @main(%x: memref<{count}x{element}>, %y: memref<{count}x{element}>, %z: memref<{count}x{element}>)
            {attributes} {{
          loop.for "i" %i to {count} vector(16) {{
            %a = loop.load %x[%i] : memref<{count}x{element}>
            %b = loop.load %y[%i] : memref<{count}x{element}>
            %r = math.{name} {operands} : {element}
            loop.store %r, %z[%i] : memref<{count}x{element}>
          }}
          func.return
        }}"""
    return Parser(context(), text).parse_module()


def expanded(name: str, x: Array, y: Array | None = None, accuracy: str = "4ulp", features: str = "") -> Array:
    element = "f32" if x.dtype == np.float32 else "f64"
    module = kernel(name, x.size, element)
    module.attributes["weft.target"] = CpuAttr(Cpu(features=features))
    ExpandMath(accuracy=accuracy).apply(context(), module)
    module.verify()
    assert not any(op.name == f"math.{name}" and not op.attributes for op in module.walk())
    z = np.full_like(x, 7.0)
    run(module, "main", [x, x if y is None else y, z])
    return z


def error_ulp(got: Array, exact: Array) -> Array:
    """The distance in units of the last place of the exact result; 0 where both are the same special value."""
    with np.errstate(all="ignore"):
        rounded = exact.astype(got.dtype)
        least = np.finfo(got.dtype).smallest_normal
        place = np.spacing(np.maximum(np.abs(rounded), least)).astype(exact.dtype)
        distance = np.abs(got.astype(exact.dtype) - exact) / place
    special = ~np.isfinite(rounded)
    same = (got == rounded) | (np.isnan(got) & np.isnan(rounded))
    return np.where(special, np.where(same, 0.0, np.inf), np.where(np.isfinite(got), distance, np.inf))


def exact(name: str, *operands: Array) -> Array:
    wide = [x.astype(WIDER["f32" if x.dtype == np.float32 else "f64"]) for x in operands]
    with np.errstate(all="ignore"):
        return {**MEANINGS, **BINARY}[name](*wide)


def bound(name: str, element: str) -> float:
    """The oracle of erf on f64 is f64 itself."""
    return LARGEST_ERROR_ULP - 1 if (name, element) == ("erf", "f64") else LARGEST_ERROR_ULP


def check(name: str, *operands: Array, most: float | None = None, accuracy: str = "4ulp", features: str = "") -> None:
    element = "f32" if operands[0].dtype == np.float32 else "f64"
    if name in SMALL:
        operands = tuple(x[np.abs(x) < 2**20] for x in operands)
    found = expanded(name, *operands, accuracy=accuracy, features=features)
    errors = error_ulp(found, exact(name, *operands))
    place = errors.argmax()
    assert errors[place] <= (most or bound(name, element)), f"{errors[place]} at {[x[place] for x in operands]}"


def every(element: str, count: int, offset: int = 0) -> Array:
    """Numbers of all sizes and signs, evenly by their bits."""
    bits = 32 if element == "f32" else 64
    unsigned = np.dtype(f"uint{bits}")
    step = ((1 << bits) - 1) // count
    return (np.arange(count, dtype=unsigned) * unsigned.type(step) + unsigned.type(offset)).view(OWN[element])


CASES = [pytest.param(name, element, marks=is_precise) for name in MEANINGS for element in ELEMENTS]


@pytest.mark.parametrize(("name", "element"), CASES)
def test_the_error_is_bounded_over_all_sizes_of_numbers(name: str, element: str) -> None:
    check(name, every(element, 40009))


@pytest.mark.parametrize(("name", "element"), CASES)
def test_the_error_is_bounded_where_the_function_bends(name: str, element: str) -> None:
    parts = [(-20, 20), (-110, 130), (0.4, 2.2), (-0.01, 0.01), (-750, 1030), (-1e6, 1e6)]
    x = np.concatenate([np.linspace(*part, 9001) for part in parts]).astype(OWN[element])
    turns = (np.arange(-2000, 2000) * np.pi / 2).astype(OWN[element])
    with np.errstate(over="ignore"):
        check(name, np.concatenate([x, turns]))


@pytest.mark.parametrize(("name", "element"), CASES)
def test_the_ends_are_exact(name: str, element: str) -> None:
    x = ends(element)
    if name in SMALL:
        x = x[np.abs(x) < 2**20]
    got, wanted = expanded(name, x), exact(name, x)
    assert error_ulp(got, wanted).max() <= bound(name, element)
    if name not in ("exp", "exp2", "cos", "log", "log2", "log10"):
        zeros = x == 0
        np.testing.assert_array_equal(np.signbit(got[zeros]), np.signbit(wanted[zeros]))


BY_TABLES = [pytest.param(n, e, marks=is_precise) for n in ("exp", "exp2", "expm1", "erf") for e in ELEMENTS]
"""What is computed otherwise where a machine has tables in registers."""


@pytest.mark.parametrize(("name", "element"), BY_TABLES)
def test_tables_in_registers_are_as_exact(name: str, element: str) -> None:
    parts = [(-20, 20), (-110, 130), (-0.01, 0.01), (-750, 1030), (-1e6, 1e6)]
    x = np.concatenate([np.linspace(*part, 4001) for part in parts])
    with np.errstate(over="ignore"):
        x = np.concatenate([x.astype(OWN[element]), every(element, 10007), ends(element)])
    check(name, x, most=1.1 if name in ("exp", "exp2") else None, features="avx512dq")


def test_tables_are_for_machines_that_have_them() -> None:
    for features, ops in (("", set[str]()), ("avx512dq", {"loop.scale", "loop.lookup"})):
        module = kernel("exp", 4)
        module.attributes["weft.target"] = CpuAttr(Cpu(features=features))
        ExpandMath().apply(context(), module)
        assert {op.name for op in module.walk() if op.name in ("loop.scale", "loop.lookup")} == ops


PAIRS = [pytest.param(name, element, marks=is_precise) for name in BINARY for element in ELEMENTS]


@pytest.mark.parametrize(("name", "element"), PAIRS)
def test_functions_of_two_numbers_are_exact(name: str, element: str) -> None:
    dtype = OWN[element]
    x, y = (part.ravel() for part in np.meshgrid(ends(element), ends(element)))
    check(name, x, y)
    zeros = exact(name, x, y) == 0
    np.testing.assert_array_equal(np.signbit(expanded(name, x, y))[zeros], np.signbit(exact(name, x, y))[zeros])
    rng = np.random.default_rng(5)
    check(name, rng.permutation(every(element, 20011)), rng.permutation(every(element, 20011, 7)))
    check(name, rng.uniform(0.01, 9, 20000).astype(dtype), rng.uniform(-40, 40, 20000).astype(dtype))
    check(name, rng.integers(-9, 9, 2000).astype(dtype), rng.integers(-30, 30, 2000).astype(dtype))


@pytest.mark.long
@is_precise
@pytest.mark.parametrize("element", ELEMENTS)
@pytest.mark.parametrize("name", list(MEANINGS))
def test_the_error_is_bounded_on_many_numbers(name: str, element: str) -> None:
    for offset in range(8):
        check(name, every(element, 1 << 19, offset * 127))


@pytest.mark.parametrize("name", list(MEANINGS))
def test_one_unit_in_the_last_place_is_kept_on_request(name: str) -> None:
    x = np.concatenate([every("f32", 20011), np.linspace(-20, 20, 9001).astype(np.float32)])
    check(name, x, most=0.51, accuracy="1ulp")


def alone(name: str, x: Array) -> Array:
    """A function as it is where there is no library."""
    module = kernel(name, x.size)
    (op,) = (op for op in module.walk() if op.name == f"math.{name}")
    builder = LocatedBuilder.before(op)
    body = Body(builder, lambda number, type_: builder.insert(arith.ConstantOp(number_attr(number, type_))).result)
    result = WITHOUT_LIBRARY[F32][type(op)](Floats(body, F32), *op.operands)
    Rewriter.replace_op(op, (), [result])
    assert all(op.name in ("math.absf", "math.copysign", "math.roundeven") for op in module.walk() if "math" in op.name)
    z = np.full_like(x, 7.0)
    run(module, "main", [x, x, z])
    return z


@pytest.mark.parametrize("name", sorted(SMALL))
def test_without_a_library_large_angles_are_reduced_exactly(name: str) -> None:
    near = np.array([k * 2.0**e * math.pi / 2 for e in range(18, 125, 3) for k in range(1, 50)]).astype(np.float32)
    hard = np.array([16367173 * 2.0**72, 5.3716e18, 1.1e32, 3.4028235e38], np.float32)
    x = np.concatenate([every("f32", 20011), near, hard, ends("f32")])
    found = alone(name, x)
    assert error_ulp(found, exact(name, x)).max() <= LARGEST_ERROR_ULP
    np.testing.assert_array_equal(np.signbit(found[x == 0]), np.signbit(exact(name, x)[x == 0]))


def test_an_op_may_ask_for_itself() -> None:
    module = kernel("exp", 4)
    for asked, left in (("library", 1), ("1ulp", 0)):
        for op in module.walk():
            if op.name == "math.exp":
                op.attributes["weft.accuracy"] = Parser(context(), f'"{asked}"').parse_attribute()
        ExpandMath().apply(context(), module)
        assert sum(op.name == "math.exp" for op in module.walk()) == left
    assert any(op.name == "arith.extf" for op in module.walk())


def test_the_library_may_be_left_to_do_it_all() -> None:
    module = kernel("exp", 4)
    ExpandMath(accuracy="library").apply(context(), module)
    assert any(op.name == "math.exp" for op in module.walk())
    with pytest.raises(WeftError, match="no accuracy '2ulp'"):
        ExpandMath(accuracy="2ulp").apply(context(), module)


def test_every_expansion_is_tested() -> None:
    for format_ in (F32, F64):
        assert {op.name.removeprefix("math.") for op in EXPANSIONS[format_]} == {*MEANINGS, *BINARY}


def test_other_functions_and_host_functions_are_left_alone() -> None:
    for module in (kernel("acos", 4), kernel("exp", 4, attributes="")):
        ExpandMath().apply(context(), module)
        assert any(op.name in ("math.acos", "math.exp") for op in module.walk())


def test_constants_are_made_once_and_ops_have_locations() -> None:
    module = kernel("exp", 4)
    place = Parser(context(), 'builtin.module {} loc("a.mlir":1:1)').parse_module().location
    for op in module.walk():
        op.location = place
    ExpandMath().apply(context(), module)
    constants = [op.properties["value"] for op in module.walk() if op.name == "arith.constant"]
    assert len(constants) == len(set(constants))
    assert not any(isinstance(op.location, UnknownLoc) for op in module.walk())
