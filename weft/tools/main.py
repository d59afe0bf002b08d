"""The command `weft` and its subcommands; `weft-opt` is `weft opt`."""

from __future__ import annotations

import errno
import io
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from importlib import import_module

from weft import codes
from weft.diagnostics import Diagnostic, WeftError
from weft.tools import report
from weft.version import VERSION

COMMANDS: tuple[tuple[str, str, str], ...] = (
    ("run", "weft.tools.run", "compile a program and run it"),
    ("compile", "weft.tools.compile", "compile a program to a file: a library, an object, assembly, ..."),
    ("opt", "weft.tools.opt", "run passes on a module and print it"),
    ("reduce", "weft.tools.reduce", "shrink a module while a test finds it interesting"),
    ("check-dialect", "weft.tools.check_dialect", "check a dialect from its op definitions"),
    ("new-dialect", "weft.tools.new_dialect", "start a dialect of your own"),
    ("lsp", "weft.tools.lsp", "a language server for editors"),
    ("explain", "weft.tools.explain", "what the code of an error means"),
    ("help", "weft.tools.help", "what an op, a pass or a dialect is"),
)

INTERNAL_ERROR = 70
"""The exit code of a bug of weft's own (EX_SOFTWARE of sysexits.h)."""


def main(argv: Sequence[str] | None = None) -> int:
    """The command line. Returns the exit code: 0, 1 for a user's error, 70 for a bug of weft's own."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if sys.stdout is None:  # pyright: ignore[reportUnnecessaryComparison] - it is, where the shell closed it
        sys.stdout = ClosedOutput()
    try:
        chosen, rest = report.read_format(arguments)
    except WeftError as error:
        report.show_error(error)
        return 1
    with report.using(chosen):
        return guarded(lambda: _dispatch(with_plugins(rest)), arguments)


class ClosedOutput(io.TextIOBase):
    """Standard output where the shell has closed it: what is not written cannot be missed."""

    def write(self, text: str, /) -> int:
        """Refuse to write."""
        raise OSError(errno.EBADF, os.strerror(errno.EBADF), "standard output")


def main_opt(argv: Sequence[str] | None = None) -> int:
    """`weft-opt`: the same as `weft opt`."""
    return main(["opt", *(sys.argv[1:] if argv is None else argv)])


def _dispatch(arguments: list[str]) -> int:
    if not arguments or arguments[0] in ("-h", "--help") or arguments == ["help"]:
        print(_usage())
        return 0 if arguments else 1
    if arguments[0] == "--version":
        print(f"weft {VERSION}")
        return 0
    for name, module, _ in COMMANDS:
        if name == arguments[0]:
            command: Callable[[list[str]], int] = import_module(module).command
            return command(arguments[1:])
    from weft.diagnostics import did_you_mean

    hint = did_you_mean(arguments[0], [name for name, _, _ in COMMANDS])
    raise WeftError(
        f"weft: unknown command '{arguments[0]}'",
        hint=hint or "weft --help lists the commands",
        code=codes.COMMAND_LINE,
    )


PLUGIN_FLAGS = ("load-dialect-plugin", "load-pass-plugin")


def with_plugins(arguments: Sequence[str]) -> list[str]:
    """Load the plug-ins that a command line asks for, whatever the command; what is left of the line.

    Raises :class:`WeftError` for one that cannot be loaded.
    """
    rest: list[str] = []
    given = iter(arguments)
    for argument in given:
        flag, equals, module = argument.lstrip("-").partition("=")
        if not argument.startswith("-") or flag not in PLUGIN_FLAGS:
            rest.append(argument)
            continue
        module = module if equals else next(given, "")
        if not module:
            raise WeftError(
                f"weft: '{argument}' needs a value: the name of a module, or the path of a .py file",
                code=codes.COMMAND_LINE,
            )
        from weft.registry import load_plugin

        load_plugin(module)
    return rest


def _usage() -> str:
    lines = [f"  {name:14} {text}" for name, _, text in COMMANDS]
    return "\n".join(
        [
            "usage: weft COMMAND ...",
            "",
            "commands:",
            *lines,
            "",
            "with every command: --load-dialect-plugin=MODULE, --load-pass-plugin=MODULE (or the path of a .py file)",
            "and --diagnostics=text|json: how errors are written to standard error",
            "weft COMMAND --help tells more; weft --version",
        ]
    )


def guarded(command: Callable[[], int], arguments: Sequence[str]) -> int:
    """Run a command: its errors become diagnostics on stderr and an exit code."""
    try:
        code = command()
        sys.stdout.flush()
        return code
    except WeftError as error:
        return _refuse(error)
    except BrokenPipeError:
        # the reader of our output has gone; nothing is left to tell it
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except MemoryError as error:
        return _refuse(WeftError(f"out of memory: {error}", code=codes.OUT_OF_MEMORY))
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    except OSError as error:
        message = f"{error.filename or 'input or output'}: {error.strerror or error}"
        return _refuse(WeftError(message, code=codes.SYSTEM))
    except Exception as error:
        return _report_bug(error, arguments)


def _refuse(error: WeftError) -> int:
    report.show_error(error)
    return 1


def _report_bug(error: Exception, arguments: Sequence[str]) -> int:
    """Say that weft is wrong, and leave a file that shows it."""
    from weft.tools.reproducer import write_reproducer

    place = write_reproducer(traceback.format_exc(), arguments)
    notes = ["this is a bug of weft, not of your program"]
    if place is not None:
        notes.append(f"reproducer at {place}: please attach it to a bug report")
    message = f"internal compiler error: {type(error).__name__}: {error}"
    noted = tuple(Diagnostic(note, severity="note") for note in notes)
    report.show_error(WeftError(message, notes=noted, code=codes.INTERNAL))
    return INTERNAL_ERROR


if __name__ == "__main__":
    sys.exit(main())
