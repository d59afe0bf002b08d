"""When a raised nest means what the loops meant: its accesses are inside, what it writes is nobody else's memory.

What types decide is decided at once. The rest becomes conditions that the host computes before the nest; where
they do not hold, the old loops run, and report what is wrong where it happens.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import combinations

from xdsl.dialects import arith, memref
from xdsl.ir import BlockArgument, SSAValue

from weft.dialects.loop import ForOp, Linear, WriteOp, linear, loop_of
from weft.dialects.loop.access import AccessOp
from weft.passes.loops.buffers.aliases import base
from weft.passes.loops.buffers.types import is_contiguous, memref_of
from weft.passes.loops.memory.lifetimes import element_bytes
from weft.passes.loops.raising.forms import Inputs, Unfit
from weft.passes.loops.reify import Reifier
from weft.passes.rewriting import LocatedBuilder

GREATEST = 2**28
"""Run-time sizes and offsets up to this are computed with without overflow; larger ones take the old loops."""


@dataclass
class Conditions:
    """What must hold when the nest is reached: forms that are 0 or more, sizes to compare, buffers to be apart."""

    inputs: Inputs
    not_negative: list[Linear] = field(default_factory=list[Linear])
    below: list[tuple[Linear, SSAValue, int]] = field(default_factory=list[tuple[Linear, SSAValue, int]])
    """A form, and the buffer and axis whose size it must be less than."""
    apart: list[tuple[SSAValue, SSAValue]] = field(default_factory=list[tuple[SSAValue, SSAValue]])
    may_alias: bool = False

    @staticmethod
    def of(inputs: Inputs) -> Conditions:
        """The conditions of a nest. Raises :class:`Unfit` where an access is known to leave its buffer."""
        found = Conditions(inputs)
        accesses = [op for op in inputs.block.walk() if isinstance(op, AccessOp)]
        for access in accesses:
            found._inside(access)
        found._distinct(accesses)
        return found

    def _inside(self, access: AccessOp) -> None:
        for axis, (form, size) in enumerate(zip(access.index(), access.memref.get_shape(), strict=True)):
            low, high = extremes(form)
            _need(all(abs(factor) <= GREATEST for bound in (low, high) for _, factor in bound.terms))
            if low.is_constant:
                _need(low.constant >= 0)
            elif low not in self.not_negative:
                self.not_negative.append(low)
            if high.is_constant and size >= 0:
                _need(high.constant < size)
            elif (high, access.target, axis) not in self.below:
                self.below.append((high, access.target, axis))

    def _distinct(self, accesses: list[AccessOp]) -> None:
        written = {access.target for access in accesses if isinstance(access, WriteOp)}
        targets = dict.fromkeys(access.target for access in accesses)
        # other buffers are the kernel's own, or made for its results
        shared = set(self.inputs.given.values())
        buffers = [buffer for buffer in targets if buffer in shared]
        for a, b in combinations(buffers, 2):
            if not {a, b} & written or _known_apart(self.inputs.origin(a), self.inputs.origin(b)):
                continue
            if is_contiguous(a.type) and is_contiguous(b.type):
                self.apart.append((a, b))
            else:
                self.may_alias = True

    def build(self, builder: LocatedBuilder) -> SSAValue | None:
        """Compute in the host whether all of it holds; None where there is nothing to compute."""
        numbers = Reifier(builder)
        truths: list[SSAValue] = []
        for symbol in self._symbols():
            value = self.inputs.origin(symbol)
            truths.append(_compare(builder, numbers.value(-GREATEST), "sle", value))
            truths.append(_compare(builder, value, "sle", numbers.value(GREATEST)))
        truths += [_compare(builder, numbers.value(0), "sle", self._host(form, builder)) for form in self.not_negative]
        for form, buffer, axis in self.below:
            size = numbers.value(numbers.dim(self.inputs.origin(buffer), axis))
            truths.append(_compare(builder, self._host(form, builder), "slt", size))
        truths += [self._are_apart(builder, a, b) for a, b in self.apart]
        result: SSAValue | None = None
        for truth in truths:
            result = truth if result is None else builder.insert(arith.AndIOp(result, truth)).result
        return result

    def _symbols(self) -> list[SSAValue]:
        forms = [*self.not_negative, *(form for form, _, _ in self.below)]
        return list(dict.fromkeys(value for form in forms for value in form.values))

    def _host(self, form: Linear, builder: LocatedBuilder) -> SSAValue:
        """A form of symbols, computed in the host."""
        numbers = Reifier(builder)
        terms = [numbers.fold(arith.MuliOp, [self.inputs.origin(v), c], 1) for v, c in form.terms]
        return numbers.value(numbers.fold(arith.AddiOp, [*terms, form.constant], 0))

    def _are_apart(self, builder: LocatedBuilder, a: SSAValue, b: SSAValue) -> SSAValue:
        """Whether one buffer ends before the other begins."""
        (start_a, end_a), (start_b, end_b) = (_extent(builder, self.inputs.origin(v)) for v in (a, b))
        before = _compare(builder, end_a, "ule", start_b)
        after = _compare(builder, end_b, "ule", start_a)
        return builder.insert(arith.OrIOp(before, after)).result


def extremes(form: Linear) -> tuple[Linear, Linear]:
    """The least and the greatest value of a form, as forms of symbols. Raises :class:`Unfit` for an endless one.

    Counters are eliminated from the innermost on: one with a positive factor is least at 0, and greatest at its
    bound less 1, which may hold outer counters.
    """
    low = high = form
    while True:
        counters = {v: found for f in (low, high) for v in f.values if (found := loop_of(v)) is not None}
        if not counters:
            return low, high
        inner = max(counters, key=lambda v: _depth(counters[v]))
        last = _last(counters[inner])
        low = _put(low, inner, last if low.coefficient(inner) < 0 else linear(0))
        high = _put(high, inner, last if high.coefficient(inner) > 0 else linear(0))


def _put(form: Linear, counter: SSAValue, value: Linear) -> Linear:
    return form.without(counter) + value * form.coefficient(counter)


def _depth(op: ForOp) -> int:
    parent, depth = op.parent_op(), 0
    while isinstance(parent, ForOp):
        parent, depth = parent.parent_op(), depth + 1
    return depth


def _last(op: ForOp) -> Linear:
    """A value that a loop's counter never exceeds: its best bound, less 1."""
    bounds = sorted(op.forms(), key=lambda form: (not form.is_constant, form.constant if form.is_constant else 0))
    return bounds[0] - 1


