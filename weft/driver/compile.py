"""Compiling a program: read, lower, generate code, load. What was compiled before comes from the cache."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, replace
from types import BuiltinFunctionType
from typing import TYPE_CHECKING, Any, cast

from weft import codes, collection
from weft.backends.data import DataSpec
from weft.backends.signature import Signature
from weft.diagnostics import WeftError, did_you_mean
from weft.driver import cache
from weft.driver.source import Source, read_source, showing
from weft.room import with_room

if TYPE_CHECKING:
    from xdsl.dialects.builtin import ModuleOp
    from xdsl.ir import Attribute

    from weft.driver.instruments import Instrument
    from weft.driver.program import Program
    from weft.driver.schedules.profile import Profile

MESSAGES = "weft.messages"
"""The module attribute that holds the texts of run-time checks: status k is message k - 1."""


MOST_THREADS = 1024
"""More threads than this are a mistake."""


@dataclass(frozen=True)
class Request:
    """What is asked for besides the program.

    With `instruments`, which watch the passes, or a `profile`, which measures kernels on a CPU, the cache is not asked.
    `schedule` is a file of schedules, or its text.
    """

    target: str = "cpu"
    entry: str | None = None
    threads: int | None = None
    pipeline: str | None = None
    instruments: tuple[Instrument, ...] = ()
    options: str = ""
    """What stands behind the `:` of the target."""
    schedule: str | os.PathLike[str] | None = None
    profile: Profile | None = None


@dataclass(frozen=True)
class Compiled:
    """A compiled program: call it with arrays.

    `signature` tells what it takes and gives; `from_cache` whether its code was made earlier.
    """

    call: Callable[..., Any]
    signature: Signature
    from_cache: bool

    def __call__(self, *args: object, out: object = None, **kwargs: object) -> Any:
        """Call with NumPy arrays (or numbers for scalars), in order or by name.

        One result comes back as an array, several as a tuple, none as None. `out=` takes an array, or a tuple of them,
        that the results are written to. Raises :class:`WeftError` for arguments that do not fit, and for a check that
        fails while the program runs.
        """
        return self.call(*args, out=out, **kwargs)


def compile_program(program: Program, request: Request) -> Compiled:
    """Compile a program. Raises :class:`WeftError` for everything that is wrong with it or with the request."""
    name, options = split_target(request.target)
    target = TARGETS.get(name)
    if target is None or (options and target.options is None):
        hint = (ALIKE.get(name) or did_you_mean(name, TARGETS)) if target is None else None
        known = " or ".join(f"'{name}'" for name in TARGETS)
        raise WeftError(f"unknown target '{request.target}', expected {known}", hint=hint, code=codes.UNKNOWN_TARGET)
    if not target.scheduled and (request.schedule is not None or request.profile is not None):
        message = f"the target '{name}' takes no schedules and is not explained: it has no kernels"
        raise WeftError(message, code=codes.COMMAND_LINE)
    threads = request.threads if request.threads is not None else default_threads()
    check_threads(threads)
    return target.build(program, replace(request, target=name, options=options, threads=threads))


def check_threads(threads: int) -> None:
    """Raises :class:`WeftError` for a number of threads that no machine has."""
    if not 1 <= threads <= MOST_THREADS:
        raise WeftError(f"threads must be 1 to {MOST_THREADS}, not {threads}", code=codes.COMMAND_LINE)


def split_target(text: str) -> tuple[str, str]:
    """The name of a target and what is said behind it: `cuda:sm_90a,+ptx86` and `cuda,+ptx86` are both of `cuda`."""
    name, _, options = re.sub(r"^([\w-]+),", r"\1:", text).partition(":")
    return name, options


def default_threads() -> int:
    """As many threads as this process may run on cores."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _for_reference(program: Program, request: Request) -> Compiled:
    from weft.driver.gradients import with_gradients
    from weft.driver.oracle import Oracle
    from weft.driver.passes import run_pipeline
    from weft.driver.program import find_entry, parse
    from weft.driver.signatures import signature_of

    module = parse(program)
    if request.pipeline is not None:
        run_pipeline(module, request.pipeline, instruments=request.instruments)
    module = with_gradients(module)
    function = find_entry(module, request.entry)
    signature = signature_of(function)
    return Compiled(Oracle(module, signature), signature, False)


def _for_cpu(program: Program, request: Request) -> Compiled:
    from weft.backends import cpu
    from weft.backends.llvm import host

    source, threads = source_of(program), request.threads or 1
    schedule = None if request.schedule is None else read_source(request.schedule)
    key = None
    if source is not None and not request.instruments and request.profile is None:
        wishes = (request.entry or "", str(threads), request.pipeline or "", host())
        wishes += () if schedule is None else (schedule.name, schedule.text)
        key = cache.key((source.text, source.name, *wishes))
        if (entry := cache.read(key)) is not None:
            header, code = entry
            signature = Signature.from_json(header["signature"])
            data = {name: DataSpec(*spec) for name, spec in header["data"].items()}
            call = cpu.load(
                code, signature, tuple(header["messages"]), threads, data, python_call=header["python_call"]
            )
            return compiled_of(call, signature, True)
    with collection.paused(), showing(source) if source is not None else nullcontext():
        made = with_room(lambda: _compile(source or program, schedule, request, threads))
    if key is not None:
        header = {
            "signature": made.signature.to_json(),
            "messages": made.messages,
            "data": made.data,
            "python_call": made.python_call,
        }
        cache.write(key, header, made.code)
    function = cpu.load(made.code, made.signature, made.messages, threads, made.data, python_call=made.python_call)
    return compiled_of(function, made.signature, False)


