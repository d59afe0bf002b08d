"""What `--explain` prints: kernel by kernel what was done and what was not, and what the machine would allow."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from math import prod

from xdsl.dialects.builtin import MemRefType
from xdsl.dialects.func import FuncOp
from xdsl.ir import SSAValue

from weft.dialects.loop import AllocOp, ForOp, StoreOp, buffer_name
from weft.dialects.loop.nest import loops_around
from weft.dialects.target import Cpu
from weft.driver.schedules.cost import Cost, Floor, cost_of, floor_of
from weft.driver.schedules.nests import nest_lines
from weft.driver.schedules.profile import Lap
from weft.driver.schedules.watch import Kernel
from weft.passes.loops.nest_shape import UNKNOWN_TRIP, Leaf, leaf, trip_or
from weft.passes.loops.plans.common import Machine

_WIDTH = 11


def explain(kernels: Iterable[Kernel], cpu: Cpu, laps: Mapping[str, Lap] | None = None) -> str:
    """The report. `laps` has the times of a run."""
    known = {kernel.name: kernel for kernel in kernels}
    texts = ["\n".join(_kernel(kernel, known, cpu, laps)) + "\n" for kernel in known.values()]
    return "\n".join([*texts, _machine(cpu), ""])


def _machine(cpu: Cpu) -> str:
    return (
        f"machine: {cpu.threads} thread{'s' if cpu.threads > 1 else ''}, vectors of {cpu.vector_bytes} bytes in "
        f"{cpu.vector_registers} registers, L2 {_size(cpu.l2_bytes)}, L3 {_size(cpu.l3_bytes)}, at most {cpu.gflops} "
        f"GFLOP/s in f32 a thread, {cpu.gbytes} GB/s between memory and all threads"
    )


def _kernel(kernel: Kernel, known: Mapping[str, Kernel], cpu: Cpu, laps: Mapping[str, Lap] | None) -> Iterator[str]:
    before, after = kernel.before, kernel.after
    assert before is not None and after is not None
    yield f"@{kernel.name}: {_what(kernel)}"
    yield from _lines("not fused", [_apart(known[name], kernel) for name in kernel.sources if name in known])
    yield from _lines("loops", nest_lines(before))
    steps = kernel.steps.data if kernel.steps is not None else ()
    how = "given" if kernel.given else "schedule"
    yield from _lines(how, [str(step) for step in steps] or ["none: the loops run as they stand"])
    yield from _lines("vectors", _vectors(after))
    yield from _lines("threads", _threads(before, after, cpu))
    yield from _lines("buffers", _buffers(after))
    yield from _lines("not taken", list(kernel.refused))
    names = _arguments(before)
    cost = cost_of(before, names)
    is_parallel = any(loop.kind() == "parallel" for loop in _loops(after))
    floor = floor_of(cost, cpu, cpu.threads if is_parallel else 1)
    yield from _lines("work", _work(cost))
    yield from _lines("floor", _floor(cost, floor, cpu))
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
        return f"with @{source.name}: {source.heavy} and {kernel.heavy} both need loops of their own"
    return f"with @{source.name}: its result is used elsewhere too, or an element of it more than once"


def _loops(kernel: FuncOp) -> list[ForOp]:
    return [op for op in kernel.walk() if isinstance(op, ForOp)]


def _vectors(after: FuncOp) -> Iterator[str]:
    """Which loops run in vectors, and which innermost ones do not, and why."""
    vectors = [loop for loop in _loops(after) if loop.kind() == "vector"]
    wide = {f"{loop.label.data.rstrip('~')} ({loop.number()} lanes)": None for loop in vectors}
    if wide:
        yield ", ".join(wide)
    for nest in _scalar_nests(after):
        yield f"none in {nest.loops[-1].label.data}: {_why_scalar(nest)}"


def _scalar_nests(after: FuncOp) -> Iterator[Leaf]:
    """The innermost nests without a vector loop."""
    return (nest for nest in _leaves(after) if not any(loop.kind() == "vector" for loop in nest.loops))


def _why_scalar(nest: Leaf) -> str:
    trip = nest.loops[-1].greatest_trip()
    if trip is not None and trip < 4:
        return f"it runs {trip} time{'s' if trip != 1 else ''} at most"
    if nest.calls():
        return "its body calls functions that have no vector form"
    return "no plan for its accesses was legal (see below)" if nest.accesses else "it touches no buffer"


def _threads(before: FuncOp, after: FuncOp, cpu: Cpu) -> Iterator[str]:
    """Which loops are shared out, and if none is, why."""
    shared = [loop for loop in _loops(after) if loop.kind() == "parallel"]
    if shared:
        pieces = [f"{loop.label.data} ({loop.greatest_trip() or '?'} pieces)" for loop in shared]
        yield ", ".join(dict.fromkeys(pieces))
    elif cpu.threads == 1:
        yield "none: the program was compiled for one"
    else:
        work = sum(_work_of(nest) for nest in _leaves(before))
        enough = Machine(cpu, parallel=True).wants_threads(work)
        few = f"{_count(work)} scalar operations are too few to wake threads for"
        yield "none: no loop that may be shared out was found" if enough else f"none: {few}"


def _leaves(kernel: FuncOp) -> Iterator[Leaf]:
    """The perfect nests of a kernel."""
    for loop in _loops(kernel):
        parent = loop.parent_op()
        nest = None if isinstance(parent, ForOp) and leaf(parent) is not None else leaf(loop)
        if nest is not None:
            yield nest


def _work_of(nest: Leaf) -> int:
    """The scalar operations of a nest and of the loops around it."""
    return nest.work() * prod(trip_or(loop, UNKNOWN_TRIP) for loop in loops_around(nest.loops[0]))


def _buffers(after: FuncOp) -> Iterator[str]:
    """What is kept in registers, what is copied into an order of its own, what goes past the caches."""
    spaces: dict[str, list[str]] = {}
    for op in after.walk():
        if isinstance(op, AllocOp):
            shape = "x".join("?" if size < 0 else str(size) for size in op.result.type.get_shape())
            spaces.setdefault(op.space.data, []).append(f"{(buffer_name(op.result) or '?').rstrip('~')} {shape}")
    titles = {"reg": "in registers", "stack": "on the stack", "heap": "in memory of its own", "shared": "shared"}
    for space, names in spaces.items():
        yield f"{titles.get(space, space)}: {', '.join(dict.fromkeys(names))}"
    past = [buffer_name(op.target) or "?" for op in after.walk() if isinstance(op, StoreOp) and op.nontemporal]
    if past:
        yield f"stored past the caches: {', '.join(dict.fromkeys(past))}"


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
    read = ", ".join(f"{m.name} {_size(m.read)}" for m in cost.moved if m.read)
    written = ", ".join(f"{m.name} {_size(m.written)}" for m in cost.moved if m.written)
    yield f"{_count(cost.flops)} operations on floats, {_size(cost.bytes)} moved"
    yield f"reads {read or 'nothing'}; writes {written or 'nothing'}"


def _floor(cost: Cost, floor: Floor | None, cpu: Cpu) -> Iterator[str]:
    if floor is None or cost.bytes is None:
        return
    kind = "by its arithmetic" if floor.arithmetic >= floor.memory else "by what it moves"
    cached = ", what it moves fits into the last cache" if cost.bytes <= cpu.l3_bytes else ""
    yield f"{_time(floor.seconds)} {kind}{cached}"


def _measured(lap: Lap | None, cost: Cost, floor: Floor | None) -> str:
    if lap is None:
        return "it did not run"
    rates = [
        *([f"{cost.flops / lap.least / 1e9:.1f} GFLOP/s"] if cost.flops and lap.least else []),
        *([f"{cost.bytes / lap.least / 1e9:.1f} GB/s"] if cost.bytes and lap.least else []),
        *([f"{lap.least / floor.seconds:.2f} times the floor"] if floor is not None and floor.seconds else []),
    ]
    more = f", {_time(lap.total / lap.count)} in the mean of {lap.count} calls" if lap.count > 1 else ""
    return f"{_time(lap.least)}{more}" + (f": {', '.join(rates)}" if rates else "")


def _size(count: int) -> str:
    for unit, size in (("GB", 1 << 30), ("MB", 1 << 20), ("KB", 1 << 10)):
        if count >= size:
            return f"{count / size:.3g} {unit}"
    return f"{count} bytes"


def _count(count: int) -> str:
    for unit, size in (("billion", 10**9), ("million", 10**6)):
        if count >= size:
            return f"{count / size:.3g} {unit}"
    return str(count)


def _time(seconds: float) -> str:
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds * 1e9:.3g} ns"
