"""The `nvvm` dialect: NVIDIA's instructions under upstream's names (version 19), a table.

Each op is made from a row: :mod:`weft.dialects.nvvm.instruction` says what a row holds. Ops are made by their name
without the dialect's, `make("shfl.sync", mask, value, offset, clamp, result=f32, kind="bfly")`.

Source: https://mlir.llvm.org/docs/Dialects/NVVMDialect/
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from xdsl.ir import Attribute, Dialect

from weft.dialects.nvvm import copies, functions, instruction, matrix, mbarriers, registers, threads, warpgroup
from weft.dialects.nvvm.attributes import ATTRIBUTES, ShapeAttr, Target, TargetAttr
from weft.dialects.nvvm.instruction import Code, Instruction, Need, NvvmOp, Value

__all__ = ["NVVM", "OPS", "Code", "Instruction", "Need", "NvvmOp", "ShapeAttr", "Target", "TargetAttr", "make"]

_TABLES = (registers, threads, functions, mbarriers, copies, matrix, warpgroup)

OPS: Mapping[str, type[NvvmOp]] = {row.name: instruction.define(row) for table in _TABLES for row in table.INSTRUCTIONS}
"""The ops by their names without the dialect's."""


def make(
    name: str,
    *operands: Value | Sequence[Value] | None,
    result: Attribute | None = None,
    **attributes: Attribute | int | str | bool | None,
) -> NvvmOp:
    """An op by its name without the dialect's, with the operands of its row in order.

    An operand that may be missing is None, one that is a list a list. `result` is the type of the result where the row
    leaves it open. Attributes may be plain values: a word, a number, True for one that is there.
    """
    return instruction.make(OPS[name], operands, result, attributes)


NVVM = Dialect("nvvm", [*OPS.values()], [*ATTRIBUTES])
