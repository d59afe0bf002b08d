"""What weft knows by name: dialects (ours, xDSL's, plug-ins') and passes. Everything is loaded on first use."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any, cast

from xdsl.context import Context
from xdsl.dialects import get_all_dialects
from xdsl.ir import Dialect
from xdsl.passes import ModulePass

from weft import codes, plugins
from weft.diagnostics import WeftError, did_you_mean
from weft.dialects.index import DIALECTS
from weft.passes.index import PASSES


def _load(reference: str) -> Any:
    module, _, name = reference.partition(":")
    return getattr(import_module(module), name)


def context(*, allow_unregistered: bool = False) -> Context:
    """A fresh context that knows every dialect of weft, of xDSL and of plug-ins.

    Where names are equal, weft's own wins over a plug-in's, and that over xDSL's.
    """
    ctx = Context(allow_unregistered=allow_unregistered)
    factories: dict[str, Callable[[], Dialect]] = dict(get_all_dialects())
    for plugin in plugins.loaded():
        factories.update({dialect.name: lambda dialect=dialect: dialect for dialect in plugin.dialects})
    for name, reference in DIALECTS:
        factories[name] = lambda reference=reference: cast(Dialect, _load(reference))
    for name, factory in factories.items():
        ctx.register_dialect(name, factory)
    return ctx


def own_pass_names() -> tuple[str, ...]:
    """The names of weft's own passes, in the order of the index."""
    return tuple(name for name, _ in PASSES)


def pass_names() -> tuple[str, ...]:
    """The names of all passes, in the order of the index; those of plug-ins last."""
    return (*own_pass_names(), *_foreign_passes())


def find_pass(name: str) -> type[ModulePass]:
    """The pass of that name. Raises :class:`WeftError` for an unknown one."""
    for known, reference in PASSES:
        if known == name:
            return cast(type[ModulePass], _load(reference))
    foreign = _foreign_passes()
    if name in foreign:
        return foreign[name]
    raise WeftError(
        f"'{name}' does not refer to a registered pass or pass pipeline",
        hint=did_you_mean(name, pass_names()),
        code=codes.UNKNOWN_PASS,
    )


def plugin_of_pass(step: ModulePass) -> str | None:
    """The plug-in that brings a pass; None for a pass of weft's own."""
    return next((plugin.module for plugin in plugins.loaded() if type(step) in plugin.passes), None)


def _foreign_passes() -> dict[str, type[ModulePass]]:
    """The passes of plug-ins. A pass of weft's own is not to be replaced."""
    own = own_pass_names()
    return {step.name: step for plugin in plugins.loaded() for step in plugin.passes if step.name not in own}


def load_plugin(module: str) -> plugins.Plugin:
    """Load a plug-in by the name of its module or the path of its file.

    Raises :class:`WeftError` for one that cannot be imported, that brings nothing, or whose names weft has itself.
    """
    plugin = plugins.load(module)
    own = {name for name, _ in DIALECTS} | {"builtin"}
    for dialect in plugin.dialects:
        if dialect.name in own:
            raise WeftError(
                f"the plug-in '{module}' brings a dialect '{dialect.name}', which weft has itself",
                code=codes.NAME_TAKEN,
            )
    for step in plugin.passes:
        if step.name in own_pass_names():
            raise WeftError(
                f"the plug-in '{module}' brings a pass '{step.name}', which weft has itself", code=codes.NAME_TAKEN
            )
    return plugin
