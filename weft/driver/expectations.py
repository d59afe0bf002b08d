"""`--verify-diagnostics`: comments that say which diagnostics a file makes.

```mlir
// expected-error {{text}}          on this line; also note, warning, remark
// expected-error @+1 {{text}}      on another line: @-1, @above, @below, @unknown
// expected-error-re {{a {{[0-9]+}} b}}   a regular expression in inner braces
```

Source: https://mlir.llvm.org/docs/Diagnostics/#diagnostic-verification-handler
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from weft import codes
from weft.codes import DIAGNOSTICS_DIFFER
from weft.diagnostics import Diagnostic, Location, WeftError

_COMMENT = re.compile(
    r"expected-(?P<severity>error|warning|note|remark)(?P<re>-re)?"
    r"(?P<where>\s*@(?:unknown|above|below|[+-]\d+))?\s*\{\{(?P<text>.*?)\}\}\s*$"
)
_INNER = re.compile(r"\{\{(.*?)\}\}")


@dataclass
class Expectation:
    """A diagnostic that a comment asks for. `line` is None where any place (or none) will do."""

    severity: str
    line: int | None
    pattern: re.Pattern[str]
    text: str
    comment: Location
    source: str
    found: bool = False

    def matches(self, diagnostic: Diagnostic) -> bool:
        """Whether this is the diagnostic that was asked for."""
        return (
            diagnostic.severity == self.severity
            and (self.line is None or diagnostic.where.line == self.line)
            and self.pattern.search(diagnostic.message) is not None
        )


def expectations(text: str, file: str, first_line: int = 1) -> list[Expectation]:
    """The expectations of a chunk of a file."""
    lines = text.split("\n")
    matches = [(n, match) for n, line in enumerate(lines) if (match := _COMMENT.search(line))]
    designators = {n for n, _ in matches}
    found: list[Expectation] = []
    for n, match in matches:
        place = Location(file, n + first_line, match.start() + 1)
        pattern = _pattern(match["text"], bool(match["re"]), place)
        line = _line(n, (match["where"] or "").strip(), designators, len(lines))
        where = None if line is None else line + first_line
        found.append(Expectation(match["severity"], where, pattern, match["text"], place, lines[n]))
    return found


def _pattern(text: str, is_regex: bool, where: Location) -> re.Pattern[str]:
    if not is_regex:
        return re.compile(re.escape(text))
    parts = _INNER.split(text)
    text = "".join(part if n % 2 else re.escape(part) for n, part in enumerate(parts))
    try:
        return re.compile(text)
    except re.error as error:
        raise WeftError(f"'{text}' is no regular expression: {error}", where, code=codes.DIAGNOSTICS_DIFFER) from error


def _line(n: int, where: str, designators: set[int], count: int) -> int | None:
    """The 0-based line that a comment on line `n` speaks of."""
    if where == "@unknown":
        return None
    if where in ("@above", "@below"):
        step = -1 if where == "@above" else 1
        line = n + step
        # comments stacked on each other speak of the same line
        while line in designators and 0 <= line < count:
            line += step
        return line
    return n + int(where[1:]) if where else n


def check(
    wanted: list[Expectation], diagnostics: Iterable[Diagnostic], *, only_expected: bool = False
) -> list[Diagnostic]:
    """Errors for what was not made, and, unless `only_expected`, for what nobody expected."""
    problems: list[Diagnostic] = []
    for diagnostic in diagnostics:
        match = next((want for want in wanted if not want.found and want.matches(diagnostic)), None)
        if match is not None:
            match.found = True
        elif not only_expected:
            message = f"unexpected {diagnostic.severity}: {diagnostic.message}"
            problems.append(Diagnostic(message, diagnostic.where, source=diagnostic.source, code=DIAGNOSTICS_DIFFER))
    for want in wanted:
        if not want.found:
            message = f'expected {want.severity} "{want.text}" was not produced'
            problems.append(Diagnostic(message, want.comment, source=want.source, code=DIAGNOSTICS_DIFFER))
    return problems
