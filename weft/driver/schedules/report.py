"""What `--explain` prints: kernel by kernel what was done and what was not, and what the machine would allow."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Protocol

from xdsl.dialects.builtin import MemRefType
from xdsl.dialects.func import FuncOp
from xdsl.ir import SSAValue

from weft.dialects.loop import AllocOp, StoreOp, buffer_name
from weft.dialects.target import Cpu, Cuda
from weft.driver.schedules.amounts import count_text, size_text, time_text
from weft.driver.schedules.cost import Cost, Floor, cost_of
from weft.driver.schedules.cpu_machine import CpuMachine
from weft.driver.schedules.gpu_machine import GpuMachine
from weft.driver.schedules.nests import nest_lines
from weft.driver.schedules.profile import Lap
from weft.driver.schedules.watch import Kernel

_WIDTH = 11


class Machine(Protocol):
    """What the report says of the machine that a program is compiled for."""

    def described(self) -> str:
        """Its facts, in a line."""
        ...

    def units(self, before: FuncOp, after: FuncOp) -> Iterator[tuple[str, Iterable[str]]]:
        """Titles and lines: what of a kernel runs at once, in vectors, threads and the like, and if not, why."""
        ...

    def floor(self, cost: Cost, after: FuncOp) -> Floor | None:
        """The least time that a kernel can take; None where the machine or the kernel is not known well enough."""
        ...

    def stays_in_caches(self, cost: Cost) -> bool:
        """Whether all that a kernel moves fits into the last cache."""
        ...


def explain(kernels: Iterable[Kernel], target: Cpu | Cuda, laps: Mapping[str, Lap] | None = None) -> str:
    """The report. `laps` has the times of a run."""
    machine = CpuMachine(target) if isinstance(target, Cpu) else GpuMachine(target)
    known = {kernel.name: kernel for kernel in kernels}
    texts = ["\n".join(_kernel(kernel, known, machine, laps)) + "\n" for kernel in known.values()]
    return "\n".join([*texts, machine.described(), ""])


def _kernel(
    kernel: Kernel, known: Mapping[str, Kernel], machine: Machine, laps: Mapping[str, Lap] | None
) -> Iterator[str]:
    before, after = kernel.before, kernel.after
    assert before is not None and after is not None
    yield f"@{kernel.name}: {_what(kernel)}"
    yield from _lines("not fused", [_apart(known[name], kernel) for name in kernel.sources if name in known])
    yield from _lines("loops", nest_lines(before))
    steps = kernel.steps.data if kernel.steps is not None else ()
    how = "given" if kernel.given else "schedule"
    yield from _lines(how, [str(step) for step in steps] or ["none: the loops run as they stand"])
    for title, lines in machine.units(before, after):
        yield from _lines(title, lines)
    yield from _lines("buffers", _buffers(after))
    yield from _lines("not taken", list(kernel.refused))
    cost = cost_of(before, _arguments(before))
    floor = machine.floor(cost, after)
    yield from _lines("work", _work(cost))
    if floor is not None:
        yield from _lines("floor", [_floor(floor, cached=machine.stays_in_caches(cost))])
    if laps is not None:
        yield from _lines("measured", [_measured(laps.get(kernel.name), cost, floor)])


def _lines(title: str, lines: Iterable[str]) -> Iterator[str]:
    for n, line in enumerate(lines):
        yield f"  {title if n == 0 else '':{_WIDTH}}{line}"


def _what(kernel: Kernel) -> str:
    """The ops that it computes, with the lines that they come from."""
    if not kernel.ops:
        return "loops that the program says"
    counts = Counter(name for name, _ in kernel.ops)
    ops = ", ".join(f"{name} x{count}" if count > 1 else name for name, count in counts.items())
    places = list(dict.fromkeys(f"{where.file}:{where.line}" for _, where in kernel.ops if where.line))
    where = f" ({places[0]}{' to ' + places[-1].rpartition(':')[2] if len(places) > 1 else ''})" if places else ""
    fused = f"{len(kernel.ops)} ops fused: " if len(kernel.ops) > 1 else ""
    calls = f", called at {kernel.calls} places" if kernel.calls > 1 else ""
    return f"{fused}{ops}{where}{calls}"


def _apart(source: Kernel, kernel: Kernel) -> str:
    """Why a kernel is not one with another whose result it takes."""
    if source.heavy is not None and kernel.heavy is not None:
        rows = source.apart or kernel.apart
        both = f"{source.heavy} and {kernel.heavy} both need loops of their own"
        return f"with @{source.name}: {both}" + (f"; {rows}" if rows else "")
    return f"with @{source.name}: its result is used elsewhere too, or an element of it more than once"


def _buffers(after: FuncOp) -> Iterator[str]:
    """What is kept in registers, what is copied into an order of its own, what goes past the caches."""
    spaces: dict[str, list[str]] = {}
    for op in after.walk():
        if isinstance(op, AllocOp):
            shape = "x".join("?" if size < 0 else str(size) for size in op.result.type.get_shape())
            spaces.setdefault(op.space.data, []).append(
                f"{(buffer_name(op.result) or '?').rstrip('~')} {shape}".rstrip()
            )
    titles = {"reg": "in registers", "stack": "on the stack", "heap": "in memory of its own", "shared": "shared"}
    for space, names in spaces.items():
        yield f"{titles.get(space, space)}: {', '.join(dict.fromkeys(names))}"
    past = [_streamed(op) for op in after.walk() if isinstance(op, StoreOp) and op.nontemporal]
    if past:
        yield f"stored past the caches: {', '.join(dict.fromkeys(past))}"


def _streamed(op: StoreOp) -> str:
    """A buffer that is stored past the caches, and from which size on."""
    name = buffer_name(op.target) or "?"
    return name if op.least_bytes is None else f"{name} from {size_text(op.least_bytes.value.data)} on"


def _arguments(kernel: FuncOp) -> dict[SSAValue, str]:
    return {
        value: buffer_name(value) or f"argument {value.index}"
        for value in kernel.body.block.args
        if isinstance(value.type, MemRefType)
    }


def _work(cost: Cost) -> Iterator[str]:
    if cost.flops is None or cost.moved is None or cost.bytes is None:
        yield "depends on sizes that only the run knows"
        return
    read = ", ".join(f"{m.name} {size_text(m.read)}" for m in cost.moved if m.read)
    written = ", ".join(f"{m.name} {size_text(m.written)}" for m in cost.moved if m.written)
    yield f"{count_text(cost.flops)} operations on floats, {size_text(cost.bytes)} moved"
    yield f"reads {read or 'nothing'}; writes {written or 'nothing'}"


def _floor(floor: Floor, *, cached: bool) -> str:
    kind = "by its arithmetic" if floor.arithmetic >= floor.memory else "by what it moves"
    return f"{time_text(floor.seconds)} {kind}{', what it moves fits into the last cache' if cached else ''}"


def _measured(lap: Lap | None, cost: Cost, floor: Floor | None) -> str:
    if lap is None:
        return "it did not run"
    rates = [
        *([f"{cost.flops / lap.least / 1e9:.1f} GFLOP/s"] if cost.flops and lap.least else []),
        *([f"{cost.bytes / lap.least / 1e9:.1f} GB/s"] if cost.bytes and lap.least else []),
        *([f"{lap.least / floor.seconds:.2f} times the floor"] if floor is not None and floor.seconds else []),
    ]
    more = f", {time_text(lap.total / lap.count)} in the mean of {lap.count} calls" if lap.count > 1 else ""
    return f"{time_text(lap.least)}{more}" + (f": {', '.join(rates)}" if rates else "")
