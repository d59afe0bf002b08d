"""The instrument behind `--check-passes`."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Block, Operation, Region
from xdsl.passes import ModulePass

from weft import codes
from weft.backends.signature import Signature
from weft.diagnostics import UNKNOWN, Diagnostic, WeftError
from weft.driver.check_passes.bisect import Culprit, culprit
from weft.driver.check_passes.cases import Case, Inputs, cases_of, made_inputs, public_functions
from weft.driver.check_passes.judge import Judge, Wrong
from weft.driver.check_passes.machine_code import is_llvm
from weft.driver.check_passes.options import CheckOptions
from weft.driver.check_passes.reproducer import write_reproducer
from weft.driver.check_passes.runner import Runner
from weft.driver.check_passes.shrink import Shrinker
from weft.driver.gradients import with_gradients
from weft.driver.inputs import given_values
from weft.driver.instruments import Quiet
from weft.driver.program import find_entry
from weft.driver.signatures import signature_of


@dataclass
class CheckPasses(Quiet):
    """Runs every public function around every pass, and names the first pass that changes an answer.

    A function runs in NumPy where that is quick, else as machine code that a plain lowering makes of it, in a child
    process. Inputs on which the program fails at first are left out, and what is done with memory that nobody wrote.
    A difference is bisected to a rewrite of the pass where it counts them, and written to a file that reproduces it.
    """

    options: CheckOptions = field(default_factory=CheckOptions)
    remarks: list[str] = field(default_factory=list[str])
    _root: ModuleOp | None = None
    _cases: dict[ModuleOp, list[Case]] = field(default_factory=dict[ModuleOp, list[Case]])
    _before: ModuleOp | None = None
    _doubtful: list[ModulePass] = field(default_factory=list[ModulePass])
    _start: ModuleOp | None = None

    @property
    def _runner(self) -> Runner:
        return Runner(seconds=self.options.seconds)

    def begin(self, module: ModuleOp) -> None:
        """Take the answers of a module that no pass has changed yet."""
        self._root, self._cases, self._doubtful = module, {}, []
        self._cases[module] = self._taken(module)
        if not self._cases[module]:
            self._remark("not checked: there is no public function that runs to its end on the inputs that were made")

    def before(self, step: ModulePass, op: Operation) -> None:
        """Keep the module as it is."""
        assert isinstance(op, ModuleOp)
        if op.parent is not None and op not in self._cases:
            self._cases[op] = self._taken(op)
        self._before = self._whole(op).clone()

    def after(self, step: ModulePass, op: Operation) -> None:
        """Compare. Raises :class:`WeftError` where the pass changed the answer."""
        assert isinstance(op, ModuleOp) and self._before is not None and self._root is not None
        now = self._whole(op)
        cases = self._cases[op if op.parent is not None else self._root]
        if not cases or now.is_structurally_equivalent(self._before):
            return
        judge = Judge(self._runner)
        wrong = judge.judge(now, cases)
        if judge.unchecked is not None:
            self._remark(f"not checked after '{step.name}': {judge.unchecked}")
        if wrong is not None and self._is_to_blame(step, judge, wrong, now):
            raise self._blame(judge, wrong)

    def report(self) -> str:
        """What was not checked, as remarks; empty where everything was."""
        return "\n".join(f"remark: {remark}" for remark in self.remarks)

    def _remark(self, text: str) -> None:
        if text not in self.remarks:
            self.remarks.append(text)

    def _whole(self, op: ModuleOp) -> ModuleOp:
        """The module that runs: the one that the passes started with, where they see a part of it alone."""
        root = self._root
        if root is None or op is root or op.parent is not None:
            return op
        whole = ModuleOp(Region(Block([inner.clone() for inner in (*op.ops, *root.ops)])), root.attributes)
        whole.location = root.location
        return whole

    def _taken(self, module: ModuleOp) -> list[Case]:
        """The cases of every function that can be called; of the entry alone where inputs are given for it."""
        options, module = self.options, with_gradients(module).clone()
        signatures = list(public_functions(module))
        if options.inputs or options.entry is not None:
            signatures = [signature_of(find_entry(module, options.entry))]
        if options.values:
            signatures = [signature for signature in signatures if signature.name in options.values]
        made: list[Inputs] = []
        for signature in signatures:
            if (given := self._given(signature)) is not None:
                made.append(Inputs(signature, given, "given"))
            if not ((options.inputs or options.values) and options.only_given):
                made += made_inputs(module, signature, options.seed, self._runner)
        cases = cases_of(module, made, options.tolerances, self._runner)
        for one in made:
            if one.kind == "given" and not any(case.inputs is one for case in cases):
                self._remark(f"not checked on the given inputs: @{one.signature.name} does not run to its end on them")
        return cases

    def _given(self, signature: Signature) -> list[Any] | None:
        """The values that the user gives, else the examples that the program names; None where there are none."""
        options = self.options
        if signature.name in options.values:
            return list(options.values[signature.name])
        try:
            folder = options.examples or Path()
            return given_values(signature, options.inputs, folder, examples=options.examples is not None)
        except WeftError:
            if options.inputs:
                raise
            return None

    def _is_to_blame(self, step: ModulePass, judge: Judge, wrong: Wrong, now: ModuleOp) -> bool:
        """Whether it is known which pass is wrong: this one, and not the lowering that finishes the module to run it.

        Where that stays open, the passes since the last stop that NumPy found right are kept as doubtful; they are
        to blame together when nothing is left to be finished.
        """
        assert self._before is not None
        right = judge.is_right_in_numpy(now, wrong.case) if wrong.in_machine_code and not is_llvm(now) else None
        known = not wrong.in_machine_code or right is False
        if known or (right is None and judge.again(self._before, wrong) is None):
            self._doubtful, self._start = [step], self._before
            return True
        if right:
            self._doubtful = []
        else:
            self._start = self._start if self._doubtful else self._before
            self._doubtful.append(step)
        if right or not is_llvm(now):
            self._remark(f"after '{step.name}', the plain lowering that finishes the program goes wrong: {wrong.what}")
            return False
        return True

    def _blame(self, judge: Judge, wrong: Wrong) -> WeftError:
        """The error that names the doubtful passes, once the file is written that shows it again."""
        steps, before, case = self._doubtful, self._start, wrong.case
        assert before is not None
        names = [step.name for step in steps]
        first = self._culprit(steps[0], before, judge, wrong) if len(steps) == 1 else None
        shown = wrong
        if len(steps) == 1 and not wrong.in_machine_code and not self.options.replaying:
            shrinker = Shrinker.of(steps[0], judge, self.options.tolerances, before, case)
            before, shown = shrinker.shrunk(before) or (before, wrong)
        range_ = f"pass '{names[0]}'" + (f", or one from there to '{names[-1]}'," if len(steps) > 1 else "")
        message = f"{range_} changed the answer of @{case.name}: {wrong.what}"
        path = self.options.reproducer or self.options.folder / f"check-{names[0]}.mlir"
        told = [message] if first is None else [message, str(first)]
        if not self.options.replaying:
            write_reproducer(path, before, steps, shown.case, told, self.options.seconds)
        notes = () if first is None else (Diagnostic(f"by {first}", UNKNOWN, "note"),)
        hint = None if self.options.replaying else f"weft opt --run-reproducer '{path}' shows it again"
        return WeftError(message, UNKNOWN, hint=hint, notes=notes, code=codes.MEANING_CHANGED)

    def _culprit(self, step: ModulePass, before: ModuleOp, judge: Judge, wrong: Wrong) -> Culprit | None:
        try:
            return culprit(step, before, lambda module: judge.again(module, wrong) is not None)
        except Exception:  # a pass that is stopped half-way may leave what the next part of it cannot take
            return None
