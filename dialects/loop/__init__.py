"""The `loop` dialect: loop nests on buffers and the schedules that shape them.

A kernel is a `func.func` with the attribute `loop.kernel`: memref arguments that do not overlap (each with
the attribute `loop.name`), then symbols (`index` values from memref.dim, arith and arguments), buffers, loop
nests, and a return without values. Three restrictions keep every step simple: loops count from 0 by 1, bounds
are a `min` of linear forms, indices are linear in counters and symbols (but for `loop.gather` and
`loop.scatter`, whose indices may be computed).

```mlir
func.func @product(%A: memref<8x4xf32> {loop.name = "A"}, %B: memref<4x8xf32> {loop.name = "B"},
                   %C: memref<8x8xf32> {loop.name = "C"}) attributes {loop.kernel} {
  loop.for "i" %i to 8 {
    loop.for "j" %j to 8 {
      loop.for "k" %k to 4 {
        %a = loop.load %A[%i, %k] : memref<8x4xf32>
        %b = loop.load %B[%k, %j] : memref<4x8xf32>
        %p = arith.mulf %a, %b : f32
        loop.reduce add %p into %C[%i, %j] over (%k) : memref<8x8xf32>
      }
    }
  }
  func.return
}
```
"""

from xdsl.ir import Dialect

from weft.dialects.loop.access import AccessOp, LoadOp, PrefetchOp, ReadOp, ReduceOp, StoreOp, WriteOp
from weft.dialects.loop.base import LinearOp
from weft.dialects.loop.buffers import AllocOp, PrivateOp, alignment, buffer_name
from weft.dialects.loop.computed import ComputedOp, GatherOp, ScatterOp, has_computed
from weft.dialects.loop.kinds import KINDS, kinds_of, neutral
from weft.dialects.loop.linear import Form, LinAttr, Linear, linear
from weft.dialects.loop.marks import MarkAttr
from weft.dialects.loop.matrix import LoadMatrixOp, MmaOp, SlotOp
from weft.dialects.loop.nest import ForOp, IfOp, IndexOp, loop_of
from weft.dialects.loop.schedule import ScheduleAttr
from weft.dialects.loop.vectors import LookupOp, ScaleOp

LOOP = Dialect(
    "loop",
    [
        *(ForOp, IfOp, IndexOp, LoadOp, StoreOp, ReduceOp, PrefetchOp, GatherOp, ScatterOp, AllocOp, PrivateOp),
        *(LoadMatrixOp, MmaOp, SlotOp, ScaleOp, LookupOp),
    ],
    [LinAttr, MarkAttr, ScheduleAttr],
)

__all__ = [
    "KINDS",
    "LOOP",
    "AccessOp",
    "AllocOp",
    "ComputedOp",
    "ForOp",
    "Form",
    "GatherOp",
    "IfOp",
    "IndexOp",
    "LinAttr",
    "Linear",
    "LinearOp",
    "LoadMatrixOp",
    "LoadOp",
    "LookupOp",
    "MarkAttr",
    "MmaOp",
    "PrefetchOp",
    "PrivateOp",
    "ReadOp",
    "ReduceOp",
    "ScaleOp",
    "ScatterOp",
    "ScheduleAttr",
    "SlotOp",
    "StoreOp",
    "WriteOp",
    "alignment",
    "buffer_name",
    "has_computed",
    "kinds_of",
    "linear",
    "loop_of",
    "neutral",
]
