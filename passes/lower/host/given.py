"""Results in memory that the caller of an entry has brought for them, where they turn out to be of its sizes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from xdsl.dialects import func, memref
from xdsl.dialects.builtin import i64

from weft.passes.loops.buffers.functions import OWNED
from weft.passes.lower.function_builder import Value
from weft.passes.lower.host.descriptors import results_type
from weft.passes.lower.host.function import HostFunction
from weft.passes.lower.types import PTR


def result_of(f: HostFunction, op: memref.AllocOp) -> int | None:
    """The number of the returned value that a new buffer surely becomes; None where it may be freed or handed on.

    It is made once, before anything branches, and is not asked to be aligned.
    """
    if f.given is None or op.alignment is not None or op.parent is not f.function.body.blocks[0]:
        return None
    place: int | None = None
    for use in op.memref.uses:
        user = use.operation
        if isinstance(user, func.ReturnOp) and place is None and _is_owned(f.function, use.index):
            place = use.index
        elif isinstance(user, memref.DeallocOp | func.ReturnOp) or user.successors:
            return None
    return place


def _is_owned(function: func.FuncOp, number: int) -> bool:
    return function.res_attrs is not None and OWNED in function.res_attrs.data[number].data


def given_or(f: HostFunction, number: int, sizes: Sequence[Value], fresh: Callable[[], Value]) -> Value:
    """The memory that was brought for a result of these sizes, or else what `fresh` gives."""
    e = f.e
    assert f.given is not None
    look, make, join = e.block(), e.block(), e.block(PTR)
    e.cond_br(e.icmp("ne", f.given, e.null()), look, make)
    e.enter(look)
    struct = results_type(f.function.function_type.outputs.data)
    memory = e.load(e.field(f.given, struct, number, 1), PTR, 8)
    fits = e.icmp("ne", memory, e.null())
    for axis, size in enumerate(sizes):
        fits = e.and_(fits, e.icmp("eq", e.load(e.field(f.given, struct, number, 3, axis), i64, 8), size))
    e.cond_br(fits, join, make, (memory,))
    e.enter(make)
    e.br(join, (fresh(),))
    e.enter(join)
    return join.args[0]
