"""The driver: runs the LALR tables over the scanner in one tight loop, and hands over to islands.

The loop keeps two stacks, states and values. On a token it shifts, reduces by a rule (and calls the rule's action),
or, where neither fits, takes a keyword for the identifier that it also is, or ends: every start rule but `module` reads
the longest prefix that it can, so an island can ask for one type in the middle of its own syntax.

An action gets the reader and: None for an empty rule, the value itself for a rule of one symbol, else the
list of values. It sees the token after its rule as `reader.kind`, `reader.token`, `reader.start`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any, NoReturn

from xdsl.context import Context
from xdsl.ir import Attribute, SSAValue
from xdsl.parser import Parser
from xdsl.utils.lexer import Input

from weft import codes
from weft.codes import Code
from weft.frontends.mlir import errors, nesting
from weft.frontends.mlir.expected import explain, near
from weft.frontends.mlir.lines import Lines
from weft.frontends.mlir.machine import Machine
from weft.frontends.mlir.scanner import NUMBER, Words
from weft.frontends.mlir.tables import READ, READINGS, TOKENS

END, BARE, BTYPE = NUMBER["$END"], NUMBER["BARE"], NUMBER["BTYPE"]
FIRST_LITERAL = len(TOKENS)
NAMED = READINGS.index("SHAPED_OPEN") * READ
"""Readings below are names: the text without its first character, 0, the offset."""
PLACED = NAMED + READ
"""Readings below are texts with their offset."""


class Stack:
    """The stacks of one run of the loop, and what it began with."""

    __slots__ = ("frames", "machine", "start", "states", "values", "words")

    def __init__(self, machine: Machine, words: Words, start: str, frames: int) -> None:
        self.machine = machine
        self.words = words
        self.start = start
        self.frames = frames
        """How many regions were open."""
        self.states = [machine.tables.starts[start]]
        self.values: list[Any] = []


class Driver(Parser):
    """The state of reading one text, and the loop. `reader.py` has the whole class."""

    machine: Machine
    match: Callable[[str, int], re.Match[str] | None]
    kinds: tuple[int, ...]
    words: Words
    frames: list[Any]
    """The regions that are open. See scopes.py."""

    def start_driver(self, machine: Machine, ctx: Context, text: str, filename: str, first_line: int) -> None:
        """Begin a text. xDSL's own constructor would scan with its lexer."""
        self.ctx = ctx
        self.text = text
        self.input = Input(text, filename)
        self.lines = Lines(text, filename, first_line)
        self.first_line = first_line
        self.memo: dict[str, Any] = {}
        """Values of tokens that are read by their text: types, attributes and maps without aliases."""
        self.nested = 0
        """How deep types and attributes stand in each other, counted by runs of the loop."""
        # the token that is looked at: its kind, its text, where it starts, where the next one is sought
        self.kind: int = END
        self.token: str = ""
        self.start: int = 0
        self.stop: int = 0
        self.switch(machine)

    def read(self, reading: int, token: str) -> Any:
        """The value of a token that is more than its text; leaves the scanner behind it. See islands.py."""
        raise NotImplementedError

    def advance(self) -> None:
        """Scan the next token."""
        match = self.match(self.text, self.stop)
        assert match is not None, "the scanner's regex matches everything"
        group = match.lastindex
        self.stop = match.end()
        if group is None:
            self.kind, self.token, self.start = END, "", self.stop
            return
        self.token = match.group(group)
        self.start = match.start(group)
        self.kind = self.kinds[group] or self.words[self.token]

    def switch(self, machine: Machine, words: Words | None = None) -> None:
        """Go on with another grammar; the token that is looked at is scanned again."""
        self.machine = machine
        self.match = machine.scanner.match
        self.kinds = machine.scanner.kinds
        self.words = words or machine.scanner.words()
        self.stop = self.start
        self.advance()

    def run(self, start: str) -> Any:
        """Read the longest prefix that is a `start`, and give its value. Raises a located error where there is none."""
        self.deeper()
        stack = Stack(self.machine, self.words, start, len(self.frames))
        while True:
            try:
                value = self._loop(stack)
            except (RecursionError, MemoryError):
                raise
            except Exception as error:
                if not self.recover(error, stack):
                    raise
            else:
                self.nested -= 1
                return value

    def report(self, message: str, start: int, hint: str | None = None, *, code: Code) -> None:
        """Note an error without leaving off. See recovery.py."""
        raise NotImplementedError

    def near(self, start: int) -> Iterable[str]:
        """The names of values that may be meant at an offset. See recovery.py."""
        raise NotImplementedError

    def lost_value(self, type: Attribute) -> SSAValue:
        """A value in place of one whose definition could not be read. See recovery.py."""
        raise NotImplementedError

    def recover(self, error: Exception, stack: Stack) -> bool:
        """Note an error and go on behind it; False where this run has no list of ops to go on with. See recovery.py."""
        raise NotImplementedError

    def _loop(self, stack: Stack) -> Any:  # the one hot loop: kept in one piece, in locals
        machine, states, values = stack.machine, stack.states, stack.values
        tables = machine.tables
        rows, pops, origins, actions = tables.rows, tables.pops, tables.origins, machine.actions
        match, kinds, words, text, memo = self.match, self.kinds, self.words, self.text, self.memo
        end = tables.ends[stack.start]
        limit, whole = nesting.LIMIT, stack.start == "module"
        kind: int = self.kind
        token: str = self.token
        row = rows[states[-1]]
        while True:
            entry = row.get(kind)
            if entry is None:
                if BARE in row and (kind == BTYPE or (kind >= FIRST_LITERAL and token[0].isalpha())):
                    kind = BARE
                elif kind and END in row and not whole:
                    kind = END
                else:
                    self.unexpected({} if whole and END in row else row)
                entry = row[kind]
            if entry < 0:
                rule = -1 - entry
                count, action = pops[rule], actions[rule]
                if count == 1:
                    states.pop()
                    if action is not None:
                        values[-1] = action(self, values[-1])
                elif count == 0:
                    assert action is not None
                    values.append(action(self, None))
                else:
                    assert action is not None
                    parts = values[-count:]
                    del values[-count:]
                    del states[-count:]
                    values.append(action(self, parts))
                state = rows[states[-1]][origins[rule]]
                if state == end:
                    return values[-1]
                states.append(state)
                row = rows[state]
                continue
            if entry < READ:
                value = token
                if len(states) > limit:
                    limit = self._next_limit(states, values)
            elif entry < NAMED:
                value = (token[1:], 0, self.start)
                entry %= READ
            elif entry < PLACED:
                value = (token, self.start)
                entry %= READ
                if len(states) > limit:
                    limit = self._next_limit(states, values)
            else:
                reading, entry = entry // READ, entry % READ
                value = memo.get(token)
                if value is None:
                    states.append(entry)
                    row = rows[entry]
                    values.append(self.read(reading, token))
                    kind, token = self.kind, self.token
                    continue
            states.append(entry)
            values.append(value)
            row = rows[entry]
            found: Any = match(text, self.stop)
            group: int | None = found.lastindex
            self.stop = found.end()
            if group is None:
                kind, token, self.start = END, "", self.stop
            else:
                token = found.group(group)
                self.start = found.start(group)
                kind = kinds[group] or words[token]
            self.kind, self.token = kind, token

    def deeper(self) -> None:
        """One thing more stands in another. Raises a located error where it is one too many."""
        self.nested += 1
        if self.nested > nesting.LIMIT:
            self.fail(nesting.TOO_DEEP, code=codes.TOO_DEEP)

    def _next_limit(self, states: list[int], values: list[Any]) -> int:
        """Count how deep this is; the number of states at which to count again: a level holds at least one."""
        room = nesting.LIMIT - self.nested - nesting.opened(values)
        if room < 0:
            self.fail(nesting.TOO_DEEP, code=codes.TOO_DEEP)
        return len(states) + room

    def here(self) -> int:
        """The offset of the last token before the one that is looked at: where an action's rule ended."""
        end = len(self.text[: self.start].rstrip())
        position = found = self.text.rfind("\n", 0, end) + 1
        while position < end:
            match = self.match(self.text, position)
            assert match is not None, "the scanner's regex matches everything"
            group = match.lastindex
            if group is None or match.start(group) >= self.start:
                break
            found, position = match.start(group), match.end()
        return found

    def fail(self, message: str, start: int | None = None, hint: str | None = None, *, code: Code) -> NoReturn:
        """Raise a located error at an offset of the text, or at the token that is looked at."""
        errors.fail(self.input, message, self.start if start is None else start, hint, code)

    def unexpected(self, row: dict[int, int]) -> NoReturn:
        """Raise the error for the token that is looked at, which `row` has no entry for."""
        literals, rest = self.machine.scanner.literals, self.text[self.start : self.start + 80]
        message = explain(row, self.kind, self.token, rest, literals, self.machine.opening)
        code = codes.BAD_TOKEN if self.kind == NUMBER["ERROR"] else codes.SYNTAX
        self.fail(message, hint=near(row, self.token, literals), code=code)
