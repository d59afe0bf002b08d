"""E04: operations that are read, but do not verify."""

from __future__ import annotations

from weft import codes
from weft.driver.explanations.base import Example, Explanation

_OK = Example("func.func @f() {\n  func.return\n}\n")

EXPLANATIONS = (
    Explanation(
        codes.INVALID_OP,
        "Every op has rules beyond its syntax, which the verifier checks after reading and after every pass. The "
        "message says which rule is broken; `weft help OP` tells the meaning of the op and what it takes.",
        Example(
            "func.func @f(%a: tensor<4xf32>) {\n  %0 = ml.softmax %a, axis = 1 : tensor<4xf32>\n  func.return\n}\n"
        ),
        Example(
            "func.func @f(%a: tensor<4xf32>) {\n  %0 = ml.softmax %a, axis = 0 : tensor<4xf32>\n  func.return\n}\n"
        ),
    ),
    Explanation(
        codes.WRONG_COUNT,
        "An op has a certain number of operands, results, regions, blocks and successors; some ops take any "
        "number of one of them. Mostly seen in generic form, where nothing but the verifier counts.",
        Example('func.func @f(%a: i32) {\n  %0 = "arith.addi"(%a) : (i32) -> i32\n  func.return\n}\n'),
        Example('func.func @f(%a: i32) {\n  %0 = "arith.addi"(%a, %a) : (i32, i32) -> i32\n  func.return\n}\n'),
    ),
    Explanation(
        codes.WRONG_TYPE,
        "An operand, a result or an attribute of an op is not of the kind that the op takes; the message names "
        "the kind.",
        Example("func.func @f(%a: i32) {\n  %0 = arith.addf %a, %a : i32\n  func.return\n}\n"),
        Example("func.func @f(%a: f32) {\n  %0 = arith.addf %a, %a : f32\n  func.return\n}\n"),
    ),
    Explanation(
        codes.WRONG_ATTRIBUTES,
        "An attribute that an op needs is missing, or there is one in `<{...}>` that the op does not have. "
        "Further attributes of any name may stand in `{...}`.",
        Example('%0 = "arith.constant"() : () -> i32\n'),
        Example('%0 = "arith.constant"() <{value = 1 : i32}> : () -> i32\n'),
    ),
    Explanation(
        codes.MISSING_TERMINATOR,
        "The last op of a block says where to go on: `func.return`, `cf.br`, `scf.yield`. It stands last and "
        "nowhere else.",
        Example('func.func @f() {\n  "test.op"() : () -> ()\n}\n'),
        Example('func.func @f() {\n  "test.op"() : () -> ()\n  func.return\n}\n'),
    ),
    Explanation(
        codes.NOT_DOMINATED,
        "A value may be used where every way through the program has passed its definition: behind it in the same "
        "block or inside of ops there, and in blocks that only can be reached through its block. Functions take "
        "no values from outside.",
        Example(
            "func.func @f() -> i32 {\n  %1 = arith.addi %0, %0 : i32\n  %0 = arith.constant 1 : i32\n"
            "  func.return %1 : i32\n}\n"
        ),
        Example(
            "func.func @f() -> i32 {\n  %0 = arith.constant 1 : i32\n  %1 = arith.addi %0, %0 : i32\n"
            "  func.return %1 : i32\n}\n"
        ),
    ),
    Explanation(
        codes.WRONG_SYMBOL,
        "A symbol `@name` is that of exactly one function or global in its module.",
        Example("func.func @f() {\n  func.call @g() : () -> ()\n  func.return\n}\n"),
        Example("func.func private @g()\nfunc.func @f() {\n  func.call @g() : () -> ()\n  func.return\n}\n"),
    ),
    Explanation(
        codes.WRONG_PLACE,
        "Some ops stand only in certain others, such as `func.return` in `func.func` and `scf.yield` in the loops "
        "and conditions of scf.",
        Example('"test.op"() ({\n  func.return\n}) : () -> ()\n'),
        _OK,
    ),
    Explanation(
        codes.SHAPE_MISMATCH,
        "The shapes or element types of operands and results do not agree in the way that the op wants. Nothing "
        "is broadcast or converted implicitly: `ml.broadcast_in_dim`, `ml.reshape` and `ml.convert` are ops of "
        "their own.",
        Example(
            "func.func @f(%a: tensor<4x8xf32>, %b: tensor<9x2xf32>) {\n"
            "  %0 = ml.matmul %a, %b : (tensor<4x8xf32>, tensor<9x2xf32>) -> tensor<4x2xf32>\n  func.return\n}\n"
        ),
        Example(
            "func.func @f(%a: tensor<4x8xf32>, %b: tensor<8x2xf32>) {\n"
            "  %0 = ml.matmul %a, %b : (tensor<4x8xf32>, tensor<8x2xf32>) -> tensor<4x2xf32>\n  func.return\n}\n"
        ),
    ),
    Explanation(
        codes.NO_ROUNDTRIP,
        "--verify-roundtrip prints the module, reads it again and compares. A difference is a mistake in the "
        "printing or reading of some op, attribute or type, of weft's or of a plug-in's; no program of weft's own "
        "ops is known to give it.",
    ),
)
