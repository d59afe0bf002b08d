"""What values linear forms can take, from the bounds of the loops around them and what symbols are made of.

A bound is proved, never guessed: `None` means that nothing is known. Loops may run zero times; what is proved
holds in every iteration that runs.
"""

from __future__ import annotations

from collections.abc import Iterator

from xdsl.dialects import arith, memref
from xdsl.dialects.builtin import IntegerAttr
from xdsl.ir import Operation, SSAValue

from weft.dialects.loop import ForOp, IndexOp, Linear, linear, loop_of


def least(form: Linear) -> int | None:
    """A number that the form is never below, or None.

    Values are replaced one by one, inner counters first: a counter is at least 0 and less than each of its
    bounds, a quotient lies next to what it divides. Whatever is proved on one way holds; the best is given.
    """
    if form.is_constant:
        return form.constant
    value = max(form.values, key=_rank)
    rest = form.without(value)
    proofs = [least(rest + term) for term in _below(value, form.coefficient(value))]
    return max((proof for proof in proofs if proof is not None), default=None)


def greatest(form: Linear) -> int | None:
    """A number that the form never exceeds, or None."""
    below = least(form * -1)
    return None if below is None else -below


def greatest_trip(loop: ForOp) -> int | None:
    """A number of iterations that the loop never exceeds, or None."""
    proofs = [greatest(form) for form in loop.forms()]
    proved = [proof for proof in proofs if proof is not None]
    return max(min(proved), 0) if proved else None


def span(form: Linear, free: set[SSAValue]) -> int | None:
    """How far a form can move while the counters in `free` run and all else stands still; None: no limit."""
    total = 0
    for value, factor in form.terms:
        if value not in free:
            continue
        loop = loop_of(value)
        trip = greatest_trip(loop) if loop is not None else None
        if trip is None:
            return None
        total += abs(factor) * max(trip - 1, 0)
    return total


def tidy(loop: ForOp) -> None:
    """Drop the bounds of a loop that are never the least.

    A bound goes when it is proved to be at least the least constant one; a multiple of that constant is so when
    it is proved to be positive (it is not, where a run-time size may be 0).
    """
    forms = list(dict.fromkeys(loop.forms()))
    constants = [form.constant for form in forms if form.is_constant]
    if constants:
        top = min(constants)
        others = [form for form in forms if not form.is_constant and not _covers(form, top)]
        forms = [linear(top), *others]
    loop.set_forms(forms)


def _covers(form: Linear, top: int) -> bool:
    """True when `form >= top` in every iteration."""
    least_value = least(form - top)
    if least_value is not None and least_value >= 0:
        return True
    multiple = top > 0 and all(factor % top == 0 for factor in (form.constant, *(c for _, c in form.terms)))
    positive = least(form) if multiple else None
    return positive is not None and positive >= 1


def _rank(value: SSAValue) -> tuple[int, int]:
    """Inner counters above outer ones, counters above symbols, quotients above what they divide."""
    loop: Operation | None = loop_of(value)
    depth = 0
    if loop is None:
        return 0, _divisions(value)
    while (loop := loop.parent_op()) is not None:
        depth += 1
    return 1, depth


def _divisions(value: SSAValue) -> int:
    """How many divisions by constants, one of the other, a symbol went through."""
    found = quotient(value)
    return 0 if found is None else 1 + max((_divisions(v) for v in found[0].values), default=0)


def _below(value: SSAValue, factor: int) -> Iterator[Linear]:
    """Forms of outer values that `factor * value` is never below."""
    loop = loop_of(value)
    if loop is not None:
        yield from ((form - 1) * factor for form in loop.forms()) if factor < 0 else (Linear(),)
        return
    owner = value.owner
    if isinstance(owner, arith.ConstantOp) and isinstance(owner.value, IntegerAttr):
        yield linear(owner.value.value.data * factor)
    elif isinstance(owner, memref.DimOp) and factor > 0:
        yield Linear()
    elif isinstance(owner, IndexOp):
        yield owner.form() * factor
    elif isinstance(owner, arith.MaxSIOp) and factor > 0:
        yield linear(owner.lhs) * factor
        yield linear(owner.rhs) * factor
    yield from _quotient_below(value, factor)


def _quotient_below(value: SSAValue, factor: int) -> Iterator[Linear]:
    """The same for a quotient by a constant."""
    found = quotient(value)
    if found is None:
        return
    form, divisor, up = found
    # ceil(f/d) is in [f/d, (f+d-1)/d], floor(f/d) in [(f-d+1)/d, f/d]
    shift = (divisor - 1 if up else 0) if factor < 0 else (0 if up else 1 - divisor)
    if factor % divisor == 0:
        yield (form + shift) * (factor // divisor)
    elif factor > 0 and (least(form) or 0) >= 0 and least(form) is not None:
        yield Linear()


def quotient(value: SSAValue) -> tuple[Linear, int, bool] | None:
    """(dividend, divisor, rounds up) of a symbol made by a division by a positive constant."""
    owner = value.owner
    if not isinstance(owner, arith.CeilDivSIOp | arith.FloorDivSIOp):
        return None
    by = owner.rhs.owner
    if not isinstance(by, arith.ConstantOp) or not isinstance(by.value, IntegerAttr):
        return None
    dividend = owner.lhs.owner
    form = dividend.form() if isinstance(dividend, IndexOp) else linear(owner.lhs)
    divisor = by.value.value.data
    return (form, divisor, isinstance(owner, arith.CeilDivSIOp)) if divisor > 0 else None
