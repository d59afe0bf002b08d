"""`weft new-dialect`: the skeleton of a dialect of one's own, with tests that pass."""

from __future__ import annotations

import keyword
import re
from pathlib import Path

from weft import codes
from weft.diagnostics import WeftError

USAGE = """\
usage: weft new-dialect NAME [FOLDER]

Writes a package with a dialect NAME: two ops, a canonicalization, a lowering to ml, tests, and a pyproject.toml that
makes it a plug-in of weft when it is installed. FOLDER (default: NAME) must not exist yet.
"""


def command(arguments: list[str]) -> int:
    """Run `weft new-dialect NAME [FOLDER]`; the exit code."""
    if not arguments or arguments[0] in ("-h", "--help"):
        print(USAGE, end="")
        return 0 if arguments else 1
    if wrong := next((argument for argument in arguments if argument.startswith("-")), None):
        raise WeftError(
            f"weft new-dialect: unknown option '{wrong}'", hint="weft new-dialect --help", code=codes.COMMAND_LINE
        )
    if len(arguments) > 2:
        raise WeftError(
            f"weft new-dialect takes a name and a folder, not {len(arguments)} arguments", code=codes.COMMAND_LINE
        )
    name = arguments[0]
    _check_name(name)
    folder = Path(arguments[-1])
    if folder.exists():
        raise WeftError(
            f"'{folder}' exists already: nothing was written",
            hint="name another folder after the dialect",
            code=codes.CANNOT_WRITE,
        )
    files = {path.format(name=name): text for path, text in _templates(name)}
    folder.mkdir(parents=True)
    for path, text in files.items():
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8")
    print(f"wrote {', '.join(files)} to {folder}\n")
    print(f"  weft check-dialect {folder / f'{name}_dialect.py'}        test it from its definitions")
    print(f"  pip install -e {folder} && pytest {folder}        use it as a plug-in")
    return 0


def _check_name(name: str) -> None:
    from weft.registry import context

    if not re.fullmatch(r"[a-z][a-z0-9_]*", name) or keyword.iskeyword(name):
        raise WeftError(
            f"'{name}' is no name for a dialect: lower-case letters, digits and _, a letter first",
            code=codes.COMMAND_LINE,
        )
    if name in context().registered_dialect_names:
        raise WeftError(
            f"there is a dialect '{name}' already", hint="weft opt --show-dialects lists them", code=codes.NAME_TAKEN
        )


def _templates(name: str) -> list[tuple[str, str]]:
    """The files and their texts; the class of the dialect's ops has the name in upper camel case."""
    words = {"NAME": name, "CAMEL": "".join(part.capitalize() for part in name.split("_")), "UPPER": name.upper()}
    folder = Path(__file__).with_name("templates")
    files = {
        "{name}_dialect.py": "dialect.py.txt",
        "test_{name}.py": "test.py.txt",
        "{name}.mlir": "program.mlir.txt",
        "pyproject.toml": "pyproject.toml.txt",
    }
    texts: list[tuple[str, str]] = []
    for path, template in files.items():
        text = (folder / template).read_text("utf-8")
        for word, value in words.items():
            text = text.replace(f"@{word}@", value)
        texts.append((path, text))
    return texts
