"""One workspace a function: the same answers, never two live buffers in one place."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from xdsl.dialects import func, memref
from xdsl.dialects.builtin import ModuleOp

from tests.passes.loops.host_programs import random_program
from tests.passes.loops.watch import Misuse, call_on_buffers, parse
from weft.backends.reference import run
from weft.passes.loops.bufferize import Bufferize
from weft.passes.loops.memory import packing
from weft.passes.loops.memory.lifetimes import lifetimes
from weft.passes.loops.memory.packing import pack, peak
from weft.passes.loops.memory.report import plan
from weft.passes.loops.plan_memory import PlanMemory
from weft.registry import context


def planned(text: str, reuse: bool = True) -> tuple[ModuleOp, ModuleOp]:
    before = parse(text)
    after = before.clone()
    Bufferize().apply(context(), after)
    PlanMemory(reuse=reuse).apply(context(), after)
    after.verify()
    return before, after


def check_random(seed: int, reuse: bool = True) -> None:
    before, after = planned(random_program(seed), reuse)
    random = np.random.default_rng(seed)
    arrays = [random.integers(-8, 8, 4).astype(np.float32) for _ in range(4)]
    for p in (False, True):
        for n in (0, 3):
            want = run(before, "main", [*arrays, p, n])
            got, _ = call_on_buffers(before, after, "main", [*arrays, np.bool_(p), np.int64(n)])
            for left, right in zip(got, want, strict=True):
                np.testing.assert_array_equal(left, right)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**9), st.booleans())
def test_random_programs_give_the_same_answers_in_one_workspace(seed: int, reuse: bool) -> None:
    check_random(seed, reuse)


@pytest.mark.long
@settings(max_examples=1000, deadline=None)
@given(st.integers(0, 10**9), st.booleans())
def test_many_random_programs_give_the_same_answers_in_one_workspace(seed: int, reuse: bool) -> None:
    check_random(seed, reuse)


def test_sharing_between_live_buffers_would_be_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packing, "overlap", lambda a, b: False)
    with pytest.raises((AssertionError, Misuse)):
        for seed in range(30):
            check_random(seed)


CHAIN = """func.func @main(%x: tensor<{n}xf32>) -> tensor<{n}xf32> {{
  %0 = func.call @k(%x) : (tensor<{n}xf32>) -> tensor<{n}xf32>
  %1 = func.call @k(%0) : (tensor<{n}xf32>) -> tensor<{n}xf32>
  %2 = func.call @k(%1) : (tensor<{n}xf32>) -> tensor<{n}xf32>
  %3 = func.call @k(%2) : (tensor<{n}xf32>) -> tensor<{n}xf32>
  func.return %3 : tensor<{n}xf32>
}}
func.func private @k(%x: tensor<{n}xf32>) -> tensor<{n}xf32> attributes {{ml.kernel}} {{
  %0 = ml.add %x, %x : tensor<{n}xf32>
  func.return %0 : tensor<{n}xf32>
}}"""


def main_of(module: ModuleOp) -> func.FuncOp:
    return next(op for op in module.ops if isinstance(op, func.FuncOp) and op.sym_name.data == "main")


def test_a_chain_of_kernels_needs_two_buffers() -> None:
    _, after = planned(CHAIN.format(n=1000))
    assert main_of(after).attributes["weft.workspace_bytes"].value.data == 2 * (4032 + 64)
    assert sum(isinstance(op, memref.AllocOp) for op in after.walk()) == 1


def test_without_reuse_every_buffer_has_its_own_memory() -> None:
    _, after = planned(CHAIN.format(n=1000), reuse=False)
    assert main_of(after).attributes["weft.workspace_bytes"].value.data == 3 * (4032 + 64)


def test_buffers_of_run_time_size_take_turns_too() -> None:
    before, after = planned(CHAIN.format(n="?"))
    # the last one is the caller's, the three others take turns in two slots
    assert sum(isinstance(op, memref.AllocOp) for op in after.walk()) == 2
    starts = {op.byte_shift for op in after.walk() if isinstance(op, memref.ViewOp)}
    assert len(starts) == 2 + 1  # the constant 0 is made at each view
    assert "weft.workspace_bytes" not in main_of(after).attributes
    for n in (0, 1, 17, 1000):
        x = np.ones(n, np.float32)
        got, watch = call_on_buffers(before, after, "main", [x])
        np.testing.assert_array_equal(got[0], 16 * x)
        assert watch.allocations == 2


def test_a_size_that_a_loop_makes_stays_in_the_loop() -> None:
    text = """func.func @main(%n: index, %f: f32) -> f32 {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %r = scf.for %i = %c1 to %n step %c1 iter_args(%s = %f) -> (f32) {
        %t = tensor.splat %s[%i] : tensor<?xf32>
        %u = tensor.splat %s[%n] : tensor<?xf32>
        %v = tensor.extract %t[%c0] : tensor<?xf32>
        %w = tensor.extract %u[%c0] : tensor<?xf32>
        %z = arith.addf %v, %w : f32
        scf.yield %z : f32
      }
      func.return %r : f32
    }"""
    before, after = planned(text)
    got, watch = call_on_buffers(before, after, "main", [np.int64(4), np.float32(1)])
    assert got[0] == 8
    assert watch.allocations == 1 + 3


@pytest.mark.parametrize("sizes", [(2**40, 2**40), (2**62, 2), (2**63 - 1, 1), (2**32, 2**32)])
def test_absurd_sizes_do_not_wrap_around(sizes: tuple[int, int]) -> None:
    text = """func.func @main(%m: memref<?x?xf64>, %i: index, %j: index) -> (index) {
      %0 = memref.alloc(%i, %j) : memref<?x?xf64>
      memref.dealloc %0 : memref<?x?xf64>
      func.return %i : index
    }"""
    module = parse(text)
    PlanMemory().apply(context(), module)
    alloc = next(op for op in module.walk() if isinstance(op, memref.AllocOp))
    block = alloc.parent_block()
    # cut the function after the size, and run that
    end = block.last_op
    end.operands = [alloc.dynamic_sizes[0]]
    for op in [op for op in block.ops if isinstance(op, memref.AllocOp | memref.ViewOp | memref.DeallocOp)][::-1]:
        op.detach()
        op.drop_all_references()
    m = np.zeros((0, 0))
    assert run(module, "main", [m, *sizes])[0] >= 2**59
    assert run(module, "main", [m, -5, 2**62])[0] == 64
    assert run(module, "main", [m, 3, 5])[0] == 128 + 64


def test_memory_of_the_user_is_planned_where_it_is_freed_and_left_where_it_is_not() -> None:
    module = parse(
        """func.func @main(%x: f32) -> (memref<4xf32>) {
          %0 = memref.alloc() : memref<4xf32>
          %1 = memref.alloc() : memref<4xf32>
          %2 = memref.alloc() {alignment = 4096 : i64} : memref<4xf32>
          memref.dealloc %1 : memref<4xf32>
          memref.dealloc %2 : memref<4xf32>
          func.return %0 : memref<4xf32>
        }"""
    )
    PlanMemory().apply(context(), module)
    module.verify()
    assert sum(isinstance(op, memref.AllocOp) for op in module.walk()) == 3
    assert sum(isinstance(op, memref.ViewOp) for op in module.walk()) == 1


@dataclass(frozen=True, eq=False)
class Fake:
    first: int
    last: int
    bytes: int


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**9))
def test_packed_buffers_never_overlap_and_waste_little(seed: int) -> None:
    random = Random(seed)
    buffers = []
    for _ in range(random.randint(0, 40)):
        first = random.randrange(100)
        buffers.append(Fake(first, first + random.randrange(1, 40), 64 * random.randrange(1, 50)))
    layout = pack(buffers, True)
    for n, a in enumerate(buffers):
        for b in buffers[:n]:
            if a.first <= b.last and b.first <= a.last:
                x, y = layout.offsets[a], layout.offsets[b]
                assert x + a.bytes <= y or y + b.bytes <= x
    most = peak(buffers)
    assert most <= layout.static_bytes <= 2 * most


def test_the_report_says_bytes_and_places() -> None:
    module = parse(CHAIN.format(n=1000))
    Bufferize().apply(context(), module)
    main = main_of(module)
    text = str(plan(main))
    assert "@main: workspace of 8192 bytes for 3 buffers (12288 without reuse, 8192 live at once)" in text
    assert "bytes 4096 to 8192" in text
    assert len(lifetimes(main)) == 3


def test_the_report_names_slots_of_run_time_size() -> None:
    module = parse(CHAIN.format(n="?"))
    Bufferize().apply(context(), module)
    assert "slot 1" in str(plan(main_of(module)))


def test_the_peak_counts_a_buffer_that_is_read_where_another_begins() -> None:
    assert peak([Fake(0, 5, 64), Fake(5, 9, 128)]) == 192
    assert peak([Fake(0, 4, 64), Fake(5, 9, 128)]) == 128
