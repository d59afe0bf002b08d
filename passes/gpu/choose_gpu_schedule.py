"""`choose-gpu-schedule`: gives each kernel a schedule for a GPU, from the structure of its loops and the target."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.dialects.func import FuncOp
from xdsl.ir import Block
from xdsl.passes import ModulePass
from xdsl.traits import is_side_effect_free

from weft.diagnostics import WeftError
from weft.dialects.loop import AllocOp, ForOp, IfOp, ScheduleAttr, WriteOp, buffer_name
from weft.dialects.loop.buffers import MAY_ALIAS
from weft.dialects.loop.schedule import Map
from weft.dialects.target import Cuda, cuda_of
from weft.dialects.walking import inside
from weft.passes.gpu.loop_to_gpu.function import device_function
from weft.passes.gpu.loop_to_gpu.units import Choice as Condition
from weft.passes.gpu.loop_to_gpu.units import Part, Repeat, parts, units
from weft.passes.gpu.plans.fusion import fuse_for_blocks
from weft.passes.gpu.plans.nests import cut, plans
from weft.passes.gpu.plans.plan import Choice, Plan
from weft.passes.gpu.plans.products import is_product
from weft.passes.loops import tried
from weft.passes.loops.given_schedules import give_schedules
from weft.passes.loops.kernels import APPLIED, SCHEDULE, buffers, kernels, label, loops
from weft.passes.loops.plans.common import Names
from weft.passes.loops.ranges import greatest_trip
from weft.passes.loops.row_steps import joined
from weft.passes.loops.trial import Trial

_FEW = 64
"""So few iterations are done by one thread before a launch begins."""


@dataclass(frozen=True)
class ChooseGpuSchedule(ModulePass):
    """Writes `loop.schedule` on every kernel that has none.

    Each nest gets the first of its plans that is legal. Where none is, because its iterations depend on each other, the
    host runs the loop (`map t to host`) and launches the nests in it, if one of these has a plan; what is left runs in
    one thread, which is slow and right. Plans are tried on a copy of the kernel. The machine is the module's
    `weft.target`.

    **Before**
    ```mlir
    func.func @double(%X: memref<64x5xf32> {loop.name = "X"}) attributes {loop.kernel} {
      loop.for "i" %i to 64 {
        loop.for "j" %j to 5 {
        }
      }
      func.return
    }
    ```
    **After**
    ```mlir
    func.func @double(%X: memref<64x5xf32> {loop.name = "X"}) attributes {
        loop.kernel, loop.schedule = #loop.schedule<map i to grid 256, map j to grid 256>} {
      loop.for "i" %i to 64 {
        loop.for "j" %j to 5 {
        }
      }
      func.return
    }
    ```
    **Needs** kernels of naive nests.

    Schedules that the module says itself in `loop.schedules`, by the names of kernels, go before all others, and the
    attribute is gone afterwards. `weft run --schedule=FILE` puts it there.

    **Leaves alone** kernels that have a schedule, or had one applied, or whose buffers may overlap
    (`loop.may_alias`); the loops themselves.
    """

    name = "choose-gpu-schedule"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Choose for every kernel without a schedule."""
        gpu = cuda_of(op)
        give_schedules(op)
        for kernel in kernels(op):
            if not {SCHEDULE, APPLIED, MAY_ALIAS} & kernel.attributes.keys():
                trial = choose(kernel, gpu)
                kernel.attributes[SCHEDULE] = ScheduleAttr(tuple(joined(trial.steps)))
                tried.remember(kernel, trial.copy)


def choose(kernel: FuncOp, gpu: Cuda) -> Trial:
    """The default schedule of a kernel on a GPU, done on a copy."""
    trial = Trial(kernel)
    names = Names({buffer_name(b) or "" for b in buffers(kernel)})
    names.used |= {op.label.data for op in inside(kernel) if isinstance(op, ForOp)}
    choice = Choice(gpu, names)
    if not any(is_product(nest, choice) for nest in _nests(parts(kernel.body.block))):
        fuse_for_blocks(trial, choice)
    _cut(trial, choice)
    planned = len(trial.steps)
    _plan(trial, choice, checked=False)
    if not _has_launches(trial.copy):
        trial.back_to(planned)
        _plan(trial, choice, checked=True)
    return trial


