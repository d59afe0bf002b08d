"""Compiling ahead of time for NVIDIA's GPUs: a program as PTX or cubin, or at a stop of the GPU road.

Neither a GPU nor CUDA's toolkit is needed, but for a cubin `ptxas`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path

from xdsl.dialects import func
from xdsl.dialects.builtin import ModuleOp

from weft import codes, collection
from weft.backends.cuda import to_cubin, to_ptx
from weft.backends.cuda.listing import listing
from weft.backends.cuda.ptx import target_of
from weft.backends.llvm.nvvm import device_ir
from weft.diagnostics import WeftError, did_you_mean
from weft.dialects import gpu
from weft.dialects.target import ATTRIBUTE, Cuda, CudaAttr
from weft.driver.binding import bind_arguments
from weft.driver.instruments import Instrument
from weft.driver.printing import print_module
from weft.driver.program import Program, drop_unused, find_entries, keep_only, parse
from weft.driver.schedules.text import run_scheduled
from weft.driver.source import Source, showing
from weft.passes.pipelines import GPU_STOPS
from weft.room import with_room
from weft.version import VERSION

MODULES = ("text", *(name for name, _ in GPU_STOPS))
"""The stops of the GPU road: what `.mlir` can hold."""

CODE = ("ptx", "cubin", "ll")
"""The kinds of files after the road, by their endings."""

_LAST = "nvvm"
"""The stop at which kernels become code; host code still launches them by name there."""


def make_device_files(
    program: ModuleOp | Source,
    output: Path,
    facts: Cuda,
    *,
    emit: str | None = None,
    entries: tuple[str, ...] = (),
    pipeline: str | None = None,
    bind: Mapping[str, object] | None = None,
    schedule: Source | None = None,
    instruments: tuple[Instrument, ...] = (),
) -> dict[Path, bytes]:
    """A program for a GPU as files: code, and (where `output` has an ending) a `.json` that lists its kernels.

    A program with several `gpu.module`s becomes a file for each, `x.NAME.ptx`. Raises :class:`WeftError` for all that
    is wrong with it.
    """
    kind = _kind(output, emit)

    def make() -> dict[Path, bytes]:
        module, steps = _prepared(program, kind, facts, entries, bind or {})
        run_scheduled(module, pipeline or steps, schedule, instruments)
        return {output: print_module(module).encode()} if kind in MODULES else _code(module, output, kind, facts)

    with collection.paused(), showing(program) if isinstance(program, Source) else nullcontext():
        return with_room(make)


def _kind(output: Path, emit: str | None) -> str:
    ending = output.suffix.removeprefix(".")
    known = [*MODULES, *CODE]
    if emit is not None:
        if emit not in known:
            hint = did_you_mean(emit, known) or f"for a GPU it is one of {', '.join(known)}"
            raise WeftError(f"cannot emit '{emit}'", hint=hint, code=codes.COMMAND_LINE)
        return emit
    if ending == "mlir":
        return MODULES[-1]
    if ending not in CODE:
        hint = f"for a GPU it is one of .mlir, {', '.join('.' + kind for kind in CODE)}; --emit goes before it"
        message = f"the ending of '{output}' does not say what to make"
        raise WeftError(message, hint=hint, code=codes.COMMAND_LINE)
    return ending


def _prepared(
    program: Program | Source,
    kind: str,
    facts: Cuda,
    names: tuple[str, ...],
    bind: Mapping[str, object],
) -> tuple[ModuleOp, str]:
    """The module, and the pipeline to the stop that is asked for, or to the last one before code."""
    module = parse(program)
    if module is program:
        module = module.clone()
    module.attributes[ATTRIBUTE] = CudaAttr(facts)
    if any(isinstance(op, func.FuncOp) and op.body.blocks for op in module.body.block.ops):
        functions = find_entries(module, names)
        bind_arguments(module, functions, bind, program.folder if isinstance(program, Source) else Path())
        keep_only(module, *functions)
        drop_unused(module)
    stops = GPU_STOPS[: MODULES.index(kind if kind in MODULES else _LAST)]
    steps = ",".join(name for _, passes in stops for name in passes)
    return module, f"builtin.module({steps})"


def _code(module: ModuleOp, output: Path, kind: str, facts: Cuda) -> dict[Path, bytes]:
    kernels = [op for op in module.body.block.ops if isinstance(op, gpu.ModuleOp)]
    if not kernels:
        raise WeftError("the program has no kernels: there is nothing to compile for a GPU", code=codes.NO_ENTRY)
    paths = {op.sym_name.data: output for op in kernels}
    if len(kernels) > 1:
        paths = {name: output.with_name(f"{output.stem}.{name}{output.suffix}") for name in paths}
    files: dict[Path, bytes] = {}
    usage: dict[tuple[str, str], int] = {}
    for op in kernels:
        name = op.sym_name.data
        text = device_ir(op) if kind == "ll" else to_ptx(op)
        data = text.encode()
        if kind == "cubin":
            assembled = to_cubin(text, target_of(op).chip)
            data = assembled.code
            usage |= {(name, kernel): used.registers for kernel, used in assembled.usage.items()}
        files[paths[name]] = data
    if output.suffix:
        described = listing(module, {name: path.name for name, path in paths.items()})
        for kernel in described["kernels"]:
            if (registers := usage.get((kernel["module"], kernel["name"]))) is not None:
                kernel["registers"] = registers
        text = json.dumps({"weft": VERSION, "format": kind, "chip": facts.chip, **described}, indent=1)
        files[output.with_suffix(".json")] = f"{text}\n".encode()
    return files
