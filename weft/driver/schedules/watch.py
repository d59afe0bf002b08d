"""An instrument that keeps what becomes of each kernel: its ops, its loops, its schedule, what was refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from xdsl.dialects.builtin import ModuleOp
from xdsl.dialects.func import CallOp, FuncOp
from xdsl.ir import Operation
from xdsl.passes import ModulePass

from weft.diagnostics import Location
from weft.dialects.locations import where
from weft.dialects.loop import ScheduleAttr
from weft.dialects.target import Cpu, Cuda, compiled_for, cpu_of, cuda_of
from weft.driver.instruments import Quiet
from weft.driver.schedules.nests import nest_lines
from weft.driver.schedules.text import Scheduled
from weft.passes.graph.outline_kernels import is_kernel
from weft.passes.graph.roles import Role, role_of
from weft.passes.graph.row_blocks import why_apart
from weft.passes.loops.kernels import APPLIED, SCHEDULE, SCHEDULES, kernels

CHOOSING: dict[str, Callable[[ModuleOp], Cpu | Cuda]] = {"choose-schedule": cpu_of, "choose-gpu-schedule": cuda_of}
"""The passes that choose schedules, and what each chooses for."""


@dataclass
class Kernel:
    """A kernel at its stops."""

    name: str
    ops: list[tuple[str, Location]] = field(default_factory=list[tuple[str, Location]])
    """The ml ops that were fused into it, with the places that they come from."""
    sources: dict[str, None] = field(default_factory=dict[str, None])
    """The kernels whose results it takes, and which were thus not fused with it."""
    heavy: str | None = None
    """The op that needs loops of its own, where there is one."""
    apart: str | None = None
    """Why rows that it hands on or takes are not in blocks, where it has a contraction."""
    calls: int = 0
    """How many calls of it stand in the program."""
    before: FuncOp | None = None
    """Its naive loops."""
    steps: ScheduleAttr | None = None
    given: bool = False
    """Whether the steps come from the program or from a file."""
    refused: tuple[str, ...] = ()
    after: FuncOp | None = None
    """Its loops with the schedule applied."""

    def scheduled(self) -> Scheduled:
        """As the file of schedules has it."""
        loops = tuple(nest_lines(self.before)) if self.before is not None else ()
        return Scheduled(self.name, loops, self.steps or ScheduleAttr(()))


@dataclass
class Watch(Quiet):
    """Keeps the kernels of the program that goes by."""

    refusals: bool = False
    """Whether to ask again what was refused, which takes as long as choosing."""
    kernels: dict[str, Kernel] = field(default_factory=dict[str, Kernel])
    target: Cpu | Cuda = field(default_factory=Cpu)
    """What the program is compiled for."""

    def before(self, step: ModulePass, op: Operation) -> None:
        """Keep the naive loops, and whether they have a schedule already."""
        if step.name not in CHOOSING or not isinstance(op, ModuleOp):
            return
        self.target = CHOOSING[step.name](op)
        said = op.attributes.get(SCHEDULES)
        for kernel in kernels(op):
            kept = self._kernel(kernel)
            kept.before = kernel.clone()
            kept.given = SCHEDULE in kernel.attributes or kept.name in getattr(said, "data", {})
            if self.refusals and not kept.given and APPLIED not in kernel.attributes:
                kept.refused = _refused(kernel, self.target)

    def after(self, step: ModulePass, op: Operation) -> None:
        """Keep what the pass made of each kernel."""
        if not isinstance(op, ModuleOp):
            return
        if step.name == "outline-kernels":
            self._outlined(op)
        elif step.name in CHOOSING:
            for kernel in kernels(op):
                steps = kernel.attributes.get(SCHEDULE)
                self._kernel(kernel).steps = steps if isinstance(steps, ScheduleAttr) else None
        elif step.name == "apply-schedule":
            self._called(op)
            for kernel in kernels(op):
                self._kernel(kernel).after = kernel.clone()

    def _outlined(self, module: ModuleOp) -> None:
        cpu = compiled_for(module)
        for function in module.body.block.ops:
            if isinstance(function, FuncOp) and is_kernel(function):
                kernel = self._kernel(function)
                reasons = (why_apart(op, cpu) for op in _ml_ops(function)) if cpu is not None else ()
                kernel.apart = next(filter(None, reasons), None)
                kernel.ops = [(op.name, where(op)) for op in _ml_ops(function)]
                kernel.heavy = next((op.name for op in _ml_ops(function) if role_of(op) is Role.HEAVY), None)
        for call in (op for op in module.walk() if isinstance(op, CallOp)):
            kernel = self.kernels.get(call.callee.string_value())
            if kernel is not None:
                kernel.sources |= dict.fromkeys(_sources(call) & self.kernels.keys())

    def _called(self, module: ModuleOp) -> None:
        for call in (op for op in module.walk() if isinstance(op, CallOp)):
            if (kernel := self.kernels.get(call.callee.string_value())) is not None:
                kernel.calls += 1

    def _kernel(self, function: FuncOp) -> Kernel:
        name = function.sym_name.data
        return self.kernels.setdefault(name, Kernel(name))

    def living(self) -> list[Kernel]:
        """The kernels that are in the program at the end, in order."""
        return [kernel for kernel in self.kernels.values() if kernel.after is not None]


def _refused(kernel: FuncOp, target: Cpu | Cuda) -> tuple[str, ...]:
    """Why steps were not taken that would have been better."""
    if isinstance(target, Cpu):
        from weft.passes.loops.choose_schedule import choice

        return choice(kernel, target).refused
    from weft.passes.gpu.choose_gpu_schedule import choose

    return tuple(dict.fromkeys(choose(kernel, target).refused))


def _sources(call: CallOp) -> set[str]:
    """The functions whose results a call takes, also behind a change of shape."""
    found: set[str] = set()
    values = list(call.operands)
    for value in values:
        owner = value.owner
        if isinstance(owner, CallOp):
            found.add(owner.callee.string_value())
        elif isinstance(owner, Operation) and owner.name == "ml.reshape":
            values += owner.operands
    return found


def _ml_ops(kernel: FuncOp) -> Iterator[Operation]:
    return (op for op in kernel.body.block.ops if op.name.startswith("ml.") and op.name != "ml.constant")
