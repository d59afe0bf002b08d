"""Each step: what it makes, what it refuses, and the traps that it must not fall into."""

from __future__ import annotations

import re
from textwrap import dedent

import numpy as np
import pytest
from xdsl.dialects.builtin import FileLineColLoc, IntAttr, StringAttr, UnknownLoc
from xdsl.parser import Parser

from weft.backends.reference.program import run
from weft.diagnostics import WeftError
from weft.dialects.loop import ForOp, ReduceOp
from weft.passes.index import PASSES
from weft.passes.loops.apply_schedule import ApplySchedule, pass_of
from weft.passes.loops.kernels import kernels
from weft.registry import context, find_pass

BUFFERS = {"A": "8x4", "B": "4x8", "C": "8x8", "X": "8", "Y": "8", "Z": "16"}


def kernel(body: str, **shapes: str):
    """A kernel on some buffers of f32, and the run-time size `%n` (8) of `X`, where it has one."""
    used = shapes or {n: shape for n, shape in BUFFERS.items() if f"%{n}[" in body}
    args = ", ".join(f'%{n}: memref<{s}xf32> {{loop.name = "{n}"}}' for n, s in used.items())
    size = ""
    if "?" in used.get("X", ""):
        size = f"%c0 = arith.constant 0 : index %n = memref.dim %X, %c0 : memref<{used['X']}xf32>"
    for name, shape in used.items():
        body = re.sub(rf"(%{name}\[[^\]]*\](?: over \([^)]*\))?)(?! :)", rf"\1 : memref<{shape}xf32>", body)
    text = f"func.func @k({args}) attributes {{loop.kernel}} {{ {size} {body} func.return }}"
    module = Parser(context(), text).parse_module()
    module.verify()
    return module


def apply(module, steps: str) -> None:
    schedule = Parser(context(), f"#loop.schedule<{steps}>").parse_attribute()
    for step in schedule.data:
        pass_of(step).run(next(kernels(module)))
        module.verify()


def labels(module) -> list[str]:
    return [op.label.data for op in module.walk() if isinstance(op, ForOp)]


PRODUCT = """loop.for "i" %i to 8 { loop.for "j" %j to 8 { loop.for "k" %k to 4 {
  %a = loop.load %A[%i, %k]  %b = loop.load %B[%k, %j]  %p = arith.mulf %a, %b : f32
  loop.reduce add %p into %C[%i, %j] over (%k) } } }"""
COPY = 'loop.for "i" %i to 8 { %x = loop.load %X[%i]  loop.store %x, %Y[%i] }'
SHIFT = 'loop.for "i" %i to 7 { %x = loop.load %X[%i]  loop.store %x, %X[%i + 1] }'
PAIRS = """loop.for "i" %i to 8 { loop.for "j" %j to 8 {
  %x = loop.load %X[%i]  loop.store %x, %Z[%i + %j] } }"""
PAIR_SUMS = """loop.for "k" %k to 8 { loop.for "i" %i to 8 { loop.for "j" %j to 8 { loop.for "l" %l to 8 {
  %x = loop.load %X[%i]  loop.reduce add %x into %Z[%i + %j] over (%k, %l) } } } }"""
RESTART = """loop.for "t" %t to 2 { loop.for "k" %k to 4 { loop.for "i" %i to 8 {
  %x = loop.load %X[%i]  loop.reduce add %x into %Y[%i] over (%k) } } }"""
SUM = 'loop.for "i" %i to 8 { %x = loop.load %X[%i]  loop.reduce add %x into %Y[0] over (%i) }'
GUARDED = 'loop.for "i" %i to 8 { loop.for "j" %j to 8 { loop.if %j - %i >= 0 { %x = loop.load %X[%j] } } }'
LOCAL = """%T = loop.alloc heap "T" : memref<8xf32>
  loop.for "p" %p to 8 { %x = loop.load %X[%p]  loop.store %x, %T[%p] : memref<8xf32> }
  loop.for "c" %c to 8 { %t = loop.load %T[%c] : memref<8xf32>  loop.store %t, %Y[%c] }"""
