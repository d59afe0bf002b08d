"""Going on behind an error, so that one reading finds all errors of a text.

The loop fails somewhere in an operation (or a block's head, or an alias). What stands on its stacks is cut back to the
innermost list of such items, the text is skipped to where the next one begins, and the loop runs again from there.
What the skipped text would have defined is *lost*: a lost value may be used with every type, so that nothing is said
about its uses; a region that lost something is remembered, so that the verifier is not asked about it.

The next item begins at a token that is the first of its line, outside of braces that opened since the broken one
began, and that can begin an item; a closing brace ends the list.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache

from xdsl.dialects.builtin import UnrealizedConversionCastOp
from xdsl.ir import Attribute, Block, SSAValue
from xdsl.parser.core import ForwardDeclaredValue
from xdsl.utils.exceptions import ParseError

from weft import codes
from weft.codes import Code
from weft.diagnostics import Diagnostic, WeftError
from weft.frontends.mlir import errors
from weft.frontends.mlir.driver import Stack
from weft.frontends.mlir.islands import Islands
from weft.frontends.mlir.machine import Machine
from weft.frontends.mlir.scanner import NUMBER
from weft.frontends.mlir.scopes import Frame

END, VALUE, CARET, AT = (NUMBER[name] for name in ("$END", "VALUE", "CARET", "AT"))

MOST_ERRORS = 20
"""After so many errors in one text, nobody reads on."""

OPS, BLOCKS, ITEMS = "append_op", "append_block", "items"
"""The rules that append to a list of items: operations of a block, blocks, what stands outside of all regions."""


@dataclass(frozen=True)
class _Lists:
    """The states of a grammar in which the next item of a list may begin, and where a block's head leads."""

    states: dict[int, str]
    block_head: int
    items: int


@cache
def _lists(machine: Machine) -> _Lists:
    tables = machine.tables
    rules = {
        name: origin for name, origin, count in zip(tables.names, tables.origins, tables.pops, strict=True) if count
    }
    symbols = {name: rules[name] for name in (OPS, BLOCKS, ITEMS)}
    states = {row[symbol]: name for name, symbol in symbols.items() for row in tables.rows if symbol in row}
    return _Lists(states, rules["block_head"], rules[ITEMS])


@dataclass(frozen=True, slots=True)
class _Token:
    """A token of text that is skipped."""

    kind: int
    text: str
    start: int
    stop: int
    begins_line: bool


class FollowUp(ParseError):
    """An error that another one, which is noted already, brings about."""


