import pytest

from tests.passes.graph.gradients.cases import CASES
from tests.passes.graph.gradients.finite import check


@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_gradient_of_an_op_is_what_small_steps_show(case):
    check(case.text, *case.values(5), times=case.times)
