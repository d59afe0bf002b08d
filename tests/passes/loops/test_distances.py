"""Which iterations of a loop depend on each other, by the places that they touch."""

from __future__ import annotations

import pytest

from tests.passes.loops.steps.test_steps import kernel
from weft.dialects.loop import ForOp
from weft.passes.loops.dependence import carried

ROWS = "64x64"

CASES = {
    "the row above": ("%a = loop.load %A[%i, %j] loop.store %a, %A[%i + 1, %j]", "all"),
    "the row above, to the left": ("%a = loop.load %A[%i, %j] loop.store %a, %A[%i + 1, %j + 3]", "all"),
    "what comes later in the row": ("%a = loop.load %A[%i, %j + 1] loop.store %a, %A[%i, %j]", "vectors"),
    "what came before in the row": ("%a = loop.load %A[%i, %j] loop.store %a, %A[%i, %j + 1]", "none"),
    "what came 8 before in the row": ("%a = loop.load %A[%i, %j] loop.store %a, %A[%i, %j + 8]", "vectors"),
    "what came 7 before in the row": ("%a = loop.load %A[%i, %j] loop.store %a, %A[%i, %j + 7]", "none"),
    "stored before it is read": ("loop.store %f, %A[%i, %j + 1] %a = loop.load %A[%i, %j]", "vectors"),
    "stored twice": ("loop.store %f, %A[%i, %j + 1] loop.store %f, %A[%i, %j]", "vectors"),
    "stored twice, the later place last": ("loop.store %f, %A[%i, %j] loop.store %f, %A[%i, %j + 1]", "none"),
    "even and odd": ("%a = loop.load %A[%i, 2*%j] loop.store %a, %A[%i, 2*%j + 1]", "all"),
    "the whole row": ("%a = loop.load %A[%i, 5] loop.store %a, %A[%i, %j]", "none"),
    "the row's end, backwards": ("%a = loop.load %A[%i, 63 - %j] loop.store %a, %A[%i, %j]", "all"),
    "across the middle": ("%a = loop.load %A[%i, 40 - %j] loop.store %a, %A[%i, %j]", "none"),
    "right of the diagonal": ("%a = loop.load %A[%i, %i] loop.store %a, %A[%i, %i + %j + 1]", "all"),
    "on the diagonal": ("%a = loop.load %A[%i, %i] loop.store %a, %A[%i, %i + %j]", "none"),
    "one place": ("loop.store %f, %A[%i, 3]", "none"),
    "one sum": ("loop.reduce add %f into %A[%i, 3]", "vectors"),
    "one sum, and what is beside it": ("%a = loop.load %A[%i, %j + 4] loop.reduce add %a into %A[%i, 3]", "vectors"),
    "one sum, and what is in it": ("%a = loop.load %A[%i, %j + 3] loop.reduce add %a into %A[%i, 3]", "none"),
}


@pytest.mark.parametrize(("body", "free"), CASES.values(), ids=CASES)
def test_iterations_are_free_where_no_two_need_each_other(body: str, free: str) -> None:
    nest = f'%f = arith.constant 0.5 : f32 loop.for "i" %i to 30 {{ loop.for "j" %j to 30 {{ {body} }} }}'
    module = kernel(nest.replace(" loop.store", "\nloop.store").replace(" loop.reduce", "\nloop.reduce"), A=ROWS)
    loop = next(op for op in module.walk() if isinstance(op, ForOp) and op.label.data == "j")
    assert (carried(loop) is None) == (free == "all")
    assert (carried(loop, lanes=True, width=8) is None) == (free in ("all", "vectors"))


def test_a_run_time_distance_is_not_known_to_be_far_enough() -> None:
    body = """loop.for "j" %j to 8 { %a = loop.load %Z[%j] loop.store %a, %Z[%j + %n] }"""
    module = kernel(body, X="?", Z="16")
    loop = next(op for op in module.walk() if isinstance(op, ForOp))
    assert carried(loop, lanes=True, width=8) is not None
