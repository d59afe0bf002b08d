"""The default schedule: right on every kernel, and of the kind that the nest asks for."""

from __future__ import annotations

from dataclasses import replace
from io import StringIO
from random import Random
from typing import cast

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from xdsl.dialects.func import FuncOp
from xdsl.parser import Parser
from xdsl.printer import Printer

from tests.passes.loops.random_nests import (
    Case,
    Sizes,
    chain,
    compute,
    elementwise,
    layer,
    product,
    random_case,
    reduction,
    rows,
    window,
)
from weft.dialects.loop import ForOp
from weft.dialects.target import Cpu
from weft.passes.loops.apply_schedule import apply_steps
from weft.passes.loops.choose_schedule import choice, choose
from weft.passes.loops.kernels import kernels
from weft.passes.loops.nest_shape import leaf
from weft.passes.loops.plans.common import Machine, Names
from weft.passes.loops.plans.roles import roles
from weft.passes.loops.plans.turned import turned
from weft.passes.loops.registers import check_registers
from weft.registry import context

WIDE = Cpu(vector_bytes=64, vector_registers=32)
SMALL = Cpu(threads=4, vector_bytes=16, vector_registers=8, l1_bytes=256, l2_bytes=2048, l3_bytes=8192)


def module_of(case: Case):
    module = Parser(context(), case.text).parse_module()
    module.verify()
    return module


def words(case: Case, cpu: Cpu) -> str:
    """The chosen steps, one a line."""
    return "\n".join(map(str, choose(next(kernels(module_of(case))), cpu)))


def body(kernel: FuncOp) -> str:
    """The text of what a kernel holds, with locations."""
    out = StringIO()
    Printer(out, print_debuginfo=True).print_region(kernel.body)
    return out.getvalue()


def check_default(case: Case, cpu: Cpu, seed: int) -> None:
    module = module_of(case)
    expected = compute(module, case, seed)
    kernel = next(kernels(module))
    chosen = choice(kernel, cpu)
    steps = chosen.steps
    apply_steps(kernel, steps)
    module.verify()
    check_registers(kernel)
    assert body(kernel) == body(chosen.result), f"{case.text}\n{steps}"
    for want, got in zip(expected, compute(module, case, seed), strict=True):
        assert np.array_equal(want, got), f"{case.text}\n{steps}\n{module}"


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32))
def test_the_default_schedule_keeps_what_a_kernel_computes(seed):
    check_default(random_case(Random(seed)), SMALL, seed)


@pytest.mark.long
@settings(max_examples=1000, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from([8, 16, 32, 64]), st.sampled_from([1, 4]))
def test_default_schedules_of_many_machines_keep_what_kernels_compute(seed, vector_bytes, threads):
    cpu = Cpu(threads=threads, vector_bytes=vector_bytes, vector_registers=16)
    check_default(random_case(Random(seed)), cpu, seed)


def sizes(m: int, n: int, k: int, dynamic: str = "") -> Sizes:
    return Sizes({"m": m, "n": n, "k": k}, frozenset(dynamic))


def test_a_product_keeps_a_tile_of_sums_in_registers():
    chosen = words(product(sizes(64, 64, 64)), Cpu(vector_bytes=64, vector_registers=32))
    assert "tile m 8" in chosen and "tile n 32" in chosen and "as C_r in reg" in chosen


def test_a_tile_of_sums_has_no_rest_where_that_would_be_much_of_the_work():
    machine = Cpu(vector_bytes=64, vector_registers=32)
    tiles = {m: words(product(sizes(m, 64, 64)), machine).split("tile m ")[1].split()[0] for m in (13, 26, 40, 67, 512)}
    assert tiles == {13: "13", 26: "13", 40: "10", 67: "12", 512: "12"}


def test_a_large_product_packs_both_inputs():
    chosen = words(product(sizes(1024, 1024, 1024)), Cpu(vector_bytes=64, vector_registers=32))
    assert "as B_p in heap" in chosen and "as A_p in heap" in chosen


@pytest.mark.long
def test_a_large_product_of_an_odd_shape_is_right_when_packed():
    machine = Cpu(vector_bytes=64, vector_registers=16)
    case = product(sizes(50, 521, 33))
    assert "as B_p in heap" in words(case, machine)
    check_default(case, machine, 3)


TINY = Cpu(threads=2, vector_bytes=16, vector_registers=8, l1_bytes=256, l2_bytes=1024, l3_bytes=1 << 20)


@pytest.mark.parametrize(
    ("m", "n", "k", "dynamic", "threads"),
    [(40, 7, 3, "", 1), (18, 7, 1, "", 2), (41, 4, 9, "m", 2), (23, 7, 6, "m", 1), (23, 7, 6, "k", 2)],
)
def test_products_that_hand_rows_to_each_other_run_in_blocks_of_rows(m, n, k, dynamic, threads):
    cpu = replace(TINY, threads=threads)
    case = chain(sizes(m, n, k, dynamic))
    chosen = words(case, cpu)
    assert all(f"contract {buffer} at mb" in chosen for buffer in "TRP")
    check_default(case, cpu, m)


