"""Constants: dense, splat, and resources of the file."""

import itertools

import numpy as np
import pytest
from xdsl.dialects.builtin import DenseResourceAttr, TensorType, f32, i1

from tests.dialects.ml.support import ALL, assert_same, edges, filled, read
from weft.diagnostics import WeftError
from weft.dialects.ml import ConstantOp
from weft.frontends.mlir.reader import parse_module
from weft.registry import context


def only(text):
    """The one constant of a text."""
    return next(op for op in read(text).walk() if isinstance(op, ConstantOp))


@pytest.mark.parametrize("element", ALL, ids=str)
def test_an_array_is_a_constant_and_back(element):
    for x in (edges(element), filled(element, (2, 3)), filled(element, (0, 3)), filled(element, ())):
        op = ConstantOp.of(x)
        op.verify_()
        assert op.result.type == TensorType(element, x.shape)
        assert_same(op.array(), x)
        assert_same(op.evaluate()[0], x)


def test_a_splat_fills_its_type():
    assert_same(only("%a = ml.constant dense<2.5> : tensor<2x3xf32>").array(), np.full((2, 3), 2.5, np.float32))
    assert only("%a = ml.constant dense<true> : tensor<3xi1>").array().tolist() == [True] * 3
    assert only("%a = ml.constant dense<> : tensor<0x3xf32>").array().shape == (0, 3)


def test_the_array_of_a_constant_is_read_only():
    with pytest.raises(ValueError, match="read-only"):
        only("%a = ml.constant dense<1> : tensor<3xi32>").array()[0] = 2
    with pytest.raises(ValueError, match="read-only"):
        only("%a = ml.constant dense<true> : tensor<3xi1>").array()[0] = False


RESOURCE = """
%a = ml.constant dense_resource<{key}> : tensor<{type}>
{{-# dialect_resources: {{ builtin: {{ {key}: "0x{data}" }} }} #-}}
"""
KEYS = (f"weights_of_test_{i}" for i in itertools.count())


def resource(type, data):
    """A constant of a resource. Its key is a new one: xDSL keeps the resources of all modules together."""
    return only(RESOURCE.format(key=next(KEYS), type=type, data=data))


@pytest.mark.parametrize(
    ("type", "data", "expected"),
    [
        ("2xf32", "040000000000803F00000040", np.array([1, 2], np.float32)),
        ("3xi1", "01000000010001", np.array([True, False, True])),
        ("0xf32", "04000000", np.zeros(0, np.float32)),
    ],
)
def test_a_resource_is_the_data_after_its_alignment(type, data, expected):
    assert_same(resource(type, data).array(), expected)


def test_a_resource_of_another_length_is_an_error():
    with pytest.raises(WeftError, match="does not fill tensor<3xf32>"):
        resource("3xf32", "040000000000803F").array()
    with pytest.raises(WeftError, match="does not fill tensor<1xf32>"):
        resource("1xf32", "040000000000").array()


def test_a_resource_without_data_is_an_error():
    with pytest.raises(WeftError, match="'nowhere' has no data"):
        ConstantOp(DenseResourceAttr.from_params("nowhere", TensorType(f32, [2]))).array()


def test_a_constant_has_the_type_of_its_value():
    assert ConstantOp.of(np.zeros((2, 1), np.bool_)).result.type == TensorType(i1, [2, 1])


def test_two_modules_may_call_different_resources_alike():
    """weft's reader keeps them apart; xDSL's own loses the second one."""
    for number, data in ((1.0, "040000000000803F"), (2.0, "0400000000000040")):
        module = parse_module(RESOURCE.format(key="shared_by_two", type="1xf32", data=data), context())
        constants = [op for op in module.walk() if isinstance(op, ConstantOp)]
        assert [op.array().tolist() for op in constants] == [[number]]
