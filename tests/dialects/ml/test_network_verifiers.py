"""What the verifiers of norms, losses, attention and quantization refuse; each with a text that is good."""

import pytest
from xdsl.parser import Parser
from xdsl.utils.exceptions import ParseError, VerifyException

from tests.dialects.ml.support import read, written
from tests.dialects.ml.test_syntax import program
from weft.registry import context

LAYER = "ml.layer_norm %x scale(%g : tensor<{0}>), axes = [{1}], epsilon = {2} : tensor<{3}>"
GROUP = "ml.group_norm %x bias(%b : tensor<{0}>), groups = {1}, feature_index = {2} : tensor<{3}>"
BATCH = (
    "ml.batch_norm_inference %x, %s, %o, %m, %v, feature_index = {0} : "
    "(tensor<2x3xf32>, tensor<{1}>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>) -> tensor<2x3xf32>"
)
LOSS = "ml.cross_entropy %x, %l, axis = {0}{1} : (tensor<{2}>, tensor<{3}>) -> tensor<{4}>"
ATTENTION = "ml.attention %q, %k, %v : (tensor<{0}>, tensor<{1}>, tensor<{2}>) -> tensor<{3}>"
MASKED = (
    "ml.attention %q, %k, %v mask(%m : tensor<{0}>) : "
    "(tensor<2x3xf32>, tensor<4x3xf32>, tensor<4x3xf32>) -> tensor<2x3xf32>"
)
QUANTIZE = "ml.quantize %x scale(%s : tensor<{0}>) zero_point(%z : tensor<{1}>){2} : tensor<{3}> to tensor<{4}>"
DEQUANTIZE = "ml.dequantize %x scale(%s : tensor<{0}>) : tensor<{1}> to tensor<{2}>"

CONVOLUTION = (
    "ml.convolution_bias %x, %w, %b, dims = [b, 0, f] x [0, i, o] -> [b, 0, f] : "
    "(tensor<2x5x3x{0}>, tensor<2x3x4x{0}>, tensor<{1}>) -> tensor<{2}>"
)