def test_a_block_of_a_run_time_number_of_rows_may_have_none():
    check_default(chain(sizes(0, 7, 3, "m")), TINY, 1)


@pytest.mark.parametrize(
    ("m", "n", "k", "l2", "why"),
    [
        (40, 7, 3, 4096, "blocks of rows: all 2400 bytes between the nests fit into the second cache"),
        (400, 9, 3, 1024, "blocks of rows: 8 rows are 608 bytes, more than half of the second cache"),
        (400, 7, 19000, 1024, "blocks of rows: each would read 1064000 bytes again, more than half of the last cache"),
    ],
)
def test_blocks_of_rows_that_do_not_pay_are_not_made_and_the_reason_is_told(m, n, k, l2, why):
    module = module_of(chain(sizes(m, n, k)))
    found = choice(next(kernels(module)), replace(TINY, l2_bytes=l2))
    assert why in found.refused and not any("at mb" in str(step) for step in found.steps)


def test_a_panel_is_packed_once_for_all_blocks_of_rows():
    chosen = words(chain(sizes(640, 640, 64)), replace(WIDE, l2_bytes=1 << 18))
    assert "stage W at mbc as W_p" in chosen


def test_a_product_of_one_row_streams_its_right_input():
    chosen = words(product(sizes(1, 256, 256)), Cpu(vector_bytes=32))
    assert "interchange (m, kc, np, ki, nr)" in chosen


TRANSPOSED = """func.func @kernel(
    %A: memref<{m}x{k}xf32> {{loop.name = "A"}},
    %B: memref<{n}x{k}xf32> {{loop.name = "B"}},
    %C: memref<{m}x{n}xf32> {{loop.name = "C"}}) attributes {{loop.kernel}} {{
  loop.for "m" %m to {m} {{ loop.for "n" %n to {n} {{ loop.for "k" %k to {k} {{
    %a = loop.load %A[%m, %k] : memref<{m}x{k}xf32>
    %b = loop.load %B[%n, %k] : memref<{n}x{k}xf32>
    %p = arith.mulf %a, %b : f32
    loop.reduce add %p into %C[%m, %n] over (%k) : memref<{m}x{n}xf32>
  }} }} }}
  func.return
}}"""


def transposed(m: int, n: int, k: int) -> Case:
    """C = A @ B^T: both inputs have their neighbours along what is summed."""
    return Case(TRANSPOSED.format(m=m, n=n, k=k), ((m, k), (n, k), (m, n)))


def test_few_long_sums_along_both_inputs_are_partial_sums_in_vectors():
    assert "rfactor C_r as C_p over ko parts kv" in words(transposed(3, 100, 400), WIDE)
    assert "rfactor" in words(transposed(100, 1, 400), WIDE)


def test_many_sums_along_both_inputs_are_packed_square_by_square():
    chosen = words(transposed(300, 1000, 300), WIDE)
    assert "stage B at B_p.ko as B_p_t in reg (nr, kv)" in chosen
    assert "stage A at A_p.ko as A_p_t in reg (mr, kv)" in chosen


@pytest.mark.parametrize(
    ("m", "n", "k", "sums"), [(1, 4096, 4096, 8), (3, 4096, 2048, 8), (16, 4096, 4096, 16), (16, 2048, 512, 128)]
)
def test_more_rows_of_a_streamed_input_are_added_at_once_where_the_sums_are_more_to_move(m, n, k, sums):
    cpu = Cpu(vector_bytes=64, vector_registers=32, l3_bytes=1 << 25)
    assert f"tile k {sums} into (kc, ki)" in words(product(sizes(m, n, k)), cpu)


@pytest.mark.parametrize("shape", [(3, 100, 40), (7, 1, 70), (1, 1, 33), (5, 6, 16), (1, 9, 17)])
def test_partial_sums_in_vectors_are_right_on_odd_shapes(shape):
    check_default(transposed(*shape), WIDE, 5)


def test_a_right_input_of_few_columns_is_turned_for_sums_along_vectors():
    chosen = words(product(sizes(200, 2, 79)), WIDE)
    assert "stage B at np as B_p in heap (nr, ko, kv)" in chosen and "rfactor" in chosen
    for shape in (sizes(30, 2, 79), sizes(9, 1, 33), sizes(13, 3, 16)):
        check_default(product(shape), WIDE, 7)


FEW_ROWS = TRANSPOSED.replace("{m}x{k}xf32", "{k}x{m}xf32").replace("%A[%m, %k]", "%A[%k, %m]")


