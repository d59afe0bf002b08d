"""Every command and snippet of the documentation runs, and prints what the page says."""

import io
import re
import shlex
from contextlib import redirect_stdout
from pathlib import Path

import pytest

from weft.tools.main import main

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.M | re.S)


def blocks(language):
    for page in PAGES:
        for n, (kind, text) in enumerate(BLOCK.findall(page.read_text())):
            if kind == language:
                yield pytest.param(text, id=f"{page.relative_to(ROOT)}-{n}")


def commands():
    for block in blocks("sh"):
        for n, line in enumerate(block.values[0].splitlines()):
            words = shlex.split(line, comments=True)
            # the two commands that install weft are run by .ci/run, in a fresh clone
            if words and "venv" not in words:
                yield pytest.param(words, id=f"{block.id}-{n}")


@pytest.mark.parametrize("words", list(commands()))
def test_a_command_of_the_documentation_runs(words, monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    assert words[0] == "weft", f"the test does not know how to run {words[0]}"
    assert main(words[1:]) == 0, capsys.readouterr().err


@pytest.mark.parametrize("text", list(blocks("python")))
def test_a_python_snippet_of_the_documentation_runs(text, monkeypatch):
    monkeypatch.chdir(ROOT)
    exec(compile(text, "snippet", "exec"), {"__name__": "snippet"})


def test_the_readme_shows_what_its_first_command_prints(monkeypatch):
    monkeypatch.chdir(ROOT)
    shown = next(text for kind, text in BLOCK.findall((ROOT / "README.md").read_text()) if kind == "")
    out = io.StringIO()
    with redirect_stdout(out):
        assert main(["run", "examples/digits.mlir"]) == 0
    assert out.getvalue() == shown


def test_every_link_between_pages_leads_somewhere():
    for page in PAGES:
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name}: {target}"
