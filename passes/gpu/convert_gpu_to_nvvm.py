"""The pass `convert-gpu-to-nvvm`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from xdsl.context import Context
from xdsl.dialects import arith, cf, func, llvm, memref
from xdsl.dialects.builtin import (
    ArrayAttr,
    DenseArrayBase,
    DenseIntOrFPElementsAttr,
    IntegerType,
    MemRefType,
    ModuleOp,
    UnitAttr,
    VectorType,
    i32,
)
from xdsl.ir import Attribute, Block, Operation
from xdsl.passes import ModulePass
from xdsl.utils.hints import isa

from weft.dialects import gpu
from weft.dialects.device import STATUS
from weft.dialects.nvvm import TargetAttr
from weft.dialects.target import ATTRIBUTE as TARGET
from weft.dialects.target import CudaAttr, cuda_of
from weft.passes.gpu.device_functions import TABLE, device_function, table
from weft.passes.gpu.loop_kernels import lower_loop_kernel
from weft.passes.gpu.to_nvvm.atomics import ATOMIC_RULES
from weft.passes.gpu.to_nvvm.control import CONTROL_RULES
from weft.passes.gpu.to_nvvm.function import DeviceFunction, DeviceFunctionOp, DeviceModule
from weft.passes.gpu.to_nvvm.functions import scalar_rules
from weft.passes.gpu.to_nvvm.ids import ID_RULES
from weft.passes.gpu.to_nvvm.matrices import MATRIX_RULES
from weft.passes.gpu.to_nvvm.memory import MEMORY_RULES, global_of, private_buffer, shared_buffer
from weft.passes.gpu.to_nvvm.prepare import prepare
from weft.passes.gpu.to_nvvm.printf import PRINT_RULES
from weft.passes.gpu.to_nvvm.spaces import default_pointer
from weft.passes.gpu.to_nvvm.vectors import VECTOR_RULES
from weft.passes.gpu.to_nvvm.warps import WARP_RULES
from weft.passes.lower.function_builder import Externals
from weft.passes.lower.host.lowered import reachable
from weft.passes.lower.host.messages import ATTRIBUTE, Messages
from weft.passes.lower.host.recursion import refuse_recursion
from weft.passes.lower.loop_to_llvm.unlikely import is_choice, is_rare
from weft.passes.lower.refusal import refusal
from weft.passes.lower.scalars import emit_scalar

_RULES: Mapping[type[Operation], Any] = {
    **ATOMIC_RULES,
    **CONTROL_RULES,
    **ID_RULES,
    **MATRIX_RULES,
    **MEMORY_RULES,
    **PRINT_RULES,
    **VECTOR_RULES,
    **WARP_RULES,
}

_NEEDED = {
    "ml": "outline-kernels",
    "tensor": "bufferize",
    "scf": "convert-scf-to-cf",
    "affine": "lower-affine",
    "linalg": "convert-linalg-to-loops",
}
"""The pass that has to run before, by the dialect that it takes away."""

_SCALARS = ("arith", "math")
"""Dialects of ops on numbers."""

_KEPT = ("llvm", "nvvm")
"""Dialects whose ops stay as they are."""


@dataclass(frozen=True)
class ConvertGpuToNvvm(ModulePass):
    """Turns the functions of each `gpu.module` (`gpu`, `cf`, `memref`, `vector`, `arith`, `math`) into the llvm dialect
    with `nvvm` ops.

    A kernel takes, for each buffer, the address of its first element and the sizes and strides that its type leaves
    open. Buffers of the block are globals in address space 3. Functions of `math` become arithmetic: no library is
    needed. Where a kernel may fail (`cf.assert`), it takes one more pointer, to a word that gets the number of the text
    in `weft.messages`, and has the attribute `weft.status`. A `gpu.module` that says no target gets that of the
    program.

    **Before**
    ```mlir
    gpu.module @kernels {
      gpu.func @double(%x: memref<?xf32>) kernel attributes {known_block_size = array<i32: 256, 1, 1>} {
        %i = gpu.thread_id x
        %0 = memref.load %x[%i] : memref<?xf32>
        %1 = arith.addf %0, %0 : f32
        memref.store %1, %x[%i] : memref<?xf32>
        gpu.return
      }
    }
    ```
    **After**
    ```mlir
    gpu.module @kernels {
      llvm.func @double(%x: !llvm.ptr<1>, %n: i64)
          attributes {gpu.kernel, nvvm.kernel, nvvm.maxntid = array<i32: 256, 1, 1>} {
        %t = nvvm.read.ptx.sreg.tid.x : i32
        %i = llvm.zext %t : i32 to i64
        %p = llvm.getelementptr inbounds %x[%i] : (!llvm.ptr<1>, i64) -> !llvm.ptr<1>, f32
        %0 = llvm.load %p {alignment = 4 : i64} : !llvm.ptr<1> -> f32
        %1 = llvm.fadd %0, %0 {fastmathFlags = #llvm.fastmath<contract>} : f32
        llvm.store %1, %p {alignment = 4 : i64} : f32, !llvm.ptr<1>
        llvm.return
      }
    }
    ```

    **Needs** no `scf`, `affine`, `linalg` or tensors in kernels, and arithmetic on f16 and bf16 done in f32
    (`expand-narrow-floats`), which it does itself where it is left. **Leaves alone** `llvm` and `nvvm` ops, and all
    that stands outside of a `gpu.module`.
    """

    name = "convert-gpu-to-nvvm"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Run the pass. Raises :class:`WeftError` at the first op that it cannot lower, and for recursion."""
        messages = Messages(op)
        for inner in list(op.body.block.ops):
            if isinstance(inner, gpu.ModuleOp):
                if inner.targets is None and isinstance(target := op.attributes.get(TARGET), CudaAttr):
                    inner.targets = ArrayAttr([TargetAttr.of(target.data.chip, target.data.ptx)])
                _lower_module(op, inner, messages)
        if messages.attribute().data:
            op.attributes[ATTRIBUTE] = messages.attribute()


