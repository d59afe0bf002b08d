"""Schedules of kernels as a text file: a module whose attribute `loop.schedules` names them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from xdsl.dialects.builtin import DictionaryAttr, ModuleOp

from weft import codes
from weft.diagnostics import Diagnostic, Location, WeftError
from weft.dialects.locations import error_at
from weft.dialects.loop import ScheduleAttr
from weft.driver.instruments import Instrument
from weft.driver.passes import run_pipeline
from weft.driver.source import Source
from weft.passes.loops.kernels import SCHEDULES


@dataclass(frozen=True)
class Scheduled:
    """A kernel, its loops before the schedule (in short), and its schedule."""

    name: str
    loops: tuple[str, ...]
    schedule: ScheduleAttr


def schedules_text(kernels: Iterable[Scheduled]) -> str:
    """The text of a file of schedules, the loops that they are about in comments.

    ```mlir
    builtin.module attributes {loop.schedules = {
      // i to 64: y[i] = from x[i]
      "main_kernel_0" = #loop.schedule<
        vectorize i 16
      >
    }} {}
    ```
    """
    entries = ",\n".join(map(_entry, kernels))
    return f"builtin.module attributes {{{SCHEDULES} = {{\n{entries}\n}}}} {{}}\n"


def _entry(kernel: Scheduled) -> str:
    lines = [f"  // {line}\n" for line in kernel.loops]
    steps = ",\n".join(f"    {step}" for step in kernel.schedule.data)
    return f'{"".join(lines)}  "{kernel.name}" = #loop.schedule<\n{steps}\n  >'


def read_schedules(source: Source) -> DictionaryAttr:
    """The schedules of a file, by the names of their kernels.

    Raises :class:`WeftError` for a file that holds no schedules.
    """
    from weft.driver.program import parse

    module = parse(source)
    found = module.attributes.get(SCHEDULES)
    if isinstance(found, DictionaryAttr):
        return found
    raise error_at(
        module,
        f"a file of schedules is a module with the attribute '{SCHEDULES}', a dictionary of #loop.schedule",
        "weft run --print-schedule prints one",
        code=codes.WRONG_ATTRIBUTES,
    )


def run_scheduled(
    module: ModuleOp, pipeline: str, schedule: Source | None, instruments: Sequence[Instrument] = ()
) -> None:
    """Run a pipeline, with the schedules of a file before those that the module says itself.

    Raises :class:`WeftError` as :func:`read_schedules` and the passes do, and where no pass of the pipeline took the
    schedules.
    """
    if schedule is not None:
        own = module.attributes.get(SCHEDULES)
        given = read_schedules(schedule).data
        module.attributes[SCHEDULES] = DictionaryAttr(
            {**own.data, **given} if isinstance(own, DictionaryAttr) else given
        )
    try:
        run_pipeline(module, pipeline, instruments=instruments)
    except WeftError as error:
        if schedule is not None:
            _tell_step(error, schedule)
        raise
    if SCHEDULES in module.attributes:
        hint = "the pipeline needs the pass 'choose-schedule'"
        raise error_at(module, "nothing took the schedules of the program", hint, code=codes.PIPELINE_FAILED)


def _tell_step(error: WeftError, schedule: Source) -> None:
    """Say where a step stands in a file of schedules, in errors that begin with its text."""

    def told(diagnostic: Diagnostic) -> Diagnostic:
        step = diagnostic.message.partition(":")[0].strip()
        for number, line in enumerate(schedule.text.split("\n"), 1):
            if step and line.strip().rstrip(",") == step:
                where = Location(schedule.name, number, len(line) - len(line.lstrip()) + 1)
                note = Diagnostic("the step stands here", where, "note", source=line)
                return replace(diagnostic, notes=(*diagnostic.notes, note))
        return diagnostic

    error.diagnostics = tuple(map(told, error.diagnostics))
