"""What weft knows by name: dialects (ours and xDSL's) and passes. Everything is loaded on first use."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any, cast

from xdsl.context import Context
from xdsl.dialects import get_all_dialects
from xdsl.ir import Dialect
from xdsl.passes import ModulePass

from weft import codes
from weft.diagnostics import WeftError, did_you_mean
from weft.dialects.index import DIALECTS
from weft.passes.index import PASSES


def _load(reference: str) -> Any:
    module, _, name = reference.partition(":")
    return getattr(import_module(module), name)


def context(*, allow_unregistered: bool = False) -> Context:
    """A fresh context that knows every dialect of weft and of xDSL. Ours win where both have the name."""
    ctx = Context(allow_unregistered=allow_unregistered)
    factories: dict[str, Callable[[], Dialect]] = dict(get_all_dialects())
    for name, reference in DIALECTS:
        factories[name] = lambda reference=reference: cast(Dialect, _load(reference))
    for name, factory in factories.items():
        ctx.register_dialect(name, factory)
    return ctx


def pass_names() -> tuple[str, ...]:
    """The names of all passes, in the order of the index."""
    return tuple(name for name, _ in PASSES)


def find_pass(name: str) -> type[ModulePass]:
    """The pass of that name. Raises :class:`WeftError` for an unknown one."""
    for known, reference in PASSES:
        if known == name:
            return cast(type[ModulePass], _load(reference))
    raise WeftError(
        f"'{name}' does not refer to a registered pass or pass pipeline",
        hint=did_you_mean(name, pass_names()),
        code=codes.UNKNOWN_PASS,
    )