ROWS = """%T = loop.alloc heap "T" : memref<8x4xf32>
  loop.for "i" %i to 8 { loop.for "k" %k to 4 {
    %a = loop.load %A[%i, %k]  loop.store %a, %T[%i, %k] : memref<8x4xf32> } }
  loop.for "m" %m to 8 { loop.for "l" %l to 4 {
    %t = loop.load %T[%m, %l] : memref<8x4xf32>  loop.reduce add %t into %Y[%m] over (%l) } }"""
TWICE = """%T = loop.alloc heap "T" : memref<8xf32>
  loop.for "t" %t to 2 { loop.for "i" %i to 8 {
    %v = loop.load %T[%i] : memref<8xf32>  loop.store %v, %T[%i] : memref<8xf32> } }"""
STEPS = """%T = loop.alloc heap "T" : memref<32xf32>
  loop.for "i" %i to 3 {
    loop.for "j" %j to 8 { %x = loop.load %X[%j]  loop.store %x, %T[8*%i + %j] : memref<32xf32> }
    loop.for "k" %k to 8 {
      %t = loop.load %T[8*%i + %k] : memref<32xf32>  loop.reduce add %t into %Y[%i] over (%k) } }"""
TRIANGLE = """%T = loop.alloc stack "T" : memref<8xf32>
  loop.for "i" %i to 8 { loop.for "j" %j to min(8, 8 - %i) {
    %x = loop.load %X[%i]  loop.store %x, %T[%j] : memref<8xf32> } }
  loop.for "o" %o to 8 { %t = loop.load %T[%o] : memref<8xf32>  loop.store %t, %Y[%o] }"""
OVER = """loop.for "m" %m to 8 { %T = loop.alloc stack "T" : memref<8xf32>
  loop.for "a" %a to 8 { %x = loop.load %X[%a]  loop.store %x, %T[%a] : memref<8xf32> }
  loop.for "j" %j to min(8, %m + 1) { %x = loop.load %X[0]  loop.store %x, %T[%j] : memref<8xf32> }
  loop.for "o" %o to 8 { %t = loop.load %T[%o] : memref<8xf32>  loop.store %t, %Y[%o] } }"""
EMPTY = """loop.for "i" %i to 4 {
  %T = loop.alloc stack "T" : memref<4xf32>
  loop.for "j" %j to min(4, 4 - 4*%i) { %x = loop.load %X[100*%i]  loop.store %x, %T[%j] : memref<4xf32> } }"""
BIG = """loop.for "i" %i to 128 { loop.for "j" %j to 128 { loop.for "k" %k to 4 {
  %x = loop.load %X[%k]  loop.store %x, %Z[%k] } } }"""
BETWEEN = 'loop.for "w" %w to 8 {{ %v = loop.load %{}[%w]  loop.store %v, %{}[%w] }} '

