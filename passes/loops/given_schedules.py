"""Schedules that a program says itself, in the attribute `loop.schedules` of its module, go to its kernels."""

from __future__ import annotations

from xdsl.dialects.builtin import DictionaryAttr, ModuleOp

from weft import codes
from weft.diagnostics import did_you_mean
from weft.dialects.locations import error_at
from weft.dialects.loop import ScheduleAttr
from weft.passes.loops.kernels import SCHEDULE, SCHEDULES, kernels


def give_schedules(module: ModuleOp) -> None:
    """Put the schedules that a module says in `loop.schedules` on its kernels.

    Raises :class:`WeftError` for what is no schedule, and for a name that no kernel has.
    """
    said = module.attributes.pop(SCHEDULES, None)
    if said is None:
        return
    if not isinstance(said, DictionaryAttr):
        raise error_at(module, f"{SCHEDULES} should be a dictionary, it is {said}", code=codes.REFUSED_STEP)
    known = {kernel.sym_name.data: kernel for kernel in kernels(module)}
    for name, schedule in said.data.items():
        if not isinstance(schedule, ScheduleAttr):
            what = f"the schedule of '@{name}' should be a #loop.schedule, it is {schedule}"
            raise error_at(module, what, code=codes.REFUSED_STEP)
        if name not in known:
            there = f"there are {', '.join(f'@{kernel}' for kernel in known)}" if known else "there are none"
            hint = did_you_mean(name, known) or there
            raise error_at(
                module,
                f"a schedule is for the kernel '@{name}', which the program does not have",
                hint=hint,
                code=codes.WRONG_SYMBOL,
            )
        known[name].attributes[SCHEDULE] = schedule
