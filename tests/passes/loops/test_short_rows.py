"""Lanes over rows that are shorter than a vector."""

from __future__ import annotations

import pytest

from tests.passes.loops.random_nests import Case, Sizes, kernel, rows
from tests.passes.loops.test_choose_schedule import check_default, sizes, words
from weft.dialects.target import Cpu

WIDE = Cpu(vector_bytes=64, vector_registers=32)


def softmaxes(s: Sizes) -> Case:
    """Y = T - max of its row, T = (X - max of its row) * X: what one nest makes of rows the next one takes."""

    def shift(given: str, made: str, by: str, number: int) -> str:
        top = f"""%a = loop.load %{given}[%m{number}, %n{number}] : {s.type("mn")}
          loop.reduce max %a into %{by}[%m{number}] over (%n{number}) : {s.type("m")}"""
        away = f"""%a = loop.load %{given}[%m{number}, %n{number + 1}] : {s.type("mn")}
          %h = loop.load %{by}[%m{number}] : {s.type("m")}
          %d = arith.subf %a, %h : f32
          %e = arith.mulf %d, %a : f32
          loop.store %e, %{made}[%m{number}, %n{number + 1}] : {s.type("mn")}"""
        return s.nest("m", f"{s.nest('n', top, str(number))}\n{s.nest('n', away, str(number + 1))}", str(number))

    given = dict.fromkeys(("mn", "m"), "(%nm)" if "m" in s.dynamic else "")
    text = "\n".join(
        (
            f'%g = loop.alloc heap "g"{given["m"]} : {s.type("m")}',
            f'%h1 = loop.alloc heap "h1"{given["m"]} : {s.type("m")}',
            f'%T = loop.alloc heap "T"{given["mn"]} : {s.type("mn")}',
            shift("X", "T", "g", 1),
            shift("T", "Y", "h1", 4),
        )
    )
    return Case(kernel(s, {"X": "mn", "Y": "mn"}, text), (s.shape("mn"), s.shape("mn")))


@pytest.mark.parametrize(
    ("m", "n", "dynamic"), [(32, 3, ""), (67, 3, ""), (33, 5, "m"), (48, 1, ""), (101, 7, ""), (35, 2, "m")]
)
def test_rows_shorter_than_a_vector_are_right_side_by_side(m, n, dynamic):
    case = softmaxes(sizes(m, n, 1, dynamic))
    assert "vectorize m1v 16" in words(case, WIDE)
    check_default(case, WIDE, m)


def test_what_is_handed_on_inside_of_a_row_stays_in_registers():
    chosen = words(softmaxes(sizes(67, 3, 1)), WIDE)
    assert "fuse (m1, m4)" in chosen
    assert all(f"keep {buffer} at m1o as {buffer}_r in reg" in chosen for buffer in ("g", "h1", "T"))


@pytest.mark.parametrize(("m", "n"), [(67, 16), (67, 40), (20, 3), (67, 0)])
def test_long_rows_and_few_rows_keep_vectors_along_rows(m, n):
    case = softmaxes(sizes(m, n, 1))
    assert "m1v" not in words(case, WIDE)
    check_default(case, WIDE, n)


def test_rows_that_have_buffers_of_their_own_are_left_alone():
    assert "mv" not in words(rows(sizes(67, 3, 1)), WIDE)


def test_threads_share_out_rows():
    case = softmaxes(sizes(1 << 16, 3, 1))
    assert "parallelize m1o" in words(case, Cpu(threads=4, vector_bytes=64, vector_registers=32))
