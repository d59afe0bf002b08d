"""Every wrong text is a located WeftError that says what is wrong."""

import pytest

from tests.frontends.mlir.agree import by_weft
from weft.diagnostics import WeftError

OP = '"test.op"() {a = %s} : () -> ()'

TEXTS = (
    # text, line, column, part of the message
    (b'"test.op"() : () -> ()\n  \xff', 2, 3, "not UTF-8"),
    ('"test.op"() : () -> ()\n\0', 2, 1, "NUL"),
    ("func.func @f() {\n  func.return\n", 3, 1, "the end of the text"),
    ('"test.op"() {a = "abc} : () -> ()', 1, 18, "does not end"),
    ('"test.op"() {a = "a\\qb"} : () -> ()', 1, 18, "escape"),
    ("func.func @f() -> i32 {\n  func.return %x : i32\n}", 2, 15, "%x is used but not defined"),
    ("func.func @f(%a: i32) {\n  %a = arith.constant 1 : i32\n  func.return\n}", 2, 3, "%a is already defined"),
    ('"arith.adi"() : () -> ()', 1, 1, "'arith.adi' is not registered"),
    ("%0 = arith.addd %1, %2 : i32", 1, 6, "'arith.addd' is not registered"),
    ('"arit.addi"() : () -> ()', 1, 1, "there is no dialect 'arit'"),
    ('#map1 = 1\n"test.op"() {a = #map} : () -> ()', 2, 18, "'#map' is not defined"),
    ("#a = #b\n#b = #a\n", 1, 6, "refers to itself"),
    ("#a = 1\n#a = 2\n", 2, 6, "already defined"),
    ('"test.op"() : () -> () loc(#a)\n#a = 1 : i32', 1, 28, "not a location"),
    (OP % "!foo.bar", 1, 18, "type 'foo.bar' is not registered"),
    (OP % "#arith.fastmat<fast>", 1, 18, "attribute 'arith.fastmat' is not registered"),
    (OP % "#arith.fastmath<quick>", 1, 34, "expected"),
    (OP % "tensor<9223372036854775808xf32>", 1, 18, "does not fit in 64 bits"),
    (OP % "memref<4294967296x4294967296xf32>", 1, 18, "number of elements"),
    (OP % "vector<4xtensor<9223372036854775808xf32>>", 1, 27, "does not fit in 64 bits"),
    (OP % "256 : i8", 1, 24, "out of range"),
    (OP % "9223372036854775808 : index", 1, 40, "does not fit in 64 bits"),
    (OP % "i16777216", 1, 18, "at most 16777215 bits"),
    (OP % ("9" * 5000), 1, 18, "5000 digits"),
    (OP % "dense<0> : tensor<100000000000xi32>", 1, 29, "too large for text"),
    (OP % "strided<[9223372036854775808]>", 1, 47, "does not fit in 64 bits"),
    (OP % "affine_map<(d0) -> (9223372036854775808)>", 1, 18, "does not fit in 64 bits"),
    (OP % "affine_map<(d0) -> (5 mod 0)>", 1, 18, "by zero"),
    (OP % "affine_map<(d0, d1) -> (d0 * d1)>", 1, 18, "needs a constant"),
    (OP % "affine_map<(d0, d0) -> (d0)>", 1, 18, "stands twice"),
    (OP % "affine_map<(d0) -> (d1)>", 1, 18, "'d1' is not a dimension"),
    (OP % "dense<[1, [2]]> : tensor<2xi32>", 1, 31, "different shapes"),
    (OP % "dense<[1, 2, 3]> : tensor<2xi32>", 1, 37, "has shape [3]"),
    (OP % "dense<300> : tensor<2xi8>", 1, 31, "out of range"),
    (OP % "dense<1.5> : tensor<2xi8>", 1, 31, "cannot be an element"),
    (OP % "dense<-1> : tensor<2xui8>", 1, 30, "cannot be an element"),
    (OP % "dense<true> : tensor<2xi8>", 1, 32, "elements of i1"),
    (OP % "dense<1> : tensor<2xcomplex<f32>>", 1, 29, "(re, im)"),
    (OP % 'dense<"0x1"> : tensor<2xi8>', 1, 33, "hexadecimal digits"),
    (OP % 'dense<"0x010203"> : tensor<2xi8>', 1, 38, "needs 2 bytes"),
    (OP % "dense<1> : tensor<?xi8>", 1, 29, "static shape"),
    (OP % "array<i8: 300>", 1, 31, "out of range"),
    (OP % "0xFFFFFFFFFF : f32", 1, 33, "more bits"),
    (OP % "1, a = 2", 1, 26, "stands twice"),
    (OP % "vector<?xf32>", 1, 18, "no dynamic dimension"),
    (OP % "tensor<[4]xf32>", 1, 18, "a tensor type is"),
    (OP % "tensor<4xfoo>", 1, 27, "expected a type, found 'foo'"),
    (OP % "tensor<4xf32", 1, 30, "expected"),
    (OP % "f8E9M9", 1, 18, "no float type"),
    (OP % "%x", 1, 18, "expected an attribute, found '%x'"),
    (OP % '"x" "y"', 1, 22, "expected ',' or '}'"),
    ('"test.op"()[^bb1] : () -> ()', 1, 13, "^bb1 is not defined"),
    ('"test.op"() ({\n^a:\n^a:\n}) : () -> ()', 3, 1, "^a is already defined"),
    ('"test.op"(%a) : () -> ()', 1, 1, "has 1 operand here, but 0 types"),
    ('%0:2 = "test.op"() : () -> i32', 1, 1, "has 1 result, but 2 names"),
    ('%0 = "test.op"() : () -> i32\n"test.op"(%0) : (i64) -> ()', 2, 11, "type i64"),
    ('"test.op"(%0) : (i64) -> ()\n%0 = "test.op"() : () -> i32', 2, 1, "used with type i64"),
    ('%0:2 = "test.op"() : () -> (i32, i32)\n"test.op"(%0#2) : (i32) -> ()', 2, 11, "size 2"),
    ("}", 1, 1, "expected an operation"),
    ('"test.op"() : () ->', 1, 20, "expected a type, found the end"),
    ("func.func @f(%a: i32", 1, 21, "')' expected"),
    ("memref.load %a[%b] : tensor<4xf32>", 1, 1, "'memref.load'"),
    ('{-# dialect_resources: { nodialect: {k: "0x00"}} #-}', 1, 50, "no dialect 'nodialect'"),
)  # fmt: skip


