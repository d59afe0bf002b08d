"""The pass `expand-narrow-floats`."""

import pytest
from xdsl.dialects.builtin import FileLineColLoc, IntAttr, StringAttr
from xdsl.parser import Parser

from weft.dialects.locations import where
from weft.passes.lower.expand_narrow_floats import ExpandNarrowFloats
from weft.registry import context


def expanded(text):
    ctx = context()
    module = Parser(ctx, text, "t.mlir").parse_module()
    ExpandNarrowFloats().apply(ctx, module)
    module.verify()
    return module, [op.name for op in next(iter(module.body.block.ops)).body.block.ops]


@pytest.mark.parametrize("type_", ["f16", "bf16"])
def test_arithmetic_is_done_in_f32_and_rounded(type_):
    text = f"""func.func @f(%a: {type_}, %b: {type_}) -> {type_} {{
      %0 = arith.addf %a, %b fastmath<contract> : {type_}
      %1 = math.exp %0 : {type_}
      func.return %1 : {type_} }}"""
    module, names = expanded(text)
    widened = ["arith.extf", "arith.extf", "arith.addf", "arith.truncf", "arith.extf", "math.exp", "arith.truncf"]
    assert names == [*widened, "func.return"]
    assert "arith.addf" in str(module)
    assert "fastmath<contract> : f32" in str(module)


def test_every_new_op_has_the_place_of_the_old_one():
    text = "func.func @f(%a: f16) -> f16 {\n  %0 = math.exp %a : f16\n  func.return %0 : f16\n}"
    ctx = context()
    module = Parser(ctx, text).parse_module()
    places = [FileLineColLoc(StringAttr("t.mlir"), IntAttr(line), IntAttr(3)) for line in (2, 3)]
    for op, place in zip(next(iter(module.body.block.ops)).body.block.ops, places, strict=True):
        op.location = place
    ExpandNarrowFloats().apply(ctx, module)
    assert [where(op).line for op in next(iter(module.body.block.ops)).body.block.ops] == [2, 2, 2, 3]


def test_what_needs_no_arithmetic_is_left_alone():
    text = """func.func @f(%a: f16, %b: f16, %i: i32, %x: f32) -> f16 {
      %c = arith.constant 1.0 : f16
      %0 = arith.cmpf olt, %a, %b : f16
      %1 = arith.select %0, %a, %c : f16
      %2 = arith.bitcast %1 : f16 to i16
      %3 = arith.sitofp %i : i32 to f16
      %4 = arith.fptosi %3 : f16 to i8
      %5 = arith.addf %x, %x : f32
      %6 = arith.truncf %5 : f32 to f16
      func.return %6 : f16 }"""
    before = [line.split("= ")[1].split()[0] for line in text.splitlines() if "= " in line]
    assert expanded(text)[1] == [*before, "func.return"]
