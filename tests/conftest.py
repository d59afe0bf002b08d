"""Collects the `.mlir` tests: files with RUN and CHECK lines, run as lit runs them, but in this process."""

from __future__ import annotations

import io
import os
import re
import shlex
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest

RUN = re.compile(r"//\s*RUN:\s*(.*?)\s*$", re.M)


def pytest_collect_file(parent, file_path):
    if file_path.suffix == ".mlir" and "RUN:" in file_path.read_text(encoding="utf-8", errors="replace"):
        return MlirFile.from_parent(parent, path=file_path)
    return None


class MlirFile(pytest.File):
    """A `.mlir` file: each of its RUN lines is a test."""

    def collect(self):
        text = re.sub(r"\\\s*\n\s*//\s*RUN:\s*", " ", self.path.read_text(encoding="utf-8", errors="replace"))
        for n, line in enumerate(RUN.findall(text)):
            yield MlirRun.from_parent(self, name=f"run{n}", line=line)


class MlirRun(pytest.Item):
    """One RUN line."""

    def __init__(self, *, line, **kwargs):
        super().__init__(**kwargs)
        self.line = line

    def runtest(self):
        temporary = Path(self.config._tmp_path_factory.mktemp("mlir")) / "t"
        names = {"%s": str(self.path), "%S": str(self.path.parent), "%t": str(temporary)}
        line = re.sub(r"%[sSt]\b", lambda match: names[match[0]], self.line)
        for command in line.split("&&"):
            run_pipe(command)

    def repr_failure(self, excinfo, style=None):
        if isinstance(excinfo.value, Failure):
            return f"RUN: {self.line}\n{excinfo.value}"
        return super().repr_failure(excinfo, style)

    def reportinfo(self):
        return self.path, None, f"{self.path.name}: {self.line}"


class Failure(Exception):
    """A command of a RUN line that did not give the exit code that it should."""


def run_pipe(line):
    """Commands joined by `|`; every one must succeed, or fail where `not` stands before it."""
    given = ""
    for text in split_pipe(line):
        words = shlex.split(text.replace("2>&1", ""))
        inverted = words[0] == "not"
        code, given, errors = run_command(words[inverted:], given, merge="2>&1" in text)
        if (code != 0) != inverted or code == 70:
            raise Failure(f"exit code {code} of: {text.strip()}\n{given}\n{errors}")


def split_pipe(line):
    """Split at `|` outside quotes."""
    return re.findall(r"(?:'[^']*'|\"[^\"]*\"|[^|'\"])+", line)


def run_command(words, given, merge):
    """Exit code, standard output (with standard error in it where they are merged), standard error."""
    out = io.StringIO()
    err = out if merge else io.StringIO()
    program = words[0]
    if program in ("weft", "weft-opt"):
        from weft.tools.main import main

        arguments = words[1:] if program == "weft" else ["opt", *words[1:]]
        code = with_input(given, lambda: main(arguments), out, err)
        return code, out.getvalue(), err.getvalue()
    if program.lower() == "filecheck":
        from filecheck.main import main as check

        code = with_input(given, lambda: check([program, *words[1:]]), out, err)
        return code, out.getvalue(), err.getvalue() + given
    done = subprocess.run(words, input=given, capture_output=True, text=True, env=os.environ)
    return done.returncode, done.stdout + (done.stderr if merge else ""), done.stderr


def with_input(given, call, out, err):
    before = sys.stdin
    sys.stdin = io.TextIOWrapper(io.BytesIO(given.encode()), encoding="utf-8")
    try:
        with redirect_stdout(out), redirect_stderr(err):
            try:
                return call() or 0
            except SystemExit as exit:
                return exit.code or 0
    finally:
        sys.stdin = before