@pytest.mark.parametrize(("text", "line", "column", "part"), TEXTS)
def test_a_wrong_text_is_refused_where_it_is_wrong(text, line, column, part):
    with pytest.raises(WeftError) as caught:
        by_weft(text)
    assert part in caught.value.message
    where = caught.value.where
    assert (where.file, where.line, where.column) == ("text.mlir", line, column)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ('"arith.adi"() : () -> ()', "did you mean 'arith.addi'?"),
        ('"arit.addi"() : () -> ()', "did you mean 'arith'?"),
        (OP % "f33", "did you mean 'f32'?"),
        (OP % "dens<1> : tensor<4xi32>", "did you mean 'dense'?"),
        (OP % "tensr<4xf32>", "did you mean 'tensor'?"),
        ("func.func private @f(tensr<4xf32>)", "did you mean 'tensor'?"),
        (OP % "#arith.fastmat<fast>", "did you mean 'arith.fastmath'?"),
        ('#map1 = 1\n"test.op"() {a = #map} : () -> ()', "did you mean '#map1'?"),
    ],
)
def test_a_misspelt_name_gets_a_hint(text, hint):
    with pytest.raises(WeftError) as caught:
        by_weft(text)
    assert caught.value.hint == hint


def test_an_error_shows_the_line_with_a_caret():
    with pytest.raises(WeftError) as caught:
        by_weft("func.func @f() {\n\t%x = arith.foo\n}")
    assert "text.mlir:2:7: error:" in str(caught.value)
    assert "\n\t%x = arith.foo\n\t     ^" in str(caught.value)


def test_comments_may_stand_inside_of_types():
    whole = "vector<4x[5]xf32>"
    broken = "vector // tensor<9x\n< // 7x\n4 // <\nx [ // 3\n5 // ]\n] x // >\nf32 // ,\n>"
    (one,), (other,) = (by_weft(OP % text).body.block.ops for text in (whole, broken))
    assert one.attributes["a"] == other.attributes["a"]
