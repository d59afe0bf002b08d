"""From a grammar to tables, by lark: lark reads the grammar and computes the LALR tables, this numbers them.

Imported only when the tables are not in the cache.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from lark import Lark
from lark.grammar import Rule
from lark.lexer import Lexer, PatternStr

from weft.frontends.mlir.tables import READ, READINGS, SPELLINGS, TOKENS, Tables


class _NoLexer(Lexer):
    """The driver has its own scanner; lark need not build one."""

    def __init__(self, lexer_conf: object) -> None:
        pass

    def lex(self, lexer_state: object, parser_state: object) -> Any:
        """Never called."""
        raise NotImplementedError


def build(grammar: str, starts: Sequence[str]) -> Tables:
    """Compile a grammar. Raises `lark.exceptions.GrammarError` where it is wrong or not LALR(1)."""
    lark = Lark(
        grammar,
        parser="lalr",
        lexer=_NoLexer,
        start=list(starts),
        maybe_placeholders=False,
        keep_all_tokens=True,
    )
    return _Builder(lark).tables()


class _Builder:
    """Numbers lark's tables."""

    def __init__(self, lark: Lark) -> None:
        # lark has no public name for the table that it computes
        self.table: Any = cast(Any, lark.parser).parser._parse_table  # pyright: ignore[reportPrivateUsage]
        self.terminals = {t.name: t.pattern for t in lark.terminals}
        self.numbers = {name: number for number, name in enumerate(TOKENS)}
        self.literals: dict[str, int] = {}
        for name, pattern in self.terminals.items():
            if isinstance(pattern, PatternStr):
                self.literals[pattern.value] = self.numbers[name] = len(self.numbers)
        self.rules: dict[Rule, int] = {}
        self.nonterminals: dict[str, int] = {}

    def tables(self) -> Tables:
        """The whole."""
        rows = [self._row(self.table.states[state]) for state in range(len(self.table.states))]
        rules = list(self.rules)
        names = [_action_name(rule) for rule in rules]
        tables = Tables(
            rows=rows,
            pops=[len(rule.expansion) for rule in rules],
            names=names,
            origins=[self._nonterminal(str(rule.origin.name)) for rule in rules],
            symbols=[[str(symbol.name) for symbol in rule.expansion] for rule in rules],
            starts=dict(self.table.start_states),
            ends=dict(self.table.end_states),
            literals=self.literals,
            patterns={name: self.terminals[name].to_regexp() for name in TOKENS if name in self.terminals},
        )
        _skip_units(tables)
        return tables

    def _row(self, state: dict[str, tuple[object, Any]]) -> dict[int, int]:
        row: dict[int, int] = {}
        for symbol, (_, target) in state.items():
            spelled = SPELLINGS.get(symbol, symbol)
            if isinstance(target, Rule):
                row[self.numbers[spelled]] = -1 - self.rules.setdefault(target, len(self.rules))
            elif spelled in self.numbers:
                reading = READINGS.index(symbol) if symbol in READINGS else 0
                row[self.numbers[spelled]] = target + READ * reading
            else:
                row[self._nonterminal(symbol)] = target
        return row

    def _nonterminal(self, name: str) -> int:
        return self.nonterminals.setdefault(name, -1 - len(self.nonterminals))


def _action_name(rule: Rule) -> str:
    """The action of a rule: its alias, else its name; empty for `?name` with one symbol, which has none."""
    if rule.alias:
        return str(rule.alias)
    passes_on = rule.options.expand1 and len(rule.expansion) == 1
    return "" if passes_on else str(rule.origin.name)


def _skip_units(tables: Tables) -> None:
    """Shorten the way: a state that can only pass its one value on is skipped by who enters it."""
    ends = set(tables.ends.values())

    def passes_on(state: int) -> int | None:
        actions = set(tables.rows[state].values())
        action = actions.pop() if len(actions) == 1 else 0
        rule = -1 - action
        return tables.origins[rule] if action < 0 and not tables.names[rule] else None

    for row in tables.rows:
        for symbol, entry in row.items():
            if entry < 0:
                continue
            reading, state = entry // READ, entry % READ
            while (origin := passes_on(state)) is not None and origin in row:
                if symbol >= 0 and row[origin] in ends:
                    break
                state = row[origin]
            row[symbol] = state + READ * reading
