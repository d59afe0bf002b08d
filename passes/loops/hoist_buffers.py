"""The memory of kernels comes from their callers."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects import func, memref
from xdsl.dialects.builtin import ArrayAttr, DictionaryAttr, FunctionType, IntegerAttr, ModuleOp, i64
from xdsl.ir import SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import InsertPoint, Rewriter

from weft.dialects.loop.buffers import ALIGN, ALLOC_ALIGNMENT, NAME, AllocOp, PrivateOp, set_argument_attribute
from weft.dialects.loop.nest import loops_around
from weft.dialects.target import cpu_of
from weft.dialects.walking import inside
from weft.passes.loops.buffers.expand import expand_buffers
from weft.passes.loops.buffers.types import Buffer, memref_of
from weft.passes.loops.reify import Reifier
from weft.passes.rewriting import LocatedBuilder

KERNEL = "loop.kernel"


@dataclass(frozen=True)
class HoistBuffers(ModulePass):
    """Turn every `loop.alloc heap` of a kernel into a trailing argument that its callers allocate.

    A buffer under a parallel loop is one slice for each thread of the target, taken by `loop.private`. Under loops
    that are mapped to units of a GPU it is one slice for each of their iterations. Sizes that only the run knows are
    computed at the call, from what the call passes.

    **Before**
    ```mlir
    func.func @main(%x: memref<?xf32> {loop.name = "x"}) {
      func.call @k(%x) : (memref<?xf32>) -> ()
      func.return
    }
    func.func private @k(%x: memref<?xf32> {loop.name = "x"}) attributes {loop.kernel} {
      %c0 = arith.constant 0 : index
      %n = memref.dim %x, %c0 : memref<?xf32>
      %t = loop.alloc heap "t"(%n) : memref<?xf32>
      loop.for "i" %i to 8 parallel {
        %u = loop.alloc heap "u" : memref<64xf32>
      }
      func.return
    }
    ```
    **After**, for four threads
    ```mlir
    func.func @main(%x: memref<?xf32> {loop.name = "x"}) {
      %c0 = arith.constant 0 : index
      %n = memref.dim %x, %c0 : memref<?xf32>
      %t = memref.alloc(%n) : memref<?xf32>
      %u = memref.alloc() : memref<4x64xf32>
      func.call @k(%x, %t, %u) : (memref<?xf32>, memref<?xf32>, memref<4x64xf32>) -> ()
      memref.dealloc %u : memref<4x64xf32>
      memref.dealloc %t : memref<?xf32>
      func.return
    }
    func.func private @k(%x: memref<?xf32> {loop.name = "x"}, %t: memref<?xf32> {loop.name = "t"},
        %u: memref<4x64xf32> {loop.name = "u"}) attributes {loop.kernel} {
      loop.for "i" %i to 8 parallel {
        %mine = loop.private %u : memref<4x64xf32> -> memref<64xf32>
      }
      func.return
    }
    ```

    **Needs** kernels with their schedules applied, and calls of them by `func.call`.

    **Leaves alone** buffers in other spaces, and whatever is no kernel.
    """

    name = "hoist-buffers"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Hoist the buffers of all kernels."""
        threads = cpu_of(op).threads
        calls: dict[str, list[func.CallOp]] = defaultdict(list)
        kernels: list[func.FuncOp] = []
        for inner in inside(op):
            if isinstance(inner, func.CallOp):
                calls[inner.callee.string_value()].append(inner)
            elif isinstance(inner, func.FuncOp) and KERNEL in inner.attributes:
                kernels.append(inner)
        for kernel in kernels:
            expand_buffers(kernel)
            allocs = [a for a in inside(kernel) if isinstance(a, AllocOp) and a.space.data == "heap"]
            if allocs:
                for call in calls[kernel.sym_name.data]:
                    _allocate(call, kernel, allocs, threads)
                for alloc in allocs:
                    _to_argument(kernel, alloc, threads)


def _is_private(alloc: AllocOp) -> bool:
    """Whether each worker needs a buffer of its own."""
    return any(loop.kind() == "parallel" for loop in loops_around(alloc))


def _argument_type(alloc: AllocOp, threads: int) -> Buffer:
    """The type of the argument that an allocation becomes."""
    type_ = memref_of(alloc.result)
    workers = [threads] if _is_private(alloc) else []
    return Buffer(type_.element_type, [*workers, *type_.get_shape()])


def _allocate(call: func.CallOp, kernel: func.FuncOp, allocs: list[AllocOp], threads: int) -> None:
    """Allocate a kernel's buffers around one call of it."""
    builder = LocatedBuilder.before(call)
    bindings = dict[SSAValue, SSAValue](zip(kernel.body.block.args, call.arguments, strict=True))
    inside = Reifier(builder, caller=(Reifier(builder), bindings))
    made: list[SSAValue] = []
    for alloc in allocs:
        sizes = [inside.value(inside.index(size)) for size in alloc.sizes]
        made.append(builder.insert(memref.AllocOp(sizes, [], _argument_type(alloc, threads))).memref)
        made[-1].name_hint = alloc.result.name_hint
    after = LocatedBuilder(InsertPoint.after(call), call.location)
    for buffer in reversed(made):
        after.insert(memref.DeallocOp.get(buffer))
    call.operands = [*call.operands, *made]


def _to_argument(kernel: func.FuncOp, alloc: AllocOp, threads: int) -> None:
    """Replace an allocation by a new argument of its kernel."""
    block = kernel.body.block
    type_ = _argument_type(alloc, threads)
    argument = block.insert_arg(type_, len(block.args))
    argument.name_hint = alloc.result.name_hint
    kernel.properties["function_type"] = FunctionType.from_lists(
        [*kernel.function_type.inputs, type_], list(kernel.function_type.outputs)
    )
    if kernel.arg_attrs is not None:
        kernel.properties["arg_attrs"] = ArrayAttr([*kernel.arg_attrs, DictionaryAttr({})])
    set_argument_attribute(kernel, argument.index, NAME, alloc.buffer_name)
    set_argument_attribute(kernel, argument.index, ALIGN, IntegerAttr(ALLOC_ALIGNMENT, i64))
    mine: SSAValue = argument
    if _is_private(alloc):
        mine = LocatedBuilder.before(alloc).insert(PrivateOp(argument)).result
        mine.name_hint = alloc.result.name_hint
    alloc.result.replace_all_uses_with(mine)
    Rewriter.erase_op(alloc)
