"""Inputs, seed, tolerance and the file that reproduces can be chosen; what is wrong about them is said."""

from contextlib import nullcontext

import numpy as np
import pytest

from tests.driver.check_passes.planted import SUB, opt, swap_operands
from tests.passes.graph.harness import module_of
from weft.diagnostics import WeftError
from weft.dialects import ml
from weft.driver.check_passes import CheckOptions, CheckPasses
from weft.driver.passes import run_pipeline
from weft.passes.graph import canonicalize
from weft.tools.main import main

PIPELINE = "--pass-pipeline=builtin.module(canonicalize)"
ROUNDED = """
func.func @main(%a: tensor<4xf32>, %b: tensor<4xf32>) -> tensor<4xf32> {
  %0 = ml.sub %a, %b : tensor<4xf32>
  func.return %0 : tensor<4xf32>
}
"""


@pytest.fixture(autouse=True)
def in_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "program.mlir").write_text(SUB.replace("TYPE", "?xf32"))


@pytest.fixture
def swapped(monkeypatch):
    monkeypatch.setitem(canonicalize.PATTERNS, ml.SubOp, (swap_operands(),))


def test_given_inputs_are_used_and_no_others(swapped, capsys):
    same = ["--check-inputs=2xf32=1.5", "--check-inputs=b=2xf32=1.5"]
    assert opt(capsys, "--check-passes", PIPELINE, *same, "program.mlir") == (0, "")
    other = ["--check-inputs=2xf32=1.5", "--check-inputs=2xf32=[1.5, 4]"]
    code, said = opt(capsys, "--check-passes", PIPELINE, *other, "program.mlir")
    assert code == 1 and "result 0 at [1] is 2.5, it was -2.5" in said


def test_given_inputs_come_from_a_file(swapped, capsys):
    np.savez("in.npz", a=np.float32([1, 2]), b=np.float32([1, 3]))
    files = ["--check-inputs=a=in.npz", "--check-inputs=b=in.npz"]
    code, said = opt(capsys, "--check-passes", PIPELINE, *files, "program.mlir")
    assert code == 1 and "result 0 at [1] is 1.0, it was -1.0" in said


def test_given_inputs_that_the_program_fails_on_are_told(capsys):
    unlike = ["--check-inputs=2xf32=1.5", "--check-inputs=3xf32=1.5"]
    code, said = opt(capsys, "--check-passes", PIPELINE, *unlike, "program.mlir")
    assert code == 0 and "not checked on the given inputs: @main does not run to its end on them" in said


def test_values_of_python_are_used_for_the_functions_that_they_name(swapped):
    both = SUB + SUB.replace("@main", "@other")
    same, unlike = np.float32(1.5), np.float32(4)  # NumPy's scalars are tensors of rank 0, too
    for values, wrong in (
        ({"main": [same, same], "other": [same, same]}, None),
        ({"main": [same, same], "other": [same, unlike]}, "the answer of @other: result 0 is 2.5, it was -2.5"),
        ({"main": [same, same]}, None),
    ):
        module, check = module_of(both.replace("TYPE", "f32")), CheckPasses(CheckOptions(values=values))
        with nullcontext() if wrong is None else pytest.raises(WeftError, match=wrong):
            run_pipeline(module, PIPELINE[16:], instruments=[check])
        assert check.remarks == []


def test_inputs_for_some_arguments_alone_are_an_error(capsys):
    code, said = opt(capsys, "--check-passes", PIPELINE, "--check-inputs=2xf32=1.5", "program.mlir")
    assert code == 1 and "@main needs values for b: tensor<?xf32>" in said


def test_another_seed_makes_other_inputs(swapped, capsys):
    said = [opt(capsys, "--check-passes", f"--check-seed={n}", PIPELINE, "program.mlir")[1] for n in (0, 0, 1)]
    assert said[0] == said[1] != said[2]


