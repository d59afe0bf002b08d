"""A dialect may bring a fragment of grammar; the rest of the text is read as ever."""

import pytest
from xdsl.dialects.builtin import IntAttr, IntegerAttr, i64
from xdsl.ir import Dialect
from xdsl.irdl import (
    IRDLOperation,
    irdl_op_definition,
    prop_def,
    region_def,
    result_def,
    var_operand_def,
    var_result_def,
)

from weft.diagnostics import WeftError
from weft.dialects.grammar import Grammar
from weft.dialects.locations import where
from weft.frontends.mlir import parse_module
from weft.registry import context

FRAGMENT = """
repeat: "times" INT "(" operands ")" ":" type
each: each_head region
each_head: "each" VALUE ":" type "in" operand
"""


@irdl_op_definition
class RepeatOp(IRDLOperation):
    name = "toy.repeat"
    count = prop_def(IntegerAttr)
    inputs = var_operand_def()
    result = result_def()


@irdl_op_definition
class EachOp(IRDLOperation):
    name = "toy.each"
    inputs = var_operand_def()
    results_ = var_result_def()
    body = region_def()


def repeat(reader, values):
    _, count, _, operands, _, _, type = values
    inputs = [reader.use(operand, type) for operand in operands]
    return RepeatOp(operands=[inputs], result_types=[type], properties={"count": IntegerAttr(IntAttr(int(count)), i64)})


def each_head(reader, values):
    _, name, _, type, _, operand = values
    reader.enter([(name, type)])
    return reader.use(operand, type)


def each(reader, values):
    return EachOp(operands=[[values[0]]], result_types=[[]], regions=[values[1]])


def toy():
    grammar = Grammar(
        FRAGMENT,
        {"toy.repeat": "repeat", "toy.each": "each"},
        {"repeat": repeat, "each": each, "each_head": each_head},
    )
    ctx = context()
    ctx.load_dialect(Dialect("toy", [RepeatOp, EachOp], [], [grammar]))
    return ctx


TEXT = """
func.func @f(%a: tensor<4xf32>, %times: tensor<4xf32>) -> tensor<4xf32> {
  %r = toy.repeat times 3 (%a, %times, %a) : tensor<4xf32>
  toy.each each %x : tensor<4xf32> in %r {
    %y = toy.repeat times 2 (%x) : tensor<4xf32>
    %z = arith.addf %y, %x : tensor<4xf32>
    "test.termop"(%z) {times = 1 : i32, each} : (tensor<4xf32>) -> ()
  }
  func.return %r : tensor<4xf32>
}
"""


def test_an_op_of_a_fragment_is_read_with_its_regions_and_places():
    module = parse_module(TEXT, toy(), "toy.mlir")
    module.verify()
    repeats = [op for op in module.walk() if isinstance(op, RepeatOp)]
    assert [op.count.value.data for op in repeats] == [3, 2]
    assert [len(op.inputs) for op in repeats] == [3, 1]
    (loop,) = (op for op in module.walk() if isinstance(op, EachOp))
    assert loop.body.block.args[0].name_hint == "x"
    assert [(where(op).line, where(op).column) for op in (*repeats, loop)] == [(3, 3), (5, 5), (4, 3)]


def test_an_error_in_a_fragment_is_located():
    with pytest.raises(WeftError, match="expected 'times'") as caught:
        parse_module(TEXT.replace("times 3", "3"), toy(), "toy.mlir")
    assert (caught.value.where.line, caught.value.where.column) == (3, 19)
