"""Ways to break a text, each with what must be true of the result.

A mutation works on the tokens of a text, outside of comments. `REFUSED` is what no reader can accept; `DIFFERENT`
changes what the text says, so that what is printed must differ where it is accepted; `SAME` changes nothing;
`ANY` may do anything, and only must not break the tool.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

REFUSED, DIFFERENT, SAME, ANY = "refused", "different", "same", "any"

TOKEN = re.compile(
    r'"(?:[^"\\\n]|\\.)*"|@"[^"\n]*"|->|::|>=|<=|==|\{-#|#-\}|[%^@#!][\w$.-]+|0x[0-9a-fA-F]+'
    r"|[0-9]+\.[0-9]*(?:[eE][+-]?[0-9]+)?|[0-9]+|[A-Za-z_][\w$.]*|\S"
)
COMMENT = re.compile(r'("(?:[^"\\\n]|\\.)*")|//[^\n]*')
BRACKETS = "()[]{}"


@dataclass(frozen=True)
class Token:
    """A token and where it stands."""

    text: str
    start: int
    stop: int


def plain(text):
    """A text without its comments."""
    return COMMENT.sub(lambda match: match[1] or "", text)


def tokens(text):
    """The tokens of a text without comments."""
    return [Token(match[0], *match.span()) for match in TOKEN.finditer(text)]


def replaced(text, token, by):
    """The text with another spelling of a token."""
    return text[: token.start] + by + text[token.stop :]


def some(rng, text, wanted):
    """One of the tokens that are wanted, or None."""
    found = [token for token in tokens(text) if wanted(token.text)]
    return rng.choice(found) if found else None


def on_token(wanted, change):
    """A mutation of one token: `change` gets its text and a source of randomness, and gives its new spelling."""

    def mutate(rng, text):
        token = some(rng, text, wanted)
        return None if token is None else replaced(text, token, change(rng, token.text))

    return mutate


def is_bracket(text):
    return text in BRACKETS


def is_number(text):
    return re.fullmatch(r"[0-9]+", text) is not None


def is_string(text):
    return text.startswith('"')


def is_type(text):
    return re.fullmatch(r"i1|i8|i16|i32|i64|f16|bf16|f32|f64|index", text) is not None


def other_bracket(rng, text):
    return rng.choice([bracket for bracket in BRACKETS if bracket != text])


def other_type(rng, text):
    return rng.choice(
        [type_ for type_ in ("i1", "i8", "i32", "i64", "f16", "bf16", "f32", "f64", "index") if type_ != text]
    )


def cut_inside_brackets(rng, text):
    """Cut off the end, where brackets are open."""
    depth, places = 0, []
    for token in tokens(text):
        depth += token.text in ("(", "[", "{")
        depth -= token.text in (")", "]", "}")
        if depth > 0:
            places.append(token.stop)
    return text[: rng.choice(places)] if places else None


def misspell_op(rng, text):
    names = list(re.finditer(r"(?m)(?:^\s*|=\s*)([a-z_]+\.[a-z_0-9.]+)(?!\s*[=,}:\w.])", text))
    if not names:
        return None
    stop = rng.choice(names).end(1)
    return f"{text[:stop]}_nosuch{text[stop:]}"


def undefined_value(rng, text):
    """Give one use of a value a name that there is not."""
    uses = [
        token
        for token in tokens(text)
        if token.text[0] == "%"
        and not re.search(r'loop\.for "[^"\n]*"\s*$', text[: token.start])
        and not re.match(r"\s*(?::|=|\)\s*(?:=|in\b)|,\s*%[^=\n]*=)", text[token.stop :])
    ]
    return replaced(text, rng.choice(uses), "%no_such_value") if uses else None


def open_string(rng, text):
    token = some(rng, text, is_string)
    return None if token is None else text[: token.stop - 1] + "\n" + text[token.stop :]


def between(piece):
    """Put something between two tokens."""

    def mutate(rng, text):
        found = tokens(text)
        place = rng.choice(found).start if found else 0
        return text[:place] + (rng.choice(piece) if isinstance(piece, tuple) else piece) + text[place:]

    return mutate


def swap_tokens(rng, text):
    found = tokens(text)
    places = [i for i in range(len(found) - 1) if found[i].text != found[i + 1].text]
    if not places:
        return None
    first, second = found[(i := rng.choice(places))], found[i + 1]
    middle = text[first.stop : second.start]
    return f"{text[: first.start]}{second.text}{middle or ' '}{first.text} {text[second.stop :]}"


def take_token(rng, text):
    """Put a token of the text in another one's place."""
    found = tokens(text)
    one, other = rng.choice(found), rng.choice(found)
    return None if one.text == other.text else replaced(text, one, other.text)


