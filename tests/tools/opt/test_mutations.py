"""Broken files through `weft opt`: read or refused with located errors, never a traceback, a hang, or a token ignored.

What is accepted must survive printing and reading back; how it must relate to the file that was broken is said by the
kind of mutation (see mutations.py).
"""

import random
import re
import signal
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import pytest

from tests.tools.opt.mutations import ANY, DIFFERENT, KINDS, REFUSED, SAME, plain
from weft.driver.chunks import split
from weft.driver.pipeline import parse_pipeline
from weft.driver.transform import Job, transform

ROOT = Path(__file__).parents[3]
JOB = Job(parse_pipeline("builtin.module()"), verify_roundtrip=True)
SECONDS = 20
"""Of the processor: no small file takes so long, however busy the machine is."""
IMPLIED = re.compile(r"\s*(scf\.yield|affine\.yield|memref\.alloca_scope\.return)\s*")
LARGEST = 3000
"""Of the seeds in the fast tier, in characters."""


class Hang(BaseException):
    """The watchdog's."""


@contextmanager
def watchdog(seconds=SECONDS):
    """Ends what takes too long."""

    def bark(*_):
        raise Hang(f"no answer for {seconds} s")

    before = signal.signal(signal.SIGPROF, bark)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def opt(text):
    """What `weft opt` makes of a text: what it prints, and the errors."""
    with watchdog():
        outcome = transform(text, "broken.mlir", JOB)
    return outcome.text, outcome.diagnostics


@cache
def seeds():
    """The chunks of all .mlir files of the tests and examples that are read, and what is printed of each."""
    texts = [
        plain(chunk.text)
        for folder in ("tests", "examples")
        for path in sorted((ROOT / folder).rglob("*.mlir"))
        for chunk in split(path.read_text(encoding="utf-8"))
    ]
    read = [(text, *opt(text)) for text in dict.fromkeys(texts) if text.strip()]
    return [(text, printed) for text, printed, errors in read if not errors]


def implied(text, broken):
    """The kinds that may take away only what is implied: a terminator without operands, the linkage of a global."""
    if re.sub(r"\bexternal\b", " ", text).split() == re.sub(r"\bexternal\b", " ", broken).split():
        return {"drop a token"}
    gone = set(text.split("\n")) - set(broken.split("\n"))
    return {"drop a line", "drop a token"} if all(IMPLIED.fullmatch(line) for line in gone) else set()


def check(seed, largest=None):
    """Break a text and look at what becomes of it."""
    rng = random.Random(seed)
    name = list(KINDS)[seed % len(KINDS)]
    wanted, mutate = KINDS[name]
    text, before = rng.choice([known for known in seeds() if largest is None or len(known[0]) <= largest])
    broken = mutate(rng, text)
    if broken is None or broken == text:
        return
    after, errors = opt(broken)
    told = f"seed {seed}, {name}:\n{broken}\n--- gives ---\n{after}{[str(error) for error in errors]}"
    for error in errors:
        assert error.code is not None and error.code.name not in ("E0410", "E0901"), f"not an error of the text: {told}"
        assert error.where.line > 0, f"an error without a place: {told}"
    if wanted == REFUSED:
        assert errors, f"accepted, though no reader can: {told}"
    if wanted == SAME:
        assert not errors and after == before, f"not the same: {told}"
    if wanted == DIFFERENT and not errors and name not in implied(text, broken):
        assert after != before, f"a token does not matter: {told}"


def test_the_watchdog_bites():
    with pytest.raises(Hang), watchdog(0.05):
        while True:
            pass


def test_there_are_enough_kinds_and_seeds():
    assert len(KINDS) >= 25
    assert {wanted for wanted, _ in KINDS.values()} == {REFUSED, DIFFERENT, SAME, ANY}
    assert len(seeds()) >= 25


@pytest.mark.parametrize("kind", range(len(KINDS)), ids=list(KINDS))
def test_a_broken_file_is_read_or_refused(kind):
    for seed in range(kind, 18 * len(KINDS), len(KINDS)):
        check(seed, LARGEST)


@pytest.mark.long
@pytest.mark.parametrize("batch", range(20))
def test_many_broken_files_are_read_or_refused(batch):
    for seed in range(1000 + batch * 1000, 2000 + batch * 1000):
        check(seed)
