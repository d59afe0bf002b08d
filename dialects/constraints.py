"""The constraints of op definitions, in words: `tensor of (f32 or f64)`."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from xdsl.irdl import (
    AllOf,
    AnyAttr,
    AnyOf,
    AttrSetConstraint,
    BaseAttr,
    EqAttrConstraint,
    MessageConstraint,
    ParamAttrConstraint,
    RangeOf,
    VarConstraint,
)
from xdsl.irdl.constraints import RangeLengthConstraint, RangeVarConstraint


def shown(constraint: Any) -> str:
    """A constraint in words; one that has no words of its own is called by its class."""
    for kind, text in _WORDS:
        if isinstance(constraint, kind):
            return text(constraint)
    return f"`{type(constraint).__name__}`"


def plain(message: str) -> str:
    """What xDSL says of a constraint that does not hold, in words of users."""
    for pattern, words in _PLAIN:
        message = pattern.sub(words, message)
    return message


_PLAIN = (
    (re.compile(r"(\S+) should be of base attribute (\S+)"), r"\1 where a type or attribute `\2` is needed"),
    (
        re.compile(r"attribute (.+) expected from variable '\w+', but got (.+)"),
        r"has \2 where \1 is needed, as for its other operands and results",
    ),
    (
        re.compile(r"Operation \S+ terminates block in \S+ region but is not a terminator"),
        "ends its block, but is no terminator",
    ),
)


def _name(kind: Any) -> str:
    name = getattr(kind, "name", kind.__name__)
    return "any integer" if name == "integer_type" else f"`{name}`"


def _joined(parts: Any) -> str:
    words = dict.fromkeys(shown(part) for part in parts)
    if words.keys() >= _FLOATS:
        words = {"any float": None, **{word: None for word in words if not _FLOAT.fullmatch(word)}}
    return " or ".join(words)


_FLOATS = {"`bf16`", "`f16`", "`f32`", "`f64`", "`f128`"}
_FLOAT = re.compile(r"`(bf|f|tf)[0-9]\w*`")


_WORDS: tuple[tuple[type, Callable[[Any], str]], ...] = (
    (AnyAttr, lambda _: "anything"),
    (EqAttrConstraint, lambda c: f"`{c.attr}`"),
    (BaseAttr, lambda c: _name(c.attr)),
    (ParamAttrConstraint, lambda c: _name(c.base_attr)),
    (AttrSetConstraint, lambda c: " or ".join(sorted(f"`{a}`" for a in c.values))),
    (AnyOf, lambda c: _joined(c.attr_constrs)),
    (AllOf, lambda c: " and ".join(shown(part) for part in c.attr_constrs)),
    (VarConstraint, lambda c: f"{shown(c.constraint)} ({c.name})"),
    (MessageConstraint, lambda c: shown(c.constr)),
    (RangeOf, lambda c: shown(c.constr)),
    (RangeLengthConstraint, lambda c: shown(c.constraint)),
    (RangeVarConstraint, lambda c: shown(c.constraint)),
)
