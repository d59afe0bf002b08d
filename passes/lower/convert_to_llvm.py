"""The pass `convert-to-llvm`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from xdsl.context import Context
from xdsl.dialects import arith, func, llvm, memref
from xdsl.dialects.builtin import MemRefType, ModuleOp, UnitAttr
from xdsl.ir import Block, Operation
from xdsl.passes import ModulePass

from weft.dialects import gpu
from weft.dialects.device import GLOBAL
from weft.dialects.ml.constant import DATA, DATA_TYPE
from weft.dialects.target import ATTRIBUTE as TARGET
from weft.dialects.target import CudaAttr
from weft.passes.lower.function_builder import Externals
from weft.passes.lower.host.control import CONTROL_RULES
from weft.passes.lower.host.device_memory import DeviceMemory
from weft.passes.lower.host.entry import emit_entries
from weft.passes.lower.host.function import HostFunction, Shared
from weft.passes.lower.host.gpu import GPU_RULES
from weft.passes.lower.host.launched import Launches
from weft.passes.lower.host.lowered import reachable
from weft.passes.lower.host.memory import MEMORY_RULES
from weft.passes.lower.host.messages import ATTRIBUTE, Messages
from weft.passes.lower.host.own_memory import OwnMemory
from weft.passes.lower.host.recursion import refuse_recursion
from weft.passes.lower.host.views import VIEW_RULES
from weft.passes.lower.refusal import refusal
from weft.passes.lower.scalars import emit_scalar
from weft.passes.lower.types import memory_type

_RULES: Mapping[type[Operation], Any] = {**CONTROL_RULES, **MEMORY_RULES, **VIEW_RULES}

_NEEDED = {
    "ml": "outline-kernels",
    "tensor": "bufferize",
    "bufferization": "convert-ml-to-loop",
    "loop": "convert-loop-to-llvm",
    "scf": "convert-scf-to-cf",
    "affine": "lower-affine",
    "linalg": "convert-linalg-to-loops",
}
"""The pass that has to run before, by the dialect that it takes away."""


@dataclass(frozen=True)
class ConvertToLlvm(ModulePass):
    """Turns host functions (`func`, `cf`, `memref`, `arith`, `math`) and globals into the llvm dialect.

    A function returns a struct of a status and its results; a memref is passed as its pointers and what its type leaves
    open. A check that fails (an assertion, an index out of bounds, no memory) ends the function with the number of its
    text in the module attribute `weft.messages`, and so its callers. Each public function gets an entry that follows
    MLIR's C interface (`_mlir_ciface_`). Where results have sizes that only the run knows, a second entry
    (`weft.into.`) finds in their descriptors memory of sizes that the caller hopes for, and the function computes a
    result there if it has these.

    **Before**
    ```mlir
    func.func @f(%a: memref<?xf32>, %i: index) -> f32 {
      %0 = memref.load %a[%i] : memref<?xf32>
      func.return %0 : f32
    }
    ```
    **After**
    ```mlir
    llvm.func internal @f.host(%al: !llvm.ptr, %a: !llvm.ptr, %n: i64, %i: i64) -> !llvm.struct<(i64, f32)> {
      %inside = llvm.icmp "ult" %i, %n : i64
      llvm.cond_br %inside, ^go, ^fail(%status : i64)
      ...
    }
    llvm.func @_mlir_ciface_f(%results: !llvm.ptr, %a: !llvm.ptr, %i: i64) -> i64 { ... }
    ```

    `bounds-checks=false` leaves out the checks of `memref.load`, `memref.store` and of views.

    **Needs** no `scf`, `affine`, `linalg`, tensors or kernels in other dialects. **Leaves alone** what is in the llvm
    dialect already: the kernels.
    """

    name = "convert-to-llvm"

    bounds_checks: bool = True

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Run the pass. Raises :class:`WeftError` at the first op that it cannot lower, and for recursion."""
        ops = list(op.body.block.ops)
        functions = {f.sym_name.data: f for f in ops if isinstance(f, func.FuncOp)}
        refuse_recursion(functions)
        on_device = _is_for_device(op)
        shared = Shared(
            Externals(),
            Messages(op),
            self.bounds_checks,
            {f.sym_name.data: f for f in ops if isinstance(f, llvm.FuncOp)},
            functions,
            DeviceMemory() if on_device else OwnMemory(),
            Launches(op),
            {**_RULES, **GPU_RULES} if on_device else _RULES,
        )
        for inner in ops:
            if isinstance(inner, func.FuncOp):
                _replace(inner, _function(inner, shared))
            elif isinstance(inner, memref.GlobalOp):
                _replace(inner, [_global(inner, on_device)])
            elif not isinstance(inner, llvm.FuncOp | llvm.GlobalOp | gpu.ModuleOp):
                raise refusal(inner, "to llvm", _NEEDED)
        present = {f.sym_name.data for f in op.body.block.ops if isinstance(f, llvm.FuncOp)}
        for declaration in shared.externals.declarations(op.location):
            if declaration.sym_name.data not in present:
                op.body.block.add_op(declaration)
        op.attributes[ATTRIBUTE] = shared.messages.attribute()
        shared.launches.write(op)


