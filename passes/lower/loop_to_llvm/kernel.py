"""One kernel, from its `func.func` to `llvm.func`s."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from xdsl.dialects import arith, func, memref
from xdsl.dialects.builtin import MemRefType, UnitAttr
from xdsl.dialects.func import FuncOp
from xdsl.dialects.llvm import FuncOp as LLVMFuncOp
from xdsl.ir import Attribute, Operation

from weft import codes
from weft.dialects.locations import error_at
from weft.dialects.loop import (
    AllocOp,
    ForOp,
    GatherOp,
    IfOp,
    IndexOp,
    LoadOp,
    PrefetchOp,
    PrivateOp,
    ReduceOp,
    ScatterOp,
    StoreOp,
)
from weft.passes.lower.emitter import Emitter
from weft.passes.lower.function_builder import Externals
from weft.passes.lower.loop_to_llvm.accesses import (
    lower_load,
    lower_prefetch,
    lower_product,
    lower_reduce,
    lower_store,
)
from weft.passes.lower.loop_to_llvm.analysis import Analysis
from weft.passes.lower.loop_to_llvm.buffers import argument_types, bind_argument
from weft.passes.lower.loop_to_llvm.control import lower_if
from weft.passes.lower.loop_to_llvm.loops import lower_for
from weft.passes.lower.loop_to_llvm.lowering import Lowering, Rules
from weft.passes.lower.loop_to_llvm.outline import Outliner
from weft.passes.lower.loop_to_llvm.scalars import lower_constant, lower_dim, lower_index, lower_scalar
from weft.passes.lower.loop_to_llvm.storage import lower_alloc, lower_private
from weft.passes.lower.loop_to_llvm.streaming import lower_streaming_store
from weft.passes.lower.scalars import EXTENDED_RULES, SCALAR_RULES, VECTOR_RULES
from weft.passes.lower.types import PTR

_NOALIAS: Mapping[str, Attribute] = {"llvm.noalias": UnitAttr()}


def _return(k: Lowering, op: Operation) -> None:
    k.e.ret()


_RULES: Rules = {
    **dict.fromkeys((*SCALAR_RULES, *EXTENDED_RULES, *VECTOR_RULES), lower_scalar),
    arith.ConstantOp: lower_constant,
    arith.MulfOp: lower_product,
    memref.DimOp: lower_dim,
    func.ReturnOp: _return,
    ForOp: lower_for,
    IfOp: lower_if,
    IndexOp: lower_index,
    LoadOp: lower_load,
    GatherOp: lower_load,
    StoreOp: lower_streaming_store,
    ScatterOp: lower_store,
    ReduceOp: lower_reduce,
    PrefetchOp: lower_prefetch,
    AllocOp: lower_alloc,
    PrivateOp: lower_private,
}


def lower_kernel(kernel: FuncOp, externals: Externals, threads: int) -> list[LLVMFuncOp]:
    """The functions that a kernel becomes, itself first; what they call is noted in `externals`.

    Parallel loops run on up to `threads` threads.

    Raises :class:`WeftError` for what a kernel on a CPU cannot hold.
    """
    if kernel.function_type.outputs.data or len(kernel.body.blocks) != 1:
        raise error_at(
            kernel,
            f"the kernel '{kernel.sym_name.data}' should be one block and return nothing",
            code=codes.CANNOT_LOWER,
        )
    arguments = kernel.body.block.args
    types = [argument_types(argument) for argument in arguments]
    e = Emitter([type_ for group in types for type_ in group], kernel.location, externals)
    outliner = Outliner(kernel.sym_name.data, externals, threads)
    k = Lowering(e, _RULES, Analysis(kernel), outliner)
    incoming = iter(e.arguments)
    for argument in arguments:
        bind_argument(k, argument, incoming)
    k.body(kernel.body.block)
    function = e.finish(
        code_name(kernel),
        linkage="internal" if _is_private(kernel) else "external",
        argument_attributes=_attributes(k, kernel, types),
    )
    return [function, *outliner.functions]


def code_name(kernel: FuncOp) -> str:
    """The symbol of a kernel's code. That of a private one has a dot: it is then no function of C (`exp`, `free`)."""
    return f"{kernel.sym_name.data}.kernel" if _is_private(kernel) else kernel.sym_name.data


def _is_private(kernel: FuncOp) -> bool:
    return kernel.sym_visibility is not None and kernel.sym_visibility.data == "private"


def _attributes(k: Lowering, kernel: FuncOp, types: Sequence[Sequence[Attribute]]) -> list[Mapping[str, Attribute]]:
    """The attributes of the llvm arguments: buffers do not overlap, unless the kernel says that they may."""
    return [
        _NOALIAS if type_ is PTR and isinstance(argument.type, MemRefType) and not k.analysis.may_alias else {}
        for argument, group in zip(kernel.body.block.args, types, strict=True)
        for type_ in group
    ]
