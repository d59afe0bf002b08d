"""Accesses that are known to be inside their buffers are just those that cannot leave them."""

from __future__ import annotations

import numpy as np
import pytest

import weft
from weft.frontends.mlir import parse_module
from weft.passes.lower.convert_scf_to_cf import ConvertScfToCf
from weft.passes.lower.proven import INSIDE
from weft.registry import context

COUNT = """func.func @main(%m: memref<SIZExi8>, %p: i1, %v: i8, %given: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c3 = arith.constant 3 : index
  %start = arith.constant START : index
  %n = arith.constant 10 : index
  %e = scf.for %i = %c0 to %n step %c3 iter_args(%k = %start) -> (index) {
    BODY
    scf.yield %r : index
  }
  AFTER
  func.return
}"""
"""Four iterations."""

GUARDED = """%r = scf.if %p -> (index) {
      memref.store %v, %m[%k] : memref<SIZExi8>
      %more = arith.addi %k, %STEP : index
      scf.yield %more : index
    } else {
      scf.yield %k : index
    }"""
BY_ONE, BY_THREE, BY_ANY = (GUARDED.replace("STEP", step) for step in ("c1", "c3", "given"))
BACK = """memref.store %v, %m[%k] : memref<SIZExi8>
    %less = arith.subi %k, %c1 : index
    %r = arith.select %p, %less, %k : index"""
TIMES = """%r = arith.muli %k, %c3 : index
    memref.store %v, %m[%k] : memref<SIZExi8>"""
COUNTER = """%s = arith.muli %i, %c3 : index
    %j = arith.subi %s, %i : index
    %l = arith.maxsi %j, %c1 : index
    memref.store %v, %m[%l] : memref<SIZExi8>
    %r = arith.addi %k, %c1 : index"""
NOTHING = "%r = arith.addi %k, %c1 : index"
LAST = "memref.store %v, %m[%e] : memref<SIZExi8>"


@pytest.mark.parametrize(
    ("body", "after", "start", "size", "known"),
    [
        (BY_ONE, "", 0, 4, True),
        (BY_ONE, "", 0, 3, False),
        (BY_ONE, "", 5, 9, True),
        (BY_ONE, "", -1, 9, False),
        (BY_THREE, "", 0, 10, True),
        (BY_THREE, "", 0, 9, False),
        (BY_ANY, "", 0, 100, False),
        (BACK, "", 3, 4, True),
        (BACK, "", 2, 4, False),
        (TIMES, "", 1, 1000, False),
        (COUNTER, "", 0, 28, True),
        (COUNTER, "", 0, 18, False),
        (NOTHING, LAST, 0, 5, True),
        (NOTHING, LAST, 0, 4, False),
    ],
)
def test_accesses_that_cannot_leave_their_buffer_are_marked(
    body: str, after: str, start: int, size: int, known: bool
) -> None:
    text = COUNT.replace("BODY", body).replace("AFTER", after).replace("START", str(start)).replace("SIZE", str(size))
    module = parse_module(text, context())
    ConvertScfToCf().apply(context(), module)
    module.verify()
    assert (INSIDE in str(module)) == known


def test_a_number_that_may_wrap_around_is_not_known() -> None:
    text = """func.func @main(%m: memref<200xi8>, %v: i8) {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %n = arith.constant 200 : index
      %zero = arith.constant 0 : i8
      %one = arith.constant 1 : i8
      %e = scf.for %i = %c0 to %n step %c1 iter_args(%k = %zero) -> (i8) {
        %j = arith.index_cast %k : i8 to index
        memref.store %v, %m[%j] : memref<200xi8>
        %r = arith.addi %k, %one : i8
        scf.yield %r : i8
      }
      func.return
    }"""
    module = parse_module(text, context())
    ConvertScfToCf().apply(context(), module)
    assert INSIDE not in str(module)


def test_a_mark_of_the_text_is_not_believed() -> None:
    text = "func.func @main(%m: memref<4xi8>, %i: index) -> i8 {\n"
    text += "%v = memref.load %m[%i] {weft.inside} : memref<4xi8>\nfunc.return %v : i8\n}"
    module = parse_module(text, context())
    ConvertScfToCf().apply(context(), module)
    assert INSIDE not in str(module)


NARROW = """func.func @main(%y: memref<127xi8>, %n: TYPE, %lim: index) -> index {
  %c0 = arith.constant 0 : TYPE
  %end = arith.constant BOUND : TYPE
  %step = arith.constant STEP : TYPE
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %v = arith.constant 1 : i8
  %r = scf.for %i = %c0 to %USED step %step iter_args(%k = %zero) -> (index) : TYPE {
    %p = arith.cmpi slt, %k, %lim : index
    scf.if %p {
      %j = arith.index_cast %i : TYPE to index
      memref.store %v, %y[%j] : memref<127xi8>
    }
    %k2 = arith.addi %k, %one : index
    scf.yield %k2 : index
  }
  func.return %r : index
}"""


@pytest.mark.parametrize("used", ["end", "n"])
@pytest.mark.parametrize(
    ("type_", "bound", "step"),
    [("i8", 127, 1), ("i8", 127, 3), ("i8", 127, 64), ("i8", 100, 100), ("i32", 2**31 - 1, 2**30), ("i8", 0, 5)],
)
def test_a_narrow_counter_does_not_come_back_from_the_least_number(used, type_, bound, step) -> None:
    """126 + 3 is no i8: the loop ends there."""
    text = NARROW.replace("TYPE", type_).replace("BOUND", str(bound)).replace("STEP", str(step)).replace("USED", used)
    memory = np.zeros(127 + 512, np.int8)
    n = np.dtype(f"int{type_[1:]}").type(bound)
    times = weft.compile(text, threads=1)(memory[256:383], n, 1 if bound > 127 else 100)
    assert times == len(range(0, bound, step))
    assert not memory[:256].any() and not memory[383:].any()
