"""What NVIDIA's instructions do in the simulator: for each, what is written in its place.

An op of `nvvm` has a meaning by its name, or by the intrinsic that LLVM takes for it; a call of an intrinsic by the
intrinsic's name. Most are a call of a function of the run-time library. What several threads do together is in three
parts: each brings its operands, waits until the others have come, and takes its result from what all of them brought.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, cast

from xdsl.dialects import llvm
from xdsl.dialects.builtin import IntegerType
from xdsl.ir import Attribute, Operation, SSAValue

from weft.backends.sim.emit import Emitter
from weft.backends.sim.meanings import asynchronous, warpgroup
from weft.backends.sim.meanings.arithmetic import ARITHMETIC, standard
from weft.backends.sim.meanings.asynchronous import ASYNCHRONOUS
from weft.backends.sim.meanings.base import Call, IntrinsicMeaning, Meaning, struct_of
from weft.backends.sim.meanings.bulk import BULK
from weft.backends.sim.meanings.matrix import MATRIX
from weft.backends.sim.meanings.registers import REGISTERS
from weft.backends.sim.meanings.together import TOGETHER
from weft.backends.sim.meanings.warpgroup import WARPGROUP
from weft.backends.sim.meanings.wmma import WMMA
from weft.dialects.nvvm.instruction import NvvmOp

INTRINSICS: tuple[IntrinsicMeaning, ...] = (*TOGETHER, *ASYNCHRONOUS, *BULK, *WARPGROUP, *MATRIX, *WMMA, *ARITHMETIC)
"""By the name of the intrinsic."""

BY_NAME: Mapping[str, Meaning] = {
    **REGISTERS,
    "nvvm.mbarrier.arrive.expect_tx": Meaning(asynchronous.expect),
    "nvvm.mbarrier.try_wait.parity": Meaning(asynchronous.wait, waits=True),
    "nvvm.mbarrier.try_wait.parity.shared": Meaning(asynchronous.wait, waits=True),
    "nvvm.wgmma.mma_async": Meaning(warpgroup.multiply, waits=True),
    "nvvm.tanh.approx.f": Meaning(lambda emit, op: [standard(emit, "tanh", op.operands)]),
}
"""By the name of the op: those that are no intrinsics."""

PREFIX = "llvm.nvvm."


def meaning_of(op: Operation) -> Meaning | None:
    """What an op does that is an instruction of a GPU; None for another op, and where there is no meaning."""
    if isinstance(op, llvm.CallIntrinsicOp) and op.intrin.data.startswith(PREFIX):
        return _of_intrinsic(op.intrin.data, lambda emit: list(op.args), [r.type for r in op.results], None)
    if not isinstance(op, NvvmOp):
        return None
    return BY_NAME.get(op.name) or _of_code(op)


def is_instruction(op: Operation) -> bool:
    """Whether an op is an instruction of a GPU: the CPU has none like it."""
    foreign = isinstance(op, llvm.CallIntrinsicOp) and op.intrin.data.startswith(PREFIX)
    return foreign or isinstance(op, (NvvmOp, llvm.InlineAsmOp))


def _of_code(op: NvvmOp) -> Meaning | None:
    """The meaning of the intrinsic that LLVM takes for an op."""
    code = op.code()
    if not code.is_intrinsic:
        return None

    def operands(emit: Emitter) -> list[SSAValue]:
        return [_operand(emit, argument) for argument in code.arguments]

    types: list[Attribute] = [result.type for result in op.results]
    return _of_intrinsic(code.text, operands, types, code.part)


_CONSTANT = re.compile(r"i(?P<width>\d+) (?P<value>-?\d+|true|false)")


def _operand(emit: Emitter, argument: Any) -> SSAValue:
    """An argument of an intrinsic: a value, a constant as LLVM spells it, or a pointer cast to an address space."""
    if isinstance(argument, SSAValue):
        return cast("SSAValue", argument)
    if isinstance(argument, tuple):
        return cast("tuple[SSAValue, int]", argument)[0]
    found = _CONSTANT.fullmatch(argument)
    assert found is not None, f"'{argument}' is no constant"
    value = {"true": 1, "false": 0}.get(found["value"])
    return emit.number(int(found["value"]) if value is None else value, IntegerType(int(found["width"])))


def _of_intrinsic(
    name: str, operands: Callable[[Emitter], list[SSAValue]], results: Sequence[Attribute], part: int | None
) -> Meaning | None:
    """The meaning of a call of an intrinsic, whose result is the op's, or the part of it that is."""
    found = _find(name.removeprefix(PREFIX))
    if found is None:
        return None
    row, parts = found
    struct = results[0] if results and isinstance(results[0], llvm.LLVMStructType) else None
    types = [*results] if struct is None else [*struct.types]

    def write(emit: Emitter, op: NvvmOp) -> Sequence[SSAValue]:
        given = row.write(emit, Call(parts, operands(emit), types if part is None else [*types] * (part + 1)))
        if part is not None:
            return [given[part]]
        return [struct_of(emit, struct, given)] if struct is not None else given[: len(types)]

    return Meaning(write, row.waits)


@lru_cache(None)
def _find(name: str) -> tuple[IntrinsicMeaning, Mapping[str, str | None]] | None:
    for row in INTRINSICS:
        if (match := row.pattern.fullmatch(name)) is not None:
            return row, match.groupdict()
    return None
