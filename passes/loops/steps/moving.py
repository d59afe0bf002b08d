"""Moving the body of an elementwise nest to where its buffer is read or written: what both fusions share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import takewhile

from xdsl.ir import Operation, SSAValue
from xdsl.rewriter import InsertPoint
from xdsl.traits import is_side_effect_free

from weft.dialects.loop import AccessOp, AllocOp, ForOp, Linear, LinearOp, linear, loop_of
from weft.dialects.loop.buffers import memref_of
from weft.dialects.loop.nest import enclosing
from weft.passes.loops.dependence import accesses
from weft.passes.loops.kernels import Refuse, erase, insert, label
from weft.passes.loops.ranges import least


@dataclass(frozen=True)
class Elementwise:
    """A nest that does one thing for each element of a buffer: its counters by dimension, its body, its top."""

    access: AccessOp
    counters: tuple[SSAValue, ...]
    body: tuple[Operation, ...]
    top: ForOp

    def place(self, at: AccessOp, values: dict[SSAValue, SSAValue]) -> None:
        """Copy the body, less its access of the buffer, before `at`, for the element that `at` touches."""
        forms = dict(zip(self.counters, at.index(), strict=True))
        copies = [op.clone(values) for op in self.body if op is not self.access]
        for op in copies:
            if isinstance(op, LinearOp):
                op.set_forms([form.substitute(forms) for form in op.forms()])
        insert(copies, InsertPoint.before(at), at)

    def drop(self) -> None:
        """Erase the nest, the buffer, and hints about it."""
        owner = self.access.target.owner
        erase(self.top)
        assert isinstance(owner, AllocOp)
        for hint in [use.operation for use in owner.result.uses]:
            _erase_with_loops(hint)
        erase(owner)


def _erase_with_loops(op: Operation) -> None:
    """Erase an op, and the loops that hold nothing after that."""
    parent = op.parent_op()
    erase(op)
    if isinstance(parent, ForOp) and parent.block.first_op is None:
        _erase_with_loops(parent)


def local(buffer: SSAValue, name: str) -> AllocOp:
    """The alloc of a buffer; its block holds all that touches it. Raises :class:`Refuse` where it is an argument."""
    owner = buffer.owner
    if not isinstance(owner, AllocOp):
        raise Refuse(f"'{name}' is no buffer of the kernel alone")
    return owner


def elementwise(alloc: AllocOp, access: AccessOp, others: Sequence[AccessOp], name: str) -> Elementwise:
    """The nest around an access that goes once over all of the buffer, or all that the others touch of it.

    Raises :class:`Refuse` otherwise.
    """
    counters: list[SSAValue] = []
    sizes = iter(alloc.sizes)
    for axis, (form, size) in enumerate(zip(access.index(), memref_of(alloc.result).get_shape(), strict=True)):
        value = form.values[0] if form.terms else None
        loop = loop_of(value) if value is not None else None
        if loop is None or value is None or form != linear(value) or value in counters:
            raise Refuse(f"'{name}' is not indexed by the plain counters of its nest")
        whole: Linear = linear(next(sizes)) if size < 0 else linear(size)
        if loop.forms() != (whole,) and not _covers(loop, [other.index()[axis] for other in others]):
            raise Refuse(f"'{label(loop)}' does not run over all of '{name}'")
        counters.append(value)
    around = list(takewhile(lambda op: op is not alloc.parent_op(), enclosing(access)))
    block = access.parent
    if set(around) != {loop_of(v) for v in counters} or block is None:
        raise Refuse(f"the nest around '{name}' has other loops or conditions")
    for outer, inner in zip(around[1:], around, strict=False):
        assert isinstance(outer, ForOp)
        if outer.block.first_op is not inner or outer.block.last_op is not inner:
            raise Refuse(f"the nest around '{name}' is not perfect")
    top = around[-1] if around else None
    if not isinstance(top, ForOp) or any(op.regions or isinstance(op, AllocOp) for op in block.ops):
        raise Refuse(f"'{name}' is not touched in a nest of its own")
    return Elementwise(access, tuple(counters), tuple(block.ops), top)


def _covers(loop: ForOp, places: Sequence[Linear]) -> bool:
    """Whether a loop runs over all that places in a buffer can be."""
    rests = [bound - place - 1 for bound in loop.forms() for place in places]
    return all((rest := least(form)) is not None and rest >= 0 for form in rests)


def hoist(body: Sequence[Operation], place: Operation) -> None:
    """Move what a body takes from the block of `place` before that.

    Raises :class:`Refuse`, before anything moves, where it is not pure.
    """
    block = place.parent_block()
    assert block is not None
    moving: list[Operation] = []

    def need(op: Operation) -> None:
        for owner in (operand.owner for operand in op.operands):
            if not isinstance(owner, Operation) or owner.parent is not block or owner in moving:
                continue
            if owner.is_before_in_block(place):
                continue
            if not is_side_effect_free(owner):
                raise Refuse(f"the consumer takes the value of '{owner.name}', which comes too late")
            need(owner)
            moving.append(owner)

    for op in body:
        need(op)
    for op in moving:
        op.detach()
        block.insert_op_before(op, place)


def beside(alloc: AllocOp, op: Operation) -> Operation:
    """The op in the block of an alloc that holds `op`."""
    while op.parent is not alloc.parent and (parent := op.parent_op()) is not None:
        op = parent
    return op


def touched_between(
    first: Operation, last: Operation | None, buffers: Iterable[SSAValue], kind: type[AccessOp]
) -> SSAValue | None:
    """A buffer that an access of that kind touches from `first` up to `last`, both ops of one block.

    `last` itself does not count; without it, all ops to the end do.
    """
    wanted = set(buffers)
    op: Operation | None = first
    while op is not None and op is not last:
        for access in accesses(op):
            if isinstance(access, kind) and access.target in wanted:
                return access.target
        op = op.next_op
    return None


def targets(ops: Sequence[Operation], kind: type[AccessOp]) -> list[SSAValue]:
    """The buffers that ops of a body touch by accesses of that kind."""
    return list(dict.fromkeys(op.target for op in ops if isinstance(op, kind)))
