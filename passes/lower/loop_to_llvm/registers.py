"""Buffers in registers: `reg` buffers are SSA values, one for each element or for each vector of elements."""

from __future__ import annotations

from collections import Counter as Tally

from weft import codes
from weft.dialects.locations import error_at
from weft.dialects.loop import AccessOp, AllocOp, ForOp, WriteOp, loop_of
from weft.dialects.loop.buffers import memref_of
from weft.passes.lower.function_builder import Value
from weft.passes.lower.loop_to_llvm.analysis import Analysis, accesses
from weft.passes.lower.loop_to_llvm.lowering import Lowering
from weft.passes.lower.loop_to_llvm.masks import lane_runs, last_lane, mask_of, some_lane_runs
from weft.passes.lower.loop_to_llvm.places import Key, Place, RegisterBuffer
from weft.passes.lower.loop_to_llvm.transpose import transpose
from weft.passes.lower.types import lanes, register_type, vector_type


def declare(k: Lowering, op: AllocOp) -> None:
    """Start a `loop.alloc reg`: nothing is in it yet. Its layout follows from how it is written."""
    type_ = memref_of(op.result)
    element = register_type(type_.element_type)
    around = k.analysis.vector_loop(op)
    if around is not None:
        buffer = RegisterBuffer(type_.get_shape(), element, None, around.number(), per_lane=True)
    else:
        dim, width = _layout(k.analysis, op)
        buffer = RegisterBuffer(type_.get_shape(), element, dim, width, closed=_closed(k.analysis, op, dim))
    k.registers[op.result] = buffer


def _layout(analysis: Analysis, op: AllocOp) -> tuple[int | None, int | None]:
    """The dimension and width of most vector writes, or of most vector reads where it is written by scalars."""
    writes: Tally[tuple[int, int]] = Tally()
    reads: Tally[tuple[int, int]] = Tally()
    for access in accesses(op.result):
        loop = analysis.vector_loop(access)
        if loop is None:
            continue
        along = _lane_dims(analysis, access, loop)
        if len(along) == 1:
            (writes if isinstance(access, WriteOp) else reads)[along[0], loop.number()] += 1
    most = (writes or reads).most_common(1)
    return most[0][0] if most else (None, None)


def _lane_dims(analysis: Analysis, access: AccessOp, loop: ForOp) -> list[int]:
    forms = analysis.forms(access)
    return [dim for dim, form in enumerate(forms) if form.coefficient(loop.counter)]


def _closed(analysis: Analysis, op: AllocOp, dim: int | None) -> bool:
    """Whether no access sees a lane that another leaves out: vector loops along `dim` and the loops that go through
    its elements otherwise, to read them, all have one bound."""
    bounds: set[object] = set()
    widths: set[int] = set()
    for access in accesses(op.result):
        loop = analysis.vector_loop(access)
        if loop is not None and dim in (along := _lane_dims(analysis, access, loop)):
            if along != [dim]:
                return False
            widths.add(loop.number())
        else:
            loop = None if dim is None or isinstance(access, WriteOp) else _through(analysis, access, dim)
        if loop is None:
            return False
        bounds.add(frozenset(analysis.forms(loop)))
    return len(bounds) == 1 and len(widths) == 1


def _through(analysis: Analysis, access: AccessOp, dim: int) -> ForOp | None:
    """The loop whose counter is the index of an access in a dimension."""
    form = analysis.forms(access)[dim]
    if form.constant or len(form.terms) != 1 or form.terms[0][1] != 1:
        return None
    return loop_of(form.values[0])


def place(k: Lowering, op: AccessOp) -> Place:
    """Where an access goes now. Raises :class:`WeftError` if only the run knows."""
    forms = [k.form(form) for form in k.analysis.forms(op)]
    if any(form.terms for form in forms):
        raise error_at(
            op,
            "a register buffer is indexed by a counter that only the run knows",
            "unroll the loops whose counters index the buffer, or stage it in 'stack'",
            code=codes.CANNOT_LOWER,
        )
    return Place(tuple(form.constant for form in forms), tuple(form.lane for form in forms))


def read(k: Lowering, buffer: RegisterBuffer, at: Place) -> Value:
    """What an access reads: a vector where the place depends on the lane or each lane has its own."""
    if not at.moves:
        return _element(k, buffer, at.index)
    block = _whole_block(k, buffer, at)
    if block is not None:
        return _block(k, buffer, block)
    across = _across(k, buffer, at)
    return across if across is not None else _collect(k, buffer, at)