def lines_of(text):
    return [i for i, line in enumerate(text.split("\n")) if line.strip()]


def on_lines(change):
    """A mutation of the list of lines; `change` gets it and two numbers of lines that are not blank."""

    def mutate(rng, text):
        lines, full = text.split("\n"), lines_of(text)
        change(lines, rng.choice(full), rng.choice(full))
        return "\n".join(lines)

    return mutate


def drop_line(lines, i, _):
    del lines[i]


def repeat_line(lines, i, _):
    lines.insert(i, lines[i])


def swap_lines(lines, i, j):
    lines[i], lines[j] = lines[j], lines[i]


def move_line(lines, i, j):
    lines.insert(j, lines.pop(i))


def rename_value(rng, text):
    """Give a value another name wherever it stands, but in strings: there `%x` may be a format."""
    token = some(rng, text, lambda text: re.fullmatch(r"%[a-zA-Z_]\w*", text) is not None)
    if token is None:
        return None
    places = re.compile(r'"(?:[^"\\]|\\.)*"|' + re.escape(token.text) + r"(?![\w$.-])")
    return places.sub(lambda found: found[0] if found[0].startswith('"') else "%renamed_value", text)


def drop_characters(rng, text):
    start = rng.randrange(len(text))
    return text[:start] + text[start + rng.randrange(1, 20) :]


def any_character(rng, text):
    place = rng.randrange(len(text))
    return text[:place] + chr(rng.choice((*range(1, 127), 0x85, 0xA0, 0xE9, 0x2028, 0xFEFF, 0x1F600))) + text[place:]


def copy_part(rng, text):
    start = rng.randrange(len(text))
    part, place = text[start : start + rng.randrange(1, 60)], rng.randrange(len(text))
    return text[:place] + part + text[place:]


WORDS = (" public ", " 7 ", ' "x" ', " i32 ", " %0 ", " ^bb0 ", " @f ", " , ", " : ")

KINDS = {
    "drop a bracket": (REFUSED, on_token(is_bracket, lambda rng, text: " ")),
    "double a bracket": (REFUSED, on_token(is_bracket, lambda rng, text: text + text)),
    "change a bracket": (REFUSED, on_token(is_bracket, other_bracket)),
    "cut inside of brackets": (REFUSED, cut_inside_brackets),
    "misspell an op": (REFUSED, misspell_op),
    "use an undefined value": (REFUSED, undefined_value),
    "leave a string open": (REFUSED, open_string),
    "a NUL between tokens": (REFUSED, between("\0")),
    "a stray character between tokens": (REFUSED, between((" ` ", " \\ ", " ; ", " \x7f ", " é ", " ~ "))),
    "an enormous number": (DIFFERENT, on_token(is_number, lambda rng, text: "9" * rng.choice((19, 20, 30, 5000)))),
    "another number": (DIFFERENT, on_token(is_number, lambda rng, text: str(int(text) + rng.choice((1, 2, 7, 64))))),
    "another type": (DIFFERENT, on_token(is_type, other_type)),
    "another string": (DIFFERENT, on_token(is_string, lambda rng, text: '"other' + text[1:])),
    "drop a token": (DIFFERENT, on_token(lambda text: True, lambda rng, text: " ")),
    "repeat a token": (DIFFERENT, on_token(lambda text: True, lambda rng, text: f"{text} {text}")),
    "swap two tokens": (DIFFERENT, swap_tokens),
    "a token of another place": (DIFFERENT, take_token),
    "a word between tokens": (DIFFERENT, between(WORDS)),
    "drop a line": (DIFFERENT, on_lines(drop_line)),
    "repeat a line": (DIFFERENT, on_lines(repeat_line)),
    "swap two lines": (ANY, on_lines(swap_lines)),
    "move a line": (ANY, on_lines(move_line)),
    "blanks between tokens": (SAME, between((" ", "\n", "\t", "\r\n", "\f", "\v", "  \n\n "))),
    "a comment between tokens": (SAME, between((" // a comment { ( [ \"\n", "//\n", " ///// @f\r\n"))),
    "rename a value": (SAME, rename_value),
    "line ends of Windows": (SAME, lambda rng, text: text.replace("\n", "\r\n")),
    "drop characters": (ANY, drop_characters),
    "any character": (ANY, any_character),
    "a part in another place": (ANY, copy_part),
}  # fmt: skip
"""By name: what must be true of the result, and the mutation; it gives None where the text has no place for it."""
