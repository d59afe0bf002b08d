"""Every command and snippet of the documentation runs, and prints what the page says."""

import re
import shlex
import shutil

import pytest

from tests.docs.shown import BLOCK, PAGES, ROOT, SHOWN, checkout, output_of
from weft.dialects.loop.schedule import STEPS
from weft.passes.pipelines import CPU


@pytest.fixture(scope="module", autouse=True)
def _checkout():
    with checkout():
        yield


def skip_without_linker(text):
    """Shared libraries are linked by the system's C compiler."""
    if ".so" in text and shutil.which("cc") is None:
        pytest.skip("no C compiler to link a library")


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
def test_a_command_of_the_documentation_runs(words, capsys):
    skip_without_linker(" ".join(words))
    assert output_of(words) is not None, capsys.readouterr().err


@pytest.mark.parametrize("text", list(blocks("python")))
def test_a_python_snippet_of_the_documentation_runs(text):
    skip_without_linker(text)
    exec(compile(text, "snippet", "exec"), {"__name__": "snippet"})


def test_the_readme_shows_what_its_first_command_prints():
    shown = next(text for kind, text in BLOCK.findall((ROOT / "README.md").read_text()) if kind == "")
    assert output_of(["weft", "run", "examples/digits.mlir"]) == shown


def test_every_link_between_pages_leads_somewhere():
    for page in PAGES:
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def shown():
    """Commands that stand alone in a block, and the block of output that follows."""
    for page in PAGES:
        for n, (command, text) in enumerate(SHOWN.findall(page.read_text())):
            if "venv" not in command:
                yield pytest.param(shlex.split(command, comments=True), text, id=f"{page.name}-{n}")


@pytest.mark.parametrize("words, text", list(shown()))
def test_a_command_prints_what_the_page_shows_below_it(words, text):
    skip_without_linker(" ".join(words))
    assert output_of(words) == text


def test_the_page_of_schedules_has_every_step():
    page = (ROOT / "docs" / "schedules.md").read_text()
    for step in STEPS:
        assert re.search(rf"^\| `{step.WORD} ", page, re.M), step.WORD
        assert f"--loop-{step.WORD.replace('_', '-')}=" in page, step.WORD


def test_the_tour_takes_the_whole_road():
    last = SHOWN.findall((ROOT / "docs" / "tour.md").read_text())[-1][0]
    assert f"builtin.module({shlex.split(last)[5]})" == CPU
