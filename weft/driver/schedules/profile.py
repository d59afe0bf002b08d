"""How long each kernel takes: the host code of a program notes the time around its calls of kernels."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
from xdsl.dialects import llvm
from xdsl.dialects.builtin import IntegerAttr, ModuleOp, i64
from xdsl.ir import Operation
from xdsl.rewriter import InsertPoint, Rewriter

from weft.dialects.locations import give

_LAPS = 4
"""What is kept of a kernel: its start, how often it ran, the least and the total time in nanoseconds."""

_START, _STOP = "weft.lap.start", "weft.lap.stop"

_KERNEL = ".kernel"
"""How the functions of kernels end at the last stop."""


@dataclass(frozen=True)
class Lap:
    """How often a kernel ran, and its times in seconds."""

    count: int
    least: float
    total: float


class Profile:
    """The laps of the kernels of one program. It must live as long as the program's code does."""

    def __init__(self) -> None:
        self._names: list[str] = []
        self._laps = np.zeros((0, _LAPS), np.int64)

    def instrument(self, module: ModuleOp) -> str:
        """Put calls around the calls of kernels in a module of the llvm dialect.

        What comes back is the LLVM IR of the functions that these call, to stand in the same module.
        """
        calls = [op for op in module.walk() if isinstance(op, llvm.CallOp) and _kernel_of(op) is not None]
        self._names = list(dict.fromkeys(_kernel_of(op) or "" for op in calls))
        self._laps = np.zeros((len(self._names), _LAPS), np.int64)
        self.reset()
        if not calls:
            return ""
        for call in calls:
            number = self._names.index(_kernel_of(call) or "")
            Rewriter.insert_op(_note(_START, number, call), InsertPoint.before(call))
            Rewriter.insert_op(_note(_STOP, number, call), InsertPoint.after(call))
        address: int = self._laps.__array_interface__["data"][0]
        return _TEXT.format(start=_START, stop=_STOP, address=address, bytes=8 * _LAPS, clock=int(time.CLOCK_MONOTONIC))

    def reset(self) -> None:
        """Forget what was measured."""
        self._laps[...] = 0
        self._laps[:, 2] = np.iinfo(np.int64).max

    def laps(self) -> dict[str, Lap]:
        """The times of the kernels that ran."""
        return {
            name: Lap(int(count), least / 1e9, total / 1e9)
            for name, (_, count, least, total) in zip(self._names, self._laps.tolist(), strict=True)
            if count
        }


def _kernel_of(call: llvm.CallOp) -> str | None:
    """The kernel that is called, None for a call of something else."""
    name = call.callee.string_value() if call.callee is not None else ""
    return name.removesuffix(_KERNEL) if name.endswith(_KERNEL) else None


def _note(function: str, number: int, call: Operation) -> list[Operation]:
    constant = llvm.ConstantOp(IntegerAttr(number, i64), i64)
    made: list[Operation] = [constant, llvm.CallOp(function, constant.result)]
    for op in made:
        give(op, call.location)
    return made


_TEXT = """
declare i32 @clock_gettime(i32, ptr)

define internal i64 @"weft.lap.now"() {{
  %time = alloca [2 x i64], align 16
  %status = call i32 @clock_gettime(i32 {clock}, ptr %time)
  %seconds = load i64, ptr %time, align 8
  %place = getelementptr inbounds i64, ptr %time, i64 1
  %rest = load i64, ptr %place, align 8
  %whole = mul i64 %seconds, 1000000000
  %now = add i64 %whole, %rest
  ret i64 %now
}}

define internal ptr @"weft.lap.place"(i64 %kernel) {{
  %laps = inttoptr i64 {address} to ptr
  %offset = mul i64 %kernel, {bytes}
  %place = getelementptr inbounds i8, ptr %laps, i64 %offset
  ret ptr %place
}}

define internal void @"{start}"(i64 %kernel) {{
  %place = call ptr @"weft.lap.place"(i64 %kernel)
  %now = call i64 @"weft.lap.now"()
  store i64 %now, ptr %place, align 8
  ret void
}}

define internal void @"{stop}"(i64 %kernel) {{
  %now = call i64 @"weft.lap.now"()
  %place = call ptr @"weft.lap.place"(i64 %kernel)
  %start = load i64, ptr %place, align 8
  %took = sub i64 %now, %start
  %count.place = getelementptr inbounds i64, ptr %place, i64 1
  %count = load i64, ptr %count.place, align 8
  %more = add i64 %count, 1
  store i64 %more, ptr %count.place, align 8
  %least.place = getelementptr inbounds i64, ptr %place, i64 2
  %least = load i64, ptr %least.place, align 8
  %is.less = icmp slt i64 %took, %least
  %less = select i1 %is.less, i64 %took, i64 %least
  store i64 %less, ptr %least.place, align 8
  %total.place = getelementptr inbounds i64, ptr %place, i64 3
  %total = load i64, ptr %total.place, align 8
  %sum = add i64 %total, %took
  store i64 %sum, ptr %total.place, align 8
  ret void
}}
"""
