"""Ops of other people's dialects: by a rule that the dialect brings, or as their lowering."""

import numpy as np
import pytest
from xdsl.dialects.builtin import TensorType
from xdsl.ir import Dialect
from xdsl.irdl import AnyAttr, IRDLOperation, irdl_op_definition, operand_def, result_def
from xdsl.parser import Parser

from weft.backends import reference
from weft.diagnostics import WeftError
from weft.dialects import ml
from weft.dialects.interfaces import Gradients, ToMl
from weft.registry import context, find_pass

TENSOR = TensorType.constr(AnyAttr())


@irdl_op_definition
class TwiceOp(IRDLOperation):
    name = "toy.twice"
    operand = operand_def(TENSOR)
    result = result_def(TENSOR)
    assembly_format = "$operand attr-dict `:` type($operand) `to` type($result)"


def lowering(op, builder):
    return [builder.insert(ml.AddOp(op.operand, op.operand)).result]


def rule(op, builder, cotangents):
    (g,) = cotangents
    seven = ml.AddOp(g, builder.insert(ml.AddOp(g, g)))
    return [builder.insert(seven).result]


def gradient(*interfaces):
    ctx = context()
    ctx.load_dialect(Dialect("toy", [TwiceOp], [], list(interfaces)))
    text = """
      func.func @f(%x: tensor<2xf64>) -> tensor<f64> {
        %0 = toy.twice %x : tensor<2xf64> to tensor<2xf64>
        %1 = ml.reduce add %0 : tensor<2xf64> to tensor<f64>
        func.return %1 : tensor<f64>
      }"""
    module = Parser(ctx, text, "toy.mlir").parse_module()
    find_pass("differentiate")(function="f").apply(ctx, module)
    find_pass("convert-to-ml")().apply(ctx, module)
    module.verify()
    return reference.run(module, "f.grad", [np.ones(2)])[1]


def test_an_op_is_differentiated_as_its_lowering():
    np.testing.assert_array_equal(gradient(ToMl({TwiceOp: lowering})), [2, 2])


def test_a_rule_of_the_dialect_goes_before():
    np.testing.assert_array_equal(gradient(ToMl({TwiceOp: lowering}), Gradients({TwiceOp: rule})), [3, 3])


def test_an_op_with_neither_is_refused():
    with pytest.raises(WeftError, match=r"toy\.twice has no gradient"):
        gradient()