# (kernel, steps before, the step that is refused, a part of the message)
REFUSED = [
    (COPY, "", "tile q 4 into (a, b)", "no loop is labelled 'q'"),
    (COPY, "", "tile i 0 into (a, b)", "at least 1"),
    (COPY, "", "tile i 4 into (a, a)", "a loop is labelled 'a' already"),
    (PRODUCT, "", "tile i 4 into (j, b)", "a loop is labelled 'j' already"),
    (PRODUCT, "tile i 4 into (o, i)", "tile i 3 into (a, b)", None),
    (PRODUCT, "tile i 5 into (o, i)", "tile i 2 into (a, b)", "moves by steps that 2 does not divide"),
    (PRODUCT, "tile i 5 into (o, i)", "interchange (i, o)", "the bound of 'i' needs 'o' outside of it"),
    (PRODUCT, "", "interchange (i, k)", "not perfectly nested"),
    (PRODUCT, "", "interchange (i, i)", "two or more different loops"),
    (PAIRS, "", "interchange (j, i)", "'Z' is touched by several iterations"),
    (RESTART, "", "interchange (k, t)", "starts anew in each iteration of 't'"),
    (RESTART, "", "stage Y at t as T in heap", None),
    (COPY, "", "vectorize i 1", "at least 2 lanes"),
    (SHIFT, "", "vectorize i 4", "may touch the same place of 'X'"),
    (SHIFT, "", "parallelize i", "may touch the same place of 'X'"),
    (SUM, "", "parallelize i", "reduce into the same place of 'Y'"),
    (SUM, "", "vectorize i 4", None),
    (PRODUCT, "", "parallelize k", "reduce into the same place of 'C'"),
    (PRODUCT, "", "map k to block", "reduce into the same place of 'C'"),
    (PRODUCT, "", "map i to lane", "'lane' is no unit"),
    (PRODUCT, "", "map i to block 3", "an axis is 0, 1 or 2"),
    (PRODUCT, "", "add_pairs k", "has more than 2 iterations"),
    (PRODUCT, "tile k 2 into (k, p)", "add_pairs p", "holds more than a sum of products of i8"),
    (PRODUCT, "", "vectorize j 4", "holds the loop 'k', which is not unrolled"),
    (PRODUCT, "unroll k", "vectorize j 4", None),
    (PRODUCT, "vectorize k 4", "interchange (k, j)", "holds the loop 'j', which is not unrolled"),
    (PRODUCT, "unroll k, vectorize j 4", "tile k 2 into (a, b)", "vectorize last"),
    (PRODUCT, "vectorize k 4", "stage A at k as T in reg", "vectorize last"),
    (PRODUCT, "", "stage A at i as C in reg", "a buffer is named 'C' already"),
    (PRODUCT, "", "stage Q at i as T in reg", "no buffer is named 'Q'"),
    (PRODUCT, "", "stage A at i as T in cache", "no space to stage in"),
    (PRODUCT, "", "stage B at i as T in heap (k)", "should be an order of (j, k)"),
    (COPY, "", "stage Z at i as T in reg", "no buffer is named 'Z'"),
    (SHIFT, "tile i 7 into (o, i)", "stage X at o as T in reg", "different indices"),
    (GUARDED, "", "stage X at i as T in reg", "under a condition"),
    (PRODUCT, "", "rfactor A as T over j parts k", "not touched by one reduction alone"),
    (PRODUCT, "", "rfactor C as T over j parts k", "moves inside 'j'"),
    (PRODUCT, "tile k 2 into (o, k)", "rfactor C as T over o parts j", "does not stand between"),
    (PRODUCT, "tile k 2 into (o, k)", "rfactor C as T over o parts k", None),
    (PRODUCT, "tile k 2 into (o, k), interchange (o, i, j, k)", "rfactor C as T over o parts k", None),
    (PAIR_SUMS, "", "rfactor Z as T over k parts l", "by more than loops of its own"),
    (COPY, "", "partition q", "no loop is labelled 'q'"),
    (COPY, "", "inline X", "no buffer of the kernel alone"),
    (LOCAL, "tile p 2 into (o, p)", "inline T", "not indexed by the plain counters"),
    (LOCAL.replace("to 8", "to 7", 1), "", "inline T", "does not run over all of 'T'"),
    (LOCAL, "", "inline T", None),
    (LOCAL, "", "fuse_consumer T", None),
    (LOCAL, "tile p 2 into (o, p)", "fuse_consumer T", None),
    (LOCAL, "tile c 2 into (o, c)", "fuse_consumer T", "not indexed by the plain counters"),
    (LOCAL.replace("loop.store %x, %T[%p]", "loop.reduce add %x into %T[%p]"), "", "fuse_consumer T", "partial sum"),
    (
        LOCAL + LOCAL.split("\n")[2].replace('"c"', '"d"').replace("%t ", "%u ").replace("%t,", "%u,"),
        "",
        "fuse_consumer T",
        "has 2 readers",
    ),
    (
        LOCAL.replace(
            'loop.for "c"', 'loop.for "w" %w to 8 { %v = loop.load %Y[%w] loop.store %v, %Z[%w] } loop.for "c"'
        ),
        "",
        "fuse_consumer T",
        "'Y', which the consumer writes, is touched in between",
    ),
    (
        LOCAL.replace(
            'loop.for "c"', 'loop.for "w" %w to 8 { %v = loop.load %Z[%w] loop.store %v, %X[%w] } loop.for "c"'
        ),
        "",
        "inline T",
        "'X', which the producer reads, is written before 'T' is read",
    ),
    (ROWS, "", "fuse (i, m)", None),
    (ROWS, "", "fuse (i)", "it takes two loops or more"),
    (ROWS, "", "fuse (m, i)", "'i' does not follow 'm' in one body"),
    (ROWS, "", "fuse (i, l)", "'l' does not follow 'i' in one body"),
    (ROWS.replace('"m" %m to 8', '"m" %m to 7'), "", "fuse (i, m)", "the bounds of 'i' and 'm' differ"),
    (ROWS, "parallelize m", "fuse (i, m)", "'m' is marked parallel; fuse first"),
    (ROWS.replace("%T[%m, %l]", "%T[7 - %m, %l]"), "", "fuse (i, m)", "what another iteration writes of 'T'"),
    (ROWS.replace("%T[%m, %l]", "%T[0, %l]"), "", "fuse (i, m)", "what another iteration writes of 'T'"),
    (
        ROWS.replace('loop.for "m"', '%c = arith.constant 0.0 : f32 loop.store %c, %Y[0] loop.for "m"'),
        "",
        "fuse (i, m)",
        "'loop.store' stands between",
    ),
    (ROWS, "fuse (i, m)", "contract T at i", None),
    (ROWS, "", "contract T at i", "'T' is touched outside of 'i'"),
    (ROWS, "fuse (i, m)", "contract A at i", "'A' is no buffer of the kernel alone"),
    (ROWS, "fuse (i, m), tile i 2 into (o, i)", "contract T at o", None),
    (ROWS, "fuse (i, m), contract T at i", "contract T at i", "'T' is not made beside 'i'"),
    (
        ROWS.replace(
            "[%i, %k] : memref<8x4xf32> }", "[%i, %k] : memref<8x4xf32>  loop.store %a, %T[7, 0] : memref<8x4xf32> }"
        ),
        "tile i 2 into (o, i), tile m 2 into (q, m)",
        "contract T at o",
        "touched outside of 'o'",
    ),
    (STEPS, "", "contract T at i", None),
    (
        STEPS.replace("8*%i", "3*%i"),
        "",
        "contract T at i",
        "no dimension of 'T' has a part for each iteration of 'i' alone",
    ),
    (STEPS.replace("T[8*%i", "T[7 - %j + 8*%i", 1), "", "contract T at i", None),
    (STEPS.replace("T[8*%i", "T[8*%i + 1", 1), "", "contract T at i", "has a part for each iteration of 'i' alone"),
    (TWICE, "", "contract T at i", "'T' is not made beside 'i'"),
    (TRIANGLE, "", "pad j", "'j' would write places of 'T' that are not its own"),
    (
        TRIANGLE.replace("loop.store %x, %T[%j]", "loop.reduce add %x into %T[%j] over (%i)"),
        "",
        "pad j",
        "'j' would write places of 'T' that are not its own",
    ),
    (TRIANGLE.replace("8 - %i", "8*%i + 4"), "", "pad j", "would write places of 'T' that are not its own"),
    (TRIANGLE.replace("<8x", "<64x").replace("%T[%j]", "%T[8*%i + %j]"), "", "pad j", None),
    (OVER, "", "pad j", "'j' would write over what another nest leaves in 'T'"),
    (OVER.replace('"o" %o to 8', '"o" %o to min(8, %m + 1)'), "", "pad j", None),
    (EMPTY, "", "pad j", "'j' would reach beyond 'X'"),
    (EMPTY.replace("4 - 4*%i", "4 - %i").replace("100*", ""), "", "pad j", None),
    (
        EMPTY.replace("4 - 4*%i", "4 - %i").replace("%x =", 'loop.for "l" %l to %j + 1 { %x =').replace("100*%i", "%l")
        + " }",
        "",
        "pad j",
        "'j' would reach beyond 'X'",
    ),
    (COPY, "", "unroll i 4097", "a factor is from 0 to 4096"),
    (COPY, "", "unroll i 1000000000", "a factor is from 0 to 4096"),
    (BIG, "unroll j", "unroll i", "'i' would make 16384 copies"),
    (BIG, "unroll i, unroll k", "unroll j 32", "'j' would make 16384 copies"),
    (BIG, "unroll i", "unroll j 32", None),
    (SUM, "map i to thread", "keep Y at i as T in reg", "reduce into one place of 'Y' together"),
    (COPY, "", "prefetch X at i", None),
    (COPY, "", "prefetch X at i 100", None),
    (COPY, "", "prefetch X at i 100 2", None),
    (COPY, "", "prefetch X at i 100 4", "a hint is for cache 1, 2 or 3"),
    (COPY, "", "prefetch A at i", "no buffer is named 'A'"),
    (LOCAL, "", "prefetch X at c", "is not touched inside 'c'"),
    (COPY, "", "prefetch Y at i", None),
    (COPY, "vectorize i 4", "nontemporal Y", None),
    (SUM, "", "nontemporal Y", "is read again"),
]


