"""What the verifiers refuse, by text; and for each refusal a text that differs little and is good."""

import pytest
from xdsl.parser import Parser
from xdsl.utils.exceptions import VerifyException

from weft.registry import context

BODY = """({
^bb0(%a: tensor<f32>, %b: tensor<f32>):
  %c = "ml.add"(%a, %b) : (tensor<f32>, tensor<f32>) -> tensor<f32>
  "ml.return"(%c) : (tensor<f32>) -> ()
})"""
FREE_BODY = BODY.replace("ml.add", "ml.sub")
NO_RETURN = BODY.replace('"ml.return"(%c) : (tensor<f32>) -> ()', '"test.termop"() : () -> ()')
WRONG_RETURN = BODY.replace('"ml.return"(%c) : (tensor<f32>) -> ()', '"ml.return"() : () -> ()')

# What the message says, the bad statement, and the good one. Operands are declared from the statement's type.
TABLE = [
    # element types
    ("takes float", "ml.exp : (tensor<4xi32>) -> tensor<4xi32>", "ml.exp : (tensor<4xf32>) -> tensor<4xf32>"),
    ("takes float", "ml.softmax : (tensor<4xi8>) -> tensor<4xi8>", "ml.softmax : (tensor<4xf16>) -> tensor<4xf16>"),
    ("takes signed", "ml.not : (tensor<4xf32>) -> tensor<4xf32>", "ml.not : (tensor<4xi1>) -> tensor<4xi1>"),
    ("takes float", "ml.abs : (tensor<4xui8>) -> tensor<4xui8>", "ml.abs : (tensor<4xi8>) -> tensor<4xi8>"),
    ("takes float", "ml.neg : (tensor<4xi1>) -> tensor<4xi1>", "ml.neg : (tensor<4xui8>) -> tensor<4xui8>"),
    ("not a type of ml", "ml.neg : (tensor<4xi4>) -> tensor<4xi4>", "ml.neg : (tensor<4xi8>) -> tensor<4xi8>"),
    ("not a type of ml", "ml.neg : (tensor<4xsi8>) -> tensor<4xsi8>", "ml.neg : (tensor<4xi8>) -> tensor<4xi8>"),
    ("not a type of ml", "ml.neg : (tensor<4xindex>) -> tensor<4xindex>", "ml.neg : (tensor<i64>) -> tensor<i64>"),
    ("not a type of ml", "ml.convert : (tensor<4xf32>) -> tensor<4xf80>", "ml.convert : (tensor<f32>) -> tensor<f16>"),
    (
        "takes float",
        "ml.sub : (tensor<2xi1>, tensor<2xi1>) -> tensor<2xi1>",
        "ml.add : (tensor<2xi1>, tensor<2xi1>) -> tensor<2xi1>",
    ),
    (
        "takes signed",
        "ml.and : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>",
        "ml.and : (tensor<2xi8>, tensor<2xi8>) -> tensor<2xi8>",
    ),
    (
        "takes signed",
        "ml.shift_left : (tensor<2xi1>, tensor<2xi1>) -> tensor<2xi1>",
        "ml.shift_left : (tensor<2xi8>, tensor<2xi8>) -> tensor<2xi8>",
    ),
    # one type
    ("tensor", "ml.exp : (tensor<4xf32>) -> tensor<5xf32>", "ml.exp : (tensor<?xf32>) -> tensor<?xf32>"),
    ("tensor", "ml.exp : (tensor<*xf32>) -> tensor<*xf32>", "ml.exp : (tensor<f32>) -> tensor<f32>"),
    ("vector", "ml.exp : (vector<4xf32>) -> vector<4xf32>", "ml.exp : (tensor<4xf32>) -> tensor<4xf32>"),
    (
        "tensor",
        "ml.add : (tensor<4xf32>, tensor<1xf32>) -> tensor<4xf32>",
        "ml.add : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>",
    ),
    (
        "must be tensor<4xi1>",
        "ml.is_finite : (tensor<4xf32>) -> tensor<4xi8>",
        "ml.is_finite : (tensor<4xf32>) -> tensor<4xi1>",
    ),
    (
        "must be tensor<4xi1>",
        "ml.compare <{comparison_direction = #ml<comparison_direction LT>}>"
        " : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>",
        "ml.compare <{comparison_direction = #ml<comparison_direction LT>}>"
        " : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xi1>",
    ),
    (
        "compared by FLOAT or TOTALORDER, not SIGNED",
        "ml.compare <{comparison_direction = #ml<comparison_direction LT>, compare_type = #ml<comparison_type SIGNED>}>"
        " : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xi1>",
        "ml.compare <{comparison_direction = #ml<comparison_direction LT>, compare_type = #ml<comparison_type SIGNED>}>"
        " : (tensor<4xi32>, tensor<4xi32>) -> tensor<4xi1>",
    ),
    (
        "i1 elements",
        "ml.select : (tensor<4xi8>, tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>",
        "ml.select : (tensor<i1>, tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>",
    ),
    (
        "or rank 0",
        "ml.select : (tensor<1x4xi1>, tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>",
        "ml.select : (tensor<4xi1>, tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>",
    ),
    (
        "sizes of the values: they are 4 and 5",
        "ml.select : (tensor<5xi1>, tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>",
        "ml.select : (tensor<?xi1>, tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>",
    ),
    (
        "min must have f32 elements",
        "ml.clamp : (tensor<i32>, tensor<4xf32>, tensor<f32>) -> tensor<4xf32>",
        "ml.clamp : (tensor<f32>, tensor<4xf32>, tensor<f32>) -> tensor<4xf32>",
    ),
    (
        "max must have the sizes of the operand",
        "ml.clamp : (tensor<f32>, tensor<4xf32>, tensor<5xf32>) -> tensor<4xf32>",
        "ml.clamp : (tensor<f32>, tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>",
    ),
    (
        "max must have the shape",
        "ml.clamp : (tensor<f32>, tensor<4xf32>, tensor<1x4xf32>) -> tensor<4xf32>",
        "ml.clamp : (tensor<4xf32>, tensor<4xf32>, tensor<f32>) -> tensor<4xf32>",
    ),
    # conversions
    (
        "size of its type: they are 4 and 5",
        "ml.convert : (tensor<4xf32>) -> tensor<5xi32>",
        "ml.convert : (tensor<?xf32>) -> tensor<5xi32>",
    ),
    ("has rank 1", "ml.convert : (tensor<4xf32>) -> tensor<4x1xi32>", "ml.convert : (tensor<4xf32>) -> tensor<?xi32>"),
    (
        "cannot be read as i1",
        "ml.bitcast_convert : (tensor<4xi8>) -> tensor<4xi1>",
        "ml.bitcast_convert : (tensor<4xi8>) -> tensor<4xui8>",
    ),
    (
        "takes float",
        "ml.bitcast_convert : (tensor<8xi1>) -> tensor<i8>",
        "ml.bitcast_convert : (tensor<2xi16>) -> tensor<i32>",
    ),
    (
        "one element of the result: they are 3 and 2",
        "ml.bitcast_convert : (tensor<4x3xi16>) -> tensor<4xi32>",
        "ml.bitcast_convert : (tensor<4x2xi16>) -> tensor<4xi32>",
    ),
    (
        "no last dimension",
        "ml.bitcast_convert : (tensor<i16>) -> tensor<i32>",
        "ml.bitcast_convert : (tensor<i16>) -> tensor<f16>",
    ),
    (
        "has rank 2",
        "ml.bitcast_convert : (tensor<4xi32>) -> tensor<4xi16>",
        "ml.bitcast_convert : (tensor<4xi32>) -> tensor<4x2xi16>",
    ),
    # shapes
    (
        "must name one dimension for each",
        "ml.broadcast_in_dim <{broadcast_dimensions = array<i64: 0, 1>}> : (tensor<4xf32>) -> tensor<4x2xf32>",
        "ml.broadcast_in_dim <{broadcast_dimensions = array<i64: 0>}> : (tensor<4xf32>) -> tensor<4x2xf32>",
    ),
    (
        "must be between 0 and 1",
        "ml.broadcast_in_dim <{broadcast_dimensions = array<i64: 2>}> : (tensor<4xf32>) -> tensor<2x4xf32>",
        "ml.broadcast_in_dim <{broadcast_dimensions = array<i64: 1>}> : (tensor<4xf32>) -> tensor<2x4xf32>",
    ),
    (
        "must be different",
        "ml.broadcast_in_dim <{broadcast_dimensions = array<i64: 1, 1>}> : (tensor<4x4xf32>) -> tensor<4x4xf32>",
        "ml.broadcast_in_dim <{broadcast_dimensions = array<i64: 1, 0>}> : (tensor<4x4xf32>) -> tensor<4x4xf32>",
    ),
    (
        "size of its type: they are 4 and 8",
        "ml.broadcast_in_dim <{broadcast_dimensions = array<i64: 0>}> : (tensor<4xf32>) -> tensor<8xf32>",
        "ml.broadcast_in_dim <{broadcast_dimensions = array<i64: 0>}> : (tensor<1xf32>) -> tensor<8xf32>",
    ),
    (
        "needs 1 sizes",
        "ml.broadcast_in_dim <{broadcast_dimensions = array<i64: 1>}> : (tensor<4xf32>) -> tensor<?x4xf32>",
        "ml.broadcast_in_dim <{broadcast_dimensions = array<i64: 1>}> : (tensor<4xf32>, index) -> tensor<?x4xf32>",
    ),
    (
        "needs 0 sizes",
        "ml.broadcast_in_dim <{broadcast_dimensions = array<i64: 0>}> : (tensor<?xf32>, index) -> tensor<?xf32>",
        "ml.broadcast_in_dim <{broadcast_dimensions = array<i64: 0>}> : (tensor<?xf32>) -> tensor<?xf32>",
    ),
    (
        "no dimension 1",
        "ml.iota <{iota_dimension = 1 : i64}> : () -> tensor<4xi32>",
        "ml.iota <{iota_dimension = 0 : i64}> : () -> tensor<4xi32>",
    ),
    (
        "makes numbers",
        "ml.iota <{iota_dimension = 0 : i64}> : () -> tensor<4xi1>",
        "ml.iota <{iota_dimension = 0 : i64}> : () -> tensor<4xf16>",
    ),
    (
        "needs 1 sizes",
        "ml.iota <{iota_dimension = 0 : i64}> : () -> tensor<?xi32>",
        "ml.iota <{iota_dimension = 0 : i64}> : (index) -> tensor<?xi32>",
    ),
    (
        "same number of elements: they are 6 and 8",
        "ml.reshape : (tensor<2x3xf32>) -> tensor<8xf32>",
        "ml.reshape : (tensor<2x3xf32>) -> tensor<6xf32>",
    ),
    (
        "same number of elements: they are 6 and 4",
        "ml.reshape : (tensor<2x3xf32>) -> tensor<4x?xf32>",
        "ml.reshape : (tensor<2x3xf32>) -> tensor<3x?xf32>",
    ),
    (
        "needs 2 sizes",
        "ml.reshape : (tensor<6xf32>) -> tensor<?x?xf32>",
        "ml.reshape : (tensor<6xf32>, index, index) -> tensor<?x?xf32>",
    ),
    (
        "must be f32",
        "ml.reshape : (tensor<6xf32>) -> tensor<6xf64>",
        "ml.reshape : (tensor<6xf64>) -> tensor<6xf64>",
    ),
    (
        "must name each dimension",
        "ml.transpose <{permutation = array<i64: 0, 0>}> : (tensor<2x2xf32>) -> tensor<2x2xf32>",
        "ml.transpose <{permutation = array<i64: 1, 0>}> : (tensor<2x2xf32>) -> tensor<2x2xf32>",
    ),
    (
        "size of its type: they are 3 and 2",
        "ml.transpose <{permutation = array<i64: 1, 0>}> : (tensor<2x3xf32>) -> tensor<2x3xf32>",
        "ml.transpose <{permutation = array<i64: 1, 0>}> : (tensor<2x3xf32>) -> tensor<3x2xf32>",
    ),
    (
        "one range for each dimension",
        "ml.slice <{start_indices = array<i64: 0>, limit_indices = array<i64: 1>}>"
        " : (tensor<2x3xf32>) -> tensor<1x3xf32>",
        "ml.slice <{start_indices = array<i64: 0, 0>, limit_indices = array<i64: 1, -1>}>"
        " : (tensor<2x3xf32>) -> tensor<1x3xf32>",
    ),
    (
        "must not be negative",
        "ml.slice <{start_indices = array<i64: -1>, limit_indices = array<i64: 2>}> : (tensor<4xf32>) -> tensor<3xf32>",
        "ml.slice <{start_indices = array<i64: 1>, limit_indices = array<i64: 4>}> : (tensor<4xf32>) -> tensor<3xf32>",
    ),
    (
        "must be 1 or more",
        "ml.slice <{start_indices = array<i64: 0>, limit_indices = array<i64: 4>, strides = array<i64: 0>}>"
        " : (tensor<4xf32>) -> tensor<4xf32>",
        "ml.slice <{start_indices = array<i64: 0>, limit_indices = array<i64: 4>, strides = array<i64: 1>}>"
        " : (tensor<4xf32>) -> tensor<4xf32>",
    ),
    (
        "start of dimension 0 is after its limit: they are 3 and 2",
        "ml.slice <{start_indices = array<i64: 3>, limit_indices = array<i64: 2>}> : (tensor<4xf32>) -> tensor<0xf32>",
        "ml.slice <{start_indices = array<i64: 2>, limit_indices = array<i64: 2>}> : (tensor<4xf32>) -> tensor<0xf32>",
    ),
    (
        "limit of dimension 0 is after its end: they are 5 and 4",
        "ml.slice <{start_indices = array<i64: 0>, limit_indices = array<i64: 5>}> : (tensor<4xf32>) -> tensor<5xf32>",
        "ml.slice <{start_indices = array<i64: 0>, limit_indices = array<i64: 4>}> : (tensor<4xf32>) -> tensor<4xf32>",
    ),
    (
        "at least one operand",
        "ml.concatenate : () -> tensor<0xf32>",
        "ml.concatenate : (tensor<0xf32>) -> tensor<0xf32>",
    ),
    (
        "one rank and element type",
        "ml.concatenate : (tensor<2xf32>, tensor<2xf64>) -> tensor<4xf32>",
        "ml.concatenate : (tensor<2xf32>, tensor<2xf32>) -> tensor<4xf32>",
    ),
    (
        "no dimension 1",
        "ml.concatenate <{dimension = 1 : i64}> : (tensor<2xf32>, tensor<2xf32>) -> tensor<4xf32>",
        "ml.concatenate <{dimension = 0 : i64}> : (tensor<2xf32>, tensor<2xf32>) -> tensor<4xf32>",
    ),
    (
        "same size in dimension 1: they are 3 and 4",
        "ml.concatenate : (tensor<2x3xf32>, tensor<2x4xf32>) -> tensor<4x3xf32>",
        "ml.concatenate : (tensor<2x3xf32>, tensor<2x?xf32>) -> tensor<4x3xf32>",
    ),
    (
        "no dimension 2",
        "ml.get_dimension_size <{dimension = 2 : i64}> : (tensor<2x3xf32>) -> tensor<i32>",
        "ml.get_dimension_size <{dimension = 1 : i64}> : (tensor<2x3xf32>) -> tensor<i32>",
    ),
    (
        "must be i32",
        "ml.get_dimension_size : (tensor<2x3xf32>) -> tensor<i64>",
        "ml.get_dimension_size : (tensor<2x3xf32>) -> tensor<i32>",
    ),
    # contractions
    (
        "last but one of rhs: they are 3 and 4",
        "ml.matmul : (tensor<2x3xf32>, tensor<4x5xf32>) -> tensor<2x5xf32>",
        "ml.matmul : (tensor<2x3xf32>, tensor<3x5xf32>) -> tensor<2x5xf32>",
    ),
    (
        "same batch dimensions: they are 6 and 1",
        "ml.matmul : (tensor<6x2x3xf32>, tensor<1x3x5xf32>) -> tensor<6x2x5xf32>",
        "ml.matmul : (tensor<6x2x3xf32>, tensor<?x3x5xf32>) -> tensor<6x2x5xf32>",
    ),
    (
        "one rank, 2 or more",
        "ml.matmul : (tensor<6x2x3xf32>, tensor<3x5xf32>) -> tensor<6x2x5xf32>",
        "ml.matmul : (tensor<6x2x3xf32>, tensor<6x3x5xf32>) -> tensor<6x2x5xf32>",
    ),
    (
        "one rank, 2 or more",
        "ml.matmul : (tensor<3xf32>, tensor<3xf32>) -> tensor<f32>",
        "ml.matmul : (tensor<1x3xf32>, tensor<3x1xf32>) -> tensor<1x1xf32>",
    ),
    (
        "one element type",
        "ml.matmul : (tensor<2x3xf32>, tensor<3x5xf64>) -> tensor<2x5xf64>",
        "ml.matmul : (tensor<2x3xf32>, tensor<3x5xf32>) -> tensor<2x5xf64>",
    ),
    (
        "f32 or wider, not f16",
        "ml.matmul : (tensor<2x3xf32>, tensor<3x5xf32>) -> tensor<2x5xf16>",
        "ml.matmul : (tensor<2x3xf16>, tensor<3x5xf16>) -> tensor<2x5xf32>",
    ),
    (
        "f16 or wider, not bf16",
        "ml.matmul : (tensor<2x3xf16>, tensor<3x5xf16>) -> tensor<2x5xbf16>",
        "ml.matmul : (tensor<2x3xf16>, tensor<3x5xf16>) -> tensor<2x5xf16>",
    ),
    (
        "i8 or wider, not f32",
        "ml.matmul : (tensor<2x3xi8>, tensor<3x5xi8>) -> tensor<2x5xf32>",
        "ml.matmul : (tensor<2x3xi8>, tensor<3x5xi8>) -> tensor<2x5xi32>",
    ),
    (
        "contracting dimensions 1 of lhs and 1 of rhs must have the same size: they are 3 and 5",
        "ml.dot_general <{lhs_contracting_dimensions = array<i64: 1>, rhs_contracting_dimensions = array<i64: 1>}>"
        " : (tensor<2x3xf32>, tensor<4x5xf32>) -> tensor<2x4xf32>",
        "ml.dot_general <{lhs_contracting_dimensions = array<i64: 1>, rhs_contracting_dimensions = array<i64: 1>}>"
        " : (tensor<2x3xf32>, tensor<4x3xf32>) -> tensor<2x4xf32>",
    ),
    (
        "batch must pair",
        "ml.dot_general <{lhs_batching_dimensions = array<i64: 0>}>"
        " : (tensor<2xf32>, tensor<2xf32>) -> tensor<2x2xf32>",
        "ml.dot_general <{lhs_batching_dimensions = array<i64: 0>, rhs_batching_dimensions = array<i64: 0>}>"
        " : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>",
    ),
    (
        "must be different",
        "ml.dot_general <{lhs_batching_dimensions = array<i64: 0>, rhs_batching_dimensions = array<i64: 0>,"
        " lhs_contracting_dimensions = array<i64: 0>, rhs_contracting_dimensions = array<i64: 1>}>"
        " : (tensor<2xf32>, tensor<2x2xf32>) -> tensor<2xf32>",
        "ml.dot_general : (tensor<2xf32>, tensor<2x2xf32>) -> tensor<2x2x2xf32>",
    ),
    (
        "contract must pair",
        "ml.dot_general <{lhs_contracting_dimensions = array<i64>}>"
        " : (tensor<2xf32>, tensor<2xf32>) -> tensor<2x2xf32>",
        "ml.dot_general <{lhs_contracting_dimensions = array<i64>, rhs_contracting_dimensions = array<i64>}>"
        " : (tensor<2xf32>, tensor<2xf32>) -> tensor<2x2xf32>",
    ),
    # reductions
    (
        "must be between 0 and 1",
        f"ml.reduce <{{dimensions = array<i64: 2>}}> {BODY} : (tensor<2x3xf32>) -> tensor<2xf32>",
        f"ml.reduce <{{dimensions = array<i64: 1>}}> {BODY} : (tensor<2x3xf32>) -> tensor<2xf32>",
    ),
    (
        "must be different",
        f"ml.reduce <{{dimensions = array<i64: 1, 1>}}> {BODY} : (tensor<2x3xf32>) -> tensor<2xf32>",
        f"ml.reduce <{{dimensions = array<i64: 1, 0>}}> {BODY} : (tensor<2x3xf32>) -> tensor<f32>",
    ),
    (
        "needs values to start from",
        f"ml.reduce {FREE_BODY} : (tensor<2x3xf32>) -> tensor<f32>",
        f"ml.reduce {FREE_BODY} : (tensor<2x3xf32>, tensor<f32>) -> tensor<f32>",
    ),
    (
        "must end with ml.return",
        f"ml.reduce {NO_RETURN} : (tensor<2x3xf32>, tensor<f32>) -> tensor<f32>",
        f"ml.reduce {BODY} : (tensor<2x3xf32>, tensor<f32>) -> tensor<f32>",
    ),
    (
        "body must return tensor<f32>",
        f"ml.reduce {WRONG_RETURN} : (tensor<2x3xf32>, tensor<f32>) -> tensor<f32>",
        f"ml.reduce {BODY} : (tensor<2x3xf32>, tensor<f32>) -> tensor<f32>",
    ),
    (
        "body must take tensor<f64>, tensor<f64>",
        f"ml.reduce {BODY} : (tensor<2x3xf64>) -> tensor<f64>",
        f"ml.reduce {BODY} : (tensor<2x3xf32>) -> tensor<f32>",
    ),
    (
        "to start from must be tensor<f32>",
        f"ml.reduce {BODY} : (tensor<2x3xf32>, tensor<1xf32>) -> tensor<f32>",
        f"ml.reduce {BODY} : (tensor<2x3xf32>, tensor<f32>) -> tensor<f32>",
    ),
    (
        "3 operands for 1 results",
        f"ml.reduce {BODY} : (tensor<2x3xf32>, tensor<f32>, tensor<f32>) -> tensor<f32>",
        f"ml.reduce {BODY} : (tensor<2x3xf32>, tensor<f32>) -> tensor<f32>",
    ),
    (
        "has rank 0",
        f"ml.reduce {BODY} : (tensor<2x3xf32>) -> tensor<3xf32>",
        f"ml.reduce <{{dimensions = array<i64: 0>}}> {BODY} : (tensor<2x3xf32>) -> tensor<3xf32>",
    ),
    (
        "no dimension 1",
        "ml.argmax <{dimension = 1 : i64}> : (tensor<4xf32>) -> tensor<i32>",
        "ml.argmax <{dimension = -1 : i64}> : (tensor<4xf32>) -> tensor<i32>",
    ),
    (
        "must be i32 or i64",
        "ml.argmin : (tensor<4xf32>) -> tensor<i16>",
        "ml.argmin : (tensor<4xf32>) -> tensor<i64>",
    ),
    (
        "no dimension -1",
        "ml.argmin : (tensor<f32>) -> tensor<i32>",
        "ml.argmin : (tensor<1xf32>) -> tensor<i32>",
    ),
    (
        "no axis -3",
        "ml.softmax <{axis = -3 : i64}> : (tensor<2x3xf32>) -> tensor<2x3xf32>",
        "ml.softmax <{axis = -2 : i64}> : (tensor<2x3xf32>) -> tensor<2x3xf32>",
    ),
    ("no axis -1", "ml.softmax : (tensor<f32>) -> tensor<f32>", "ml.softmax : (tensor<0xf32>) -> tensor<0xf32>"),
]


