"""`weft run`: compile a program and run it."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from weft import codes
from weft.backends.signature import Signature
from weft.diagnostics import WeftError
from weft.driver.compile import Compiled, Request, compile_program, split_target
from weft.driver.deliver import check_outputs, deliver
from weft.driver.inputs import Value, given_values, missing_values
from weft.driver.pipeline import whole_pipeline
from weft.driver.source import read_source, showing
from weft.tools.numbers import at_least, seconds
from weft.tools.report import remark, show, show_remarks

if TYPE_CHECKING:
    from weft.driver.check_passes import CheckPasses
    from weft.driver.schedules.story import Story


class Parser(argparse.ArgumentParser):
    """argparse whose errors are weft's: exit code 1."""

    def error(self, message: str) -> NoReturn:
        """Called by argparse for a wrong command line."""
        raise WeftError(
            f"{self.prog}: {message}", hint=f"{self.prog} --help lists the options", code=codes.COMMAND_LINE
        )


def command(arguments: list[str]) -> int:
    """Run `weft run`; the exit code."""
    options = _parser().parse_args(arguments)
    program = Path(options.file) if options.file != "-" else _stdin()
    start = time.perf_counter()
    is_library = isinstance(program, Path) and program.suffix == ".so"
    if options.print_schedule and not is_library:
        return _print_schedule(program, options)
    check = None if is_library else _check(options, program)
    if check is not None:
        _need_values(options, program)  # before the check, which takes its time
    story = _story() if options.explain and not is_library else None
    watching = (*((check,) if check is not None else ()), *((story.watch,) if story is not None else ()))
    profile = None if story is None else story.profile
    request = Request(
        _target(options),
        options.entry,
        options.threads,
        options.pass_pipeline,
        watching,
        schedule=options.schedule,
        profile=profile,
    )
    compiled = _loaded(program, options) if is_library else compile_program(program, request)
    show_remarks(check.remarks if check is not None else ())
    check_outputs(compiled.signature, options.output)
    values = _values(compiled.signature, options.input, program.parent if isinstance(program, Path) else Path())
    ready = time.perf_counter()
    with showing(read_source(program)) if options.check_gpu else nullcontext():
        results, seconds = _run(compiled, values, options.repeat if options.time else 1)
    deliver(compiled.signature, results, options.output)
    show(getattr(compiled.call, "remarks", ()))
    how = "loaded" if is_library else "loaded from the cache" if compiled.from_cache else "compiled"
    _report(how, ready - start, seconds, options.time)
    if options.time and not is_library:
        _rates(program, request, [*values, *results], min(seconds))
    if story is not None:
        sys.stderr.write(story.told())
    return 0


def _target(options: argparse.Namespace) -> str:
    """The target; `--check-gpu` stands for the simulator's option. Raises :class:`WeftError` for another target."""
    target: str = options.target
    if not options.check_gpu:
        return target
    name, words = split_target(target)
    if name not in ("gpu-sim", "cpu") or (name == "cpu" and words):
        message = f"--check-gpu simulates the GPU: the target is gpu-sim, not {target}"
        raise WeftError(message, code=codes.COMMAND_LINE)
    return f"gpu-sim:{words},check" if words else "gpu-sim:check"


def _story() -> Story:
    from weft.driver.schedules.story import Story

    return Story()


def _print_schedule(program: Path | str, options: argparse.Namespace) -> int:
    """Print the schedules that the program gets; nothing runs."""
    from weft.driver.schedules.text import schedules_text
    from weft.driver.schedules.watch import Watch

    watch = Watch()
    request = Request(
        options.target,
        options.entry,
        options.threads,
        options.pass_pipeline,
        (watch,),
        schedule=options.schedule,
    )
    compile_program(program, request)
    sys.stdout.write(schedules_text(kernel.scheduled() for kernel in watch.living()))
    return 0


def _rates(program: Path | str, request: Request, values: Sequence[object], seconds: float) -> None:
    """Say how fast the best run computed, and went through its inputs and results."""
    from weft.driver.schedules.program_cost import flops_of

    flops = flops_of(program, request)
    moved = sum(getattr(value, "nbytes", 0) for value in values)
    rates = [*([f"{flops / seconds / 1e9:.3g} GFLOP/s"] if flops else []), f"{moved / seconds / 1e9:.3g} GB/s"]
    remark(f"{', '.join(rates)} (best; bytes of inputs and results)")


def _loaded(program: Path | str, options: argparse.Namespace) -> Compiled:
    """A function of a library that was compiled ahead of time."""
    from weft.driver.load import load_program

    changes = (options.pass_pipeline, options.schedule)
    asked = (options.check_passes, options.explain, options.print_schedule)
    if options.target != "cpu" or any(change is not None for change in changes) or any(asked):
        raise WeftError(
            f"'{program}' is machine code already: it takes no --target, no passes and no schedules",
            code=codes.COMMAND_LINE,
        )
    return load_program(Path(program), options.entry, options.threads)


