"""`weft opt`: run passes on a module and print it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from weft.diagnostics import WeftError, did_you_mean
from weft.driver.pipeline import Nest, Step, parse_options, parse_pipeline, parse_steps

HELP = """usage: weft opt [FILE|-] [--pass-pipeline='builtin.module(...)' | --PASS[="k=v k=v"] ...] [-o FILE]

Reads a module (standard input when no FILE is given), runs passes on it in order, and prints it.
It is verified after it is read and after every pass; on an error nothing is printed.

options:
  -o FILE                        write to FILE instead of standard output
  -p, --pass-pipeline=TEXT       the passes, as MLIR writes pipelines: builtin.module(canonicalize,func.func(cse));
                                 a flat list a,b{k=v} runs on the module
  --verify-each=0                verify only what was read
  --allow-unregistered-dialect   read ops of unknown dialects in generic form
  --mlir-print-op-generic        print in generic form
  --mlir-print-debuginfo         print locations
  --keep-names                   print values by their names in the source instead of numbers
  --list-passes                  list the passes
  --help, -h                     this text
"""


@dataclass
class Options:
    """What the command line asks for."""

    file: str | None = None
    output: str | None = None
    pipeline: Nest | None = None
    steps: list[Step] = field(default_factory=list[Step])
    verify_each: bool = True
    allow_unregistered: bool = False
    generic: bool = False
    debuginfo: bool = False
    keep_names: bool = False
    list_passes: bool = False
    help: bool = False


def command(arguments: list[str]) -> int:
    """Run `weft opt`; the exit code."""
    options = read_arguments(arguments)
    if options.help:
        print(HELP, end="")
        return 0
    if options.list_passes:
        _list_passes()
        return 0
    text = _transformed(options)
    if options.output is None or options.output == "-":
        sys.stdout.write(text)
        return 0
    _write(Path(options.output), text)
    return 0


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise WeftError(f"cannot open output file '{path}': {error.strerror}") from None


def _transformed(options: Options) -> str:
    from weft.driver.passes import PassManager
    from weft.driver.printing import print_module
    from weft.driver.program import parse
    from weft.driver.source import decode
    from weft.driver.verify import verify
    from weft.frontends.mlir import parse_module
    from weft.registry import context

    pipeline = options.pipeline or Nest("builtin.module", tuple(options.steps))
    manager = PassManager.of(pipeline, verify_each=options.verify_each)
    ctx = context(allow_unregistered=options.allow_unregistered)
    if options.file in (None, "-"):
        module = parse_module(decode(sys.stdin.buffer.read(), "<stdin>"), ctx, "<stdin>")
        verify(module)
    else:
        assert options.file is not None
        module = parse(Path(options.file), ctx)
    manager.run(ctx, module)
    return print_module(module, generic=options.generic, debuginfo=options.debuginfo, keep_names=options.keep_names)


def _list_passes() -> None:
    from weft.registry import find_pass, pass_names

    for name in sorted(pass_names()):
        summary = (find_pass(name).__doc__ or "").strip().splitlines()
        print(f"  --{name:28} {summary[0] if summary else ''}".rstrip())


_FLAGS = {
    "allow-unregistered-dialect": "allow_unregistered",
    "mlir-print-op-generic": "generic",
    "print-op-generic": "generic",
    "mlir-print-debuginfo": "debuginfo",
    "print-debuginfo": "debuginfo",
    "keep-names": "keep_names",
    "list-passes": "list_passes",
    "help": "help",
    "h": "help",
}
_VALUED = ("o", "p", "passes", "pass-pipeline", "verify-each")


def read_arguments(arguments: list[str]) -> Options:
    """Read the command line. Raises :class:`WeftError` for what it does not know."""
    options, rest = Options(), iter(arguments)
    for argument in rest:
        if argument == "-" or not argument.startswith("-"):
            if options.file is not None:
                raise WeftError(f"weft opt: one input at a time: '{options.file}' and '{argument}'")
            options.file = argument
        else:
            _read_flag(options, argument, rest)
    if options.pipeline is not None and options.steps:
        raise WeftError("'-pass-pipeline' option can't be used with individual pass options")
    return options


def _read_flag(options: Options, argument: str, rest: Iterator[str]) -> None:
    name, equals, value = argument.lstrip("-").partition("=")
    if name in _VALUED:
        if not equals and name != "verify-each":
            value = next(rest, "")
            if not value:
                raise WeftError(f"weft opt: '{argument}' needs a value")
        _set_value(options, name, value)
    elif name in _FLAGS and not equals:
        setattr(options, _FLAGS[name], True)
    else:
        _add_pass(options, argument, name, value)


def _set_value(options: Options, name: str, value: str) -> None:
    if name == "o":
        options.output = value
    elif name == "verify-each":
        options.verify_each = value.lower() not in ("0", "false")
    else:
        options.pipeline = parse_pipeline(value) if "(" in value or name == "pass-pipeline" else parse_steps(value)


def _add_pass(options: Options, argument: str, name: str, value: str) -> None:
    from weft.registry import pass_names

    if name not in pass_names():
        near = did_you_mean(name, [*pass_names(), *_FLAGS, *_VALUED])
        hint = near.replace("'", "'--", 1) if near else "weft opt --help lists the options, --list-passes the passes"
        raise WeftError(f"weft opt: Unknown command line argument '{argument}'", hint=hint)
    options.steps.append(Step(name, parse_options(value)))
