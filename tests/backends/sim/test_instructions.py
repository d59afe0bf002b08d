"""Instructions of NVIDIA's GPUs, by the intrinsics that stand for them, against NumPy."""

from __future__ import annotations

import re
from typing import Any

import ml_dtypes
import numpy as np
import pytest

from tests.backends.cuda.test_instructions import programs
from tests.backends.sim.support import TID, found, gpu_module, index, kernel, run
from weft.backends import sim
from weft.backends.sim.prepare import prepare
from weft.diagnostics import WeftError

ALL = "    %all = llvm.mlir.constant(-1 : i32) : i32"


def call(name: str, operands: str, types: str, result: str = "()") -> str:
    """A call of an intrinsic of NVIDIA's."""
    return f'llvm.call_intrinsic "llvm.nvvm.{name}"({operands}) : ({types}) -> {result}'


@pytest.mark.parametrize("kind", ["all", "any", "uni", "ballot"])
def test_votes(kind: str):
    """The first warp: lanes below 5 are for it; the second: all are; the third: none is."""
    result = "i32" if kind == "ballot" else "i1"
    take = "%r" if kind == "ballot" else "%w"
    wide = "" if kind == "ballot" else "    %w = llvm.zext %r : i1 to i32"
    body = f"""{TID}
{ALL}
    %five = llvm.mlir.constant(5 : i32) : i32
    %a = llvm.mlir.constant(32 : i32) : i32
    %low = llvm.icmp "slt" %t, %five : i32
    %b = llvm.mlir.constant(64 : i32) : i32
    %second = llvm.icmp "sge" %t, %a : i32
    %third = llvm.icmp "slt" %t, %b : i32
    %in = llvm.and %second, %third : i1
    %p = llvm.or %low, %in : i1
    %r = {call(f"vote.{kind}.sync", "%all, %p", "i32, i1", result)}
{wide}
{index("%t", "%y", "i32", "%q")}
    llvm.store {take}, %q : i32, !llvm.ptr<1>"""
    y = np.zeros(96, np.int32)
    run(kernel("%y: !llvm.ptr<1>", body), [1], [96], y)
    wanted = {"all": (0, 1, 0), "any": (1, 1, 0), "uni": (0, 1, 1), "ballot": (31, -1, 0)}[kind]
    np.testing.assert_array_equal(y, np.repeat(wanted, 32))


