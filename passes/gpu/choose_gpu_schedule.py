"""`choose-gpu-schedule`: gives each kernel a schedule for a GPU, from the structure of its loops and the target."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.dialects.func import FuncOp
from xdsl.passes import ModulePass

from weft.dialects.loop import AllocOp, ForOp, ScheduleAttr, WriteOp, buffer_name
from weft.dialects.loop.buffers import MAY_ALIAS
from weft.dialects.loop.schedule import Step
from weft.dialects.target import Cuda, cuda_of
from weft.passes.gpu.loop_to_gpu.units import Choice as Condition
from weft.passes.gpu.loop_to_gpu.units import Part, parts
from weft.passes.gpu.plans.nests import cut, plans
from weft.passes.gpu.plans.plan import Choice
from weft.passes.gpu.plans.products import is_product
from weft.passes.loops.kernels import APPLIED, SCHEDULE, buffers, kernels
from weft.passes.loops.plans.common import Names
from weft.passes.loops.row_steps import fuse_rows, joined
from weft.passes.loops.trial import Trial


@dataclass(frozen=True)
class ChooseGpuSchedule(ModulePass):
    """Writes `loop.schedule` on every kernel that has none.

    Each nest gets the first of its plans that is legal; a nest that none fits runs in one thread, which is slow and
    right. Plans are tried on a copy of the kernel. The machine is the module's `weft.target`.

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

    **Leaves alone** kernels that have a schedule, or had one applied, or whose buffers may overlap
    (`loop.may_alias`); the loops themselves.
    """

    name = "choose-gpu-schedule"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Choose for every kernel without a schedule."""
        gpu = cuda_of(op)
        for kernel in kernels(op):
            if not {SCHEDULE, APPLIED, MAY_ALIAS} & kernel.attributes.keys():
                kernel.attributes[SCHEDULE] = ScheduleAttr(choose(kernel, gpu))


def choose(kernel: FuncOp, gpu: Cuda) -> tuple[Step, ...]:
    """The default schedule of a kernel on a GPU."""
    trial = Trial(kernel)
    names = Names({buffer_name(b) or "" for b in buffers(kernel)})
    names.used |= {op.label.data for op in kernel.walk() if isinstance(op, ForOp)}
    choice = Choice(gpu, names)
    if not any(is_product(nest) for nest in _nests(parts(kernel.body.block))):
        fuse_rows(trial)
    for nest in _nests(parts(trial.copy.clone().body.block)):
        if steps := cut(nest, choice):
            trial.attempt(steps)
    cut_up = trial.copy.clone()
    for nest in _nests(parts(cut_up.body.block)):
        if not trial.has_loop(nest.label.data):
            continue
        for plan in plans(nest, choice):
            if trial.attempt(plan.steps):
                for extra in plan.extras:
                    trial.attempt(extra)
                break
        written = dict.fromkeys(op.target for op in nest.walk() if isinstance(op, WriteOp))
        for buffer in written:
            if isinstance(buffer.owner, AllocOp):
                trial.fuse_consumer(buffer_name(buffer) or "")
    return tuple(joined(trial.steps))


def _nests(found: Sequence[Part]) -> Iterator[ForOp]:
    """The nests that are a launch each, those under conditions too."""
    for part in found:
        if isinstance(part, Condition):
            yield from _nests(part.then)
            yield from _nests(part.other)
        elif len(part.ops) == 1 and isinstance(part.ops[0], ForOp):
            yield part.ops[0]
