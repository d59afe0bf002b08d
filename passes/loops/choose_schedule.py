"""`choose-schedule`: gives each kernel a schedule, from the structure of its loops and the target."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.dialects.func import FuncOp
from xdsl.ir import Block
from xdsl.passes import ModulePass

from weft.dialects.loop import AllocOp, ForOp, IfOp, ScheduleAttr, WriteOp, buffer_name
from weft.dialects.loop.buffers import MAY_ALIAS
from weft.dialects.loop.schedule import Parallelize, Step
from weft.dialects.target import Cpu, cpu_of
from weft.dialects.walking import inside
from weft.passes.loops import tried
from weft.passes.loops.default_plans import plans
from weft.passes.loops.given_schedules import give_schedules
from weft.passes.loops.kernels import APPLIED, SCHEDULE, buffers, kernels
from weft.passes.loops.nest_shape import UNKNOWN_TRIP, Leaf, leaf, perfect, trip_or
from weft.passes.loops.next_rows import ask_for_rows
from weft.passes.loops.plans.chains import jam_rows, write_out
from weft.passes.loops.plans.common import Machine, Names, shared_out, threads_for
from weft.passes.loops.plans.parts import reduce_in_parts
from weft.passes.loops.row_blocks import block_rows
from weft.passes.loops.row_steps import contract_rows, fuse_elements, fuse_rows, joined, stream_results
from weft.passes.loops.short_rows import lanes_over_rows
from weft.passes.loops.trial import Trial


@dataclass(frozen=True)
class ChooseSchedule(ModulePass):
    """Writes `loop.schedule` on every kernel that has none.

    Each nest gets the first of its default plans that is legal; a nest that none fits stays as it is, which is
    slow and right. Plans are tried on a copy of the kernel. The machine is the module's `weft.target`.

    **Before**
    ```mlir
    func.func @double(%X: memref<64xf32> {loop.name = "X"}) attributes {loop.kernel} {
      loop.for "i" %i to 64 {
      }
      func.return
    }
    ```
    **After**
    ```mlir
    func.func @double(%X: memref<64xf32> {loop.name = "X"}) attributes {
        loop.kernel, loop.schedule = #loop.schedule<vectorize i 8>} {
      loop.for "i" %i to 64 {
      }
      func.return
    }
    ```
    **Needs** kernels of naive nests.

    A module may say schedules of its kernels itself, by their names, in `loop.schedules`; they go before all others,
    and the attribute is gone afterwards. `weft run --schedule=FILE` puts it there.

    **Leaves alone** kernels that have a schedule, or had one applied, or whose buffers may overlap
    (`loop.may_alias`); the loops themselves.
    """

    name = "choose-schedule"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Choose for every kernel without a schedule."""
        cpu = cpu_of(op)
        give_schedules(op)
        for kernel in kernels(op):
            if not {SCHEDULE, APPLIED, MAY_ALIAS} & kernel.attributes.keys():
                chosen = choice(kernel, cpu)
                kernel.attributes[SCHEDULE] = ScheduleAttr(chosen.steps)
                tried.remember(kernel, chosen.result)


@dataclass(frozen=True)
class Choice:
    """A default schedule, why steps that would have been better were not taken, and a copy that it was done on."""

    steps: tuple[Step, ...]
    refused: tuple[str, ...]
    result: FuncOp


def choose(kernel: FuncOp, cpu: Cpu) -> tuple[Step, ...]:
    """The default schedule of a kernel on a CPU."""
    return choice(kernel, cpu).steps


def choice(kernel: FuncOp, cpu: Cpu) -> Choice:
    """The default schedule of a kernel on a CPU, and what was refused."""
    trial = Trial(kernel)
    names = Names({buffer_name(b) or "" for b in buffers(kernel)})
    names.used |= {op.label.data for op in inside(kernel) if isinstance(op, ForOp)}
    block_rows(trial, cpu, names)
    done = lanes_over_rows(trial, cpu, names)
    fuse_rows(trial, threads=cpu.threads)
    fuse_elements(trial)
    contract_rows(trial)
    reduce_in_parts(trial, cpu, names)
    for group in [one for one in _groups(trial.snapshot().body.block) if one.first not in done]:
        _choose_group(trial, group, cpu, names)
    stream_results(trial, cpu.l3_bytes)
    return Choice(tuple(joined(trial.steps)), tuple(dict.fromkeys(trial.refused)), trial.copy)


@dataclass(frozen=True)
class _Group:
    """Nests that share outer loops: `outer` around `leaves`; a nest alone has no outer loops."""

    outer: tuple[ForOp, ...]
    leaves: tuple[Leaf, ...]

    @property
    def first(self) -> str:
        """The label of the outermost loop of the first nest, that of the loop it is a ragged copy of."""
        loops = self.outer or tuple(loop for nest in self.leaves[:1] for loop in nest.loops)
        return loops[0].label.data.rstrip("~")


def _groups(block: Block) -> Iterator[_Group]:
    """The nests of a block, those under conditions too."""
    for op in block.ops:
        if isinstance(op, IfOp):
            yield from _groups(op.then.block)
            yield from _groups(op.other.block)
        elif isinstance(op, ForOp):
            alone = leaf(op)
            if alone is not None:
                yield _Group((), (alone,))
            else:
                outer = tuple(perfect(op))
                inner = tuple(nest for group in _groups(outer[-1].block) for nest in group.leaves)
                yield _Group(outer, inner)


def _choose_group(trial: Trial, group: _Group, cpu: Cpu, names: Names) -> None:
    """The plans of the nests of a group; threads go to the loops that they share."""
    work = sum(nest.work() for nest in group.leaves)
    for loop in group.outer:
        work *= trip_or(loop, UNKNOWN_TRIP)
    shared = None
    if group.outer and Machine(cpu, parallel=True).wants_threads(work):
        loop = shared_out(group.outer, work, cpu.threads)
        shared = None if loop is None else loop.label.data
    machine = Machine(cpu, parallel=shared is None, blocked=len(group.outer) > 1, shared=shared)
    for nest in group.leaves:
        if not trial.has(nest):
            continue
        for plan in filter(None, plans(nest, machine, names)):
            alone = [step for step in plan if not isinstance(step, Parallelize)]
            if trial.attempt(plan) or (len(alone) < len(plan) and trial.attempt(alone)):
                break
        else:
            trial.attempt(threads_for(nest, machine))
        for access in nest.accesses:
            if isinstance(access, WriteOp) and isinstance(access.target.owner, AllocOp):
                trial.fuse_consumer(buffer_name(access.target) or "")
    if group.outer and trial.has_loop(group.outer[-1].label.data):
        ask_for_rows(trial, group.outer[-1].label.data, cpu)
    jammed = jam_rows(trial, group.outer, group.leaves, names)
    write_out(trial, group.leaves)
    if shared is not None:
        trial.attempt([Parallelize(jammed.get(shared, shared))])
