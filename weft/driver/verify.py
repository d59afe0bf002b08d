"""Verification as a user error: the op to blame, by file:line:col."""

from __future__ import annotations

from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Block, Operation, Region, SSAValue
from xdsl.irdl.dominance import DominanceInfo
from xdsl.utils.exceptions import VerifyException

from weft import codes
from weft.diagnostics import WeftError
from weft.dialects.locations import error_at


def verify(module: ModuleOp) -> None:
    """Verify a module, dominance included. Raises :class:`WeftError` at the op that is wrong."""
    try:
        module.verify()
    except VerifyException as error:
        raise located(module, error) from error
    verify_dominance(module)


def verification_message(error: VerifyException) -> str:
    """The reason, without the IR dump that xDSL puts around it."""
    cause: BaseException = error
    while isinstance(cause.__cause__, VerifyException):
        cause = cause.__cause__
    text = str(cause)
    marker = "Operation does not verify: "
    return text.rpartition(marker)[2].strip() if marker in text else text.strip()


def located(module: ModuleOp, error: VerifyException) -> WeftError:
    """The error, at the innermost op that does not verify by itself."""
    message = verification_message(error)
    op = _culprit(module)
    prefix = "" if f"'{op.name}'" in message else f"'{op.name}' op "
    return error_at(op, prefix + message, code=codes.INVALID_OP)


def _culprit(module: ModuleOp) -> Operation:
    for op in module.walk():
        try:
            op.verify(verify_nested_ops=False)
        except VerifyException:
            return op
    return module


def verify_dominance(module: ModuleOp) -> None:
    """Every value is defined before it is used (xDSL's verifier does not look at that).

    The module's own region is a graph region: order does not matter there.
    Source: https://mlir.llvm.org/docs/LangRef/#control-flow-and-ssacfg-regions
    """
    visible: set[SSAValue] = {result for op in module.body.block.ops for result in op.results}
    for op in module.body.block.ops:
        _check_op(op, visible)


def _check_op(op: Operation, visible: set[SSAValue]) -> None:
    for operand in op.operands:
        if operand not in visible:
            name = f"%{operand.name_hint}" if operand.name_hint else f"#{op.operands.index(operand)}"
            raise error_at(
                op,
                f"'{op.name}' op operand {name} is used where its definition does not dominate it",
                code=codes.NOT_DOMINATED,
            )
    for region in op.regions:
        _check_region(region, visible)


def _check_region(region: Region, visible: set[SSAValue]) -> None:
    blocks = list(region.blocks)
    if len(blocks) == 1:
        added = _check_block(blocks[0], visible)
        visible.difference_update(added)
        return
    dominance = DominanceInfo(region) if blocks else None
    for block in blocks:
        assert dominance is not None
        above = [
            value
            for other in blocks
            if other is not block and dominance.dominates(other, block)
            for value in _defined(other)
        ]
        visible.update(above)
        added = _check_block(block, visible)
        visible.difference_update(above, added)


def _defined(block: Block) -> list[SSAValue]:
    return [*block.args, *(result for op in block.ops for result in op.results)]


def _check_block(block: Block, visible: set[SSAValue]) -> list[SSAValue]:
    added: list[SSAValue] = list(block.args)
    visible.update(added)
    for op in block.ops:
        _check_op(op, visible)
        visible.update(op.results)
        added.extend(op.results)
    return added
