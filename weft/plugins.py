"""Plug-ins: modules of other people that bring dialects and passes.

A plug-in is a Python module with `DIALECTS`, a tuple of xDSL dialects, or `PASSES`, a tuple of pass classes, or both.
It is found in three ways: an installed package names it in the entry-point group `weft.plugins`; a command line says
`--load-dialect-plugin=MODULE` or `--load-pass-plugin=MODULE`; a program calls :func:`load`.
"""

from __future__ import annotations

import hashlib
import importlib.util
import re
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, cast

from weft import codes
from weft.diagnostics import WeftError, told

if TYPE_CHECKING:  # a program from the cache needs no xDSL
    from xdsl.ir import Dialect
    from xdsl.passes import ModulePass

GROUP = "weft.plugins"
"""The entry-point group. An entry's value is the module."""


@dataclass(frozen=True)
class Plugin:
    """What a module brings."""

    module: str
    dialects: tuple[Dialect, ...]
    passes: tuple[type[ModulePass], ...]
    fingerprint: str
    """Changes when a source of the plug-in changes: compiled code depends on it."""


_LOADED: dict[str, Plugin] = {}


def load(module: str) -> Plugin:
    """Load a plug-in, given as the name of a module or as the path of a `.py` file; once is enough.

    Raises :class:`WeftError` for a module that cannot be imported or that brings nothing.
    """
    path = Path(module)
    name = f"weft_plugin_{path.stem}" if module.endswith(".py") else module
    key = str(path.resolve()) if module.endswith(".py") else module
    if key not in _LOADED:
        _LOADED[key] = _read(module, _import_file(path, name) if module.endswith(".py") else _import(module))
    return _LOADED[key]


def loaded() -> Iterator[Plugin]:
    """All plug-ins: those that are installed, then those that were loaded by name."""
    seen: set[str] = set()
    for plugin in (*_installed(), *_LOADED.values()):
        if plugin.module not in seen:
            seen.add(plugin.module)
            yield plugin


def fingerprints() -> Sequence[str]:
    """What changes when any plug-in changes."""
    return [f"{plugin.module}:{plugin.fingerprint}" for plugin in loaded()]


@cache
def _installed() -> tuple[Plugin, ...]:
    """The plug-ins of installed packages. One that cannot be loaded is left out, with a warning: it must not
    take weft with it."""
    found: list[Plugin] = []
    for entry in entry_points(group=GROUP):
        try:
            found.append(_read(entry.value, _import(entry.value)))
        except WeftError as error:
            warnings.warn(f"the installed plug-in '{entry.name}' is left out: {error.message}", stacklevel=2)
    return tuple(found)


def _import(name: str) -> ModuleType:
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not name.startswith(error.name):
            raise _broken(name, error) from error
        beside = Path(*name.split(".")).with_suffix(".py")
        hint = f"for a file, give its path: ./{beside}" if beside.exists() else "is it installed, or on PYTHONPATH?"
        raise WeftError(
            f"there is no module '{name}' to load a plug-in from", hint=hint, code=codes.BAD_PLUGIN
        ) from error
    except (Exception, SystemExit) as error:
        raise _broken(name, error) from error


def _import_file(path: Path, name: str) -> ModuleType:
    if not path.is_file():
        raise WeftError(
            f"cannot open plug-in '{path}': it is {'a folder' if path.is_dir() else 'no file'}", code=codes.CANNOT_READ
        )
    spec = importlib.util.spec_from_file_location(name, path.resolve())
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses and type hints look their module up
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        raise _broken(str(path), error) from error
    return module


def _broken(name: str, error: BaseException) -> WeftError:
    return WeftError(f"the plug-in '{name}' cannot be imported: {told(error)}", code=codes.BAD_PLUGIN)


def _read(name: str, module: ModuleType) -> Plugin:
    dialects = _members(name, module, "DIALECTS", _is_dialect, "dialects")
    passes = _members(name, module, "PASSES", _is_pass, "passes")
    if not dialects and not passes:
        raise WeftError(
            f"the plug-in '{name}' brings nothing",
            hint="it needs DIALECTS, a tuple of dialects, or PASSES, a tuple of pass classes",
            code=codes.BAD_PLUGIN,
        )
    for one in dialects:
        _check_name(name, cast("Any", one).name, _DIALECT_NAME, "a dialect")
    for one in passes:
        _check_name(name, cast("Any", one).name, _PASS_NAME, "a pass")
    return Plugin(name, cast("tuple[Dialect, ...]", dialects), cast("Any", passes), _fingerprint(module))


_DIALECT_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_$]*")
_PASS_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")


def _check_name(plugin: str, name: object, wanted: re.Pattern[str], what: str) -> None:
    if not isinstance(name, str) or not wanted.fullmatch(name):
        raise WeftError(f"the plug-in '{plugin}': {name!r} is no name for {what}", code=codes.BAD_PLUGIN)


def _is_dialect(one: object) -> bool:
    from xdsl.ir import Dialect

    return isinstance(one, Dialect)


def _is_pass(one: object) -> bool:
    from xdsl.passes import ModulePass

    return isinstance(one, type) and issubclass(one, ModulePass)


def _members(
    name: str, module: ModuleType, where: str, fits: Callable[[object], bool], what: str
) -> tuple[object, ...]:
    members = getattr(module, where, ())
    if not isinstance(members, tuple | list) or not all(fits(one) for one in cast("Sequence[object]", members)):
        raise WeftError(
            f"the plug-in '{name}': {where} must be a tuple of {what}, not {members!r}", code=codes.BAD_PLUGIN
        )
    return tuple(cast("Sequence[object]", members))


def _fingerprint(module: ModuleType) -> str:
    """The digest of the module's source; of all sources of the package, where it is one."""
    digest = hashlib.sha256()
    file = getattr(module, "__file__", None)
    roots = [Path(root) for root in getattr(module, "__path__", ())]
    files = sorted(path for root in roots for path in root.rglob("*.py")) or ([Path(file)] if file else [])
    for path in files:
        digest.update(path.read_bytes())
    return digest.hexdigest()
