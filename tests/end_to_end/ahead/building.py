"""Building and running C programs in the tests of what is compiled ahead of time."""

import shutil
import subprocess
from pathlib import Path

import pytest

from weft.driver.ahead import Request, export_program

HERE = Path(__file__).parent
FUNCTIONS = HERE / "functions.mlir"
STRICT = ("-std=c99", "-Wall", "-Wextra", "-pedantic", "-Werror")
needs_cc = pytest.mark.skipif(shutil.which("gcc") is None, reason="no gcc to build a C program")


def exported(program, output, **wishes):
    """The file that a program was compiled to."""
    export_program(program, output, Request(**wishes))
    return output


def command(*words, folder=None):
    """What a command prints; it has to succeed, and to say nothing on standard error."""
    done = subprocess.run([*map(str, words)], capture_output=True, text=True, cwd=folder, timeout=120)
    assert done.returncode == 0, (words, done.stdout, done.stderr)
    assert done.stderr == ""
    return done.stdout


def built(source, *others, compiler="gcc", flags=STRICT, libraries=("-lm", "-lpthread")):
    """A program of a C source and what it needs, built beside the first of these."""
    out = others[0].with_name(Path(source).stem)
    command(compiler, *flags, f"-I{out.parent}", "-o", out, source, *others, *libraries)
    return out