@pytest.mark.parametrize(
    "flags, found",
    [
        ([], True),
        (["--check-tolerance=100"], False),
        (["--check-tolerance=0,100"], False),
        (["--check-tolerance=f32=100"], False),
        (["--check-tolerance=f16=100"], True),
        (["--check-tolerance=f32=0,1e-3"], True),
    ],
)
def test_the_tolerance_can_be_set_for_all_or_for_one_dtype(swapped, capsys, flags, found):
    given = ["--check-inputs=2xf32=1.0", "--check-inputs=2xf32=1.5"]
    assert opt(capsys, "--check-passes", PIPELINE, *flags, *given, "program.mlir")[0] == found


@pytest.mark.parametrize(
    "flag, message",
    [
        ("--check-tolerance=much", "'much' is not a tolerance, which is [DTYPE=]RTOL[,ATOL]"),
        ("--check-tolerance=1,2,3", "'1,2,3' is not a tolerance"),
        ("--check-tolerance=-1", "'-1' is not a tolerance"),
        ("--check-tolerance=i32=1", "'i32=1': there is no tolerance for 'i32'"),
        ("--check-timeout=soon", "expected a number of seconds, not 'soon'"),
        ("--check-seed=x", "expected a whole number, not 'x'"),
        ("--check-inputs=nofile.npy", "cannot open input file 'nofile.npy'"),
    ],
)
def test_a_wrong_value_of_a_flag_is_an_error(capsys, flag, message):
    code, said = opt(capsys, "--check-passes", flag, PIPELINE, "program.mlir")
    assert code == 1 and message in said


def test_the_file_that_reproduces_stands_where_it_is_wanted(swapped, capsys, tmp_path):
    (tmp_path / "deep").mkdir()
    for flag, place in (
        ([], "check-canonicalize.mlir"),
        (["--check-reproducer=here.mlir"], "here.mlir"),
        (["-o", "deep/out.mlir"], "deep/check-canonicalize.mlir"),
    ):
        code, said = opt(capsys, "--check-passes", PIPELINE, *flag, "program.mlir")
        assert code == 1 and f"weft opt --run-reproducer '{place}' shows it again" in said
        assert (tmp_path / place).exists() and not (tmp_path / "deep/out.mlir").exists()


def test_a_file_that_cannot_be_written_is_an_error(swapped, capsys):
    code, said = opt(capsys, "--check-passes", PIPELINE, "--check-reproducer=no/such/folder.mlir", "program.mlir")
    assert code == 1 and "no/such/folder.mlir" in said


def test_a_file_that_reproduces_is_silent_once_the_pass_is_right(monkeypatch, capsys):
    with monkeypatch.context() as wrong:
        wrong.setitem(canonicalize.PATTERNS, ml.SubOp, (swap_operands(),))
        assert opt(capsys, "--check-passes", PIPELINE, "program.mlir")[0] == 1
    assert opt(capsys, "--run-reproducer", "check-canonicalize.mlir") == (0, "")


def test_weft_run_checks_the_passes_on_the_inputs_of_the_run(monkeypatch, capsys):
    command = ["run", "program.mlir", "--check-passes", "--input", "2xf32=[1, 2]", "--input", "2xf32=[1, 3]"]
    assert main(command) == 0
    assert "0." in capsys.readouterr().out
    only_here = swap_operands()
    monkeypatch.setitem(canonicalize.PATTERNS, ml.SubOp, (only_here,))
    assert main(command) == 1
    said = capsys.readouterr()
    assert said.out == "" and "pass 'canonicalize' changed the answer of @main" in said.err


def test_weft_run_checks_a_pipeline_that_the_reference_runs(monkeypatch, capsys):
    monkeypatch.setitem(canonicalize.PATTERNS, ml.SubOp, (swap_operands(),))
    inputs = ["--input", "2xf32=[1, 2]", "--input", "2xf32=[1, 3]"]
    assert main(["run", "program.mlir", "--target=reference", "--check-passes", *inputs, "-p", PIPELINE[16:]]) == 1
    assert "pass 'canonicalize' changed the answer of @main" in capsys.readouterr().err
