"""`expand-lone-rows`: a kernel along one row is one along the rows of a matrix that has one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from xdsl.context import Context
from xdsl.dialects import func
from xdsl.dialects.builtin import FunctionType, ModuleOp, NoneAttr
from xdsl.ir import BlockArgument, Operation, SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import InsertPoint, Rewriter
from xdsl.traits import is_side_effect_free

from weft.dialects.loop import AccessOp, AllocOp, ForOp, ReduceOp, WriteOp, linear
from weft.dialects.loop.buffers import memref_of
from weft.passes.loops.buffers.types import Buffer
from weft.passes.loops.buffers.views import reshape
from weft.passes.loops.kernels import insert, private_kernels
from weft.passes.rewriting import LocatedBuilder

LONGEST = 1 << 14
"""A longer row is cut into parts for many blocks: one launch could not do all of it."""


@dataclass(frozen=True)
class ExpandLoneRows(ModulePass):
    """Puts a loop over one row around each nest of a kernel whose nests all go along one dimension, of one size, when
    one of them reduces it to a number that another one needs.

    The plans for rows then run all of it in one launch, where nests that stand apart would be one each. Buffers of that
    size become matrices of one row, numbers that are written become vectors of one element; a caller passes a view.

    **Before**
    ```mlir
    func.func @main(%x: memref<512xf32>, %y: memref<512xf32>) {
      func.call @k(%x, %y) : (memref<512xf32>, memref<512xf32>) -> ()
      func.return
    }
    func.func private @k(%x: memref<512xf32> {loop.name = "x"}, %y: memref<512xf32> {loop.name = "y"})
        attributes {loop.kernel} {
      %m = loop.alloc heap "m" : memref<f32>
      loop.for "i" %i to 512 {
        %0 = loop.load %x[%i] : memref<512xf32>
        loop.reduce max %0 into %m[] over (%i) : memref<f32>
      }
      loop.for "i1" %i1 to 512 {
        %1 = loop.load %m[] : memref<f32>
        loop.store %1, %y[%i1] : memref<512xf32>
      }
      func.return
    }
    ```
    **After**
    ```mlir
    func.func @main(%x: memref<512xf32>, %y: memref<512xf32>) {
      %0 = memref.reinterpret_cast %x to offset: [0], sizes: [1, 512], strides: [512, 1]
          : memref<512xf32> to memref<1x512xf32>
      %1 = memref.reinterpret_cast %y to offset: [0], sizes: [1, 512], strides: [512, 1]
          : memref<512xf32> to memref<1x512xf32>
      func.call @k(%0, %1) : (memref<1x512xf32>, memref<1x512xf32>) -> ()
      func.return
    }
    func.func private @k(%x: memref<1x512xf32> {loop.name = "x"}, %y: memref<1x512xf32> {loop.name = "y"})
        attributes {loop.kernel} {
      %m = loop.alloc heap "m" : memref<1xf32>
      loop.for "row" %row to 1 {
        loop.for "i" %i to 512 {
          %0 = loop.load %x[%row, %i] : memref<1x512xf32>
          loop.reduce max %0 into %m[%row] over (%i) : memref<1xf32>
        }
      }
      loop.for "row1" %row1 to 1 {
        loop.for "i1" %i1 to 512 {
          %1 = loop.load %m[%row1] : memref<1xf32>
          loop.store %1, %y[%row1, %i1] : memref<1x512xf32>
        }
      }
      func.return
    }
    ```
    **Needs** private kernels of naive nests.

    **Leaves alone** kernels that have a schedule, or whose buffers may overlap; rows of more than 16,384 elements.
    """

    name = "expand-lone-rows"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Expand in every kernel along one row."""
        for kernel, calls in private_kernels(op):
            row = _Row(kernel)
            if row.found():
                row.expand(calls)