def test_matches_and_barriers_that_count():
    body = f"""{TID}
{ALL}
    %three = llvm.mlir.constant(3 : i32) : i32
    %zero = llvm.mlir.constant(0 : i32) : i32
    %v = llvm.urem %t, %three : i32
    %m = {call("match.any.sync.i32", "%all, %v", "i32, i32", "i32")}
    %p = llvm.icmp "eq" %v, %zero : i32
    %n = {call("barrier.cta.red.popc.aligned.all", "%zero, %p", "i32, i1", "i32")}
{index("%t", "%y", "i32", "%q")}
    llvm.store %m, %q : i32, !llvm.ptr<1>
{index("%t", "%z", "i32", "%o")}
    llvm.store %n, %o : i32, !llvm.ptr<1>"""
    y, z = np.zeros(64, np.uint32), np.zeros(64, np.int32)
    run(kernel("%y: !llvm.ptr<1>, %z: !llvm.ptr<1>", body), [1], [64], y, z)
    lanes = np.arange(64)
    for thread in range(64):
        warp = lanes[thread // 32 * 32 :][:32]
        assert y[thread] == sum(1 << (n % 32) for n in warp if n % 3 == thread % 3)
    np.testing.assert_array_equal(z, 22)


_ELEMENTS: dict[str, Any] = {
    "f16": np.float16,
    "bf16": ml_dtypes.bfloat16,
    "tf32": np.float32,
    "f64": np.float64,
    "s8": np.int8,
    "u8": np.uint8,
}


def _fragment(matrix: np.ndarray, which: str, per: int) -> np.ndarray:
    """A matrix as the registers of 32 lanes, written down from the tables of the PTX ISA: [lane, element]."""
    lanes = []
    for lane in range(32):
        group, rest = lane // 4, lane % 4
        if which == "a":
            rows = 2 if matrix.shape[0] == 16 else 1
            held = [
                matrix[group + 8 * half, per * rest + j + 4 * per * block]
                for block in range(matrix.shape[1] // (4 * per))
                for half in range(rows)
                for j in range(per)
            ]
        elif which == "b":
            held = [
                matrix[per * rest + j + 4 * per * block, group]
                for block in range(matrix.shape[0] // (4 * per))
                for j in range(per)
            ]
        else:
            held = [matrix[group + 8 * half, 2 * rest + j] for half in range(matrix.shape[0] // 8) for j in range(2)]
        lanes.append(held)
    return np.array(lanes)


@pytest.mark.parametrize(
    ("shape", "types", "a", "result", "a_type", "c_type"),
    [
        ((16, 8, 16), "f32.f32", "f16", np.float32, "vector<2xf16>", "f32"),
        ((16, 8, 16), "f16.f16", "f16", np.float16, "vector<2xf16>", "vector<2xf16>"),
        ((16, 8, 8), "f32.f32", "f16", np.float32, "vector<2xf16>", "f32"),
        ((16, 8, 16), "bf16", "bf16", np.float32, "i32", "f32"),
        ((16, 8, 8), "tf32", "tf32", np.float32, "i32", "f32"),
        ((16, 8, 4), "tf32", "tf32", np.float32, "i32", "f32"),
        ((16, 8, 32), "s8", "s8", np.int32, "i32", "i32"),
        ((16, 8, 16), "u8", "u8", np.int32, "i32", "i32"),
        ((8, 8, 16), "s8", "s8", np.int32, "i32", "i32"),
        ((8, 8, 4), "f64", "f64", np.float64, "f64", "f64"),
    ],
)
def test_products_of_a_warp(shape: tuple[int, int, int], types: str, a: str, result: Any, a_type: str, c_type: str):
    """Every element type and shape, the fragments laid out by PTX's tables."""
    m, n, k = shape
    rng = np.random.default_rng(0)
    low = 0 if a == "u8" else -5
    left, right, add = (rng.integers(low, 6, size) for size in ((m, k), (k, n), (m, n)))
    dtype = np.dtype(_ELEMENTS[a])
    per = max(1, 4 // dtype.itemsize)
    a_bytes = _fragment(left, "a", per).astype(dtype).view(np.uint8).reshape(32, -1)
    b_bytes = _fragment(right, "b", per).astype(dtype).view(np.uint8).reshape(32, -1)
    c_bytes = _fragment(add, "c", 2).astype(result).view(np.uint8).reshape(32, -1)
    width = 8 if a == "f64" else 4
    lines = [TID]
    names: dict[str, list[str]] = {"a": [], "b": [], "c": []}
    for name, held, type_ in (("a", a_bytes, a_type), ("b", b_bytes, a_type), ("c", c_bytes, c_type)):
        lines.append(f"    %s{name} = llvm.mlir.constant({held.shape[1]} : i32) : i32")
        lines.append(f"    %o{name} = llvm.mul %t, %s{name} : i32")
        lines.append(index(f"%o{name}", f"%{name}", "i8", f"%p{name}"))
        for register in range(held.shape[1] // width):
            here = f"%p{name}{register}"
            lines.append(
                f"    {here} = llvm.getelementptr %p{name}[{register * width}] : (!llvm.ptr<1>) -> !llvm.ptr<1>, i8"
            )
            lines.append(f"    %{name}{register} = llvm.load {here} : !llvm.ptr<1> -> {type_}")
            names[name].append(f"%{name}{register}")
    struct = f"!llvm.struct<({', '.join([c_type] * len(names['c']))})>"
    operands = [*names["a"], *names["b"], *names["c"]]
    kinds = [a_type] * (len(names["a"]) + len(names["b"])) + [c_type] * len(names["c"])
    mma = call(f"mma.m{m}n{n}k{k}.row.col.{types}", ", ".join(operands), ", ".join(kinds), struct)
    lines.append(f"    %d = {mma}")
    for register in range(len(names["c"])):
        lines.append(f"    %d{register} = llvm.extractvalue %d[{register}] : {struct}")
        lines.append(f"    llvm.store %d{register}, %pc{register} : {c_type}, !llvm.ptr<1>")
    arguments = ", ".join(f"%{name}: !llvm.ptr<1>" for name in "abc")
    out = c_bytes.copy()
    reports = run(kernel(arguments, "\n".join(lines)), [1], [32], a_bytes, b_bytes, out, checked=True)
    assert not [report for report in reports if report.is_error]
    wanted = _fragment(left.astype(np.float64) @ right + add, "c", 2).astype(result)
    np.testing.assert_array_equal(np.ascontiguousarray(out).view(result), wanted)


@pytest.mark.parametrize("transposed", [False, True])
def test_matrices_are_loaded_by_a_warp(transposed: bool):
    """Four 8x8 matrices of 16 bits, a row from each lane; and one is stored back."""
    trans = ".trans" if transposed else ""
    struct = "!llvm.struct<(i32, i32, i32, i32)>"
    takes = "\n".join(
        f"""    %v{n} = llvm.extractvalue %r[{n}] : {struct}
    %q{n} = llvm.getelementptr %q[{n}] : (!llvm.ptr<1>) -> !llvm.ptr<1>, i32
    llvm.store %v{n}, %q{n} : i32, !llvm.ptr<1>"""
        for n in range(4)
    )
    body = f"""{TID}
    %tile = llvm.mlir.addressof @tile : !llvm.ptr<3>
    %sixteen = llvm.mlir.constant(16 : i32) : i32
    %four = llvm.mlir.constant(4 : i32) : i32
    %offset = llvm.mul %t, %sixteen : i32
{index("%offset", "%x", "i8", "%px")}
    %v = llvm.load %px {{alignment = 16 : i64}} : !llvm.ptr<1> -> vector<4xi32>
{index("%offset", "%tile", "i8", "%ps", 3)}
    llvm.store %v, %ps {{alignment = 16 : i64}} : vector<4xi32>, !llvm.ptr<3>
    nvvm.barrier0
    %r = {call(f"ldmatrix.sync.aligned.m8n8.x4{trans}.b16.p3", "%ps", "!llvm.ptr<3>", struct)}
    %first = llvm.mul %t, %four : i32
{index("%first", "%y", "i32", "%q")}
{takes}
    nvvm.barrier0
    {call(f"stmatrix.sync.aligned.m8n8.x1{trans}.b16.p3", "%ps, %v1", "!llvm.ptr<3>, i32")}
    nvvm.barrier0
    %w = llvm.load %ps {{alignment = 16 : i64}} : !llvm.ptr<3> -> vector<4xi32>
{index("%offset", "%z", "i8", "%pz")}
    llvm.store %w, %pz {{alignment = 16 : i64}} : vector<4xi32>, !llvm.ptr<1>"""
    tile = "  llvm.mlir.global internal @tile() {addr_space = 3 : i32} : !llvm.array<512 x i8>"
    x = _aligned(np.arange(256, dtype=np.uint16))
    y, z = np.zeros((32, 4, 2), np.uint16), _aligned(np.zeros(256, np.uint16))
    reports = run(
        kernel("%x: !llvm.ptr<1>, %y: !llvm.ptr<1>, %z: !llvm.ptr<1>", body, tile), [1], [32], x, y, z, checked=True
    )
    assert not [report for report in reports if report.is_error]
    matrices = x.reshape(4, 8, 8)
    for lane in range(32):
        for matrix in range(4):
            held = matrices[matrix].T if transposed else matrices[matrix]
            np.testing.assert_array_equal(y[lane, matrix], held[lane // 4, lane % 4 * 2 :][:2])
    np.testing.assert_array_equal(z.reshape(4, 8, 8)[0], matrices[1])


def _aligned(array: np.ndarray) -> np.ndarray:
    """A copy at a multiple of 64 bytes."""
    room = np.empty(array.nbytes + 64, np.uint8)
    start = -room.ctypes.data % 64
    out = room[start : start + array.nbytes].view(array.dtype)
    out[...] = array.ravel()
    return out


def _copied(waits: bool) -> tuple[np.ndarray, list[tuple[str, int]]]:
    """Each thread copies 16 bytes to shared memory asynchronously, and reads its neighbour's."""
    wait = call("cp.async.wait.group", "%zero", "i32") if waits else ""
    body = f"""{TID}
    %zero = llvm.mlir.constant(0 : i32) : i32
    %one = llvm.mlir.constant(1 : i32) : i32
    %sixteen = llvm.mlir.constant(16 : i32) : i32
    %tile = llvm.mlir.addressof @tile : !llvm.ptr<3>
    %offset = llvm.mul %t, %sixteen : i32
{index("%offset", "%x", "i8", "%px")}
{index("%offset", "%tile", "i8", "%ps", 3)}
    {call("cp.async.cg.shared.global.16", "%ps, %px", "!llvm.ptr<3>, !llvm.ptr<1>")}
    {call("cp.async.commit.group", "", "")}
    {wait}
    nvvm.barrier0
    %n = llvm.xor %t, %one : i32
    %other = llvm.mul %n, %sixteen : i32
{index("%other", "%tile", "i8", "%pr", 3)}
    %w = llvm.load %pr : !llvm.ptr<3> -> i32
{index("%t", "%y", "i32", "%py")}
    llvm.store %w, %py : i32, !llvm.ptr<1>"""
    tile = "  llvm.mlir.global internal @tile() {addr_space = 3 : i32, alignment = 16 : i64} : !llvm.array<512 x i8>"
    x, y = _aligned(np.arange(1, 129, dtype=np.int32)), np.zeros(32, np.int32)
    reports = run(kernel("%x: !llvm.ptr<1>, %y: !llvm.ptr<1>", body, tile), [1], [32], x, y, checked=True)
    return y, [pair for pair in found(reports) if pair[0] in ("RACE", "UNWRITTEN")]


def test_asynchronous_copies():
    """They are there behind a wait and a barrier; without the wait what is read is not what was copied."""
    wanted = np.arange(1, 129, 4)[np.arange(32) ^ 1]
    y, reports = _copied(True)
    np.testing.assert_array_equal(y, wanted)
    assert reports == []
    y, reports = _copied(False)
    assert (y != wanted).all()


def _handed_over(wait: bool) -> list[tuple[str, int]]:
    """A warp fills shared memory and arrives at an mbarrier; another waits for it, and reads."""
    test = call("mbarrier.try.wait.parity.scope.cta.space.cta", "%bar, %zero", "!llvm.ptr<3>, i32", "i1")
    body = f"""{TID}
    %zero = llvm.mlir.constant(0 : i32) : i32
    %one = llvm.mlir.constant(1 : i32) : i32
    %count = llvm.mlir.constant(32 : i32) : i32
    %bar = llvm.mlir.addressof @bar : !llvm.ptr<3>
    %tile = llvm.mlir.addressof @tile : !llvm.ptr<3>
    %is = llvm.icmp "eq" %t, %zero : i32
    llvm.cond_br %is, ^init, ^ready
  ^init:
    {call("mbarrier.init.shared", "%bar, %count", "!llvm.ptr<3>, i32")}
    llvm.br ^ready
  ^ready:
    nvvm.barrier0
    %fills = llvm.icmp "sge" %t, %count : i32
    llvm.cond_br %fills, ^fill, ^take
  ^fill:
    %i = llvm.sub %t, %count : i32
{index("%i", "%tile", "i32", "%ps", 3)}
    llvm.store %t, %ps : i32, !llvm.ptr<3>
    %s = {call("mbarrier.arrive.shared", "%bar", "!llvm.ptr<3>", "i64")}
    llvm.br ^end
  ^take:
    {"%done = " + test if wait else ""}
    %r = llvm.xor %t, %one : i32
{index("%r", "%tile", "i32", "%pr", 3)}
    %v = llvm.load %pr : !llvm.ptr<3> -> i32
{index("%t", "%y", "i32", "%py")}
    llvm.store %v, %py : i32, !llvm.ptr<1>
    llvm.br ^end
  ^end:"""
    around = """  llvm.mlir.global internal @tile() {addr_space = 3 : i32} : !llvm.array<32 x i32>
  llvm.mlir.global internal @bar() {addr_space = 3 : i32, alignment = 8 : i64} : i64"""
    y = np.zeros(32, np.int32)
    reports = run(kernel("%y: !llvm.ptr<1>", body, around), [2], [64], y, checked=True)
    if wait:
        np.testing.assert_array_equal(y, 32 + (np.arange(32) ^ 1))
    return found(reports)


def test_mbarriers_order_memory():
    assert _handed_over(True) == []
    assert {kind for kind, _ in _handed_over(False)} == {"RACE", "UNWRITTEN"}


def test_threads_may_end_anywhere():
    body = f"""{TID}
    %ten = llvm.mlir.constant(10 : i32) : i32
    %early = llvm.icmp "slt" %t, %ten : i32
    llvm.cond_br %early, ^leave, ^stay
  ^leave:
    {call("exit", "", "")}
    llvm.br ^stay
  ^stay:
{index("%t", "%y", "i32", "%q")}
    llvm.store %t, %q : i32, !llvm.ptr<1>"""
    y = np.full(32, -1, np.int32)
    run(kernel("%y: !llvm.ptr<1>", body), [1], [32], y)
    np.testing.assert_array_equal(y, np.where(np.arange(32) < 10, -1, np.arange(32)))


def test_approximations_are_better_than_they_promise():
    names = {"ex2.approx.ftz.f": np.exp2, "rcp.approx.ftz.f": np.reciprocal, "rsqrt.approx.f": lambda x: 1 / np.sqrt(x)}
    for name, numpy in names.items():
        body = f"""{TID}
{index("%t", "%x", "f32", "%p")}
    %v = llvm.load %p : !llvm.ptr<1> -> f32
    %r = {call(name, "%v", "f32", "f32")}
    llvm.store %r, %p : f32, !llvm.ptr<1>"""
        x = np.linspace(0.5, 3, 32, dtype=np.float32)
        y = x.copy()
        run(kernel("%x: !llvm.ptr<1>", body), [1], [32], y)
        np.testing.assert_allclose(y, numpy(x), rtol=3e-7)


def test_what_is_not_known_is_refused_by_name():
    text = kernel("", f"    {call('nothing.like.this', '', '')}")
    with pytest.raises(WeftError, match=r"kernel.mlir:3:5: error: the simulator does not know 'llvm.nvvm.nothing.like"):
        sim.compile_module(gpu_module(text))


REFUSED = (r"im2col\[",)
"""What the simulator refuses by name: boxes by im2col."""


def test_every_form_of_an_instruction_has_a_meaning():
    refused: set[str] = set()
    for text in programs():
        module = gpu_module(f"gpu.module @m {{\n{text}\n}}")
        patterns = [pattern for pattern in REFUSED if re.search(pattern, text)]
        if not patterns:
            prepare(module, checked=True)
            continue
        refused.update(patterns)
        with pytest.raises(WeftError, match="the simulator does not know"):
            prepare(module, checked=True)
    assert refused == set(REFUSED)


def test_numbers_are_rounded_to_tf32():
    """Ties away from zero; infinities stay, and NaN is one pattern."""
    body = f"""{TID}
{index("%t", "%x", "f32", "%p")}
    %v = llvm.load %p : !llvm.ptr<1> -> f32
    %r = nvvm.f2tf32.rna %v : f32 -> i32
{index("%t", "%y", "i32", "%q")}
    llvm.store %r, %q : i32, !llvm.ptr<1>"""
    half = np.float32(2.0**-11)
    x = np.array([1, 1 + half, -1 - half, 1 + half / 2, 3e38, np.inf, -np.inf, np.nan, 0, -0.0, 1e-40], np.float32)
    y = np.zeros(len(x), np.uint32)
    run(kernel("%x: !llvm.ptr<1>, %y: !llvm.ptr<1>", body), [1], [len(x)], x, y)
    wanted = (x.view(np.uint32) + 0x1000) & ~np.uint32(0x1FFF)
    wanted[7] = 0x7FFFFFFF
    np.testing.assert_array_equal(y, wanted)
    assert y.view(np.float32)[1] == 1 + 2 * half and y.view(np.float32)[5] == np.inf
