"""Compiling a program for a device: the GPU of this machine (`cuda`), or its simulation (`gpu-sim`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import nullcontext
from importlib import import_module
from typing import TYPE_CHECKING, Any, cast

from weft import collection
from weft.backends.data import DataSpec
from weft.backends.device import Backend, DeviceProgram
from weft.backends.signature import Signature
from weft.dialects import device
from weft.driver import cache
from weft.driver.compile import MESSAGES, Compiled, Request, compiled_of, data_of, source_of
from weft.driver.source import read_source, showing
from weft.room import with_room

if TYPE_CHECKING:
    from xdsl.dialects.builtin import ModuleOp
    from xdsl.ir import Operation

    from weft.dialects.target import Cuda
    from weft.driver.program import Program
    from weft.driver.source import Source


BACKENDS = {"cuda": "weft.backends.cuda", "gpu-sim": "weft.backends.sim"}
"""The package of each backend, by the name of its target."""


def compile_for_device(program: Program, request: Request) -> Compiled:
    """Compile a program for a device. Raises :class:`WeftError` for everything that is wrong with it, and where there
    is no such device."""
    from weft.backends.llvm import host

    backend = cast(Backend, import_module(BACKENDS[request.target]))
    facts = backend.target_facts(request.options)
    source, key = source_of(program), None
    schedule = None if request.schedule is None else read_source(request.schedule)
    if source is not None and not request.instruments:
        wishes = (request.entry or "", request.pipeline or "", request.target, request.options, repr(facts), host())
        wishes += () if schedule is None else (schedule.name, schedule.text)
        key = cache.key((source.text, source.name, *wishes))
        if (entry := cache.read(key)) is not None:
            made = _from_cache(*entry)
            return compiled_of(backend.load(made, request.options), made.signature, True)
    with collection.paused(), showing(source) if source is not None else nullcontext():
        made = with_room(lambda: _compile(source or program, schedule, request, backend, facts))
    if key is not None:
        cache.write(key, *_for_cache(made))
    return compiled_of(backend.load(made, request.options), made.signature, False)


def _compile(
    program: Program | Source, schedule: Source | None, request: Request, backend: Backend, facts: Cuda
) -> DeviceProgram:
    from weft.dialects.target import ATTRIBUTE, CudaAttr
    from weft.driver.program import drop_unused, find_entry, keep_only, parse
    from weft.driver.schedules.text import run_scheduled
    from weft.driver.signatures import signature_of
    from weft.passes.pipelines import CUDA

    module = parse(program)
    if module is program:
        module = module.clone()
    function = find_entry(module, request.entry)
    signature = signature_of(function)
    keep_only(module, function)
    drop_unused(module)
    module.attributes[ATTRIBUTE] = CudaAttr(facts)
    run_scheduled(module, request.pipeline or CUDA, schedule, request.instruments)
    short_cut = backend.call_text(signature) if hasattr(backend, "call_text") else ""
    return device_program(
        module, signature, lambda kernels: backend.compile_module(kernels, request.options), short_cut
    )


def device_program(
    module: ModuleOp, signature: Signature, compile_module: Callable[[Operation], bytes], short_cut: str = ""
) -> DeviceProgram:
    """A program at stop 8 in code: the host's by LLVM, that of each `gpu.module` by `compile_module`.

    `short_cut` is LLVM IR that goes with the host's.

    The module is used up. Raises :class:`WeftError` where a file does not hold its data.
    """
    from xdsl.dialects import llvm

    from weft.backends.llvm import to_llvm_ir, to_object
    from weft.dialects import gpu

    data = data_of(module)
    modules: dict[str, bytes] = {}
    contents: dict[str, bytes] = {}
    for op in list(module.body.block.ops):
        if isinstance(op, gpu.ModuleOp):
            _name_target(op, module)
            modules[op.sym_name.data] = compile_module(op)
            op.detach()
            op.erase()
        elif isinstance(op, llvm.GlobalOp) and device.GLOBAL in op.attributes:
            if op.sym_name.data not in data:
                contents[op.sym_name.data] = _content(op)
            _make_external(op)
    return DeviceProgram(
        signature,
        _texts(module, MESSAGES),
        _texts(module, device.KERNELS),
        _texts(module, device.SITES),
        to_object(to_llvm_ir(module) + short_cut),
        modules,
        contents,
        data,
        bool(short_cut),
    )


def _name_target(op: Any, module: ModuleOp) -> None:
    """Let a `gpu.module` that names no target be for that of the program."""
    from xdsl.dialects.builtin import ArrayAttr

    from weft.dialects.nvvm import TargetAttr
    from weft.dialects.target import cuda_of

    if op.targets is None:
        facts = cuda_of(module)
        op.targets = ArrayAttr([TargetAttr.of(facts.chip, facts.ptx)])


def _texts(module: ModuleOp, attribute: str) -> tuple[str, ...]:
    from xdsl.dialects.builtin import ArrayAttr, StringAttr

    found = cast("ArrayAttr[StringAttr]", module.attributes.get(attribute, ArrayAttr[StringAttr]([])))
    return tuple(text.data for text in found)


def _content(op: Any) -> bytes:
    """The initial bytes of a global; zeros where it has none."""
    from xdsl.dialects import llvm

    from weft.backends.llvm.constants import data_bytes
    from weft.passes.lower.types import byte_size

    if op.value is not None:
        return data_bytes(op.value)
    array = cast(llvm.LLVMArrayType, op.global_type)
    return bytes(array.size.data * byte_size(array.type))


def _make_external(op: Any) -> None:
    """Leave of a global its symbol: the address is the device's."""
    from xdsl.dialects import llvm

    op.properties.pop("value", None)
    op.linkage = llvm.LinkageAttr("external")


# the cache


def _for_cache(made: DeviceProgram) -> tuple[dict[str, Any], bytes]:
    """A program as a header and its bytes, one part after another."""
    parts = [("host", "", made.host), *(("module", name, code) for name, code in made.modules.items())]
    parts += [("content", name, content) for name, content in made.contents.items()]
    header = {
        "signature": made.signature.to_json(),
        "messages": made.messages,
        "kernels": made.kernels,
        "sites": made.sites,
        "data": made.data,
        "python_call": made.python_call,
        "parts": [(kind, name, len(content)) for kind, name, content in parts],
    }
    return header, b"".join(content for _, _, content in parts)


def _from_cache(header: Mapping[str, Any], code: bytes) -> DeviceProgram:
    """The inverse of :func:`_for_cache`."""
    parts: dict[str, dict[str, bytes]] = {"host": {}, "module": {}, "content": {}}
    start = 0
    for kind, name, size in header["parts"]:
        parts[kind][name] = code[start : start + size]
        start += size
    return DeviceProgram(
        Signature.from_json(header["signature"]),
        tuple(header["messages"]),
        tuple(header["kernels"]),
        tuple(header["sites"]),
        parts["host"][""],
        parts["module"],
        parts["content"],
        {name: DataSpec(*spec) for name, spec in header["data"].items()},
        header["python_call"],
    )
