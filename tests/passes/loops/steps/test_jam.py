"""`jam`: rows side by side, where no iteration that now comes earlier needs one that now comes later."""

from __future__ import annotations

import numpy as np
import pytest

from tests.passes.loops.steps.test_steps import apply, kernel
from weft.backends.reference.program import run
from weft.diagnostics import WeftError

LEGAL = {
    "the cell above": "%a = loop.load %A[%i, %j] loop.store %a, %A[%i + 1, %j]",
    "the cell above, to the left": "%a = loop.load %A[%i, %j] loop.store %a, %A[%i + 1, %j + 1]",
    "all around": (
        "%a = loop.load %A[%i, %j + 1] %b = loop.load %A[%i + 2, %j + 1] %c = loop.load %A[%i + 1, %j]"
        " %d = loop.load %A[%i + 1, %j + 2] %e = arith.addf %a, %b : f32 %g = arith.addf %c, %d : f32"
        " %h = arith.subf %e, %g : f32 loop.store %h, %A[%i + 1, %j + 1]"
    ),
    "sums of columns": "%a = loop.load %A[%i, %j] loop.reduce add %a into %B[0, %j]",
    "far above, to the right": "%a = loop.load %A[%i, %j + 1] loop.store %a, %A[%i + 4, %j]",
}

ILLEGAL = {
    "the cell above, to the right": "%a = loop.load %A[%i, %j + 1] loop.store %a, %A[%i + 1, %j]",
    "what the row below still reads to the left": "%a = loop.load %A[%i + 1, %j] loop.store %a, %A[%i, %j + 1]",
    "one place": "loop.store %f, %A[0, 0] %a = loop.load %A[%i, %j] loop.store %a, %B[%i, %j]",
    "all of the first row": "%a = loop.load %A[0, 7 - %j] loop.store %a, %A[%i, %j]",
}


def nest(body: str, rows: int = 7):
    body = body.replace(" loop.", "\nloop.")
    text = f'%f = arith.constant 0.5 : f32 loop.for "i" %i to {rows} {{ loop.for "j" %j to 8 {{ {body} }} }}'
    return kernel(text, A="12x12", B="12x12")


def same(before, after) -> None:
    arrays = [np.arange(144, dtype=np.float32).reshape(12, 12) % 7 + k for k in (1, 3)]
    left, right = ([a.copy() for a in arrays] for _ in range(2))
    run(before, "k", left)
    run(after, "k", right)
    for a, b in zip(left, right, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("rows", [1, 3, 7, 8])
@pytest.mark.parametrize("body", LEGAL.values(), ids=LEGAL)
def test_rows_side_by_side_mean_the_same(body: str, rows: int) -> None:
    module = nest(body, rows)
    jammed = module.clone()
    apply(jammed, "jam i 4 into (io, ir)")
    same(module, jammed)
    apply(jammed, "partition io")
    same(module, jammed)


@pytest.mark.parametrize("body", ILLEGAL.values(), ids=ILLEGAL)
def test_rows_that_need_each_other_the_other_way_round_are_refused(body: str) -> None:
    with pytest.raises(WeftError, match="in another order"):
        apply(nest(body), "jam i 4 into (io, ir)")


AROUND = """
loop.for "i" %i to 7 {
  %s = loop.alloc reg "s" : memref<f32>
  %x = loop.load %B[%i, 0]
  %y = arith.mulf %x, %x : f32
  loop.store %y, %s[] : memref<f32>
  loop.for "j" %j to 8 {
    %0 = loop.load %s[] : memref<f32>
    %1 = loop.load %A[%i, %j]
    %2 = arith.addf %0, %1 : f32
    %3 = arith.subf %2, %x : f32
    loop.store %3, %s[] : memref<f32>
    loop.store %3, %A[%i, %j + 1]
  }
  %4 = loop.load %s[] : memref<f32>
  %5 = arith.addf %4, %y : f32
  loop.store %5, %B[%i, 9]
}
"""


def test_what_stands_around_the_inner_loop_is_done_for_all_rows() -> None:
    module = kernel(AROUND, A="12x12", B="12x12")
    jammed = module.clone()
    apply(jammed, "jam i 3 into (io, ir), partition io")
    text = str(jammed)
    assert '"ir.in"' in text and '"ir.out"' in text and "ir.v1" in text
    same(module, jammed)


def test_rows_that_read_what_the_row_before_leaves_behind_its_loop_are_refused() -> None:
    text = AROUND.replace("loop.store %5, %B[%i, 9]", "loop.store %5, %B[%i + 1, 0]")
    with pytest.raises(WeftError, match="in another order"):
        apply(kernel(text, A="12x12", B="12x12"), "jam i 3 into (io, ir)")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('loop.for "i" %i to 7 { loop.for "j" %j to %i { } }', "moves with"),
        ('loop.for "i" %i to 7 { loop.for "j" %j to 8 { } loop.for "k" %k to 8 { } }', "holds 2 loops"),
        ('loop.for "i" %i to 7 { loop.for "j" %j to 8 { loop.for "k" %k to 8 { } } }', "more than plain ops"),
        ('loop.for "i" %i to 7 { loop.for "j" %j to 8 vector(4) { } }', "marked 'vector'"),
        ('loop.for "i" %i to 7 { loop.if %i - 3 >= 0 { } loop.for "j" %j to 8 { } }', "stands beside"),
    ],
)
def test_other_loops_are_refused(text: str, why: str) -> None:
    with pytest.raises(WeftError, match=why):
        apply(kernel(text, A="12x12"), "jam i 4 into (io, ir)")
