"""infer-shapes: types say every size that is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import FunctionType, ModuleOp
from xdsl.dialects.func import CallOp, FuncOp, ReturnOp
from xdsl.ir import Attribute, SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import InsertPoint

from weft.passes.graph.refinements import REFINEMENTS, as_type, known
from weft.passes.graph.symbols import uses_of
from weft.passes.graph.worklist import Simplifier
from weft.passes.rewriting import LocatedBuilder


@dataclass(frozen=True)
class InferShapes(ModulePass):
    """Carries sizes that are known down the program: through ml ops by their shape rules, through `scf.if`,
    `scf.for` and `scf.while`, and into private functions whose callers agree. Sizes that are constant operands
    go into the type. Where something else needs the old type, a `tensor.cast` forgets the size again.

    **Before**
    ```mlir
    %0 = tensor.cast %x : tensor<4x8xf32> to tensor<?x8xf32>
    %1 = ml.exp %0 : tensor<?x8xf32>
    %2 = ml.reduce add %1, dims = [1] : tensor<?x8xf32> to tensor<?xf32>
    ```

    **After**
    ```mlir
    %1 = ml.exp %x : tensor<4x8xf32>
    %2 = ml.reduce add %1, dims = [1] : tensor<4x8xf32> to tensor<4xf32>
    %3 = tensor.cast %2 : tensor<4xf32> to tensor<?xf32>
    ```

    **Needs** nothing. **Leaves alone** types of public functions, and sizes that only a run-time check would tell: a
    check is never dropped.
    """

    name = "infer-shapes"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Run the pass on a module."""
        changed = 1
        while changed:
            Simplifier(REFINEMENTS).run(op)
            changed = sum(_refine_signature(op, function) for function in _private(op))


def _private(module: ModuleOp) -> list[FuncOp]:
    """The private functions with bodies."""
    functions = [op for op in module.body.block.ops if isinstance(op, FuncOp)]
    return [
        op
        for op in functions
        if op.sym_visibility is not None and op.sym_visibility.data == "private" and not op.is_declaration
    ]


def _refine_signature(module: ModuleOp, function: FuncOp) -> bool:
    """Give a private function the types that all its callers pass and all its returns give."""
    users = uses_of(module, function.sym_name.data)
    calls = [user for user in users if isinstance(user, CallOp)]
    if not calls or len(calls) != len(users):
        return False
    inputs = _agreed([call.arguments for call in calls], function.function_type.inputs.data)
    changed = inputs is not None
    if inputs is not None:
        _set_inputs(function, calls, inputs)
    returns = [block.last_op for block in function.body.blocks if isinstance(block.last_op, ReturnOp)]
    outputs = _agreed([end.operands for end in returns], function.function_type.outputs.data)
    if outputs is not None:
        _set_outputs(function, calls, returns, outputs)
    return changed or outputs is not None


def _agreed(rows: Sequence[Sequence[SSAValue]], old: Sequence[Attribute]) -> list[Attribute] | None:
    """The types behind casts, where all rows have the same; None where that is nothing new."""
    types = list(old)
    for i in range(len(types)):
        found = {known(row[i]).type for row in rows}
        if len(found) == 1:
            (types[i],) = found
    return types if types != list(old) else None


def _set_inputs(function: FuncOp, calls: Sequence[CallOp], types: Sequence[Attribute]) -> None:
    for call in calls:
        values = zip(call.arguments, types, strict=True)
        call.operands = [value if value.type == type_ else known(value) for value, type_ in values]
    block = function.body.block if len(function.body.blocks) == 1 else function.body.blocks[0]
    builder = LocatedBuilder(InsertPoint.at_start(block), function.location)
    for position, type_ in enumerate(types):
        old = block.args[position]
        if old.type != type_:
            new = block.insert_arg(type_, position)
            new.name_hint = old.name_hint
            old.replace_all_uses_with(as_type(builder, new, old.type))
            block.erase_arg(old)
    function.function_type = FunctionType.from_lists(list(types), list(function.function_type.outputs.data))


def _set_outputs(
    function: FuncOp, calls: Sequence[CallOp], returns: Sequence[ReturnOp | None], types: Sequence[Attribute]
) -> None:
    for end in returns:
        assert end is not None
        values = zip(end.operands, types, strict=True)
        end.operands = [value if value.type == type_ else known(value) for value, type_ in values]
    for call in calls:
        builder = LocatedBuilder.before(call)
        new = CallOp.create(
            operands=call.operands,
            result_types=list(types),
            properties=call.properties,
            attributes=call.attributes,
        )
        builder.insert(new)
        for old, result in zip(call.results, new.results, strict=True):
            old.replace_all_uses_with(as_type(builder, result, old.type))
        call.detach()
        call.erase()
    function.function_type = FunctionType.from_lists(list(function.function_type.inputs.data), list(types))
