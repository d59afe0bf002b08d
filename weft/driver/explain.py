"""What the codes of errors mean: for `weft explain`, and as the page docs/errors.md."""

from __future__ import annotations

import textwrap

from weft.codes import CODES, Code
from weft.driver.explanations import EXPLANATIONS
from weft.driver.explanations.base import Example

WIDTH = 100


def explain(code: Code) -> str:
    """The text on a code for a terminal."""
    known = EXPLANATIONS[code]
    parts = [f"{code}: {code.title}", textwrap.fill(known.text, WIDTH, break_on_hyphens=False)]
    if known.wrong is not None and known.mended is not None:
        parts += [_example("This gives it", known.wrong), _example("Mended", known.mended)]
    return "\n\n".join(parts)


def _example(title: str, example: Example) -> str:
    return f"{title} ({example.command}):\n\n" + textwrap.indent(_printable(example.file), "  ").rstrip()


def _printable(text: str) -> str:
    """Text that can be shown: bytes that are not UTF-8 as escapes, long lines cut."""
    shown = text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    lines = [line if len(line) <= 160 else f"{line[:60]} ... {line[-60:]}" for line in shown.splitlines()]
    kept = lines if len(lines) <= 24 else [*lines[:4], "..."]
    return "\n".join(kept) + "\n"


def listing() -> str:
    """Every code and its title."""
    return "\n".join(f"{code}  {code.title}" for code in CODES.values())


_CHAPTERS = {
    "E01": "The text",
    "E02": "Names",
    "E03": "Types and attributes",
    "E04": "The verifier",
    "E05": "Pipelines and passes",
    "E06": "Lowering",
    "E07": "Running",
    "E08": "Files and the command line",
    "E09": "Weft itself",
}


def errors_reference() -> str:
    """The page docs/errors.md."""
    lines = [
        "# The errors",
        "",
        "Every error carries a code, at the end of its message:",
        "",
        "```",
        "file.mlir:2:8: error: operation 'arith.adi' is not registered [E0201]",
        "```",
        "",
        "A code keeps its meaning from version to version. `weft explain E0201` prints what stands here; with",
        "`--diagnostics=json` every command writes its diagnostics as JSON objects, one a line, the code in a field of",
        "its own. In Python it is `error.code.name` of a `weft.WeftError`; `error.diagnostics` is all that is wrong.",
        "",
        "In the examples `FILE` stands for the file that is shown.",
    ]
    chapter = ""
    for code in CODES.values():
        if _CHAPTERS[code.name[:3]] != chapter:
            chapter = _CHAPTERS[code.name[:3]]
            lines += ["", f"## {chapter}"]
        lines += ["", f"### {code}: {code.title}"]
        if code not in EXPLANATIONS:
            continue  # tests/house/test_codes.py asks for an explanation
        lines += ["", textwrap.fill(EXPLANATIONS[code].text, 120)]
        for title, example in (("Wrong", EXPLANATIONS[code].wrong), ("Right", EXPLANATIONS[code].mended)):
            if example is not None:
                lines += ["", f"{title}, with `{example.command}`:", "", f"```{example.language}"]
                lines += [_printable(example.file).rstrip("\n"), "```"]
    return "\n".join(lines) + "\n"
