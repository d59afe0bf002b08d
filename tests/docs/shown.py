"""Commands of the documentation and the output that the pages show below them.

`python -m tests.docs.shown` writes into the pages what the commands print now.
"""

import io
import re
import shlex
from contextlib import redirect_stdout
from pathlib import Path

from weft.tools.main import main

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
SHOWN = re.compile(r"^```sh\n([^\n]*)\n```\n\n```\n(.*?)^```$", re.M | re.S)
"""A command that stands alone in a block, and the block of output that follows."""


def output_of(words):
    """What a command prints, `| head -N` included; None where it fails."""
    assert words[0] == "weft", f"the test does not know how to run {words[0]}"
    words, limit = (words[:-3], int(words[-1][1:])) if words[-3:-1] == ["|", "head"] else (words, None)
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
    for page in PAGES:
        page.write_text(SHOWN.sub(refreshed, page.read_text()))
