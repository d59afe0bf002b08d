"""Running a module on buffers with every allocation watched: who frees what, who reads what is not there."""

from __future__ import annotations

from typing import Any

import numpy as np
from xdsl.dialects import func, memref
from xdsl.dialects.builtin import ModuleOp
from xdsl.interpreter import Interpreter
from xdsl.ir import Operation
from xdsl.parser import Parser

from weft.backends.reference.machine import Machine
from weft.backends.reference.values import Buffer, buffer_of
from weft.dialects.scalars.types import need_dtype
from weft.registry import context

GARBAGE = 0xA5


class Misuse(Exception):
    """Memory was freed twice or never, used after it was freed, or overlaps where it must not."""


class Watch(Interpreter.Listener):
    """Fills fresh and freed memory with garbage, and checks every use."""

    def __init__(self, kernels: frozenset[str]) -> None:
        self.kernels = kernels
        self.live: dict[int, np.ndarray] = {}
        self.freed: dict[int, np.ndarray] = {}
        self.allocations = 0

    def will_interpret_op(self, op: Operation, args: tuple[Any, ...]) -> None:
        buffers = [arg for arg in args if isinstance(arg, Buffer)]
        for buffer in buffers:
            if id(storage_of(buffer)) in self.freed:
                raise Misuse(f"{op.name} uses freed memory")
        if isinstance(op, memref.DeallocOp):
            storage = storage_of(buffers[0])
            if self.live.pop(id(storage), None) is None:
                raise Misuse("memory is freed that is not the program's to free")
            self.freed[id(storage)] = storage
            spoil(storage)
        if isinstance(op, func.CallOp) and op.callee.string_value() in self.kernels:
            self.check_distinct(op, buffers)

    def check_distinct(self, op: func.CallOp, buffers: list[Buffer]) -> None:
        for n, first in enumerate(buffers):
            for second in buffers[:n]:
                same = first == second if first.storage is second.storage else False
                if not same and np.shares_memory(first.array, second.array):
                    raise Misuse(f"two arguments of @{op.callee.string_value()} overlap")

    def check_room(self, op: memref.ViewOp, view: Buffer) -> None:
        """A view of a workspace starts at a multiple of 64 bytes and has 64 bytes of room behind it."""
        workspace = storage_of(view)
        start = view.storage.ctypes.data - workspace.ctypes.data
        if start % 64 or (start + view.storage.nbytes + 64 > workspace.nbytes):
            raise Misuse("a buffer is not aligned, or has no room behind it")

    def did_interpret_op(self, op: Operation, results: tuple[Any, ...]) -> None:
        if isinstance(op, memref.ViewOp):
            self.check_room(op, results[0])
            spoil(results[0].array.reshape(-1))
        if isinstance(op, memref.AllocOp):
            storage = storage_of(results[0])
            self.allocations += 1
            self.live[id(storage)] = storage
            spoil(storage)


def storage_of(buffer: Buffer) -> np.ndarray:
    """The memory behind a buffer, whatever the views on the way."""
    storage = buffer.storage
    while isinstance(storage.base, np.ndarray):
        storage = storage.base
    return storage


def spoil(storage: np.ndarray) -> None:
    """Fill memory with garbage."""
    storage.view(np.uint8)[...] = GARBAGE if storage.dtype != np.bool_ else 1


def parse(text: str) -> ModuleOp:
    """Text as a verified module."""
    module = Parser(context(), text).parse_module()
    module.verify()
    return module


def call_on_buffers(before: ModuleOp, after: ModuleOp, entry: str, args: list[Any]) -> tuple[list[Any], Watch]:
    """Call a function that was bufferized, with the results in the order they had. Raises :class:`Misuse`."""
    types = next(f for f in before.ops if isinstance(f, func.FuncOp) and f.sym_name.data == entry).function_type
    machine = Machine(after)
    function = machine.functions[entry]
    marks = function.arg_attrs.data if function.arg_attrs is not None else ()
    spots = [m.data["weft.out"].value.data for m in marks if "weft.out" in m.data]
    outs = {n: np.empty(types.outputs.data[n].get_shape(), need_dtype(function, types.outputs.data[n])) for n in spots}
    for out in outs.values():
        spoil(out.reshape(-1))
    kernels = frozenset(
        name for name, f in machine.functions.items() if {"ml.kernel", "loop.kernel"} & set(f.attributes)
    )
    watch = Watch(kernels)
    machine.listeners = (*machine.listeners, watch)
    with np.errstate(all="ignore"):
        inputs = [_as_value(arg) for arg in args]
        given = list(machine.call(function, (*inputs, *(_as_value(out) for out in outs.values()))))
    for value in given:
        if isinstance(value, Buffer) and watch.live.pop(id(storage_of(value)), None) is None:
            raise Misuse("a result is not the caller's to own")
    if watch.live:
        raise Misuse(f"{len(watch.live)} buffers are never freed")
    rest = iter(given)
    results = [outs[n] if n in outs else next(rest) for n in range(len(types.outputs.data))]
    return [
        _as_array(value).view(need_dtype(function, type_))
        for value, type_ in zip(results, types.outputs.data, strict=True)
    ], watch


def _as_value(arg: Any) -> Any:
    if not isinstance(arg, np.ndarray):
        return arg
    if arg.dtype.kind == "u":
        arg = arg.view(f"int{8 * arg.dtype.itemsize}")
    return buffer_of(arg)


def _as_array(value: Any) -> np.ndarray:
    array = value.array if isinstance(value, Buffer) else np.asarray(value)
    return array.copy(order="C")