def test_a_left_input_of_few_rows_is_turned_for_sums_along_vectors():
    for m, n, k in ((2, 193, 286), (2, 9, 33), (3, 5, 16)):
        case = Case(FEW_ROWS.format(m=m, n=n, k=k), ((k, m), (n, k), (m, n)))
        assert "in heap (mr, ko, kv)" in words(case, WIDE) or n < 100
        if n < 100:
            check_default(case, WIDE, 8)


@pytest.mark.long
def test_packing_square_by_square_is_right_on_odd_shapes():
    for shape in ((50, 800, 19), (49, 40, 90)):
        check_default(transposed(*shape), WIDE, 5)


CHANNELS_FIRST = """func.func @kernel(
    %X: memref<{c}x{h2}x{w2}xf32> {{loop.name = "X"}},
    %F: memref<{o}x{c}x2x2xf32> {{loop.name = "F"}},
    %Y: memref<{o}x{h}x{w}xf32> {{loop.name = "Y"}}) attributes {{loop.kernel}} {{
  loop.for "o" %o to {o} {{ loop.for "h" %h to {h} {{ loop.for "w" %w to {w} {{
    loop.for "c" %c to {c} {{ loop.for "r" %r to 2 {{ loop.for "s" %s to 2 {{
      %x = loop.load %X[%c, {step}*%h + %r, {step}*%w + %s] : memref<{c}x{h2}x{w2}xf32>
      %f = loop.load %F[%o, %c, %r, %s] : memref<{o}x{c}x2x2xf32>
      %p = arith.mulf %x, %f : f32
      loop.reduce add %p into %Y[%o, %h, %w] over (%c, %r, %s) : memref<{o}x{h}x{w}xf32>
    }} }} }}
  }} }} }}
  func.return
}}"""


def channels_first(o: int, h: int, w: int, c: int, step: int) -> Case:
    """A convolution by a 2x2 window whose channels stand outermost in memory."""
    h2, w2 = step * (h - 1) + 2, step * (w - 1) + 2
    text = CHANNELS_FIRST.format(o=o, h=h, w=w, c=c, h2=h2, w2=w2, step=step)
    return Case(text, ((c, h2, w2), (o, c, 2, 2), (o, h, w)))


@pytest.mark.parametrize("shape", [(16, 2, 7, 2, 1), (18, 1, 13, 1, 2), (33, 2, 6, 1, 1), (2, 1, 40, 1, 1)])
def test_sums_whose_lanes_are_apart_in_the_output_are_right_on_odd_shapes(shape):
    case = channels_first(*shape)
    module = module_of(case)
    expected = compute(module, case, 6)
    kernel = next(kernels(module))
    nest = leaf(cast(ForOp, kernel.body.block.first_op))
    assert nest is not None
    one = next(found for found in roles(nest) if found.scattered)
    apply_steps(kernel, turned(nest, one, Machine(WIDE, parallel=False), Names()))
    module.verify()
    check_registers(kernel)
    assert np.array_equal(expected[-1], compute(module, case, 6)[-1])


def test_a_convolution_has_its_lanes_along_the_channels_where_rows_fill_no_vectors():
    assert "interchange (Y_r.out.or, Y_r.out.wr)" in words(channels_first(64, 28, 28, 64, 1), WIDE)


def test_a_convolution_of_wide_rows_has_its_lanes_along_them():
    assert "vectorize wr 16" in words(channels_first(4, 8, 64, 3, 1), WIDE)


def test_results_of_run_time_size_are_stored_past_the_caches_from_the_size_of_the_last_one_on():
    cpu = Cpu(vector_bytes=64, vector_registers=32, l3_bytes=1 << 25)
    text = """
func.func @k(%x: memref<?x1024xf32> {loop.name = "x"}, %y: memref<?x1024xf32> {loop.name = "y"})
    attributes {loop.kernel} {
  %c0 = arith.constant 0 : index
  %n = memref.dim %x, %c0 : memref<?x1024xf32>
  loop.for "i" %i to %n {
    loop.for "j" %j to 1024 {
      %a = loop.load %x[%i, %j] : memref<?x1024xf32>
      loop.store %a, %y[%i, %j] : memref<?x1024xf32>
    }
  }
  func.return
}"""
    module = Parser(context(), text).parse_module()
    assert f"nontemporal y {1 << 25}" in map(str, choose(next(kernels(module)), cpu))


def test_a_large_right_input_of_few_rows_is_streamed():
    assert "interchange (kc, np, mp, ki, mr, nr)" in words(product(sizes(16, 1024, 1024)), WIDE)


def test_a_product_takes_its_epilogue_along():
    chosen = words(layer(sizes(8, 32, 16, "m")), Cpu())
    assert "fuse_consumer T" in chosen


