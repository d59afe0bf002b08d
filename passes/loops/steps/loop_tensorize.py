"""`loop-tensorize`: marks a nest that the tensor cores of a GPU do as one product of matrices."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.dialects.func import FuncOp

from weft.dialects.loop import MarkAttr
from weft.dialects.loop.schedule import Tensorize
from weft.passes.loops.kernels import need_no_lanes
from weft.passes.loops.steps.base import StepPass
from weft.passes.loops.steps.marking import marked
from weft.passes.loops.tensor_nest import tensor_nest


@dataclass(frozen=True)
class LoopTensorize(Tensorize, StepPass):
    """Mark the nests that start at loops of that label as products of matrices of a warp: `tensorize ih`.

    The loops stand as the lanes of a warp hold the sums of `mma.sync`: lane `4*ig + jt` has rows `ig` and `8 + ig`
    (`ih`), and columns `2*jt` and `2*jt + 1` (`jv`) of 8, or of two times 8 (`jp`).

    **Before**
    ```mlir
    loop.for "ih" %ih to 2 unroll { loop.for "ig" %ig to 8 thread {
      loop.for "jp" %jp to 2 unroll { loop.for "jt" %jt to 4 thread { loop.for "jv" %jv to 2 unroll {
        loop.for "kk" %kk to 16 {
          %a = loop.load %As[8*%ih + %ig, %kk] : memref<16x16xf16>
          %b = loop.load %Bs[%kk, 8*%jp + 2*%jt + %jv] : memref<16x16xf16>
          loop.reduce add %p into %Cr[%ih, %ig, %jp, %jt, %jv] : memref<2x8x2x4x2xf32>
        }
      } } }
    } }
    ```
    **After**
    ```mlir
    loop.for "ih" %ih to 2 tensor { loop.for "ig" %ig to 8 thread {
    } }
    ```
    **Needs** a perfect nest of these loops, each of as many iterations as here, whatever the sizes are (`pad`); the
    depth is 16 halves, 8 floats as tf32 or 32 bytes. Sums of products of f16 or bf16, or of f32 with leave to round to
    tf32, in f32, or of signed i8 in i32; these in `reg`. Factors in `shared`, of which those that lie together along
    the depth, or for halves along the rows or columns, start at a multiple of 16 bytes. A chip from sm_80.

    **Leaves alone** everything but the mark: `convert-loop-to-gpu` makes `loop.ldmatrix` and `loop.mma` of the nest.
    """

    name = "loop-tensorize"

    def transform(self, kernel: FuncOp) -> None:
        """Mark the loops."""
        found = marked(kernel, self.loop)
        for loop in found:
            need_no_lanes(loop)
            tensor_nest(loop)
        for loop in found:
            loop.mark = MarkAttr.of("tensor")
