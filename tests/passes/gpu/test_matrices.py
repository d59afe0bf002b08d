"""Products of matrices that a warp holds, for every type of elements and by the instructions of two chips."""

import ml_dtypes
import numpy as np
import pytest

from tests.passes.gpu.ptx import assembled, lower
from weft.backends import sim

RNG = np.random.default_rng(0)
KINDS = {
    ("f16", "f32"): (np.float16, np.float32, 16),
    ("f16", "f16"): (np.float16, np.float16, 16),
    ("bf16", "f32"): (ml_dtypes.bfloat16, np.float32, 16),
    ("f32", "f32"): (np.float32, np.float32, 8),
    ("i8", "i32"): (np.int8, np.int32, 16),
    ("ui8", "i32"): (np.uint8, np.int32, 16),
}


def program(a, c, inner, transpose, chip):
    """d = a * b + c of 16 x inner and inner x 16; then twice the product by element, minus c."""
    load = "{{leadDimension = {} : index{}}}"
    b_type = f"16x{inner}" if transpose else f"{inner}x16"
    b_load = load.format(inner if transpose else 16, ", transpose" if transpose else "")
    add, sub = ("addf", "subf") if c.startswith("f") else ("addi", "subi")
    matrix = f'!gpu.mma_matrix<16x16x{c}, "COp">'
    a_matrix, b_matrix = f'!gpu.mma_matrix<16x{inner}x{a}, "AOp">', f'!gpu.mma_matrix<{inner}x16x{a}, "BOp">'
    return f"""gpu.module @m [#nvvm.target<chip = "{chip}", features = "+ptx80">] {{
  gpu.func @k(%a: memref<16x{inner}x{a}>, %b: memref<{b_type}x{a}>, %c: memref<16x16x{c}>, %d: memref<16x16x{c}>)
      kernel {{
    %c0 = arith.constant 0 : index
    %x = gpu.subgroup_mma_load_matrix %a[%c0, %c0] {load.format(inner, "")} : memref<16x{inner}x{a}> -> {a_matrix}
    %y = gpu.subgroup_mma_load_matrix %b[%c0, %c0] {b_load} : memref<{b_type}x{a}> -> {b_matrix}
    %z = gpu.subgroup_mma_load_matrix %c[%c0, %c0] {load.format(16, "")} : memref<16x16x{c}> -> {matrix}
    %p = gpu.subgroup_mma_compute %x, %y, %z : {a_matrix}, {b_matrix} -> {matrix}
    %q = gpu.subgroup_mma_elementwise {add} %p, %p : ({matrix}, {matrix}) -> {matrix}
    %r = gpu.subgroup_mma_elementwise {sub} %q, %z : ({matrix}, {matrix}) -> {matrix}
    gpu.subgroup_mma_store_matrix %r, %d[%c0, %c0] {load.format(16, "")} : {matrix}, memref<16x16x{c}>
    gpu.return
  }}
}}"""


OLD = [kind for kind in KINDS if kind[0] not in ("bf16", "f32")]
"""The products that a chip of 7.5 has."""


@pytest.mark.parametrize("transpose", [False, True])
@pytest.mark.parametrize(("chip", "kind"), [*(("sm_80", kind) for kind in KINDS), *(("sm_75", kind) for kind in OLD)])
def test_a_warp_multiplies_and_adds(chip, kind, transpose):
    a_type, c_type, inner = KINDS[kind]
    # small whole numbers: every sum is exact
    low = 0 if kind[0] == "ui8" else -4
    a, b = (RNG.integers(low, 5, shape).astype(a_type) for shape in ((16, inner), (inner, 16)))
    c = RNG.integers(-9, 9, (16, 16)).astype(c_type)
    d = np.zeros_like(c)
    held = np.ascontiguousarray(b.T) if transpose else b
    module = lower(program(*kind, inner, transpose, chip))
    sim.launch(module, "k", [1], [32], (a, held, c, d))
    product = a.astype("f8") @ b.astype("f8") + c.astype("f8")
    np.testing.assert_array_equal(d.astype("f8"), 2 * product - c.astype("f8"))


@pytest.mark.parametrize("kind", KINDS, ids="-".join)
def test_the_products_are_assembled(kind):
    inner = KINDS[kind][2]
    assert "mma.sync.aligned" in assembled(program(*kind, inner, False, "sm_80"))
