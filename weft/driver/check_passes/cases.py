"""What a module gives before any pass: the cases that every later stop is held to."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from xdsl.dialects import func
from xdsl.dialects.builtin import AnyFloat, ModuleOp, ShapedType
from xdsl.ir import Attribute

from weft.backends.signature import Signature
from weft.diagnostics import WeftError
from weft.dialects.ml.dtypes import part_of
from weft.driver.check_passes.compare import Answer, Tolerance, answer_of, coarsest, difference, shaken, undecided
from weft.driver.check_passes.execute import Budget
from weft.driver.check_passes.inputs import inputs_of, kinds_of, too_large
from weft.driver.check_passes.jitter import jitters, scaled
from weft.driver.check_passes.machine_code import Call, Found
from weft.driver.check_passes.rounding import Rounding
from weft.driver.check_passes.runner import Runner, in_numpy
from weft.driver.check_passes.sizes import Sizes, choices
from weft.driver.signatures import signature_of
from weft.passes.graph.roles import Role, role_of

_SOFT = 100_000
"""How many ops may run where an answer is looked at once more."""

FRESH = ("memref.alloc", "memref.alloca", "loop.alloc", "tensor.empty", "bufferization.alloc_tensor")
"""Ops whose memory nobody has written yet."""

EXTREME = "extreme"

_PLAIN = ("builtin", "func", "ml", "arith", "math", "tensor", "cf")
"""Dialects in which an element of a result is made of few others, but for heavy ops of `ml`."""


@dataclass
class Inputs:
    """Arguments for a function, and of which kind they are (`given` by the user, or one that is made)."""

    signature: Signature
    arguments: list[Any]
    kind: str

    @property
    def call(self) -> Call:
        """The call of the function with these arguments."""
        return self.signature, self.arguments

    @property
    def elements(self) -> int:
        """How many elements there are in the arguments."""
        return sum(np.size(value) for value in self.arguments)


@dataclass
class Case:
    """A call, what it gives, and how near to that a later stop must come."""

    inputs: Inputs
    answer: Answer
    tolerance: Tolerance
    module: ModuleOp
    """The module before any pass."""
    seconds: float = 0.0
    softened: bool = False

    @property
    def name(self) -> str:
        """The name of the function."""
        return self.inputs.signature.name

    def wrong(self, found: Found) -> str | None:
        """What is wrong with what a later stop gives; None where nothing is, or where rounding alone decides it."""
        what = self._wrong(found)
        if what is not None and not self.softened:
            self.soften()
            what = self._wrong(found)
        return what

    def soften(self) -> None:
        """Hold the answer less strictly where it changes with the way in which ops round."""
        self.softened = True
        runs = [in_numpy(self.module, self.inputs.call, Budget(_SOFT), rounding=Rounding(seed)) for seed in range(3)]
        softer = shaken(self.answer, [run for run in runs if isinstance(run, list)])
        self.answer = undecided(self.answer, softer, self.tolerance)

    def _wrong(self, found: Found) -> str | None:
        if isinstance(found, list):
            return difference(self.answer, found, self.tolerance, finite=self.inputs.kind == EXTREME)
        if isinstance(found, str):
            return f"it fails now: {found}"
        return found.how


def public_functions(module: ModuleOp) -> Iterator[Signature]:
    """The functions of a module that can be called."""
    for op in module.body.block.ops:
        is_private = (
            isinstance(op, func.FuncOp) and op.sym_visibility is not None and op.sym_visibility.data == "private"
        )
        if isinstance(op, func.FuncOp) and not op.is_declaration and not is_private:
            try:
                yield signature_of(op)
            except WeftError:
                continue


def made_inputs(module: ModuleOp, signature: Signature, seed: int, runner: Runner) -> list[Inputs]:
    """Inputs for a function, made from its types; the small ones first."""

    def works(sizes: Sizes) -> bool:
        arguments = inputs_of(signature, seed, sizes, "plain")
        return isinstance(in_numpy(module, (signature, arguments), Budget(runner.ops)), list)

    kinds = [kind for kind in kinds_of(signature) if kind != EXTREME or is_pointwise(module)]
    made = [
        Inputs(signature, inputs_of(signature, seed, sizes, kind), kind)
        for sizes in choices(signature, works)
        if not too_large(signature, sizes)
        for kind in kinds
    ]
    return sorted(made, key=lambda inputs: inputs.elements)


def cases_of(
    module: ModuleOp, inputs: Sequence[Inputs], tolerances: Mapping[str, Tolerance], runner: Runner
) -> list[Case]:
    """A case for all inputs on which the module runs to its end."""
    tolerance = coarsest(tolerances, float_types(module))
    fresh = any(op.name in FRESH for op in module.walk())
    cases: list[Case] = []
    late: list[Inputs] = []
    for one in inputs:
        budget = Budget(runner.ops)
        runs: list[Found | None] = [in_numpy(module, call, budget) for call in _variants(one)]
        if runs[0] is None:
            late.append(one)
            continue
        refilled = in_numpy(module, one.call, budget, 0) if fresh else runs[0]
        if (case := _case(module, one, runs, refilled, tolerance)) is not None:
            cases.append(case)
    return cases + _late_cases(module, late, tolerance, runner)


def _late_cases(module: ModuleOp, inputs: Sequence[Inputs], tolerance: Tolerance, runner: Runner) -> list[Case]:
    """Cases whose answers machine code gives."""
    calls = [call for one in inputs for call in _variants(one)]
    if not calls:
        return []
    found = runner.as_machine_code(module, calls)
    cases: list[Case] = []
    for one in inputs:
        start = time.monotonic()
        runs: list[Found | None] = [next(found, None) for _ in _variants(one)]
        case = _case(module, one, runs, runs[0], tolerance)
        if case is not None:
            case.seconds = time.monotonic() - start
            cases.append(case)
    return cases


def _variants(inputs: Inputs) -> list[Call]:
    """The call itself, with jittered inputs, and with scaled ones where they are extreme."""
    signature, arguments = inputs.call
    calls: list[Call] = [inputs.call]
    if any(spec.numpy_dtype.kind not in "biu" for spec in signature.arguments):
        calls += [(signature, moved) for moved in jitters(signature, arguments)]
        if inputs.kind == EXTREME:
            calls.append((signature, scaled(signature, arguments)))
    return calls


def _case(
    module: ModuleOp, inputs: Inputs, runs: Sequence[Found | None], refilled: Found | None, tolerance: Tolerance
) -> Case | None:
    """The case of some inputs; None where the program, or weft, does not get to the end on all of them."""
    good = [[np.asarray(value) for value in run] for run in runs if isinstance(run, list)]
    if len(good) < len(runs) or not isinstance(refilled, list):
        return None
    smaller = good.pop() if inputs.kind == EXTREME and len(good) > 1 else None
    again = [np.asarray(value) for value in refilled]
    return Case(inputs, answer_of(good[0], again, good[1:], smaller), tolerance, module)


def is_pointwise(module: ModuleOp) -> bool:
    """Whether no sum is made whose order is free: of the greatest numbers, one order overflows and another does not."""
    return all(op.name.partition(".")[0] in _PLAIN and role_of(op) is not Role.HEAVY for op in module.walk())


def float_types(module: ModuleOp) -> set[str]:
    """The names of the float types of a module's values."""
    types = {result.type for op in module.walk() for result in op.results}
    types |= {
        arg.type for op in module.walk() for region in op.regions for block in region.blocks for arg in block.args
    }
    return {str(element) for type_ in types if isinstance(element := _element(type_), AnyFloat)}


def _element(type_: Attribute) -> Attribute:
    element = getattr(type_, "element_type", None)
    element = element if isinstance(type_, ShapedType) and isinstance(element, Attribute) else type_
    return part_of(element)
