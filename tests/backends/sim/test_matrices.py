"""Products whose operands lie as a chip likes, are smaller than a byte, or are made four at a time, against NumPy."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np
import pytest

from tests.backends.sim.support import TID, index, kernel, run

SIZES = "m = {m} : i32, n = {n} : i32, k = {k} : i32"


def _struct(types: list[str]) -> str:
    return types[0] if len(types) == 1 else f"!llvm.struct<({', '.join(types)})>"


def _loaded(name: str, shape: tuple[int, int, int], element: str, layout: str, stride: int, types: list[str]) -> str:
    m, n, k = shape
    lines = [
        f"    %s{name} = llvm.mlir.constant({stride} : i32) : i32",
        f"    %f{name} = nvvm.wmma.load %{name}, %s{name} {{eltype = #nvvm.mma_type<{element}>, "
        f"frag = #nvvm.mma_frag<{name}>, layout = #nvvm.mma_layout<{layout}>, {SIZES.format(m=m, n=n, k=k)}}} "
        f": (!llvm.ptr<1>) -> {_struct(types)}",
    ]
    for part in range(len(types)):
        lines.append(f"    %{name}{part} = llvm.extractvalue %f{name}[{part}] : {_struct(types)}")
    if len(types) == 1:
        lines[-1] = f"    %{name}0 = llvm.bitcast %f{name} : {types[0]} to {types[0]}"
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("shape", "element", "of_a", "result", "counts"),
    [
        ((16, 16, 16), "f16", np.float16, "f32", (8, 8, 8)),
        ((32, 8, 16), "f16", np.float16, "f16", (8, 8, 4)),
        ((16, 16, 16), "bf16", ml_dtypes.bfloat16, "f32", (4, 4, 8)),
        ((16, 16, 8), "tf32", np.float32, "f32", (4, 4, 8)),
        ((8, 32, 16), "s8", np.int8, "s32", (1, 4, 8)),
        ((32, 8, 16), "u8", np.uint8, "s32", (4, 1, 8)),
    ],
)
@pytest.mark.parametrize("layouts", ["row col", "col row"])
def test_matrices_that_a_warp_loads_whole(
    shape: tuple[int, int, int], element: str, of_a: Any, result: str, counts: tuple[int, int, int], layouts: str
):
    """Loaded, multiplied and stored, with rows or columns that lie further apart than they are long."""
    m, n, k = shape
    dtype: Any = {"f32": np.float32, "f16": np.float16, "s32": np.int32}[result]
    rng = np.random.default_rng(1)
    low = 0 if element == "u8" else -4
    a, b, c = (rng.integers(low, 5, size) for size in ((m, k), (k, n), (m, n)))
    layout = dict(zip("ab", layouts.split(), strict=True))
    of_c = layout["b"]

    def lies(matrix: np.ndarray, how: str, kind: Any) -> np.ndarray:
        held = matrix if how == "row" else matrix.T
        return np.ascontiguousarray(np.pad(held, ((0, 0), (0, 16))), dtype=kind)

    held = [lies(a, layout["a"], of_a), lies(b, layout["b"], of_a), lies(c, of_c, dtype)]
    word = {"f16": "vector<2xf16>"}.get(element, "i32")
    sums = {"f32": "f32", "f16": "vector<2xf16>", "s32": "i32"}[result]
    types = {"a": [word] * counts[0], "b": [word] * counts[1], "c": [sums] * counts[2]}
    kinds = {"a": element, "b": element, "c": result}
    lines = [
        _loaded(name, shape, kinds[name], {**layout, "c": of_c}[name], one.shape[1], types[name])
        for name, one in zip("abc", held, strict=True)
    ]
    operands = ", ".join(f"%{name}{n}" for name in "abc" for n in range(len(types[name])))
    sizes = SIZES.format(m=m, n=n, k=k)
    lines.append(
        f"    %d = nvvm.wmma.mma {operands} {{eltypeA = #nvvm.mma_type<{element}>, "
        f"eltypeB = #nvvm.mma_type<{result}>, layoutA = #nvvm.mma_layout<{layout['a']}>, "
        f"layoutB = #nvvm.mma_layout<{layout['b']}>, {sizes}}} "
        f": ({', '.join(t for name in 'abc' for t in types[name])}) -> {_struct(types['c'])}"
    )
    parts = [f"%d{n}" for n in range(counts[2])]
    lines += [f"    {part} = llvm.extractvalue %d[{n}] : {_struct(types['c'])}" for n, part in enumerate(parts)]
    lines.append(
        f"    nvvm.wmma.store %c, %sc, {', '.join(parts)} {{eltype = #nvvm.mma_type<{result}>, "
        f"layout = #nvvm.mma_layout<{of_c}>, {sizes}}} : !llvm.ptr<1>, {', '.join(types['c'])}"
    )
    arguments = ", ".join(f"%{name}: !llvm.ptr<1>" for name in "abc")
    reports = run(kernel(arguments, "\n".join(lines)), [1], [32], *held, checked=True)
    assert not [report for report in reports if report.is_error]
    np.testing.assert_array_equal(held[2], lies(a @ b + c, of_c, dtype))


def _narrow_fragment(matrix: np.ndarray, per: int, bits: int, halves: int) -> np.ndarray:
    """A matrix whose rows lanes share, as their registers: [lane, register]."""
    out = np.zeros((32, matrix.size * bits // 1024), np.uint32)
    for lane in range(32):
        group, rest = divmod(lane, 4)
        for register in range(out.shape[1]):
            half, block = register % halves, register // halves
            for j in range(per):
                value = int(matrix[group + 8 * half, per * rest + j + 4 * per * block]) & ((1 << bits) - 1)
                out[lane, register] |= np.uint32(value << bits * j)
    return out


@pytest.mark.parametrize(
    ("name", "bits", "range_", "shape"),
    [
        ("m16n8k64.row.col.s4", 4, (-8, 8), (16, 8, 64)),
        ("m16n8k32.row.col.satfinite.u4", 4, (0, 16), (16, 8, 32)),
        ("m8n8k32.row.col.s4", 4, (-8, 8), (8, 8, 32)),
        ("xor.popc.m16n8k256.row.col.b1", 1, (0, 2), (16, 8, 256)),
        ("and.popc.m8n8k128.row.col.b1", 1, (0, 2), (8, 8, 128)),
    ],
)
def test_products_of_elements_of_less_than_8_bits(name: str, bits: int, range_: Any, shape: tuple[int, int, int]):
    m, n, k = shape
    rng = np.random.default_rng(2)
    a, b = rng.integers(*range_, (m, k)), rng.integers(*range_, (n, k))
    c = rng.integers(-9, 9, (32, m * n // 32)).astype(np.int32)
    held = [_narrow_fragment(a, 32 // bits, bits, m // 8), _narrow_fragment(b, 32 // bits, bits, 1), c]
    lines = [TID]
    for letter, one in zip("abc", held, strict=True):
        lines.append(f"    %w{letter} = llvm.mlir.constant({one.shape[1]} : i32) : i32")
        lines.append(f"    %o{letter} = llvm.mul %t, %w{letter} : i32")
        lines.append(index(f"%o{letter}", f"%{letter}", "i32", f"%p{letter}"))
        for part in range(one.shape[1]):
            place = f"%p{letter}{part}"
            lines.append(f"    {place} = llvm.getelementptr %p{letter}[{part}] : (!llvm.ptr<1>) -> !llvm.ptr<1>, i32")
            lines.append(f"    %{letter}{part} = llvm.load {place} : !llvm.ptr<1> -> i32")
    operands = [f"%{letter}{part}" for letter, one in zip("abc", held, strict=True) for part in range(one.shape[1])]
    struct = f"!llvm.struct<({', '.join(['i32'] * c.shape[1])})>"
    types = ", ".join(["i32"] * len(operands))
    lines.append(f'    %d = llvm.call_intrinsic "llvm.nvvm.mma.{name}"({", ".join(operands)}) : ({types}) -> {struct}')
    for part in range(c.shape[1]):
        lines.append(f"    %d{part} = llvm.extractvalue %d[{part}] : {struct}")
        lines.append(f"    llvm.store %d{part}, %pc{part} : i32, !llvm.ptr<1>")
    out = c.copy()
    run(kernel("%a: !llvm.ptr<1>, %b: !llvm.ptr<1>, %c: !llvm.ptr<1>", "\n".join(lines)), [1], [32], *held[:2], out)
    product = (a[:, None] != b[None]).sum(-1) if name.startswith("xor") else a @ b.T
    lane, element = np.arange(32)[:, None], np.arange(c.shape[1])[None]
    wanted = product[lane // 4 + 8 * (element // 2), 2 * (lane % 4) + element % 2] + c
    np.testing.assert_array_equal(out, wanted)


def test_four_products_of_halves_at_once():
    """`mma.m8n8k4` with one row of A and one column of B not zero: what lanes hold of four products."""
    a, b = np.zeros((32, 4), np.float16), np.zeros((32, 4), np.float16)
    a[4:8, 0] = [1, 2, 3, 4]  # the second product: rows 0 to 3 of column 0
    a[20:24, 0] = [5, 6, 7, 8]  # rows 4 to 7
    b[4, :] = [1, 10, 100, 1000]  # B by rows: row 0, columns 0 to 3
    b[20, :] = [2, 20, 200, 2000]  # columns 4 to 7
    c = np.zeros((32, 8), np.float32)
    lines = [TID, "    %four = llvm.mlir.constant(4 : i32) : i32", "    %at = llvm.mul %t, %four : i32"]
    lines += ["    %two = llvm.mlir.constant(2 : i32) : i32", "    %to = llvm.mul %at, %two : i32"]
    for letter in "ab":
        lines.append(index("%at", f"%{letter}", "f16", f"%p{letter}"))
        lines.append(f"    %q{letter} = llvm.getelementptr %p{letter}[2] : (!llvm.ptr<1>) -> !llvm.ptr<1>, f16")
        lines += [
            f"    %{letter}{n} = llvm.load %{p}{letter} : !llvm.ptr<1> -> vector<2xf16>" for n, p in enumerate("pq")
        ]
    struct = f"!llvm.struct<({', '.join(['f32'] * 8)})>"
    lines.append("    %z = llvm.mlir.constant(0.0 : f32) : f32")
    lines.append(
        f'    %d = llvm.call_intrinsic "llvm.nvvm.mma.m8n8k4.row.row.f32.f32"(%a0, %a1, %b0, %b1{", %z" * 8}) '
        f": ({', '.join(['vector<2xf16>'] * 4 + ['f32'] * 8)}) -> {struct}"
    )
    lines.append(index("%to", "%c", "f32", "%pc"))
    for n in range(8):
        lines.append(f"    %d{n} = llvm.extractvalue %d[{n}] : {struct}")
        lines.append(f"    %r{n} = llvm.getelementptr %pc[{n}] : (!llvm.ptr<1>) -> !llvm.ptr<1>, f32")
        lines.append(f"    llvm.store %d{n}, %r{n} : f32, !llvm.ptr<1>")
    run(kernel("%a: !llvm.ptr<1>, %b: !llvm.ptr<1>, %c: !llvm.ptr<1>", "\n".join(lines)), [1], [32], a, b, c)
    product = np.outer(np.arange(1, 9), [1, 10, 100, 1000, 2, 20, 200, 2000]).astype(np.float32)
    rows = [(lane & 1) + (i & 2) + 4 * (lane // 16) for lane in (4, 5, 6, 7, 20, 21, 22, 23) for i in range(8)]
    columns = [(i & 4) + (lane & 2) + (i & 1) for lane in (4, 5, 6, 7, 20, 21, 22, 23) for i in range(8)]
    held = [4, 5, 6, 7, 20, 21, 22, 23]
    np.testing.assert_array_equal(c[held].ravel(), product[rows, columns])
    assert not np.delete(c, held, axis=0).any()
