"""Whether two answers are the same: integers exactly, floats within the tolerance of their type."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from weft import codes
from weft.diagnostics import WeftError

Array = NDArray[Any]


@dataclass(frozen=True)
class Tolerance:
    """A result may lie `relative * |expected| + absolute` from what is expected.

    Without `absolute`, it is `relative` of the greatest finite number of the result, or of 1 where that is less.
    """

    relative: float
    absolute: float | None = None


TOLERANCES: Mapping[str, Tolerance] = {
    "bf16": Tolerance(4e-2),
    "f16": Tolerance(4e-3),
    "f32": Tolerance(1e-5),
    "f64": Tolerance(1e-11),
}
"""By element type, the coarsest first: a program is held to that of the coarsest type that it computes with."""

_FEW = 50
"""No more than one element in so many is forgiven because rounding decides others."""

_INPUT_ERROR = 16
"""How much of what a jitter of the inputs changes is forgiven besides, as a multiple."""


@dataclass(frozen=True)
class Answer:
    """What every later stop must give.

    `moved` tells for each element how far it went when the inputs were moved by a few units in the last place, and
    `known` which elements are to be compared: not what comes from memory that nobody wrote.
    """

    values: tuple[Array, ...]
    moved: tuple[Array, ...]
    known: tuple[Array, ...]
    forgiven: tuple[int, ...] = ()
    """How many elements of each result may be wrong: where rounding decides some, it may decide others elsewhere."""


def read_tolerances(texts: Sequence[str]) -> dict[str, Tolerance]:
    """The table with what `[DTYPE=]RTOL[,ATOL]` changes. Raises :class:`WeftError` for any other text."""
    table = dict(TOLERANCES)
    for text in texts:
        name, equals, numbers = text.rpartition("=")
        if equals and name not in table:
            hint = f"the types with a tolerance are {', '.join(table)}"
            raise WeftError(f"'{text}': there is no tolerance for '{name}'", hint=hint, code=codes.OPTION_VALUE)
        made = _tolerance(text, numbers)
        table.update(dict.fromkeys([name] if equals else table, made))
    return table


def _tolerance(text: str, numbers: str) -> Tolerance:
    try:
        values = [float(number) for number in numbers.split(",")]
        if not 1 <= len(values) <= 2 or not all(value >= 0 for value in values):
            raise ValueError
    except ValueError:
        hint = "for example 1e-4, 1e-4,1e-6 or f16=1e-2"
        raise WeftError(
            f"'{text}' is not a tolerance, which is [DTYPE=]RTOL[,ATOL]", hint=hint, code=codes.OPTION_VALUE
        ) from None
    return Tolerance(*values)


def answer_of(
    values: Sequence[Array],
    refilled: Sequence[Array],
    jittered: Sequence[Sequence[Array]],
    scaled: Sequence[Array] | None = None,
) -> Answer:
    """The answer of a program, from runs of it: on the inputs; with other contents of fresh memory; on jittered inputs.

    `scaled` is a run on inputs made much smaller: given, only what is finite, and integers that stay, are compared.
    """
    known = [_same(value, other) for value, other in zip(values, refilled, strict=True)]
    if scaled is not None:
        known = [k & _tame(value, other) for k, value, other in zip(known, values, scaled, strict=True)]
    answer = Answer(tuple(values), tuple(np.zeros(value.shape) for value in values), tuple(known))
    return shaken(answer, jittered)


def shaken(answer: Answer, runs: Sequence[Sequence[Array]]) -> Answer:
    """The answer, held less strictly where other runs, that are as good, give something else."""
    moved, known = list(answer.moved), list(answer.known)
    for run in runs:
        for n, (value, other) in enumerate(zip(answer.values, run, strict=True)):
            if value.shape != other.shape:
                known[n] = np.zeros(value.shape, bool)
            elif value.dtype.kind in "biu":
                known[n] = known[n] & (value == other)
            else:
                a, b = _wide(value), _wide(other)
                both = np.isfinite(a) & np.isfinite(b)
                known[n] = known[n] & (_same(a, b) | both)
                with np.errstate(all="ignore"):
                    moved[n] = np.maximum(moved[n], np.where(both, np.abs(a - b), 0))
    return Answer(answer.values, tuple(moved), tuple(known), answer.forgiven)


def undecided(answer: Answer, softer: Answer, tolerance: Tolerance) -> Answer:
    """The softer of two answers, in which twice as many elements are forgiven as it holds less strictly."""
    forgiven: list[int] = []
    for n, value in enumerate(answer.values):
        loose = answer.known[n] & ~softer.known[n]
        if value.dtype.kind not in "biu":
            loose |= softer.moved[n] > tolerance.relative * np.maximum(1.0, np.abs(_wide(value)))
        forgiven.append(min(2 * int(loose.sum()), value.size // _FEW))
    return replace(softer, forgiven=tuple(forgiven))


def _tame(value: Array, scaled: Array) -> Array:
    return _same(value, scaled) if value.dtype.kind in "biu" else _is_finite(value)


def _wide(a: Array) -> Array:
    """In double precision, complex numbers as such."""
    return a.astype(np.complex128 if a.dtype.kind == "c" else np.float64)


def _same(a: Array, b: Array) -> Array:
    """Element by element; NaN is NaN. Nothing is the same in arrays of different shapes."""
    if a.shape != b.shape:
        return np.zeros(a.shape, bool)
    both_nan = _is_nan(a) & _is_nan(b)
    return np.asarray((a == b) | both_nan)


def _is_nan(a: Array) -> Array:
    return np.zeros(a.shape, bool) if a.dtype.kind in "biu" else np.isnan(_wide(a))


def _is_finite(a: Array) -> Array:
    return np.ones(a.shape, bool) if a.dtype.kind in "biu" else np.isfinite(_wide(a))


def difference(expected: Answer, found: Sequence[Array], tolerance: Tolerance, *, finite: bool = False) -> str | None:
    """What differs first, as text; None where the answers agree."""
    for n, (want, have) in enumerate(zip(expected.values, found, strict=True)):
        if want.shape != have.shape:
            if expected.known[n].any() or not want.size:
                return f"result {n} has the shape {_shape(have)}, it was {_shape(want)}"
            continue
        wrong = _unequal(want, have, expected.moved[n], tolerance) & expected.known[n]
        if finite:
            wrong &= _is_finite(have)
        if wrong.sum() > (expected.forgiven[n] if expected.forgiven else 0):
            place = tuple(int(i) for i in np.argwhere(wrong)[0])
            at = f" at {list(place)}" if place else ""
            return f"result {n}{at} is {have[place]}, it was {want[place]}"
    return None


def _shape(array: Array) -> str:
    return "x".join(map(str, array.shape)) or "()"


def _unequal(a: Array, b: Array, moved: Array, tolerance: Tolerance) -> Array:
    if a.dtype.kind in "biu":
        return np.asarray(a != b)
    x, y = _wide(a), _wide(b)
    finite = np.abs(x[np.isfinite(x)])
    scale = max(1.0, float(finite.max())) if finite.size else 1.0
    absolute = tolerance.relative * scale if tolerance.absolute is None else tolerance.absolute
    with np.errstate(all="ignore"):
        near = np.abs(x - y) <= tolerance.relative * np.abs(x) + absolute + _INPUT_ERROR * moved
    return ~(np.where(np.isfinite(x) & np.isfinite(y), near, False) | _same(x, y))


def coarsest(tolerances: Mapping[str, Tolerance], used: set[str]) -> Tolerance:
    """The greatest tolerance among those of the types that a program uses."""
    chosen = [tolerance for name, tolerance in tolerances.items() if name in used]
    return replace(max(chosen, key=lambda t: (t.relative, t.absolute or 0))) if chosen else Tolerance(0, 0)
