"""Building and running C programs in the tests of what is compiled ahead of time."""

import shutil
import subprocess
from pathlib import Path

import pytest

from weft.driver.ahead import Request, export_program

HERE = Path(__file__).parent
FUNCTIONS = HERE / "Inputs" / "functions.mlir"
STRICT = ("-std=c99", "-Wall", "-Wextra", "-pedantic", "-Werror")
needs_cc = pytest.mark.skipif(shutil.which("gcc") is None, reason="no gcc to build a C program")


def exported(program, output, **wishes):
    """The file that a program was compiled to."""
    export_program(program, output, Request(**wishes))
    return output


def finished(*words, folder=None):
    """A command that has run."""
    return subprocess.run([*map(str, words)], capture_output=True, text=True, cwd=folder, timeout=120)


def output(done):
    """What a command printed; it had to succeed, and to say nothing on standard error."""
    assert (done.returncode, done.stderr) == (0, ""), done
    return done.stdout


def command(*words, folder=None):
    """What a command prints; it has to succeed, and to say nothing on standard error."""
    return output(finished(*words, folder=folder))


def built(source, *others, compiler="gcc", flags=STRICT, libraries=("-lm", "-lpthread")):
    """A program of a C source and what it needs, built beside the first of these."""
    out = others[0].with_name(Path(source).stem)
    command(compiler, *flags, f"-I{out.parent}", "-o", out, source, *others, *libraries)
    return out
