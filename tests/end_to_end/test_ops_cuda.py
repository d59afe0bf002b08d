"""Every ml op, on every element type and on shapes that hurt, on an NVIDIA GPU agrees with its meaning."""

import pytest

from tests.end_to_end.device_ops import CASES, check_on
from tests.passes.loops.test_ml_to_loop_bits import *  # noqa: F403
from tests.passes.loops.test_ml_to_loop_lookups import *  # noqa: F403
from tests.passes.loops.test_ml_to_loop_nests import *  # noqa: F403
from tests.passes.loops.test_ml_to_loop_scalars import *  # noqa: F403
from tests.passes.loops.test_ml_to_loop_sorts import *  # noqa: F403

pytestmark = pytest.mark.gpu


@pytest.fixture(autouse=True)
def on_the_device(monkeypatch):
    for cases in CASES:
        monkeypatch.setattr(cases, "check", check_on("cuda"))
