"""What is discarded is freed at once, without the cycle collector."""

from __future__ import annotations

import gc
import weakref

from xdsl.parser import Parser

from weft.dialects.discarding import discard
from weft.dialects.walking import inside
from weft.registry import context

TEXT = """func.func @f(%n: i32) -> i32 {
  cf.br ^bb1(%n : i32)
^bb1(%i: i32):
  %c = arith.constant 1 : i32
  %j = arith.subi %i, %c : i32
  %k = arith.muli %j, %j : i32
  %more = arith.cmpi sgt, %k, %c : i32
  cf.cond_br %more, ^bb1(%j : i32), ^bb2
^bb2:
  func.return %i : i32
}"""


def test_ops_that_are_discarded_are_gone():
    gc.collect()
    gc.disable()
    try:
        module = Parser(context(), TEXT).parse_module()
        ops = [weakref.ref(op) for op in inside(module)]
        discard(module)
        del module
        assert not [ref() for ref in ops if ref() is not None]
    finally:
        gc.enable()
