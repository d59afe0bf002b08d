"""Compiling ahead of time: from a program to a file of any kind, from MLIR text to a shared library."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from xdsl.dialects import func, llvm
from xdsl.dialects.builtin import ArrayAttr, ModuleOp, StringAttr
from xdsl.rewriter import Rewriter

from weft import codes, collection
from weft.backends.cpu.ahead.dispatch import Version, dispatch_ir, inner_name, version_ir
from weft.backends.cpu.ahead.header import header
from weft.backends.cpu.ahead.interface import Function, functions_of, identifier
from weft.backends.cpu.ahead.program import INNER_ENTRY, link
from weft.backends.cpu.ahead.program import Program as Lowered
from weft.backends.cpu.ahead.record import Record, Weights
from weft.backends.llvm.blobs import Blobs
from weft.backends.llvm.object_code import Linked
from weft.backends.llvm.translate import to_llvm_ir
from weft.backends.signature import ENTRY, Signature
from weft.diagnostics import WeftError, did_you_mean
from weft.dialects.host_marks import INTO
from weft.dialects.target import ATTRIBUTE, CpuAttr, cpu_of
from weft.driver.binding import bind_arguments
from weft.driver.compile import MESSAGES, check_threads, default_threads
from weft.driver.host import set_target
from weft.driver.instruments import Instrument
from weft.driver.linker import link_shared
from weft.driver.output import write_all
from weft.driver.printing import print_module
from weft.driver.program import Program, drop_unused, embed_data, find_entries, keep_only, parse
from weft.driver.schedules.text import run_scheduled
from weft.driver.signatures import signature_of
from weft.driver.source import Source, read_source, showing
from weft.driver.targets import Target, read_gpu, read_targets
from weft.driver.weights import take_weights
from weft.passes.pipelines import CPU, STOPS
from weft.room import with_room
from weft.version import VERSION

TEXT = "text"
"""The stop before all passes."""

MODULES = (TEXT, *(name for name, _ in STOPS))
"""The stops of the road: what `.mlir` can hold."""

CODE = ("ll", "s", "o", "so")
"""The kinds of files after the road, by their endings."""

LIBRARIES = ("o", "so")
"""The kinds that have a header beside them."""


@dataclass(frozen=True)
class Request:
    """What is asked for besides the program. `emit` is a stop or a kind of file; None goes by the output's ending."""

    emit: str | None = None
    target: str = "cpu"
    entries: tuple[str, ...] = ()
    threads: int | None = None
    pipeline: str | None = None
    prefix: str | None = None
    weights: Path | None = None
    bind: Mapping[str, object] = field(default_factory=dict[str, object])
    schedule: str | os.PathLike[str] | None = None
    instruments: tuple[Instrument, ...] = ()


def export_program(program: Program | Source, output: Path, request: Request) -> tuple[Path, ...]:
    """Write a program as a file, with a header beside object code and libraries; the paths of what was written.

    Either all files are written whole or none. Raises :class:`WeftError` for all that is wrong.
    """
    files = make_files(program, output, request)
    write_all(files)
    return tuple(files)


def make_files(program: Program | Source, output: Path, request: Request) -> dict[Path, bytes]:
    """What :func:`export_program` writes."""
    if request.target.split(":")[0].split(",")[0] == "cuda":
        return _device_files(program, output, request)
    kind = _kind(output, request.emit)
    _check_prefix(request.prefix)
    _check_weights(output, kind, request.weights)
    if request.threads is not None:
        check_threads(request.threads)
    targets = read_targets(request.target, request.threads, default_threads())
    _check_versions(targets, kind, request)
    source = program if isinstance(program, ModuleOp | Source) else read_source(program)
    with collection.paused(), showing(source) if isinstance(source, Source) else nullcontext():
        return with_room(lambda: _Work(source, output, kind, targets, request).files())


