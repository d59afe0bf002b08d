"""Kernels as steps see them: finding loops and buffers by name, putting ops in with a location, making symbols."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import cast

from xdsl.dialects import arith
from xdsl.dialects.builtin import IndexType, IntegerAttr, ModuleOp, StringAttr
from xdsl.dialects.func import CallOp, FuncOp
from xdsl.ir import Block, Operation, SSAValue
from xdsl.rewriter import InsertPoint, Rewriter

from weft import codes
from weft.diagnostics import WeftError, did_you_mean
from weft.dialects.loop import AllocOp, ForOp, IfOp, IndexOp, Linear, LinearOp, ReduceOp, buffer_name
from weft.dialects.loop.buffers import MAY_ALIAS
from weft.dialects.loop.nest import loops_around
from weft.dialects.walking import inside
from weft.passes.loops.ranges import greatest_trip, quotient
from weft.passes.rewriting import LocatedBuilder

KERNEL = "loop.kernel"
SCHEDULE = "loop.schedule"
APPLIED = "loop.applied"
SCHEDULES = "loop.schedules"
"""The attribute of a module: schedules of its kernels, by their names."""


class Refuse(WeftError):
    """A step that is not legal here, in one sentence: what stands against it."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message, hint=hint, code=codes.REFUSED_STEP)


def kernels(module: ModuleOp) -> Iterator[FuncOp]:
    """The kernels of a module, of nested ones too."""
    for op in module.body.block.ops:
        if isinstance(op, FuncOp):
            if KERNEL in op.attributes:
                yield op
        elif op.regions:
            yield from (inner for inner in inside(op) if isinstance(inner, FuncOp) and KERNEL in inner.attributes)


def private_kernels(module: ModuleOp) -> Iterator[tuple[FuncOp, list[CallOp]]]:
    """The naive kernels whose arguments may change with all their calls, and these: private, without a schedule, and of
    buffers that do not overlap."""
    calls: dict[str, list[CallOp]] = defaultdict(list)
    for call in module.walk():
        if isinstance(call, CallOp):
            calls[call.callee.string_value()].append(call)
    for kernel in kernels(module):
        private = kernel.sym_visibility is not None and kernel.sym_visibility.data == "private"
        if private and not {SCHEDULE, APPLIED, MAY_ALIAS} & kernel.attributes.keys():
            yield kernel, calls[kernel.sym_name.data]


def label(loop: ForOp) -> str:
    """The label of a loop."""
    return cast(StringAttr, loop.properties["label"]).data


def loops(kernel: Operation, name: str) -> list[ForOp]:
    """Every loop that `name` names: `k` means k and its ragged copies `k~`, `k~~`; `k~` only those."""
    labelled = [op for op in inside(kernel) if type(op) is ForOp]
    return [loop for loop in labelled if (own := label(loop)).startswith(name) and not own[len(name) :].strip("~")]


def find(kernel: Operation, name: str) -> ForOp:
    """The one loop with that label. Raises :class:`Refuse` where there is none, or several copies."""
    labelled = [op for op in inside(kernel) if type(op) is ForOp]
    found = [loop for loop in labelled if label(loop) == name]
    if len(found) == 1:
        return found[0]
    known = [label(loop) for loop in labelled]
    if found:
        raise Refuse(f"{len(found)} loops are labelled '{name}'")
    raise Refuse(f"no loop is labelled '{name}'", hint=did_you_mean(name, known))


def most_iterations(loop: ForOp) -> int:
    """The most iterations of a loop. Raises :class:`Refuse` where only the run knows."""
    trip = greatest_trip(loop)
    if trip is None:
        raise Refuse(f"the bound of '{label(loop)}' is not known to be constant; tile it first")
    return trip


def need_no_lanes(loop: ForOp) -> None:
    """Raises :class:`Refuse` where a loop is, or stands in, a vector loop: nothing more may come into it."""
    for outer in (loop, *loops_around(loop)):
        if outer.kind() == "vector":
            inside = "is" if outer is loop else f"stands in '{label(outer)}', which is"
            raise Refuse(f"'{label(loop)}' {inside} a vector loop; vectorize last")


def need_new_label(kernel: Operation, *names: str) -> None:
    """Raises :class:`Refuse` where a label is in use, given twice, or looks like that of a ragged copy."""
    known = {label(op) for op in inside(kernel) if type(op) is ForOp}
    for position, name in enumerate(names):
        if not name or name.endswith("~"):
            raise Refuse(f"'{name}' is no label for a new loop")
        if name in names[:position] or name in known:
            raise Refuse(f"a loop is labelled '{name}' already")


