"""Rewrites that a plug-in brings: what goes wrong in them is said of them, with the op that they were given."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, cast

from xdsl.ir import Attribute, Operation, SSAValue

from weft import codes
from weft.diagnostics import WeftError, told
from weft.dialects.interfaces import Rewrite
from weft.dialects.locations import error_at
from weft.passes.graph.worklist import Pattern
from weft.passes.rewriting import LocatedBuilder


def checked(rewrite: Rewrite) -> Pattern:
    """The rewrite, with a :class:`WeftError` at the op for an exception, or for values that do not fit its results."""
    name = getattr(rewrite, "__name__", repr(rewrite))

    @wraps(cast(Callable[..., Any], rewrite))
    def apply(op: Operation, builder: LocatedBuilder) -> Sequence[SSAValue] | None:
        try:
            values = rewrite(op, builder)
        except WeftError:
            raise
        except Exception as error:
            message = f"the rewrite '{name}' of '{op.name}' failed: {told(error)}"
            raise error_at(op, message, code=codes.BAD_PLUGIN) from error
        if values is not None and not _fit(values, op):
            wanted = ", ".join(str(result.type) for result in op.results)
            message = f"the rewrite '{name}' of '{op.name}' must give values of the types ({wanted}), or None"
            raise error_at(op, message, code=codes.BAD_PLUGIN)
        return values

    return apply


def _fit(values: object, op: Operation) -> bool:
    found = tuple(cast("Sequence[object]", values)) if isinstance(values, Sequence) else None
    if found is None:
        return False
    kinds = [_type_of(value) for value in found]
    return kinds == [result.type for result in op.results]


def _type_of(value: object) -> Attribute | None:
    return cast("SSAValue[Attribute]", value).type if isinstance(value, SSAValue) else None