def _lower_module(program: ModuleOp, op: gpu.ModuleOp, messages: Messages) -> None:
    block = op.body.block
    functions = {f.sym_name.data: f for f in block.ops if isinstance(f, DeviceFunctionOp)}
    refuse_recursion(functions)
    module = DeviceModule(
        Externals(), messages, default_pointer(op.walk()), capability(program, op), functions, _failing(functions)
    )
    module.scalars = scalar_rules(module)
    for inner in list(block.ops):
        if isinstance(inner, DeviceFunctionOp):
            _replace(inner, _function(inner, module))
        elif isinstance(inner, memref.GlobalOp):
            _replace(inner, [global_of(inner)])
        elif inner.name.partition(".")[0] not in _KEPT and not isinstance(inner, gpu.ModuleEndOp):
            raise refusal(inner, "for a GPU", _NEEDED)
    _add_functions(module, op)
    first = block.first_op
    made = [*module.globals.values(), *module.library.values(), *module.externals.declarations(op.location)]
    if first is None:
        block.add_ops(made)
    else:
        block.insert_ops_before(made, first)


def _add_functions(module: DeviceModule, holder: gpu.ModuleOp) -> None:
    """Add the functions that are called, and those that these call."""
    added: set[type[Operation]] = set()
    while missing := [kind for kind in module.needed if kind not in added]:
        for kind in missing:
            made = device_function(kind, holder.location)
            added.add(kind)
            holder.body.block.add_op(made)
            _replace(made, _function(made, module))
    if any(isinstance(op, llvm.AddressOfOp) and op.global_name.string_value() == TABLE for op in holder.walk()):
        holder.body.block.add_op(global_of(table(holder.location)))


def _replace(op: Operation, made: Sequence[Operation]) -> None:
    cast(Block, op.parent_block()).insert_ops_before(made, op)
    op.detach()
    op.erase()


def _failing(functions: Mapping[str, DeviceFunctionOp]) -> frozenset[str]:
    """The functions that hold an assertion, or call one that does."""
    calls: dict[str, set[str]] = {}
    failing: set[str] = set()
    for name, function in functions.items():
        inside = list(function.walk())
        calls[name] = {op.callee.string_value() for op in inside if isinstance(op, func.CallOp)}
        if any(isinstance(op, cf.AssertOp) for op in inside):
            failing.add(name)
    while added := {name for name, called in calls.items() if name not in failing and called & failing}:
        failing |= added
    return frozenset(failing)


# functions


def _function(function: DeviceFunctionOp, module: DeviceModule) -> Sequence[Operation]:
    """What a function becomes, after the globals that it brings; nothing for a declaration."""
    if not function.body.blocks:
        return ()
    prepare(function)
    if isinstance(function, gpu.FuncOp) and _holds_loops(function):
        return lower_loop_kernel(function, module.externals, module.scalars, module.capability)
    f = DeviceFunction(function, module)
    _attributions(f)
    order = reachable(function.body.blocks[0])
    for block in order[1:]:
        f.open_block(block, function)
    for block in order:
        f.e.enter(f.blocks[block])
        for op in block.ops:
            _lower(f, op)
    return [_finished(f)]


def _holds_loops(function: gpu.FuncOp) -> bool:
    """Whether the body is one of the `loop` dialect."""
    return any(op.name.startswith("loop.") for op in function.walk())


def _attributions(f: DeviceFunction) -> None:
    """The buffers that a `gpu.func` brings: of the block, and of the thread."""
    function = f.function
    if not isinstance(function, gpu.FuncOp):
        return
    for argument in function.workgroup:
        shared_buffer(f, argument, function, f"{f.name}_shared")
    for argument in function.private:
        private_buffer(f, argument, function)


