"""Options of passes: text to the types of the pass's fields."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import MISSING, fields
from functools import cache
from types import NoneType, UnionType
from typing import Any, Union, cast, get_args, get_origin, get_type_hints

from xdsl.passes import ModulePass

from weft import codes
from weft.diagnostics import UNKNOWN, WeftError, did_you_mean


def make_pass(kind: type[ModulePass], options: Sequence[tuple[str, str]]) -> ModulePass:
    """A pass with its options set. Raises :class:`WeftError` for an unknown, missing or malformed option."""
    hints = _types_of(kind)
    known = {field.name.replace("_", "-"): field for field in fields(kind) if field.init and field.name != "name"}
    values: dict[str, Any] = {}
    for key, text in options:
        name = key.replace("_", "-")
        if name not in known:
            hint = did_you_mean(name, known) or _listing(kind, known)
            raise WeftError(
                f"<Pass-Options-Parser>: no such option {key} of pass '{kind.name}'",
                UNKNOWN,
                hint,
                code=codes.UNKNOWN_OPTION,
            )
        values[known[name].name] = _convert(kind, key, text, hints[known[name].name])
    for name, field in known.items():
        required = field.default is MISSING and field.default_factory is MISSING
        if required and field.name not in values and not _optional(hints[field.name]):
            raise WeftError(f"pass '{kind.name}' needs the option {name}", UNKNOWN, code=codes.OPTION_VALUE)
    return kind(**values)


@cache
def _types_of(kind: type[ModulePass]) -> dict[str, Any]:
    """The types of a pass's fields: Python reads them from text, which takes longer than many a pass."""
    return get_type_hints(kind)


def options_of(step: ModulePass) -> tuple[tuple[str, str], ...]:
    """All options of a pass as text, defaults included; an option that is None is left out."""
    values = {f.name: getattr(step, f.name) for f in fields(step) if f.init and f.name != "name"}
    return tuple((name.replace("_", "-"), _text(value)) for name, value in values.items() if value is not None)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return ",".join(_text(part) for part in cast(tuple[Any, ...], value))
    return str(value)


def _listing(kind: type[ModulePass], known: dict[str, Any]) -> str:
    names = ", ".join(known)
    return f"the options of '{kind.name}' are: {names}" if names else f"'{kind.name}' takes no options"


def _optional(hint: Any) -> bool:
    return get_origin(hint) in (Union, UnionType) and NoneType in get_args(hint)


def _convert(kind: type[ModulePass], key: str, text: str, hint: Any) -> Any:
    try:
        return _value(text, hint)
    except ValueError:
        expected = getattr(hint, "__name__", str(hint))
        raise WeftError(
            f"<Pass-Options-Parser>: option {key} of pass '{kind.name}': '{text}' value invalid, expected {expected}",
            UNKNOWN,
            code=codes.OPTION_VALUE,
        ) from None


def _value(text: str, hint: Any) -> Any:
    if hint is bool:
        return {"true": True, "1": True, "false": False, "0": False}.get(text.lower()) if _is_bool(text) else _bad()
    if hint in (int, float, str):
        return hint(text)
    if get_origin(hint) in (Union, UnionType):
        for part in get_args(hint):
            if part is not NoneType:
                try:
                    return _value(text, part)
                except ValueError:
                    continue
        return _bad()
    if get_origin(hint) is tuple:
        element = get_args(hint)[0]
        return tuple(_value(part.strip(), element) for part in text.split(",") if part.strip())
    return _bad()


def _is_bool(text: str) -> bool:
    return text.lower() in ("true", "false", "1", "0")


def _bad() -> Any:
    raise ValueError
