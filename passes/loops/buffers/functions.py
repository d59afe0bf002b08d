"""Signatures, calls and returns on buffers.

Tensor arguments are memrefs that the callee only reads. A result of known size is a trailing argument that the
caller gives; a result of a size that only the run knows is a memref that the caller then owns. A kernel gets
all its results as trailing arguments.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from xdsl.dialects import func
from xdsl.dialects.builtin import (
    ArrayAttr,
    DictionaryAttr,
    FunctionType,
    IntegerAttr,
    UnitAttr,
    i64,
)
from xdsl.ir import Attribute, BlockArgument, Operation, SSAValue

from weft.dialects.walking import inside
from weft.passes.loops.buffers.host import Host, Rule
from weft.passes.loops.buffers.types import buffer_type, is_static, is_tensor
from weft.passes.rewriting import LocatedBuilder

OUT = "weft.out"
OWNED = "weft.owned"
KERNEL = "ml.kernel"


def is_kernel(function: func.FuncOp) -> bool:
    """True for a kernel function, made by `outline-kernels`."""
    return KERNEL in function.attributes


def has_tensors(function: func.FuncOp) -> bool:
    """True when a function takes, gives, or works on tensors."""
    type_ = function.function_type
    return any(map(is_tensor, (*type_.inputs, *type_.outputs))) or any(
        is_tensor(value.type)
        for op in inside(function)
        for value in (*op.results, *(arg for region in op.regions for block in region.blocks for arg in block.args))
    )


def out_positions(types: Sequence[Attribute], all_tensors: bool) -> list[int]:
    """The results that become trailing arguments: tensors of known size, all tensors for a kernel."""
    return [n for n, type_ in enumerate(types) if is_tensor(type_) and (all_tensors or is_static(type_))]


def written_arguments(function: func.FuncOp) -> tuple[bool, ...]:
    """Which arguments a function may write once it is on buffers: outs, and memrefs that it had before."""
    type_ = function.function_type
    outs = out_positions(type_.outputs.data, is_kernel(function))
    return (*(not is_tensor(argument) for argument in type_.inputs), *(True for _ in outs))


def convert_signature(function: func.FuncOp) -> tuple[dict[BlockArgument, SSAValue], dict[int, SSAValue]]:
    """Give a function its signature on buffers.

    Returns what stands for each old argument that changed (still there, to be erased), and the out argument of
    each result that has one. A kernel's results are all out arguments.
    """
    inputs, outputs = function.function_type.inputs.data, function.function_type.outputs.data
    outs = out_positions(outputs, is_kernel(function))
    arguments = _dictionaries(function.arg_attrs, len(inputs))
    results = _dictionaries(function.res_attrs, len(outputs))
    arguments += [results[n] | ({} if is_kernel(function) else {OUT: IntegerAttr(n, i64)}) for n in outs]
    kept = [n for n in range(len(outputs)) if n not in outs]
    returned = [results[n] | ({OWNED: UnitAttr()} if is_tensor(outputs[n]) else {}) for n in kept]
    function.properties["function_type"] = FunctionType.from_lists(
        [buffer_type(type_) for type_ in (*inputs, *(outputs[n] for n in outs))],
        [buffer_type(outputs[n]) for n in kept],
    )
    _set(function, "arg_attrs", arguments)
    _set(function, "res_attrs", returned)
    return _convert_arguments(function, [outputs[n] for n in outs], outs)


def _convert_arguments(
    function: func.FuncOp, types: Sequence[Attribute], outs: Sequence[int]
) -> tuple[dict[BlockArgument, SSAValue], dict[int, SSAValue]]:
    block = function.body.blocks.first
    if block is None:
        return {}, {}
    changed: dict[BlockArgument, SSAValue] = {}
    for old in list(block.args):
        if (type_ := buffer_type(old.type)) != old.type:
            changed[old] = block.insert_arg(type_, old.index)
            changed[old].name_hint = old.name_hint
    made = [block.insert_arg(buffer_type(type_), len(block.args)) for type_ in types]
    return changed, dict(zip(outs, made, strict=True))


def _dictionaries(attributes: ArrayAttr[DictionaryAttr] | None, count: int) -> list[dict[str, Attribute]]:
    if attributes is None:
        return [{} for _ in range(count)]
    return [dict(dictionary.data) for dictionary in attributes]


def _set(function: func.FuncOp, name: str, dictionaries: Sequence[dict[str, Attribute]]) -> None:
    if any(dictionaries):
        function.properties[name] = ArrayAttr(DictionaryAttr(dictionary) for dictionary in dictionaries)
    else:
        function.properties.pop(name, None)


def call(host: Host, op: Operation) -> None:
    """`func.call`: buffers in, fresh buffers for the results that the caller gives."""
    this = cast(func.CallOp, op)
    kernel = this.callee.string_value() in host.kernels
    builder = LocatedBuilder.before(op)
    outs = out_positions([result.type for result in this.res], kernel)
    made = {n: host.fresh(builder, this.res[n]) for n in outs}
    types = [buffer_type(result.type) for n, result in enumerate(this.res) if n not in outs]
    operands = [*(host.buffer(value) for value in this.arguments), *made.values()]
    new = func.CallOp(this.callee, operands, types)
    new.attributes |= op.attributes
    builder.insert(new)
    given = iter(new.res)
    results = [made[n] if n in outs else next(given) for n in range(len(this.res))]
    host.owned.update(r for n, r in enumerate(results) if n not in outs and is_tensor(this.res[n].type))
    host.retire(op, results)


def returned(host: Host, op: Operation) -> None:
    """`func.return`: results go to their out arguments, the others are handed to the caller."""
    this = cast(func.ReturnOp, op)
    builder = LocatedBuilder.before(op)
    rest = host.deliver(builder, this.arguments, [host.outs.get(n) for n in range(len(this.arguments))])
    builder.insert(func.ReturnOp(*rest))
    op.detach()
    op.erase()


RULES: dict[type[Operation], Rule] = {func.CallOp: call, func.ReturnOp: returned}
"""The ops of this file."""