def buffers(kernel: FuncOp) -> Iterator[SSAValue]:
    """The buffers of a kernel that have a name: arguments, then allocs."""
    yield from (arg for arg in kernel.body.block.args if buffer_name(arg) is not None)
    yield from (op.result for op in inside(kernel) if type(op) is AllocOp)


def find_buffer(kernel: FuncOp, name: str) -> SSAValue:
    """The buffer of that name. Raises :class:`Refuse` where there is none."""
    for buffer in buffers(kernel):
        if buffer_name(buffer) == name:
            return buffer
    known = [buffer_name(buffer) or "" for buffer in buffers(kernel)]
    raise Refuse(f"no buffer is named '{name}'", hint=did_you_mean(name, known))


def need_new_buffer(kernel: FuncOp, name: str) -> None:
    """Raises :class:`Refuse` where a buffer has that name already."""
    if not name or any(buffer_name(buffer) == name for buffer in buffers(kernel)):
        raise Refuse(f"a buffer is named '{name}' already")


def insert(ops: Iterable[Operation], at: InsertPoint, origin: Operation) -> None:
    """Put ops in; those without a location get that of `origin`."""
    builder = LocatedBuilder(at, origin.location)
    for op in ops:
        builder.insert(op)


def replace_counter(loop: ForOp, form: Linear) -> None:
    """Put a form in the place of a loop's counter, everywhere. `over` lists take all counters of the form.

    A form with a constant part above 0 is never 0: what is reduced over it always combines.
    """
    counter = loop.counter
    for user in list(dict.fromkeys(use.operation for use in counter.uses)):
        assert isinstance(user, LinearOp)
        forms = [f.substitute({counter: form}) for f in user.forms()]
        over = list(user.trailing())
        if isinstance(user, ReduceOp) and any(value is counter for value in over):
            over = [] if form.constant else [v for old in over for v in _split(old, counter, form)]
        user.set_forms(forms, over)


def _split(value: SSAValue, counter: SSAValue, form: Linear) -> tuple[SSAValue, ...]:
    return form.values if value is counter else (value,)


def make_symbol(kernel: FuncOp, form: Linear, divisor: int, *, up: bool, origin: Operation) -> SSAValue:
    """The symbol `form / divisor`, rounded up or down, made at the top of the kernel where it is not there yet.

    `form` is of symbols only.
    """
    kind = arith.CeilDivSIOp if up else arith.FloorDivSIOp
    block = kernel.body.block
    for op in block.ops:
        if isinstance(op, kind) and quotient(op.result) == (form, divisor, up):
            return op.result
    by = arith.ConstantOp(IntegerAttr(divisor, IndexType()))
    made: list[Operation] = [by]
    dividend = form.values[0] if form == Linear(((form.values[0], 1),)) else None
    if dividend is None:
        made.append(IndexOp(form))
        dividend = made[-1].results[0]
    made.append(kind(dividend, by.result))
    insert(made, after_definitions(block, form.values), origin)
    return made[-1].results[0]


def after_definitions(block: Block, values: Iterable[SSAValue]) -> InsertPoint:
    """The first place in a kernel's block where all of these symbols are defined."""
    owners = {value.owner for value in values}
    last = None
    for op in block.ops:
        if op in owners:
            last = op
    return InsertPoint.at_start(block) if last is None else InsertPoint.after(last)


def erase(op: Operation) -> None:
    """Take an op out of its block and drop it, with all it holds."""
    op.detach()
    op.erase()


def set_label(loop: ForOp, name: str) -> None:
    """Give a loop another label; the counter takes its name hint from it."""
    loop.label = StringAttr(name)
    hint = name.replace(".", "_").rstrip("~")
    if SSAValue.is_valid_name(hint):
        loop.counter.name_hint = hint


def fold_conditions(root: Operation) -> None:
    """Keep of each condition that is constant inside `root` the branch that runs."""
    for op in inside(root):
        if not isinstance(op, IfOp) or not op.condition().is_constant:
            continue
        block = (op.then if op.condition().constant >= 0 else op.other).block
        for inner in list(block.ops):
            inner.detach()
            Rewriter.insert_op(inner, InsertPoint.before(op))
        erase(op)
