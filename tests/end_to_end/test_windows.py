"""Windows, slices and running reductions, compiled and run on the CPU, agree with their meaning.

The cases are those of the tests of `convert-ml-to-loop`: some of each here, all of them in the long tier.
"""

import pytest

from tests.end_to_end.test_ops import check_compiled
from tests.passes.loops import test_ml_to_loop_windows as cases
from tests.passes.loops.test_ml_to_loop_nests import ELEMENTS


@pytest.fixture(autouse=True)
def through_the_whole_road(monkeypatch):
    monkeypatch.setattr(cases, "check", check_compiled)


def some(*names):
    """Some element types."""
    return [element for element in ELEMENTS if str(element) in names]


@pytest.mark.parametrize("element", some("f32", "bf16", "i1", "ui8"), ids=str)
def test_some_types(element):
    cases.test_windows_of_every_kind_and_type(element)
    cases.test_a_body_of_every_type(element)
    cases.test_elements_of_every_type_are_moved(element)
    cases.test_every_type_is_selected(element)
    cases.test_running_reductions_of_every_type(element)


@pytest.mark.parametrize("dynamic", [False, True])
def test_some_shapes(dynamic):
    for name in ("padded", "both ways", "nothing"):
        cases.test_windows_with_all_options(name, dynamic)
    cases.test_any_body_sees_windows_of_several_tensors("dilated", dynamic)
    cases.test_dynamic_slices_are_clamped((9, 9), dynamic)
    cases.test_dynamic_updates_are_clamped((-3, 1), dynamic)
    cases.test_windows_select_and_scatter("padded", dynamic)
    cases.test_a_transposed_convolution_spreads_each_element(2, dynamic)
    cases.test_convolutions_may_widen("i8", "i32", dynamic)


def test_starts_empty_slices_and_special_numbers():
    cases.test_empty_slices_and_updates()
    cases.test_starts_of_every_type(*some("ui64"))
    cases.test_a_start_that_the_kernel_makes_in_memory_is_read_there()
    cases.test_nan_and_infinity_are_seen()
    cases.test_running_extremes_see_nan_and_infinity()
