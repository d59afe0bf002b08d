"""What a text says about itself while it is typed: where an alias or a header ends, and in what a place lies."""

from __future__ import annotations

import re

_STRING = re.compile(r'"(?:[^"\\\n]|\\.)*"')
_COMMENT = re.compile(r"//[^\n]*")
_CLOSES = {")": "(", "]": "[", "}": "{", ">": "<"}
_ENTRIES = re.compile(r'\s*(?:"?[\w.$]+"?\s*(?:=[^={}]*)?,\s*)*[\w.$]*')
_LONGEST_HEADER = 4000
"""Characters before a place that are looked at."""


def blanked(text: str) -> str:
    """The text with blanks for strings and comments, so that their brackets do not count."""
    without_strings = _STRING.sub(lambda match: '"' + " " * (len(match[0]) - 2) + '"', text)
    return _COMMENT.sub(lambda match: " " * len(match[0]), without_strings)


def definition_text(text: str, start: int) -> str:
    """An alias's definition, or the header of an op, which begins at `start`.

    It ends with the first line that leaves no bracket open; the body of an op is left out.
    """
    plain, depth, place = blanked(text), 0, start
    while place < len(plain):
        character = plain[place]
        if character in "([<":
            depth += 1
        elif character == "{" and depth == 0 and plain[place + 1 :].lstrip(" \t").startswith("\n"):
            break
        elif character == "{":
            depth += 1
        elif character in ")]}" or (character == ">" and plain[place - 1] != "-"):
            depth -= 1
        elif character == "\n" and depth <= 0:
            break
        place += 1
    return text[start:place].strip()


def open_dictionary(before: str) -> str | None:
    """What stands before the attribute dictionary that is open at the end of a text; None where none is open."""
    tail = before[-_LONGEST_HEADER:]
    plain = blanked(tail)
    wanted: list[str] = []
    for place in range(len(plain) - 1, -1, -1):
        character = plain[place]
        if character in _CLOSES and not (character == ">" and plain[place - 1 : place] == "-"):
            wanted.append(_CLOSES[character])
        elif wanted and character == wanted[-1]:
            wanted.pop()
        elif character == "{" and not wanted:
            return _COMMENT.sub("", tail[:place]) if _ENTRIES.fullmatch(plain, place + 1) else None
    return None
