"""`loop-add-pairs`: marks a loop whose products of narrow numbers one instruction adds up."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.dialects.func import FuncOp

from weft.dialects.loop import MarkAttr
from weft.dialects.loop.dots import PAIR, dot_in
from weft.dialects.loop.schedule import AddPairs
from weft.passes.loops.kernels import Refuse, label
from weft.passes.loops.steps.base import StepPass
from weft.passes.loops.steps.marking import marked


@dataclass(frozen=True)
class LoopAddPairs(AddPairs, StepPass):
    """Mark every loop of that label, ragged copies too, as products that one instruction adds up: `add_pairs kp`.

    In the lanes of a vector loop around it, two products of i8 or i16 go into a sum of i32 (`vpdpwssd`), two of bf16
    into one of f32 (`vdpbf16ps`) at a time, where the target has the features `avx512vnni` and `avx512bf16`. The latter
    takes denormal numbers for zeros, so products of bf16 need `loop.flushes`. Sums of integers are the same.

    **Before**
    ```mlir
    loop.for "kp" %kp to 2 {
      %a = loop.load %A[%i, 2*%k + %kp] : memref<8x64xi8>
      %b = loop.load %B[2*%k + %kp, %j] : memref<64x16xi8>
      %l = arith.extsi %a : i8 to i32
      %r = arith.extsi %b : i8 to i32
      %p = arith.muli %l, %r : i32
      loop.reduce add %p into %C[%i, %j] over (%k, %kp) : memref<8x16xi32>
    }
    ```
    **After**
    ```mlir
    loop.for "kp" %kp to 2 dot {
      %a = loop.load %A[%i, 2*%k + %kp] : memref<8x64xi8>
    }
    ```
    **Needs** loops of at most two iterations that hold nothing but such a sum.

    **Leaves alone** everything but the mark. Without the feature, and for one iteration, products are added one by one.
    """

    name = "loop-add-pairs"

    def transform(self, kernel: FuncOp) -> None:
        """Mark the loops."""
        found = marked(kernel, self.loop)
        for loop in found:
            if (loop.greatest_trip() or PAIR + 1) > PAIR:
                raise Refuse(f"'{label(loop)}' has more than {PAIR} iterations; tile it by {PAIR} first")
            if dot_in(loop) is None:
                raise Refuse(f"'{label(loop)}' holds more than a sum of products of i8, i16, or bf16 with loop.flushes")
        for loop in found:
            loop.mark = MarkAttr.of("dot")