@pytest.mark.parametrize(("text", "before", "step", "message"), REFUSED)
def test_a_step_is_refused_in_one_sentence_and_changes_nothing_or_it_is_done(text, before, step, message):
    module = kernel(text)
    if before:
        apply(module, before)
    was = str(module)
    if message is None:
        apply(module, step)
        assert str(module) != was
        return
    with pytest.raises(WeftError) as error:
        apply(module, step)
    assert message in error.value.message and error.value.message.startswith(step.split()[0])
    assert "\n" not in error.value.message and str(module) == was


@pytest.mark.parametrize("rows", [1, 7, 8, 13])
@pytest.mark.parametrize("size", [1, 3, 4])
def test_a_buffer_keeps_the_size_of_a_tile(rows, size):
    module = kernel(ROWS.replace("to 8", f"to {rows}").replace("8x4", f"{rows}x4"), A=f"{rows}x4", Y=f"{rows}")
    a, y = np.arange(rows * 4, dtype=np.float32).reshape(rows, 4), np.zeros(rows, np.float32)
    tiles = f"tile i {size} into (o, i), tile m {size} into (q, m), fuse (o, q), contract T at o"
    apply(module, tiles)
    tile = min(rows, size)
    assert f'loop.alloc heap "T" : memref<{f"{tile}x" if tile > 1 else ""}4xf32>' in str(module)
    run(module, "k", [a, y])
    assert np.array_equal(y, a.sum(axis=1))


