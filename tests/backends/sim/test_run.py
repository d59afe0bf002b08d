"""Kernels in the simulator give what they give on a device."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from tests.backends.sim.support import TID, gpu_module, index, kernel, run
from weft.backends import sim
from weft.diagnostics import WeftError


def _reversing(barrier: str = "nvvm.barrier0") -> str:
    """Each block of 256 reverses its part of %x into %y by shared memory."""
    body = f"""{TID}
    %b = nvvm.read.ptx.sreg.ctaid.x : i32
    %d = nvvm.read.ptx.sreg.ntid.x : i32
    %base = llvm.mul %b, %d : i32
    %i = llvm.add %base, %t : i32
    %tile = llvm.mlir.addressof @tile : !llvm.ptr<3>
{index("%i", "%x", "f32", "%px")}
    %v = llvm.load %px : !llvm.ptr<1> -> f32
{index("%t", "%tile", "f32", "%ps", 3)}
    llvm.store %v, %ps : f32, !llvm.ptr<3>
    {barrier}
    %one = llvm.mlir.constant(1 : i32) : i32
    %last = llvm.sub %d, %one : i32
    %r = llvm.sub %last, %t : i32
{index("%r", "%tile", "f32", "%pr", 3)}
    %w = llvm.load %pr : !llvm.ptr<3> -> f32
{index("%i", "%y", "f32", "%py")}
    llvm.store %w, %py : f32, !llvm.ptr<1>"""
    tile = "  llvm.mlir.global internal @tile() {addr_space = 3 : i32} : !llvm.array<256 x f32>"
    return kernel("%x: !llvm.ptr<1>, %y: !llvm.ptr<1>", body, tile)


@pytest.mark.parametrize("block", [1, 31, 32, 33, 256])
def test_a_barrier_orders_shared_memory(block: int):
    """Blocks that are no whole warps too."""
    x = np.arange(block * 3, dtype=np.float32)
    y = np.zeros_like(x)
    assert run(_reversing(), [3], [block], x, y, checked=True) == []
    np.testing.assert_array_equal(y, x.reshape(3, block)[:, ::-1].ravel())


def test_ids_in_three_dimensions():
    registers = ["tid", "ntid", "ctaid", "nctaid"]
    lines = [TID.replace("%t", "%unused")]
    for name, axis in product(registers, "xyz"):
        lines.append(f"    %{name}{axis} = nvvm.read.ptx.sreg.{name}.{axis} : i32")

    def flat(i: str, n: str) -> list[str]:
        return [
            f"    %{i}a = llvm.mul %{i}z, %{n}y : i32",
            f"    %{i}b = llvm.add %{i}a, %{i}y : i32",
            f"    %{i}c = llvm.mul %{i}b, %{n}x : i32",
            f"    %{i}f = llvm.add %{i}c, %{i}x : i32",
        ]

    lines += [*flat("tid", "ntid"), *flat("ctaid", "nctaid")]
    lines += ["    %xy = llvm.mul %ntidx, %ntidy : i32", "    %all = llvm.mul %xy, %ntidz : i32"]
    lines += ["    %first = llvm.mul %ctaidf, %all : i32", "    %i = llvm.add %first, %tidf : i32"]
    lines += [index("%i", "%y", "i32", "%p"), "    llvm.store %i, %p : i32, !llvm.ptr<1>"]
    y = np.full(2 * 3 * 4 * 5 * 2 * 3, -1, np.int32)
    run(kernel("%y: !llvm.ptr<1>", "\n".join(lines)), [2, 3, 4], [5, 2, 3], y)
    np.testing.assert_array_equal(y, np.arange(y.size))


def _shuffled(kind: str, offset: int, clamp: int, mask: int = -1) -> np.ndarray:
    body = f"""{TID}
    %m = llvm.mlir.constant({mask} : i32) : i32
    %o = llvm.mlir.constant({offset} : i32) : i32
    %c = llvm.mlir.constant({clamp} : i32) : i32
    %s = nvvm.shfl.sync {kind} %m, %t, %o, %c {{return_value_and_is_valid}} : i32 -> !llvm.struct<(i32, i1)>
    %v = llvm.extractvalue %s[0] : !llvm.struct<(i32, i1)>
    %b = llvm.extractvalue %s[1] : !llvm.struct<(i32, i1)>
    %n = llvm.mlir.constant(100 : i32) : i32
    %w = llvm.add %v, %n : i32
    %r = llvm.select %b, %v, %w : i1, i32
{index("%t", "%y", "i32", "%p")}
    llvm.store %r, %p : i32, !llvm.ptr<1>"""
    y = np.zeros(64, np.int32)
    run(kernel("%y: !llvm.ptr<1>", body), [1], [64], y, checked=True)
    return y


def test_shuffles():
    """In each lane what PTX says; 100 more where the other lane is out of range."""
    lanes = np.arange(64)
    lane, warp = lanes % 32, lanes // 32 * 32
    np.testing.assert_array_equal(_shuffled("bfly", 5, 31), warp + (lane ^ 5))
    np.testing.assert_array_equal(_shuffled("idx", 7, 31), warp + 7)
    down = np.where(lane + 3 < 32, lanes + 3, lanes + 100)
    np.testing.assert_array_equal(_shuffled("down", 3, 31), down)
    up = np.where(lane >= 3, lanes - 3, lanes + 100)
    np.testing.assert_array_equal(_shuffled("up", 3, 0), up)
    in_eights = np.where(lane % 8 + 3 < 8, lanes + 3, lanes + 100)  # segments of 8: the mask 24 << 8
    np.testing.assert_array_equal(_shuffled("down", 3, 24 << 8 | 31), in_eights)


@pytest.mark.parametrize(
    ("kind", "numpy"),
    [("add", np.add), ("min", np.minimum), ("max", np.maximum), ("xor", np.bitwise_xor), ("or", np.bitwise_or)],
)
def test_reductions_of_a_warp(kind: str, numpy: np.ufunc):
    body = f"""{TID}
    %m = llvm.mlir.constant(-1 : i32) : i32
    %k = llvm.mlir.constant(-7 : i32) : i32
    %v = llvm.mul %t, %k : i32
    %r = nvvm.redux.sync {kind} %v, %m : i32 -> i32
{index("%t", "%y", "i32", "%p")}
    llvm.store %r, %p : i32, !llvm.ptr<1>"""
    y = np.zeros(40, np.int32)
    run(kernel("%y: !llvm.ptr<1>", body), [1], [40], y)
    values = np.arange(40, dtype=np.int32) * -7
    np.testing.assert_array_equal(y, [numpy.reduce(values[:32])] * 32 + [numpy.reduce(values[32:])] * 8)


def test_one_thread_is_elected():
    """Also when it ends at once, and the others look later."""
    body = f"""{TID}
    %e = nvvm.elect.sync -> i1
    llvm.cond_br %e, ^one, ^end
  ^one:
    %q = llvm.mlir.constant(1 : i32) : i32
{index("%t", "%y", "i32", "%p")}
    llvm.store %q, %p : i32, !llvm.ptr<1>
    llvm.br ^end
  ^end:"""
    y = np.zeros(64, np.int32)
    run(kernel("%y: !llvm.ptr<1>", body), [1], [64], y)
    np.testing.assert_array_equal(np.flatnonzero(y), [0, 32])


_DEVICE_FUNCTION = """  llvm.func @reversed(%t: i32, %v: i32, %tile: !llvm.ptr<3>) -> i32 {
    %one = llvm.mlir.constant(1 : i64) : i64
    %own = llvm.alloca %one x i32 : (i64) -> !llvm.ptr
    llvm.store %v, %own : i32, !llvm.ptr
    %p = llvm.getelementptr %tile[%t] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i32
    llvm.store %v, %p : i32, !llvm.ptr<3>
    nvvm.barrier0
    %c = llvm.mlir.constant(31 : i32) : i32
    %r = llvm.sub %c, %t : i32
    %q = llvm.getelementptr %tile[%r] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i32
    %w = llvm.load %q : !llvm.ptr<3> -> i32
    nvvm.barrier0
    %mine = llvm.load %own : !llvm.ptr -> i32
    %sum = llvm.add %w, %mine : i32
    llvm.return %sum : i32
  }
  llvm.mlir.global internal @tile() {addr_space = 3 : i32} : !llvm.array<32 x i32>"""


def test_device_functions_may_wait():
    """One with a barrier and memory of its own, called in a loop."""
    body = f"""{TID}
    %zero = llvm.mlir.constant(0 : i32) : i32
    %one = llvm.mlir.constant(1 : i32) : i32
    %five = llvm.mlir.constant(5 : i32) : i32
    %tile = llvm.mlir.addressof @tile : !llvm.ptr<3>
    llvm.br ^loop(%zero, %t : i32, i32)
  ^loop(%n: i32, %v: i32):
    %w = llvm.call @reversed(%t, %v, %tile) : (i32, i32, !llvm.ptr<3>) -> i32
    %n1 = llvm.add %n, %one : i32
    %more = llvm.icmp "slt" %n1, %five : i32
    llvm.cond_br %more, ^loop(%n1, %w : i32, i32), ^done
  ^done:
{index("%t", "%y", "i32", "%p")}
    llvm.store %w, %p : i32, !llvm.ptr<1>"""
    y = np.zeros(32, np.int32)
    assert run(kernel("%y: !llvm.ptr<1>", body, _DEVICE_FUNCTION), [1], [32], y, checked=True) == []
    wanted = np.arange(32)
    for _ in range(5):
        wanted = wanted + wanted[::-1]
    np.testing.assert_array_equal(y, wanted)


def test_a_waiting_function_that_calls_itself_is_refused():
    around = """  llvm.func @again() {
    nvvm.barrier0
    llvm.call @again() : () -> ()
    llvm.return
  }"""
    text = kernel("", "    llvm.call @again() : () -> ()", around)
    with pytest.raises(WeftError, match="'@again' waits for other threads and calls itself"):
        sim.compile_module(gpu_module(text))


def test_dynamic_shared_memory():
    body = f"""{TID}
    %tile = llvm.mlir.addressof @dynamic : !llvm.ptr<3>
{index("%t", "%tile", "i32", "%ps", 3)}
    llvm.store %t, %ps : i32, !llvm.ptr<3>
    nvvm.barrier0
    %c = llvm.mlir.constant(63 : i32) : i32
    %r = llvm.sub %c, %t : i32
{index("%r", "%tile", "i32", "%pr", 3)}
    %w = llvm.load %pr : !llvm.ptr<3> -> i32
{index("%t", "%y", "i32", "%p")}
    llvm.store %w, %p : i32, !llvm.ptr<1>"""
    dynamic = "  llvm.mlir.global external @dynamic() {addr_space = 3 : i32} : !llvm.array<0 x i32>"
    y = np.zeros(64, np.int32)
    text = kernel("%y: !llvm.ptr<1>", body, dynamic)
    assert run(text, [1], [64], y, shared=256, checked=True) == []
    np.testing.assert_array_equal(y, np.arange(64)[::-1])
    reports = run(text, [1], [64], y, shared=128, checked=True)
    assert {report.finding.name for report in reports} == {"OUT_OF_BOUNDS"}


def test_numbers_as_arguments():
    types = {"f32": np.float32, "f64": np.float64, "i64": np.int64, "i32": np.int32, "i8": np.int8, "f16": np.float16}
    arguments = ["%y: !llvm.ptr<1>", *(f"%a{n}: {type_}" for n, type_ in enumerate(types))]
    lines: list[str] = []
    for n, type_ in enumerate(types):
        lines.append(f"    %p{n} = llvm.getelementptr %y[{8 * n}] : (!llvm.ptr<1>) -> !llvm.ptr<1>, i8")
        lines.append(f"    llvm.store %a{n}, %p{n} : {type_}, !llvm.ptr<1>")
    y = np.zeros(8 * len(types), np.uint8)
    values = [1.5, -2.25, -(2**40), -7, -3, 0.5]
    run(kernel(", ".join(arguments), "\n".join(lines)), [1], [1], y, *values)
    got = [y[8 * n : 8 * n + 8].view(dtype)[0] for n, dtype in enumerate(types.values())]
    assert [float(value) for value in got] == values


def test_atomics_add_up():
    body = f"""{TID}
    %v = llvm.atomicrmw add %y, %t monotonic : !llvm.ptr<1>, i32"""
    y = np.zeros(1, np.int32)
    assert run(kernel("%y: !llvm.ptr<1>", body), [10], [100], y, checked=True) == []
    assert y[0] == 10 * (99 * 100 // 2)


def test_threads_that_wait_for_a_lock_let_its_holder_run():
    """Each thread takes the lock, adds to a sum by a plain load and store, and gives the lock back."""
    body = """    %zero = llvm.mlir.constant(0 : i32) : i32
    %one = llvm.mlir.constant(1 : i32) : i32
    llvm.br ^try
  ^try:
    %r = llvm.cmpxchg %lock, %zero, %one acq_rel monotonic : !llvm.ptr<1>, i32
    %got = llvm.extractvalue %r[1] : !llvm.struct<(i32, i1)>
    llvm.cond_br %got, ^in, ^try
  ^in:
    %v = llvm.load %y : !llvm.ptr<1> -> i32
    %m = llvm.mlir.constant(-1 : i32) : i32
    %w = llvm.add %v, %one : i32
    llvm.store %w, %y : i32, !llvm.ptr<1>
    %old = llvm.atomicrmw xchg %lock, %zero release : !llvm.ptr<1>, i32"""
    lock, y = np.zeros(1, np.int32), np.zeros(1, np.int32)
    run(kernel("%lock: !llvm.ptr<1>, %y: !llvm.ptr<1>", body), [2], [40], lock, y)
    assert y[0] == 80


def test_a_thread_that_waits_for_nobody_is_found():
    body = """    llvm.br ^try
  ^try:
    %v = "llvm.load"(%y) <{ordering = 2 : i64}> : (!llvm.ptr<1>) -> i32
    %zero = llvm.mlir.constant(0 : i32) : i32
    %go = llvm.icmp "ne" %v, %zero : i32
    llvm.cond_br %go, ^end, ^try
  ^end:"""
    with pytest.raises(WeftError, match="thread 0 looks here again and again"):
        run(kernel("%y: !llvm.ptr<1>", body), [1], [1], np.zeros(1, np.int32))


def test_a_thread_ends_by_an_instruction():
    body = f"""{TID}
    %ten = llvm.mlir.constant(10 : i32) : i32
    %early = llvm.icmp "slt" %t, %ten : i32
    llvm.cond_br %early, ^leave, ^stay
  ^leave:
    nvvm.exit
    llvm.br ^stay
  ^stay:
    %n = nvvm.read.ptx.sreg.dynamic_smem_size : i32
{index("%t", "%y", "i32", "%q")}
    llvm.store %n, %q : i32, !llvm.ptr<1>"""
    y = np.full(32, -1, np.int32)
    run(kernel("%y: !llvm.ptr<1>", body), [1], [32], y, shared=48)
    np.testing.assert_array_equal(y, np.where(np.arange(32) < 10, -1, 48))
