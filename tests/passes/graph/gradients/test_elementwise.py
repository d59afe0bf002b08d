import numpy as np
import pytest

from tests.passes.graph.gradients.finite import check
from weft.dialects import ml
from weft.dialects.ml.dtypes import Kind
from weft.passes.graph.gradients.tables import RULES

RNG = np.random.default_rng(3)

DOMAIN = {"log": (0.3, 3), "log2": (0.3, 3), "log1p": (-0.7, 3), "sqrt": (0.3, 3), "rsqrt": (0.3, 3), "cbrt": (0.3, 3)}
"""Where an op is smooth, if not everywhere."""

UNARY = [op for op in ml.ML.operations if issubclass(op, ml.UnaryOp) and Kind.FLOAT in op.TAKES]
BINARY = [op for op in ml.ML.operations if issubclass(op, ml.BinaryOp) and Kind.FLOAT in op.TAKES]
SHAPES = [("3x4", (3, 4)), ("?x4", (2, 4)), ("?x?", (0, 3)), ("", ()), ("1x7x1", (1, 7, 1))]

SECOND = "3x4"
"""The shape on which the gradient's own gradient is checked too."""


def typed(dims):
    return f"tensor<{dims}x f64>".replace("x f64", "xf64" if dims else "f64")


def between(low, high, shape):
    return RNG.uniform(low, high, shape)


@pytest.mark.parametrize("op", UNARY, ids=lambda op: op.name)
def test_the_gradient_of_an_op_with_one_operand(op):
    low, high = DOMAIN.get(op.name.removeprefix("ml."), (-1.4, 1.4))
    for dims, shape in SHAPES:
        t = typed(dims)
        text = f"func.func @main(%x: {t}) -> {t} {{ %y = {op.name} %x : {t}\n func.return %y : {t} }}"
        x = between(low, high, shape)
        check(text, np.where(np.abs(x) < 0.05, 0.07, x), times=2 if dims == SECOND else 1)


@pytest.mark.parametrize("op", BINARY, ids=lambda op: op.name)
def test_the_gradient_of_an_op_with_two_operands(op):
    for dims, shape in SHAPES:
        t = typed(dims)
        text = f"func.func @main(%x: {t}, %y: {t}) -> {t} {{ %z = {op.name} %x, %y : {t}\n func.return %z : {t} }}"
        check(text, between(0.6, 2, shape), between(2.1, 3, shape), times=2 if dims == SECOND else 1)
        if op is not ml.PowOp:
            check(text, between(-2, -0.6, shape), between(0.2, 0.5, shape))


def test_every_op_with_one_or_two_operands_has_a_rule():
    assert [op.name for op in (*UNARY, *BINARY) if op not in RULES] == []
