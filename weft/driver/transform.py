"""What `weft opt` does with a file: every chunk is read, verified, transformed and printed, or says why not."""

from __future__ import annotations

import json
import re
import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation
from xdsl.passes import ModulePass

from weft import codes
from weft.diagnostics import UNKNOWN, Diagnostic, WeftError
from weft.driver.action_log import DebugCounter
from weft.driver.chunks import MARKER, Chunk, split
from weft.driver.expectations import check, expectations
from weft.driver.instruments import Instrument, LastStep, Timing
from weft.driver.options import options_of
from weft.driver.passes import PassManager
from weft.driver.pipeline import Nest, Step, parse_pipeline
from weft.driver.printing import PLAIN, Style, print_module
from weft.driver.reading import read_module
from weft.driver.source import Source, showing
from weft.frontends.mlir import parse_module
from weft.registry import context
from weft.room import with_room

if TYPE_CHECKING:
    from weft.driver.check_passes import CheckPasses


@dataclass(frozen=True)
class PrintOptions:
    """How a module is printed."""

    generic: bool = False
    debuginfo: bool = False
    keep_names: bool = False
    elide_larger: int | None = None
    style: Style = PLAIN

    def text(self, module: Operation) -> str:
        """The module's text."""
        return print_module(
            module,
            generic=self.generic,
            debuginfo=self.debuginfo,
            keep_names=self.keep_names,
            elide_larger=self.elide_larger,
            style=self.style,
        )


@dataclass(frozen=True)
class Job:
    """What to do with every chunk of a file."""

    pipeline: Nest
    verify_each: bool = True
    verify_roundtrip: bool = False
    allow_unregistered: bool = False
    implicit_module: bool = True
    run_reproducer: bool = False
    crash_reproducer: Path | None = None
    printing: PrintOptions = PrintOptions()
    instruments: Sequence[Instrument] = ()
    timing: Timing | None = None
    local_reproducer: bool = False
    generated_reproducer: Path | None = None
    counter: DebugCounter | None = None
    stack_traces: bool = False
    check: CheckPasses | None = None


@dataclass
class Outcome:
    """What became of a file: its text, what there is to say, and whether all went well."""

    text: str = ""
    diagnostics: list[Diagnostic] = field(default_factory=list[Diagnostic])

    @property
    def failed(self) -> bool:
        """Whether any diagnostic is an error."""
        return any(diagnostic.severity == "error" for diagnostic in self.diagnostics)


def transform(text: str, name: str, job: Job, *, marker: str | None = None, output_marker: str = MARKER) -> Outcome:
    """Transform a file; a chunk that fails does not hide the next."""
    outcome = Outcome()
    texts: list[str] = []
    for chunk in _chunks(text, marker):
        try:
            texts.append(with_room(partial(_transform_chunk, chunk, name, job)))
        except WeftError as error:
            outcome.diagnostics.extend(_traced(error) if job.stack_traces else error.diagnostics)
    outcome.text = f"{output_marker}\n".join(texts)
    return outcome


def _traced(error: WeftError) -> list[Diagnostic]:
    """What an error says, with the place in weft that said it."""
    trace = "".join(traceback.format_exception(error)).rstrip()
    note = Diagnostic(f"diagnostic emitted with trace:\n{trace}", severity="note")
    return [replace(diagnostic, notes=(*diagnostic.notes, note)) for diagnostic in error.diagnostics]


def verify_diagnostics(
    text: str, name: str, job: Job, *, marker: str | None = None, only_expected: bool = False
) -> Outcome:
    """Transform a file and compare what it says with what its comments expect; the outcome holds the differences."""
    outcome = Outcome()
    for chunk in _chunks(text, marker):
        wanted = expectations(chunk.text, name, chunk.first_line)
        said: Sequence[Diagnostic] = ()
        try:
            outcome.text += with_room(partial(_transform_chunk, chunk, name, job))
        except WeftError as error:
            said = [d for diagnostic in error.diagnostics for d in (diagnostic, *diagnostic.notes)]
        outcome.diagnostics.extend(check(wanted, said, only_expected=only_expected))
    return outcome


def _chunks(text: str, marker: str | None) -> list[Chunk]:
    return [Chunk(text, 1)] if marker is None else split(text, marker)


def _transform_chunk(chunk: Chunk, name: str, job: Job) -> str:
    with showing(Source(chunk.text, name, Path()), chunk.first_line):
        return _transformed(chunk, name, job)


