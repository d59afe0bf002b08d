"""Nothing is found in the programs that the end-to-end tests compile, on the numbers that those run them with."""

import numpy as np
import pytest

from tests.driver.check_passes.planted import swap_operands
from tests.driver.check_passes.recorded import TESTS, Recorded, chosen, recorded, together
from tests.passes.graph.harness import module_of
from weft.diagnostics import WeftError
from weft.dialects import ml
from weft.driver.check_passes import CheckOptions, CheckPasses
from weft.driver.passes import run_pipeline
from weft.passes.graph import canonicalize
from weft.passes.pipelines import CPU

MOST = 8
"""So many programs of a test are checked, or more where its ops and types take more."""

RANDOM = """
func.func @main(%s: tensor<2xui64>) -> (tensor<3x5xf32>, tensor<7xf16>) {
  %t, %u = ml.random_uniform THREE_FRY, %s : tensor<2xui64> to tensor<3x5xf32>
  %r, %z = ml.random_normal THREE_FRY, %t : tensor<2xui64> to tensor<7xf16>
  func.return %u, %z : tensor<3x5xf32>, tensor<7xf16>
}
"""
"""Ops that no end-to-end test has."""


def checked(programs, folder):
    """Run the whole pipeline on the programs under the check; gives the remarks."""
    module, values = together(programs)
    check = CheckPasses(CheckOptions(values=values, folder=folder))
    run_pipeline(module, CPU, instruments=[check])
    return check.remarks


@pytest.mark.long
@pytest.mark.parametrize("name", TESTS)
def test_nothing_is_found_in_a_program_of_the_tests(name, tmp_path):
    programs = chosen(recorded(name), MOST)
    if not programs:
        pytest.skip("the test compiles nothing")
    assert checked(programs, tmp_path) == []


@pytest.mark.long
def test_a_wrong_rewrite_is_found_in_a_program_of_the_tests(tmp_path, monkeypatch):
    monkeypatch.setitem(canonicalize.PATTERNS, ml.SubOp, (swap_operands(),))
    with pytest.raises(WeftError, match="pass 'canonicalize' changed the answer of @program_"):
        checked(chosen(recorded("test_ml_to_loop_scalars.test_binary_ops_mean_what_they_say"), MOST), tmp_path)


@pytest.mark.long
def test_nothing_is_found_in_random_numbers(tmp_path):
    assert checked([Recorded(module_of(RANDOM), (np.array([3, 1 << 63], np.uint64),))], tmp_path) == []


@pytest.mark.long
def test_every_op_and_type_is_among_the_programs():
    programs = [program for name in TESTS for program in chosen(recorded(name), MOST)]
    seen = Recorded(module_of(RANDOM), ()).ops.union(*(program.features for program in programs))
    wanted = {op.name for op in ml.ML.operations} | {str(element) for element in ml.dtypes.ELEMENT_TYPES} | {"?", "0"}
    apart = {
        "ml.complex",
        "ml.conj",
        "ml.imag",
        "ml.real",
        "complex<f32>",
        "complex<f64>",
    }  # tests/end_to_end/test_complex.py
    assert wanted - seen - apart == set()
