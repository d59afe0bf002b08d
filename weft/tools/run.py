"""`weft run`: compile a program and run it."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

from weft import codes
from weft.backends.signature import Signature
from weft.diagnostics import WeftError
from weft.driver.compile import Compiled, Request, compile_program
from weft.driver.deliver import check_outputs, deliver
from weft.driver.inputs import Value, read_value
from weft.tools.report import remark


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
    request = Request(options.target, options.entry, options.threads, options.pass_pipeline)
    is_library = isinstance(program, Path) and program.suffix == ".so"
    compiled = _loaded(program, options) if is_library else compile_program(program, request)
    check_outputs(compiled.signature, options.output)
    values = _values(compiled.signature, options.input, program.parent if isinstance(program, Path) else Path())
    ready = time.perf_counter()
    results, seconds = _run(compiled, values, options.repeat if options.time else 1)
    deliver(compiled.signature, results, options.output)
    how = "loaded" if is_library else "loaded from the cache" if compiled.from_cache else "compiled"
    _report(how, ready - start, seconds, options.time)
    return 0


def _loaded(program: Path | str, options: argparse.Namespace) -> Compiled:
    """A function of a library that was compiled ahead of time."""
    from weft.driver.load import load_program

    if options.target != "cpu" or options.pass_pipeline is not None:
        raise WeftError(
            f"'{program}' is machine code already: it takes no --target and no --pass-pipeline",
            code=codes.COMMAND_LINE,
        )
    return load_program(Path(program), options.entry, options.threads)


def _parser() -> Parser:
    parser = Parser("weft run", description="Compile a program and run it on given or example inputs.")
    add = parser.add_argument
    add("file", metavar="FILE", help="MLIR text, at any stop of the road, or a .so of weft compile; - for stdin")
    add("--entry", metavar="NAME", help="the function to call (default: @main, else the only public one)")
    add("--target", default="cpu", help="cpu (default) or reference, the NumPy oracle")
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
    add("--repeat", type=int, default=10, metavar="N", help="how often with --time (default 10)")
    add("--pass-pipeline", "-p", metavar="TEXT", help="replaces the default pipeline")
    return parser


def _stdin() -> str:
    from weft.driver.source import read_stdin
    from weft.frontends.mlir.text import decoded

    return decoded(read_stdin(), "<stdin>") + "\n"


def _values(signature: Signature, specs: Sequence[str], folder: Path) -> list[Value]:
    """A value for every argument: from the command line, else the example that the program carries."""
    names = [spec.name for spec in signature.arguments]
    given: dict[str, str] = {}
    free: list[str] = []
    for text in specs:
        name, equals, rest = text.partition("=")
        if equals and name.lstrip("%") in names:
            given[name.lstrip("%")] = rest
        else:
            free.append(text)
    remaining = [name for name in names if name not in given]
    if len(free) > len(remaining):
        raise WeftError(
            f"{len(specs)} inputs were given, @{signature.name} takes {len(names)}", code=codes.WRONG_ARGUMENTS
        )
    given |= dict(zip(remaining, free, strict=False))
    values: list[Value] = []
    missing: list[str] = []
    for position, spec in enumerate(signature.arguments):
        if spec.name in given:
            scalar = spec.dtype if spec.kind == "scalar" else None
            values.append(read_value(given[spec.name], Path(), spec.name, position, scalar))
        elif spec.default is not None:
            values.append(read_value(spec.default, folder, spec.name, position))
        else:
            missing.append(f"{spec.name}: {spec}")
    if missing:
        hint = "give them with --input NAME=SPEC, for example --input " + missing[0].partition(":")[0] + "=a.npy"
        raise WeftError(
            f"@{signature.name} needs values for {', '.join(missing)}", hint=hint, code=codes.WRONG_ARGUMENTS
        )
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
