"""loop.scale and loop.lookup: by one instruction and without, on vectors of any width, as the reference has them."""

from __future__ import annotations

import numpy as np
import pytest

from tests.passes.lower.kernels import compiled, lower, parse
from weft.backends.reference import run as by_reference
from weft.dialects.target import Cpu, CpuAttr
from weft.driver.host import host_cpu

SIZES = {"f32": np.float32, "f64": np.float64}
FEATURES = [
    "",
    pytest.param("avx512dq", marks=pytest.mark.skipif(not host_cpu(1).has("avx512dq"), reason="no AVX-512 here")),
]
POWERS = [np.nan, 0, -0.0, 1e-45, 3e38, -126, -149.5, 127, 1e9, -1e9]
LARGE = [np.inf, -np.inf, np.nan, 0.0, -0.0, 1e-45, 3.4e38, 1.0]


def kernel(body: str, element: str, count: int, mark: str, features: str):
    type_ = f"memref<{count}x{element}>"
    module = parse(f"""
        func.func @k(%x: {type_}, %y: {type_}, %z: {type_}) attributes {{loop.kernel}} {{
          loop.for "i" %i to {count} {mark} {{
            %a = loop.load %x[%i] : {type_}
            %b = loop.load %y[%i] : {type_}
            {body}
            loop.store %r, %z[%i] : {type_}
          }}
          func.return
        }}""")
    module.attributes["weft.target"] = CpuAttr(Cpu(features=features))
    return module


def check(module, x, y):
    found, wanted = np.full_like(x, 7), np.full_like(x, 9)
    compiled(module)(x, y, found)
    by_reference(module, "k", [x, y, wanted])
    np.testing.assert_array_equal(found, wanted)
    np.testing.assert_array_equal(np.signbit(found[found == 0]), np.signbit(wanted[found == 0]))


@pytest.mark.parametrize("features", FEATURES)
@pytest.mark.parametrize("element", list(SIZES))
@pytest.mark.parametrize("width", [1, 2, 3, 4, 8, 12, 16, 24, 48])
def test_vectors_of_every_width_are_scaled(width, element, features):
    dtype, rng = SIZES[element], np.random.default_rng(width)
    x = (rng.normal(size=1024) * 2.0 ** rng.integers(-30, 30, 1024)).astype(dtype)
    y = rng.uniform(-200, 200, 1024).astype(dtype)
    y[512:] = np.round(y[512:])
    with np.errstate(over="ignore"):
        more = np.array(np.meshgrid(LARGE, POWERS)).astype(dtype).reshape(2, -1)
    x, y = (np.concatenate(pair) for pair in zip((x, y), more, strict=True))
    mark = f"vector({width})" if width > 1 else ""
    check(kernel(f"%r = loop.scale %a, %b : {element}", element, x.size, mark, features), x, y)


@pytest.mark.parametrize("features", FEATURES)
@pytest.mark.parametrize("element", list(SIZES))
@pytest.mark.parametrize("size", [1, 2, 8, 16, 32])
def test_tables_of_every_size_are_looked_up(size, element, features):
    dtype, rng = SIZES[element], np.random.default_rng(size)
    x = rng.normal(size=203).astype(dtype)
    table = ", ".join(repr(float(number)) for number in rng.normal(size=size).astype(np.float32))
    bits = f"i{8 * x.itemsize}"
    body = f"""%p = arith.bitcast %a : {element} to {bits}
        %r = loop.lookup %p in array<{element}: {table}> : {bits} -> {element}"""
    for mark in ("", "vector(2)", "vector(16)", "vector(20)"):
        check(kernel(body, element, x.size, mark, features), x, x)


def test_one_instruction_does_it_where_the_target_has_it():
    for features, calls in (("", "llvm.ldexp"), ("avx512dq", "llvm.x86.avx512.mask.scalef.ps.512")):
        assert calls in str(lower(kernel("%r = loop.scale %a, %b : f32", "f32", 64, "vector(16)", features)))
