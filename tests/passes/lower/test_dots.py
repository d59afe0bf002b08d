"""Loops marked `dot`: pairs of products by one instruction, and without, in kernels and in whole programs."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest

import weft
from tests.passes.lower.kernels import DTYPES, compiled, lower, parse
from weft.backends.reference import run as by_reference
from weft.dialects.loop.schedule import AddPairs, Partition
from weft.dialects.target import Cpu, CpuAttr
from weft.driver.host import host_cpu
from weft.driver.passes import run_pipeline
from weft.passes.loops.choose_schedule import choose
from weft.passes.loops.kernels import kernels
from weft.passes.pipelines import BUFFERS, KERNELS, TENSORS

ALL = "avx512dq,avx512bf16,avx512vnni"
has_dots = pytest.mark.skipif(not host_cpu(1).has("avx512bf16", "avx512vnni"), reason="no such instructions here")
FEATURES = ["", pytest.param(ALL, marks=has_dots)]


def kernel(m: int, n: int, k: int, types: tuple[str, str, str], casts: tuple[str, str], lanes: int, features: str):
    a, b, c = types
    mul, mark = ("arith.mulf", "{loop.flushes}") if c == "f32" else ("arith.muli", "")
    bound = f"min(2, {k} - 2*%ko)" if k % 2 else "2"
    A, B, C = f"memref<{m}x{k}x{a}>", f"memref<{k}x{n}x{b}>", f"memref<{m}x{n}x{c}>"
    module = parse(f"""
        func.func @k(%A: {A}, %B: {B}, %C: {C}) attributes {{loop.kernel}} {{
          loop.for "i" %i to {m} {{
            loop.for "ko" %ko to {-(-k // 2)} {{
              loop.for "j" %j to {n} vector({lanes}) {{
                loop.for "kp" %kp to {bound} dot {{
                  %a = loop.load %A[%i, 2*%ko + %kp] : {A}
                  %b = loop.load %B[2*%ko + %kp, %j] : {B}
                  %l = {casts[0]} %a : {a} to {c}
                  %r = {casts[1]} %b : {b} to {c}
                  %p = {mul} %l, %r {mark} : {c}
                  loop.reduce add %p into %C[%i, %j] over (%ko, %kp) : {C}
                }}
              }}
            }}
          }}
          func.return
        }}""")
    module.attributes["weft.target"] = CpuAttr(Cpu(features=features))
    return module


def numbers(shape: tuple[int, ...], type_: str, seed: int):
    rng, dtype = np.random.default_rng(seed), DTYPES[type_]
    if type_ == "bf16":
        return rng.normal(size=shape).astype(dtype)
    limits = np.iinfo(dtype)
    return rng.integers(limits.min, limits.max, shape, dtype, endpoint=True)


SIGNED = ("arith.extsi", "arith.extsi")
CASES = [
    (("i8", "i8", "i32"), SIGNED),
    (("i8", "i8", "i32"), ("arith.extui", "arith.extsi")),
    (("i8", "i16", "i32"), ("arith.extui", "arith.extsi")),
    (("i16", "i16", "i32"), SIGNED),
    (("i16", "i16", "i32"), ("arith.extui", "arith.extui")),
    (("bf16", "bf16", "f32"), ("arith.extf", "arith.extf")),
]


@pytest.mark.parametrize("features", FEATURES)
@pytest.mark.parametrize(("types", "casts"), CASES)
def test_pairs_add_up_to_what_single_products_do(types, casts, features):
    for m, n, k, lanes in ((2, 32, 6, 16), (3, 19, 7, 16), (1, 8, 2, 8), (2, 12, 5, 4), (2, 9, 4, 2), (1, 5, 1, 16)):
        module = kernel(m, n, k, types, casts, lanes, features)
        a, b = numbers((m, k), types[0], 1), numbers((k, n), types[1], 2)
        found, wanted = (np.zeros((m, n), DTYPES[types[2]]) for _ in range(2))
        compiled(module)(a, b, found)
        by_reference(module, "k", [a, b, wanted])
        if types[2] == "i32":
            np.testing.assert_array_equal(found, wanted)
        else:
            np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-5)


def test_the_instruction_is_taken_where_the_target_has_it():
    for (types, casts), name in ((CASES[0], "x86.avx512.vpdpwssd.512"), (CASES[5], "x86.avx512bf16.dpbf16ps.512")):
        assert name in str(lower(kernel(2, 32, 8, types, casts, 16, ALL)))
        assert "x86" not in str(lower(kernel(2, 32, 8, types, casts, 16, "")))
        assert "x86" not in str(lower(kernel(2, 32, 8, types, casts, 32, ALL)))
    # i16 without its sign does not fit
    assert "x86" not in str(lower(kernel(2, 32, 8, *CASES[4], 16, ALL)))


PRODUCT = """func.func @main(%a: tensor<{m}x{k}x{t}>, %b: tensor<{k}x{n}x{t}>) -> tensor<{m}x{n}x{r}> {{
  %0 = ml.matmul %a, %b{precision} : (tensor<{m}x{k}x{t}>, tensor<{k}x{n}x{t}>) -> tensor<{m}x{n}x{r}>
  func.return %0 : tensor<{m}x{n}x{r}>
}}
"""
SHAPES = [(1, 1, 1), (1, 40, 3), (13, 35, 17), (60, 700, 31), (3, 17, 64)]


@pytest.mark.parametrize("type_", ["i8", "ui8"])
def test_products_of_integers_are_exact_on_odd_shapes(type_):
    for m, n, k in SHAPES:
        result = "ui32" if type_ == "ui8" else "i32"
        program = weft.compile(PRODUCT.format(m=m, n=n, k=k, t=type_, r=result, precision=""), threads=1)
        name = "u" + type_[1:].replace("i", "int") if type_[0] == "u" else type_.replace("i", "int")
        limits = np.iinfo(name)
        rng = np.random.default_rng(m + n + k)
        a, b = (rng.integers(limits.min, limits.max, s, name, endpoint=True) for s in ((m, k), (k, n)))
        wide = np.uint32 if result == "ui32" else np.int32
        np.testing.assert_array_equal(program(a, b), a.astype(wide) @ b.astype(wide))


def test_denormal_bf16_numbers_are_zeros_only_where_that_precision_is_asked_for():
    bf16 = ml_dtypes.bfloat16
    for m, n, k in SHAPES:
        rng = np.random.default_rng(k)
        a, b = rng.normal(size=(m, k)).astype(bf16), rng.normal(size=(k, n)).astype(bf16)
        exact = a.astype(np.float64) @ b.astype(np.float64)
        for precision in ("", ", precision = bf16"):
            program = weft.compile(PRODUCT.format(m=m, n=n, k=k, t="bf16", r="f32", precision=precision), threads=1)
            np.testing.assert_allclose(program(a, b), exact, rtol=1e-4, atol=1e-4)
            if k > 2:
                small = program(np.full_like(a, 2.0**-130), np.full_like(b, 2.0**5))
                sums = np.full((m, n), k * 2.0**-125, np.float32)
                assert (small >= 0).all() and (small <= sums).all() and (precision or (small == sums).all())


@pytest.mark.parametrize(("m", "n", "k"), [(64, 64, 64), (200, 2000, 1001), (8, 2048, 2048)])
@pytest.mark.parametrize("type_", ["i8", "bf16"])
def test_the_default_plan_takes_pairs_where_the_target_has_them(type_, m, n, k):
    result, precision = ("i32", "") if type_ == "i8" else ("f32", ", precision = bf16")
    module = weft.parse(PRODUCT.format(m=m, n=n, k=k, t=type_, r=result, precision=precision))
    run_pipeline(module, f"builtin.module({','.join((*TENSORS, *KERNELS, *BUFFERS))})")
    (one,) = kernels(module)
    for feature in ("", "avx512vnni" if type_ == "i8" else "avx512bf16"):
        cpu = Cpu(vector_bytes=64, vector_registers=32, features=feature)
        steps = choose(one, cpu)
        pairs = [step.loop for step in steps if isinstance(step, AddPairs)]
        assert bool(pairs) == bool(feature)
        parted = {step.loop for step in steps if isinstance(step, Partition)}
        assert not pairs or (pairs[0].removesuffix("q") in parted) == bool(k % 2)
