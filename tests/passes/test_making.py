"""Ops that are copied quickly are what `clone` gives."""

from __future__ import annotations

from io import StringIO

import pytest
from xdsl.ir import Operation
from xdsl.parser import Parser
from xdsl.printer import Printer

from weft.passes.making import copied
from weft.registry import context

NEST = """func.func @k(%X: memref<8x?xf32> {loop.name = "X"}, %n: index) attributes {loop.kernel} {
  %T = loop.alloc heap "T"(%n) : memref<?xf32>
  loop.for "i" %i to min(8, %n) {
    %some_name = loop.load %X[%i, 0] : memref<8x?xf32>
    loop.if 4 - %i >= 0 { loop.store %some_name, %T[%i] : memref<?xf32> }
    loop.reduce add %some_name into %T[0] over (%i) : memref<?xf32>
  }
  func.return
}"""
BLOCKS = """func.func @f(%n: i32) -> i32 {
  cf.br ^bb2(%n : i32)
^bb1:
  func.return %j : i32
^bb2(%i: i32):
  %j = arith.subi %i, %i : i32
  cf.br ^bb1
}"""


def text(op: Operation) -> str:
    out = StringIO()
    Printer(out, print_debuginfo=True).print_op(op)
    return out.getvalue()


@pytest.mark.parametrize("program", [NEST, BLOCKS])
def test_a_copy_is_what_clone_gives(program):
    module = Parser(context(), program).parse_module()
    function = module.body.block.first_op
    before, copy = text(function), copied(function)
    assert text(copy) == before == text(function.clone())
    copy.verify()
    assert copy.parent is None and not set(copy.walk()) & set(function.walk())