def _cut(trial: Trial, choice: Choice) -> None:
    """Cut nests until each is a stage of its own: what combines partial results may be worth a cut, too."""
    tried: set[str] = set()
    times = 0
    while waiting := [nest for nest in _nests(parts(trial.snapshot().body.block)) if label(nest) not in tried]:
        for nest in waiting:
            tried.add(label(nest))
            if steps := cut(nest, choice, times):
                trial.attempt(steps)
        times += 1


def _plan(trial: Trial, choice: Choice, *, checked: bool) -> None:
    """Give each nest the first of its plans that is legal, and, if it is to be checked, that has launches."""
    for nest in _nests(parts(trial.snapshot().body.block)):
        if not trial.has_loop(nest.label.data):
            continue
        if not _plan_nest(trial, nest, choice, checked=checked):
            _plan_inside(trial, nest, choice, checked=checked)
        written = dict.fromkeys(op.target for op in inside(nest) if isinstance(op, WriteOp))
        for buffer in written:
            before = len(trial.steps)
            if isinstance(buffer.owner, AllocOp):
                trial.fuse_consumer(buffer_name(buffer) or "")
            if checked and len(trial.steps) > before and not _has_launches(trial.copy):
                trial.back_to(before)


def _plan_nest(trial: Trial, nest: ForOp, choice: Choice, *, checked: bool) -> bool:
    """Give a nest the first of its plans that is legal; whether there is one."""
    return any(_take(trial, plan, checked=checked) for plan in plans(nest, choice))


def _plan_inside(trial: Trial, nest: ForOp, choice: Choice, *, checked: bool) -> bool:
    """Where iterations must go in their order, let the host begin each of them, if nests inside are launches then;
    whether they are."""
    before = len(trial.steps)
    if not _only_nests(nest.block) or not trial.attempt([Map(label(nest), "host")]):
        return False
    (loop,) = loops(trial.snapshot(), label(nest))[:1]
    done = [
        _plan_nest(trial, one, choice, checked=checked) or _plan_inside(trial, one, choice, checked=checked)
        for one in _nests(parts(loop.block))
        if _is_large(one)
    ]
    if any(done) and _has_launches(trial.copy):
        return True
    trial.back_to(before)
    return False


def _only_nests(block: Block) -> bool:
    """Whether all that a block does is in nests: each is a launch then."""
    for op in block.ops:
        if isinstance(op, IfOp):
            if not (_only_nests(op.then.block) and _only_nests(op.other.block)):
                return False
        elif not isinstance(op, ForOp | AllocOp) and not is_side_effect_free(op):
            return False
    return True


def _is_large(nest: ForOp) -> bool:
    """Whether a launch of a nest costs less than its iterations one after the other. Sizes that are not known may be
    large."""
    trips = [greatest_trip(loop) for loop in inside(nest) if isinstance(loop, ForOp)]
    return any(trip is None for trip in trips) or prod(trip or 0 for trip in trips) >= _FEW


def _take(trial: Trial, plan: Plan, *, checked: bool) -> bool:
    """Take the steps of a plan that are legal."""
    before = len(trial.steps)
    if not trial.attempt(plan.steps):
        return False
    for extra in plan.extras:
        trial.attempt(extra)
    if checked and not _has_launches(trial.copy):
        trial.back_to(before)
        return False
    return True


def _has_launches(kernel: FuncOp) -> bool:
    """Whether `convert-loop-to-gpu` takes a kernel as it is scheduled."""
    try:
        for unit in units(parts(kernel.body.block)):
            device_function(kernel, unit, "trial")
    except WeftError:
        return False
    return True


def _nests(found: Sequence[Part]) -> Iterator[ForOp]:
    """The nests that are a launch each, those under conditions too."""
    for part in found:
        if isinstance(part, Condition):
            yield from _nests(part.then)
            yield from _nests(part.other)
        elif isinstance(part, Repeat):
            yield from _nests(part.body)
        elif len(part.ops) == 1 and isinstance(part.ops[0], ForOp):
            yield part.ops[0]