def program(statement):
    """A module of one op in generic form, without operands, and the definitions of its operands."""
    name, rest = statement.split(" ", 1)
    attributes, _, types = rest.rpartition(": (")
    operands, _, results = types.partition(") -> ")
    kinds = operands.split(", ") if operands else []
    lines = [f'%x{i} = "test.op"() : () -> {kind}' for i, kind in enumerate(kinds)]
    uses = ", ".join(f"%x{i}" for i in range(len(kinds)))
    properties, region = (attributes, "") if "({" not in attributes else attributes.split("({", 1)
    region = f" ({{{region}" if region else ""
    lines.append(f'%r = "{name}"({uses}) {properties}{region} : ({operands}) -> {results}')
    return "\n".join(lines)


def verify(statement):
    """Read a statement and verify it."""
    Parser(context(), program(statement)).parse_module().verify()


@pytest.mark.parametrize(("message", "bad", "good"), TABLE, ids=[f"{i}: {row[1][:40]}" for i, row in enumerate(TABLE)])
def test_a_wrong_op_is_refused_and_its_twin_is_not(message, bad, good):
    verify(good)
    with pytest.raises(VerifyException) as refused:
        verify(bad)
    assert message in str(refused.value)


def test_the_body_of_a_reduction_takes_nothing_from_outside():
    outside = """
    %z = "test.op"() : () -> tensor<f32>
    %x = "test.op"() : () -> tensor<4xf32>
    %r = ml.reduce(%x init %z) : (tensor<4xf32>, tensor<f32>) -> tensor<f32> {
    ^bb0(%a: tensor<f32>, %b: tensor<f32>):
      %c = ml.add %a, VALUE : tensor<f32>
      ml.return %c : tensor<f32>
    }"""
    Parser(context(), outside.replace("VALUE", "%b")).parse_module().verify()
    with pytest.raises(VerifyException):
        Parser(context(), outside.replace("VALUE", "%z")).parse_module().verify()


def test_a_constant_has_static_sizes():
    resource = "%a = ml.constant dense_resource<w> : tensor<SIZExf32>"
    Parser(context(), resource.replace("SIZE", "2")).parse_module().verify()
    with pytest.raises(VerifyException, match="static sizes"):
        Parser(context(), resource.replace("SIZE", "?")).parse_module().verify()
