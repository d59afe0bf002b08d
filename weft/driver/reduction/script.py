"""A program of the user's as the judge of what is interesting, by the rule of mlir-reduce."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from xdsl.dialects.builtin import ModuleOp

from weft.codes import CANNOT_READ, NOT_INTERESTING
from weft.diagnostics import WeftError
from weft.driver.printing import print_module

INTERESTING = 1
"""The exit code of a test that finds its file interesting."""


@dataclass
class Script:
    """Runs `test ARGUMENTS FILE`; FILE is interesting where that exits with 1.

    A run of more than `timeout` seconds is not interesting. `runs` counts them.
    Source: https://mlir.llvm.org/docs/Tools/mlir-reduce/
    """

    test: str
    arguments: Sequence[str] = ()
    timeout: float = 60.0
    runs: int = field(default=0, init=False)

    def program(self) -> str:
        """The path of the test. Raises :class:`WeftError` where there is none that can be run."""
        path = Path(self.test)
        if not path.exists() and path.name == self.test and (found := shutil.which(self.test)) is not None:
            return found
        if not path.exists():
            raise WeftError(f"cannot run the test '{path}': No such file or directory", code=CANNOT_READ)
        if not path.is_file() or not os.access(path, os.X_OK):
            raise WeftError(
                f"cannot run the test '{path}': it is not executable", hint=f"chmod +x {path}", code=CANNOT_READ
            )
        return str(path.absolute())

    def interesting(self, module: ModuleOp) -> bool:
        """Whether the test finds a module interesting."""
        return self.run(print_module(module)) == INTERESTING

    def check(self, module: ModuleOp, name: str) -> None:
        """Raises :class:`WeftError` where the test does not find the input interesting, with what it said."""
        code = self.run(print_module(module))
        if code == INTERESTING:
            return
        seen = f"ran for more than {self.timeout:g} seconds" if code is None else f"exited with {code}"
        raise WeftError(
            f"'{name}' is not interesting: the test '{self.test}' {seen}",
            hint=f"a test exits with {INTERESTING} on what is interesting and with 0 on what is not",
            code=NOT_INTERESTING,
        )

    def run(self, text: str) -> int | None:
        """The exit code of the test on a text; None where it took too long."""
        self.runs += 1
        with tempfile.TemporaryDirectory(prefix="weft-reduce-") as folder:
            file = Path(folder) / "reduced.mlir"
            file.write_text(text, encoding="utf-8")
            return self._exit_code([self.program(), *self.arguments, str(file)])

    def _exit_code(self, command: Sequence[str]) -> int | None:
        try:
            # a session of its own, so that what the test starts ends with it
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        except OSError as error:
            hint = "does it begin with a line such as #!/bin/sh?"
            raise WeftError(
                f"cannot run the test '{self.test}': {error.strerror}", hint=hint, code=CANNOT_READ
            ) from None
        try:
            return process.wait(self.timeout)
        except subprocess.TimeoutExpired:
            return None
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
