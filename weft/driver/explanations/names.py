"""E02: names in the text."""

from __future__ import annotations

from weft import codes
from weft.driver.explanations.base import Example, Explanation


def _body(lines: str, arguments: str = "%a: i32, %b: i32") -> Example:
    inner = "".join(f"  {line}\n" for line in lines.splitlines())
    return Example(f"func.func @f({arguments}) {{\n{inner}  func.return\n}}\n")


EXPLANATIONS = (
    Explanation(
        codes.UNKNOWN_OP,
        "No dialect that weft knows has an operation of this name. `weft opt --show-dialects` lists the dialects, "
        "and `weft help DIALECT` their ops. With --allow-unregistered-dialect an unknown op can be read in "
        "generic form.",
        _body("%0 = arith.adi %a, %b : i32"),
        _body("%0 = arith.addi %a, %b : i32"),
    ),
    Explanation(
        codes.UNKNOWN_TYPE,
        "No dialect that weft knows has a type of this name. A type of a dialect is written `!dialect.name`.",
        Example("func.func private @f(!llvm.pointer)\n"),
        Example("func.func private @f(!llvm.ptr)\n"),
    ),
    Explanation(
        codes.UNKNOWN_ATTRIBUTE,
        "No dialect that weft knows has an attribute of this name. An attribute of a dialect is written "
        "`#dialect.name`.",
        Example('"test.op"() {a = #arith.fastmat<fast>} : () -> ()\n'),
        Example('"test.op"() {a = #arith.fastmath<fast>} : () -> ()\n'),
    ),
    Explanation(
        codes.UNDEFINED_VALUE,
        "A value is defined by the operation (or the block argument) that gives it its name. A value of one "
        "function is not known in another, and a value that is defined in a region is known in that region only.",
        _body("%0 = arith.addi %a, %c : i32"),
        _body("%0 = arith.addi %a, %b : i32"),
    ),
    Explanation(
        codes.REDEFINED_VALUE,
        "A value is defined once (static single assignment). Give the second one another name; a value that "
        "changes from one turn of a loop to the next is an argument of the loop (`iter_args`).",
        _body("%a = arith.addi %a, %b : i32"),
        _body("%c = arith.addi %a, %b : i32"),
    ),
    Explanation(
        codes.UNDEFINED_BLOCK,
        "A branch goes to a block of the same region. Blocks of an enclosing region cannot be reached from inside.",
        Example("func.func @f() {\n  cf.br ^end\n^exit:\n  func.return\n}\n"),
        Example("func.func @f() {\n  cf.br ^exit\n^exit:\n  func.return\n}\n"),
    ),
    Explanation(
        codes.REDEFINED_BLOCK,
        "The label of a block stands once in its region. The entry block of an op that names its arguments, such "
        "as `func.func`, has no label of its own.",
        Example("func.func @f() {\n  cf.br ^a\n^a:\n  cf.br ^a\n^a:\n  func.return\n}\n"),
        Example("func.func @f() {\n  cf.br ^a\n^a:\n  cf.br ^b\n^b:\n  func.return\n}\n"),
    ),
    Explanation(
        codes.UNDEFINED_ALIAS,
        "An alias `#name` or `!name` is defined at the top of the file or anywhere outside of operations, before "
        "or after its uses: `#name = attribute`, `!name = type`.",
        Example('!row = tensor<4xf32>\n"test.op"() {a = !rows} : () -> ()\n'),
        Example('!row = tensor<4xf32>\n"test.op"() {a = !row} : () -> ()\n'),
    ),
    Explanation(
        codes.REDEFINED_ALIAS,
        "An alias has one meaning in a file (with --split-input-file: in a chunk of it).",
        Example("!row = tensor<4xf32>\n!row = tensor<5xf32>\n"),
        Example("!row4 = tensor<4xf32>\n!row5 = tensor<5xf32>\n"),
    ),
    Explanation(
        codes.CYCLIC_ALIAS,
        "The value of an alias may use other aliases, but not in a circle.",
        Example("#a = [#b]\n#b = [#a]\n"),
        Example("#a = [#b]\n#b = [1]\n"),
    ),
    Explanation(
        codes.COUNT_MISMATCH,
        "An op names as many operands as it gives types of operands, and as many results as it has. Several "
        "results of one op are named `%a, %b = ...`, or together `%r:2 = ...` and then used as `%r#0` and `%r#1`.",
        Example('%0:3 = "test.op"() : () -> (i32, i32)\n'),
        Example('%0:2 = "test.op"() : () -> (i32, i32)\n'),
    ),
    Explanation(
        codes.TYPE_MISMATCH,
        "The type that an op writes for an operand must be the type with which the value is defined: nothing is "
        "converted implicitly. Ops that convert are, for example, `ml.convert`, `arith.extf` and `tensor.cast`.",
        _body("%0 = arith.addi %a, %b : i64"),
        _body("%0 = arith.addi %a, %b : i32"),
    ),
    Explanation(
        codes.BAD_RESOURCE,
        'Large data stands at the end of a file, in `{-# dialect_resources: { builtin: { key: "0x..." } } #-}`, '
        "and is used as `dense_resource<key>`. The data begins with four bytes that give its alignment.",
        Example('{-# dialect_resources: { nodialect: { k: "0x0400000001000000" } } #-}\n'),
        Example('{-# dialect_resources: { builtin: { k: "0x0400000001000000" } } #-}\n'),
    ),
    Explanation(
        codes.REPEATED_KEY,
        "Each key of an attribute dictionary stands once.",
        Example('"test.op"() {a = 1, a = 2} : () -> ()\n'),
        Example('"test.op"() {a = 1, b = 2} : () -> ()\n'),
    ),
)