def test_a_consumer_runs_where_a_block_of_its_input_is_stored():
    module = kernel(LOCAL.replace("to 8", "to 7"), X="8", Y="8")
    apply(module, "tile p 4 into (o, p), tile c 4 into (q, c), fuse (o, q), contract T at o, fuse_consumer T")
    x, y = np.arange(8, dtype=np.float32), np.zeros(8, np.float32)
    run(module, "k", [x, y])
    assert "alloc" not in str(module) and np.array_equal(y[:7], x[:7])


def test_a_store_that_is_aligned_may_be_nontemporal():
    module = kernel(COPY)
    text = str(module).replace('loop.name = "Y"', 'loop.name = "Y", loop.align = 64 : i64')
    module = Parser(context(), text).parse_module()
    apply(module, "vectorize i 8, nontemporal Y")
    assert "nontemporal" in str(module)


def test_a_run_time_bound_keeps_its_ragged_end_when_it_is_tiled_and_parted():
    for n in (0, 1, 5, 12, 13, 24, 25):
        module = kernel('loop.for "i" %i to %n { %x = loop.load %X[%i] loop.store %x, %Y[%i] }', X="?", Y="?")
        apply(module, "tile i 12 into (o, i), vectorize i 4, partition o")
        x, y = np.arange(1, n + 1, dtype=np.float32), np.zeros(n, np.float32)
        run(module, "k", [x, y])
        assert np.array_equal(x, y)


def test_a_bound_that_may_be_zero_is_not_taken_for_a_whole_tile():
    text = """loop.for "i" %i to min(4, 4*%n) { %x = loop.load %Y[%i] loop.store %x, %Z[%i] }"""
    module = kernel(text, X="?", Y="8", Z="8")
    apply(module, "tile i 4 into (o, i)")
    z = np.zeros(8, np.float32)
    run(module, "k", [np.zeros(0, np.float32), np.ones(8, np.float32), z])
    assert not z.any()


