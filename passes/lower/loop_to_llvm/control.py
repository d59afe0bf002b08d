"""Loops and conditions of the machine, with registers carried through them as block arguments."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias, cast

from xdsl.dialects.builtin import i64
from xdsl.ir import Block, BlockArgument, Operation

from weft.dialects.loop import ForOp, IfOp
from weft.passes.lower.function_builder import Value
from weft.passes.lower.loop_to_llvm.accesses import finish
from weft.passes.lower.loop_to_llvm.lowering import Lowering
from weft.passes.lower.loop_to_llvm.places import Key, RegisterBuffer

Slot: TypeAlias = tuple[RegisterBuffer, Key]


def repeat(
    k: Lowering,
    op: ForOp,
    low: Value | int,
    high: Value | int,
    step: int,
    body: Callable[[Value], None],
    *,
    certain: bool = False,
    extra: Sequence[Slot] = (),
) -> None:
    """A loop from `low` up to `high`; `body` gets the counter. `certain`: it runs at least once.

    It carries the registers that it may change, and `extra` ones.
    """
    if isinstance(low, int) and isinstance(high, int):
        if low >= high:
            return
        certain = True
    low, high = k.as_value(low), k.as_value(high)
    outer, slots = k.e.current, [*_slots(k, op), *extra]
    with k.inside(op, certain=certain):
        head = k.e.block(i64, *[buffer.block_type for buffer, _ in slots])
        counter, *incoming = map(k.here, head.args)
        initial = [buffer.values.get(key) for buffer, key in slots]
        _set(slots, incoming)
        k.e.enter(head)
        _within(k, lambda: body(counter))
        final = [buffer.values[key] for buffer, key in slots]
        slots, incoming, initial, final = _moving(slots, incoming, initial, final)
        _loop(k, outer, head, (low, high, step), (initial, final), slots, certain)
    for buffer, key in slots:
        k.outside(buffer.values[key])


def _loop(
    k: Lowering,
    outer: Block,
    head: Block,
    bounds: tuple[Value, Value, int],
    carried: tuple[list[Value | None], list[Value]],
    slots: list[Slot],
    certain: bool,
) -> None:
    """Close the loop: the branches into it, back, and out of it."""
    e, (low, high, step), (initial, final) = k.e, bounds, carried
    types = [buffer.block_type for buffer, _ in slots]
    entering = [e.poison(t) if value is None else value for value, t in zip(initial, types, strict=True)]
    leave = e.block(*[] if certain else types)
    following = e.add_index(head.args[0], e.integer(step))
    again = e.icmp("slt", following, high)
    e.cond_br(again, head, leave, [following, *final], [] if certain else final)
    e.enter(outer)
    if certain:
        e.br(head, [low, *entering])
    else:
        e.cond_br(e.icmp("slt", low, high), head, leave, [low, *entering], entering)
    e.enter(leave)
    _set(slots, final if certain else list(leave.args))


def _moving(
    slots: list[Slot], incoming: list[Value], initial: list[Value | None], final: list[Value]
) -> tuple[list[Slot], list[Value], list[Value | None], list[Value]]:
    """Drop the registers that the loop leaves as they are."""
    kept: list[int] = []
    for i, (buffer, key) in enumerate(slots):
        if final[i] is not incoming[i]:
            kept.append(i)
            continue
        argument, before = cast(BlockArgument, incoming[i]), initial[i]
        if before is None:
            del buffer.values[key]
        else:
            argument.replace_all_uses_with(before)
            buffer.values[key] = before
            final = [before if value is argument else value for value in final]
        if not argument.uses:
            argument.block.erase_arg(argument)
    return (
        [slots[i] for i in kept],
        [incoming[i] for i in kept],
        [initial[i] for i in kept],
        [final[i] for i in kept],
    )


def branch(
    k: Lowering,
    op: Operation,
    condition: Value,
    then: Callable[[], None],
    otherwise: Callable[[], None] | None = None,
    *,
    extra: Sequence[Slot] = (),
) -> None:
    """Emit `then` under a condition, and `otherwise` under its opposite; `op` is what both are parts of.

    Registers that they may change, and `extra` ones, come out of both.
    """
    e, outer, slots = k.e, k.e.current, [*_slots(k, op), *extra]
    before = [buffer.values.get(key) for buffer, key in slots]
    join = e.block()
    sides: list[tuple[Block, Block, list[Value | None]]] = []
    for side in (then, otherwise):
        if side is None:
            sides.append((join, outer, before))
            continue
        e.enter(outer)
        with k.inside(op, conditional=True):
            first = e.block()
            e.enter(first)
            _restore(slots, before)
            _within(k, side)
            sides.append((first, e.current, [buffer.values.get(key) for buffer, key in slots]))
    _join(k, condition, outer, join, sides, slots)


def _join(
    k: Lowering,
    condition: Value,
    outer: Block,
    join: Block,
    sides: list[tuple[Block, Block, list[Value | None]]],
    slots: list[Slot],
) -> None:
    """The branches to two sides and from them; registers that differ become arguments of the join."""
    e = k.e
    (then, then_end, left), (other, other_end, right) = sides
    arguments: tuple[list[Value], list[Value]] = ([], [])
    for (buffer, key), a, b in zip(slots, left, right, strict=True):
        if a is b:
            _restore([(buffer, key)], [a])
            continue
        for side, value in zip(arguments, (a, b), strict=True):
            side.append(e.poison(buffer.block_type) if value is None else value)
        buffer.values[key] = k.here(join.insert_arg(buffer.block_type, len(join.args)))
    e.enter(outer)
    e.cond_br(condition, then, other, (), arguments[1] if other is join else ())
    for first, end, values in ((then, then_end, arguments[0]), (other, other_end, arguments[1])):
        if first is not join:
            e.enter(end)
            e.br(join, values)
    e.enter(join)


def lower_if(k: Lowering, op: Operation) -> None:
    """`loop.if`: decided here where the condition is known."""
    op = cast(IfOp, op)
    number = k.number(k.form(k.analysis.forms(op)[0]))
    if isinstance(number, int):
        k.body((op.then if number >= 0 else op.other).block)
        return
    zero = k.integer(0)
    holds = k.pure(("holds", number), (number,), lambda: k.e.icmp("sge", number, zero))
    other = op.other.block
    branch(
        k,
        op,
        holds,
        lambda: k.body(op.then.block),
        (lambda: k.body(other)) if other.first_op is not None else None,
    )


def _within(k: Lowering, body: Callable[[], None]) -> None:
    """Run `body`, whose waiting reductions end with it."""
    outer, k.pending = k.pending, {}
    lanes = k.lanes
    body()
    finish(k)
    k.pending, k.lanes = outer, lanes


def _slots(k: Lowering, op: Operation) -> list[Slot]:
    """The registers that an op may change, of buffers from outside it."""
    written = k.analysis.written(op)
    return [(buffer, key) for source, buffer in k.registers.items() if source in written for key in buffer.blocks()]


def _set(slots: list[Slot], values: list[Value]) -> None:
    for (buffer, key), value in zip(slots, values, strict=True):
        buffer.values[key] = value


def _restore(slots: list[Slot], values: list[Value | None]) -> None:
    for (buffer, key), value in zip(slots, values, strict=True):
        if value is None:
            buffer.values.pop(key, None)
        else:
            buffer.values[key] = value