def _transformed(chunk: Chunk, name: str, job: Job) -> str:
    ctx = context(allow_unregistered=job.allow_unregistered)
    start = time.perf_counter()
    module = read_module(chunk.text, ctx, name, first_line=chunk.first_line, allow_implicit_module=job.implicit_module)
    if job.timing is not None:
        job.timing.measure("Parser", time.perf_counter() - start)
    if job.verify_roundtrip:
        verify_roundtrip(module, ctx)
    pipeline = reproducer_pipeline(chunk.text) if job.run_reproducer else job.pipeline
    wants_reproducer = job.crash_reproducer is not None or job.generated_reproducer is not None
    before = job.printing.text(module) if wants_reproducer else ""
    if job.generated_reproducer is not None:
        _write_reproducer(job.generated_reproducer, before, pipeline, job)
    last = LastStep(job.printing.text)
    instruments = [*job.instruments, *_checks(chunk.text, job), *([last] if job.local_reproducer else [])]
    manager = PassManager.of(pipeline, verify_each=job.verify_each, instruments=instruments, counter=job.counter)
    try:
        manager.run(ctx, module)
    except Exception as error:
        if job.crash_reproducer is not None:
            if last.step is not None:
                before, pipeline = last.before_it, _pipeline_of(last.step)
            raise _reproduced(error, before, pipeline, job) from error
        raise
    start = time.perf_counter()
    text = job.printing.text(module)
    if job.timing is not None:
        job.timing.measure("Output", time.perf_counter() - start)
    return text


def _checks(text: str, job: Job) -> list[Instrument]:
    """The check of the passes, where it is asked for; that of a reproducer is asked for in its text."""
    if job.check is None:
        return []
    if not job.run_reproducer:
        return [job.check]
    from weft.driver.check_passes.reproducer import reproduced_check

    options = reproduced_check(text, job.check.options)
    return [] if options is None else [replace(job.check, options=options)]


def verify_roundtrip(module: ModuleOp, ctx: Context) -> None:
    """What is printed must read back to the same module, in custom and in generic form."""
    for generic in (False, True):
        text = print_module(module, generic=generic)
        again = parse_module(text, ctx, "<printed>")
        if not again.is_structurally_equivalent(module):
            form = "generic" if generic else "custom"
            raise WeftError(
                f"the module does not survive printing in {form} form and reading back",
                UNKNOWN,
                code=codes.NO_ROUNDTRIP,
            )


_PIPELINE = re.compile(r'mlir_reproducer\s*:\s*\{\s*pipeline\s*:\s*"((?:[^"\\]|\\.)*)"')


def reproducer_pipeline(text: str) -> Nest:
    """The pipeline that a reproducer carries. Raises :class:`WeftError` where there is none."""
    match = _PIPELINE.search(text)
    if match is None:
        raise WeftError(
            "the input carries no 'mlir_reproducer' resource with a pipeline", UNKNOWN, code=codes.NO_REPRODUCER
        )
    return parse_pipeline(json.loads(f'"{match[1]}"'))


def _bug(error: Exception) -> Diagnostic:
    return Diagnostic(f"{type(error).__name__}: {error}", code=codes.INTERNAL)


def _reproduced(error: Exception, before: str, pipeline: Nest, job: Job) -> WeftError:
    """Write the reproducer; the error that tells of it, and what went wrong before it."""
    path = job.crash_reproducer
    assert path is not None
    _write_reproducer(path, before, pipeline, job)
    first = error.diagnostics if isinstance(error, WeftError) else (_bug(error),)
    note = Diagnostic(
        f"Pipeline failed while executing [{pipeline}]: reproducer generated at `{path}`", UNKNOWN, "note"
    )
    message = "Failures have been detected while processing an MLIR pass pipeline"
    return WeftError(message, UNKNOWN, notes=(note, *first), code=codes.PIPELINE_FAILED)


def _pipeline_of(step: ModulePass) -> Nest:
    """The pipeline of one pass."""
    return Nest("builtin.module", (Step(step.name, options_of(step)),))


def _write_reproducer(path: Path, before: str, pipeline: Nest, job: Job) -> None:
    resource = (
        "{-#\n  external_resources: {\n    mlir_reproducer: {\n"
        f"      pipeline: {json.dumps(str(pipeline))},\n      disable_threading: false,\n"
        f"      verify_each: {str(job.verify_each).lower()}\n    }}\n  }}\n#-}}\n"
    )
    try:
        path.write_text(before + resource, encoding="utf-8")
    except OSError as problem:
        raise WeftError(f"cannot open output file '{path}': {problem.strerror}", code=codes.CANNOT_WRITE) from None
