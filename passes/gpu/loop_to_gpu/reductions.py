"""Reductions of one place by many threads: by shuffles in a warp, and through shared memory between warps.

A reduction in a mapped loop that its index does not follow becomes a value of each thread (nothing, where the thread
does not run), the combination of these values, which every thread gets, and one write.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from xdsl.dialects import arith
from xdsl.dialects.builtin import (
    BFloat16Type,
    Float16Type,
    FloatAttr,
    IndexType,
    IntegerAttr,
    MemRefType,
    f32,
    i32,
    i64,
)
from xdsl.ir import Attribute, Block, Operation, SSAValue
from xdsl.rewriter import InsertPoint

from weft import codes
from weft.dialects import gpu
from weft.dialects.locations import error_at
from weft.dialects.loop import AllocOp, ForOp, IfOp, Linear, LoadOp, ReduceOp, StoreOp, linear, neutral
from weft.dialects.loop.base import integer_width
from weft.dialects.loop.nest import loops_around
from weft.passes.gpu.loop_to_gpu.ids import Ids
from weft.passes.gpu.loop_to_gpu.places import MAPPED, WARP, Places, rounded
from weft.passes.loops.kernels import erase, insert, label
from weft.passes.lower.types import integer_type

Binary: TypeAlias = Callable[[SSAValue, SSAValue], Operation]

FLOATS: Mapping[str, Binary] = {
    "add": arith.AddfOp,
    "mul": arith.MulfOp,
    "max": arith.MaximumfOp,
    "min": arith.MinimumfOp,
}
INTEGERS: Mapping[str, Binary] = {
    "add": arith.AddiOp,
    "mul": arith.MuliOp,
    "max": arith.MaxSIOp,
    "min": arith.MinSIOp,
    "umax": arith.MaxUIOp,
    "umin": arith.MinUIOp,
    "and": arith.AndIOp,
    "or": arith.OrIOp,
    "xor": arith.XOrIOp,
}
SIGNED = ("add", "mul", "max", "min")
WARP_KINDS: Mapping[str, str] = {
    "add": "add", "max": "maxsi", "min": "minsi", "umax": "maxui", "umin": "minui", "and": "and", "or": "or",
    "xor": "xor",
}  # fmt: skip
"""What `gpu.subgroup_reduce` calls the reductions of integers for which newer chips have one instruction."""


def combine_threads(body: Block, places: Places, ids: Ids) -> set[Operation]:
    """Replace the reductions across threads; the ops that all threads of the block have to run.

    Raises :class:`WeftError` for threads that no shuffle brings together.
    """
    together: set[Operation] = set()
    for op in list(body.walk()):
        if isinstance(op, ReduceOp):
            loops = across(op)
            if loops:
                _Reduction(op, loops, places, ids, together).replace()
    return together


def across(op: ReduceOp) -> list[ForOp]:
    """The mapped loops whose iterations reduce into one place, outermost first."""
    used = {value for form in op.index() for value in form.values}
    alloc = op.buffer.owner
    return [
        loop
        for loop in loops_around(op)
        if loop.kind() in MAPPED
        and loop.counter not in used
        and not (isinstance(alloc, AllocOp) and loop.is_ancestor(alloc))
    ][::-1]


@dataclass
class _Reduction:
    """One reduction across threads, while it is replaced. Ops are added before it, `made` in order."""

    op: ReduceOp
    across: list[ForOp]
    places: Places
    ids: Ids
    together: set[Operation]

    def __post_init__(self) -> None:
        self.kind = self.op.kind.data
        self.element = self.op.memref.element_type
        self.wide = _wide(self.element)
        self.made: list[Operation] = []

    def replace(self) -> None:
        """Replace the op."""
        size, first = self._group()
        start = arith.ConstantOp(neutral(self.kind, self.element))
        slot = AllocOp("reg", f"{self._name()}_of_thread", MemRefType(self.element, []))
        nothing = StoreOp(start.result, slot.result, [])
        value = StoreOp(self.op.value, slot.result, [])
        block = self.op.parent
        assert block is not None
        head = block.first_op
        assert head is not None
        insert([slot, start, nothing], InsertPoint.before(head), self.op)
        insert([value], InsertPoint.before(self.op), self.op)
        mine = self._add(LoadOp(slot.result, []))
        total = self._combined(self._widened(mine), size, first)
        write = self._write(self._narrowed(total))
        insert([*self.made, *write], InsertPoint.before(self.op), self.op)
        self.together |= {nothing, *self.made}
        if self._is_own():
            self.together |= set(write)
        erase(self.op)

    def _group(self) -> tuple[int, bool]:
        """How many neighbours combine their values, and whether they are all threads of the block.

        Threads for which the loops have no iteration take part: their values change nothing.
        """
        found = sorted((self.places.of[loop] for loop in self.across), key=lambda place: place.divisor)
        size = 1
        for place in found:
            if place.axis or place.divisor != size:
                raise self._refuse("they are no neighbours")
            size = rounded(size * place.extent)
        if self.places.threads[1:] != (1, 1):
            raise self._refuse("the block has threads along y or z")
        if found[-1].modulus is None:
            return self.places.threads[0], True
        return found[-1].modulus, False

    def _refuse(self, why: str) -> Exception:
        names = ", ".join(f"'{label(loop)}'" for loop in self.across)
        return error_at(self.op, f"the threads of {names} reduce into one place, and {why}", code=codes.CANNOT_LOWER)

    def _name(self) -> str:
        return self.op.value.name_hint or "value"

    def _add(self, op: Operation) -> SSAValue:
        self.made.append(op)
        return op.results[0]

    def _i32(self, value: int) -> SSAValue:
        return self._add(arith.ConstantOp(IntegerAttr(value, i32)))

    def _both(self, a: SSAValue, b: SSAValue) -> SSAValue:
        table = FLOATS if integer_width(self.wide) is None else INTEGERS
        return self._add(table[self.kind](a, b))

    def _butterfly(self, value: SSAValue, width: int) -> SSAValue:
        """Each of `width` neighbours, a power of two, gets what all of them have together."""
        if width == WARP and self.kind in WARP_KINDS and self.wide == i32:
            return self._add(gpu.SubgroupReduceOp(WARP_KINDS[self.kind], value))
        offset = width // 2
        while offset:
            shuffle = gpu.ShuffleOp("xor", value, self._i32(offset), self._i32(WARP))
            self._add(shuffle)
            value = self._both(value, shuffle.shuffle_result)
            offset //= 2
        return value

    def _combined(self, value: SSAValue, size: int, whole: bool) -> SSAValue:
        value = self._butterfly(value, min(size, WARP))
        if size <= WARP:
            return value
        warps = size // WARP
        thread = self.ids.thread(0)
        parts = AllocOp("shared", f"{self._name()}_of_warps", MemRefType(self.wide, [self.places.threads[0] // WARP]))
        self.made.append(parts)
        lane, warp = self.ids.part(thread, WARP, 1), self.ids.part(thread, None, WARP)
        self.made.append(IfOp(linear(lane) * -1, [StoreOp(value, parts.result, [linear(warp)])]))
        width = 1 << (warps - 1).bit_length()
        part = linear(self.ids.part(thread, width, 1))
        first = linear(0) if whole else linear(self.ids.part(thread, None, size)) * warps
        if width == warps:
            value = self._add(LoadOp(parts.result, [first + part]))
        else:
            value = self._masked(parts.result, first + part, part, warps)
        return self._butterfly(value, width)

    def _masked(self, parts: SSAValue, at: Linear, part: Linear, count: int) -> SSAValue:
        """The value of a warp, or nothing where there is no such warp."""
        start = arith.ConstantOp(_neutral(self.kind, self.element, self.wide))
        slot = AllocOp("reg", f"{self._name()}_of_warp", MemRefType(self.wide, []))
        load = LoadOp(parts, [at])
        self.made += [slot, start, StoreOp(start.result, slot.result, [])]
        self.made.append(IfOp(part * -1 + (count - 1), [load, StoreOp(load.result, slot.result, [])]))
        return self._add(LoadOp(slot.result, []))

    def _widened(self, value: SSAValue) -> SSAValue:
        if value.type == self.wide:
            return value
        if isinstance(self.element, IndexType):
            return self._add(arith.IndexCastOp(value, i64))
        if integer_width(self.wide) is not None:
            signed = self.kind in SIGNED and integer_width(self.element) != 1
            return self._add((arith.ExtSIOp if signed else arith.ExtUIOp)(value, i32))
        return self._add(arith.ExtFOp(value, f32))

    def _narrowed(self, value: SSAValue) -> SSAValue:
        if value.type == self.element:
            return value
        if isinstance(self.element, IndexType):
            return self._add(arith.IndexCastOp(value, IndexType()))
        if (width := integer_width(self.element)) is not None:
            return self._add(arith.TruncIOp(value, integer_type(width)))
        assert isinstance(self.element, Float16Type | BFloat16Type)
        return self._add(arith.TruncFOp(value, self.element))

    def _is_own(self) -> bool:
        """Whether each thread has the result in memory of its own."""
        alloc = self.op.buffer.owner
        return isinstance(alloc, AllocOp) and alloc.space.data in ("reg", "stack")

    def _write(self, value: SSAValue) -> list[Operation]:
        """The result's way into the buffer: by the first of the threads, or by each into its own."""
        counters = {loop.counter for loop in self.across}
        over = [v for v in self.op.over if v not in counters]
        if self.op.over and not over:
            write: Operation = StoreOp(value, self.op.buffer, self.op.index())
        else:
            write = self.op.again(value, self.op.buffer, self.op.index(), over)
        if self._is_own():
            return [write]
        for loop in self.across:
            if self.places.of[loop].extent > 1:
                write = IfOp(linear(loop.counter) * -1, [write])
        return [write]


def _wide(element: Attribute) -> Attribute:
    """The type in which values travel between threads."""
    if isinstance(element, Float16Type | BFloat16Type):
        return f32
    if isinstance(element, IndexType):
        return i64
    width = integer_width(element)
    return i32 if width is not None and width < 32 else element


def _neutral(kind: str, element: Attribute, wide: Attribute) -> FloatAttr | IntegerAttr:
    """The value that changes nothing, of the elements' type, in the type in which they travel."""
    value = neutral(kind, element)
    if isinstance(value, FloatAttr):
        return neutral(kind, wide)
    number, width = value.value.data, integer_width(element)
    if kind not in SIGNED and width is not None:
        number &= (1 << width) - 1
    return IntegerAttr(number, integer_type(integer_width(wide) or 64))