def _is_for_device(module: ModuleOp) -> bool:
    """Whether the buffers of host functions lie on a device."""
    kernels = (inner for inner in module.body.block.ops if isinstance(inner, gpu.ModuleOp))
    return isinstance(module.attributes.get(TARGET), CudaAttr) or next(kernels, None) is not None


def _replace(op: Operation, made: Iterable[Operation]) -> None:
    block = cast(Block, op.parent_block())
    for new in made:
        block.insert_op_before(new, op)
    op.detach()
    op.erase()


# functions


def _function(function: func.FuncOp, shared: Shared) -> list[llvm.FuncOp]:
    """The body of a host function, and its entry if it is public; nothing for a declaration."""
    if not function.body.blocks:
        return []
    f = HostFunction(function, shared)
    order = reachable(function.body.blocks[0])
    for block in order[1:]:
        f.open_block(block, function)
    for block in order:
        f.e.enter(f.blocks[block])
        for op in block.ops:
            _lower(f, op)
    made = [f.finish()]
    public = function.sym_visibility is None or function.sym_visibility.data == "public"
    return [*made, *emit_entries(function, shared)] if public else made


def _lower(f: HostFunction, op: Operation) -> None:
    f.e.location = op.location
    if (rule := f.shared.rules.get(type(op))) is not None:
        rule(f, op)
        return
    if isinstance(op, arith.SelectOp) and isinstance(op.result.type, MemRefType):
        condition = f.scalar(op.cond)
        sides = zip(f.values[op.lhs], f.values[op.rhs], strict=True)
        f.define(op.result, *(f.e.select(condition, a, b) for a, b in sides))
        return
    results = None
    if all(len(f.values.get(operand, ())) == 1 for operand in op.operands):
        results = emit_scalar(f.e, op, f.scalars(op.operands))
    if results is None:
        raise refusal(op, "to llvm", _NEEDED)
    for result, value in zip(op.results, results, strict=True):
        f.define(result, value)


# globals


def _global(op: memref.GlobalOp, on_device: bool) -> llvm.GlobalOp:
    """The data of a global. One without data starts as zeros and is kept between calls.

    Data that lies in a file is an external symbol: whoever loads the code says where it is. What lies on a device is
    marked.
    """
    type_ = op.type
    count = 1
    for size in type_.get_shape():
        count *= size
    in_file = DATA in op.attributes
    made = llvm.GlobalOp(
        llvm.LLVMArrayType(count, memory_type(type_.element_type)),
        op.sym_name,
        "external" if in_file else "internal",
        constant=op.constant is not None,
        value=None if isinstance(op.initial_value, UnitAttr) else op.initial_value,
        alignment=None if in_file else max(64, op.alignment.value.data if op.alignment is not None else 1),
    )
    made.attributes |= {name: op.attributes[name] for name in (DATA, DATA_TYPE) if in_file}
    if on_device:
        made.attributes[GLOBAL] = UnitAttr()
    made.location = op.location
    return made
