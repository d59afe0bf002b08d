"""Work in a child process: a crash or a hang of it is an answer, and not the end of this one."""

from __future__ import annotations

import faulthandler
import os
import pickle
import select
import signal
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from typing import Any, NoReturn

Send = Callable[[Any], None]
Work = Callable[[Send], None]


@dataclass(frozen=True)
class Ended:
    """How a child ended that did not do all its work: by a signal, an exception, or because its time was over."""

    how: str
    hangs: bool = False


def results_of(work: Work, seconds: float) -> Iterator[Any]:
    """What `work` sends, object by object, from a copy of this process; an :class:`Ended` last where it did not end.

    Each object may take so many seconds. Where the system cannot copy a process the work is done in this one.
    """
    if not hasattr(os, "fork"):
        sent: list[Any] = []
        work(sent.append)
        yield from sent
        return
    with tempfile.TemporaryFile() as said:
        reading, writing = os.pipe()
        child = _fork()
        if child == 0:
            os.close(reading)
            _work(work, writing, said.fileno())
        os.close(writing)
        hangs = True
        try:
            hangs = yield from _received(reading, seconds)
        finally:
            os.close(reading)
            if hangs:  # or nobody waits for more
                os.kill(child, signal.SIGKILL)
            _, status = os.waitpid(child, 0)
        if hangs:
            yield Ended(f"it does not end within {seconds:g} s", hangs=True)
        elif os.WIFSIGNALED(status):
            yield Ended(f"it crashes: {signal.Signals(os.WTERMSIG(status)).name}{_last_words(said)}")
        elif os.WIFEXITED(status) and os.WEXITSTATUS(status):
            yield Ended(f"it ends the process with exit code {os.WEXITSTATUS(status)}{_last_words(said)}")


def _fork() -> int:
    sys.stdout.flush()
    sys.stderr.flush()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of threads: the child runs nothing that they may hold
        return os.fork()


def _work(work: Work, writing: int, said: int) -> NoReturn:
    """The child: what it prints goes into a file, what it sends into the pipe."""
    faulthandler.disable()
    os.dup2(said, 1)
    os.dup2(said, 2)
    code = 1
    try:
        with os.fdopen(writing, "wb") as pipe:

            def send(value: Any) -> None:
                pickle.dump(value, pipe)
                pipe.flush()

            work(send)
        code = 0
    except BaseException as error:
        os.write(2, f"{type(error).__name__}: {error}".encode(errors="replace"))
    finally:
        os._exit(code)


def _received(reading: int, seconds: float) -> Generator[Any, None, bool]:
    """The objects that come through a pipe; whether the wait for the next was too long."""
    buffer = _Buffer(reading)
    while True:
        try:
            yield pickle.load(buffer.until(time.monotonic() + seconds))
        except EOFError:
            return False
        except TimeoutError:
            return True


class _Buffer:
    """A pipe as a file that does not wait for ever."""

    def __init__(self, source: int) -> None:
        self._source = source
        self._held = bytearray()
        self._deadline = 0.0

    def until(self, deadline: float) -> _Buffer:
        self._deadline = deadline
        return self

    def read(self, count: int) -> bytes:
        """So many bytes. Raises EOFError where there are no more, and TimeoutError where they do not come in time."""
        while len(self._held) < count:
            self._fill()
        return self._take(count)

    def readline(self) -> bytes:
        """Bytes up to a line's end."""
        while b"\n" not in self._held:
            self._fill()
        return self._take(self._held.index(b"\n") + 1)

    def _fill(self) -> None:
        left = self._deadline - time.monotonic()
        ready, _, _ = select.select([self._source], [], [], max(left, 0))
        if not ready:
            raise TimeoutError
        data = os.read(self._source, 1 << 20)
        if not data:
            raise EOFError
        self._held += data

    def _take(self, count: int) -> bytes:
        data = bytes(self._held[:count])
        del self._held[:count]
        return data


def _last_words(said: Any) -> str:
    """The last line that a process printed."""
    said.seek(0)
    lines = said.read().decode(errors="replace").strip().splitlines()
    return f" ({lines[-1].strip()})" if lines else ""
