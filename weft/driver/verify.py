"""Verification as user errors: every op that is wrong, by file:line:col."""

from __future__ import annotations

from collections.abc import Iterator, Set
from traceback import walk_tb

from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation
from xdsl.traits import IsolatedFromAbove, IsTerminator, NoTerminator, SymbolOpInterface
from xdsl.utils.exceptions import VerifyException

from weft import codes
from weft.diagnostics import UNKNOWN, Diagnostic, WeftError
from weft.dialects.constraints import plain
from weft.dialects.locations import error_at, where
from weft.driver.dominance import undominated
from weft.driver.verify_codes import code_of
from weft.driver.yields import misplaced_yields


def verify(module: ModuleOp) -> None:
    """Verify a module, dominance included. Raises :class:`WeftError` with an error for each op that is wrong."""
    try:
        module.verify()
    except Exception as error:
        if not is_refusal(error):
            raise
        errors = list(problems(module)) or [error_at(module, verification_message(error), code=codes.INVALID_OP)]
    else:
        errors = [*undominated(module), *misplaced_yields(module)]
    if errors:
        raise WeftError.several(sorted(errors, key=_place))


def _place(error: WeftError) -> tuple[int, int]:
    return error.diagnostic.where.line, error.diagnostic.where.column


def problems(module: ModuleOp, spared: Set[Operation] = frozenset()) -> Iterator[WeftError]:
    """An error for each op that is wrong.

    Nothing is said of the `spared` ops, which miss something in their regions, nor of where they end; nor of an op that
    is wrong only because of one inside it.
    """
    dominance = list(undominated(module))
    blamed: set[Operation] = set()
    for op in reversed(list(module.walk())):
        error = None if op in spared else _problem(op, spared, bool(dominance))
        if error is None:
            continue
        parent = op.parent_op()
        if error.code is codes.MISSING_TERMINATOR:
            if op in blamed or parent in spared or _is_last_behind_terminator(op):
                continue
            if parent is not None:
                blamed.add(parent)
        yield error
    yield from dominance


def _problem(op: Operation, spared: Set[Operation], dominance: bool) -> WeftError | None:
    if any(successor.parent is None for successor in op.successors):
        return None
    try:
        op.verify(verify_nested_ops=False)
    except Exception as error:
        if not is_refusal(error):
            raise
        message = verification_message(error).removeprefix(f"{op.name}: ")
        if op.has_trait(IsolatedFromAbove) and "IsolatedFromAbove" in message:
            return None if dominance else _isolation(op)
        if "Redefinition of symbol" in message and (twice := _redefinition(op)) is not None:
            return twice
        prefix = "" if f"'{op.name}'" in message else f"'{op.name}' op "
        return error_at(op, prefix + message, code=code_of(message))
    return _empty_block(op)


def _redefinition(table: Operation) -> WeftError | None:
    """The error at the second op of a symbol table that defines a name."""
    first: dict[str, Operation] = {}
    for op in table.regions[0].blocks[0].ops:
        symbol = op.get_trait(SymbolOpInterface)
        name = symbol.get_sym_attr_name(op) if symbol is not None else None
        if name is None:
            continue
        if name.data in first:
            note = Diagnostic(f"@{name.data} is defined here", where(first[name.data]) or UNKNOWN, "note")
            return WeftError(f"@{name.data} is already defined", where(op), notes=(note,), code=codes.WRONG_SYMBOL)
        first[name.data] = op
    return None


def _is_last_behind_terminator(op: Operation) -> bool:
    """Whether the block ends with this op because its terminator stands too early: that one is wrong then."""
    block = op.parent
    if block is None or block.last_op is not op or op.has_trait(IsTerminator):
        return False
    return any(other.has_trait(IsTerminator) for other in block.ops)


def _empty_block(op: Operation) -> WeftError | None:
    """A region of one block needs a terminator, even where nothing else stands in it."""
    if op.has_trait(NoTerminator) or all(region.first_block is None for region in op.regions):
        return None
    for region in op.regions:
        if len(region.blocks) == 1 and region.blocks[0].first_op is None:
            message = f"'{op.name}' op has an empty block, which needs a terminator"
            return error_at(op, message, code=codes.MISSING_TERMINATOR)
    return None


def _isolation(op: Operation) -> WeftError:
    """The use of a value from outside in an op that takes none from there."""
    for user in op.walk():
        for operand in user.operands:
            if user is not op and not op.is_ancestor(operand.owner):
                name = f" %{operand.name_hint}" if operand.name_hint else ""
                message = (
                    f"'{user.name}' op uses the value{name} from outside of '{op.name}', which takes none from there"
                )
                return error_at(user, message, code=codes.NOT_DOMINATED)
    return error_at(op, f"'{op.name}' op uses values from outside", code=codes.NOT_DOMINATED)


def is_refusal(error: Exception) -> bool:
    """Whether a verifier says that an op is wrong, rather than being wrong itself.

    Verifiers of xDSL's raise more than VerifyException for ops that are malformed in ways which they do not look for.
    """
    if isinstance(error, VerifyException):
        return True
    frames = list(walk_tb(error.__traceback__))
    return bool(frames) and str(frames[-1][0].f_globals.get("__name__")).startswith("xdsl.")


def verification_message(error: Exception) -> str:
    """The reason, without the IR dump that xDSL puts around it."""
    if not isinstance(error, VerifyException) and type(error) is not Exception:
        return f"is malformed: {error or type(error).__name__}"
    cause: BaseException = error
    while isinstance(cause.__cause__, VerifyException):
        cause = cause.__cause__
    text = str(cause)
    marker = "Operation does not verify: "
    return plain(text.rpartition(marker)[2].strip() if marker in text else text.strip())
