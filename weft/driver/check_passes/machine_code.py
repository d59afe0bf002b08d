"""Running a stop of the road as machine code: finished by a plain lowering, in a child process."""

from __future__ import annotations

import copy
import ctypes
from collections.abc import Iterator, Sequence
from typing import Any, cast

import numpy as np
from xdsl.dialects import llvm
from xdsl.dialects.builtin import ArrayAttr, ModuleOp, StringAttr

from weft.backends.complex_pairs import pairs_of
from weft.backends.cpu.compiled import CompiledFunction
from weft.backends.cpu.library import Library
from weft.backends.cpu.runtime import runtime_symbol
from weft.backends.llvm.object_code import to_object
from weft.backends.llvm.translate import to_llvm_ir
from weft.backends.signature import ENTRY, Signature
from weft.diagnostics import WeftError
from weft.dialects.target import cpu_of
from weft.driver.check_passes.child import Ended, Send, results_of
from weft.driver.check_passes.execute import GARBAGE, empty, written
from weft.driver.compile import MESSAGES, data_of
from weft.driver.passes import run_pipeline
from weft.passes.pipelines import PLAIN

SCHEDULE = "loop.schedule"

Call = tuple[Signature, Sequence[Any]]
"""A function, and arguments for it."""


class Refused(str):
    """Why a program could not be made into machine code."""


class Failed(str):
    """What a program says that fails while it runs."""


Found = list[Any] | Failed | Ended | Refused
"""What became of a call: its results and the memrefs that were given; or why there are none."""


def is_llvm(module: ModuleOp) -> bool:
    """Whether all of a module is in the llvm dialect."""
    return all(op.name.startswith("llvm.") for op in module.body.block.ops)


def has_entry(module: ModuleOp, name: str) -> bool:
    """Whether a module has the entry of a function, in the llvm dialect."""
    return any(isinstance(op, llvm.FuncOp) and op.sym_name.data == ENTRY + name for op in module.body.block.ops)


def call_all(module: ModuleOp, calls: Sequence[Call], seconds: float) -> Iterator[Found]:
    """What each call gives. The first that crashes or hangs is the last, and so is a module that cannot be lowered."""

    def work(send: Send) -> None:
        try:
            functions = _compiled(module, {signature.name: signature for signature, _ in calls})
        except Exception as error:
            send(Refused(f"{type(error).__name__}: {error}"))
            return
        for signature, arguments in calls:
            send(_called(functions[signature.name], signature, arguments))

    return results_of(work, seconds)


def _compiled(module: ModuleOp, signatures: dict[str, Signature]) -> dict[str, Any]:
    """Callables, by the names of the functions."""
    module, threads = module.clone(), cpu_of(module).threads
    _spoil_fresh_memory()
    if not is_llvm(module):
        for op in module.body.block.ops:
            op.attributes.pop(SCHEDULE, None)
        run_pipeline(module, PLAIN)
    messages = cast("ArrayAttr[StringAttr]", module.attributes.get(MESSAGES, ArrayAttr[StringAttr]([])))
    code = to_object(to_llvm_ir(module))
    arrays = {symbol: spec.load() for symbol, spec in data_of(module).items()}
    addresses: dict[str, int] = {symbol: array.__array_interface__["data"][0] for symbol, array in arrays.items()}

    def address(symbol: str) -> int | None:
        return addresses.get(symbol) or runtime_symbol(symbol, threads)

    library = Library(code, [ENTRY + name for name in signatures], address)
    texts = [message.data for message in messages]
    return {name: CompiledFunction(library, signature, texts, arrays) for name, signature in signatures.items()}


def _spoil_fresh_memory() -> None:
    """Make malloc hand out memory that is full of garbage, where the C library can (glibc: M_PERTURB)."""
    if hasattr(process := ctypes.CDLL(None), "mallopt"):
        process.mallopt(-6, 1)


def _called(function: Any, signature: Signature, arguments: Sequence[Any]) -> Found:
    values: list[Any] = copy.deepcopy(list(arguments))
    outs = None
    if signature.results and all(spec.kind == "tensor" and spec.static for spec in signature.results):
        outs = tuple(empty(spec, GARBAGE) for spec in signature.results)
    try:
        results = function(*values, out=outs)
    except WeftError as error:
        return Failed(error.message)
    several = cast("tuple[Any, ...]", results if isinstance(results, tuple) else () if results is None else (results,))
    return [pairs_of(np.asarray(result)) for result in several] + written(signature, values)
