"""E08 and E09: files, command lines, the machine, and weft itself."""

from __future__ import annotations

from weft import codes
from weft.driver.explanations.base import Example, Explanation

_FILE = "func.func @f() {\n  func.return\n}\n"

EXPLANATIONS = (
    Explanation(
        codes.CANNOT_READ,
        "A file that is named on the command line or in the program cannot be opened: there is none, it is a "
        "folder, or it may not be read. Names in a program are relative to the program's folder.",
        Example(_FILE, "weft opt nowhere.mlir"),
        Example(_FILE, "weft opt FILE"),
    ),
    Explanation(
        codes.CANNOT_WRITE,
        "A file cannot be written: its folder does not exist or may not be written, or the disk is full. Files "
        "are written whole or not at all: what was there before is still there.",
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
        "What was asked for needs a Python package that is not installed with weft itself; the hint gives the "
        "command that installs it.",
    ),
    Explanation(
        codes.NOTHING_KNOWN,
        "`weft help` knows ops (`ml.softmax`), passes (`cse`) and dialects (`loop`), `weft explain` the codes of "
        "errors.",
        Example(_FILE, "weft help ml.softmix"),
        Example(_FILE, "weft help ml.softmax"),
    ),
    Explanation(
        codes.SYSTEM,
        "The operating system refused something, such as writing to standard output on a full disk; the message "
        "is its own.",
    ),
    Explanation(
        codes.BAD_PLUGIN,
        "A plug-in is a Python module, named as for `import` or by the path of a .py file, that tells which "
        "dialects and passes it brings. It could not be found or imported, or what it tells is not what weft "
        "takes.",
        Example(_FILE, "weft opt FILE --load-dialect-plugin=nowhere"),
        Example(_FILE, "weft opt FILE"),
    ),
    Explanation(
        codes.NAME_TAKEN,
        "Dialects, ops, passes and functions have names of their own; what would get a name that is taken must "
        "get another.",
        Example(_FILE, "weft new-dialect ml"),
        Example(_FILE, "weft new-dialect mine"),
    ),
    Explanation(
        codes.CANNOT_LINK,
        "A shared library (`weft compile -o x.so`) is linked by a C compiler: `$CC`, `cc`, `gcc` or `clang`, or "
        "the cross compiler of another CPU. There is none, or it refused; the message has its words. An object "
        "(`-o x.o`) needs none.",
    ),
    Explanation(
        codes.CANNOT_LOAD,
        "A library cannot be loaded by `weft.load` or `weft run`: weft did not make it, or another version did; it is "
        "for another CPU; or its file of weights (`weft compile --weights`) is not there or not the one that was "
        "written with it.",
    ),
    Explanation(
        codes.BAD_DATA,
        "Weights in files are named by file and key (`weights.npz:w`, `weights.safetensors:layer0.w`, `w.npy`) "
        "and have exactly the element type and shape that the program says.",
    ),
    Explanation(
        codes.INTERNAL,
        "Weft failed in a way that none of its authors expected, or a pass left a module that does not verify. "
        "The exit code is 70. The file that is named holds the command, the program and the traceback: please "
        "attach it to a bug report.",
    ),
)
