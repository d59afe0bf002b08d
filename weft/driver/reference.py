"""What there is to say about a dialect, an op or a pass: its docstring and its definition, as Markdown."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator
from dataclasses import MISSING, Field, fields
from typing import Any, get_args, get_type_hints

from xdsl.ir import Attribute, Dialect, Operation, TypeAttribute
from xdsl.irdl import (
    AttributeDef,
    IRDLOperation,
    OpDef,
    OperandDef,
    OptAttributeDef,
    OptOperandDef,
    OptPropertyDef,
    OptResultDef,
    PropertyDef,
    ResultDef,
    VarOperandDef,
    VarResultDef,
)
from xdsl.passes import ModulePass

from weft import codes
from weft.diagnostics import WeftError, did_you_mean
from weft.dialects.constraints import shown
from weft.registry import context, find_pass, own_pass_names, pass_names


def describe(name: str) -> str:
    """The page of an op, a pass or a dialect. Raises :class:`WeftError` for a name that is none of them."""
    ctx = context()
    pages: list[str] = []
    if name in ctx.registered_dialect_names:
        pages.append(dialect_page(_dialect(name)))
    if name in pass_names():
        pages.append(pass_page(find_pass(name)))
    if "." in name and (op := ctx.get_optional_op(name)) is not None:
        pages.append(op_page(op))
    if "." in name and (attribute := ctx.get_optional_attr(name)) is not None:
        pages.append(attribute_page(attribute))
    if not pages:
        raise WeftError(f"there is no op, pass or dialect '{name}'", hint=_near(name), code=codes.NOTHING_KNOWN)
    return "\n\n".join(pages)


def op_page(op: type[Operation]) -> str:
    """An op: its docstring (with syntax), operands, attributes with defaults, results, regions, traits."""
    parts = [f"### {op.name}", _doc(op)]
    if issubclass(op, IRDLOperation):
        parts += _tables(op.get_irdl_definition())
    traits = sorted({name for trait in op.traits if not (name := type(trait).__name__).startswith("_")})
    if traits:
        parts.append(f"Traits: {', '.join(traits)}.")
    return "\n\n".join(part for part in parts if part)


def attribute_page(kind: type[Attribute]) -> str:
    """A type or an attribute: its docstring."""
    return f"### {'!' if issubclass(kind, TypeAttribute) else '#'}{kind.name}\n\n{_doc(kind)}".rstrip()


def pass_page(step: type[ModulePass]) -> str:
    """A pass: its docstring (Before, After, Needs), and its options with types and defaults."""
    hints = get_type_hints(step)
    options = [f for f in fields(step) if f.init and f.name != "name"]
    rows = [f"- `{f.name.replace('_', '-')}`: {_type_name(hints[f.name])}, {_default(f)}" for f in options]
    listing = "Options:\n\n" + "\n".join(rows) if rows else "It takes no options."
    return "\n\n".join([f"### {step.name}", _doc(step), listing])


def dialect_page(dialect: Dialect) -> str:
    """A dialect: its ops and types, one line each."""
    ops = sorted(dialect.operations, key=lambda op: op.name)
    rows = [f"- `{op.name}`: {_summary(op)}" for op in ops]
    rows += sorted(f"- `{attribute.name}`: {_summary(attribute)}" for attribute in dialect.attributes)
    return "\n\n".join([f"## {dialect.name}", "\n".join(rows)])


def ops_reference(names: Iterable[str]) -> str:
    """The page `docs/ops.md`: every op of some dialects."""
    parts = ["# The ops", "Generated from the docstrings by `python -m weft.tools.reference_docs`."]
    for name in names:
        dialect = _dialect(name)
        parts.append(f"## {name}")
        parts += [op_page(op) for op in sorted(dialect.operations, key=lambda op: op.name)]
        parts += [attribute_page(kind) for kind in sorted(dialect.attributes, key=lambda kind: kind.name)]
    return "\n\n".join(parts) + "\n"


def passes_reference() -> str:
    """The page `docs/passes.md`: every pass of weft, in the order of the index."""
    parts = ["# The passes", "Generated from the docstrings by `python -m weft.tools.reference_docs`."]
    return "\n\n".join([*parts, *(pass_page(find_pass(name)) for name in own_pass_names())]) + "\n"


def _dialect(name: str) -> Dialect:
    ctx = context()
    ctx.load_registered_dialect(name)
    return ctx.get_dialect(name)


def _near(name: str) -> str | None:
    ctx = context()
    known = [*pass_names(), *ctx.registered_dialect_names]
    dialect = name.partition(".")[0]
    if "." in name and dialect in ctx.registered_dialect_names:
        known += [op.name for op in _dialect(dialect).operations]
    return did_you_mean(name, known) or "weft opt --list-passes and weft opt --show-dialects list them"


def _doc(kind: type) -> str:
    """The docstring of the class itself; a base class speaks of something else."""
    text = kind.__dict__.get("__doc__")
    is_made = text is not None and text.startswith(f"{kind.__name__}(")  # dataclasses write one where there is none
    return "" if not text or is_made else inspect.cleandoc(text)


def _summary(kind: type) -> str:
    return _doc(kind).partition("\n\n")[0].replace("\n", " ") or "(xDSL gives no description)"


_COUNTS: tuple[tuple[type, str], ...] = (
    (OptOperandDef, "optional, "),
    (OptResultDef, "optional, "),
    (VarOperandDef, "any number of "),
    (VarResultDef, "any number of "),
)


def _tables(definition: OpDef) -> Iterator[str]:
    yield _listing("Operands", (_value_row(name, value) for name, value in definition.operands))
    both = {**definition.properties, **definition.attributes}
    yield _listing("Attributes", (_attribute_row(name, value) for name, value in both.items()))
    yield _listing("Results", (_value_row(name, value) for name, value in definition.results))
    yield _listing("Regions", (f"- `{name}`" for name, _ in definition.regions))


def _listing(title: str, rows: Iterable[str]) -> str:
    lines = list(rows)
    return f"{title}:\n\n" + "\n".join(lines) if lines else ""


def _value_row(name: str, value: OperandDef | ResultDef) -> str:
    count = next((text for kind, text in _COUNTS if isinstance(value, kind)), "")
    return f"- `{name}`: {count}{shown(value.constr)}"


def _attribute_row(name: str, value: PropertyDef | AttributeDef) -> str:
    row = f"- `{name}`: {shown(value.constr)}"
    if value.default_value is not None:
        return f"{row}, default `{value.default_value}`"
    return f"{row}, optional" if isinstance(value, OptPropertyDef | OptAttributeDef) else row


def _type_name(hint: Any) -> str:
    is_plain = isinstance(hint, type) and not get_args(hint)
    return hint.__name__ if is_plain else str(hint)


def _default(field: Field[Any]) -> str:
    if field.default is not MISSING:
        value = field.default
    elif field.default_factory is not MISSING:
        value = field.default_factory()
    else:
        return "required"
    return f"default `{str(value).lower() if isinstance(value, bool) else value}`"
