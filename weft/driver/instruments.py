"""What watches a pipeline while it runs: dumps of the IR, timing, statistics."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation
from xdsl.passes import ModulePass

from weft import codes
from weft.diagnostics import WeftError


class Instrument(Protocol):
    """Called before a pipeline, and around every pass, with the op that the pass runs on."""

    def begin(self, module: ModuleOp) -> None:
        """Before the first pass, with the whole module."""

    def before(self, step: ModulePass, op: Operation) -> None:
        """Before the pass runs."""

    def after(self, step: ModulePass, op: Operation) -> None:
        """After it ran and the op verified."""

    def failed(self, step: ModulePass, op: Operation) -> None:
        """When it raised, or left what does not verify."""


class Quiet:
    """An instrument that does nothing; a base for those that do little."""

    def begin(self, module: ModuleOp) -> None:
        """Nothing."""

    def before(self, step: ModulePass, op: Operation) -> None:
        """Nothing."""

    def after(self, step: ModulePass, op: Operation) -> None:
        """Nothing."""

    def failed(self, step: ModulePass, op: Operation) -> None:
        """Nothing."""


@dataclass
class IrDumps(Quiet):
    """Dumps of the IR around passes, to stderr or as a tree of files.

    `chosen_before` and `chosen_after` hold pass names, or `*` for all.
    """

    text: Callable[[Operation], str]
    chosen_before: frozenset[str] = frozenset()
    chosen_after: frozenset[str] = frozenset()
    only_changes: bool = False
    only_failures: bool = False
    tree: Path | None = None
    _last: str | None = None
    _count: int = 0

    def before(self, step: ModulePass, op: Operation) -> None:
        """Dump what was asked for before the pass; remember the text when only changes count."""
        if self.only_changes:
            self._last = self.text(op)
        if _chosen(self.chosen_before, step):
            self._dump("Before", step, op)

    def after(self, step: ModulePass, op: Operation) -> None:
        """Dump what was asked for after the pass."""
        changed = not self.only_changes or self.text(op) != self._last
        if _chosen(self.chosen_after, step) and changed and not self.only_failures:
            self._dump("After", step, op)

    def failed(self, step: ModulePass, op: Operation) -> None:
        """Dump the IR that a failed pass left."""
        if _chosen(self.chosen_after, step) or self.only_failures:
            self._dump("After", step, op, " Failed")

    def _dump(self, when: str, step: ModulePass, op: Operation, suffix: str = "") -> None:
        header = f"// -----// IR Dump {when} {type(step).__name__}{suffix} ({step.name}) //----- //"
        if self.tree is None:
            print(f"{header}\n{self.text(op)}", file=sys.stderr)
            return
        folder = self.tree / (op.name.replace(".", "_") + "_no-symbol-name")
        try:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"{self._count}_{step.name}.mlir").write_text(f"{header}\n{self.text(op)}", encoding="utf-8")
        except OSError as error:
            raise WeftError(
                f"cannot write the IR dumps into '{self.tree}': {error.strerror}", code=codes.CANNOT_WRITE
            ) from None
        self._count += 1


def _chosen(names: frozenset[str], step: ModulePass) -> bool:
    return "*" in names or step.name in names


@dataclass
class Timing(Quiet):
    """How long each part took, by the wall clock."""

    rows: list[tuple[str, float]] = field(default_factory=list[tuple[str, float]])
    started: float = field(default_factory=time.perf_counter)
    _start: float = 0.0

    def before(self, step: ModulePass, op: Operation) -> None:
        """Start the pass's clock."""
        self._start = time.perf_counter()

    def after(self, step: ModulePass, op: Operation) -> None:
        """Stop it."""
        self.rows.append((type(step).__name__, time.perf_counter() - self._start))

    def measure(self, name: str, seconds: float) -> None:
        """Add a part that is no pass, such as reading."""
        self.rows.append((name, seconds))

    def report(self, display: str = "tree", output: str = "text") -> str:
        """The report in MLIR's form: `tree` (in order) or `list` (the same names summed, the longest first)."""
        total = time.perf_counter() - self.started
        rows = list(self.rows)
        if display == "list":
            sums: dict[str, float] = {}
            for name, seconds in rows:
                sums[name] = sums.get(name, 0.0) + seconds
            rows = sorted(sums.items(), key=lambda row: -row[1])
        rows += [("Rest", total - sum(seconds for _, seconds in rows)), ("Total", total)]
        if output == "json":
            return json.dumps([_as_json(name, seconds, total) for name, seconds in rows], indent=1)
        return _as_text(rows, total)


def _as_json(name: str, seconds: float, total: float) -> dict[str, object]:
    return {"wall": {"duration": round(seconds, 6), "percentage": round(100 * seconds / total, 1)}, "name": name}


def _as_text(rows: list[tuple[str, float]], total: float) -> str:
    rule = "===" + "-" * 73 + "==="
    lines = [rule, "... Execution time report ...".center(len(rule)).rstrip(), rule]
    lines += [f"  Total Execution Time: {total:.4f} seconds", "", "  ----Wall Time----  ----Name----"]
    lines += [f"  {seconds:8.4f} ({100 * seconds / total:5.1f}%)  {name}" for name, seconds in rows]
    return "\n".join(lines)


@dataclass
class Statistics(Quiet):
    """How many ops of each name there were before and after each pass."""

    rows: list[tuple[str, int, int]] = field(default_factory=list[tuple[str, int, int]])
    _before: int = 0

    def before(self, step: ModulePass, op: Operation) -> None:
        """Count the ops."""
        self._before = _count_ops(op)

    def after(self, step: ModulePass, op: Operation) -> None:
        """Count them again."""
        self.rows.append((type(step).__name__, self._before, _count_ops(op)))

    def report(self, display: str = "pipeline") -> str:
        """A table in the manner of MLIR's statistics report: `pipeline` (in order) or `list` (by name, summed)."""
        rule = "===" + "-" * 73 + "==="
        lines = [rule, "... Pass statistics report ...".center(len(rule)).rstrip(), rule]
        for name, before, after in self.rows if display == "pipeline" else self._summed():
            lines += [name, f"  (S) {before:6} ops-before - operations before the pass"]
            lines += [f"  (S) {after:6} ops-after  - operations after it"]
        return "\n".join(lines)

    def _summed(self) -> list[tuple[str, int, int]]:
        sums: dict[str, tuple[int, int]] = {}
        for name, before, after in self.rows:
            old = sums.get(name, (0, 0))
            sums[name] = (old[0] + before, old[1] + after)
        return [(name, *sums[name]) for name in sorted(sums)]


@dataclass
class LastStep(Quiet):
    """Remembers the pass that runs, and the module before it."""

    text: Callable[[Operation], str]
    step: ModulePass | None = None
    before_it: str = ""

    def before(self, step: ModulePass, op: Operation) -> None:
        """Take both."""
        self.step, self.before_it = step, self.text(op)


def _count_ops(op: Operation) -> int:
    return sum(1 for _ in op.walk())
