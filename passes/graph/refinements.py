"""Patterns that make types say the sizes that are known. What becomes more static is cast back for its users.

A user takes the cast's source instead of the cast where it can; so the knowledge moves down the program.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from xdsl.dialects import scf, tensor
from xdsl.dialects.builtin import DYNAMIC_INDEX, TensorType
from xdsl.ir import Attribute, Block, Operation, OpResult, Region, SSAValue
from xdsl.rewriter import InsertPoint
from xdsl.utils.exceptions import VerifyException

from weft.dialects import ml
from weft.dialects.ml.base import MlOp, tensor_type
from weft.dialects.ml.dims import SizeOf, static_shape
from weft.dialects.ml.random import GeneratorOp
from weft.passes.graph.constants import index_of
from weft.passes.graph.dim_identities import cast_to_same, cast_twice, dim_of_cast, dim_of_known, only_forgets
from weft.passes.graph.identities import Values
from weft.passes.graph.worklist import Patterns, Simplifier
from weft.passes.rewriting import LocatedBuilder

SIZED = (ml.BroadcastInDimOp, ml.IotaOp, ml.ReshapeOp, ml.ResizeOp, ml.OneHotOp, ml.TriOp, GeneratorOp)
"""Ops whose `?` may be given by operands."""


def known(value: SSAValue) -> SSAValue:
    """The value behind a cast that only forgets sizes, or the value itself."""
    op = value.op if isinstance(value, OpResult) else None
    return op.source if isinstance(op, tensor.CastOp) and only_forgets(op) else value


def as_type(builder: LocatedBuilder, value: SSAValue, type_: Attribute) -> SSAValue:
    """A value cast to a type, where it has another one."""
    if value.type == type_:
        return value
    return builder.insert(tensor.CastOp(value, cast(TensorType[Attribute], type_))).dest


def refine(op: MlOp, builder: LocatedBuilder) -> Values:
    """op(cast(x)) = cast(op(x)), where op on x says more; sizes that are constants go into the type"""
    operands = [known(operand) for operand in op.operands]
    candidate = _with_operands(op, operands)
    if candidate is None and operands != list(op.operands):
        candidate = _with_operands(op, list(op.operands))
    if candidate is None:
        return None

    builder.insert(candidate)
    return [as_type(builder, new, old.type) for new, old in zip(candidate.results, op.results, strict=True)]


def _with_operands(op: MlOp, operands: Sequence[SSAValue]) -> MlOp | None:
    """The op on other operands, its result types as static as they can be; None where nothing is won."""
    trial = _copy(op, operands, [result.type for result in op.results])
    made = [trial]
    try:
        types = _refined(trial)
        if isinstance(op, SIZED):
            kept, types = _without_constant_sizes(trial, types)
        else:
            kept = list(operands)
        if types != [result.type for result in op.results] or kept != list(op.operands):
            made.append(_copy(op, kept, types))
            made[-1].verify()
            return made.pop()
    except VerifyException:
        pass
    finally:
        # what is not used must not stay a user of the operands
        for unused in made:
            unused.erase()
    return None


def _copy(op: MlOp, operands: Sequence[SSAValue], types: Sequence[Attribute]) -> MlOp:
    return type(op).create(
        operands=operands,
        result_types=types,
        properties=op.properties,
        attributes=op.attributes,
        regions=[region.clone() for region in op.regions],
    )


def _refined(op: MlOp) -> list[Attribute]:
    """The result types with every size that the shape rule knows."""
    types: list[Attribute] = []
    for dims, result in zip(op.result_dims(), op.results, strict=True):
        old = tensor_type(result)
        pairs = zip(static_shape(dims), old.get_shape(), strict=True)
        types.append(TensorType(old.element_type, [new if n == DYNAMIC_INDEX else n for new, n in pairs]))
    return types


def _without_constant_sizes(op: MlOp, types: Sequence[Attribute]) -> tuple[list[SSAValue], list[Attribute]]:
    """The operands without constant sizes, and the result types with them."""
    gone: set[int] = set()
    refined: list[Attribute] = []
    for dims, type_ in zip(op.result_dims(), types, strict=True):
        old = cast(TensorType[Attribute], type_)
        shape = list(old.get_shape())
        for axis, dim in enumerate(dims):
            size = index_of(op.operands[dim.operand]) if isinstance(dim, SizeOf) else None
            if isinstance(dim, SizeOf) and size is not None and size >= 0 and shape[axis] == DYNAMIC_INDEX:
                shape[axis] = size
                gone.add(dim.operand)
        refined.append(TensorType(old.element_type, shape))
    return [operand for i, operand in enumerate(op.operands) if i not in gone], refined


def refine_if(op: scf.IfOp, builder: LocatedBuilder) -> Values:
    """if p { cast(x) } else { cast(y) } = cast(if p { x } else { y }), where x and y have one type"""
    if not op.output or not op.false_region.blocks:
        return None
    ends = [_end(region.block) for region in (op.true_region, op.false_region)]
    chosen = [[known(a), known(b)] for a, b in zip(*(end.operands for end in ends), strict=True)]
    wins = [a.type == b.type != result.type for (a, b), result in zip(chosen, op.results, strict=True)]
    if not any(wins):
        return None

    for position, end in enumerate(ends):
        for i, win in enumerate(wins):
            if win:
                end.operands[i] = chosen[i][position]
    new = scf.IfOp.create(
        operands=op.operands,
        result_types=[value.type for value in ends[0].operands],
        attributes=op.attributes,
        regions=[op.detach_region(region) for region in list(op.regions)],
    )
    builder.insert(new)
    return [as_type(builder, result, old.type) for result, old in zip(new.results, op.results, strict=True)]


def refine_for(op: scf.ForOp, builder: LocatedBuilder) -> Values:
    """for a = cast(x) { f(a) } = cast(for a = x { f(a) }), where f gives the type of x for an x"""
    wanted = [known(value) for value in op.iter_args]
    wins = [value.type != old.type for value, old in zip(wanted, op.iter_args, strict=True)]
    while any(wins):
        inits = [new if win else old for new, old, win in zip(wanted, op.iter_args, wins, strict=True)]
        trial = _loop(op, inits)
        builder.insert(trial)
        Simplifier(REFINEMENTS).run(trial)
        end = _end(trial.body.block)
        found = [known(value) if win else value for value, win in zip(end.operands, wins, strict=True)]
        fits = [value.type == init.type for value, init in zip(found, inits, strict=True)]
        if all(fits):
            end.operands = found
            return [as_type(builder, new, old.type) for new, old in zip(trial.results, op.results, strict=True)]
        wins = [win and fit for win, fit in zip(wins, fits, strict=True)]
        trial.detach()
        trial.erase()
    return None


def _loop(op: scf.ForOp, inits: Sequence[SSAValue]) -> scf.ForOp:
    """A copy of a loop that carries other values; its body sees them cast to the old types."""
    old = op.body.block
    block = Block(arg_types=[old.args[0].type, *(value.type for value in inits)])
    builder = LocatedBuilder(InsertPoint.at_end(block), op.location)
    seen = [as_type(builder, new, arg.type) for new, arg in zip(block.args, old.args, strict=True)]
    mapper: dict[SSAValue, SSAValue] = dict(zip(old.args, seen, strict=True))
    for inner in old.ops:
        block.add_op(inner.clone(mapper))
    return scf.ForOp.create(
        operands=[op.lb, op.ub, op.step, *inits],
        result_types=[value.type for value in inits],
        attributes=op.attributes,
        properties=op.properties,
        regions=[Region(block)],
    )


def refine_while(op: scf.WhileOp, builder: LocatedBuilder) -> Values:
    """The results and the second region of a while see what its condition hands over, without the cast"""
    end = _end(op.before_region.block)
    handed = [known(value) for value in end.operands[1:]]
    if all(value.type == old.type for value, old in zip(handed, op.results, strict=True)):
        return None

    end.operands = [end.operands[0], *handed]
    block = op.after_region.block
    inner = LocatedBuilder(InsertPoint.at_start(block), op.location)
    for position, value in enumerate(handed):
        old = block.args[position]
        if value.type != old.type:
            new = block.insert_arg(value.type, position)
            old.replace_all_uses_with(as_type(inner, new, old.type))
            block.erase_arg(old)
    new_op = scf.WhileOp.create(
        operands=op.operands,
        result_types=[value.type for value in handed],
        attributes=op.attributes,
        regions=[op.detach_region(region) for region in list(op.regions)],
    )
    builder.insert(new_op)
    return [as_type(builder, new, old.type) for new, old in zip(new_op.results, op.results, strict=True)]


def _end(block: Block) -> Operation:
    assert block.last_op is not None
    return block.last_op


REFINEMENTS: Patterns = {
    MlOp: (refine,),
    scf.IfOp: (refine_if,),
    scf.ForOp: (refine_for,),
    scf.WhileOp: (refine_while,),
    tensor.CastOp: (cast_to_same, cast_twice),
    tensor.DimOp: (dim_of_known, dim_of_cast),
}
"""The patterns, by op class."""