class Recovery(Islands):
    """Notes errors, and goes on behind them."""

    def reset_recovery(self) -> None:
        """Nothing is wrong yet."""
        self.errors: list[WeftError] = []
        self.noted: Exception | None = None
        """The error that is on its way out, once it is among the errors."""
        self.stopped = False
        """Whether the rest of the text says nothing that can be trusted."""
        self.unbalanced = False
        """Whether braces were skipped that do not match, so that the end of the text may come too early."""
        self.damaged_text = False
        """Whether something outside of all regions could not be read."""
        self.lost_symbols: set[str] = set()
        """The names of symbols that occur in text that was skipped."""

    # ---------- errors
    def report(self, message: str, start: int, hint: str | None = None, *, code: Code) -> None:
        """Note an error without leaving off."""
        self.note(errors.ReadError(self.span(start, 0), message, hint, code))

    def note(self, error: Exception) -> None:
        """Put an error among the errors, once."""
        if error is self.noted:
            return
        self.noted = error
        if isinstance(error, FollowUp):
            return
        if isinstance(error, ParseError):
            located = errors.located(error, self.input, self.first_line, self.start)
        else:
            located = errors.foreign(error, self.input, self.first_line, self.here())
        if self.kind == END and self.frames and located.code is codes.SYNTAX:
            where, source = errors.place(self.input, self.frames[-1].brace, self.first_line)
            opened = Diagnostic("this '{' is not closed", where, "note", source=source)
            located.diagnostics = (replace(located.diagnostic, notes=(opened,)),)
        said = located.diagnostic
        if any(known.diagnostic.where == said.where and known.message == said.message for known in self.errors):
            return
        self.errors.append(located)
        self.stopped = self.stopped or said.code is codes.TOO_DEEP
        if len(self.errors) >= MOST_ERRORS and not self.stopped:
            self.stopped = True
            message = f"too many errors: {MOST_ERRORS} are shown, the rest of the text is not read"
            self.errors.append(WeftError(message, said.where, source=said.source, code=codes.TOO_MANY_ERRORS))

    # ---------- going on
    def recover(self, error: Exception, stack: Stack) -> bool:
        """Note an error and go on behind it; False where this run has no list of items to go on with."""
        lists = _lists(stack.machine)
        most = min(len(stack.states), len(stack.values) + 1)
        place = next((i for i in range(most - 1, -1, -1) if stack.states[i] in lists.states), None)
        if place is None and stack.start == "module":
            # the first token already: the empty list of items is not made yet
            stack.states.append(stack.machine.tables.rows[stack.states[0]][lists.items])
            stack.values.append(None)
            place = 1
        if place is None:
            return False
        if not self.stopped and not (self.kind == END and self.unbalanced):
            self.note(error)
        if self.stopped or self.kind == END:
            self.stopped = True
            return False
        kind, reached = lists.states[stack.states[place]], self.start
        del stack.states[place + 1 :], stack.values[place:]
        self._abandon(stack)
        tokens = self._skipped(stack.machine, reached, kind)
        self._lose(tokens)
        self._go_on_at(stack, tokens[-1].stop)
        if kind == BLOCKS and tokens[0].kind == CARET:
            self._begin_lost_block(stack, lists, tokens[0])
        self.item = self.start
        return True

    def _abandon(self, stack: Stack) -> None:
        """Leave the regions that are no longer on the stack, and forget what the broken item used."""
        keep = stack.frames + sum(isinstance(value, Frame) for value in stack.values)
        for frame in reversed(self.frames[keep:]):
            self.leave(frame)
        inner = self.frames[-1] if self.frames else None
        del self._parser_state.dialect_stack[inner.dialects if inner is not None else 1 :]
        self.nested = 0 if inner is not None else 1
        self.arguments = None
        if inner is not None:
            inner.damaged = True
        else:
            self.damaged_text = True
        for name in [name for name, start in self.uses.items() if start >= self.item]:
            del self.uses[name]
            self.forward_ssa_references.pop(name, None)

    def _go_on_at(self, stack: Stack, offset: int) -> None:
        self.machine, self.match, self.kinds = stack.machine, stack.machine.scanner.match, stack.machine.scanner.kinds
        self.words = stack.words
        self.stop = offset
        self.advance()

    def _begin_lost_block(self, stack: Stack, lists: _Lists, head: _Token) -> None:
        """A block whose head is broken begins nevertheless, without arguments."""
        name = head.text[1:]
        _, defined = self.blocks.get(name, (None, None))
        if defined is not None:
            del self.blocks[name]
        stack.values.append(self.begin_block(name, head.start))
        stack.states.append(stack.machine.tables.rows[stack.states[-1]][lists.block_head])

    # ---------- what is skipped
    def _skipped(self, machine: Machine, reached: int, kind: str) -> list[_Token]:
        """The tokens of the broken item, which was read up to `reached`: at least one.

        A brace that is open there is one of attributes: what begins an item ends it as well.
        """
        found: list[_Token] = []
        depth = attributes = 0
        for token in self._tokens(machine):
            if found and depth <= attributes and token.begins_line and self._begins_item(token, kind):
                break
            if token.text == "{":
                depth += 1
            elif token.text == "}":
                if found and depth == 0 and kind != ITEMS:
                    break
                depth = max(depth - 1, 0)
            if token.start < reached:
                attributes = depth
            found.append(token)
        self.unbalanced = self.unbalanced or attributes > 0 or depth > 0
        return found

    def _tokens(self, machine: Machine) -> Iterator[_Token]:
        """The tokens from the beginning of the broken item on."""
        scanner, words, position, before = machine.scanner, machine.scanner.words(), self.item, self.item
        while True:
            match = scanner.match(self.text, position)
            assert match is not None, "the scanner's regex matches everything"
            group = match.lastindex
            if group is None:
                return
            position = match.end()
            text, start = match.group(group), match.start(group)
            kind = scanner.kinds[group] or words[text]
            yield _Token(kind, text, start, position, "\n" in self.text[before:start])
            before = position

    def _begins_item(self, token: _Token, kind: str) -> bool:
        """Whether a token that begins a line begins an item too."""
        if kind == ITEMS and (token.text == "{-#" or _ALIAS.match(self.text, token.start)):
            return True
        if kind != ITEMS and _BLOCK.match(self.text, token.start):
            return True
        if _RESULTS.match(self.text, token.start) or _GENERIC.match(self.text, token.start):
            return True
        if not _WORD.fullmatch(token.text):
            return False
        if "." in token.text:
            return not _KEY.match(self.text, token.stop)
        return bool(self.ctx.get_optional_op(token.text, dialect_stack=self._parser_state.dialect_stack))

    def _lose(self, tokens: list[_Token]) -> None:
        """What the skipped text would have defined is lost."""
        self.lost_symbols.update(token.text for token in tokens if token.kind == AT)
        if tokens[0].kind == CARET:
            names = {token.text[1:] for token in tokens if token.kind == VALUE}
        else:
            results = _RESULTS.match(self.text, tokens[0].start)
            names = {name[1:] for name in _VALUE.findall(results[0])} if results else set[str]()
        self.lost |= names
        for name in names:
            self.uses.pop(name, None)
            self.forward_ssa_references.pop(name, None)

    # ---------- lost values
    def lost_value(self, type: Attribute) -> SSAValue:
        """A value in place of one whose definition could not be read."""
        return ForwardDeclaredValue(type)

    def fill_in(self, top: Block) -> None:
        """Give each use of a value that is not defined a definition, so that the rest can be verified."""
        for op in list(top.walk()):
            for n, operand in enumerate(op.operands):
                if isinstance(operand, ForwardDeclaredValue):
                    cast = UnrealizedConversionCastOp.create(result_types=[operand.type])
                    cast.location = op.location
                    assert op.parent is not None, "it stands in a block: it was walked to"
                    op.parent.insert_op_before(cast, op)
                    op.operands[n] = cast.results[0]

    def near(self, start: int) -> set[str]:
        """The values that occur before `start` in the same function: what a misspelt name may mean."""
        begin = max((match.start() for match in _TOP.finditer(self.text, 0, start)), default=0)
        return {found for found in _VALUE.findall(self.text[begin:start]) if found[1:] not in self.uses}


_VALUE = re.compile(r"%(?:[0-9]+|[a-zA-Z$._-][a-zA-Z0-9$._-]*)")
_RESULTS = re.compile(rf"{_VALUE.pattern}(?::[0-9]+)?(?:\s*,\s*{_VALUE.pattern}(?::[0-9]+)?)*\s*=")
_GENERIC = re.compile(r'"[^"\n]*"\s*\(')
_ALIAS = re.compile(r"[#!][a-zA-Z0-9$._-]+\s*=")
_BLOCK = re.compile(r"\^[a-zA-Z0-9$._-]+\s*[:(]")
_WORD = re.compile(r"[a-zA-Z_][a-zA-Z0-9_$.]*")
_KEY = re.compile(r"\s*[=,}]")
"""What follows a key of a dictionary."""
_TOP = re.compile(r"^[^\s}/]", re.M)
