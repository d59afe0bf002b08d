"""The whole of test_windows: every type, every option, every shape."""

import pytest

from tests.end_to_end.test_ops import check_compiled
from tests.passes.loops import test_ml_to_loop_windows
from tests.passes.loops.test_ml_to_loop_windows import *  # noqa: F403

pytestmark = pytest.mark.long


@pytest.fixture(autouse=True)
def through_the_whole_road(monkeypatch):
    monkeypatch.setattr(test_ml_to_loop_windows, "check", check_compiled)
