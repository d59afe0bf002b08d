"""Whether a stop of the road gives the answers of the first."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from xdsl.dialects.builtin import ModuleOp

from weft.driver.check_passes.cases import Case
from weft.driver.check_passes.child import Ended
from weft.driver.check_passes.execute import Budget
from weft.driver.check_passes.machine_code import Refused, is_llvm
from weft.driver.check_passes.runner import Runner, in_numpy
from weft.driver.gradients import with_gradients

_PATIENCE = 100
"""A call that was this much quicker than the limit at the last stop, and does not end now, hangs."""

_CAREFUL = 20
"""How much more may be run in NumPy where that decides who is to blame."""


@dataclass(frozen=True)
class Wrong:
    """A case that gives another answer now, or none; seen in NumPy or in machine code."""

    case: Case
    what: str
    in_machine_code: bool


@dataclass
class Judge:
    """Runs cases at one stop after the other."""

    runner: Runner
    unchecked: str | None = None
    """Why the last module could not be judged in full."""

    def judge(self, module: ModuleOp, cases: Sequence[Case]) -> Wrong | None:
        """The first wrong case of a module."""
        self.unchecked, module = None, with_gradients(module)
        late: list[Case] = []
        budget = Budget(self.runner.ops)
        for case in cases:
            found = in_numpy(module, case.inputs.call, budget)
            if found is None:
                late.append(case)
            elif (what := case.wrong(found)) is not None:
                return Wrong(case, what, False)
        return self.judge_machine_code(module, late) if late else None

    def judge_machine_code(self, module: ModuleOp, cases: Sequence[Case]) -> Wrong | None:
        """The first wrong case of a module that a plain lowering finishes."""
        results = self.runner.as_machine_code(module, [case.inputs.call for case in cases])
        for case in cases:
            start = time.monotonic()
            found = next(results, None)
            if found is None or (isinstance(found, Refused) and not is_llvm(module)):
                self.unchecked = found or "the child process ended"
                return None
            if isinstance(found, Ended) and found.hangs and case.seconds * _PATIENCE > self.runner.seconds:
                self.unchecked = f"@{case.name} takes too long"
                return None
            if (what := case.wrong(found)) is not None:
                return Wrong(case, what, True)
            case.seconds = time.monotonic() - start
        return None

    def again(self, module: ModuleOp, wrong: Wrong) -> str | None:
        """What is wrong with the same case, seen in the same way, at another stop."""
        if wrong.in_machine_code:
            found = self.judge_machine_code(module, [wrong.case])
            return None if found is None else found.what
        seen = in_numpy(with_gradients(module), wrong.case.inputs.call, Budget(self.runner.ops * _CAREFUL))
        return None if seen is None else wrong.case.wrong(seen)

    def is_right_in_numpy(self, module: ModuleOp, case: Case) -> bool | None:
        """Whether a case is right; None where NumPy cannot tell, not even in a long time."""
        found = in_numpy(with_gradients(module), case.inputs.call, Budget(self.runner.ops * _CAREFUL))
        return None if found is None else case.wrong(found) is None
