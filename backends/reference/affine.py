"""The `affine` dialect: loops and accesses whose bounds and indices are affine maps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product
from typing import Any

import numpy as np
from xdsl.dialects import affine
from xdsl.dialects.builtin import AffineMapAttr
from xdsl.interpreter import ReturnedValues
from xdsl.ir.affine import AffineConstraintKind, AffineMap, AffineSet

from weft import codes
from weft.backends.reference.indexing import check_index
from weft.backends.reference.machine import Machine, Rules
from weft.dialects.locations import error_at
from weft.dialects.ml import numerics
from weft.dialects.scalars.arith import width_of
from weft.dialects.scalars.types import INDEX, Value, need_dtype


def applied(op: Any, map_: AffineMapAttr | AffineMap, operands: Sequence[Value]) -> tuple[int, ...]:
    """The results of a map on the first of the operands. Raises :class:`WeftError` at `op` where it divides by zero."""
    inner = map_.data if isinstance(map_, AffineMapAttr) else map_
    numbers = [int(n) for n in operands[: inner.num_dims + inner.num_symbols]]
    try:
        return tuple(inner.eval(numbers[: inner.num_dims], numbers[inner.num_dims :]))
    except ZeroDivisionError as error:
        raise error_at(op, f"'{op.name}' divides by zero", code=codes.CHECK_FAILED) from error


def _apply(machine: Machine, op: affine.ApplyOp, args: tuple[Value, ...]) -> tuple[Value, ...]:
    return tuple(INDEX.type(n) for n in applied(op, op.map, args))


def _min(machine: Machine, op: affine.MinOp, args: tuple[Value, ...]) -> tuple[Value, ...]:
    return (INDEX.type(min(applied(op, op.map, args))),)


def _load(machine: Machine, op: affine.LoadOp, args: tuple[Value, ...]) -> tuple[Value, ...]:
    buffer, *operands = args
    return (buffer.array[check_index(op, applied(op, op.map, operands), buffer.sizes)],)


def _store(machine: Machine, op: affine.StoreOp, args: tuple[Value, ...]) -> tuple[Value, ...]:
    value, buffer, *operands = args
    buffer.array[check_index(op, applied(op, op.map, operands), buffer.sizes)] = value
    return ()


def _for(machine: Machine, op: affine.ForOp, args: tuple[Value, ...]) -> tuple[Value, ...]:
    lows, highs = len(op.lowerBoundOperands), len(op.upperBoundOperands)
    low = max(applied(op, op.lowerBoundMap, args[:lows]))
    high = min(applied(op, op.upperBoundMap, args[lows : lows + highs]))
    state = args[lows + highs :]
    for counter in range(low, high, op.step.value.data):
        state = machine.run_ssacfg_region(op.body, (INDEX.type(counter), *state))
    return tuple(state)


def _holds(condition: AffineSet, args: Sequence[Value]) -> bool:
    numbers = [int(n) for n in args]
    dims, symbols = numbers[: condition.num_dims], numbers[condition.num_dims :]
    for constraint in condition.constraints:
        left, right = constraint.lhs.eval(dims, symbols), constraint.rhs.eval(dims, symbols)
        if not _RELATIONS[constraint.kind](left, right):
            return False
    return True


_RELATIONS: dict[AffineConstraintKind, Callable[[int, int], bool]] = {
    AffineConstraintKind.eq: lambda left, right: left == right,
    AffineConstraintKind.ge: lambda left, right: left >= right,
    AffineConstraintKind.le: lambda left, right: left <= right,
}


def _if(machine: Machine, op: affine.IfOp, args: tuple[Value, ...]) -> tuple[Value, ...]:
    region = op.then_region if _holds(op.condition.data, args) else op.else_region
    return machine.run_ssacfg_region(region, ())


def _bounds(map_: AffineMap, groups: Sequence[int], results: Sequence[int], pick: Callable[..., int]) -> list[int]:
    left = iter(results)
    return [pick([next(left) for _ in range(size)]) for size in groups]


def _parallel(machine: Machine, op: affine.ParallelOp, args: tuple[Value, ...]) -> tuple[Value, ...]:
    lower, upper = op.lowerBoundsMap.data, op.upperBoundsMap.data
    count = lower.num_dims + lower.num_symbols
    lows = _bounds(lower, _sizes(op.lowerBoundsGroups), applied(op, lower, args[:count]), max)
    highs = _bounds(upper, _sizes(op.upperBoundsGroups), applied(op, upper, args[count:]), min)
    steps = [step.value.data for step in op.steps]
    kinds = [kind.data for kind in op.reductions]
    state = [_start(op, kind, i) for i, kind in enumerate(kinds)]
    for point in product(*map(range, lows, highs, steps)):
        values = machine.run_ssacfg_region(op.body, tuple(INDEX.type(i) for i in point))
        state = [
            _combine(op, kind, i, old, new) for i, (kind, old, new) in enumerate(zip(kinds, state, values, strict=True))
        ]
    return tuple(state)


def _sizes(groups: Any) -> list[int]:
    return [int(n) for n in groups.get_values()]


_COMBINE: dict[str, tuple[Callable[..., Any], str, Any]] = {
    "addf": (np.add, "float", 0.0),
    "mulf": (np.multiply, "float", 1.0),
    "maximumf": (numerics.maximum, "float", -np.inf),
    "minimumf": (numerics.minimum, "float", np.inf),
    "addi": (np.add, "unsigned", 0),
    "muli": (np.multiply, "unsigned", 1),
    "ori": (np.bitwise_or, "unsigned", 0),
    "andi": (np.bitwise_and, "unsigned", -1),
    "maxu": (np.maximum, "unsigned", 0),
    "minu": (np.minimum, "unsigned", -1),
    "maxs": (np.maximum, "signed", "least"),
    "mins": (np.minimum, "signed", "greatest"),
}
"""By reduction: how two values combine, how integers are looked at, and the start value."""


def _kind(op: affine.ParallelOp, kind: str) -> tuple[Callable[..., Any], str, Any]:
    if kind not in _COMBINE:
        raise error_at(op, f"the reference cannot reduce an affine.parallel by '{kind}'", code=codes.CANNOT_LOWER)
    return _COMBINE[kind]


def _start(op: affine.ParallelOp, kind: str, result: int) -> Value:
    _, look, start = _kind(op, kind)
    type_ = op.results[result].type
    if look == "float":
        return need_dtype(op, type_).type(start)
    width = width_of(op, type_)
    number = getattr(width, start) if isinstance(start, str) else start
    return width.hold(np.asarray(number, np.int64))[()]


def _combine(op: affine.ParallelOp, kind: str, result: int, old: Value, new: Value) -> Value:
    meaning, look, _ = _kind(op, kind)
    if look == "float":
        return numerics.in_wide(meaning, np.asarray(old), np.asarray(new))[()]
    width = width_of(op, op.results[result].type)
    see = width.signed if look == "signed" else width.unsigned
    return width.hold(np.asarray(meaning(see(np.asarray(old)), see(np.asarray(new)))))[()]


def _yield(machine: Machine, op: affine.YieldOp, args: tuple[Value, ...]) -> tuple[Value, ...]:
    return ReturnedValues(args)


RULES: Rules = {
    affine.ApplyOp: _apply,
    affine.MinOp: _min,
    affine.LoadOp: _load,
    affine.StoreOp: _store,
    affine.ForOp: _for,
    affine.IfOp: _if,
    affine.ParallelOp: _parallel,
    affine.YieldOp: _yield,
}
