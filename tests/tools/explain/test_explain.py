"""The codes of errors: each has an explanation, and an example that gives it and nothing else."""

import io
import re
import shlex
from contextlib import redirect_stderr

import pytest

import weft
from weft.codes import CODES
from weft.driver.explain import listing
from weft.driver.explanations import EXPLANATIONS
from weft.tools.main import main

WITH_EXAMPLES = [known for known in EXPLANATIONS.values() if known.wrong is not None]
BESIDE = {"E0105": {"E0201"}}
"""Codes that an example gives besides its own: there is no other way."""


def run(example, folder, monkeypatch):
    """The exit code of an example's command, and what it says on standard error."""
    file = folder / "example.mlir"
    file.write_bytes(example.file.encode("utf-8", "surrogateescape"))
    monkeypatch.chdir(folder)
    said = io.StringIO()
    with redirect_stderr(said):
        program, *words = shlex.split(example.command)
        if program == "weft":
            return main([str(file) if word == "FILE" else word for word in words]), said.getvalue()
        try:
            exec(compile(example.file, "example", "exec"), {})
        except weft.WeftError as error:
            return 1, str(error)
        return 0, ""


@pytest.mark.parametrize("known", WITH_EXAMPLES, ids=lambda known: known.code.name)
def test_an_example_gives_its_code_and_the_mended_one_gives_none(known, tmp_path, monkeypatch):
    code, said = run(known.wrong, tmp_path, monkeypatch)
    assert code == 1
    name = known.code.name
    assert set(re.findall(r"^.*?error: .*\[(E\d{4})\]$", said, re.M)) == {name} | BESIDE.get(name, set()), said
    code, said = run(known.mended, tmp_path, monkeypatch)
    assert code == 0, said
    assert "error" not in said


def test_most_codes_have_examples():
    without = {known.code.name for known in EXPLANATIONS.values() if known.wrong is None}
    assert len(without) <= 14, without
    assert all((known.wrong is None) == (known.mended is None) for known in EXPLANATIONS.values())


def test_a_code_is_explained_with_its_example_and_the_mended_one(capsys):
    assert main(["explain", "E0204"]) == 0
    text = capsys.readouterr().out
    assert text.startswith("E0204: a value is used but not defined\n")
    assert "This gives it (weft opt FILE):\n\n  func.func" in text and "Mended" in text


@pytest.mark.parametrize("written", ["e0204", "[E0204]"])
def test_a_code_may_be_written_as_it_is_seen(written, capsys):
    assert main(["explain", written]) == 0
    assert capsys.readouterr().out.startswith("E0204:")


def test_every_explanation_can_be_printed(capsys):
    assert main(["explain", *CODES]) == 0
    text = capsys.readouterr().out
    assert all(f"{code}: {code.title}\n" in text for code in CODES.values())
    text.encode()


def test_without_a_code_all_are_listed(capsys):
    assert main(["explain"]) == 0
    out = capsys.readouterr().out
    assert out == listing() + "\n"
    assert len(out.splitlines()) == len(CODES)


@pytest.mark.parametrize(("wrong", "hint"), [("E024", "did you mean 'E0"), ("hello", "weft explain lists the codes")])
def test_a_code_that_there_is_not_gets_a_near_one(wrong, hint, capsys):
    assert main(["explain", wrong]) == 1
    err = capsys.readouterr().err
    assert err.startswith(f"error: there is no code '{wrong}' [E0805]\nhint: ")
    assert hint in err


def test_an_option_that_there_is_not_is_refused(capsys):
    assert main(["explain", "--all"]) == 1
    assert "unknown option '--all'" in capsys.readouterr().err
