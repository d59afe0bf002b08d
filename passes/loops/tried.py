"""What kernels become by the schedules that were chosen for them.

Choosing a schedule does its steps on a copy of the kernel. As long as nobody touches the kernel or its schedule, that
copy is what applying the schedule would make, and it is taken instead of doing every step once more.
"""

from __future__ import annotations

from dataclasses import dataclass
from weakref import WeakKeyDictionary

from xdsl.dialects.func import FuncOp
from xdsl.ir import Operation, SSAValue

State = list[object]


@dataclass(frozen=True)
class _Tried:
    """A kernel as it was with its schedule, and the copy that the schedule was done on.

    The state holds no op of the kernel: what refers to a weak key keeps it alive.
    """

    state: State
    copy: FuncOp


_TRIED: WeakKeyDictionary[FuncOp, _Tried] = WeakKeyDictionary()


def remember(kernel: FuncOp, copy: FuncOp) -> None:
    """Keep what the schedule of a kernel makes of it, until the kernel is gone."""
    state = _state(kernel)
    if state is not None:
        _TRIED[kernel] = _Tried(state, copy)


def take(kernel: FuncOp) -> bool:
    """Give a kernel the body that its schedule makes, where that is known: False where the steps have to be done."""
    tried = _TRIED.pop(kernel, None)
    if tried is None or tried.state != _state(kernel):
        return False
    kernel.detach_region(kernel.body)
    kernel.add_region(tried.copy.detach_region(tried.copy.body))
    return True


def _state(kernel: FuncOp) -> State | None:
    """All that a kernel says, values as numbers; None where a value stands before its definition."""
    numbers: dict[SSAValue, int] = {}
    out: State = []
    try:
        _describe(kernel, numbers, out)
    except KeyError:
        return None
    return out


def _describe(op: Operation, numbers: dict[SSAValue, int], out: State) -> None:
    operands = tuple([numbers[operand] for operand in op.operands])
    out.append((type(op), operands, dict(op.properties), dict(op.attributes), op.location))
    for result in op.results:
        numbers[result] = len(numbers)
        out.append(result.type)
    for region in op.regions:
        for block in region.blocks:
            for argument in block.args:
                numbers[argument] = len(numbers)
                out.append(argument.type)
            for inner in block.ops:
                _describe(inner, numbers, out)
        out.append(None)
