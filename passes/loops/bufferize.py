"""Tensors become buffers: stop 3 to stop 4 of the road, all but the bodies of kernels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects import arith, func
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation
from xdsl.passes import ModulePass

from weft.dialects.walking import inside
from weft.passes.loops.buffers import control, functions, scalars, tensors
from weft.passes.loops.buffers.aliases import Writes
from weft.passes.loops.buffers.constants import Constants
from weft.passes.loops.buffers.copies import Copies
from weft.passes.loops.buffers.host import Host, Rule
from weft.passes.loops.buffers.kernels import bufferize_kernel
from weft.passes.loops.buffers.ownership import drop_unused, free_owned
from weft.passes.loops.buffers.types import touches_tensors

RULES: Mapping[type[Operation], Rule] = {
    **functions.RULES,
    **control.RULES,
    **tensors.RULES,
    arith.SelectOp: scalars.choose,
}
"""The form of each op on buffers, by op."""


def rule_of(op: Operation) -> Rule | None:
    """The form of an op on buffers; None for an op that has none, or needs none."""
    if (rule := RULES.get(type(op))) is not None:
        return rule
    if scalars.is_structured(op) and touches_tensors(op):
        return scalars.structured
    return scalars.elementwise if scalars.is_elementwise(op) else None


@dataclass(frozen=True)
class Bufferize(ModulePass):
    """Give every tensor a buffer, in host functions and in the signatures of kernels.

    Tensor arguments become memrefs that are read only. A result of static size becomes a trailing argument
    (`weft.out`), a dynamic one a memref that the caller owns (`weft.owned`); a kernel gets all its results as
    trailing arguments. Every buffer that a host function makes is freed on every path, or handed on.

    **Before**
    ```mlir
    func.func @main(%x: tensor<?xf32>, %y: tensor<4xf32>) -> (tensor<?xf32>, tensor<4xf32>) {
      %0 = func.call @main_kernel_0(%x) : (tensor<?xf32>) -> tensor<?xf32>
      %1 = func.call @main_kernel_1(%y) : (tensor<4xf32>) -> tensor<4xf32>
      func.return %0, %1 : tensor<?xf32>, tensor<4xf32>
    }
    ```
    **After**
    ```mlir
    func.func @main(%x: memref<?xf32>, %y: memref<4xf32>, %1: memref<4xf32> {weft.out = 1 : i64})
        -> (memref<?xf32> {weft.owned}) {
      %c0 = arith.constant 0 : index
      %n = memref.dim %x, %c0 : memref<?xf32>
      %0 = memref.alloc(%n) : memref<?xf32>
      func.call @main_kernel_0(%x, %0) : (memref<?xf32>, memref<?xf32>) -> ()
      func.call @main_kernel_1(%y, %1) : (memref<4xf32>, memref<4xf32>) -> ()
      func.return %0 : memref<?xf32>
    }
    ```

    **Needs** kernels (`outline-kernels`): of `ml`, only `ml.constant` and `ml.reshape` may stand in a host function.

    **Leaves alone** functions without tensors, and the bodies of kernels, which keep working on tensors between
    `bufferization.to_tensor` and `bufferization.materialize_in_destination` for `convert-ml-to-loop`.
    """

    name = "bufferize"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Bufferize a module in place. Raises :class:`WeftError` for what has no form on buffers."""
        all_functions = [inner for inner in inside(op) if isinstance(inner, func.FuncOp)]
        kernels = [function for function in all_functions if functions.is_kernel(function)]
        hosts = [f for f in all_functions if not functions.is_kernel(f) and functions.has_tensors(f)]
        writes = {f.sym_name.data: functions.written_arguments(f) for f in (*kernels, *hosts)}
        names = frozenset(function.sym_name.data for function in kernels)
        constants = Constants(op)
        for function in hosts:
            _bufferize_host(function, constants, names, writes)
        for function in kernels:
            bufferize_kernel(function)


def _bufferize_host(function: func.FuncOp, constants: Constants, kernels: frozenset[str], writes: Writes) -> None:
    changed, outs = functions.convert_signature(function)
    host = Host(rule_of, constants, kernels, outs=outs)
    for old, new in changed.items():
        host.retire_argument(old, new)
    for block in function.body.blocks:
        host.walk(block)
    host.finish()
    if all(len(region.blocks) <= 1 for op in inside(function) for region in op.regions):
        Copies(function, host.owned, set(outs.values()), writes).reduce()
    drop_unused(function)
    free_owned(function, host.owned)
