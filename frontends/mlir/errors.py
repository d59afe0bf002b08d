"""Errors while reading, and how they become the located error that a user sees."""

from __future__ import annotations

from collections.abc import Sized
from dataclasses import dataclass
from typing import NoReturn

from xdsl.utils.exceptions import MultipleSpansParseError, ParseError
from xdsl.utils.lexer import Input, Span

from weft import codes
from weft.codes import Code
from weft.diagnostics import Diagnostic, Location, WeftError
from weft.dialects.constraints import plain


@dataclass
class ReadError(ParseError):
    """A parse error with a hint and a code. Islands of xDSL raise its plain base class."""

    hint: str | None
    code: Code


def fail(input: Input[str], message: str, start: int, hint: str | None, code: Code) -> NoReturn:
    """Raise an error at an offset of the text."""
    raise ReadError(Span(start, start, input), message, hint, code)


_OF_XDSL = (
    ("the operand", codes.WRONG_TYPE),
    ("the result", codes.WRONG_TYPE),
    ("out of range", codes.OUT_OF_RANGE),
    ("should be of base", codes.WRONG_TYPE),
    ("with type", codes.TYPE_MISMATCH),
    ("reassign SSA value", codes.REDEFINED_VALUE),
    ("out of bounds", codes.COUNT_MISMATCH),
    ("not a valid type", codes.BAD_TYPE),
)
"""What errors that xDSL raises say, and their codes; the first that fits counts."""


def code_of(error: Exception, other: Code = codes.OP_SYNTAX) -> Code:
    """The code of an error that is raised while reading; `other` where nothing is known of it."""
    if isinstance(error, ReadError):
        return error.code
    message = error.msg if isinstance(error, ParseError) else str(error)
    usual = codes.SYNTAX if isinstance(error, ParseError) else other
    return next((code for part, code in _OF_XDSL if part in message), usual)


def located(error: ParseError, input: Input[str], first_line: int, offset: int) -> WeftError:
    """The user's error for a parse error; `offset` is where to blame when its span is of another text."""
    start = error.span.start if error.span.input is input else offset
    notes: list[Diagnostic] = []
    if isinstance(error, MultipleSpansParseError):
        for span, text in error.refs:
            where, source = place(input, span.start, first_line)
            notes.append(Diagnostic(text or error.ref_text or "", where, "note", source=source))
    where, source = place(input, start, first_line)
    hint = error.hint if isinstance(error, ReadError) else None
    return WeftError(_sentence(error.msg), where, hint, source, tuple(notes), code=code_of(error))


def foreign(error: Exception, input: Input[str], first_line: int, offset: int) -> WeftError:
    """The user's error for an exception that knows no place."""
    where, source = place(input, offset, first_line)
    return WeftError(sentence(error), where, None, source, code=code_of(error))


def place(input: Input[str], offset: int, first_line: int) -> tuple[Location, str]:
    """The location of an offset, and its source line."""
    text = input.content
    offset = min(offset, len(text))
    begin = text.rfind("\n", 0, offset) + 1
    end = text.find("\n", offset)
    line = text.count("\n", 0, begin) + first_line
    source = text[begin : end if end >= 0 else len(text)].rstrip("\r")
    return Location(input.name, line, offset - begin + 1), source


def sentence(error: Exception) -> str:
    """The first line of what an exception says, in our manner."""
    return _sentence((str(error).strip() or type(error).__name__).partition("\n")[0])


def _sentence(message: str) -> str:
    """xDSL's messages in our manner: begun small, without a full stop or an empty end."""
    message = plain(message.strip().rstrip(".!"))
    if message[:1].isupper() and not message[:2].isupper():
        message = message[0].lower() + message[1:]
    return message or "invalid syntax"


def count_of(things: Sized, noun: str) -> str:
    """`1 operand`, `2 operands`."""
    return f"{len(things)} {noun}{'' if len(things) == 1 else 's'}"
