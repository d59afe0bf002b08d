"""Nests that steps make: copies of loops under new labels, to run over the places that other loops touch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from xdsl.dialects.func import FuncOp
from xdsl.ir import Operation, SSAValue

from weft.dialects.loop import ForOp, Linear, linear
from weft.passes.loops.kernels import Refuse, label, need_new_label

KEPT = ("unroll", "warp", "thread")
"""Marks that copies of a loop keep wherever they stand."""


@dataclass(frozen=True)
class Nest:
    """Loops, outermost first, and what they put in the place of the counters of the loops they copy."""

    loops: tuple[ForOp, ...]
    counters: Mapping[SSAValue, Linear]

    def index(self, forms: Iterable[Linear]) -> list[Linear]:
        """Forms of the copied loops as forms of the copies."""
        return [form.substitute(self.counters) for form in forms]

    def close(self, body: Sequence[Operation]) -> list[Operation]:
        """Put the loops into each other and `body` into the innermost; what stands outermost."""
        for outer, inner in pairwise(self.loops):
            outer.block.add_op(inner)
        if not self.loops:
            return list(body)
        self.loops[-1].block.add_ops(body)
        return [self.loops[0]]


def copy_loops(
    kernel: FuncOp, originals: Sequence[ForOp], prefix: str, *, marks: bool, order: Sequence[ForOp] = ()
) -> Nest:
    """Empty copies of loops, labelled `prefix.` and the last word of the label, nested in `order`.

    `originals` stand outermost first. With `marks`, unrolled and vector loops, and those over threads, stay so.
    Raises :class:`Refuse` where a label is in use, or a bound would need a loop that stands deeper in `order`.
    """
    order = order or originals
    for position, loop in enumerate(order):
        for deeper in order[position + 1 :]:
            if deeper.counter in loop.counters:
                raise Refuse(f"the bound of '{label(loop)}' needs '{label(deeper)}' outside of it")
    counters: dict[SSAValue, Linear] = {}
    copies: dict[ForOp, ForOp] = {}
    names: list[str] = []
    for loop in originals:
        name = f"{prefix}.{label(loop).split('.')[-1].rstrip('~')}"
        while name in names:
            name += "x"
        need_new_label(kernel, name)
        names.append(name)
        bounds = [form.substitute(counters) for form in loop.forms()]
        kept = marks and (loop.kind() in KEPT or (loop.kind() == "vector" and _is_innermost(loop, order)))
        copy = ForOp(name, bounds, loop.mark if kept else None)
        counters[loop.counter] = linear(copy.counter)
        copies[loop] = copy
    return Nest(tuple(copies[loop] for loop in order), counters)


def _is_innermost(loop: ForOp, order: Sequence[ForOp]) -> bool:
    """True when nothing but unrolled loops stands deeper in `order`."""
    return all(deeper.kind() == "unroll" for deeper in order[order.index(loop) + 1 :])