def compiled_of(call: Callable[..., Any], signature: Signature, from_cache: bool) -> Compiled:
    """A compiled program whose call goes to machine code at once: a method in Python costs more than a small kernel.

    Python looks `__call__` up in the class, so the program gets a class of its own.
    """
    if not isinstance(call, BuiltinFunctionType):
        return Compiled(call, signature, from_cache)
    own = cast("type[Compiled]", type("Compiled", (Compiled,), {"__call__": call, "__doc__": Compiled.__doc__}))
    return own(call, signature, from_cache)


@dataclass(frozen=True)
class _Made:
    """A program in object code, the messages of its run-time checks, the data that it takes from files, and whether
    Python can call it without Python in between."""

    signature: Signature
    messages: tuple[str, ...]
    data: dict[str, DataSpec]
    python_call: bool
    code: bytes


def _compile(program: Program | Source, schedule: Source | None, request: Request, threads: int) -> _Made:
    from xdsl.dialects.builtin import ArrayAttr, StringAttr

    from weft.backends import cpu, llvm
    from weft.dialects.discarding import discard
    from weft.driver.host import host_cpu, set_target
    from weft.driver.program import drop_unused, find_entry, keep_only, need_host, parse
    from weft.driver.schedules.text import run_scheduled
    from weft.driver.signatures import signature_of
    from weft.passes.pipelines import CPU

    module = parse(program)
    if module is program:
        module = module.clone()
    function = find_entry(module, request.entry)
    need_host(function)
    signature = signature_of(function)
    keep_only(module, function)
    drop_unused(module)
    set_target(module, host_cpu(threads))
    run_scheduled(module, request.pipeline or CPU, schedule, request.instruments)
    laps = request.profile.instrument(module) if request.profile is not None else ""
    blobs, short_cut = llvm.blobs_for_host(), cpu.python_call_text(signature, symbols_of(module))
    code = llvm.to_object(llvm.to_llvm_ir(module, blobs) + short_cut + laps, blobs=blobs)
    messages = cast("ArrayAttr[StringAttr]", module.attributes.get(MESSAGES, ArrayAttr[StringAttr]([])))
    made = _Made(signature, tuple(message.data for message in messages), data_of(module), bool(short_cut), code)
    if not request.instruments:
        discard(module)
    return made


def symbols_of(module: ModuleOp) -> set[str]:
    """The names of the functions of a module in the llvm dialect."""
    from xdsl.dialects.llvm import FuncOp

    return {op.sym_name.data for op in module.body.block.ops if isinstance(op, FuncOp)}


def data_of(module: ModuleOp) -> dict[str, DataSpec]:
    """The data that lies in files, by symbol. Raises :class:`WeftError` where a file does not hold it."""
    from xdsl.dialects.builtin import StringAttr, TensorType

    from weft.dialects.locations import error_at
    from weft.dialects.ml.constant import DATA, DATA_TYPE
    from weft.dialects.ml.dtypes import dtype_of

    found: dict[str, DataSpec] = {}
    for op in module.body.block.ops:
        place, type_ = op.attributes.get(DATA), op.attributes.get(DATA_TYPE)
        if isinstance(place, StringAttr) and isinstance(type_, TensorType):
            tensor = cast("TensorType[Attribute]", type_)
            spec = DataSpec(place.data, dtype_of(tensor.element_type).name, tensor.get_shape())
            try:
                spec.load()
            except WeftError as error:
                raise error_at(op, error.message, error.hint, code=error.code) from error
            found[cast(StringAttr, op.properties["sym_name"]).data] = spec
    return found


def source_of(program: Program) -> Source | None:
    """The text of a program that has one."""
    return read_source(program) if isinstance(program, (str, os.PathLike)) else None


def _for_device(program: Program, request: Request) -> Compiled:
    from weft.driver.devices import compile_for_device

    return compile_for_device(program, request)


@dataclass(frozen=True)
class Target:
    """Something that programs are compiled for.

    `options` says what may stand behind a `:`; None: nothing. `scheduled` says whether its kernels have schedules.
    """

    build: Callable[[Program, Request], Compiled]
    options: str | None = None
    scheduled: bool = True


TARGETS: dict[str, Target] = {
    "cpu": Target(_for_cpu),
    "cuda": Target(_for_device, "CHIP"),
    "gpu-sim": Target(_for_device, "OPTIONS"),
    "reference": Target(_for_reference, scheduled=False),
}
"""Everything that a program can be compiled for and run on."""

ALIKE: dict[str, str] = {
    "gpu": "did you mean 'cuda', a GPU of this machine, or 'gpu-sim', the simulator of one?",
}
"""What to say to names that are spelled like one target and mean another."""
