"""E03: types and attributes."""

from __future__ import annotations

from weft import codes
from weft.driver.explanations.base import Example, Explanation


def _attribute(text: str) -> Example:
    return Example(f'"test.op"() {{a = {text}}} : () -> ()\n')


EXPLANATIONS = (
    Explanation(
        codes.TOO_LARGE,
        "Sizes, strides, offsets and indices are signed 64-bit integers, and so is the number of elements of a "
        "type. An integer type may be wider, and so may its constants.",
        _attribute("tensor<9223372036854775808xf32>"),
        _attribute("tensor<9223372036854775807xf32>"),
    ),
    Explanation(
        codes.OUT_OF_RANGE,
        "A signless integer type of n bits takes values from -2^(n-1) to 2^n - 1, a signed one (`si8`) those up "
        "to 2^(n-1) - 1, an unsigned one (`ui8`) those from 0. A float in hexadecimal digits has no more bits "
        "than its type.",
        _attribute("256 : i8"),
        _attribute("255 : i8"),
    ),
    Explanation(
        codes.BAD_TYPE,
        "A type is written in a way that its definition does not allow: `tensor<4x?xf32>` and `memref<4x?xf32, "
        "layout, space>` have known and unknown sizes, `vector<4x[4]xf32>` known and scalable ones.",
        _attribute("vector<?xf32>"),
        _attribute("vector<[4]xf32>"),
    ),
    Explanation(
        codes.BAD_ATTRIBUTE,
        "An attribute is written in a way that its definition does not allow, for example an integer with a type "
        "that is no type of numbers.",
        _attribute("1 : tensor<4xf32>"),
        _attribute("dense<1.0> : tensor<4xf32>"),
    ),
    Explanation(
        codes.BAD_LITERAL,
        "The numbers between `dense<` and `>` are either one number, which every element is, or nested lists of "
        "exactly the shape of the type. Integers are elements of integer types, floats of float types, `true` and "
        "`false` of i1.",
        _attribute("dense<[1, 2, 3]> : tensor<2xi32>"),
        _attribute("dense<[1, 2, 3]> : tensor<3xi32>"),
    ),
    Explanation(
        codes.BAD_AFFINE,
        "An affine expression adds and subtracts dimensions, symbols and constants, multiplies by constants, and "
        "divides (`floordiv`, `ceildiv`, `mod`) by constants other than 0. Every name is one of "
        "`(dimensions)[symbols]`.",
        _attribute("affine_map<(d0, d1) -> (d0 * d1)>"),
        _attribute("affine_map<(d0, d1) -> (d0 * 2 + d1)>"),
    ),
)
