"""Broken texts: whatever is done to a good text, it is read, or refused with a located error."""

import random

import pytest

from tests.frontends.mlir.snippets import SNIPPETS
from weft.diagnostics import WeftError
from weft.frontends.mlir import parse_module
from weft.registry import context

PUNCTUATION = (
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    "<",
    ">",
    ",",
    ":",
    "::",
    "=",
    "->",
    '"',
    "-",
    "?",
    "*",
    "|",
    "...",
    "{-#",
    "#-}",
)
TOKENS = (
    "%x", "%0#1", "%a:2", "#x", "!x", "^x", "@x", "loc", "affine_map", "dense", "tensor", "i32", "f32", "true", "unit",
    "index", "!llvm.ptr", "#arith.fastmath<fast>", "memref<4xf32>",
    "func.func", "func", "arith.addi", "attributes", "0", "-1",
    "0x1F", "1.5", "99999999999999999999999", '"s"', '"\\FF"', "\\", "\0", "é", "//", "$",
    "tensor<9999999999x9999999999xf32>",
)  # fmt: skip


def somewhere(rng, text):
    return rng.randrange(len(text) + 1)


def part(rng, text, most=30):
    start = somewhere(rng, text)
    return start, min(len(text), start + rng.randrange(1, most))


def delete(rng, text):
    start, stop = part(rng, text)
    return text[:start] + text[stop:]


def delete_one(rng, text):
    start = somewhere(rng, text)
    return text[:start] + text[start + 1 :]


def cut_tail(rng, text):
    return text[: somewhere(rng, text)]


def cut_head(rng, text):
    return text[somewhere(rng, text) :]


def repeat(rng, text):
    start, stop = part(rng, text)
    return text[:stop] + text[start:stop] + text[stop:]


def move(rng, text):
    start, stop = part(rng, text)
    rest = text[:start] + text[stop:]
    target = somewhere(rng, rest)
    return rest[:target] + text[start:stop] + rest[target:]


def insert(choices):
    def mutate(rng, text):
        place = somewhere(rng, text)
        return f"{text[:place]}{rng.choice(choices)}{text[place:]}"

    return mutate


def insert_word(rng, text):
    return insert(TOKENS)(rng, " ".join(text.split(" ")))


def replace_number(rng, text):
    digits = [i for i, c in enumerate(text) if c.isdigit()]
    place = rng.choice(digits)
    return text[:place] + rng.choice(("", "-", "9" * 30, "0x", "?", "1.")) + text[place + 1 :]


def swap(first, second):
    return lambda rng, text: text.replace(first, second, rng.randrange(1, 4))


def swap_lines(rng, text):
    lines = text.split("\n")
    a, b = rng.randrange(len(lines)), rng.randrange(len(lines))
    lines[a], lines[b] = lines[b], lines[a]
    return "\n".join(lines)


def join_two(rng, text):
    return text + rng.choice(tuple(SNIPPETS.values()))


def shuffle_words(rng, text):
    lines = text.split("\n")
    place = rng.randrange(len(lines))
    words = lines[place].split(" ")
    rng.shuffle(words)
    lines[place] = " ".join(words)
    return "\n".join(lines)


MUTATIONS = (
    delete, delete_one, cut_tail, cut_head, repeat, move, insert(PUNCTUATION), insert(TOKENS), insert_word,
    insert([chr(c) for c in range(1, 127)]), replace_number, swap_lines, join_two, shuffle_words,
    swap("f32", "i32"), swap("i32", "tensor<4xi32>"), swap("%a", "%b"), swap("(", "["), swap("{", "("), swap(":", ""),
    swap(",", ""), swap("->", ":"), swap("memref", "tensor"), swap("index", "f64"), swap('"', ""),
)  # fmt: skip


def assert_read_or_refused(seed):
    rng = random.Random(seed)
    text = rng.choice(tuple(SNIPPETS.values()))
    for _ in range(rng.randrange(1, 4)):
        text = rng.choice(MUTATIONS)(rng, text) or " "
        if not any(c.isdigit() for c in text):
            text += "0"
    try:
        parse_module(text, context(), "broken.mlir")
    except WeftError as error:
        assert error.message
        assert error.where.line > 0, text


def test_there_are_enough_ways_to_break_a_text():
    assert len(MUTATIONS) >= 25


def test_a_long_string_without_end_is_refused_at_once():
    with pytest.raises(WeftError, match="does not end"):
        parse_module('"test.op"() {a = "' + "abc " * 5000, context(), "broken.mlir")


@pytest.mark.parametrize("batch", range(5))
def test_a_broken_text_is_read_or_refused(batch):
    for seed in range(batch * 100, batch * 100 + 100):
        assert_read_or_refused(seed)


@pytest.mark.long
@pytest.mark.parametrize("batch", range(100))
def test_many_broken_texts_are_read_or_refused(batch):
    for seed in range(1000 + batch * 200, 1200 + batch * 200):
        assert_read_or_refused(seed)