def _device_files(program: Program | Source, output: Path, request: Request) -> dict[Path, bytes]:
    """The files of a program for a GPU. Raises :class:`WeftError` for what is asked for and is only for CPUs."""
    from weft.driver.device_ahead import make_device_files

    for name in ("threads", "prefix", "weights"):
        if getattr(request, name) is not None:
            raise WeftError(f"--{name} is for code for CPUs", code=codes.COMMAND_LINE)
    return make_device_files(
        program if isinstance(program, ModuleOp | Source) else read_source(program),
        output,
        read_gpu(request.target),
        emit=request.emit,
        entries=request.entries,
        pipeline=request.pipeline,
        bind=request.bind,
        schedule=None if request.schedule is None else read_source(request.schedule),
        instruments=request.instruments,
    )


def _kind(output: Path, emit: str | None) -> str:
    """A stop or a kind of file. Raises :class:`WeftError` for an unknown one, or one that does not go with the file."""
    ending = output.suffix.removeprefix(".")
    known = [*MODULES, *CODE]
    if emit is not None:
        if emit not in known:
            hint = did_you_mean(emit, known) or f"it is one of {', '.join(known)}"
            raise WeftError(f"cannot emit '{emit}'", hint=hint, code=codes.COMMAND_LINE)
        return emit
    if ending == "mlir":
        return MODULES[-1]
    if ending not in CODE:
        endings = ", ".join(f".{kind}" for kind in ("mlir", *CODE))
        what = f"the ending of '{output}' does not say" if ending else f"'{output}' has no ending that says"
        hint = f"it is one of {endings}; --emit goes before it"
        if ending in ("ptx", "cubin"):
            hint = "it is made for a GPU: --target cuda, or --target cuda:CHIP"
        raise WeftError(f"{what} what to make", hint=hint, code=codes.COMMAND_LINE)
    return ending


def _check_prefix(prefix: str | None) -> None:
    if prefix and not re.fullmatch("[A-Za-z_][A-Za-z0-9_]*", prefix):
        hint = "it is made of letters, digits and _"
        raise WeftError(f"'{prefix}' cannot stand before names in C", hint=hint, code=codes.COMMAND_LINE)


def _check_weights(output: Path, kind: str, weights: Path | None) -> None:
    if weights is None:
        return
    if kind not in CODE:
        raise WeftError("a module holds its weights: --weights goes with code", code=codes.COMMAND_LINE)
    if weights.suffix != ".safetensors":
        raise WeftError(f"weights are written to a .safetensors file, not to '{weights}'", code=codes.COMMAND_LINE)


def _check_versions(targets: Sequence[Target], kind: str, request: Request) -> None:
    if len(targets) > 1 and (kind not in CODE or request.weights is not None):
        what = "have their weights in a file" if kind in CODE else "be a module"
        raise WeftError(f"code for several CPUs cannot {what}", code=codes.COMMAND_LINE)


def _rename_entries(module: ModuleOp, functions: Sequence[Function], inner: str) -> None:
    """Give entries the names that they have in C: two programs may both have a `@main`.

    With `inner` before it, another function of that name stands before the entry. Entries that only code in the same
    module could call are dropped.
    """
    names = {ENTRY + function.signature.name: inner + function.descriptors for function in functions}
    for op in list(module.body.block.ops):
        if not isinstance(op, llvm.FuncOp):
            continue
        if op.sym_name.data.startswith(INTO):
            Rewriter.erase_op(op)
        elif (name := names.get(op.sym_name.data)) is not None:
            op.sym_name = StringAttr(name)


