"""Which values depend on what is differentiated, and which ones the result depends on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import cast

from xdsl.dialects import scf
from xdsl.ir import Block, BlockArgument, Operation, OpResult, SSAValue

from weft import codes
from weft.dialects.locations import error_at
from weft.dialects.ml.dtypes import Kind, kind_of
from weft.passes.graph.gradients.terms import element_of, is_differentiable

BRANCHES = (scf.IfOp, scf.IndexSwitchOp, scf.ExecuteRegionOp)
"""Ops one of whose regions runs, once; what it yields are their results."""


def yielded(block: Block) -> tuple[SSAValue, ...]:
    """What a block yields."""
    return tuple(cast(Operation, block.last_op).operands)


def blocks_of(op: Operation) -> Iterator[Block]:
    """The blocks of an op's regions."""
    for region in op.regions:
        yield from region.blocks


def captured(op: Operation) -> list[SSAValue]:
    """The values that the regions of an op use and that come from outside, each once, in order of use."""
    inside: set[Block] = {block for inner in op.walk() for block in blocks_of(inner)}
    used = (operand for block in blocks_of(op) for inner in block.walk() for operand in inner.operands)
    return list(dict.fromkeys(value for value in used if _home(value) not in inside))


def _home(value: SSAValue) -> Block | None:
    return value.owner if isinstance(value.owner, Block) else value.owner.parent


class Activity:
    """What varies: the values through which a change of some values reaches others.

    `constant` are the op classes whose results never vary: they are constant wherever they have a derivative.
    """

    def __init__(self, values: Iterable[SSAValue], constant: frozenset[type[Operation]]) -> None:
        self.varied = set(values)
        self._constant = constant

    def follow(self, block: Block) -> None:
        """Find what varies in a block, and in the regions inside it."""
        for op in block.ops:
            if isinstance(op, scf.ForOp):
                self._loop(op)
            elif isinstance(op, BRANCHES):
                self._branches(op)
            elif type(op) not in self._constant and self.reaches(op):
                _refuse_complex(op)
                self._mark(op.results)

    def reaches(self, op: Operation) -> bool:
        """Whether an operand of an op, or a value that its regions use, varies."""
        return any(value in self.varied for value in (*op.operands, *captured(op)))

    def _mark(self, values: Iterable[SSAValue]) -> None:
        self.varied.update(value for value in values if is_differentiable(value.type))

    def _loop(self, op: scf.ForOp) -> None:
        block = op.body.block
        states = block.args[1:]
        self._mark(state for state, init in zip(states, op.iter_args, strict=True) if init in self.varied)
        before = -1
        while before != len(self.varied):
            before = len(self.varied)
            self.follow(block)
            ends = zip(states, yielded(block), strict=True)
            self._mark(state for state, end in ends if end in self.varied)
        self._mark(result for result, state in zip(op.results, states, strict=True) if state in self.varied)

    def _branches(self, op: Operation) -> None:
        for block in blocks_of(op):
            self.follow(block)
            ends = zip(op.results, yielded(block), strict=False)
            self._mark(result for result, end in ends if end in self.varied)


def _refuse_complex(op: Operation) -> None:
    """Raise WeftError where what is differentiated goes into complex numbers."""
    if any(kind_of(element_of(result.type)) is Kind.COMPLEX for result in op.results):
        message = f"{op.name} has no gradient: its result is {op.results[0].type}"
        hint = "real and imaginary parts, as tensors of floats, have gradients"
        raise error_at(op, message, hint, code=codes.NO_GRADIENT)


def useful_states(op: scf.ForOp, results: Iterable[int], varied: set[SSAValue]) -> list[int]:
    """The carried values of a loop, by position, that vary and on which the given results depend."""
    block = op.body.block
    states, ends = block.args[1:], yielded(block)
    useful, work = set(results), list(results)
    while work:
        for state in _sources(ends[work.pop()], block, varied):
            if (position := state.index - 1) not in useful and state in varied:
                useful.add(position)
                work.append(position)
    return sorted(position for position in useful if states[position] in varied)


def _sources(value: SSAValue, block: Block, varied: set[SSAValue]) -> list[BlockArgument]:
    """The arguments of a block on which a value inside it depends through values that vary."""
    seen, work, found = {value}, [value], list[BlockArgument]()
    while work:
        current = work.pop()
        if isinstance(current, BlockArgument) and current.owner is block:
            found.append(current)
        elif isinstance(current, OpResult) and current.op.parent is block:
            for operand in (*current.op.operands, *captured(current.op)):
                if operand not in seen and operand in varied:
                    seen.add(operand)
                    work.append(operand)
    return found