def write(k: Lowering, buffer: RegisterBuffer, at: Place, value: Value) -> None:
    """Write what an access writes; lanes that do not run keep what they hold."""
    block = _whole_block(k, buffer, at) if at.moves else None
    if block is not None:
        buffer.values[block] = _merged(k, buffer, _widened(k, value), buffer.values.get(block))
    elif at.moves:
        _spread(k, buffer, at, _widened(k, value))
    elif buffer.per_lane:
        buffer.values[at.index] = _merged(k, buffer, _widened(k, value), buffer.values.get(at.index))
    else:
        _set_element(k, buffer, at.index, _last(k, buffer, at, value))


def _widened(k: Lowering, value: Value) -> Value:
    assert k.lanes is not None
    return value if lanes(value.type) is not None else k.splat(value, k.lanes.width)


def _merged(k: Lowering, buffer: RegisterBuffer, value: Value, old: Value | None) -> Value:
    if k.lanes is None or k.lanes.whole or old is None or buffer.closed or buffer.per_lane:
        return value
    return k.e.select(mask_of(k, k.lanes), value, old)


def _last(k: Lowering, buffer: RegisterBuffer, at: Place, value: Value) -> Value:
    """The scalar that stays where all lanes write one place."""
    now = k.lanes
    if now is None:
        return value
    if lanes(value.type) is not None:
        last = last_lane(k, now.mask, now.width) if now.mask is not None else now.active - 1
        value = k.e.extract(value, last)
    if now.mask is None or not now.empty:
        return value
    return k.e.select(some_lane_runs(k, now.mask, now.width), value, _element(k, buffer, at.index))


def _whole_block(k: Lowering, buffer: RegisterBuffer, at: Place) -> Key | None:
    """The block that the lanes of an access are, if they are one."""
    if buffer.dim is None or k.lanes is None or k.lanes.width != buffer.width:
        return None
    straight = all(step == (dim == buffer.dim) for dim, step in enumerate(at.steps))
    key, lane = buffer.key(at.index)
    return key if straight and lane == 0 else None


def _block(k: Lowering, buffer: RegisterBuffer, key: Key) -> Value:
    value = buffer.values.get(key)
    return k.e.poison(buffer.block_type) if value is None else value


def _element(k: Lowering, buffer: RegisterBuffer, index: Key) -> Value:
    key, lane = buffer.key(index)
    block = _block(k, buffer, key)
    if lane is None:
        return block
    return k.local(("extract", block, lane), lambda: k.e.extract(block, lane))


def _set_element(k: Lowering, buffer: RegisterBuffer, index: Key, value: Value) -> None:
    key, lane = buffer.key(index)
    block = _block(k, buffer, key)
    buffer.values[key] = value if lane is None else k.here(k.e.insert(block, value, lane))


def _across(k: Lowering, buffer: RegisterBuffer, at: Place) -> Value | None:
    """A column of rows that are blocks, by transposing all of them; None where the lanes are no column."""
    width = buffer.width
    along = [dim for dim, step in enumerate(at.steps) if step]
    if k.lanes is None or width != k.lanes.width or width is None or width & (width - 1):
        return None
    if buffer.dim is None or len(along) != 1 or along[0] == buffer.dim or at.steps[along[0]] != 1:
        return None
    keys = [buffer.key(at.of_lane(lane)) for lane in range(width)]
    rows = [_block(k, buffer, key) for key, _ in keys]
    column = keys[0][1] or 0
    first = ("column", 0, *rows)
    if first not in k.scope.memo:
        for number, value in enumerate(transpose(k.e, rows)):
            k.scope.memo["column", number, *rows] = k.here(value)
    return k.scope.memo["column", column, *rows]


def _collect(k: Lowering, buffer: RegisterBuffer, at: Place) -> Value:
    """Lanes from anywhere, one by one."""
    assert k.lanes is not None
    out = k.e.number(0, vector_type(buffer.element, k.lanes.width))
    for lane in range(k.lanes.width):
        index = at.of_lane(lane)
        if lane_runs(k, k.lanes, lane) is not False and _inside(buffer, index):
            out = k.e.insert(out, _element(k, buffer, index), lane)
    return k.here(out)


def _spread(k: Lowering, buffer: RegisterBuffer, at: Place, value: Value) -> None:
    """Lanes to anywhere, one by one."""
    assert k.lanes is not None
    for lane in range(k.lanes.width):
        runs, index = lane_runs(k, k.lanes, lane), at.of_lane(lane)
        if runs is False or not _inside(buffer, index):
            continue
        one = k.e.extract(value, lane)
        if runs is not True:
            one = k.e.select(runs, one, _element(k, buffer, index))
        _set_element(k, buffer, index, one)


def _inside(buffer: RegisterBuffer, index: Key) -> bool:
    return all(0 <= at < size for at, size in zip(index, buffer.shape, strict=True))