def _need(holds: bool) -> None:
    if not holds:
        raise Unfit


def _known_apart(a: SSAValue, b: SSAValue) -> bool:
    """Whether two buffers are known to be different memory: one of them was allocated in this function."""
    one, two = base(a), base(b)
    if one is two:
        return False
    made = (memref.AllocOp, memref.AllocaOp)
    if isinstance(one.owner, memref.GetGlobalOp) and isinstance(two.owner, memref.GetGlobalOp):
        return one.owner.name_ != two.owner.name_
    for new, other in ((one, two), (two, one)):
        known = isinstance(other.owner, (*made, memref.GetGlobalOp)) or _in_function(other)
        if isinstance(new.owner, made) and known:
            return True
    return _is_out(one, two) or _is_out(two, one)


def _in_function(value: SSAValue) -> bool:
    """Whether a value is an argument of the function."""
    parent = value.owner.parent_op() if isinstance(value, BlockArgument) else None
    return parent is not None and parent.name == "func.func"


def _is_out(value: SSAValue, other: SSAValue) -> bool:
    """Whether a value is an out argument, which is nobody else's memory."""
    if not isinstance(value, BlockArgument) or not _in_function(value):
        return False
    attributes = getattr(value.owner.parent_op(), "arg_attrs", None)
    return attributes is not None and "weft.out" in attributes.data[value.index].data and other is not value


def _compare(builder: LocatedBuilder, left: SSAValue, predicate: str, right: SSAValue) -> SSAValue:
    return builder.insert(arith.CmpiOp(left, right, predicate)).result


def _extent(builder: LocatedBuilder, buffer: SSAValue) -> tuple[SSAValue, SSAValue]:
    """The addresses at which a contiguous buffer starts and ends."""
    start = builder.insert(memref.ExtractAlignedPointerAsIndexOp.get(buffer)).aligned_pointer
    numbers = Reifier(builder)
    element = element_bytes(memref_of(buffer).element_type) or 0
    size = numbers.fold(arith.MuliOp, [*numbers.shape(buffer), element], 1)
    return start, numbers.value(numbers.fold(arith.AddiOp, [start, size], 0))
