"""What `weft opt` prints reads back to the same module, in weft and in xDSL, whatever numbers stand in it."""

import numpy as np
import pytest
from xdsl.parser import Parser

from weft.driver.printing import print_module
from weft.frontends.mlir import parse_module
from weft.registry import context

NUMBERS = {
    "infinities": [np.inf, -np.inf, 1.0],
    "splat-infinity": [-np.inf] * 3,
    "nan": [np.nan, 0.0, 1.0],
    "zeros": [0.0, -0.0, 0.0],
    "negative-zero": [-0.0] * 3,
    "plain": [1.5, 2.0, -3.25],
}


@pytest.mark.parametrize("element", ["f16", "bf16", "f32", "f64"])
@pytest.mark.parametrize("numbers", NUMBERS.values(), ids=NUMBERS)
@pytest.mark.parametrize("generic", [False, True])
def test_floats_read_back_bit_for_bit(element, numbers, generic):
    dtype = {"f16": "float16", "f32": "float32", "f64": "float64"}.get(element)
    if dtype is None:
        import ml_dtypes

        dtype = ml_dtypes.bfloat16
    bits = np.array(numbers, dtype).tobytes().hex()
    text = f'%0 = arith.constant dense<"0x{bits}"> : tensor<3x{element}>'
    module = parse_module(text, context())
    printed = print_module(module, generic=generic)
    for again in (parse_module(printed, context()), Parser(context(), printed).parse_module()):
        (op,) = again.body.block.ops
        assert op.value.data.data.hex() == bits


def test_plain_numbers_stay_numbers():
    printed = print_module(parse_module("%0 = arith.constant dense<[1.5, 2.0]> : tensor<2xf32>", context()))
    assert "dense<[1.500000e+00, 2.000000e+00]>" in printed


def test_resources_are_printed_with_the_module_that_uses_them():
    text = """
    %0 = arith.constant dense_resource<weights> : tensor<2xf32>
    {-# dialect_resources: { builtin: { weights: "0x040000000000803F00000040" } } #-}
    """
    printed = print_module(parse_module(text, context()))
    assert "dialect_resources" in printed and "0x040000000000803F00000040" in printed
    assert "dense_resource<" in print_module(parse_module(printed, context()))


def test_a_module_without_resources_ends_with_its_brace():
    assert print_module(parse_module("func.func @f() { func.return }", context())).endswith("}\n}\n")


@pytest.mark.parametrize(
    "data",
    [
        "dense<1.5> : tensor<40x50xf32>",
        "dense<-0.0> : vector<100xf64>",
        'dense<"0x7FC1"> : tensor<1000xbf16>',
        "dense<-7> : tensor<100xi64>",
        "dense<true> : tensor<100xi1>",
        "dense<3> : tensor<100xindex>",
        "dense<200> : tensor<100xui8>",
        "dense<(1.0, 2.0)> : tensor<50xcomplex<f32>>",
    ],
)
@pytest.mark.parametrize("generic", [False, True])
def test_large_data_of_one_element_reads_back(data, generic):
    module = parse_module(f'"test.op"() {{a = {data}}} : () -> ()', context())
    text = print_module(module, generic=generic)
    assert len(text) < 200
    assert parse_module(text, context()).is_structurally_equivalent(module)


def test_a_million_equal_elements_are_not_looked_at_one_by_one(monkeypatch):
    from xdsl.dialects.builtin import DenseIntOrFPElementsAttr

    module = parse_module('"test.op"() {a = dense<1.5> : tensor<1000x1000xf32>} : () -> ()', context())
    whole, values = module.body.block.first_op.attributes["a"], DenseIntOrFPElementsAttr.get_values

    def few(attribute):
        assert attribute is not whole
        return values(attribute)

    monkeypatch.setattr(DenseIntOrFPElementsAttr, "get_values", few)
    assert "dense<1.500000e+00> : tensor<1000x1000xf32>" in print_module(module)
