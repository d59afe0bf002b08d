"""A smaller program that the same pass changes the answer of."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass

from weft.backends.signature import Signature
from weft.diagnostics import WeftError
from weft.driver.check_passes.cases import Case, Inputs, cases_of, public_functions
from weft.driver.check_passes.compare import Tolerance
from weft.driver.check_passes.execute import function_of, passed
from weft.driver.check_passes.judge import Judge, Wrong
from weft.driver.reduction import reduce
from weft.registry import context

_STEPS = 100
_SECONDS = 3.0
"""How often, and how long, a smaller program is looked for."""


class _Late(Exception):
    """The search has taken its time."""


@dataclass
class Shrinker:
    """Looks for a smaller program on which a pass goes wrong in NumPy; inputs go with the arguments that stay."""

    step: ModulePass
    judge: Judge
    tolerances: Mapping[str, Tolerance]
    values: dict[str, Any]
    name: str
    best: tuple[ModuleOp, Wrong] | None = None
    deadline: float = 0.0

    @staticmethod
    def of(
        step: ModulePass, judge: Judge, tolerances: Mapping[str, Tolerance], module: ModuleOp, case: Case
    ) -> Shrinker:
        """A shrinker for a case that went wrong."""
        signature, values = case.inputs.call
        if function_of(module, signature.name) is not None:
            signature, values = passed(module, signature, values)
        named = {spec.name: value for spec, value in zip(signature.arguments, values, strict=True)}
        return Shrinker(step, judge, tolerances, named, signature.name)

    def shrunk(self, module: ModuleOp) -> tuple[ModuleOp, Wrong] | None:
        """The smallest program found, and what is wrong with it; None where there is none smaller."""
        self.deadline = time.monotonic() + _SECONDS
        with suppress(WeftError, _Late):
            reduce(module, self._is_wrong, max_steps=_STEPS)
        return self.best

    def _is_wrong(self, module: ModuleOp) -> bool:
        if time.monotonic() > self.deadline:
            raise _Late
        before = module.clone()
        try:
            cases = self._cases(before)
            self.step.apply(context(allow_unregistered=True), module)
            module.verify()
            wrong = self.judge.judge(module, cases)
        except Exception:  # what a reduction leaves need not make sense to a pass, or to who runs it
            return False
        if wrong is None or wrong.in_machine_code:
            return False
        self.best = before, wrong
        return True

    def _cases(self, before: ModuleOp) -> list[Case]:
        given = [self._inputs(signature) for signature in public_functions(before) if signature.name == self.name]
        inputs = [one for one in given if one is not None]
        return cases_of(before, inputs, self.tolerances, self.judge.runner)

    def _inputs(self, signature: Signature) -> Inputs | None:
        """The values of the arguments that are left; None where one has another type now."""
        arguments = [self.values.get(spec.name) for spec in signature.arguments]
        for spec, value in zip(signature.arguments, arguments, strict=True):
            shape = np.shape(value) if value is not None else None
            fits = shape is not None and len(shape) == len(spec.dims)
            if not fits or any(d not in (None, n) for d, n in zip(spec.dims, shape or (), strict=True)):
                return None
            if spec.kind != "scalar" and np.asarray(value).dtype != spec.numpy_dtype:
                return None
        return Inputs(signature, arguments, "given")
