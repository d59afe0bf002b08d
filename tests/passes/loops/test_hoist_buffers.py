"""Heap buffers of kernels become arguments that the callers allocate."""

from __future__ import annotations

import numpy as np
from xdsl.dialects import func, memref
from xdsl.dialects.builtin import ModuleOp

from tests.passes.loops.watch import call_on_buffers, parse
from weft.dialects.loop import AllocOp, PrivateOp
from weft.passes.loops.hoist_buffers import HoistBuffers
from weft.registry import context

TEXT = """builtin.module attributes {weft.target = #target.cpu<threads = 3>} {
  func.func @main(%x: memref<?xf32>, %y: memref<?xf32>) {
    scf.execute_region {
      func.call @k(%x, %y) : (memref<?xf32>, memref<?xf32>) -> ()
      scf.yield
    }
    func.call @k(%y, %x) : (memref<?xf32>, memref<?xf32>) -> ()
    func.return
  }
  func.func private @k(%x: memref<?xf32> {loop.name = "x"}, %y: memref<?xf32> {loop.name = "y"})
      attributes {loop.kernel} {
    %c0 = arith.constant 0 : index
    %c2 = arith.constant 2 : index
    %n = memref.dim %x, %c0 : memref<?xf32>
    %m = arith.muli %n, %c2 : index
    %t = loop.alloc heap "t"(%m) : memref<?x2xf32>
    loop.for "i" %i to %n {
      %0 = loop.load %x[%i] : memref<?xf32>
      loop.store %0, %t[2*%i, 1] : memref<?x2xf32>
    }
    loop.for "j" %j to %n parallel {
      %u = loop.alloc heap "u" : memref<4xf32>
      %1 = loop.load %t[2*%j, 1] : memref<?x2xf32>
      %2 = arith.addf %1, %1 : f32
      loop.store %2, %u[1] : memref<4xf32>
      %3 = loop.load %u[1] : memref<4xf32>
      loop.store %3, %y[%j] : memref<?xf32>
    }
    func.return
  }
}"""


def hoisted(text: str) -> tuple[ModuleOp, ModuleOp]:
    before = parse(text)
    after = before.clone()
    HoistBuffers().apply(context(), after)
    after.verify()
    return before, after


def test_the_host_allocates_and_frees_at_every_call() -> None:
    before, after = hoisted(TEXT)
    x, y = np.array([1, 2, 3], np.float32), np.zeros(3, np.float32)
    _, watch = call_on_buffers(before, after, "main", [x, y])
    np.testing.assert_array_equal(y, [2, 4, 6])
    np.testing.assert_array_equal(x, [4, 8, 12])
    assert watch.allocations == 4


def test_no_heap_buffer_is_left_and_a_parallel_one_has_a_slice_for_each_thread() -> None:
    _, after = hoisted(TEXT)
    assert not [op for op in after.walk() if isinstance(op, AllocOp)]
    assert [str(op.source.type) for op in after.walk() if isinstance(op, PrivateOp)] == ["memref<3x4xf32>"]
    kernel = next(op for op in after.ops if isinstance(op, func.FuncOp) and op.sym_name.data == "k")
    assert '{loop.name = "u", loop.align = 64 : i64}' in str(kernel)
    assert sum(isinstance(op, memref.DimOp) for op in after.walk()) == 3


def test_buffers_in_other_spaces_stay() -> None:
    text = TEXT.replace('loop.alloc heap "u"', 'loop.alloc stack "u"')
    _, after = hoisted(text)
    assert [op.space.data for op in after.walk() if isinstance(op, AllocOp)] == ["stack"]