def _parser() -> Parser:
    parser = Parser("weft run", description="Compile a program and run it on given or example inputs.")
    add = parser.add_argument
    add("file", metavar="FILE", help="MLIR text, at any stop of the road, or a .so of weft compile; - for stdin")
    add("--entry", metavar="NAME", help="the function to call (default: @main, else the only public one)")
    add(
        "--target",
        default="cpu",
        help="cpu (default), cuda or gpu-sim (behind it :CHIP and ,+ptxNN), or reference, the NumPy oracle",
    )
    add(
        "--input",
        action="append",
        default=[],
        metavar="[NAME=]SPEC",
        help="a value, in order or by name: a.npy, b.npz, b.npz:key, 4x8xf32=0.5, 4x8xf32=random:7, i64=3",
    )
    add("--output", metavar="FILE", help="write the results to an .npz, or a picture to a .png, .pgm or .ppm")
    add("--threads", type=int, metavar="N", help="threads to use (default: one a core)")
    add("--time", action="store_true", help="run several times; print the median and the best")
    add("--repeat", type=at_least(1), default=10, metavar="N", help="how often with --time (default 10)")
    add("--pass-pipeline", "-p", metavar="TEXT", type=whole_pipeline, help="replaces the default pipeline")
    add("--check-passes", action="store_true", help="run the program around every pass, and compare")
    add(
        "--check-gpu",
        action="store_true",
        help="simulate the kernels of a GPU, and report races, accesses out of bounds and the like (docs/gpu-sim.md)",
    )
    add("--check-seed", type=int, default=0, metavar="N", help="another seed makes other inputs for that (default 0)")
    add(
        "--check-tolerance",
        action="append",
        default=[],
        metavar="TEXT",
        help="how far floats may differ, [DTYPE=]RTOL[,ATOL]; one flag a dtype, or for all",
    )
    add("--check-reproducer", metavar="FILE", help="the file that shows a difference again")
    add("--check-timeout", type=seconds, default=60.0, metavar="SECONDS", help="the most for a call (default 60)")
    add_schedule_options(parser)
    return parser


def add_schedule_options(parser: argparse.ArgumentParser) -> None:
    """The options about schedules, which compiling and running share."""
    add = parser.add_argument
    add("--schedule", metavar="FILE", help="schedules for kernels, as --print-schedule prints them")
    add("--print-schedule", action="store_true", help="print the schedules of all kernels, and do nothing else")
    add("--explain", action="store_true", help="report kernel by kernel what was done, what not, and why")


def _check(options: argparse.Namespace, program: Path | str) -> CheckPasses | None:
    """The check that `--check-passes` asks for: on the inputs of the run, and on others that are made."""
    if not options.check_passes:
        return None
    from weft.driver.check_passes import CheckOptions, CheckPasses
    from weft.driver.check_passes.compare import read_tolerances

    return CheckPasses(
        CheckOptions(
            options.check_seed,
            tuple(options.input),
            only_given=False,
            entry=options.entry,
            examples=program.parent if isinstance(program, Path) else Path(),
            tolerances=read_tolerances(options.check_tolerance),
            reproducer=None if options.check_reproducer is None else Path(options.check_reproducer),
            seconds=options.check_timeout,
        )
    )


def _need_values(options: argparse.Namespace, program: Path | str) -> None:
    """Raises :class:`WeftError` where an argument has no value."""
    from weft.driver.program import find_entry, parse
    from weft.driver.signatures import signature_of

    signature = signature_of(find_entry(parse(program), options.entry))
    _values(signature, options.input, program.parent if isinstance(program, Path) else Path())


def _stdin() -> str:
    from weft.driver.source import read_stdin
    from weft.frontends.mlir.text import decoded

    return decoded(read_stdin(), "<stdin>") + "\n"


def _values(signature: Signature, specs: Sequence[str], folder: Path) -> list[Value]:
    """A value for every argument: from the command line, else the example that the program carries."""
    values = given_values(signature, specs, folder, examples=True)
    if values is None:
        missing = [f"{spec.name}: {spec}" for spec in signature.arguments if spec.default is None]
        raise missing_values(signature, missing)
    return values


def _run(compiled: Compiled, values: list[Value], repeat: int) -> tuple[tuple[Any, ...], list[float]]:
    seconds: list[float] = []
    results: Any = None
    for _ in range(max(1, repeat)):
        start = time.perf_counter()
        results = compiled(*values)
        seconds.append(time.perf_counter() - start)
    if results is None:
        return (), seconds
    return (results if isinstance(results, tuple) else (results,)), seconds  # pyright: ignore[reportUnknownVariableType]


def _report(how: str, preparing: float, seconds: list[float], detailed: bool) -> None:
    line = f"{how} in {_duration(preparing)}, ran in "
    if detailed:
        middle = sorted(seconds)[len(seconds) // 2]
        line += f"{_duration(middle)} (median of {len(seconds)}), {_duration(min(seconds))} (best)"
    else:
        line += _duration(seconds[0])
    remark(line)


_UNITS: tuple[tuple[float, str, Callable[[float], float]], ...] = (
    (1.0, "s", lambda s: s),
    (1e-3, "ms", lambda s: s * 1e3),
    (0.0, "us", lambda s: s * 1e6),
)


def _duration(seconds: float) -> str:
    for least, unit, scaled in _UNITS:
        if seconds >= least:
            return f"{scaled(seconds):.3g} {unit}"
    return "0 us"
