"""The gradient of a whole function."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from xdsl.dialects import func
from xdsl.dialects.builtin import ArrayAttr, DictionaryAttr, FunctionType, MemRefType, ModuleOp, StringAttr, TensorType
from xdsl.ir import Attribute, Block, BlockArgument, Operation, Region, SSAValue

from weft import codes
from weft.diagnostics import WeftError, did_you_mean
from weft.dialects.locations import error_at
from weft.passes.graph.gradients.activity import Activity
from weft.passes.graph.gradients.inline import Functions, functions_of, inlined
from weft.passes.graph.gradients.reverse import Reverse, Tables, drop_dead
from weft.passes.graph.gradients.terms import filled, is_differentiable
from weft.passes.graph.worklist import Pattern
from weft.passes.rewriting import LocatedBuilder


@dataclass(frozen=True)
class Wish:
    """Which gradient is asked for: of `function`, under the name `gradient`; see the pass `differentiate`."""

    function: str
    gradient: str
    wrt: tuple[int, ...] = ()
    seed: bool = False


def add_gradient(module: ModuleOp, wish: Wish, tables: Tables) -> func.FuncOp:
    """Put the gradient of a function behind it. Raises :class:`WeftError` for a wish that cannot be met."""
    functions = functions_of(module)
    if (source := functions.get(wish.function)) is None:
        message, hint = (
            f"there is no function @{wish.function} to differentiate",
            did_you_mean(wish.function, functions),
        )
        raise WeftError(message, hint=hint, code=codes.WRONG_SYMBOL)
    if wish.gradient in functions:
        raise error_at(
            functions[wish.gradient],
            f"there is a function @{wish.gradient} already",
            "give the gradient another name: gradient=NAME",
            code=codes.NAME_TAKEN,
        )
    made = gradient_of(source, functions, wish, tables)
    module.body.block.insert_op_after(made, source)
    return made


def gradient_of(source: func.FuncOp, functions: Functions, wish: Wish, tables: Tables) -> func.FuncOp:
    """The gradient of a function. Raises :class:`WeftError` where it has none."""
    wrt = _arguments(source, wish.wrt)
    _check_results(source, wish.seed)
    block = inlined(source, functions)
    arguments = list(block.args)
    varied = _prepared(block, [arguments[i] for i in wrt], tables)
    end = block.last_op
    assert end is not None
    end.detach()
    here = Reverse(block, varied, tables, source.location)
    here.run(_seeds(here, end.operands, wish.seed))
    here.builder.location = source.location
    gradients = [here.cotangent(arguments[i]) for i in wrt]
    # loops may have been replaced by ones that save their steps: only now are the operands of the end what is returned
    here.builder.insert(func.ReturnOp(*end.operands, *gradients))
    end.erase()
    drop_dead(block)
    return _function(source, block, wrt, wish)


def _arguments(source: func.FuncOp, wrt: Sequence[int]) -> list[int]:
    """The positions of the arguments that get gradients."""
    types = source.function_type.inputs.data
    name = source.sym_name.data
    if not wrt:
        found = [position for position, type_ in enumerate(types) if is_differentiable(type_)]
        if not found:
            raise error_at(source, f"@{name} has no argument of floats: there is no gradient", code=codes.NO_GRADIENT)
        return found
    for position in wrt:
        if not 0 <= position < len(types):
            raise error_at(
                source,
                f"@{name} has no argument {position}: it has {len(types)}, counted from 0",
                code=codes.OPTION_VALUE,
            )
        if not is_differentiable(types[position]):
            message = f"argument {position} of @{name} is {types[position]}: only floats have gradients"
            raise error_at(source, message, code=codes.OPTION_VALUE)
    if len(set(wrt)) != len(wrt):
        message = f"wrt names an argument of @{name} twice: {', '.join(map(str, wrt))}"
        raise error_at(source, message, code=codes.OPTION_VALUE)
    return list(wrt)


def _check_results(source: func.FuncOp, seed: bool) -> None:
    """Refuse results that have no gradient."""
    types, name = source.function_type.outputs.data, source.sym_name.data
    if seed and not any(map(is_differentiable, types)):
        raise error_at(source, f"@{name} has no result of floats: there is no gradient", code=codes.NO_GRADIENT)
    is_scalar = bool(types) and is_differentiable(types[0]) and not _rank(types[0])
    if not seed and not is_scalar:
        what = f"gives {types[0]}" if types else "gives nothing"
        raise error_at(
            source,
            f"the first result of @{name} must be a float or a tensor of rank 0, but it {what}",
            "reduce it, or ask for cotangents of the results as arguments with seed",
            code=codes.NO_GRADIENT,
        )


def _rank(type_: Attribute) -> int:
    return type_.get_num_dims() if isinstance(type_, TensorType) else 0


def _prepared(block: Block, arguments: Iterable[SSAValue], tables: Tables) -> set[SSAValue]:
    """What varies with the arguments, after ops that vary and have no rule became smaller ones that do."""
    roots = list(arguments)
    while True:
        activity = Activity(roots, tables.constant())
        activity.follow(block)
        ops = [op for op in block.walk() if activity.reaches(op)]
        _refuse_writes(ops, activity.varied)
        named = [op for op in ops if not tables.knows(op) and type(op) in tables.plainer]
        if not named:
            return activity.varied
        for op in named:
            _replace(op, tables.plainer[type(op)])


def _replace(op: Operation, plainer: Pattern) -> None:
    """Put smaller ops in the place of an op. Raises WeftError where they do not match."""
    values = plainer(op, LocatedBuilder.before(op))
    if values is None:
        raise error_at(op, f"{op.name} has no gradient, and no form in smaller ops here", code=codes.NO_GRADIENT)
    for old, new in zip(op.results, values, strict=True):
        old.replace_all_uses_with(new)
    op.detach()
    op.erase()


def _refuse_writes(ops: Iterable[Operation], varied: set[SSAValue]) -> None:
    """Refuse memory: what goes through it is not followed."""
    for op in ops:
        if any(isinstance(value.type, MemRefType) for value in op.operands) and varied.intersection(op.operands):
            message = f"{op.name} writes memory: only tensors and scalars have gradients"
            raise error_at(op, message, "use tensors", code=codes.NO_GRADIENT)


def _seeds(here: Reverse, results: Sequence[SSAValue], seed: bool) -> list[tuple[SSAValue, SSAValue]]:
    """The cotangents of the results: 1 for the first, or new arguments of the function."""
    if not seed:
        return [(results[0], filled(here.builder, results[0], 1))]
    floats = [result for result in results if is_differentiable(result.type)]
    return [(result, here.block.insert_arg(result.type, len(here.block.args))) for result in floats]


def _function(source: func.FuncOp, block: Block, wrt: Sequence[int], wish: Wish) -> func.FuncOp:
    """The function around a block, with the attributes of the source's arguments and results."""
    inputs, outputs = source.function_type.inputs.data, source.function_type.outputs.data
    marks, kept = _marks(source.arg_attrs, len(inputs)), _marks(source.res_attrs, len(outputs))
    for argument in block.args[len(inputs) :]:
        argument.name_hint = f"d_result{argument.index - len(inputs)}"
    names = [_name(mark, argument) for mark, argument in zip(marks, source.body.block.args, strict=True)]
    labels = [DictionaryAttr({"weft.name": StringAttr(f"d_{names[i]}")}) for i in wrt]
    extra = [DictionaryAttr({})] * (len(block.args) - len(inputs))
    function = func.FuncOp(
        wish.gradient,
        FunctionType.from_lists([arg.type for arg in block.args], [*outputs, *(inputs[i] for i in wrt)]),
        Region(block),
        visibility=source.sym_visibility,
        arg_attrs=ArrayAttr([*marks, *extra]),
        res_attrs=ArrayAttr([*kept, *labels]),
    )
    function.location = source.location
    return function


def _marks(attributes: ArrayAttr[DictionaryAttr] | None, count: int) -> list[DictionaryAttr]:
    return [DictionaryAttr({})] * count if attributes is None else list(attributes.data)


def _name(mark: DictionaryAttr, argument: BlockArgument) -> str:
    """What an argument is called."""
    given = mark.data.get("weft.name")
    return given.data if isinstance(given, StringAttr) else argument.name_hint or f"arg{argument.index}"
