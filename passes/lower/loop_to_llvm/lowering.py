"""The state of one function in the making, and the few ways in which values come to be in it."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeAlias

from xdsl.dialects.builtin import FloatAttr, IntegerAttr, VectorType, i64
from xdsl.ir import Attribute, Block, Operation, SSAValue

from weft import codes
from weft.dialects.locations import error_at
from weft.dialects.loop import AccessOp
from weft.dialects.loop.linear import Linear
from weft.passes.lower.emitter import Emitter
from weft.passes.lower.function_builder import Value
from weft.passes.lower.loop_to_llvm.analysis import Analysis
from weft.passes.lower.loop_to_llvm.counters import Counter, Form, Lanes
from weft.passes.lower.loop_to_llvm.outline import Outliner
from weft.passes.lower.loop_to_llvm.places import Buffer, FlatIndex, Kept, Pending, RegisterBuffer
from weft.passes.lower.loop_to_llvm.scope import Scope
from weft.passes.lower.scalar_rule import Rule
from weft.passes.lower.types import register_type, vector_type

OpRule: TypeAlias = "Callable[[Lowering, Operation], None]"
Rules: TypeAlias = Mapping[type[Operation], OpRule]


def _no_rules() -> Mapping[type[Operation], Rule]:
    return {}


@dataclass(frozen=True)
class Machine:
    """What differs between machines.

    With `masks` a ragged vector is loaded and stored under a mask; without, what is no whole vector runs one by one.
    With `aligned` vectors say what is known of their alignment (else they claim none beyond that of an element).
    Parallel loops take `threads`, or run in sequence. `scalars` come before the table of scalar ops.
    """

    masks: bool = True
    aligned: bool = False
    threads: bool = True
    scalars: Mapping[type[Operation], Rule] = field(default_factory=_no_rules)


class Lowering:
    """A kernel, or the body of a parallel loop of it, on its way to an `llvm.func`.

    `rules` says how each op of a body is lowered. Scalars of the body are in `values` (a vector where they
    depend on the lane) or, constants, in `constants`.
    """

    def __init__(
        self,
        emitter: Emitter,
        rules: Rules,
        analysis: Analysis,
        outliner: Outliner,
        machine: Machine = Machine(),
    ) -> None:
        self.e = emitter
        self.rules = rules
        self.analysis = analysis
        self.outliner = outliner
        self.machine = machine
        self.scope: Scope = Scope()
        self.counters: dict[SSAValue, Counter] = {}
        self.values: dict[SSAValue, Value] = {}
        self.constants: dict[SSAValue, IntegerAttr | FloatAttr] = {}
        self.buffers: dict[SSAValue, Buffer] = {}
        self.registers: dict[SSAValue, RegisterBuffer] = {}
        self.lanes: Lanes | None = None
        self.pending: dict[object, Pending] = {}
        self.kept = Kept()
        self.worker: Value | None = None
        self.places: dict[AccessOp, FlatIndex] = {}
        self._depths: dict[Value, int] = dict.fromkeys(emitter.arguments, 0)
        self._integers: dict[int, Value] = {}

    # bodies

    def body(self, block: Block) -> None:
        """Emit the ops of a block, here and now."""
        for op in block.ops:
            rule = self.rules.get(type(op))
            if rule is None:
                raise error_at(
                    op, f"'{op.name}' cannot stand in a kernel that is lowered to llvm", code=codes.CANNOT_LOWER
                )
            self.e.location = op.location
            rule(self, op)

    @contextmanager
    def inside(self, op: Operation, *, conditional: bool = False, certain: bool = True) -> Generator[Scope]:
        """A new scope, which starts with the next op emitted; `op` is the loop or condition that it is."""
        outer = self.scope
        written = self.analysis.written(op)
        self.scope = Scope(outer.depth + 1, outer, self.e.mark(), written, conditional, certain)
        try:
            yield self.scope
        finally:
            self.scope.open = False
            self.scope = outer
            outer.forget(written)

    # values

    def outside(self, value: Value) -> None:
        """Note that a value of a scope that was left is seen in the current one."""
        if self._depths.get(value, self.scope.depth + 1) > self.scope.depth:
            self._depths[value] = self.scope.depth

    def depth(self, value: Value) -> int:
        """How deep the scope is that a value belongs to; what nobody noted belongs to the current one."""
        return self._depths.get(value, self.scope.depth)

    def known_outside(self, values: Iterable[Value]) -> None:
        """Note that values are there before the function starts."""
        self._depths.update(dict.fromkeys(values, 0))

    def known(self) -> Iterable[Value]:
        """All values whose scope was noted."""
        return self._depths

    def here(self, value: Value) -> Value:
        """Note that a value belongs to the current scope."""
        self._depths[value] = self.scope.depth
        return value

    def outermost(self, operands: Sequence[Value], may_leave: Callable[[Scope], bool]) -> tuple[Scope, Scope | None]:
        """The outermost scope in which `operands` are known, and the scope in it that the way here leads through.

        The way out goes through scopes that `may_leave` allows. The second is None for the current scope.
        """
        depth, here = 0, self.scope.depth
        for operand in operands:
            depth = max(depth, self._depths.get(operand, here))
        inner: Scope | None = None
        scope = self.scope
        while scope.depth > depth and scope.parent is not None and may_leave(scope):
            inner, scope = scope, scope.parent
        return scope, inner

    def emit_in(self, scope: Scope, inner: Scope | None, make: Callable[[], Value]) -> Value:
        """Emit in a scope that :meth:`outermost` found."""
        if inner is None:
            value = make()
        else:
            with self.e.at(inner.entry):
                value = make()
        self._depths[value] = scope.depth
        return value

    def pure(
        self, key: object, operands: Sequence[Value], make: Callable[[], Value], *, speculate: bool = True
    ) -> Value:
        """The value that `make` emits from `operands`, emitted once, before all loops that it does not depend on.

        Without `speculate` it stays inside the conditions around it.
        """
        scope, inner = self.outermost(operands, _always if speculate else _unconditional)
        outer: Scope | None = scope
        while outer is not None:
            if (found := outer.memo.get(key)) is not None:
                return found
            outer = outer.parent
        value = scope.memo[key] = self.emit_in(scope, inner, make)
        return value

    def local(self, key: object, make: Callable[[], Value]) -> Value:
        """The value that `make` emits, once in this scope."""
        if (found := self.scope.memo.get(key)) is None:
            found = self.scope.memo[key] = self.here(make())
        return found

    def set_value(self, source: SSAValue, value: Value) -> None:
        """Give a value of the body what it is now."""
        self.constants.pop(source, None)
        self.values[source] = value

    def set_constant(self, source: SSAValue, attr: IntegerAttr | FloatAttr) -> None:
        """Give a value of the body the constant that it is now."""
        self.values.pop(source, None)
        self.constants[source] = attr

    def is_vector(self, value: SSAValue) -> bool:
        """Whether a value of the body depends on the lane."""
        return value not in self.constants and type(self.values[value].type) is VectorType

    def value(self, source: SSAValue, width: int | None) -> Value:
        """A value of the body, in every lane of `width` where that is not None."""
        if (constant := self.constants.get(source)) is not None:
            type_ = register_type(source.type)
            return self.constant(constant, type_ if width is None else vector_type(type_, width))
        value = self.values[source]
        return value if width is None or type(value.type) is VectorType else self.splat(value, width)

    def constant(self, attr: IntegerAttr | FloatAttr, type_: Attribute) -> Value:
        """A constant, in every lane for a vector type."""
        value = self.e.number(attr.value.data, type_)
        self._depths[value] = 0
        return value

    def integer(self, number: int) -> Value:
        """An index constant."""
        if (value := self._integers.get(number)) is None:
            value = self._integers[number] = self.e.integer(number)
            self._depths[value] = 0
        return value

    def splat(self, value: Value, width: int) -> Value:
        """A scalar in every lane."""
        return self.pure(("splat", value, width), (value,), lambda: self.e.splat(value, width), speculate=False)

    # index arithmetic

    def counter(self, value: SSAValue) -> Counter:
        """What a counter or a symbol is now."""
        if (counter := self.counters.get(value)) is not None:
            return counter
        if (constant := self.constants.get(value)) is not None:
            assert isinstance(constant, IntegerAttr)
            return Counter(None, constant.value.data)
        return Counter(self.values[value])

    def form(self, form: Linear) -> Form:
        """What a linear form is now."""
        terms: list[tuple[Value, int]] = []
        constant, lane = form.constant, 0
        for source, factor in form.terms:
            counter = self.counter(source)
            constant += factor * counter.offset
            if counter.value is not None:
                terms.append((counter.value, factor))
            if counter.lane:
                lane = factor
        return Form(tuple(terms), constant, lane)

    def times(self, value: Value, factor: int | Value) -> Value:
        """An index times a factor."""
        if factor == 1:
            return value
        other = self.integer(factor) if isinstance(factor, int) else factor
        return self.pure(("mul", value, other), (value, other), lambda: self.e.mul_index(value, other))

    def plus(self, a: Value, b: Value) -> Value:
        """The sum of two indices."""
        return self.pure(("add", a, b), (a, b), lambda: self.e.add_index(a, b))

    def minus(self, a: Value, b: Value) -> Value:
        """The difference of two indices."""
        return self.pure(("sub", a, b), (a, b), lambda: self.e.sub_index(a, b))

    def least(self, a: Value, b: Value) -> Value:
        """The lesser of two indices."""
        return self.pure(("smin", a, b), (a, b), lambda: self.e.intrinsic("smin", (a, b), i64))

    def greatest(self, a: Value, b: Value) -> Value:
        """The greater of two indices."""
        return self.pure(("smax", a, b), (a, b), lambda: self.e.intrinsic("smax", (a, b), i64))

    def number(self, form: Form) -> Value | int:
        """The value of a form without its lane, an int where it is known; outermost terms are added first."""
        total: Value | None = None
        for value, factor in sorted(form.terms, key=lambda term: (self.depth(term[0]), term[1] < 0)):
            if total is None:
                total = self.times(value, factor)
            elif factor < 0:
                total = self.minus(total, self.times(value, -factor))
            else:
                total = self.plus(total, self.times(value, factor))
        if total is None:
            return form.constant
        return self.plus(total, self.integer(form.constant)) if form.constant else total

    def as_value(self, number: Value | int) -> Value:
        """An index as a value."""
        return self.integer(number) if isinstance(number, int) else number


def _always(scope: Scope) -> bool:
    return True


def _unconditional(scope: Scope) -> bool:
    return not scope.conditional
