"""`weft compile`: compile a program to a file."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from weft import codes
from weft.diagnostics import WeftError
from weft.driver.ahead import CODE, MODULES, Request, export_program, make_files
from weft.driver.pipeline import whole_pipeline
from weft.driver.schedules.report import explain
from weft.driver.schedules.text import schedules_text
from weft.driver.schedules.watch import Watch
from weft.driver.source import Source, read_source_or_stdin
from weft.tools.run import Parser, add_schedule_options

_EPILOG = f"""
The kind of file goes by its ending: .mlir (the module at a stop of the road), .ll (LLVM IR), .s (assembly), .o (an
object), .so (a shared library). Beside .o and .so stands a C header. --emit says it otherwise: a stop
({", ".join(MODULES)}) or a kind ({", ".join(CODE)}).

A target is cpu (this machine), cpu:NAME or cpu:TRIPLE, and features of LLVM behind it, +FEATURE or -FEATURE. Names are
x86-64, x86-64-v2, x86-64-v3, x86-64-v4, aarch64 and riscv64; a triple is one of Linux, such as aarch64-linux-gnu.
Several of x86-64, separated by commas, go into one file: each call takes the best code that the machine can run.

  weft compile model.mlir -o libmodel.so
  weft compile model.mlir -o model.o --target cpu:aarch64-linux-gnu
  weft compile model.mlir -o model.o --target cpu:riscv64,+v
  weft compile model.mlir -o libmodel.so --target cpu:x86-64-v2,cpu:x86-64-v3,cpu:x86-64-v4
  weft compile model.mlir --emit=scheduled

For NVIDIA's GPUs the target is cuda (sm_80) or cuda:CHIP, and +ptxNN behind it; the endings are .ptx, .cubin (which
needs ptxas), .ll and .mlir. Beside code stands a .json that lists the kernels. Neither a GPU nor CUDA is needed.

  weft compile model.mlir -o model.ptx --target cuda:sm_90a
"""


def command(arguments: list[str]) -> int:
    """Run `weft compile`; the exit code."""
    options = _parser().parse_args(arguments)
    program = read_source_or_stdin(options.file)
    entries = tuple(options.entry)
    pipeline = options.pass_pipeline
    watch = Watch(refusals=options.explain) if options.explain or options.print_schedule else None
    request = Request(
        options.emit,
        options.target,
        entries,
        options.threads,
        pipeline,
        options.prefix,
        options.weights,
        _bound(options.bind),
        options.schedule,
        () if watch is None else (watch,),
    )
    if watch is not None:
        return _report(program, request, watch, options)
    if options.output in (None, "-"):
        if options.emit is None:
            hint = "name a file with -o, or say what to print with --emit"
            raise WeftError("weft compile: where to?", hint=hint, code=codes.COMMAND_LINE)
        _print(make_files(program, Path(Path(program.name).stem), request))
    else:
        export_program(program, Path(options.output), request)
    return 0


def _report(program: Source, request: Request, watch: Watch, options: argparse.Namespace) -> int:
    """Compile to the file, where one is named, and print what became of the kernels."""
    if options.output in (None, "-"):
        make_files(program, Path(Path(program.name).stem), replace(request, emit="scheduled"))
    else:
        export_program(program, Path(options.output), request)
    kernels = watch.living()
    if options.print_schedule:
        sys.stdout.write(schedules_text(kernel.scheduled() for kernel in kernels))
    if options.explain:
        sys.stdout.write(explain(kernels, watch.target))
    return 0


def _bound(texts: Sequence[str]) -> dict[str, str | None]:
    """The arguments to bind: `NAME=SPEC`, or names alone for what the program says."""
    bound: dict[str, str | None] = {}
    for text in texts:
        name, equals, spec = text.partition("=")
        bound.update({name: spec} if equals else dict.fromkeys(name.split(",")))
    return bound


def _print(files: dict[Path, bytes]) -> None:
    """Print what is text."""
    if len(files) > 1:
        raise WeftError(
            "weft compile: machine code is not for printing", hint="name a file with -o", code=codes.COMMAND_LINE
        )
    (data,) = files.values()
    sys.stdout.write(data.decode())


def _parser() -> Parser:
    parser = Parser(
        "weft compile",
        description="Compile a program to a file.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("file", metavar="FILE", help="MLIR text, at any stop of the road; - for standard input")
    add("-o", dest="output", metavar="FILE", help="the file to write; its ending says what it is")
    add("--emit", metavar="WHAT", help="a stop of the road or a kind of file, where the ending does not say it")
    add(
        "--target",
        default="cpu",
        metavar="TARGET",
        help="what to compile for: cpu (default: this machine) or cuda[:CHIP]",
    )
    add("--entry", action="append", default=[], metavar="NAME", help="a function to export (default: all public ones)")
    add("--threads", type=int, metavar="N", help="the most threads of a call (default: one a core; else 8)")
    add("--prefix", metavar="TEXT", help="stands before the names of C functions (default: the name of the file and _)")
    add(
        "--bind",
        action="append",
        default=[],
        metavar="NAME[=SPEC]",
        help="make an argument a constant: a value as weft run takes it, or the program's own (NAME,NAME)",
    )
    add(
        "--weights",
        type=Path,
        metavar="FILE",
        help="a .safetensors file for large constants, mapped when the code runs",
    )
    add("--pass-pipeline", "-p", metavar="TEXT", type=whole_pipeline, help="replaces the default pipeline")
    add_schedule_options(parser)
    return parser
