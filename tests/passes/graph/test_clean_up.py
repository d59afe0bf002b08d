"""The clean-up passes on random programs: no result changes, whatever the order."""

import pytest

from tests.passes.graph.harness import check_random_programs

PASSES = ("canonicalize", "fold", "cse", "dce")


@pytest.mark.parametrize("name", PASSES)
def test_a_pass_changes_no_result(name):
    check_random_programs(range(1000, 1060), name)


def test_passes_in_a_row_change_no_result():
    check_random_programs(range(2000, 2060), "canonicalize", "cse", "fold", "canonicalize", "dce", "cse")


@pytest.mark.long
@pytest.mark.parametrize("name", PASSES)
def test_a_pass_changes_no_result_of_many_programs(name):
    check_random_programs(range(10_000, 13_000), name)
