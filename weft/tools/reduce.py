"""`weft reduce`: the smallest module that a test still finds interesting."""

from __future__ import annotations

import sys
from argparse import Namespace
from functools import partial

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp

from weft import codes, collection
from weft.diagnostics import WeftError, did_you_mean
from weft.driver.output import write_whole
from weft.driver.pipeline import parse_options
from weft.driver.printing import print_module
from weft.driver.reduction import reduce
from weft.driver.reduction.measure import Size, size_of
from weft.driver.reduction.script import Script
from weft.driver.source import Source, read_source_or_stdin, showing
from weft.driver.verify import verify
from weft.frontends.mlir import parse_module
from weft.registry import context
from weft.room import with_room
from weft.tools.run import Parser

DESCRIPTION = """Shrink a module while a test finds it interesting: TEST [ARGUMENT ...] FILE exits with 1 where FILE is
interesting and with 0 where it is not, as for mlir-reduce. Every FILE is a verified module."""


def command(arguments: list[str]) -> int:
    """Run `weft reduce`; the exit code."""
    options = _parser().parse_args(arguments)
    script = _script(options)
    script.program()
    source = read_source_or_stdin(options.file)
    with collection.paused():
        return with_room(partial(_run, source, script, options))


def _parser() -> Parser:
    parser = Parser("weft reduce", description=DESCRIPTION)
    add = parser.add_argument
    add("file", metavar="FILE", nargs="?", help="MLIR text, at any stop of the road; - for standard input")
    add("--test", metavar="TEST", help="the program that says what is interesting")
    add("--test-arg", action="append", default=[], metavar="ARGUMENT", help="an argument for the test, before FILE")
    add("--timeout", type=float, default=60.0, metavar="SECONDS", help="longer runs are not interesting (default 60)")
    add("--max-steps", type=int, metavar="N", help="run the test so many times at most")
    add("-o", dest="output", metavar="OUT", help="write the module there instead of printing it")
    add("--allow-unregistered-dialect", action="store_true", help="read ops of unknown dialects in generic form")
    add("--keep-names", action="store_true", help="print values by their names in the source, not by number")
    add("--reduction-tree", metavar="TEXT", help="mlir-reduce's spelling: 'traversal-mode=0 test=TEST test-arg=...'")
    return parser


def _script(options: Namespace) -> Script:
    """The test that the command line names, in either spelling."""
    test, arguments = options.test, list(options.test_arg)
    for key, value in parse_options(options.reduction_tree or ""):
        if key == "test":
            test = value
        elif key == "test-arg":
            arguments += value.strip("{}").split(",")
        elif key != "traversal-mode" or value != "0":
            known = ("traversal-mode=0", "test", "test-arg")
            raise WeftError(
                f"weft reduce: --reduction-tree: no such option {key}={value}",
                hint=did_you_mean(key, known) or f"the options are {', '.join(known)}",
                code=codes.COMMAND_LINE,
            )
    if test is None:
        raise WeftError(
            "weft reduce: no test is given",
            hint="--test=./script names a program that exits with 1 where its file is interesting",
            code=codes.COMMAND_LINE,
        )
    for name, value in (("--timeout", options.timeout), ("--max-steps", options.max_steps)):
        if value is not None and value <= 0:
            raise WeftError(f"weft reduce: {name} must be more than 0, not {value:g}", code=codes.COMMAND_LINE)
    return Script(test, arguments, options.timeout)


def _run(source: Source, script: Script, options: Namespace) -> int:
    with showing(source):
        ctx = context(allow_unregistered=options.allow_unregistered_dialect)
        module = parse_module(source.text, ctx, source.name)
        verify(module)
    script.check(module, source.name)
    best, interrupted = _reduced(module, script, ctx, options.max_steps)
    text = print_module(best, keep_names=options.keep_names)
    if options.output is None or options.output == "-":
        sys.stdout.write(text)
    else:
        write_whole(options.output, text.encode())
    before, after = size_of(module).ops, size_of(best).ops
    print(f"{before} ops became {after}, in {script.runs} runs of the test", file=sys.stderr)
    return 130 if interrupted else 0


def _reduced(module: ModuleOp, script: Script, ctx: Context, max_steps: int | None) -> tuple[ModuleOp, bool]:
    """The smallest module, and whether the user ended the search: what was found until then is theirs."""
    best = module
    known = print_module(module)

    def interesting(candidate: ModuleOp) -> bool:
        text = print_module(candidate)
        return text == known or (script.interesting(candidate) and _is_read(text, ctx))

    def progress(candidate: ModuleOp, size: Size) -> None:
        nonlocal best
        best = candidate
        if sys.stderr.isatty():
            print(f"\r{size.ops} ops after {script.runs} runs ", end="", file=sys.stderr, flush=True)

    try:
        return reduce(module, interesting, max_steps=max_steps, progress=progress), False
    except KeyboardInterrupt:
        return best, True
    finally:
        if sys.stderr.isatty():
            print(file=sys.stderr)


def _is_read(text: str, ctx: Context) -> bool:
    """Whether a text is a module: a test may well fail on what is none."""
    try:
        parse_module(text, ctx, "<reduced>")
    except WeftError:
        return False
    return True
