"""Instructions with a predicate, as branches around them: the meaning of an instruction knows none."""

from __future__ import annotations

from xdsl.dialects import llvm

from weft.dialects.nvvm import make
from weft.dialects.nvvm.instruction import NvvmOp


def branch(function: llvm.FuncOp) -> None:
    """Put a branch around each instruction of a function that has a predicate."""
    for op in [op for block in function.body.blocks for op in block.ops]:
        if isinstance(op, NvvmOp) and "predicate" in op.operand_names and op.values("predicate"):
            _branch(op)


def _branch(op: NvvmOp) -> None:
    block = op.parent
    assert block is not None and op.next_op is not None, "a block ends with a terminator"
    rest = block.split_before(op.next_op)
    alone = block.split_before(op)
    operands = [op.values(name) for name in op.operand_names if name != "predicate"]
    again = make(
        op.name.removeprefix("nvvm."),
        *(values if len(values) != 1 else values[0] for values in operands),
        **{name: value for name, value in op.properties.items() if name != "operandSegmentSizes"},
    )
    jump, choice = llvm.BrOp(rest), llvm.CondBrOp(op.value("predicate"), alone, (), rest, ())
    for new in (again, jump, choice):
        new.location = op.location
    op.detach()
    op.erase()
    alone.add_ops([again, jump])
    block.add_op(choice)
