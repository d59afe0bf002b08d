"""docs/road.md says what holds at each stop, and it does; the functions that it shows read and verify."""

import re

import pytest

from tests.road.programs import NAMES, PAGE, programs
from weft.dialects.target import Cpu
from weft.driver.host import set_target
from weft.driver.passes import run_pipeline
from weft.driver.printing import print_module
from weft.driver.program import parse
from weft.passes.pipelines import STOPS

PROGRAMS = programs()
HOST = {"func", "arith", "scf", "cf", "builtin"}
DIALECTS = {
    "tensors": HOST | {"ml", "tensor"},
    "kernels": HOST | {"ml", "tensor"},
    "buffers": HOST | {"loop", "memref", "math", "target"},
    "scheduled": HOST | {"loop", "memref", "math", "target"},
    "target": {"llvm", "builtin"},
}
"""The dialects of the page's table, stop by stop."""


def stops(text):
    """The name of each stop and the module at it."""
    module = parse(text)
    set_target(module, Cpu(threads=2))
    yield "text", module
    for name, passes in STOPS:
        run_pipeline(module, f"builtin.module({','.join(passes)})", verify_each=True)
        yield name, module


@pytest.mark.parametrize("program", NAMES)
def test_a_stop_holds_the_dialects_that_the_page_says(program):
    for stop, module in stops(PROGRAMS[program]):
        if stop in DIALECTS:
            found = {op.name.partition(".")[0] for op in module.walk()}
            assert found <= DIALECTS[stop], f"at {stop}"


def test_ml_stands_in_kernels_only_after_the_stop_of_kernels():
    for program in NAMES:
        for stop, module in stops(PROGRAMS[program]):
            if stop == "kernels":
                for function in module.body.block.ops:
                    inside = {op.name.partition(".")[0] for op in function.walk()}
                    assert ("ml" in inside) == ("ml.kernel" in function.attributes)
                break


def test_no_heap_buffer_is_left_in_a_scheduled_kernel():
    for program in NAMES:
        modules = {stop: print_module(module) for stop, module in stops(PROGRAMS[program])}
        assert "loop.alloc heap" not in modules["scheduled"]


BLOCKS = re.findall(r"^```mlir\n(func\..*?)^```$", PAGE.read_text(), re.M | re.S)
CALL = re.compile(r"func\.call (@\w+)\(.*?\) : (.*)$", re.M)


@pytest.mark.parametrize("text", BLOCKS)
def test_a_function_of_the_page_reads_and_verifies(text):
    for name, type_ in CALL.findall(text):
        if f"func.func private {name}(" not in text:
            text += f"func.func private {name}{type_}\n"
    parse(text)


def test_the_page_shows_at_least_two_functions_of_each_program():
    assert len(BLOCKS) >= 8
