"""The flags of `weft opt`: one table, the reading of a command line, and the help that is made from the table."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from weft import codes
from weft.diagnostics import WeftError, did_you_mean
from weft.driver.chunks import MARKER
from weft.driver.pipeline import Nest, Step, parse_options, parse_pipeline, parse_steps


@dataclass
class OptFlags:
    """What a command line asks for."""

    file: str | None = None
    output: str | None = None
    pipeline: Nest | None = None
    steps: list[Step] = field(default_factory=list[Step])
    help: bool = False
    version: bool = False
    list_passes: bool = False
    show_dialects: bool = False
    verify_each: bool = True
    verify_roundtrip: bool = False
    allow_unregistered: bool = False
    split_input_file: bool = False
    split_marker: str = MARKER
    output_split_marker: str = MARKER
    verify_diagnostics: str | None = None
    dump_pipeline: bool = False
    generic: bool = False
    debuginfo: bool = False
    keep_names: bool = False
    local_scope: bool = False
    elide_larger: int | None = None
    print_before: list[str] = field(default_factory=list[str])
    print_after: list[str] = field(default_factory=list[str])
    print_after_change: bool = False
    print_after_failure: bool = False
    print_tree_dir: str | None = None
    timing: bool = False
    timing_display: str = "tree"
    output_format: str = "text"
    statistics: bool = False
    crash_reproducer: str | None = None
    run_reproducer: bool = False
    check_passes: bool = False
    check_seed: int = 0
    check_inputs: list[str] = field(default_factory=list[str])
    check_tolerance: list[str] = field(default_factory=list[str])
    check_reproducer: str | None = None
    check_timeout: float = 60.0
    no_notes: bool = False
    no_implicit_module: bool = False
    accepted: bool = False
    elide_resources: int | None = None
    unique_names: bool = False
    location_names: bool = False
    skip_regions: bool = False
    value_users: bool = False
    statistics_display: str = "pipeline"
    local_reproducer: bool = False
    generated_reproducer: str | None = None
    debug_counter: str | None = None
    print_debug_counter: bool = False
    target: str = "mlir"
    stack_traces: bool = False
    verbosity: str = "remarks"
    log_actions: str | None = None
    profile_actions: str | None = None

    def dumped(self, when: Literal["before", "after"]) -> frozenset[str]:
        """The passes around which the IR is dumped; `*` for all."""
        names = frozenset(self.print_before if when == "before" else self.print_after)
        implied = when == "after" and self.print_after_change
        return names | {"*"} if implied else names


class Flag(NamedTuple):
    """A flag: its names, the field that it sets, how, and what `--help` says.

    Kinds: `set` (true), `unset` (false), `bool` (`--x`, `--x=0`), `text`, `number`, `seconds`, `choice` (of `choices`,
    the first where no value is given), `one` (the same with a value), `pass` (adds a pass name), `all` (adds `*`),
    `list` (adds a text), `marker` (sets the flag, and the marker where one is given), `pipeline`, `refused` (an error,
    whose hint is `target`; not in `--help`).
    """

    names: tuple[str, ...]
    target: str
    kind: str
    help: str
    choices: tuple[str, ...] = ()


FLAGS: tuple[Flag, ...] = (
    Flag(("o",), "output", "text", "write to FILE instead of standard output"),
    Flag(
        ("pass-pipeline", "p", "passes"),
        "pipeline",
        "pipeline",
        "the passes, as MLIR writes pipelines: 'builtin.module(canonicalize,func.func(cse))'; "
        "with -p also a flat list 'a,b{k=v}'",
    ),
    Flag(("list-passes",), "list_passes", "set", "list the passes"),
    Flag(("show-dialects",), "show_dialects", "set", "list the dialects"),
    Flag(("split-input-file",), "split_input_file", "marker", "each chunk between markers is a file of its own"),
    Flag(("output-split-marker",), "output_split_marker", "text", "what is printed between chunks"),
    Flag(
        ("verify-diagnostics",),
        "verify_diagnostics",
        "choice",
        "check the diagnostics against // expected-error {{...}} comments",
        ("all", "only-expected"),
    ),
    Flag(("verify-each",), "verify_each", "bool", "verify after every pass (default: on)"),
    Flag(("verify-roundtrip",), "verify_roundtrip", "set", "what is printed must read back to the same module"),
    Flag(("allow-unregistered-dialect",), "allow_unregistered", "set", "read ops of unknown dialects in generic form"),
    Flag(("no-implicit-module",), "no_implicit_module", "set", "the input must be one top-level op"),
    Flag(("dump-pass-pipeline",), "dump_pipeline", "set", "print the pipeline with all options, to stderr"),
    Flag(("mlir-print-op-generic", "print-op-generic"), "generic", "set", "print in generic form"),
    Flag(("mlir-print-debuginfo", "print-debuginfo"), "debuginfo", "set", "print locations"),
    Flag(("mlir-print-local-scope",), "local_scope", "set", "print without aliases (they are never made here)"),
    Flag(("keep-names",), "keep_names", "set", "print values by their names in the source, not by number"),
    Flag(("mlir-elide-elementsattrs-if-larger",), "elide_larger", "number", "leave out larger dense data"),
    Flag(("mlir-print-ir-before",), "print_before", "pass", "dump the IR before a pass"),
    Flag(("mlir-print-ir-before-all",), "print_before", "all", "dump the IR before every pass"),
    Flag(("mlir-print-ir-after",), "print_after", "pass", "dump the IR after a pass"),
    Flag(("mlir-print-ir-after-all", "print-between-passes"), "print_after", "all", "dump the IR after every pass"),
    Flag(("mlir-print-ir-after-change",), "print_after_change", "set", "dump it after passes that changed it"),
    Flag(("mlir-print-ir-after-failure",), "print_after_failure", "set", "dump it after a pass that failed"),
    Flag(("mlir-print-ir-module-scope",), "accepted", "set", "dump whole modules (always so)"),
    Flag(("mlir-print-ir-tree-dir",), "print_tree_dir", "text", "dump into files of this folder"),
    Flag(("mlir-timing",), "timing", "set", "report the time that each part took"),
    Flag(("mlir-timing-display",), "timing_display", "choice", "in order, or summed by name", ("tree", "list")),
    Flag(("mlir-output-format",), "output_format", "choice", "of the timing report", ("text", "json")),
    Flag(("mlir-pass-statistics",), "statistics", "set", "report what each pass counted"),
    Flag(
        ("mlir-pass-pipeline-crash-reproducer",),
        "crash_reproducer",
        "text",
        "write a file that reproduces a failing pipeline",
    ),
    Flag(("run-reproducer",), "run_reproducer", "set", "run the pipeline that the input carries"),
    Flag(("check-passes",), "check_passes", "set", "run the module on inputs around every pass, and compare"),
    Flag(("check-seed",), "check_seed", "number", "another seed makes other inputs (default: 0)"),
    Flag(
        ("check-inputs",),
        "check_inputs",
        "list",
        "check with this value of an argument, [NAME=]SPEC as weft run --input takes it; one flag a value",
    ),
    Flag(
        ("check-tolerance",),
        "check_tolerance",
        "list",
        "how far floats may differ, [DTYPE=]RTOL[,ATOL]; one flag a dtype, or for all (docs/checking.md)",
    ),
    Flag(("check-reproducer",), "check_reproducer", "text", "the file that shows a difference again"),
    Flag(("check-timeout",), "check_timeout", "seconds", "seconds that one call may take (default: 60)"),
    Flag(("mlir-disable-diagnostic-notes",), "no_notes", "set", "print no notes"),
    Flag(("mlir-disable-threading",), "accepted", "set", "accepted; there is one thread"),
    Flag(("mlir-pretty-debuginfo",), "debuginfo", "set", "print locations"),
    Flag(("disable-verify",), "verify_each", "unset", "do not verify after passes"),
    Flag(
        ("mlir-elide-resource-strings-if-larger",),
        "elide_resources",
        "number",
        "leave out longer resources",
    ),
    Flag(("mlir-print-unique-ssa-ids",), "unique_names", "set", "give no name twice, not even in sibling regions"),
    Flag(("mlir-use-nameloc-as-prefix",), "location_names", "set", 'name values after their loc("name")'),
    Flag(("mlir-print-skip-regions",), "skip_regions", "set", "print {...} for regions"),
    Flag(("mlir-print-value-users",), "value_users", "set", "say in comments who uses a value"),
    Flag(
        ("mlir-pass-statistics-display",),
        "statistics_display",
        "choice",
        "in order, or summed by name",
        ("pipeline", "list"),
    ),
    Flag(
        ("mlir-pass-pipeline-local-reproducer",),
        "local_reproducer",
        "set",
        "the crash reproducer holds the failing pass alone, and the module before it",
    ),
    Flag(("mlir-generate-reproducer",), "generated_reproducer", "text", "write the input with the pipeline there"),
    Flag(
        ("mlir-debug-counter",),
        "debug_counter",
        "text",
        "pass-execution-skip=N,pass-execution-count=M: skip N passes, then run M",
    ),
    Flag(("mlir-print-debug-counter",), "print_debug_counter", "set", "print how many passes were counted"),
    Flag(("mlir-print-stacktrace-on-diagnostic",), "stack_traces", "set", "show where in weft an error comes from"),
    Flag(("mlir-print-op-on-diagnostic",), "accepted", "bool", "accepted; errors show the line of the source"),
    Flag(
        ("mlir-diagnostic-verbosity-level",),
        "verbosity",
        "choice",
        "say no more than that",
        ("errors", "warnings", "remarks"),
    ),
    Flag(("log-actions-to",), "log_actions", "text", "log the passes that run into a file, or - for stderr"),
    Flag(("profile-actions-to",), "profile_actions", "text", "the same with times, for chrome://tracing"),
    Flag(("t", "target"), "target", "one", "the kind of output", ("mlir",)),
    Flag(
        ("irdl-file",), "a dialect is a Python file here: weft new-dialect, --load-dialect-plugin=FILE", "refused", ""
    ),
    Flag(("debug-only", "debug"), "--mlir-print-ir-after-all shows what passes do", "refused", ""),
    Flag(("emit-bytecode",), "weft reads and writes text", "refused", ""),
    Flag(("version",), "version", "set", "print the version"),
    Flag(("help", "h"), "help", "set", "this text"),
)
SHOWN = {"text": "=TEXT", "list": "=TEXT", "number": "=N", "seconds": "=N", "pass": "=PASS", "pipeline": "=TEXT"}
"""How `--help` shows the value of a flag, by its kind."""

BY_NAME: dict[str, Flag] = {name: flag for flag in FLAGS for name in flag.names}


def help_text() -> str:
    """What `weft opt --help` prints."""
    lines = [
        "usage: weft opt [FILE|-] [--pass-pipeline='builtin.module(...)' | --PASS[=\"k=v k=v\"] ...] [-o FILE]",
        "",
        "Reads a module (standard input when no FILE is given), runs passes on it in order, and prints it.",
        "It is verified after it is read and after every pass; on an error nothing is printed.",
        "",
        "options (one dash or two):",
    ]
    for flag in FLAGS:
        if flag.kind == "refused":
            continue
        names = ", ".join(("-" if len(name) == 1 else "--") + name for name in flag.names)
        value = f"={'|'.join(flag.choices)}" if flag.choices else SHOWN.get(flag.kind, "")
        text = f"  {names}{value}"
        lines += [f"{text:40} {flag.help}"] if len(text) < 40 else [text, f"{'':40} {flag.help}"]
    lines += ["", 'Every pass is a flag too: --canonicalize, --loop-tile="loop=i size=8"; --list-passes lists them.']
    lines += ["--diagnostics=json writes errors as JSON objects, one a line; weft explain CODE tells more of one."]
    return "\n".join(lines) + "\n"


def read_flags(arguments: list[str]) -> OptFlags:
    """Read a command line. Raises :class:`WeftError` for what it does not know."""
    flags, rest = OptFlags(), iter(arguments)
    for argument in rest:
        if argument == "-" or not argument.startswith("-"):
            if flags.file is not None:
                raise WeftError(
                    f"weft opt: one input at a time: '{flags.file}' and '{argument}'", code=codes.COMMAND_LINE
                )
            flags.file = argument
        else:
            _read_flag(flags, argument, rest)
    if flags.pipeline is not None and flags.steps:
        raise WeftError("'-pass-pipeline' option can't be used with individual pass options", code=codes.COMMAND_LINE)
    return flags


def _read_flag(flags: OptFlags, argument: str, rest: Iterator[str]) -> None:
    name, equals, text = argument.lstrip("-").partition("=")
    value = text if equals else None
    flag = BY_NAME.get(name)
    if flag is None:
        _add_pass(flags, argument, name, text)
        return
    if flag.kind in ("text", "list", "number", "seconds", "pass", "pipeline", "one") and value is None:
        value = next(rest, None)
        if value is None:
            raise WeftError(f"weft opt: '{argument}' needs a value", code=codes.COMMAND_LINE)
    _set(flags, flag, argument, value)


def _set(flags: OptFlags, flag: Flag, argument: str, value: str | None) -> None:
    match flag.kind:
        case "refused":
            raise WeftError(f"weft opt: '{argument}': not supported", hint=flag.target, code=codes.COMMAND_LINE)
        case "unset":
            setattr(flags, flag.target, False)
        case "set" if value is not None:
            raise WeftError(f"weft opt: '{argument}': this option takes no value", code=codes.COMMAND_LINE)
        case "set":
            setattr(flags, flag.target, True)
        case "bool":
            setattr(flags, flag.target, _boolean(argument, value))
        case "number":
            setattr(flags, flag.target, _number(argument, value or ""))
        case "seconds":
            setattr(flags, flag.target, _seconds(argument, value or ""))
        case "choice" | "one":
            setattr(flags, flag.target, _choice(flag, argument, value))
        case "pass" | "all":
            getattr(flags, flag.target).extend(["*"] if flag.kind == "all" else (value or "").split(","))
        case "list":
            getattr(flags, flag.target).append(value)
        case "marker":
            flags.split_input_file = True
            flags.split_marker = value or MARKER
        case "pipeline":
            text = value or ""
            flags.pipeline = parse_pipeline(text) if "(" in text or argument.lstrip("-") != "p" else parse_steps(text)
        case _:
            setattr(flags, flag.target, value)


def _boolean(argument: str, value: str | None) -> bool:
    known = {None: True, "1": True, "true": True, "0": False, "false": False}
    text = value.lower() if value is not None else None
    if text not in known:
        raise WeftError(f"weft opt: '{argument}': expected 0, 1, true or false", code=codes.COMMAND_LINE)
    return known[text]


def _number(argument: str, value: str) -> int:
    if not value.isdigit():
        raise WeftError(f"weft opt: '{argument}': expected a whole number, not '{value}'", code=codes.COMMAND_LINE)
    return int(value)


def _seconds(argument: str, value: str) -> float:
    if re.fullmatch(r"\d+(\.\d+)?", value) is None:
        raise WeftError(f"weft opt: '{argument}': expected a number of seconds, not '{value}'", code=codes.COMMAND_LINE)
    return float(value)


def _choice(flag: Flag, argument: str, value: str | None) -> str:
    chosen = flag.choices[0] if value is None else value
    if chosen not in flag.choices:
        raise WeftError(f"weft opt: '{argument}': expected {' or '.join(flag.choices)}", code=codes.COMMAND_LINE)
    return chosen


def _add_pass(flags: OptFlags, argument: str, name: str, options: str) -> None:
    from weft.registry import pass_names

    if name not in pass_names():
        near = did_you_mean(name, [*pass_names(), *BY_NAME])
        hint = near.replace("'", "'--", 1) if near else "weft opt --help lists the options, --list-passes the passes"
        raise WeftError(f"weft opt: Unknown command line argument '{argument}'", hint=hint, code=codes.COMMAND_LINE)
    flags.steps.append(Step(name, parse_options(options)))
