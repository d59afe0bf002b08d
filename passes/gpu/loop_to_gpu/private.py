"""Buffers in registers that mapped loops index: each thread has a part of its own, and the dimension goes away."""

from __future__ import annotations

from xdsl.dialects.builtin import MemRefType
from xdsl.ir import Block
from xdsl.rewriter import InsertPoint

from weft import codes
from weft.dialects.locations import error_at
from weft.dialects.loop import AccessOp, AllocOp, linear, loop_of
from weft.dialects.loop.buffers import memref_of
from weft.passes.gpu.loop_to_gpu.places import MAPPED, Places
from weft.passes.loops.kernels import erase, insert

SPACES = ("reg", "stack")


def drop_thread_dimensions(body: Block, places: Places) -> None:
    """Take from each buffer of a thread the dimensions that only say which thread.

    Raises :class:`WeftError` where a thread would read what another one keeps.
    """
    for op in list(body.walk()):
        if isinstance(op, AllocOp) and op.space.data in SPACES:
            _drop(op, places)


def _drop(alloc: AllocOp, places: Places) -> None:
    touching = [use.operation for use in alloc.result.uses if isinstance(use.operation, AccessOp)]
    keys: dict[int, set[object]] = {}
    for access in touching:
        for dim, form in enumerate(access.index()):
            loops = [loop for v in form.values if (loop := loop_of(v)) is not None and loop.kind() in MAPPED]
            plain = len(loops) == 1 and form == linear(loops[0].counter)
            keys.setdefault(dim, set()).add(places.of[loops[0]].key if plain else "other" if loops else None)
    gone = [dim for dim, found in keys.items() if found != {None}]
    for dim in gone:
        if len(keys[dim]) > 1 or "other" in keys[dim]:
            raise error_at(
                alloc,
                f"a thread would read what another one keeps of '{alloc.buffer_name.data}' in '{alloc.space.data}'",
                "stage the buffer in 'shared'",
                code=codes.CANNOT_LOWER,
            )
    if not gone:
        return
    type_ = memref_of(alloc.result)
    shape = [size for dim, size in enumerate(type_.get_shape()) if dim not in gone]
    made = AllocOp(alloc.space.data, alloc.buffer_name.data, MemRefType(type_.element_type, shape))
    insert([made], InsertPoint.before(alloc), alloc)
    for access in touching:
        forms = [form for dim, form in enumerate(access.forms()) if dim not in gone]
        access.operands[access.FIRST - 1] = made.result
        access.set_forms(forms)
    erase(alloc)