@dataclass(frozen=True)
class _Work:
    """A program on its way to a file."""

    program: ModuleOp | Source
    output: Path
    kind: str
    targets: Sequence[Target]
    request: Request

    @property
    def target(self) -> Target:
        """The CPU that the code needs at least."""
        return self.targets[0]

    def files(self) -> dict[Path, bytes]:
        """The file, and the header where there is one, with their contents."""
        module = parse(self.program)
        if module is self.program:
            module = module.clone()
        if len(self.targets) > 1 or self.target.named or ATTRIBUTE not in module.attributes:
            module.attributes[ATTRIBUTE] = CpuAttr(self.target.cpu)
        if self.kind in MODULES:
            return {self.output: self._text(module)}
        set_target(module, self.target.cpu)
        functions = functions_of(self._signatures(module), self._prefix())
        embed_data(module)
        blobs = Blobs() if self.kind in LIBRARIES else None  # in text, data is text
        versions = self._versions(module, functions, blobs) if len(self.targets) > 1 else []
        self._lower(module, CPU)
        weights = take_weights(module, self._weights_name()) if self.request.weights is not None else None
        _rename_entries(module, functions, INNER_ENTRY if weights is not None else "")
        record = self._record(module, functions, None if weights is None else weights.facts)
        ir = dispatch_ir(functions, versions) if versions else to_llvm_ir(module, blobs)
        lowered = Lowered(ir, functions, record, [version_ir(version) for version in versions])
        with link(lowered, self.target.machine) as linked:
            files = {self.output: self._code(linked, blobs)}
        if self.request.weights is not None and weights is not None:
            files[self.request.weights] = weights.data
        if self.kind in LIBRARIES:
            path = self.output.with_suffix(".h")
            files[path] = header(path.name, functions, record, self._source_name()).encode()
        return files

    def _versions(self, module: ModuleOp, functions: Sequence[Function], blobs: Blobs | None) -> list[Version]:
        """The code for each of the CPUs."""
        found: list[Version] = []
        for number, target in enumerate(self.targets):
            own, inner = module.clone(), inner_name(number)
            own.attributes[ATTRIBUTE] = CpuAttr(target.cpu)
            self._lower(own, CPU)
            _rename_entries(own, functions, inner)
            found.append(Version(target.machine, target.features, to_llvm_ir(own, blobs), inner))
        return found

    def _text(self, module: ModuleOp) -> bytes:
        """The module at the stop that is asked for."""
        if self.request.bind:
            self._bind(module, find_entries(module, self.request.entries))
        if self.request.entries:
            keep_only(module, *find_entries(module, self.request.entries))
        stops = STOPS[: MODULES.index(self.kind)]
        pipeline = f"builtin.module({','.join(name for _, passes in stops for name in passes)})"
        self._lower(module, pipeline)
        return print_module(module).encode()

    def _lower(self, module: ModuleOp, pipeline: str) -> None:
        """Run a pipeline, or the one that was asked for instead."""
        file = self.request.schedule
        schedule = None if file is None else read_source(file)
        run_scheduled(module, self.request.pipeline or pipeline, schedule, self.request.instruments)

    def _signatures(self, module: ModuleOp) -> list[Signature]:
        """Those of the functions to export, which alone stay public."""
        if not any(isinstance(op, func.FuncOp) for op in module.body.block.ops) and self.kind not in LIBRARIES:
            return []  # a program of the llvm dialect has its entries already
        entries = find_entries(module, self.request.entries)
        self._bind(module, entries)
        keep_only(module, *entries)
        drop_unused(module)
        return [signature_of(entry) for entry in entries]

    def _bind(self, module: ModuleOp, entries: Sequence[func.FuncOp]) -> None:
        folder = self.program.folder if isinstance(self.program, Source) else Path()
        bind_arguments(module, entries, self.request.bind, folder)

    def _prefix(self) -> str:
        """What stands before the names of plain functions: by default the name of the file, as the linker has it."""
        if self.request.prefix is not None:
            return self.request.prefix
        return identifier(self.output.name.partition(".")[0].removeprefix("lib")) + "_"

    def _weights_name(self) -> str:
        """Where the file of weights is, as seen from the code."""
        assert self.request.weights is not None
        return os.path.relpath(self.request.weights, self.output.parent)

    def _record(self, module: ModuleOp, functions: Sequence[Function], weights: Weights | None) -> Record:
        messages = cast("ArrayAttr[StringAttr]", module.attributes.get(MESSAGES, ArrayAttr[StringAttr]([])))
        machine = self.target.machine
        return Record(
            VERSION,
            machine.triple,
            machine.cpu,
            self.target.features,
            cpu_of(module).threads,
            self._prefix(),
            tuple(function.signature for function in functions),
            tuple(message.data for message in messages),
            weights,
        )

    def _code(self, linked: Linked, blobs: Blobs | None) -> bytes:
        if self.kind == "ll":
            return linked.ir().encode()
        if self.kind == "s":
            return linked.assembly().encode()
        code = linked.object() if blobs is None else blobs.put_into(linked.object())
        return code if self.kind == "o" else link_shared(code, self.output.name, self.target.machine)

    def _source_name(self) -> str:
        return Path(self.program.name).name if isinstance(self.program, Source) else "a module"
