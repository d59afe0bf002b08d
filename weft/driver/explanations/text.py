"""E01: the text itself."""

from __future__ import annotations

from weft import codes
from weft.driver.explanations.base import Example, Explanation

_OK = "func.func @f() {\n  func.return\n}\n"

EXPLANATIONS = (
    Explanation(
        codes.NOT_UTF8,
        "MLIR text is UTF-8. The error names the first byte that is not, by its line and its column in bytes. "
        "Bytes of a string are written with escapes of two hexadecimal digits. Often the file is not text at all "
        "(bytecode, an archive), or was saved in another encoding.",
        Example('"test.op"() {a = "\udcff"} : () -> ()\n'),
        Example('"test.op"() {a = "\\FF"} : () -> ()\n'),
    ),
    Explanation(
        codes.BAD_TOKEN,
        "No token of MLIR begins with these characters: a string that does not end on its line, an escape that "
        "there is not, a NUL character, a sigil (%, ^, #, !, @) without a name, a character that MLIR does not "
        "use.",
        Example('"test.op"() {a = "text} : () -> ()\n'),
        Example('"test.op"() {a = "text"} : () -> ()\n'),
    ),
    Explanation(
        codes.SYNTAX,
        "The grammar wants something else at this place; the message says what was found and what could stand "
        "there. The mistake may be a little before it: a missing comma, colon, type or bracket shows at the next "
        "token.",
        Example("func.func @f(%a i32) {\n  func.return\n}\n"),
        Example("func.func @f(%a: i32) {\n  func.return\n}\n"),
    ),
    Explanation(
        codes.TOO_DEEP,
        "Regions may nest 1000 deep, and inside each region types, attributes and affine expressions as deep "
        "again. Programs that people or other tools write stay far below; a text that does not is usually broken.",
        Example('"test.op"() {a = ' + "[" * 1100 + "]" * 1100 + "} : () -> ()\n"),
        Example('"test.op"() {a = ' + "[" * 100 + "]" * 100 + "} : () -> ()\n"),
    ),
    Explanation(
        codes.TOO_MANY_ERRORS,
        "Twenty errors were found; the rest of the text is not looked at. Mend the first ones: those behind them "
        "often follow from them. Many errors at once may mean that a file is not MLIR text.",
        Example("foo.bar\n" * 30),
        Example(_OK),
    ),
    Explanation(
        codes.NOT_ONE_MODULE,
        "With --no-implicit-module a file is one `builtin.module`; without it, a module is put around other "
        "operations.",
        Example(_OK, "weft opt FILE --no-implicit-module"),
        Example("builtin.module {\n}\n", "weft opt FILE --no-implicit-module"),
    ),
    Explanation(
        codes.OP_SYNTAX,
        "The text of an op has the form that it should have, but no op can be made of what it says: its types do "
        "not fit each other or the op, or a value is not allowed there. `weft help OP` shows the op's syntax and "
        "meaning.",
        Example('func.func @f() {\n  %0 = arith.constant "one" : i32\n  func.return\n}\n'),
        Example("func.func @f() {\n  %0 = arith.constant 1 : i32\n  func.return\n}\n"),
    ),
)
