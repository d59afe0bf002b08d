"""Compiling a program: read, lower, generate code, load. What was compiled before comes from the cache."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from weft import codes, collection
from weft.backends.signature import Signature
from weft.diagnostics import WeftError, did_you_mean
from weft.driver import cache
from weft.driver.source import Source, read_source, showing
from weft.room import with_room

if TYPE_CHECKING:
    from weft.driver.program import Program

TARGETS = ("cpu", "reference")

MESSAGES = "weft.messages"
"""The module attribute that holds the texts of run-time checks: status k is message k - 1."""


@dataclass(frozen=True)
class Request:
    """What is asked for besides the program."""

    target: str = "cpu"
    entry: str | None = None
    threads: int | None = None
    pipeline: str | None = None


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
    name, _, options = request.target.partition(":")
    if name not in TARGETS or options:
        hint = did_you_mean(name, TARGETS) if name not in TARGETS else None
        known = " or ".join(f"'{target}'" for target in TARGETS)
        raise WeftError(f"unknown target '{request.target}', expected {known}", hint=hint, code=codes.UNKNOWN_TARGET)
    threads = request.threads if request.threads is not None else default_threads()
    if threads < 1:
        raise WeftError(f"threads must be at least 1, not {threads}", code=codes.COMMAND_LINE)
    if name == "reference":
        return _for_reference(program, request)
    return _for_cpu(program, request, threads)


def default_threads() -> int:
    """As many threads as this process may run on cores."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _for_reference(program: Program, request: Request) -> Compiled:
    from weft.driver.oracle import Oracle
    from weft.driver.passes import run_pipeline
    from weft.driver.program import find_entry, parse
    from weft.driver.signatures import signature_of

    module = parse(program)
    if request.pipeline is not None:
        run_pipeline(module, request.pipeline)
    function = find_entry(module, request.entry)
    signature = signature_of(function)
    return Compiled(Oracle(module, signature), signature, False)


def _for_cpu(program: Program, request: Request, threads: int) -> Compiled:
    from weft.backends import cpu
    from weft.backends.llvm import host

    source = _source(program)
    key = None
    if source is not None:
        wishes = (request.entry or "", str(threads), request.pipeline or "", host())
        key = cache.key((source.text, source.name, *wishes))
        if (entry := cache.read(key)) is not None:
            header, code = entry
            signature = Signature.from_json(header["signature"])
            return Compiled(cpu.load(code, signature, tuple(header["messages"]), threads), signature, True)
    with collection.paused(), showing(source) if source is not None else nullcontext():
        signature, messages, code = with_room(lambda: _compile(source or program, request, threads))
    if key is not None:
        cache.write(key, {"signature": signature.to_json(), "messages": messages}, code)
    return Compiled(cpu.load(code, signature, messages, threads), signature, False)


def _compile(program: Program | Source, request: Request, threads: int) -> tuple[Signature, tuple[str, ...], bytes]:
    """The signature, the messages of its run-time checks, and the object code of a program."""
    from xdsl.dialects.builtin import ArrayAttr, StringAttr

    from weft.backends import llvm
    from weft.driver.host import host_cpu, set_target
    from weft.driver.passes import run_pipeline
    from weft.driver.program import find_entry, keep_only, parse
    from weft.driver.signatures import signature_of
    from weft.passes.pipelines import CPU

    module = parse(program)
    if module is program:
        module = module.clone()
    function = find_entry(module, request.entry)
    signature = signature_of(function)
    keep_only(module, function)
    set_target(module, host_cpu(threads))
    run_pipeline(module, request.pipeline or CPU)
    code = llvm.to_object(llvm.to_llvm_ir(module))
    messages = cast("ArrayAttr[StringAttr]", module.attributes.get(MESSAGES, ArrayAttr[StringAttr]([])))
    return signature, tuple(message.data for message in messages), code


def _source(program: Program) -> Source | None:
    """The text of a program that has one."""
    return read_source(program) if isinstance(program, (str, os.PathLike)) else None
