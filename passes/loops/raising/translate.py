"""Loops on memrefs written anew as `loop` ops, in a block that is to become a kernel.

Nothing of the program is changed: a loop that turns out to be unfit is left as it was.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import TypeAlias

from xdsl.dialects import affine, arith, memref, scf
from xdsl.dialects.builtin import IndexType, IntegerAttr, NoneAttr
from xdsl.ir import Attribute, Block, BlockArgument, Operation, SSAValue
from xdsl.rewriter import InsertPoint
from xdsl.utils.hints import isa

from weft.dialects import loop
from weft.dialects.loop import Linear
from weft.dialects.loop.base import is_element
from weft.dialects.purity import only_computes
from weft.passes.loops.buffers.types import Buffer
from weft.passes.loops.raising.forms import Forms, Inputs, Unfit
from weft.passes.loops.reify import constant_index
from weft.passes.rewriting import LocatedBuilder

Loop: TypeAlias = scf.ForOp | affine.ForOp

LETTERS = "ijklmnpqrstuvw"

MOST_COMPUTED = 12
"""A side of a condition with more ops than that is not computed where it is not chosen."""

_HARMLESS = (memref.LoadOp, affine.LoadOp, scf.YieldOp)
"""What else than arithmetic may stand in a side of a condition that is computed anyway."""


@dataclass
class Translation:
    """A nest under translation: `inputs.block` receives the kernel's ops."""

    inputs: Inputs
    forms: Forms
    results: list[BlockArgument] = field(default_factory=list[BlockArgument])
    """The buffers of the nest's results."""
    scalars: dict[SSAValue, SSAValue] = field(default_factory=dict[SSAValue, SSAValue])
    passed: dict[SSAValue, SSAValue] = field(default_factory=dict[SSAValue, SSAValue])
    """What a loop only passes on to a loop in it, before and after that: the buffer that both carry it in."""
    _labels: count[int] = field(default_factory=count)
    _states: count[int] = field(default_factory=count)

    @staticmethod
    def of(root: Loop) -> Translation:
        """Translate a nest. Raises :class:`Unfit` where that is not possible.

        A result of the nest is a buffer of one element, the first arguments of the kernel.
        """
        inputs = Inputs(root)
        made = Translation(inputs, Forms(inputs))
        if not all(is_element(result.type) for result in root.results):
            raise Unfit
        made.results = [
            inputs.block.insert_arg(Buffer(result.type, []), position) for position, result in enumerate(root.results)
        ]
        made.loop(root, LocatedBuilder(InsertPoint.at_end(inputs.block), root.location))
        return made

    def loop(self, op: Loop, builder: LocatedBuilder) -> None:
        """A loop, normalised to run from 0 by 1."""
        lower, uppers, step = self._range(op)
        trips = [_trip(upper - lower, step) for upper in uppers]
        number = next(self._labels)
        label = LETTERS[number % len(LETTERS)] + (str(number // len(LETTERS)) if number >= len(LETTERS) else "")
        inits = op.inits if isinstance(op, affine.ForOp) else op.iter_args
        top = self.results if op is self.inputs.root else [None] * len(inits)
        states = [self._state(init, buffer, builder) for init, buffer in zip(inits, top, strict=True)]
        made = loop.ForOp(label, trips)
        builder.insert(made)
        old = op.body.block
        self.forms.known[old.args[0]] = lower + Linear(((made.counter, 1),)) * step
        body = LocatedBuilder(InsertPoint.at_end(made.block), op.location)
        for state, argument in zip(states, old.args[1:], strict=True):
            if _passed_on(argument):
                self.passed[argument] = state
            else:
                self.scalars[argument] = body.insert(loop.LoadOp(state, [])).result
        self.block(old, body)
        carried = old.last_op.operands if old.last_op is not None else ()
        kept = [(state, value) for state, value in zip(states, carried, strict=False) if value not in self.passed]
        for state, value in [(state, self._scalar(value, body)) for state, value in kept]:
            body.insert(loop.StoreOp(value, state, []))
        for state, init, result in zip(states, inits, op.results, strict=True):
            if init in self.passed:
                self.passed[result] = state
            elif op is not self.inputs.root:
                self.scalars[result] = builder.insert(loop.LoadOp(state, [])).result

    def _state(self, value: SSAValue, buffer: SSAValue | None, builder: LocatedBuilder) -> SSAValue:
        """The buffer of a scalar that a loop carries, fresh where none is given, with its first value in it.

        What the loop around only passes on to this one stays in that loop's buffer.
        """
        if not is_element(value.type):
            raise Unfit
        if value in self.passed:
            return self.passed[value]
        made = loop.AllocOp("reg", f"carried{next(self._states)}", Buffer(value.type, []))
        state = builder.insert(made).result if buffer is None else buffer
        builder.insert(loop.StoreOp(self._scalar(value, builder), state, []))
        return state

    def _range(self, op: Loop) -> tuple[Linear, list[Linear], int]:
        """Where a loop starts, the bounds of which the least ends it, and its step."""
        if isinstance(op, affine.ForOp):
            lowers = self.forms.of_map(op.lowerBoundMap.data, op.lowerBoundOperands)
            uppers = self.forms.of_map(op.upperBoundMap.data, op.upperBoundOperands)
            step = op.step.value.data
        else:
            step = constant_index(op.step)
            if not isinstance(op.lb.type, IndexType) or step is None:
                raise Unfit
            lowers, uppers = [self.forms.of(op.lb)], [self.forms.of(op.ub)]
        if len(lowers) != 1 or step <= 0:
            raise Unfit
        return lowers[0], uppers, step

    def block(self, block: Block, builder: LocatedBuilder) -> None:
        """The ops of a loop's body."""
        for op in block.ops:
            builder.location = op.location
            match op:
                case scf.ForOp() | affine.ForOp():
                    self.loop(op, builder)
                case scf.YieldOp() | affine.YieldOp():
                    pass
                case memref.LoadOp():
                    forms = [self.forms.of(index) for index in op.indices]
                    self._load(op, op.memref, forms, builder)
                case affine.LoadOp():
                    self._load(op, op.memref, self.forms.of_map(op.map.data, op.indices), builder)
                case memref.StoreOp():
                    forms = [self.forms.of(index) for index in op.indices]
                    self._store(op.value, op.memref, forms, builder)
                case affine.StoreOp():
                    forms = self.forms.of_map(op.map.data, op.indices)
                    self._store(op.value, op.memref, forms, builder)
                case scf.IfOp():
                    self._choice(op, builder)
                case _:
                    self._scalar_op(op, builder)

    def _choice(self, op: scf.IfOp, builder: LocatedBuilder) -> None:
        """A condition that only chooses between values: both are computed. Their accesses are checked as all are."""
        regions = (op.true_region, op.false_region)
        if not op.results or any(len(region.block.ops) > MOST_COMPUTED for region in regions):
            raise Unfit
        if not all(only_computes(inner) or isinstance(inner, _HARMLESS) for r in regions for inner in r.block.ops):
            raise Unfit
        if not all(is_element(result.type) for result in op.results):
            raise Unfit
        condition, sides = self._scalar(op.cond, builder), list[list[SSAValue]]()
        for region in regions:
            self.block(region.block, builder)
            end = region.block.last_op
            sides.append([self._scalar(value, builder) for value in end.operands] if end is not None else [])
        for result, yes, no in zip(op.results, *sides, strict=True):
            self.scalars[result] = builder.insert(arith.SelectOp(condition, yes, no)).result

    def _load(
        self, op: memref.LoadOp | affine.LoadOp, buffer: SSAValue, index: list[Linear], builder: LocatedBuilder
    ) -> None:
        made = builder.insert(loop.LoadOp(self._buffer(buffer), index))
        self.scalars[op.results[0]] = made.result

    def _store(self, value: SSAValue, buffer: SSAValue, index: list[Linear], builder: LocatedBuilder) -> None:
        builder.insert(loop.StoreOp(self._scalar(value, builder), self._buffer(buffer), index))

    def _buffer(self, value: SSAValue) -> SSAValue:
        type_ = value.type
        if not isa(type_, Buffer) or not is_element(type_.element_type):
            raise Unfit
        if type_.get_strides() is None or not isinstance(type_.memory_space, NoneAttr):
            raise Unfit
        return self.inputs.argument(value)

    def _scalar_op(self, op: Operation, builder: LocatedBuilder) -> None:
        """An op of a body: index arithmetic is read where it is used, scalar arithmetic is done again."""
        if self._is_linear(op):
            return
        fits = op.dialect_name() in ("arith", "math") and only_computes(op) and not op.regions
        if not fits or not all(is_element(value.type) for value in (*op.operands, *op.results)):
            raise Unfit
        made = type(op).create(
            operands=[self._scalar(value, builder) for value in op.operands],
            result_types=[value.type for value in op.results],
            properties=op.properties,
            attributes=op.attributes,
        )
        builder.insert(made)
        self.scalars.update(zip(op.results, made.results, strict=True))

    def _is_linear(self, op: Operation) -> bool:
        if len(op.results) != 1 or not isinstance(op.results[0].type, IndexType):
            return False
        try:
            self.forms.of(op.results[0])
        except Unfit:
            return False
        return True

    def _scalar(self, value: SSAValue, builder: LocatedBuilder) -> SSAValue:
        """A scalar in the kernel: computed there, a counter, a constant of the host, or an argument."""
        if value in self.scalars:
            return self.scalars[value]
        if value in self.forms.known and not self.inputs.is_outside(value):
            return self._index(self.forms.known[value], value.type, builder)
        if not self.inputs.is_outside(value) or not is_element(value.type):
            raise Unfit
        if isinstance(value.owner, arith.ConstantOp):
            first = self.inputs.block.first_op
            at = InsertPoint.before(first) if first is not None else InsertPoint.at_end(self.inputs.block)
            copy = value.owner.clone()
            self.scalars[value] = LocatedBuilder(at, value.owner.location).insert(copy).result
            return self.scalars[value]
        return self.inputs.argument(value)

    def _index(self, form: Linear, type_: Attribute, builder: LocatedBuilder) -> SSAValue:
        if form.is_constant:
            return builder.insert(arith.ConstantOp(IntegerAttr(form.constant, IndexType()))).result
        return builder.insert(loop.IndexOp(form)).result


def _passed_on(argument: SSAValue) -> bool:
    """Whether all that a loop does with what it carries is to let a loop in it go on from there."""
    uses, block = list(argument.uses), argument.owner
    if len(uses) != 1 or not isinstance(inner := uses[0].operation, scf.ForOp | affine.ForOp):
        return False
    if not isinstance(block, Block) or not isinstance(argument, BlockArgument) or inner.parent is not block:
        return False
    first = len(inner.operands) - len(inner.results)
    number = uses[0].index - first
    if number < 0 or (last := block.last_op) is None:
        return False
    result = inner.results[number]
    return last.operands[argument.index - 1] is result and result.has_one_use()


def _trip(distance: Linear, step: int) -> Linear:
    """How often a loop runs over a distance. Raises :class:`Unfit` where that is not linear."""
    if step == 1:
        return distance
    if not distance.is_constant:
        raise Unfit
    return Linear((), -(-distance.constant // step))


def names(arguments: Sequence[SSAValue]) -> list[str]:
    """A name for each argument of a kernel, all different."""
    found: list[str] = []
    for position, argument in enumerate(arguments):
        name = argument.name_hint or f"arg{position}"
        found.append(name if name not in found else f"{name}.{position}")
    return found