def test_a_reduction_along_the_lanes_keeps_partial_results():
    assert "rfactor z as z_p" in words(rows(sizes(4, 100, 1)), Cpu())


def test_a_reduction_of_fewer_elements_than_a_vector_has_lanes_keeps_a_strip_of_results():
    chosen = words(reduction(sizes(50, 3, 5)), Cpu(vector_bytes=32))
    assert "as S_r in reg" in chosen and "rfactor" not in chosen
    assert "rfactor S as S_p" in words(reduction(sizes(50, 8, 5)), Cpu(vector_bytes=32))


@pytest.mark.parametrize("dynamic", ["", "k"])
def test_a_reduction_around_loops_of_one_iteration_keeps_partial_results(dynamic):
    case = reduction(sizes(1, 1, 101, dynamic))
    chosen = words(case, Cpu())
    assert "interchange (m, n, k)" in chosen and "rfactor S as S_p" in chosen
    check_default(case, Cpu(), 7)


def test_elementwise_nests_become_vectors():
    chosen = words(elementwise(sizes(4, 100, 1)), Cpu())
    assert "vectorize nv 8" in chosen and "partition no" in chosen


def test_threads_are_for_large_nests_only():
    many = Cpu(threads=8)
    assert "parallelize" in words(elementwise(sizes(4096, 4096, 1)), many)
    assert "parallelize" not in words(elementwise(sizes(8, 8, 1)), many)
    assert "parallelize" not in words(elementwise(sizes(4096, 4096, 1)), Cpu(threads=1))
    assert "parallelize m" in words(rows(sizes(4096, 4096, 1)), many)


def test_a_kernel_with_a_schedule_keeps_it():
    from weft.passes.loops.choose_schedule import ChooseSchedule

    case = elementwise(sizes(4, 4, 1))
    text = case.text.replace("{loop.kernel}", "{loop.kernel, loop.schedule = #loop.schedule<unroll m>}")
    module = Parser(context(), text).parse_module()
    before = str(module)
    ChooseSchedule().apply(context(), module)
    assert str(module) == before


@pytest.mark.parametrize("make", [product, window, reduction, elementwise, layer, rows])
def test_empty_kernels_get_a_schedule_that_does_nothing_wrong(make):
    for size in (sizes(0, 3, 5), sizes(3, 0, 5), sizes(3, 5, 0), sizes(0, 0, 0, "mnk" if make is product else "mn")):
        check_default(make(size), SMALL, 1)


NORM = """
func.func @kernel(%x: memref<{m}x{n}xf32> {{loop.name = "x"}}, %s: memref<{m}xf32> {{loop.name = "s"}},
             %y: memref<{m}x{n}xf32> {{loop.name = "y"}}) attributes {{loop.kernel}} {{
  loop.for "i" %i to {m} {{
    loop.for "j" %j to {n} {{
      %0 = loop.load %x[%i, %j] : memref<{m}x{n}xf32>
      loop.reduce add %0 into %s[%i] over (%j) : memref<{m}xf32>
    }}
    loop.for "k" %k to {n} {{
      %1 = loop.load %x[%i, %k] : memref<{m}x{n}xf32>
      %2 = loop.load %s[%i] : memref<{m}xf32>
      %3 = arith.mulf %1, %2 : f32
      loop.store %3, %y[%i, %k] : memref<{m}x{n}xf32>
    }}
  }}
  func.return
}}
"""


def norm(m: int, n: int) -> Case:
    """Each row times its sum."""
    return Case(NORM.format(m=m, n=n), ((m, n), (m,), (m, n)))


def test_a_nest_that_reads_a_row_again_asks_for_the_next_one():
    assert "prefetch x at ko 64 2" in words(norm(100, 4096), WIDE)
    assert "prefetch x at ko 47 2" in words(norm(100, 3000), WIDE)
    for m, n in ((10, 4096), (1000, 1000), (100, 100000)):  # the caches hold all; rows are short; rows are long
        assert "prefetch" not in words(norm(m, n), WIDE)
    narrow = Cpu(vector_bytes=16, l2_bytes=66000)
    assert "prefetch x at ko" in words(norm(9, 2050), narrow)
    check_default(norm(9, 2050), narrow, 3)


def test_what_comes_from_memory_is_asked_for_early():
    small = Cpu(vector_bytes=64, vector_registers=32, l2_bytes=1 << 14, l3_bytes=1 << 16)
    assert "prefetch B at np 4 2" in words(product(sizes(1, 512, 512)), small)
    assert "prefetch" not in words(product(sizes(1, 512, 512)), WIDE)
    assert "prefetch X at no 16 2" in words(reduction(sizes(1, 100000, 1)), small)
    assert "prefetch" not in words(reduction(sizes(50, 8, 500)), small)
