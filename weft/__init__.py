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
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from xdsl.dialects.builtin import ModuleOp

    from weft.backends.cuda.device_array import DeviceArray
    from weft.driver.compile import Compiled
    from weft.plugins import Plugin

__all__ = [
    "Diagnostic",
    "Location",
    "WeftError",
    "compile",
    "export",
    "load",
    "load_plugin",
    "parse",
    "to_device",
    "value_and_grad",
]


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
    schedule: str | os.PathLike[str] | None = None,
) -> Compiled:
    """Compile a program to a callable on NumPy arrays.

    `program` is MLIR text (a `str` with a newline), a path, or a module (which is left as it is). `target` is `"cpu"`,
    `"cuda"` (an NVIDIA GPU; `"cuda:sm_90a"` names its chip), `"gpu-sim"` (the code of the GPU, simulated) or
    `"reference"`. `entry` names the function (default: `@main`, else the only public one). `threads` is the most
    that a call may use (default: one a core). `pipeline` replaces the default passes, in MLIR's pipeline grammar.
    `schedule` has schedules for kernels in place of the default ones: a file as `weft run --print-schedule` prints it,
    or such text.

    The callable takes arrays of exactly the declared element types, in order or by name, and `out=`. Tensor arguments
    are only read; `memref` arguments are used in place. On `cuda` it takes arrays of any library where they
    are on the GPU, gives results of the same kind, and takes `stream=`. Raises :class:`WeftError`, at compilation for a
    wrong program, at a call for wrong arguments, a failed run-time check or an error of the GPU.
    """
    from weft.driver.compile import Request, compile_program

    return compile_program(program, Request(target, entry, threads, pipeline, schedule=schedule))


def value_and_grad(
    program: str | os.PathLike[str] | ModuleOp,
    function: str | None = None,
    wrt: Sequence[int] = (),
    target: str = "cpu",
    threads: int | None = None,
) -> Compiled:
    """Compile a function of a program so that it also gives gradients: its results first, then the gradient of the
    first one in each argument of floats, or in those that `wrt` counts from 0.

    The first result must be a float or a tensor of rank 0. `function` is its name (default: `@main`, else the only
    public one); `program`, `target` and `threads` are those of :func:`compile`. See the pass `differentiate`.
    Raises :class:`WeftError` for a wrong program, and, with the place, for an op that has no gradient.
    """
    from weft.driver.compile import Request
    from weft.driver.gradients import value_and_grad as compiled

    return compiled(program, function, wrt, Request(target, None, threads))


def to_device(array: object, stream: object = None) -> DeviceArray:
    """A copy of an array on the current GPU, for programs of the target `cuda` to take without copying it again.

    `array` is a NumPy array, or what `numpy.asarray` makes one of; `stream` is a CUDA stream, by default the default
    one. `to_host()` gives a NumPy array back. Raises :class:`WeftError` where there is no GPU or no memory.
    """
    from weft.backends.cuda import to_device as upload

    return upload(array, stream)


def load_plugin(module: str | os.PathLike[str]) -> Plugin:
    """Load a plug-in, by the name of its module or the path of its `.py` file: its dialects and passes are known then.

    A plug-in that is installed as a package, with an entry point in the group `weft.plugins`, needs no loading.
    Raises :class:`WeftError` for a module that cannot be imported, brings nothing, or has names of weft's own.
    """
    from weft.registry import load_plugin as load

    return load(module if isinstance(module, str) else module.__fspath__())


def export(
    program: str | os.PathLike[str] | ModuleOp,
    output: str | os.PathLike[str],
    target: str = "cpu",
    entry: str | Sequence[str] = (),
    threads: int | None = None,
    pipeline: str | None = None,
    prefix: str | None = None,
    weights: str | os.PathLike[str] | None = None,
    bind: Mapping[str, object] | None = None,
    emit: str | None = None,
    schedule: str | os.PathLike[str] | None = None,
) -> tuple[Path, ...]:
    """Compile a program to a file, as `weft compile` does; the paths of what was written.

    The ending of `output` says what it is: `.mlir` (the last stop of the road), `.ll` (LLVM IR), `.s` (assembly), `.o`
    (an object) or `.so` (a shared library); a C header is written beside the last two. `target` is `"cpu"`, this
    machine, or another such as `"cpu:x86-64-v3"` and `"cpu:aarch64-linux-gnu,+sve"`, or several of x86-64 with commas
    between them. `entry` names the functions to export (default: all public ones), `threads` is the most that a call
    may use, `pipeline` replaces the default passes, and `prefix` stands before the names of C functions (default: the
    name of the file and `_`). `weights` is a `.safetensors` file for the large constants, which else are in the code.
    `bind` makes constants of arguments: arrays or numbers by name; None stands for the input that the program names
    itself (`weft.input`). `emit` says what is written where the ending does not: a stop of the road (`"tensors"`,
    `"scheduled"`, ...) or a kind of file. `schedule` is as in :func:`compile`.

    Raises :class:`WeftError`; then nothing has been written.
    """
    from pathlib import Path

    from weft.driver.ahead import Request, export_program

    entries = (entry,) if isinstance(entry, str) else tuple(entry)
    place = None if weights is None else Path(weights)
    request = Request(emit, target, entries, threads, pipeline, prefix, place, bind or {}, schedule)
    return export_program(program, Path(output), request)


def load(
    file: str | os.PathLike[str],
    entry: str | None = None,
    threads: int | None = None,
    weights: str | os.PathLike[str] | None = None,
) -> Compiled:
    """Load a shared library that :func:`export` or `weft compile` made; a callable as :func:`compile` gives it.

    `entry` names the function (default: `@main`, else the only one). `threads` is the most that calls of the library's
    functions may use (default: one a core, and no more than the library was made for). `weights` is the file with its
    constants, where that has moved; it is mapped, not read.

    Raises :class:`WeftError` for a file that is no such library, or was made by another version of weft or for another
    machine.
    """
    from weft.driver.load import load_program

    return load_program(file, entry, threads, weights)


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from weft.version import VERSION

        return VERSION
    raise AttributeError(f"module 'weft' has no attribute '{name}'")
