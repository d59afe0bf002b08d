"""What a meaning is, and what those of several groups share."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias, cast

from xdsl.dialects import llvm
from xdsl.dialects.builtin import DenseArrayBase, IntegerType, i32, i64
from xdsl.ir import Attribute, SSAValue

from weft.backends.sim.emit import Emitter
from weft.dialects.nvvm.instruction import NvvmOp

Writer: TypeAlias = Callable[[Emitter, NvvmOp], Sequence[SSAValue]]


@dataclass(frozen=True)
class Meaning:
    """What an instruction becomes: `write` puts it before the op at hand and gives the results; `waits` tells whether
    a thread may wait in it."""

    write: Writer
    waits: bool = False


def part(emit: Emitter, struct: SSAValue, n: int, type_: Attribute) -> SSAValue:
    """Part n of a struct."""
    return emit.value(llvm.ExtractValueOp(DenseArrayBase.from_list(i64, [n]), struct, type_))


def struct_of(emit: Emitter, type_: Attribute, parts: Sequence[SSAValue]) -> SSAValue:
    """A struct of these parts."""
    whole = emit.value(llvm.UndefOp(type_))
    for n, value in enumerate(parts):
        whole = emit.value(llvm.InsertValueOp(DenseArrayBase.from_list(i64, [n]), whole, value))
    return whole


def word(emit: Emitter, value: SSAValue) -> SSAValue:
    """A value of 32 bits as an i32."""
    return value if value.type == i32 else emit.value(llvm.BitcastOp(value, i32))


def unword(emit: Emitter, value: SSAValue, type_: Attribute) -> SSAValue:
    """An i32 as a value of another type of 32 bits."""
    return value if type_ == i32 else emit.value(llvm.BitcastOp(value, type_))


def as_result(emit: Emitter, value: SSAValue, op: NvvmOp) -> SSAValue:
    """An i32 as the integer that an op gives."""
    type_ = cast(IntegerType, op.results[0].type)
    return emit.widen(value) if type_ == i64 else emit.narrow(value, type_)


@dataclass(frozen=True)
class Call:
    """A call of an intrinsic: what its name says (the parts that its pattern names), its operands, and the types of the
    values that it gives."""

    parts: Mapping[str, str | None]
    operands: Sequence[SSAValue]
    results: Sequence[Attribute]


@dataclass(frozen=True)
class IntrinsicMeaning:
    """What the intrinsics do whose names (behind `llvm.nvvm.`) have a pattern."""

    pattern: re.Pattern[str]
    write: Callable[[Emitter, Call], Sequence[SSAValue]]
    waits: bool = False


def intrinsic(
    pattern: str, write: Callable[[Emitter, Call], Sequence[SSAValue]], *, waits: bool = False
) -> IntrinsicMeaning:
    """A row of a table of intrinsics."""
    return IntrinsicMeaning(re.compile(pattern), write, waits)
