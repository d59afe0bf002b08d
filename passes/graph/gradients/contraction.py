"""Gradients of contractions: each operand's cotangent is a contraction of the result's with the other operand."""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.ir import Attribute, SSAValue

from weft.dialects import ml
from weft.dialects.ml.base import tensor_type
from weft.passes.graph.gradients.rule import Here, Rules
from weft.passes.graph.gradients.terms import convert, element_of


def matmul(op: ml.MatmulOp, here: Here) -> Sequence[SSAValue | None]:
    """g @ transpose(rhs), and transpose(lhs) @ g."""
    rank = tensor_type(op.lhs).get_num_dims()
    batch = (range(rank - 2), range(rank - 2))
    g, lhs, rhs = _operands(op, here)
    columns, rows = ([rank - 1], [rank - 1]), ([rank - 2], [rank - 2])
    precision = op.exactness.value
    to_lhs = ml.DotGeneralOp(g, rhs, batch=batch, contract=columns, precision=precision)
    to_rhs = ml.DotGeneralOp(lhs, g, batch=batch, contract=rows, precision=precision)
    return _inserted(here, op, to_lhs, to_rhs)


def dot_general(op: ml.DotGeneralOp, here: Here) -> Sequence[SSAValue | None]:
    """Contracted over what the other operand adds to the result; the dimensions are then put in order."""
    g, lhs, rhs = _operands(op, here)
    count, (left, right) = len(op.batch[0]), op.free
    common = tuple(range(count))
    of_left = tuple(range(count, count + len(left)))
    of_right = tuple(range(count + len(left), count + len(left) + len(right)))
    precision = op.exactness.value
    to_lhs = ml.DotGeneralOp(g, rhs, batch=(common, op.batch[1]), contract=(of_right, right), precision=precision)
    to_rhs = ml.DotGeneralOp(g, lhs, batch=(common, op.batch[0]), contract=(of_left, left), precision=precision)
    results = _inserted(here, op, to_lhs, to_rhs)
    # each has the batch, the free dimensions of its operand, then the contracted ones in the order of the other operand
    orders = (
        (*op.batch[0], *left, *_paired(op.contract[1], op.contract[0])),
        (*op.batch[1], *right, *_paired(op.contract[0], op.contract[1])),
    )
    return [_ordered(here, value, order) for value, order in zip(results, orders, strict=True)]


def _paired(others: Sequence[int], own: Sequence[int]) -> list[int]:
    """The operand's contracted dimensions in the order in which the other operand has their partners."""
    return [mine for _, mine in sorted(zip(others, own, strict=True))]


def _ordered(here: Here, value: SSAValue | None, order: Sequence[int]) -> SSAValue | None:
    """A tensor whose dimension i is to be dimension `order[i]`."""
    if value is None or list(order) == sorted(order):
        return value
    return here.builder.insert(ml.TransposeOp(value, [order.index(axis) for axis in range(len(order))])).result


def _operands(op: ml.MatmulOp | ml.DotGeneralOp, here: Here) -> list[SSAValue]:
    """The cotangent and both operands, in the element type of the result."""
    element = element_of(op.result.type)
    return [convert(here.builder, value, element) for value in (here.cotangent(op.result), op.lhs, op.rhs)]


def _inserted(
    here: Here, op: ml.MatmulOp | ml.DotGeneralOp, to_lhs: ml.DotGeneralOp, to_rhs: ml.DotGeneralOp
) -> list[SSAValue | None]:
    """The two products, in the element type of the operands, where they are asked for."""
    element: Attribute = element_of(op.lhs.type)
    results: list[SSAValue | None] = []
    for operand, product in ((op.lhs, to_lhs), (op.rhs, to_rhs)):
        if here.wants(operand):
            results.append(convert(here.builder, here.builder.insert(product).result, element))
        else:
            product.erase()
            results.append(None)
    return results


CONTRACTION: Rules = {
    ml.MatmulOp: matmul,
    ml.DotGeneralOp: dot_general,
}
