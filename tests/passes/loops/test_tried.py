"""A schedule that was chosen by trying is not done again, unless the kernel or the schedule was touched since."""

from __future__ import annotations

import pytest
from xdsl.dialects.builtin import StringAttr
from xdsl.parser import Parser

from weft.dialects.loop import ForOp, ReduceOp, ScheduleAttr
from weft.dialects.loop.schedule import Unroll
from weft.passes.loops import apply_schedule
from weft.passes.loops.apply_schedule import ApplySchedule
from weft.passes.loops.choose_schedule import ChooseSchedule
from weft.passes.loops.kernels import SCHEDULE, kernels, set_label
from weft.registry import context

SUMS = """func.func @k(%X: memref<64x48xf32> {loop.name = "X"}, %Y: memref<64xf32> {loop.name = "Y"})
    attributes {loop.kernel} {
  loop.for "i" %i to 64 { loop.for "j" %j to 48 {
    %x = loop.load %X[%i, %j] : memref<64x48xf32>
    loop.reduce add %x into %Y[%i] over (%j) : memref<64xf32> } }
  func.return }"""


def chosen():
    module = Parser(context(), SUMS).parse_module()
    ChooseSchedule().apply(context(), module)
    return module, next(kernels(module))


def applied(module, monkeypatch) -> int:
    """Apply the schedules; how many steps were done for that."""
    done: list[object] = []
    pass_of = apply_schedule.pass_of
    monkeypatch.setattr(apply_schedule, "pass_of", lambda step: (done.append(step), pass_of(step))[1])
    ApplySchedule().apply(context(), module)
    module.verify()
    return len(done)


def test_what_was_tried_is_taken_and_is_what_the_steps_make(monkeypatch):
    module, _ = chosen()
    read_again = Parser(context(), str(module)).parse_module()
    assert applied(module, monkeypatch) == 0
    assert applied(read_again, monkeypatch) > 1
    assert str(module) == str(read_again) and "loop.applied" in str(module)


def relabel(kernel):
    set_label(next(op for op in kernel.walk() if isinstance(op, ForOp)), "i")
    kernel.attributes["more"] = StringAttr("said")


def reduce_by_max(kernel):
    reduce = next(op for op in kernel.walk() if isinstance(op, ReduceOp))
    reduce.properties["kind"] = StringAttr("max")


def empty(kernel):
    for op in list(kernel.body.block.ops)[:-1]:
        op.detach()
        op.erase()
    kernel.attributes[SCHEDULE] = ScheduleAttr([])


def other_schedule(kernel):
    kernel.attributes[SCHEDULE] = ScheduleAttr([Unroll("j", 4)])


@pytest.mark.parametrize("touch", [relabel, reduce_by_max, empty, other_schedule])
def test_what_was_touched_since_gets_the_steps_done(touch, monkeypatch):
    module, kernel = chosen()
    touch(kernel)
    read_again = Parser(context(), str(module)).parse_module()
    count = len(kernel.attributes[SCHEDULE].data)
    assert applied(module, monkeypatch) == count
    ApplySchedule().apply(context(), read_again)
    assert str(module) == str(read_again)
