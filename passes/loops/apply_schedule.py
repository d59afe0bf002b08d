"""`apply-schedule`: does what the schedule of each kernel says."""

from __future__ import annotations

from dataclasses import dataclass, fields

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.dialects.func import CallOp, FuncOp
from xdsl.passes import ModulePass

from weft import codes
from weft.dialects.locations import error_at
from weft.dialects.loop import ScheduleAttr, WriteOp
from weft.dialects.loop.buffers import MAY_ALIAS
from weft.dialects.loop.schedule import Step
from weft.dialects.walking import inside
from weft.passes.loops import tried
from weft.passes.loops.dependence import say
from weft.passes.loops.kernels import APPLIED, SCHEDULE, kernels
from weft.passes.loops.registers import check_registers
from weft.passes.loops.steps.base import StepPass
from weft.passes.loops.steps.loop_add_pairs import LoopAddPairs
from weft.passes.loops.steps.loop_clear import LoopClear
from weft.passes.loops.steps.loop_contract import LoopContract
from weft.passes.loops.steps.loop_fuse import LoopFuse
from weft.passes.loops.steps.loop_fuse_consumer import LoopFuseConsumer
from weft.passes.loops.steps.loop_inline import LoopInline
from weft.passes.loops.steps.loop_interchange import LoopInterchange
from weft.passes.loops.steps.loop_jam import LoopJam
from weft.passes.loops.steps.loop_keep import LoopKeep
from weft.passes.loops.steps.loop_map import LoopMap
from weft.passes.loops.steps.loop_nontemporal import LoopNontemporal
from weft.passes.loops.steps.loop_pad import LoopPad
from weft.passes.loops.steps.loop_parallelize import LoopParallelize
from weft.passes.loops.steps.loop_partials import LoopPartials
from weft.passes.loops.steps.loop_partition import LoopPartition
from weft.passes.loops.steps.loop_pipeline import LoopPipeline
from weft.passes.loops.steps.loop_prefetch import LoopPrefetch
from weft.passes.loops.steps.loop_rfactor import LoopRfactor
from weft.passes.loops.steps.loop_stage import LoopStage
from weft.passes.loops.steps.loop_stage_tile import LoopStageTile
from weft.passes.loops.steps.loop_tensorize import LoopTensorize
from weft.passes.loops.steps.loop_tile import LoopTile
from weft.passes.loops.steps.loop_unroll import LoopUnroll
from weft.passes.loops.steps.loop_vectorize import LoopVectorize

PASSES: tuple[type[StepPass], ...] = (
    LoopAddPairs,
    LoopClear,
    LoopContract,
    LoopFuse,
    LoopFuseConsumer,
    LoopInline,
    LoopInterchange,
    LoopJam,
    LoopKeep,
    LoopMap,
    LoopNontemporal,
    LoopParallelize,
    LoopPad,
    LoopPartials,
    LoopPartition,
    LoopPipeline,
    LoopPrefetch,
    LoopRfactor,
    LoopStage,
    LoopStageTile,
    LoopTensorize,
    LoopTile,
    LoopUnroll,
    LoopVectorize,
)


def pass_of(step: Step) -> StepPass:
    """The pass that does a step."""
    kind = next(kind for kind in PASSES if issubclass(kind, type(step)))
    return kind(**{field.name: getattr(step, field.name) for field in fields(step)})


def apply_steps(kernel: FuncOp, steps: tuple[Step, ...]) -> None:
    """Do the steps on a kernel, in order. Raises :class:`WeftError` at the first that is not legal."""
    for step in steps:
        pass_of(step).run(kernel)


def check_calls(module: ModuleOp) -> None:
    """No call gives a kernel one buffer twice, where the kernel writes it: its arguments do not overlap.

    Raises :class:`WeftError` at the call. A kernel with `loop.may_alias` takes what it is given.
    """
    called = {k.sym_name.data: k for k in kernels(module) if MAY_ALIAS not in k.attributes}
    for call in (op for op in inside(module) if isinstance(op, CallOp)):
        kernel = called.get(call.callee.string_value())
        if kernel is None:
            continue
        arguments = kernel.body.block.args
        written = {op.target for op in inside(kernel) if isinstance(op, WriteOp)}
        twice = {v for v in call.arguments if list(call.arguments).count(v) > 1}
        for value, argument in zip(call.arguments, arguments, strict=True):
            if value in twice and argument in written:
                raise error_at(
                    call,
                    f"the kernel '@{kernel.sym_name.data}' writes {say(argument)} and is given it twice",
                    hint=f"mark the kernel '{MAY_ALIAS}'",
                    code=codes.REFUSED_STEP,
                )


@dataclass(frozen=True)
class ApplySchedule(ModulePass):
    """Runs the schedule of each kernel, a step after the other, and renames it to `loop.applied`.

    **Before**
    ```mlir
    func.func @double(%X: memref<64xf32> {loop.name = "X"}) attributes {
        loop.kernel, loop.schedule = #loop.schedule<tile i 16 into (io, ii), vectorize ii 16>} {
      loop.for "i" %i to 64 {
      }
      func.return
    }
    ```
    **After**
    ```mlir
    func.func @double(%X: memref<64xf32> {loop.name = "X"}) attributes {
        loop.kernel, loop.applied = #loop.schedule<tile i 16 into (io, ii), vectorize ii 16>} {
      loop.for "io" %io to 4 {
        loop.for "ii" %ii to 16 vector(16) {
        }
      }
      func.return
    }
    ```
    **Needs** schedules whose steps are legal; an illegal one is an error that names the step, and why. Buffers
    in `reg` must end up indexed by constants, unrolled and vector counters only.

    **Leaves alone** kernels without a schedule.
    """

    name = "apply-schedule"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Run every schedule."""
        check_calls(op)
        for kernel in kernels(op):
            schedule = kernel.attributes.get(SCHEDULE)
            if schedule is None:
                continue
            if not isinstance(schedule, ScheduleAttr):
                raise error_at(
                    kernel, f"{SCHEDULE} should be a #loop.schedule, it is {schedule}", code=codes.REFUSED_STEP
                )
            if not tried.take(kernel):
                apply_steps(kernel, schedule.data)
                check_registers(kernel)
            del kernel.attributes[SCHEDULE]
            kernel.attributes[APPLIED] = schedule
