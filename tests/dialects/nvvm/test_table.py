"""Every row of the table of instructions makes an op that reads, prints and tells what it needs."""

from __future__ import annotations

import re

import pytest
from xdsl.dialects import test
from xdsl.dialects.builtin import i32

from weft.dialects import nvvm
from weft.driver.printing import print_module
from weft.frontends.mlir import parse_module
from weft.registry import context

from .programs import function


def example(name):
    """The example of an op's documentation, in a function that has its operands as arguments."""
    return function(re.search(r"```mlir\n(.*?)\n```", nvvm.OPS[name].__doc__, re.S)[1], nvvm.OPS[name])


@pytest.mark.parametrize("name", nvvm.OPS)
def test_the_example_survives_a_round_trip(name):
    module = parse_module(example(name), context(), "<text>")
    module.verify()
    assert f"nvvm.{name}" in {op.name for op in module.walk()}
    printed = print_module(module)
    assert print_module(parse_module(printed, context(), "<text>")) == printed


@pytest.mark.parametrize("name", nvvm.OPS)
def test_a_row_says_what_it_is_and_needs(name):
    row = nvvm.OPS[name].INSTRUCTION
    assert row.says.endswith(".")
    assert re.fullmatch(r"sm_\d+[af]?", row.chip)
    assert row.ptx >= 60


def test_an_op_is_made_by_name():
    lane, mask, value = test.TestOp(result_types=[i32, i32, i32]).results
    op = nvvm.make("shfl.sync", mask, value, lane, lane, result=i32, kind="bfly")
    op.verify()
    assert (op.word("kind"), op.value("val"), op.has("return_value_and_is_valid")) == ("bfly", value, False)
    assert nvvm.make("barrier", None, mask).values("numberOfThreads") == (mask,)
    assert nvvm.make("read.ptx.sreg.tid.x").results[0].type == i32


def test_a_target_tells_its_facts():
    target = nvvm.TargetAttr.of("sm_90a", 86).data
    assert (target.capability, target.suffix, target.ptx) == (90, "a", 86)
