"""One workspace a function, in which buffers that never live at once share memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from xdsl.context import Context
from xdsl.dialects import func, memref
from xdsl.dialects.builtin import DYNAMIC_INDEX, IntegerAttr, ModuleOp, i8, i64
from xdsl.ir import Operation, SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import Rewriter

from weft.dialects.walking import inside
from weft.passes.loops.buffers.types import Buffer
from weft.passes.loops.lists import Size
from weft.passes.loops.memory.lifetimes import VECTOR_BYTES, Lifetime, lifetimes
from weft.passes.loops.memory.report import MemoryPlan, plan
from weft.passes.loops.memory.sizes import at_entry, bytes_of, greatest, total
from weft.passes.loops.reify import KERNELS, Reifier
from weft.passes.rewriting import LocatedBuilder

WORKSPACE_BYTES = "weft.workspace_bytes"


@dataclass(frozen=True)
class PlanMemory(ModulePass):
    """Replace the allocations of each host function by views of one workspace.

    A buffer lives from its `memref.alloc` to its `memref.dealloc`; two that never live at once may share memory.
    Each starts at a multiple of 64 bytes and has 64 bytes of room after it. Buffers whose sizes follow from the
    function's arguments take turns in slots of run-time size. The workspace is allocated once, before the first
    buffer is needed. `weft.workspace_bytes` says its size where it is static. `reuse=false` gives every buffer
    memory of its own.

    **Before**
    ```mlir
    func.func @main(%x: memref<16xf32>, %y: memref<16xf32> {weft.out = 0 : i64}) {
      %0 = memref.alloc() : memref<16xf32>
      func.call @k(%x, %0) : (memref<16xf32>, memref<16xf32>) -> ()
      %1 = memref.alloc() : memref<16xf32>
      func.call @k(%0, %1) : (memref<16xf32>, memref<16xf32>) -> ()
      memref.dealloc %0 : memref<16xf32>
      func.call @k(%1, %y) : (memref<16xf32>, memref<16xf32>) -> ()
      memref.dealloc %1 : memref<16xf32>
      func.return
    }
    ```
    **After**
    ```mlir
    func.func @main(%x: memref<16xf32>, %y: memref<16xf32> {weft.out = 0 : i64})
        attributes {weft.workspace_bytes = 256 : i64} {
      %ws = memref.alloc() {alignment = 64 : i64} : memref<256xi8>
      %c0 = arith.constant 0 : index
      %0 = memref.view %ws[%c0][] : memref<256xi8> to memref<16xf32>
      func.call @k(%x, %0) : (memref<16xf32>, memref<16xf32>) -> ()
      %c128 = arith.constant 128 : index
      %1 = memref.view %ws[%c128][] : memref<256xi8> to memref<16xf32>
      func.call @k(%0, %1) : (memref<16xf32>, memref<16xf32>) -> ()
      func.call @k(%1, %y) : (memref<16xf32>, memref<16xf32>) -> ()
      memref.dealloc %ws : memref<256xi8>
      func.return
    }
    ```

    **Needs** `bufferize` and `hoist-buffers`.

    **Leaves alone** kernels, buffers that are handed on to a caller or round a loop, and buffers whose sizes are only
    known where they are allocated.
    """

    name = "plan-memory"

    reuse: bool = True

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Plan the memory of every host function."""
        for function in inside(op):
            if isinstance(function, func.FuncOp) and not any(name in function.attributes for name in KERNELS):
                _plan_function(function, self.reuse)


def _plan_function(function: func.FuncOp, reuse: bool) -> None:
    found = lifetimes(function)
    if not found:
        return
    builder = LocatedBuilder.before(_first_need(function, found))
    arguments = cast(Operation, function).regions[0].blocks[0].args
    bytes_: dict[Lifetime, Size] = {}
    for buffer in found:
        if buffer.bytes is not None:
            bytes_[buffer] = buffer.bytes
        elif (sizes := at_entry(builder, arguments, buffer.alloc)) is not None:
            bytes_[buffer] = bytes_of(builder, buffer.alloc, sizes)
    memory = plan(function, list(bytes_), reuse)
    if memory.buffers:
        _rewrite(function, builder, memory, bytes_)


def _first_need(function: func.FuncOp, found: list[Lifetime]) -> Operation:
    """The op of the function's first block before which the workspace must be there."""
    block = function.body.blocks[0]
    first = block.find_ancestor_op_in_block(found[0].alloc)
    return cast(Operation, block.first_op) if first is None else first


def _rewrite(function: func.FuncOp, builder: LocatedBuilder, memory: MemoryPlan, bytes_: dict[Lifetime, Size]) -> None:
    starts: list[Size] = []
    end: Size = memory.layout.static_bytes
    for slot in memory.layout.slots:
        starts.append(end)
        end = total(builder, end, greatest(builder, [bytes_[buffer] for buffer in slot.buffers]))
    workspace = _allocate(builder, end)
    for buffer in memory.buffers:
        known = memory.layout.offsets.get(buffer)
        _view(workspace, buffer, starts[memory.layout.slot_of(buffer)] if known is None else known)
    for block in function.body.blocks:
        if isinstance(last := block.last_op, func.ReturnOp):
            LocatedBuilder.before(last).insert(memref.DeallocOp.get(workspace))
    if isinstance(end, int):
        function.attributes[WORKSPACE_BYTES] = IntegerAttr(end, i64)


def _allocate(builder: LocatedBuilder, size: Size) -> SSAValue:
    """The workspace."""
    type_ = Buffer(i8, [size if isinstance(size, int) else DYNAMIC_INDEX])
    sizes = [] if isinstance(size, int) else [size]
    buffer = builder.insert(memref.AllocOp(sizes, [], type_, IntegerAttr(VECTOR_BYTES, i64))).memref
    buffer.name_hint = "ws"
    return buffer


def _view(workspace: SSAValue, buffer: Lifetime, offset: Size) -> None:
    """A buffer's place in the workspace stands for its allocation."""
    builder = LocatedBuilder.before(buffer.alloc)
    start = Reifier(builder).value(offset)
    view = builder.insert(memref.ViewOp(workspace, start, list(buffer.alloc.dynamic_sizes), buffer.type))
    view.result.name_hint = buffer.alloc.memref.name_hint
    Rewriter.erase_op(buffer.dealloc)
    buffer.alloc.memref.replace_all_uses_with(view.result)
    Rewriter.erase_op(buffer.alloc)
