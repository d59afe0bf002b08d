"""What ran, as upstream's actions: a log, a profile for chrome://tracing, and counters that skip passes.

Source: https://mlir.llvm.org/docs/ActionTracing/
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from xdsl.ir import Operation
from xdsl.passes import ModulePass

from weft import codes
from weft.diagnostics import WeftError, did_you_mean
from weft.driver.instruments import Quiet

PASS_EXECUTION = "pass-execution"
"""The one action that is traced and counted: a pass that runs on an op."""


@dataclass
class _Sink:
    """Where lines go: a file, emptied first, or standard error for `-`."""

    name: str

    def __post_init__(self) -> None:
        if self.name != "-":
            self._write("", "w")

    def line(self, text: str) -> None:
        """Write a line."""
        if self.name == "-":
            print(text, file=sys.stderr)
        else:
            self._write(f"{text}\n", "a")

    def _write(self, text: str, mode: str) -> None:
        try:
            with Path(self.name).open(mode, encoding="utf-8") as file:
                file.write(text)
        except OSError as error:
            raise WeftError(
                f"cannot open output file '{self.name}': {error.strerror}", code=codes.CANNOT_WRITE
            ) from None


class ActionLog(Quiet):
    """`--log-actions-to`: a line when a pass begins and when it ends."""

    def __init__(self, name: str) -> None:
        self.sink = _Sink(name)

    def before(self, step: ModulePass, op: Operation) -> None:
        """The pass begins."""
        self.sink.line(f"begins Action `{PASS_EXECUTION}` running `{step.name}` on Operation `{op.name}`")

    def after(self, step: ModulePass, op: Operation) -> None:
        """It has ended."""
        self.sink.line(f"completed `{PASS_EXECUTION}` of `{step.name}`")

    def failed(self, step: ModulePass, op: Operation) -> None:
        """It has failed."""
        self.sink.line(f"failed `{PASS_EXECUTION}` of `{step.name}`")


class ActionProfile(Quiet):
    """`--profile-actions-to`: events in the trace format of Chrome, in microseconds.

    The file is one JSON array when :meth:`close` was called.
    """

    def __init__(self, name: str) -> None:
        self.sink = _Sink(name)
        self.start = time.perf_counter()
        self.opening = "["

    def before(self, step: ModulePass, op: Operation) -> None:
        """The pass begins."""
        text = f"`{PASS_EXECUTION}` running `{step.name}` on Operation `{op.name}`"
        self._event({"ph": "B", "args": {"desc": text}})

    def after(self, step: ModulePass, op: Operation) -> None:
        """It has ended."""
        self._event({"ph": "E"})

    def failed(self, step: ModulePass, op: Operation) -> None:
        """It has failed."""
        self._event({"ph": "E"})

    def close(self) -> None:
        """End the array."""
        self.sink.line("[]" if self.opening == "[" else "]")

    def _event(self, event: Mapping[str, object]) -> None:
        stamp = round((time.perf_counter() - self.start) * 1e6)
        whole = {"name": PASS_EXECUTION, "cat": "PERF", "pid": 0, "tid": 0, "ts": stamp, **event}
        self.sink.line(self.opening + json.dumps(whole))
        self.opening = ","


@dataclass
class DebugCounter:
    """`--mlir-debug-counter`: an action is skipped `skip` times, then carried out `count` times (-1: for ever)."""

    skip: int = 0
    count: int = -1
    seen: int = field(default=0, init=False)

    def allows(self) -> bool:
        """Whether the action that comes now is carried out."""
        self.seen += 1
        return self.seen > self.skip and (self.count < 0 or self.seen <= self.skip + self.count)

    def report(self) -> str:
        """What was counted, as upstream prints it: {seen,skip,count}."""
        return f"DebugCounter counters:\n{PASS_EXECUTION:32}: {{{self.seen},{self.skip},{self.count}}}"


def read_counter(text: str) -> DebugCounter:
    """Read `TAG-skip=N,TAG-count=M`. Raises :class:`WeftError` for what is no such list, and for unknown tags."""
    counter = DebugCounter()
    for item in text.split(","):
        name, _, number = item.strip().partition("=")
        tag, _, part = name.rpartition("-")
        if part not in ("skip", "count") or not number.removeprefix("-").isdigit():
            raise WeftError(
                f"weft opt: --mlir-debug-counter: expected TAG-skip=N or TAG-count=N, not '{item}'",
                code=codes.COMMAND_LINE,
            )
        if tag != PASS_EXECUTION:
            hint = did_you_mean(tag, [PASS_EXECUTION]) or f"the tag is {PASS_EXECUTION}"
            raise WeftError(f"weft opt: --mlir-debug-counter: unknown tag '{tag}'", hint=hint, code=codes.COMMAND_LINE)
        setattr(counter, part, int(number))
    return counter
