"""E08 and E09: files, command lines, the machine, and weft itself."""

from __future__ import annotations

from weft import codes
from weft.driver.explanations.base import Example, Explanation

_FILE = "func.func @f() {\n  func.return\n}\n"

EXPLANATIONS = (
    Explanation(
        codes.CANNOT_READ,
        "A file that is named on the command line or in the program cannot be opened: there is none, it is a folder, or it may "
        "not be read. Names in a program are relative to the program's folder.",
        Example(_FILE, "weft opt nowhere.mlir"),
        Example(_FILE, "weft opt FILE"),
    ),
    Explanation(
        codes.CANNOT_WRITE,
        "A file cannot be written: its folder does not exist or may not be written, or the disk is full. Files are written whole "
        "or not at all: what was there before is still there.",
        Example(_FILE, "weft opt FILE -o nowhere/out.mlir"),
        Example(_FILE, "weft opt FILE -o out.mlir"),
    ),
    Explanation(
        codes.COMMAND_LINE,
        "`weft --help` lists the commands and `weft COMMAND --help` the options of one.",
        Example(_FILE, "weft opt FILE --canonicalise"),
        Example(_FILE, "weft opt FILE --canonicalize"),
    ),
    Explanation(
        codes.MISSING_PACKAGE,
        "What was asked for needs a Python package that is not installed with weft itself; the hint gives the command that "
        "installs it.",
    ),
    Explanation(
        codes.NOTHING_KNOWN,
        "`weft help` knows ops (`ml.softmax`), passes (`cse`) and dialects (`loop`), `weft explain` the codes of errors.",
        Example(_FILE, "weft help ml.softmix"),
        Example(_FILE, "weft help ml.softmax"),
    ),
    Explanation(
        codes.SYSTEM,
        "The operating system refused something, such as writing to standard output on a full disk; the message is its own.",
    ),
    Explanation(
        codes.INTERNAL,
        "Weft failed in a way that none of its authors expected, or a pass left a module that does not verify. The exit code is "
        "70. The file that is named holds the command, the program and the traceback: please attach it to a bug report.",
    ),
)
