"""`weft opt`: run passes on a module and print it, with the flags of `mlir-opt`."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from weft import collection
from weft.tools import report
from weft.tools.opt_flags import OptFlags, help_text, read_flags

if TYPE_CHECKING:
    from weft.driver.action_log import DebugCounter
    from weft.driver.check_passes import CheckPasses
    from weft.driver.instruments import Instrument
    from weft.driver.transform import Job, Outcome

SEVERITIES = {
    "errors": ("error",),
    "warnings": ("error", "warning"),
    "remarks": ("error", "warning", "remark", "note"),
}
"""What `--mlir-diagnostic-verbosity-level` lets through."""


def command(arguments: list[str]) -> int:
    """Run `weft opt`; the exit code."""
    flags = read_flags(arguments)
    if flags.help:
        print(help_text(), end="")
    elif flags.version:
        from weft.version import VERSION

        print(f"weft {VERSION}")
    elif flags.list_passes:
        _list_passes()
    elif flags.show_dialects:
        _show_dialects()
    else:
        with collection.paused():
            return _run(flags)
    return 0


def _run(flags: OptFlags) -> int:
    from weft.driver.source import read_source_or_stdin
    from weft.driver.transform import transform, verify_diagnostics

    job = _job(flags)
    source = read_source_or_stdin(flags.file)
    marker = flags.split_marker if flags.split_input_file else None
    if flags.verify_diagnostics is not None:
        only = flags.verify_diagnostics == "only-expected"
        outcome = verify_diagnostics(source.text, source.name, job, marker=marker, only_expected=only)
    else:
        outcome = transform(source.text, source.name, job, marker=marker, output_marker=flags.output_split_marker)
    return _deliver(outcome, flags, job)


def _deliver(outcome: Outcome, flags: OptFlags, job: Job) -> int:
    """Print what there is: diagnostics to stderr, the result only where all went well (or chunk by chunk)."""
    shown = (said for said in outcome.diagnostics if said.severity in SEVERITIES[flags.verbosity])
    report.show(replace(said, notes=()) if flags.no_notes else said for said in shown)
    if flags.verify_diagnostics is None and (not outcome.failed or flags.split_input_file):
        _write(flags.output, outcome.text)
    _print_reports(flags, job)
    return 1 if outcome.failed else 0


def _write(output: str | None, text: str) -> None:
    from weft.driver.output import write_whole

    if output is None or output == "-":
        sys.stdout.write(text)
        return
    write_whole(output, text.encode())


def _print_reports(flags: OptFlags, job: Job) -> None:
    from weft.driver.action_log import ActionProfile
    from weft.driver.instruments import Statistics

    report.show_remarks(job.check.remarks if job.check is not None else ())
    for instrument in job.instruments:
        if isinstance(instrument, Statistics):
            print(instrument.report(flags.statistics_display), file=sys.stderr)
        if isinstance(instrument, ActionProfile):
            instrument.close()
    if job.counter is not None and flags.print_debug_counter:
        print(job.counter.report(), file=sys.stderr)
    if job.timing is not None:
        print(job.timing.report(flags.timing_display, flags.output_format), file=sys.stderr)


def _job(flags: OptFlags) -> Job:
    from weft.driver.instruments import IrDumps, Timing
    from weft.driver.passes import PassManager
    from weft.driver.pipeline import Nest
    from weft.driver.printing import Style
    from weft.driver.transform import Job, PrintOptions

    pipeline = flags.pipeline or Nest("builtin.module", tuple(flags.steps))
    timing = Timing() if flags.timing else None
    style = Style(
        flags.elide_resources, flags.unique_names, flags.location_names, flags.skip_regions, flags.value_users
    )
    dumped = PrintOptions(flags.generic, flags.debuginfo, flags.keep_names, flags.elide_larger, style)
    dumps = IrDumps(
        dumped.text,
        flags.dumped("before"),
        flags.dumped("after"),
        flags.print_after_change,
        flags.print_after_failure,
        None if flags.print_tree_dir is None else Path(flags.print_tree_dir),
    )
    job = Job(
        pipeline,
        flags.verify_each,
        flags.verify_roundtrip,
        flags.allow_unregistered,
        not flags.no_implicit_module,
        flags.run_reproducer,
        None if flags.crash_reproducer is None else Path(flags.crash_reproducer),
        dumped,
        [
            dumps,
            *([timing] if timing else []),
            *_actions(flags),
        ],
        timing,
        flags.local_reproducer,
        None if flags.generated_reproducer is None else Path(flags.generated_reproducer),
        _counter(flags),
        flags.stack_traces,
        _check(flags),
    )
    manager = PassManager.of(pipeline)
    if flags.dump_pipeline:
        print(f"Pass Manager with {len(manager.passes)} passes:\n{manager.described()}\n", file=sys.stderr)
    return job


def _actions(flags: OptFlags) -> list[Instrument]:
    """What counts and logs the passes that run."""
    from weft.driver.action_log import ActionLog, ActionProfile
    from weft.driver.instruments import Statistics

    wanted: list[Instrument] = [Statistics()] if flags.statistics else []
    if flags.log_actions is not None:
        wanted.append(ActionLog(flags.log_actions))
    if flags.profile_actions is not None:
        wanted.append(ActionProfile(flags.profile_actions))
    return wanted


def _counter(flags: OptFlags) -> DebugCounter | None:
    from weft.driver.action_log import DebugCounter, read_counter

    if flags.debug_counter is not None:
        return read_counter(flags.debug_counter)
    return DebugCounter() if flags.print_debug_counter else None


def _check(flags: OptFlags) -> CheckPasses | None:
    """The check that `--check-passes` asks for; that of a reproducer stands in the file."""
    if not (flags.check_passes or flags.run_reproducer):
        return None
    from weft.driver.check_passes import CheckOptions, CheckPasses
    from weft.driver.check_passes.compare import read_tolerances

    beside = Path(flags.output) if flags.output not in (None, "-") else None
    if beside is not None and beside.exists() and not beside.is_file():
        beside = None  # a device, such as /dev/null
    options = CheckOptions(
        flags.check_seed,
        tuple(flags.check_inputs),
        tolerances=read_tolerances(flags.check_tolerance),
        reproducer=None if flags.check_reproducer is None else Path(flags.check_reproducer),
        folder=Path() if beside is None else beside.parent,
        seconds=flags.check_timeout,
    )
    return CheckPasses(options)


def _list_passes() -> None:
    from weft.registry import find_pass, pass_names

    for name in sorted(pass_names()):
        summary = (find_pass(name).__doc__ or "").strip().splitlines()
        print(f"  --{name:28} {summary[0] if summary else ''}".rstrip())


def _show_dialects() -> None:
    from weft.registry import context

    print("Available Dialects: " + ",".join(sorted(context().registered_dialect_names)))
