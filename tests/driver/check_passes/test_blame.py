"""Nobody is blamed without need: what cannot be run is said, what is undefined is not compared."""

import random

import pytest

from tests.driver.check_passes.planted import SUB, afterwards, opt, swap_operands
from tests.programs import random_program
from weft.dialects import ml
from weft.driver.printing import print_module
from weft.passes.graph import canonicalize
from weft.passes.graph.cse import Cse
from weft.passes.pipelines import CPU


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """The exit code of a checked pipeline, and what is said."""
    monkeypatch.chdir(tmp_path)

    def check(text, pipeline, *flags):
        (tmp_path / "program.mlir").write_text(text)
        code, said = opt(capsys, "--check-passes", f"--pass-pipeline={pipeline}", *flags, "program.mlir")
        assert code == 1 or not list(tmp_path.glob("check-*")), said
        return code, said

    return check


@pytest.mark.parametrize(
    "element",
    ["ui8", "bf16", *(pytest.param(e, marks=pytest.mark.long) for e in "i1 i8 i32 i64 f16 f32 f64".split())],  # noqa: SIM905
)
def test_the_road_changes_no_answer(run, element):
    text = SUB.replace("TYPE", f"?x{element}") if element != "i1" else SUB.replace("TYPE", "?xi1").replace("sub", "xor")
    assert run(text, CPU) == (0, "")


@pytest.mark.parametrize(
    "op", ["gelu", *(pytest.param(op, marks=pytest.mark.long) for op in ("exp", "tanh", "rsqrt", "erf"))]
)
def test_approximations_are_within_the_tolerance(run, op):
    text = f"func.func @main(%x: tensor<?xf32>) -> tensor<?xf32> {{\n  %0 = ml.{op} %x : tensor<?xf32>\n"
    assert run(f"{text}  func.return %0 : tensor<?xf32>\n}}\n", CPU) == (0, "")


def test_sums_in_another_order_are_within_the_tolerance(run):
    text = """
func.func @main(%x: tensor<?x9xf32>, %w: tensor<9x7xf32>) -> (tensor<?x7xf32>, tensor<?x7xf32>) {
  %0 = ml.matmul %x, %w : (tensor<?x9xf32>, tensor<9x7xf32>) -> tensor<?x7xf32>
  %1 = ml.softmax %0, axis = 1 : tensor<?x7xf32>
  func.return %0, %1 : tensor<?x7xf32>, tensor<?x7xf32>
}
"""
    assert run(text, CPU) == (0, "")


def test_memory_that_nobody_wrote_is_not_compared(run):
    text = """
func.func @main(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %0 = tensor.empty() : tensor<4xf32>
  %1 = ml.add %x, %x : tensor<4xf32>
  func.return %0, %1 : tensor<4xf32>, tensor<4xf32>
}
"""
    assert run(text, CPU) == (0, "")


def test_memory_that_is_written_is_compared_beside_what_is_not(run, monkeypatch):
    monkeypatch.setitem(canonicalize.PATTERNS, ml.SubOp, (swap_operands(),))
    text = """
func.func @main(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %0 = tensor.empty() : tensor<4xf32>
  %1 = ml.exp %x : tensor<4xf32>
  %2 = ml.sub %1, %x : tensor<4xf32>
  func.return %0, %2 : tensor<4xf32>, tensor<4xf32>
}
"""
    code, said = run(text, CPU)
    assert code == 1 and "pass 'canonicalize' changed the answer of @main: result 1" in said


def test_a_program_that_fails_on_all_inputs_is_said_to_be_unchecked(run):
    text = """
func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
  %false = arith.constant false
  cf.assert %false, "never"
  %0 = ml.add %x, %x : tensor<4xf32>
  %1 = ml.add %x, %x : tensor<4xf32>
  %2 = ml.mul %0, %1 : tensor<4xf32>
  func.return %2 : tensor<4xf32>
}
"""
    code, said = run(text, "builtin.module(cse)")
    assert (code, said.count("remark: not checked")) == (0, 1)


UNKNOWN = """
func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = "mystery.op"(%x) : (tensor<4xf32>) -> tensor<4xf32>
  %1 = ml.add %0, %x : tensor<4xf32>
  %2 = ml.add %0, %x : tensor<4xf32>
  %3 = ml.mul %1, %2 : tensor<4xf32>
  func.return %3 : tensor<4xf32>
}
"""


def test_a_program_with_an_op_that_nobody_can_run_is_said_to_be_unchecked(run):
    code, said = run(UNKNOWN, "builtin.module(cse)", "--allow-unregistered-dialect")
    assert code == 0 and said.startswith("remark: not checked: ")


def test_a_pass_after_which_nobody_can_run_the_module_is_not_blamed(run, monkeypatch):
    def mystify(module):
        from xdsl.dialects.builtin import UnregisteredOp

        sub = next(op for op in module.walk() if isinstance(op, ml.SubOp))
        new = UnregisteredOp.with_name("mystery.op").create(
            operands=sub.operands, result_types=[sub.result.type], properties={}, attributes={}
        )
        new.location = sub.location
        sub.parent.insert_op_before(new, sub)
        sub.result.replace_all_uses_with(new.results[0])
        sub.detach()
        sub.erase()

    afterwards(monkeypatch, Cse, mystify)
    code, said = run(SUB.replace("TYPE", "4xf32"), "builtin.module(cse)", "--allow-unregistered-dialect")
    assert code == 0 and said.startswith("remark: not checked after 'cse': ")


def test_a_function_that_a_pass_takes_away_is_missed(run, monkeypatch):
    def remove(module):
        for op in list(module.body.block.ops):
            op.detach()
            op.erase()

    afterwards(monkeypatch, Cse, remove)
    code, said = run(SUB.replace("TYPE", "4xf32"), "builtin.module(cse)")
    assert code == 1 and "it fails now: there is no such function any more" in said


CALLER = """
func.func private @sub(%a: tensor<?xf32>, %b: tensor<?xf32>) -> tensor<?xf32> {
  %0 = ml.sub %a, %b : tensor<?xf32>
  func.return %0 : tensor<?xf32>
}
func.func @main(%a: tensor<?xf32>, %b: tensor<?xf32>) -> tensor<?xf32> {
  %0 = func.call @sub(%a, %b) : (tensor<?xf32>, tensor<?xf32>) -> tensor<?xf32>
  func.return %0 : tensor<?xf32>
}
"""


def test_a_pass_that_sees_one_function_alone_is_checked_with_its_callers(run, monkeypatch):
    pipeline = "builtin.module(func.func(cse,canonicalize))"
    assert run(CALLER, pipeline) == (0, "")
    monkeypatch.setitem(canonicalize.PATTERNS, ml.SubOp, (swap_operands(),))
    code, said = run(CALLER, pipeline)
    assert code == 1 and "pass 'canonicalize' changed the answer of @main" in said


@pytest.mark.long
@pytest.mark.parametrize("seed", range(20))
def test_random_programs_are_found_right(run, seed):
    program = random_program(random.Random(seed), special=False)
    assert run(print_module(program.module), CPU) == (0, "")
