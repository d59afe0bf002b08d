"""Commands of the documentation and the output that the pages show below them.

`python -m tests.docs.shown` writes into the pages what the commands print now.
"""

import io
import os
import re
import shlex
import tempfile
from contextlib import chdir, contextmanager, redirect_stdout
from pathlib import Path

from weft.tools.main import main

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
SHOWN = re.compile(r"^```sh\n([^\n]*)\n```\n\n```\n(.*?)^```$", re.M | re.S)
"""A command that stands alone in a block, and the block of output that follows."""


BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.M | re.S)
WRITERS = {
    words[words.index("-o") + 1]: words
    for page in PAGES
    for language, text in BLOCK.findall(page.read_text())
    if language == "sh"
    for words in (shlex.split(line, comments=True) for line in text.splitlines())
    if "-o" in words
}
"""The commands of the pages that write files, by the file."""


@contextmanager
def checkout():
    """Inside, the current folder is like the root of a checkout, and what is written there goes away."""
    with tempfile.TemporaryDirectory() as folder, chdir(folder):
        for entry in ROOT.iterdir():
            os.symlink(entry, entry.name)
        yield


def prepare(words):
    """Write the files that a command reads and another of the pages writes."""
    for word in words[2:]:
        writer = WRITERS.get(word)
        if writer not in (None, words) and not Path(word).exists():
            output_of(writer)


def output_of(words):
    """What a command prints, `| head -N` included; None where it fails."""
    assert words[0] == "weft", f"the test does not know how to run {words[0]}"
    words, limit = (words[:-3], int(words[-1][1:])) if words[-3:-1] == ["|", "head"] else (words, None)
    prepare(words)
    out = io.StringIO()
    with redirect_stdout(out):
        code = main(words[1:])
    return "".join(out.getvalue().splitlines(keepends=True)[:limit]) if code == 0 else None


def refreshed(match):
    """The two blocks, with what the command prints now; the commands that install weft stay as they are."""
    words = shlex.split(match[1], comments=True)
    text = match[2] if "venv" in words else output_of(words)
    return f"```sh\n{match[1]}\n```\n\n```\n{text}```"


if __name__ == "__main__":
    with checkout():
        for page in PAGES:
            page.write_text(SHOWN.sub(refreshed, page.read_text()))
