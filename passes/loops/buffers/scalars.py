"""Ops on whole tensors that are meant element by element, `linalg` ops, and the choice between two tensors."""

from __future__ import annotations

from typing import cast

from xdsl.dialects import arith, memref, scf
from xdsl.dialects.linalg.abstract_ops import LinalgStructuredOperation
from xdsl.dialects.linalg.ops import BroadcastOp, ReduceOp
from xdsl.ir import Operation, SSAValue

from weft.passes.loops.buffers.control import branch
from weft.passes.loops.buffers.host import Host
from weft.passes.loops.buffers.nests import for_each
from weft.passes.loops.buffers.types import Buffer, buffer_type, is_tensor, memref_of
from weft.passes.loops.reify import Reifier
from weft.passes.rewriting import LocatedBuilder


def is_elementwise(op: Operation) -> bool:
    """True for `arith` and `math` ops on tensors of one shape."""
    return (
        op.dialect_name() in ("arith", "math")
        and len(op.results) == 1
        and all(is_tensor(value.type) for value in (*op.operands, *op.results))
    )


def elementwise(host: Host, op: Operation) -> None:
    """The scalar op, in loops over the result's elements."""
    builder = LocatedBuilder.before(op)
    type_ = cast(Buffer, buffer_type(op.results[0].type))
    made = host.alloc(builder, type_, host.sizes(builder, op.operands[0]))

    def one(inner: LocatedBuilder, counters: list[SSAValue]) -> None:
        operands = [inner.insert(memref.LoadOp.get(host.buffer(v), counters)).res for v in op.operands]
        scalar = type(op).create(
            operands=operands,
            result_types=[memref_of(made).element_type],
            properties=op.properties,
            attributes=op.attributes,
        )
        inner.insert(memref.StoreOp.get(inner.insert(scalar).results[0], made, counters))

    for_each(builder, Reifier(builder).shape(made), one)
    host.retire(op, [made])


def choose(host: Host, op: Operation) -> None:
    """`arith.select` of two tensors by one truth value: an `scf.if`."""
    this = cast(arith.SelectOp, op)
    if not is_tensor(this.result.type):
        return
    if is_tensor(this.cond.type):
        elementwise(host, op)
        return
    chosen = scf.IfOp(this.cond, [this.result.type], [scf.YieldOp(this.lhs)], [scf.YieldOp(this.rhs)])
    LocatedBuilder.before(op).insert(chosen)
    branch(host, chosen)
    host.retire(op, [host.buffer(chosen.output[0])])


def is_structured(op: Operation) -> bool:
    """True for `linalg` ops."""
    return isinstance(op, LinalgStructuredOperation | ReduceOp | BroadcastOp)


def structured(host: Host, op: Operation) -> None:
    """A `linalg` op on tensors: on buffers, its outputs are copies that it updates."""
    builder = LocatedBuilder.before(op)
    first = _first_output(op)
    operands = [host.buffer(value) for value in op.operands]
    for position in range(first, len(operands)):
        if is_tensor(op.operands[position].type):
            operands[position] = host.clone(
                builder, operands[position], cast(Buffer, buffer_type(op.operands[position].type))
            )
    for region in op.regions:
        host.walk(region.block)
    regions = [op.detach_region(region) for region in list(op.regions)]
    new = type(op).create(operands=operands, properties=op.properties, attributes=op.attributes, regions=regions)
    builder.insert(new)
    host.retire(op, operands[first:])


def _first_output(op: Operation) -> int:
    if isinstance(op, LinalgStructuredOperation):
        return len(op.inputs)
    return len(op.operands) - 1
