"""`convert-loop-to-llvm`: kernels of loops become functions of the llvm dialect."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.dialects.func import CallOp, FuncOp
from xdsl.passes import ModulePass
from xdsl.traits import SymbolTable

from weft.dialects.discarding import discard
from weft.dialects.target import cpu_of
from weft.dialects.walking import inside
from weft.passes.lower.function_builder import Externals
from weft.passes.lower.loop_to_llvm.buffers import argument_types
from weft.passes.lower.loop_to_llvm.calls import Target, convert_calls
from weft.passes.lower.loop_to_llvm.kernel import code_name, lower_kernel

KERNEL = "loop.kernel"


@dataclass(frozen=True)
class ConvertLoopToLlvm(ModulePass):
    """Lowers every kernel, a `func.func` with `loop.kernel`, to one `llvm.func` that returns nothing.

    Here, and nowhere before, the marks of loops are expanded: unrolled loops into copies, vector loops into
    vectors and masks, `reg` buffers into SSA values, parallel loops into functions that the thread pool calls.
    A `memref` argument becomes its aligned pointer, its dynamic sizes and its dynamic strides.

    **Before**
    ```mlir
    func.func private @k(%x: memref<?xf32> {loop.name = "x"}, %y: memref<?xf32> {loop.name = "y"})
        attributes {loop.kernel} {
      %c0 = arith.constant 0 : index
      %n = memref.dim %x, %c0 : memref<?xf32>
      loop.for "i" %i to %n {
        %0 = loop.load %x[%i] : memref<?xf32>
        %1 = arith.addf %0, %0 : f32
        loop.store %1, %y[%i] : memref<?xf32>
      }
      func.return
    }
    ```
    **After**
    ```mlir
    llvm.func internal @k.kernel(%x: !llvm.ptr {llvm.noalias}, %n: i64, %y: !llvm.ptr {llvm.noalias}, %n1: i64) {
      %c0 = llvm.mlir.constant(0 : i64) : i64
      %c1 = llvm.mlir.constant(1 : i64) : i64
      %0 = llvm.icmp "slt" %c0, %n : i64
      llvm.cond_br %0, ^bb1(%c0 : i64), ^bb2
    ^bb1(%i: i64):
      %p = llvm.getelementptr inbounds %x[%i] : (!llvm.ptr, i64) -> !llvm.ptr, f32
      %v = llvm.load %p {alignment = 4 : i64} : !llvm.ptr -> f32
      %s = llvm.fadd %v, %v {fastmathFlags = #llvm.fastmath<contract>} : f32
      %q = llvm.getelementptr inbounds %y[%i] : (!llvm.ptr, i64) -> !llvm.ptr, f32
      llvm.store %s, %q {alignment = 4 : i64} : f32, !llvm.ptr
      %j = llvm.add %i, %c1 overflow<nsw> : i64
      %1 = llvm.icmp "slt" %j, %n : i64
      llvm.cond_br %1, ^bb1(%j : i64), ^bb2
    ^bb2:
      llvm.return
    }
    ```

    **Needs**: schedules applied (`apply-schedule`), no `loop.alloc heap` (`hoist-buffers`), and arithmetic on
    f16 and bf16 done in f32 (`expand-narrow-floats`).

    **Leaves alone**: functions that are no kernels, but for their calls of kernels: these become `llvm.call`s of what
    `builtin.unrealized_conversion_cast` makes of their arguments, which `convert-to-llvm` resolves.
    """

    name = "convert-loop-to-llvm"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Lower the kernels of a module. Raises :class:`WeftError` for a mark or a space that a CPU lacks."""
        externals, threads = Externals(), cpu_of(op).threads
        kernels: dict[str, Target] = {}
        for function in list(op.body.block.ops):
            if isinstance(function, FuncOp) and KERNEL in function.attributes:
                types = [argument_types(a) for a in function.body.block.args]
                kernels[function.sym_name.data] = Target(code_name(function), types)
                made = lower_kernel(function, externals, threads)
                op.body.block.insert_ops_before(made, function)
                function.detach()
                discard(function)
        convert_calls([call for call in inside(op) if type(call) is CallOp], kernels)
        for declaration in externals.declarations(op.location):
            if SymbolTable.lookup_symbol(op, declaration.sym_name) is None:
                op.body.block.add_op(declaration)
