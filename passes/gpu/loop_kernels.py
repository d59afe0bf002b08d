"""A function of the device that holds loops, from `gpu.func` to `llvm.func`: the lowering of loops, by a GPU's rules.

It differs from a CPU's in little: buffers lie in the address spaces of the device, every vector is whole (what is left
over runs one by one, for there are no masked accesses) and says what is known of its alignment, so that four floats are
one access of 16 bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import cast

from xdsl.dialects import arith, llvm, memref
from xdsl.dialects.builtin import DenseArrayBase, IntAttr, MemRefType, UnitAttr, i32, i64
from xdsl.ir import Attribute, Operation

from weft import codes
from weft.dialects import gpu, nvvm
from weft.dialects.locations import error_at
from weft.dialects.loop import (
    AllocOp,
    ForOp,
    GatherOp,
    IfOp,
    IndexOp,
    LoadMatrixOp,
    LoadOp,
    MmaOp,
    PrefetchOp,
    PrivateOp,
    ReduceOp,
    ScatterOp,
    SlotOp,
    StoreOp,
    WriteOp,
    linear,
)
from weft.dialects.loop.buffers import PIECE, memref_of, pieces_of_row
from weft.passes.gpu.async_copies import lower_if_or_copy, lower_load_or_wait, lower_store_or_copy
from weft.passes.gpu.occupancy import blocks_together
from weft.passes.gpu.shared_memory import SharedMemory
from weft.passes.gpu.tensor_cores import lower_matrix_load, lower_mma
from weft.passes.gpu.to_nvvm.instructions import HAS_REDUX, REDUX, warp_reduction
from weft.passes.lower.emitter import Emitter
from weft.passes.lower.function_builder import Externals, Value, int_attr, name_parts
from weft.passes.lower.loop_to_llvm.accesses import lower_load, lower_product, lower_reduce, lower_store
from weft.passes.lower.loop_to_llvm.analysis import Analysis
from weft.passes.lower.loop_to_llvm.buffers import argument_types, bind, bind_argument, contiguous
from weft.passes.lower.loop_to_llvm.loops import lower_for
from weft.passes.lower.loop_to_llvm.lowering import Lowering, Machine, OpRule, Rules
from weft.passes.lower.loop_to_llvm.outline import Outliner
from weft.passes.lower.loop_to_llvm.places import Stride, Swizzle
from weft.passes.lower.loop_to_llvm.scalars import lower_constant, lower_dim, lower_index, lower_scalar
from weft.passes.lower.loop_to_llvm.storage import lower_alloc, lower_private
from weft.passes.lower.scalar_rule import Rule
from weft.passes.lower.scalars import EXTENDED_RULES, SCALAR_RULES
from weft.passes.lower.types import bits, byte_size

GLOBAL = llvm.LLVMPointerType(IntAttr(1))
SHARED = llvm.LLVMPointerType(IntAttr(3))

WARP = 32
"""The threads of a warp."""

ALIGNED = 16
"""Every contiguous buffer in device memory starts at a multiple of so many bytes."""


def lower_loop_kernel(
    kernel: gpu.FuncOp,
    externals: Externals,
    scalars: Mapping[type[Operation], Rule] | None = None,
    capability: int = 0,
) -> list[Operation]:
    """The `llvm.func` that a kernel of loops becomes, after the globals that it uses; calls are noted in `externals`.

    `scalars` are the rules of scalar ops that the device has its own for, `capability` is that of the chip. Raises
    :class:`WeftError` for what a function of the device cannot hold.
    """
    arguments = kernel.body.block.args
    types = [argument_types(argument, GLOBAL) for argument in arguments]
    e = Emitter([type_ for group in types for type_ in group], kernel.location, externals)
    name = kernel.sym_name.data
    shared = SharedMemory(kernel)
    rules: Rules = {**_RULES, AllocOp: _alloc(shared), gpu.SubgroupReduceOp: _reduce_warp(capability)}
    machine = Machine(masks=False, aligned=True, threads=False, scalars=scalars or {})
    k = Lowering(e, rules, Analysis(kernel), Outliner(name, externals, 1), machine)
    incoming, place = iter(e.arguments), 0
    for argument, group in zip(arguments, types, strict=True):
        name_parts(argument.name_hint, e.arguments[place : place + len(group)])
        place += len(group)
        bind_argument(k, argument, incoming, ALIGNED)
    k.body(kernel.body.block)
    function = e.finish(name, linkage="external", argument_attributes=_attributes(kernel, types))
    function.attributes |= {"gpu.kernel": UnitAttr(), "nvvm.kernel": UnitAttr()}
    if kernel.block_size is not None:
        function.attributes["nvvm.maxntid"] = DenseArrayBase.from_list(i32, kernel.block_size)
    if (together := blocks_together(kernel)) is not None:
        function.attributes["nvvm.minctasm"] = int_attr(together, 32)
    return [*shared.globals(), function]


def _attributes(kernel: gpu.FuncOp, types: Sequence[Sequence[Attribute]]) -> list[Mapping[str, Attribute]]:
    """The attributes of the llvm arguments: buffers do not overlap, and some are only read."""
    written = {op.target for op in kernel.walk() if isinstance(op, WriteOp)}
    found: list[Mapping[str, Attribute]] = []
    for argument, group in zip(kernel.body.block.args, types, strict=True):
        flags: dict[str, Attribute] = {}
        if isinstance(argument.type, MemRefType):
            flags["llvm.noalias"] = UnitAttr()
            if argument not in written:
                flags["llvm.readonly"] = UnitAttr()
        found += [flags, *[{}] * (len(group) - 1)]
    return found


def _return(k: Lowering, op: Operation) -> None:
    k.e.ret()


def _nothing(k: Lowering, op: Operation) -> None:
    """A hint that a GPU has no use for."""


def _alloc(shared: SharedMemory) -> OpRule:
    """`loop.alloc`: shared memory is a global, or a part of the dynamic one; the others are a thread's own."""

    def rule(k: Lowering, op: Operation) -> None:
        op = cast(AllocOp, op)
        if op.space.data != "shared":
            lower_alloc(k, op)
            return
        type_ = memref_of(op.result)
        name, offset = shared.place(op)
        pointer = k.e.address_of(name, SHARED)
        if offset:
            pointer = k.e.gep(pointer, offset // byte_size(type_.element_type), type_.element_type)
        sizes: list[Stride] = list(type_.get_shape())
        bind(k, op.result, pointer, sizes, contiguous(k, sizes))
        if op.swizzle is not None:
            order = Swizzle.of(pieces_of_row(type_), op.swizzle.data, PIECE // byte_size(type_.element_type))
            k.buffers[op.result] = replace(k.buffers[op.result], swizzle=order)

    return rule


def _put(k: Lowering, op: Operation) -> Value:
    """Emit an op of one result."""
    k.e.add_op(op)
    return op.results[0]


def _register(name: str) -> OpRule:
    """An id, from the special register of that name."""

    def rule(k: Lowering, op: Operation) -> None:
        narrow = k.pure(("register", name), (), lambda: _put(k, nvvm.make(f"read.ptx.sreg.{name}", result=i32)))
        k.set_value(op.results[0], k.pure(("wide", name), (narrow,), lambda: k.e.cast(llvm.ZExtOp, narrow, i64)))

    return rule


def _id(word: str) -> OpRule:
    """An id along the axis that the op says."""

    def rule(k: Lowering, op: Operation) -> None:
        _register(f"{word}.{cast(gpu.AxisOp, op).axis}")(k, op)

    return rule


def _barrier(k: Lowering, op: Operation) -> None:
    """All threads of the block get here; what others wrote is seen after it."""
    k.e.add_op(nvvm.make("barrier0"))
    k.scope.loads.clear()


def _shuffle(k: Lowering, op: Operation) -> None:
    """`gpu.shuffle xor` in a whole warp; 64 bits travel as two halves."""
    op = cast(gpu.ShuffleOp, op)
    if op.mode.data != "xor" or k.number(k.form(linear(op.width))) != WARP:
        raise error_at(
            op, "in a kernel of loops a shuffle is 'xor', of all 32 lanes of a warp", code=codes.CANNOT_LOWER
        )
    value, offset = k.value(op.value, None), k.value(op.offset, None)
    if bits(value.type) == 64:
        whole = k.e.cast(llvm.BitcastOp, value, i64)
        halves = [k.e.cast(llvm.TruncOp, part, i32) for part in (whole, k.e.lshr(whole, k.e.integer(32, i64)))]
        low, high = (k.e.cast(llvm.ZExtOp, _exchanged(k, half, offset), i64) for half in halves)
        result = k.e.cast(llvm.BitcastOp, k.e.or_(low, k.e.shl(high, k.e.integer(32, i64))), value.type)
    else:
        result = _exchanged(k, value, offset)
    k.set_value(op.shuffle_result, k.here(result))
    k.set_constant(op.valid, int_attr(1, 1))


def _exchanged(k: Lowering, value: Value, offset: Value) -> Value:
    """A value of 32 bits of the lane whose number differs by the bits of the offset."""
    everyone, clamp = k.e.integer(-1, i32), k.e.integer(WARP - 1, i32)
    return _put(k, nvvm.make("shfl.sync", everyone, value, offset, clamp, result=value.type, kind="bfly"))


_COMBINED: Mapping[str, Callable[[Emitter, Value, Value], Value]] = {
    "add": lambda e, a, b: e.binary(llvm.AddOp, a, b),
    "and": lambda e, a, b: e.binary(llvm.AndOp, a, b),
    "or": lambda e, a, b: e.binary(llvm.OrOp, a, b),
    "xor": lambda e, a, b: e.binary(llvm.XOrOp, a, b),
    "minsi": lambda e, a, b: e.intrinsic("smin", (a, b), i32),
    "maxsi": lambda e, a, b: e.intrinsic("smax", (a, b), i32),
    "minui": lambda e, a, b: e.intrinsic("umin", (a, b), i32),
    "maxui": lambda e, a, b: e.intrinsic("umax", (a, b), i32),
}
"""How two i32 are combined, by the names of reductions."""


def _reduce_warp(capability: int) -> OpRule:
    """`gpu.subgroup_reduce` of an i32 in a whole warp: one instruction, on older chips five shuffles."""

    def rule(k: Lowering, op: Operation) -> None:
        op = cast(gpu.SubgroupReduceOp, op)
        kind, value = op.op.data, k.value(op.value, None)
        if kind not in _COMBINED or value.type != i32:
            message = f"in a kernel of loops 'gpu.subgroup_reduce' is of an i32, not '{kind}' of {value.type}"
            raise error_at(op, message, code=codes.CANNOT_LOWER)
        if capability >= HAS_REDUX:
            value = warp_reduction(k.e, REDUX[kind], value, k.e.integer(-1, i32))
        else:
            for offset in (16, 8, 4, 2, 1):
                value = _COMBINED[kind](k.e, value, _exchanged(k, value, k.e.integer(offset, i32)))
        k.set_value(op.result, k.here(value))

    return rule


def _same(k: Lowering, op: Operation) -> None:
    """An instruction that stands for itself."""
    k.e.add_op(op.clone())


def _slot(k: Lowering, op: Operation) -> None:
    """`loop.slot`, in 32 bits: no ring of buffers goes round more often."""
    op = cast(SlotOp, op)
    number, count = k.number(k.form(op.forms()[0])), op.count.data
    if isinstance(number, int):
        k.set_constant(op.result, int_attr(number % count, 64))
        return

    def rest() -> Value:
        narrow = k.e.cast(llvm.TruncOp, number, i32)
        return k.e.cast(llvm.ZExtOp, k.e.binary(llvm.URemOp, narrow, k.e.integer(count, i32)), i64)

    k.set_value(op.result, k.pure(("slot", number, count), (number,), rest))


_RULES: Rules = {
    **dict.fromkeys((*SCALAR_RULES, *EXTENDED_RULES), lower_scalar),
    arith.ConstantOp: lower_constant,
    arith.MulfOp: lower_product,
    memref.DimOp: lower_dim,
    gpu.ReturnOp: _return,
    gpu.ThreadIdOp: _id("tid"),
    gpu.BlockIdOp: _id("ctaid"),
    gpu.BarrierOp: _barrier,
    gpu.ShuffleOp: _shuffle,
    nvvm.OPS["cp.async.commit.group"]: _same,
    nvvm.OPS["cp.async.wait.group"]: _same,
    ForOp: lower_for,
    IfOp: lower_if_or_copy,
    IndexOp: lower_index,
    SlotOp: _slot,
    LoadOp: lower_load_or_wait,
    GatherOp: lower_load,
    LoadMatrixOp: lower_matrix_load,
    MmaOp: lower_mma,
    StoreOp: lower_store_or_copy,
    ScatterOp: lower_store,
    ReduceOp: lower_reduce,
    PrefetchOp: _nothing,
    PrivateOp: lower_private,
}
