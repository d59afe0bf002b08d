"""The instrument behind `--check-passes`."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from xdsl.dialects import func
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation
from xdsl.passes import ModulePass

from weft import codes
from weft.backends.signature import Signature
from weft.diagnostics import UNKNOWN, WeftError
from weft.driver.check_passes.compare import difference
from weft.driver.check_passes.execute import execute, function_of, is_lowered
from weft.driver.check_passes.inputs import inputs_of, too_large
from weft.driver.gradients import with_gradients
from weft.driver.instruments import Quiet
from weft.driver.options import options_of
from weft.driver.pipeline import Step
from weft.driver.printing import print_module
from weft.driver.signatures import signature_of


@dataclass
class _Case:
    """A function, arguments, and the answer that every later stop must give."""

    signature: Signature
    arguments: list[Any]
    answer: list[Any]


@dataclass
class CheckPasses(Quiet):
    """Runs every public function around every pass, in NumPy, and names the first pass that changes an answer.

    Inputs on which the program fails at first are left out; so are programs of great arguments, and the llvm stop.
    The passes after which nothing could be run are in `unchecked`. The file that
    reproduces a difference is written to `folder`.
    """

    seed: int = 0
    folder: Path = Path()
    unchecked: list[str] = field(default_factory=list[str])
    _op: Operation | None = None
    _text: str = ""
    _cases: list[_Case] = field(default_factory=list[_Case])

    def before(self, step: ModulePass, op: Operation) -> None:
        """Take the answers of a module that was not seen yet."""
        if op is not self._op and isinstance(op, ModuleOp):
            self._op, self._cases = op, _cases(with_gradients(op), self.seed)
        self._text = print_module(op, keep_names=True)

    def after(self, step: ModulePass, op: Operation) -> None:
        """Compare. Raises :class:`WeftError` where the pass changed the answer."""
        assert isinstance(op, ModuleOp)
        if not self._cases or is_lowered(op):
            self.unchecked.append(step.name)
            return
        for case in self._cases:
            function = function_of(op, case.signature.name)
            if function is None:
                continue
            try:
                changed = difference(case.answer, execute(op, function, case.signature, case.arguments))
            except WeftError as error:
                changed = f"it fails now: {error.message}"
            if changed is not None:
                raise self._blame(step, case, changed)

    def report(self) -> str:
        """What was not checked, as a remark; empty where everything was."""
        return f"remark: not checked: {', '.join(self.unchecked)}" if self.unchecked else ""

    def _blame(self, step: ModulePass, case: _Case, changed: str) -> WeftError:
        name = f"builtin.module({Step(step.name, options_of(step))})"
        path = self.folder / f"check-{step.name}.mlir"
        head = f"// RUN: weft opt --check-passes --check-seed={self.seed} --pass-pipeline='{name}' %s\n"
        told = "".join(f"// {line}\n" for line in [changed, *str(case.arguments).splitlines()])
        try:
            path.write_text(head + told + self._text, encoding="utf-8")
        except OSError as error:
            raise WeftError(f"cannot open output file '{path}': {error.strerror}", code=codes.CANNOT_WRITE) from None
        message = f"pass '{step.name}' changed the answer of @{case.signature.name}: {changed}"
        return WeftError(message, UNKNOWN, hint=f"'{path}' reproduces it", code=codes.MEANING_CHANGED)


def _cases(module: ModuleOp, seed: int) -> list[_Case]:
    cases: list[_Case] = []
    for op in module.body.block.ops:
        if not isinstance(op, func.FuncOp) or op.is_declaration:
            continue
        if op.sym_visibility is not None and op.sym_visibility.data == "private":
            continue
        try:
            signature = signature_of(op)
            if too_large(signature):
                continue
        except WeftError:
            continue
        for arguments in inputs_of(signature, seed):
            try:
                answer = execute(module, op, signature, arguments)
            except WeftError:
                continue
            cases.append(_Case(signature, arguments, answer))
    return cases
