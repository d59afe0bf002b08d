"""Standard input and output that are closed, full, or nobody reads: an error and its exit code, never a traceback."""

import subprocess
import sys

import pytest

WEFT = f"{sys.executable} -m weft.tools.main"
OK = "'func.func private @f()'"


def shell(line):
    return subprocess.run(["bash", "-c", line], capture_output=True, text=True, timeout=120)


@pytest.mark.parametrize(
    ("line", "code", "said"),
    [
        (f"echo {OK} | {WEFT} opt > /dev/full", 1, "error: input or output: No space left on device [E0806]\n"),
        (f"echo {OK} | {WEFT} opt >&-", 1, "error: standard output: Bad file descriptor [E0806]\n"),
        (f"{WEFT} opt <&-", 1, "error: cannot read standard input: it is closed [E0801]\n"),
        (f"{WEFT} opt nowhere 2>&-", 1, ""),
        (f"{WEFT} explain E0101 E0102 > >(exec true); exit $?", None, ""),
        (f"{WEFT} opt --list-passes | head -1 > /dev/null; exit ${{PIPESTATUS[0]}}", None, ""),
    ],
)
def test_a_stream_that_does_not_work_is_no_bug(line, code, said):
    done = shell(line)
    assert done.stderr == said
    assert done.stdout == ""
    # whether a reader that leaves is noticed depends on who is faster
    assert done.returncode == code or (code is None and done.returncode in (0, 1))