# What the message says, the form, what stands in it where it is wrong, and where it is good.
TABLE = [
    ("one element for each output", CONVOLUTION, ["f32", "3xf32", "2x4x4xf32"], ["f32", "?xf32", "2x4x4xf32"]),
    ("bias must have rank 1", CONVOLUTION, ["f32", "1x4xf32", "2x4x4xf32"], ["f32", "4xf32", "2x4x4xf32"]),
    ("and i32 elements", CONVOLUTION, ["i8", "4xi8", "2x4x4xi32"], ["i8", "4xi32", "2x4x4xi32"]),
    ("or wider", CONVOLUTION, ["i32", "4xi8", "2x4x4xi8"], ["i8", "4xi8", "2x4x4xi8"]),
    ("size of its type", CONVOLUTION, ["i8", "4xi8", "2x5x4xi8"], ["i8", "4xi8", "?x4x4xi8"]),
    ("takes float", CONVOLUTION, ["i1", "4xi1", "2x4x4xi1"], ["ui8", "4xui8", "2x4x4xui8"]),
    ("takes float", LAYER, ["3xi32", 1, 0.5, "2x3xi32"], ["3xf32", 1, 0.5, "2x3xf32"]),
    ("axes [2] must be between", LAYER, ["3xf32", 2, 0.5, "2x3xf32"], ["3xf32", 1, 0.5, "2x3xf32"]),
    ("must be different", LAYER, ["3x3xf32", "1, 1", 0.5, "2x3xf32"], ["3x2xf32", "1, 0", 0.5, "2x3xf32"]),
    ("epsilon must be", LAYER, ["3xf32", 1, -0.5, "2x3xf32"], ["3xf32", 1, 0.0, "2x3xf32"]),
    ("must have f32 elements", LAYER, ["3xf16", 1, 0.5, "2x3xf32"], ["3xf16", 1, 0.5, "2x3xf16"]),
    ("one dimension for each", LAYER, ["3xf32", "0, 1", 0.5, "2x3xf32"], ["2x3xf32", "0, 1", 0.5, "2x3xf32"]),
    ("size of axis 1", LAYER, ["2xf32", 1, 0.5, "2x3xf32"], ["?xf32", 1, 0.5, "2x3xf32"]),
    ("no dimension 2", GROUP, ["4xf32", 2, 2, "2x4xf32"], ["4xf32", 2, 1, "2x4xf32"]),
    ("dimension 0 is the batch", GROUP, ["2xf32", 2, 0, "2x4xf32"], ["4xf32", 2, 1, "2x4xf32"]),
    ("groups must be 1 or more", GROUP, ["4xf32", 0, 1, "2x4xf32"], ["4xf32", 1, 1, "2x4xf32"]),
    ("3 groups of one size", GROUP, ["4xf32", 3, 1, "2x4xf32"], ["6xf32", 3, 1, "2x6xf32"]),
    ("one element for each feature", GROUP, ["2xf32", 2, 1, "2x4xf32"], ["4xf32", 2, 1, "2x?xf32"]),
    ("bias must have rank 1", GROUP, ["1x4xf32", 2, 1, "2x4xf32"], ["4xf32", 2, 1, "2x4xf32"]),
    ("no dimension 2", BATCH, [2, "3xf32"], [1, "3xf32"]),
    ("scale must have rank 1", BATCH, [1, "f32"], [1, "3xf32"]),
    ("scale must have one element", BATCH, [1, "2xf32"], [1, "?xf32"]),
    ("must have f32 elements", BATCH, [1, "3xf64"], [1, "3xf32"]),
    ("float (f16", LOSS, [1, "", "2x3xi32", "2xi32", "2xi32"], [1, "", "2x3xf32", "2xi32", "2xf32"]),
    ("has no axis 2", LOSS, [2, "", "2x3xf32", "2xi32", "2xf32"], [-2, "", "2x3xf32", "3xi32", "3xf32"]),
    ("labels must be integers", LOSS, [1, "", "2x3xf32", "2xi1", "2xf32"], [1, "", "2x3xf32", "2xui8", "2xf32"]),
    ("or f32 as the logits", LOSS, [1, "", "2x3xf32", "2x3xf64", "2xf32"], [1, "", "2x3xf32", "2x3xf32", "2xf32"]),
    (
        "integer labels must have rank 1",
        LOSS,
        [1, "", "2x3xf32", "2x3xi8", "2xf32"],
        [1, "", "2x3xf32", "2xi8", "2xf32"],
    ),
    (
        "probabilities must have rank 2",
        LOSS,
        [1, "", "2x3xf32", "2xf32", "2xf32"],
        [1, "", "2x3xf32", "2x3xf32", "2xf32"],
    ),
    ("sizes of the logits", LOSS, [1, "", "2x3xf32", "3xi8", "2xf32"], [1, "", "2x3xf32", "?xi8", "2xf32"]),
    (
        "has rank 0",
        LOSS,
        [1, ", reduction = mean", "2x3xf32", "2xi8", "2xf32"],
        [1, ", reduction = none", "2x3xf32", "2xi8", "2xf32"],
    ),
    ("float (f16", ATTENTION, ["2x3xi8"] * 4, ["2x3xbf16"] * 4),
    ("one rank, 2 or more: query", ATTENTION, ["3xf32"] * 4, ["2x3xf32"] * 4),
    (
        "one rank, 2 or more: key",
        ATTENTION,
        ["1x2x3xf32", "2x3xf32", "1x2x3xf32", "1x2x3xf32"],
        ["1x2x3xf32", "1x2x3xf32", "1x2x3xf32", "1x2x3xf32"],
    ),
    (
        "value must have f32 elements",
        ATTENTION,
        ["2x3xf32", "2x3xf32", "2x3xf16", "2x3xf32"],
        ["2x3xf32", "2x3xf32", "2x4xf32", "2x4xf32"],
    ),
    (
        "the same last dimension",
        ATTENTION,
        ["2x3xf32", "2x4xf32", "2x4xf32", "2x4xf32"],
        ["2x3xf32", "5x3xf32", "5x4xf32", "2x4xf32"],
    ),
    (
        "as many values as keys",
        ATTENTION,
        ["2x3xf32", "2x3xf32", "5x3xf32", "2x3xf32"],
        ["2x3xf32", "?x3xf32", "5x3xf32", "2x3xf32"],
    ),
    (
        "the same leading dimensions",
        ATTENTION,
        ["2x4x2x3xf32", "3x4x2x3xf32", "3x4x2x3xf32", "2x4x2x3xf32"],
        ["2x4x2x3xf32", "2x4x2x3xf32", "2x4x2x3xf32", "2x4x2x3xf32"],
    ),
    (
        "a multiple of the 3 heads",
        ATTENTION,
        ["1x4x2x3xf32", "1x3x2x3xf32", "1x3x2x3xf32", "1x4x2x3xf32"],
        ["1x6x2x3xf32", "1x3x2x3xf32", "1x3x2x3xf32", "1x6x2x3xf32"],
    ),
    (
        "the same number of heads",
        ATTENTION,
        ["4x2x3xf32", "0x2x3xf32", "0x2x3xf32", "4x2x3xf32"],
        ["4x2x3xf32", "?x2x3xf32", "?x2x3xf32", "4x2x3xf32"],
    ),
    ("sizes of the scores", MASKED, ["2x3xi1"], ["2x4xi1"]),
    ("sizes of the scores", MASKED, ["3x1xf32"], ["2x1xf32"]),
    ("the mask must have i1 or f32", MASKED, ["2x4xi8"], ["2x4xf32"]),
    ("the mask must have rank 2 to 2", MASKED, ["4xi1"], ["1x4xi1"]),
    (
        "real numbers are float",
        QUANTIZE,
        ["f32", "i8", "", "2x3xi32", "2x3xi8"],
        ["f32", "i8", "", "2x3xf32", "2x3xi8"],
    ),
    ("8, 16 or 32 bits", QUANTIZE, ["f32", "i64", "", "2x3xf32", "2x3xi64"], ["f32", "i32", "", "2x3xf32", "2x3xi32"]),
    ("8, 16 or 32 bits", DEQUANTIZE, ["f32", "2x3xi1", "2x3xf32"], ["f32", "2x3xui8", "2x3xf32"]),
    ("real numbers are float", DEQUANTIZE, ["f32", "2x3xi8", "2x3xi8"], ["f32", "2x3xi8", "2x3xf32"]),
    ("scale must have f32", QUANTIZE, ["f16", "i8", "", "2x3xf32", "2x3xi8"], ["f32", "i8", "", "2x3xf32", "2x3xi8"]),
    (
        "zero point must have i8",
        QUANTIZE,
        ["f32", "i32", "", "2x3xf32", "2x3xi8"],
        ["f32", "i8", "", "2x3xf32", "2x3xi8"],
    ),
    (
        "rank 0, or 1",
        QUANTIZE,
        ["2x3xf32", "2x3xi8", "", "2x3xf32", "2x3xi8"],
        ["3xf32", "3xi8", "", "2x3xf32", "2x3xi8"],
    ),
    (
        "has no axis; give",
        QUANTIZE,
        ["f32", "i8", ", axis = 1", "2x3xf32", "2x3xi8"],
        ["f32", "i8", "", "2x3xf32", "2x3xi8"],
    ),
    (
        "shape of the scale",
        QUANTIZE,
        ["3xf32", "i8", "", "2x3xf32", "2x3xi8"],
        ["3xf32", "3xi8", "", "2x3xf32", "2x3xi8"],
    ),
    ("no axis 1", QUANTIZE, ["3xf32", "3xi8", "", "3xf32", "3xi8"], ["3xf32", "3xi8", ", axis = 0", "3xf32", "3xi8"]),
    (
        "size of axis 1",
        QUANTIZE,
        ["2xf32", "3xi8", "", "2x3xf32", "2x3xi8"],
        ["?xf32", "3xi8", "", "2x3xf32", "2x3xi8"],
    ),
]


