"""Pass pipelines as text, in MLIR's grammar.

```
pipeline   ::= op-anchor '(' [element (',' element)*] ')'
op-anchor  ::= op-name | 'any'
element    ::= pipeline | name [ '{' options '}' ]
options    ::= (key ['=' value])*            separated by spaces
value      ::= text with balanced (), {}, [], or quoted with " or '
```

Source: https://mlir.llvm.org/docs/PassManagement/#textual-pass-pipeline-specification
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from weft import codes
from weft.diagnostics import UNKNOWN, WeftError


@dataclass(frozen=True)
class Step:
    """One pass of a pipeline with its options as text, and its column in the pipeline's text."""

    name: str
    options: tuple[tuple[str, str], ...] = ()
    column: int = 1

    def __str__(self) -> str:
        words = " ".join(f"{key}={_quoted(value)}" for key, value in self.options)
        return f"{self.name}{{{words}}}" if words else self.name


@dataclass(frozen=True)
class Nest:
    """Elements that run on every op of the anchor's name, directly inside the op that the nest stands in."""

    anchor: str
    elements: tuple[Step | Nest, ...] = ()
    column: int = 1

    def __str__(self) -> str:
        return f"{self.anchor}({','.join(map(str, self.elements))})"

    def steps(self) -> Iterator[Step]:
        """All passes, in the order in which they run."""
        for element in self.elements:
            if isinstance(element, Step):
                yield element
            else:
                yield from element.steps()


def _quoted(value: str) -> str:
    return f'"{value}"' if value == "" or re.search(r"[\s{}()\[\]]", value) else value


_NAME = re.compile(r"[^\s(){},=\"']*")
_SPACE = re.compile(r"\s*")
_CLOSES = {"(": ")", "{": "}", "[": "]"}


class _Scanner:
    """A place in the text of a pipeline."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def skip(self) -> str:
        """Skip blanks; the next character, or '' at the end."""
        match = _SPACE.match(self.text, self.at)
        assert match is not None
        self.at = match.end()
        return self.text[self.at : self.at + 1]

    def take(self, character: str) -> bool:
        """Consume `character` if it is next."""
        if self.skip() != character:
            return False
        self.at += 1
        return True

    def name(self) -> tuple[str, int]:
        """A name, possibly empty, and its 1-based column."""
        self.skip()
        match = _NAME.match(self.text, self.at)
        assert match is not None
        column = self.at + 1
        self.at = match.end()
        return match.group(), column

    def fail(self, message: str, column: int | None = None) -> WeftError:
        """An error in the words of MLIR's pipeline parser."""
        column = self.at + 1 if column is None else column
        return WeftError(
            f"MLIR Textual PassPipeline Parser:1:{column}: error: {message}", UNKNOWN, code=codes.PIPELINE_SYNTAX
        )


def parse_pipeline(text: str) -> Nest:
    """Read a pipeline. Raises :class:`WeftError` where the text does not follow the grammar."""
    scanner = _Scanner(text)
    element = _element(scanner)
    if isinstance(element, Step):
        raise WeftError(
            f"expected pass pipeline to be wrapped with the anchor operation type, e.g. 'builtin.module({text})'",
            UNKNOWN,
            code=codes.PIPELINE_SYNTAX,
        )
    if scanner.skip():
        message = "unbalanced parentheses" if scanner.text[scanner.at] in "(),{}" else "expected end of pipeline"
        raise scanner.fail(f"encountered {message} while parsing pipeline")
    return element


def parse_steps(text: str) -> Nest:
    """Read a flat list `a,b{x=1}`, as xDSL writes pipelines, as if it stood in `builtin.module(...)`."""
    return parse_pipeline(f"builtin.module({text})")


def whole_pipeline(text: str) -> str:
    """A pipeline as `-p` takes it, where a flat list is one of `builtin.module`, with its anchor."""
    return text if "(" in text or not text.strip() else f"builtin.module({text})"


def _element(scanner: _Scanner) -> Step | Nest:
    name, column = scanner.name()
    if scanner.take("("):
        if not name:
            raise scanner.fail("expected an operation name before '('", column)
        return Nest(name, tuple(_elements(scanner)), column)
    options = tuple(_options(scanner)) if scanner.take("{") else ()
    return Step(name, options, column)


def _elements(scanner: _Scanner) -> Iterator[Step | Nest]:
    if scanner.take(")"):
        return
    while True:
        yield _element(scanner)
        if scanner.take(")"):
            return
        if not scanner.take(","):
            raise scanner.fail("expected ',' or ')' after a pass or pipeline")


def parse_options(text: str) -> tuple[tuple[str, str], ...]:
    """Read the options of one pass, `key=value key=value`."""
    return tuple(_options(_Scanner(text + "}")))


def _options(scanner: _Scanner) -> Iterator[tuple[str, str]]:
    while not scanner.take("}"):
        key, column = scanner.name()
        if not key:
            raise scanner.fail("missing closing '}' while processing pass options", column)
        yield (key, _value(scanner)) if scanner.take("=") else (key, "true")


def _value(scanner: _Scanner) -> str:
    """A value: quoted, or up to the next blank or brace outside brackets."""
    text, start = scanner.text, scanner.at
    if text[start : start + 1] in ('"', "'") and start < len(text):
        end = text.find(text[start], start + 1)
        if end < 0:
            raise scanner.fail("missing closing quote of an option's value", start + 1)
        scanner.at = end + 1
        return text[start + 1 : end]
    open_brackets: list[str] = []
    while scanner.at < len(text):
        character = text[scanner.at]
        if character in _CLOSES:
            open_brackets.append(_CLOSES[character])
        elif open_brackets and character == open_brackets[-1]:
            open_brackets.pop()
        elif not open_brackets and (character.isspace() or character in "})]"):
            break
        scanner.at += 1
    if open_brackets:
        raise scanner.fail(f"missing closing '{open_brackets[-1]}' of an option's value", start + 1)
    value = text[start : scanner.at]
    return value[1:-1] if value.startswith("{") and value.endswith("}") else value
