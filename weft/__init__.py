"""weft: a multi-dialect compiler for machine-learning programs, in Python, on xDSL.

    import weft

    f = weft.compile("program.mlir")     # or MLIR text, or a module
    y = f(x)                             # NumPy arrays in and out

The public API is what stands here; see `weft --help` for the command line.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from weft.diagnostics import Diagnostic, Location, WeftError

if TYPE_CHECKING:
    import os

    from xdsl.dialects.builtin import ModuleOp

    from weft.driver.compile import Compiled
    from weft.plugins import Plugin

__all__ = ["Diagnostic", "Location", "WeftError", "compile", "load_plugin", "parse"]


def parse(program: str | os.PathLike[str]) -> ModuleOp:
    """Read MLIR text (a `str` with a newline) or a file (any other `str`, or a path) into a verified xDSL module.

    Every op knows its file, line and column. Raises :class:`WeftError`.
    """
    from weft.driver.program import parse as read

    return read(program)


def compile(
    program: str | os.PathLike[str] | ModuleOp,
    target: str = "cpu",
    entry: str | None = None,
    threads: int | None = None,
    pipeline: str | None = None,
) -> Compiled:
    """Compile a program to a callable on NumPy arrays.

    `program` is MLIR text (a `str` with a newline), a path, or a module (which is left as it is). `target` is `"cpu"`
    or `"reference"`. `entry` names the function (default: `@main`, else the only public one). `threads` is the most
    that a call may use (default: one a core). `pipeline` replaces the default passes, in MLIR's pipeline grammar.

    The callable takes arrays of exactly the declared element types, in order or by name, and `out=`. Tensor arguments
    are only read; `memref` arguments are used in place. Raises :class:`WeftError`, at compilation for a wrong program,
    at a call for wrong arguments or a failed run-time check.
    """
    from weft.driver.compile import Request, compile_program

    return compile_program(program, Request(target, entry, threads, pipeline))


def load_plugin(module: str | os.PathLike[str]) -> Plugin:
    """Load a plug-in, by the name of its module or the path of its `.py` file: its dialects and passes are known then.

    A plug-in that is installed as a package, with an entry point in the group `weft.plugins`, needs no loading.
    Raises :class:`WeftError` for a module that cannot be imported, brings nothing, or has names of weft's own.
    """
    from weft.registry import load_plugin as load

    return load(module if isinstance(module, str) else module.__fspath__())


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from weft.version import VERSION

        return VERSION
    raise AttributeError(f"module 'weft' has no attribute '{name}'")