def _lower(f: DeviceFunction, op: Operation) -> None:
    f.e.location = op.location
    if is_rare(op):
        return
    if is_choice(op):
        _choice(f, cast(arith.SelectOp, op))
    elif (rule := _RULES.get(type(op))) is not None:
        rule(f, op)
    elif isinstance(op, arith.ConstantOp) and isa(op.result.type, VectorType):
        _vector_constant(f, op)
    elif isinstance(op, arith.SelectOp) and isa(op.result.type, MemRefType):
        condition = f.scalar(op.cond)
        sides = zip(f.values[op.lhs], f.values[op.rhs], strict=True)
        f.define(op.result, *(f.e.select(condition, a, b) for a, b in sides))
    elif op.name.partition(".")[0] in _KEPT:
        _keep(f, op)
    else:
        _scalar(f, op)


def _scalar(f: DeviceFunction, op: Operation) -> None:
    if op.name.partition(".")[0] not in _SCALARS:
        raise refusal(op, "for a GPU", _NEEDED)
    for value in (*op.operands, *op.results):
        f.parts(value.type, op)
    results = None
    if all(len(f.values.get(operand, ())) == 1 for operand in op.operands):
        own = f.module.scalars.get(type(op))
        operands = f.scalars(op.operands)
        results = emit_scalar(f.e, op, operands) if own is None else (own(f.e, op, operands),)
    if results is None:
        raise refusal(op, "for a GPU", _NEEDED)
    for result, value in zip(op.results, results, strict=True):
        f.define(result, value)


def _choice(f: DeviceFunction, op: arith.SelectOp) -> None:
    """A choice whose last operand is rarely needed: only then it is computed."""
    e, rare = f.e, cast(Operation, op.rhs.owner)
    aside, onward = e.block(), e.block(*f.parts(op.result.type, op))
    e.cond_br(f.scalar(op.cond), onward, aside, (f.scalar(op.lhs),))
    e.enter(aside)
    _scalar(f, rare)
    e.br(onward, (f.scalar(rare.results[0]),))
    e.enter(onward)
    f.define(op.result, onward.args[0])


def _vector_constant(f: DeviceFunction, op: arith.ConstantOp) -> None:
    """A constant vector; of `index`, as one of i64."""
    (type_,) = f.parts(op.result.type, op)
    attr: Attribute = op.value
    if isa(attr, DenseIntOrFPElementsAttr) and attr.type != type_:
        numbers = cast("list[int]", list(attr.get_values()))
        attr = DenseIntOrFPElementsAttr.from_list(cast("VectorType[IntegerType]", type_), numbers)
    f.define(op.result, f.e.attribute(attr, type_))


def _keep(f: DeviceFunction, op: Operation) -> None:
    """An op of the llvm or nvvm dialect: the same, on what its operands have become."""
    mapped = {operand: f.scalar(operand) for operand in op.operands}
    made = op.clone(cast(Any, mapped))
    f.e.add_op(made)
    for old, new in zip(op.results, made.results, strict=True):
        f.define(old, new)


def _finished(f: DeviceFunction) -> llvm.FuncOp:
    """The llvm function, with the attributes of a kernel."""
    outputs = cast(Any, f.function.function_type).outputs.data
    linkage = "external" if f.is_kernel else "internal"
    f.e.location = f.function.location
    made = f.e.finish(
        f.name, f.result_type(outputs, f.function), linkage=linkage, argument_attributes=_argument_attributes(f)
    )
    if not f.is_kernel:
        return made
    made.attributes |= {"gpu.kernel": UnitAttr(), "nvvm.kernel": UnitAttr()}
    if f.block_size is not None:
        made.attributes["nvvm.maxntid"] = DenseArrayBase.from_list(i32, f.block_size)
    if f.status is not None:
        made.attributes[STATUS] = UnitAttr()
    return made


def _argument_attributes(f: DeviceFunction) -> list[Mapping[str, Attribute]]:
    """What is said of the pointers that a kernel takes: what the `gpu.func` says of its buffers."""
    said = f.function.arg_attrs
    out: list[Mapping[str, Attribute]] = []
    for number, argument in enumerate(f.inputs):
        own: Mapping[str, Attribute] = {} if said is None else said.data[number].data
        known = {name: attr for name, attr in own.items() if name.startswith("llvm.")}
        parts = f.argument_parts(argument.type)
        out += [known if place == 0 else {} for place in range(len(parts))]
    return [*out, *([{}] if f.status is not None else [])]


def capability(program: ModuleOp, op: gpu.ModuleOp) -> int:
    """The compute capability of a `gpu.module`: of its own target, else of the program's."""
    for target in op.targets.data if op.targets is not None else ():
        if isinstance(target, TargetAttr):
            return target.data.capability
    return cuda_of(program).capability
