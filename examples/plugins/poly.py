"""Polynomials as a dialect: `!poly.of<2>` is one of degree 2, with f64 coefficients."""

from typing import ClassVar

import numpy as np
from xdsl.dialects.builtin import DenseArrayBase, IntAttr, TensorType, f64
from xdsl.ir import Dialect, ParametrizedAttribute, TypeAttribute
from xdsl.irdl import (
    IRDLOperation,
    VarConstraint,
    irdl_attr_definition,
    irdl_op_definition,
    operand_def,
    prop_def,
    result_def,
    traits_def,
)
from xdsl.traits import Pure
from xdsl.utils.exceptions import VerifyException

from weft.dialects import ml
from weft.dialects.grammar import Grammar
from weft.dialects.interfaces import Canonicalizations, ToMl, run_time_sizes


@irdl_attr_definition
class PolyType(ParametrizedAttribute, TypeAttribute):
    """A polynomial of this degree. Syntax: `!poly.of<2>`."""

    name = "poly.of"
    degree: IntAttr

    @classmethod
    def parse_parameters(cls, parser):
        with parser.in_angle_brackets():
            return [IntAttr(parser.parse_integer(allow_negative=False))]

    def print_parameters(self, printer):
        with printer.in_angle_brackets():
            printer.print_int(self.degree.data)


@irdl_op_definition
class LiteralOp(IRDLOperation):
    """A polynomial whose coefficients are known.

    ```mlir
    %p = poly.literal 3 x^2 + -1.5 x^1 + 2 : !poly.of<2>
    ```
    """

    name = "poly.literal"
    coefficients = prop_def(DenseArrayBase.constr(f64))
    poly = result_def(PolyType)
    traits = traits_def(Pure())

    def __init__(self, coefficients, attributes=None):
        values = DenseArrayBase.from_list(f64, coefficients)
        type_ = PolyType(IntAttr(len(coefficients) - 1))
        super().__init__(result_types=[type_], properties={"coefficients": values}, attributes=attributes)

    def verify_(self):
        values = self.coefficients.get_values()
        if len(values) != self.poly.type.degree.data + 1 or not np.isfinite(values).all():
            raise VerifyException(f"{self.poly.type} takes a finite coefficient for each power of x, the lowest first")

    def print(self, printer):
        terms = [f"{value!r} x^{power}" for power, value in enumerate(self.coefficients.get_values())]
        printer.print_string(" " + " + ".join(terms))
        printer.print_op_attributes(self.attributes)
        printer.print_string(" : ")
        printer.print_attribute(self.poly.type)

    def evaluate(self):
        return (np.array(self.coefficients.get_values()),)


@irdl_op_definition
class EvalOp(IRDLOperation):
    """The value of a polynomial at each element of a tensor.

    ```mlir
    %p = poly.literal 1 x^1 : !poly.of<1>
    %y = poly.eval %p at %x : !poly.of<1>, tensor<?xf64>
    ```
    """

    name = "poly.eval"
    T: ClassVar = VarConstraint("T", TensorType.constr(f64))
    poly = operand_def(PolyType)
    x = operand_def(T)
    result = result_def(T)
    traits = traits_def(Pure())
    assembly_format = "$poly `at` $x attr-dict `:` type($poly) `,` type($x)"

    def __init__(self, poly, x):
        super().__init__(operands=[poly, x], result_types=[x.type])

    def evaluate(self, poly, x):
        value = np.full_like(x, poly[-1])
        for coefficient in poly[-2::-1]:
            value = value * x + coefficient
        return (value,)


def literal(reader, values):
    """The action of the grammar rule `polynomial`: an op from the values of its parts."""
    terms, *attributes, _, type_ = values
    coefficients = [0.0] * (type_.degree.data + 1)
    for number, power in terms:
        if power >= len(coefficients):
            raise VerifyException(f"{type_} has no x^{power}")
        coefficients[power] += float(number)
    return LiteralOp(coefficients, *attributes)


GRAMMAR = Grammar(
    text="""
polynomial: terms attr_dict? ":" type
terms: term -> list1 | terms "+" term -> listn
term: number -> constant_term | number bare CARET -> power_term
""",
    starts={"poly.literal": "polynomial"},
    actions={
        "polynomial": literal,
        "constant_term": lambda reader, number: (number, 0),
        "power_term": lambda reader, values: (values[0], int(values[2][0])),
    },
)


def drop_leading_zero(op, builder):
    """eval(0 x^n + rest) = eval(rest)"""
    literal = op.poly.owner
    if (
        not isinstance(literal, LiteralOp)
        or len(literal.coefficients) < 2
        or literal.coefficients.get_values()[-1] != 0
    ):
        return None

    shorter = builder.insert(LiteralOp(literal.coefficients.get_values()[:-1]))
    return builder.insert(EvalOp(shorter.poly, op.x)).results


def literal_to_ml(op, builder):
    """The coefficients as a tensor."""
    return builder.insert(ml.ConstantOp.of(np.array(op.coefficients.get_values()))).results


def eval_to_ml(op, builder):
    """Horner's rule: ((a x + b) x + c) x + ..."""
    sizes = run_time_sizes(builder, op.x)

    def coefficient(power):
        one = builder.insert(ml.SliceOp(op.poly, [power], [power + 1])).result
        scalar = builder.insert(ml.ReshapeOp(one, TensorType(f64, []))).result
        return builder.insert(ml.BroadcastInDimOp(scalar, [], op.x.type, sizes)).result

    *rest, value = map(coefficient, range(op.poly.type.get_shape()[0]))
    for term in reversed(rest):
        product = builder.insert(ml.MulOp(value, op.x)).result
        value = builder.insert(ml.AddOp(product, term)).result
    return [value]


POLY = Dialect(
    "poly",
    [LiteralOp, EvalOp],
    [PolyType],
    [
        GRAMMAR,
        Canonicalizations({EvalOp: [drop_leading_zero]}),
        ToMl(
            {LiteralOp: literal_to_ml, EvalOp: eval_to_ml},
            {PolyType: lambda poly: TensorType(f64, [poly.degree.data + 1])},
        ),
    ],
)
DIALECTS = (POLY,)
