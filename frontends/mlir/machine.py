"""A grammar ready to run: its tables, its scanner and the actions of its rules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from weft.dialects.grammar import Grammar
from weft.frontends.mlir.actions import ACTIONS
from weft.frontends.mlir.actions.common import Action, BySymbols
from weft.frontends.mlir.cache import load
from weft.frontends.mlir.scanner import Scanner
from weft.frontends.mlir.tables import STARTS, Tables


@dataclass(frozen=True, eq=False)
class Machine:
    """What the driver runs. `actions[r]` is None where rule `r` passes its one value on."""

    tables: Tables
    scanner: Scanner
    actions: tuple[Action | None, ...]
    opening: dict[str, frozenset[int]]
    """For each start, the tokens that may stand first."""


@cache
def core() -> Machine:
    """The machine of the core grammar."""
    return _machine(_core_text(), STARTS, ACTIONS)


@cache
def extended(grammar: Grammar) -> Machine:
    """The machine of the core grammar with a dialect's fragment.

    Raises lark's `GrammarError` for a wrong fragment and KeyError where a rule of it has no action.
    """
    starts = (*STARTS, *sorted(set(grammar.starts.values()) - set(STARTS)))
    return _machine(_core_text() + grammar.text, starts, {**ACTIONS, **grammar.actions})


def _core_text() -> str:
    return Path(__file__).with_name("core.lark").read_text("utf-8")


def _machine(text: str, starts: tuple[str, ...], actions: Mapping[str, Action | BySymbols]) -> Machine:
    tables = load(text, starts)
    return Machine(
        tables,
        Scanner(tables),
        tuple(_bind(actions, name, symbols) for name, symbols in zip(tables.names, tables.symbols, strict=True)),
        {start: frozenset(k for k in tables.rows[state] if k >= 0) for start, state in tables.starts.items()},
    )


def _bind(actions: Mapping[str, Action | BySymbols], name: str, symbols: list[str]) -> Action | None:
    if not name:
        return None
    if name not in actions:
        raise KeyError(f"no action for the rule '{name}: {' '.join(symbols)}'")
    action = actions[name]
    return action.make(symbols) if isinstance(action, BySymbols) else action