def test_a_ragged_copy_of_a_reduction_goes_on_with_the_sum():
    module = kernel(SUM.replace("to 8", "to 7"))
    apply(module, "tile i 4 into (o, i), partition o")
    tail = [op for op in module.walk() if isinstance(op, ReduceOp)][1]
    assert not tail.over
    y = np.full(8, 50, np.float32)
    run(module, "k", [np.ones(8, np.float32), y])
    assert y[0] == 7


def test_ragged_copies_are_marked_with_the_whole_ones_or_alone():
    module = kernel(PRODUCT)
    apply(module, "tile i 5 into (o, i), partition o, unroll k 2")
    assert labels(module) == ["o", "i", "j", "k", "o~", "i~", "j~", "k~"]
    apply(module, 'unroll "k~" 1, unroll "q~" 1')
    numbers = [op.number() for op in module.walk() if isinstance(op, ForOp) and op.label.data.startswith("k")]
    assert numbers == [2, 1]


def test_two_rests_that_only_the_run_knows_are_parted_once_each():
    text = """loop.for "o" %o to %n { %x = loop.load %X[%o]
      loop.for "a" %a to min(4, 4*%n - 4*%o - 1) { loop.store %x, %Y[%a + 4*%o] }
      loop.for "b" %b to min(2, 2*%n - 2*%o - 1) { loop.store %x, %Z[%b + 2*%o] } }"""
    for n in (0, 1, 2, 5):
        module = kernel(text, X="?", Y="?", Z="?")
        apply(module, "partition o")
        assert [name for name in labels(module) if name.startswith("o")] == ["o", "o~", "o~~"]
        x, y, z = np.arange(n, dtype=np.float32), np.zeros(4 * n, np.float32), np.zeros(2 * n, np.float32)
        run(module, "k", [x, y, z])
        assert np.array_equal(y[: 4 * n - 1], np.repeat(x, 4)[:-1]) and np.array_equal(z[:-1], np.repeat(x, 2)[:-1])


@pytest.mark.parametrize("n", [0, 1, 3, 4, 7])
def test_a_bound_of_the_run_stays_where_the_number_of_whole_tiles_is_constant(n):
    text = """loop.for "i" %i to %n { loop.for "j" %j to min(3, 7 - %i) {
      %a = loop.load %X[%i]  loop.store %a, %Z[%i + %j] } }"""
    module = kernel(text, X="?", Z="16")
    apply(module, "partition i")
    x, z = np.arange(1, n + 1, dtype=np.float32), np.zeros(16, np.float32)
    run(module, "k", [x, z])
    wanted = np.zeros(16, np.float32)
    for i in range(n):
        wanted[i : min(i + 3, 7)] = x[i]
    assert "i~" in labels(module) and np.array_equal(z, wanted)


@pytest.mark.parametrize("space", ["reg", "stack"])
@pytest.mark.parametrize(
    ("before", "loop"),
    [("", "k"), ("", "j"), ("tile k 2 into (o, k)", "o"), ("tile k 2 into (o, k), interchange (o, i, j, k)", "i")],
)
def test_a_sum_that_goes_on_is_copied_in(before, loop, space):
    module = kernel(PRODUCT)
    apply(module, f"{before}, keep C at {loop} as T in {space}".removeprefix(", "))
    a, b = np.arange(32, dtype=np.float32).reshape(8, 4), np.arange(32, dtype=np.float32).reshape(4, 8)
    c = np.full((8, 8), 50, np.float32)
    run(module, "k", [a, b, c])
    assert np.array_equal(c, a @ b)


def test_what_a_nest_may_not_store_is_copied_in():
    text = """loop.for "i" %i to 8 {
      loop.for "t" %t to %n { %x = loop.load %X[%t]  loop.store %x, %Y[%i] }
      loop.for "o" %o to 2 { %y = loop.load %Y[%i]  loop.store %y, %Z[2*%i + %o] } }"""
    module = kernel(text, X="?", Y="8", Z="16")
    apply(module, "keep Y at i as T in stack")
    y, z = np.arange(8, dtype=np.float32), np.zeros(16, np.float32)
    run(module, "k", [np.zeros(0, np.float32), y, z])
    assert np.array_equal(y, np.arange(8)) and np.array_equal(z, np.repeat(y, 2))