@dataclass
class _Row:
    """A kernel along one row: its parts, a nest or what stands between nests, and the buffers that get a dimension."""

    kernel: func.FuncOp
    parts: list[list[Operation]] = field(default_factory=list[list[Operation]])
    buffers: dict[SSAValue, None] = field(default_factory=dict[SSAValue, None])

    def found(self) -> bool:
        """Whether it is one, and hands a number on from nest to nest."""
        trips: set[int | None] = set()
        for op in self.kernel.body.block.ops:
            if isinstance(op, ForOp):
                if op.mark is not None or any(isinstance(inner, ForOp) for inner in op.block.walk()):
                    return False
                trips.add(op.trip())
                self.parts.append([op])
            elif isinstance(op, AccessOp):
                if not self.parts or isinstance(self.parts[-1][0], ForOp):
                    self.parts.append([])
                self.parts[-1].append(op)
            elif not isinstance(op, AllocOp | func.ReturnOp) and not is_side_effect_free(op):
                return False
        (trip,) = trips if len(trips) == 1 else (None,)
        if trip is None or not 1 < trip <= LONGEST or not self._hands_on() or not self._whole():
            return False
        return all(self._fits(op, trip) for op in self.kernel.walk() if isinstance(op, AccessOp))

    def _hands_on(self) -> bool:
        """Whether what one nest reduces another part reads."""
        reduced = {op.target for op in self.kernel.walk() if isinstance(op, ReduceOp)}
        reads = [op for op in self.kernel.walk() if isinstance(op, AccessOp) and not isinstance(op, WriteOp)]
        return any(op.target in reduced for op in reads)

    def _whole(self) -> bool:
        """Take the pure ops between accesses into their part; whether no part uses what another one computes."""
        for part in self.parts:
            if isinstance(part[0], ForOp):
                continue
            start, end = part[0], part[-1]
            inside = [start]
            while inside[-1] is not end:
                following = inside[-1].next_op
                assert following is not None
                inside.append(following)
            if any(isinstance(op, AllocOp) for op in inside):
                return False
            part[:] = inside
            outside = [use for op in inside for result in op.results for use in result.uses]
            if any(use.operation not in inside for use in outside):
                return False
        return True

    def _fits(self, op: AccessOp, trip: int) -> bool:
        """Note the buffer of an access, whether it goes along the row, or is a number."""
        type_ = memref_of(op.target)
        alloc = op.target.owner
        known = isinstance(op.target, BlockArgument) or (isinstance(alloc, AllocOp) and alloc.space.data == "heap")
        if not known or not isinstance(type_.layout, NoneAttr):
            return False
        index = op.index()
        if not index:
            self.buffers[op.target] = None
            return True
        loop = op.parent_op()
        along = isinstance(loop, ForOp) and list(index) == [linear(loop.counter)] and type_.get_shape() == (trip,)
        self.buffers[op.target] = None
        return along

    def expand(self, calls: Sequence[func.CallOp]) -> None:
        """Put the loop over one row around each part."""
        taken = {op.label.data for op in self.kernel.walk() if isinstance(op, ForOp)}
        for number, part in enumerate(self.parts):
            name = f"row{number or ''}"
            while name in taken:
                name += "_"
            around = ForOp(name, linear(1))
            insert([around], InsertPoint.before(part[0]), part[0])
            for op in part:
                op.detach()
                around.block.add_op(op)
            for op in around.walk():
                if isinstance(op, AccessOp):
                    op.set_forms((linear(around.counter), *op.forms()))
        for buffer in self.buffers:
            self._retype(buffer, calls)
        inputs = [argument.type for argument in self.kernel.body.block.args]
        self.kernel.properties["function_type"] = FunctionType.from_lists(inputs, [])

    def _retype(self, buffer: SSAValue, calls: Sequence[func.CallOp]) -> None:
        shape = [1, *memref_of(buffer).get_shape()]
        type_ = Buffer(memref_of(buffer).element_type, shape)
        if isinstance(buffer, BlockArgument):
            for call in calls:
                builder = LocatedBuilder.before(call)
                call.operands[buffer.index] = reshape(builder, call.arguments[buffer.index], type_, shape)
        hint = buffer.name_hint
        Rewriter.replace_value_with_new_type(buffer, type_).name_hint = hint