@pytest.mark.parametrize(
    ("message", "form", "bad", "good"), TABLE, ids=[f"{i}: {row[0]}" for i, row in enumerate(TABLE)]
)
def test_a_wrong_op_is_refused_and_its_twin_is_not(message, form, bad, good):
    read(program("%r = " + form.format(*good)))
    with pytest.raises(VerifyException) as refused:
        read(program("%r = " + form.format(*bad)))
    assert message in str(refused.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("ml.layer_norm %x, axis = 1 : tensor<2xf32>", "expected one of axes, epsilon"),
        ("ml.layer_norm %x, axes = [0], axes = [0] : tensor<2xf32>", "axes is given twice"),
        (f"ml.layer_norm %x, epsilon = {10**400} : tensor<2xf32>", "too great for f64"),
        ("ml.rms_norm %x bias(%b : tensor<2xf32>) : tensor<2xf32>", "Expected ':'"),
        ("ml.cross_entropy %x, %l, reduction = max : (tensor<2xf32>, tensor<i8>) -> tensor<f32>", "mean"),
    ],
)
def test_wrong_text_is_refused_where_it_goes_wrong(text, message):
    with pytest.raises(ParseError, match=message):
        Parser(context(), f"%r = {text}").parse_op()


SPELLINGS = [
    '"ml.layer_norm"(%a, %b) <{operandSegmentSizes = array<i32: 1, 0, 1>}>'
    " : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>",
    '"ml.layer_norm"(%a) <{axes = array<i64>, operandSegmentSizes = array<i32: 1, 0, 0>}>'
    " : (tensor<2xf32>) -> tensor<2xf32>",
    '"ml.rms_norm"(%a) <{epsilon = 0.1 : f64}> : (tensor<2xf32>) -> tensor<2xf32>',
    '"ml.cross_entropy"(%a, %b) <{reduction = #ml<loss_reduction none>}> : (tensor<2xf32>, tensor<i8>) -> tensor<f32>',
    '"ml.attention"(%a, %a, %a) <{causal}> : (tensor<2x2xf32>, tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>',
]


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_text_comes_back_with_the_options_it_had(spelling):
    module = read(program(f"%r = {spelling}"))
    assert read(written(module)).is_structurally_equivalent(module)
    assert read(written(module, generic=True)).is_structurally_equivalent(module)