def test_a_partition_without_ragged_tiles_does_nothing():
    module = kernel(PRODUCT)
    apply(module, "tile i 4 into (o, i)")
    was = str(module)
    apply(module, "partition o")
    assert str(module) == was


def test_the_first_of_several_blocks_stores_and_the_others_add():
    module = kernel(PRODUCT)
    apply(module, "tile k 2 into (kc, k), interchange (kc, i, j, k), stage C at i as T in heap")
    assert "loop.if -%kc >= 0" in str(module)


def test_what_is_shared_ranges_over_the_units_that_see_it():
    module = kernel(PRODUCT)
    apply(module, "tile i 4 into (w, i), map w to warp, stage A at i as S in shared")
    assert '"S" : memref<2x4x' in str(module).replace("shared ", "") or "S.w" in labels(module)


def test_a_register_buffer_under_a_plain_loop_is_refused_at_the_end():
    module = kernel(PRODUCT)
    steps = "stage C at i as T in reg"
    module.body.block.first_op.attributes["loop.schedule"] = Parser(
        context(), f"#loop.schedule<{steps}>"
    ).parse_attribute()
    with pytest.raises(WeftError, match="neither unrolled nor a vector"):
        ApplySchedule().apply(context(), module)


def test_steps_that_move_accesses_are_refused_where_buffers_may_overlap():
    module = kernel(COPY)
    module.body.block.first_op.attributes["loop.may_alias"] = Parser(context(), "unit").parse_attribute()
    apply(module, "tile i 4 into (o, i), unroll i, partition o")
    with pytest.raises(WeftError, match="may be the same memory"):
        apply(module, "vectorize i 4")


def test_a_call_that_gives_a_kernel_one_buffer_twice_is_an_error():
    text = str(kernel(COPY)).replace(
        "builtin.module {",
        "builtin.module { func.func @main(%a: memref<8xf32>, %b: memref<8xf32>) {"
        " func.call @k(%a, %b) : (memref<8xf32>, memref<8xf32>) -> () func.return }",
    )
    ApplySchedule().apply(context(), Parser(context(), text).parse_module())
    with pytest.raises(WeftError, match="writes 'Y' and is given it twice"):
        ApplySchedule().apply(context(), Parser(context(), text.replace("@k(%a, %b)", "@k(%a, %a)")).parse_module())


def test_new_ops_have_locations():
    module = kernel(PRODUCT)
    for line, op in enumerate(module.walk(), 1):
        op.location = FileLineColLoc(StringAttr("k.mlir"), IntAttr(line), IntAttr(1))
    apply(
        module,
        """tile i 3 into (ip, ir), tile j 4 into (jp, jr), tile k 3 into (kc, k),
        interchange (kc, jp, ip, k, ir, jr), vectorize jr 2, unroll ir, stage C at ip as T in reg,
        prefetch C at ip, stage B at kc as Bp in heap (jp, k, jr), partition jp, partition ip""",
    )
    assert not [op.name for op in module.walk() if isinstance(op.location, UnknownLoc)]


STEP_PASSES = [name for name, where in PASSES if ".loops.steps." in where]


@pytest.mark.parametrize("name", STEP_PASSES)
def test_a_step_is_a_pass_whose_docstring_has_the_parts_that_it_should(name):
    doc = find_pass(name).__doc__ or ""
    assert [part in doc for part in ("**Before**", "**After**", "**Needs**", "**Leaves alone**")] == [True] * 4


def test_a_step_as_a_pass_works_on_the_kernel_it_names():
    module = kernel(COPY)
    tile = find_pass("loop-tile")
    with pytest.raises(WeftError, match="there is no kernel '@other'"):
        tile("i", 4, "o", "i", kernel="other").apply(context(), module)
    tile("i", 4, "o", "i", kernel="k").apply(context(), module)
    assert labels(module) == ["o", "i"]


def test_docstring_examples_of_interchange_show_what_it_does():
    module = kernel(PRODUCT)
    apply(module, "interchange (j, k, i)")
    assert labels(module) == ["j", "k", "i"]
    assert dedent("over (%k)") in str(module)
