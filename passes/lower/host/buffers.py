"""Buffers as llvm values: a memref is its pointers and whatever of its layout its type does not fix."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from xdsl.dialects.builtin import DYNAMIC_INDEX, MemRefType, NoneAttr, StridedLayoutAttr, i64
from xdsl.ir import Attribute, Operation

from weft import codes
from weft.dialects.locations import error_at
from weft.passes.lower.emitter import Emitter
from weft.passes.lower.function_builder import Value
from weft.passes.lower.types import PTR, byte_size, memory_type


@dataclass(frozen=True)
class Layout:
    """What a memref's type says of its layout, in elements; None is known at run time only.

    `strides` None: row-major without gaps, so that the sizes give the strides.
    """

    sizes: tuple[int | None, ...]
    strides: tuple[int | None, ...] | None
    offset: int | None

    @property
    def dynamic(self) -> int:
        """How many values the layout needs at run time."""
        return sum(1 for number in (self.offset, *self.sizes, *(self.strides or ())) if number is None)


def layout_of(type_: MemRefType, op: Operation) -> Layout:
    """The layout of a memref type. Raises :class:`WeftError` at `op` for one that is not strided."""
    sizes = tuple(None if size == DYNAMIC_INDEX else size for size in type_.get_shape())
    if isinstance(type_.layout, NoneAttr):
        return Layout(sizes, None, 0)
    strides = type_.get_strides()
    if not isinstance(type_.layout, StridedLayoutAttr) and strides is None:
        raise error_at(
            op,
            f"the layout of {type_} is not strided",
            "use strided<[...], offset: ...>",
            code=codes.UNSUPPORTED_LAYOUT,
        )
    return Layout(sizes, tuple(strides or ()), type_.get_offset())


@dataclass(frozen=True)
class Buffer:
    """A memref as llvm values; sizes, strides and offset are i64, in elements."""

    element: Attribute
    """The element type, as the memref says it."""
    allocated: Value
    aligned: Value
    offset: Value
    sizes: tuple[Value, ...]
    strides: tuple[Value, ...]

    @property
    def memory(self) -> Attribute:
        """The element type as it lies in memory."""
        return memory_type(self.element)

    @property
    def bytes(self) -> int:
        """The size of an element in bytes."""
        return byte_size(self.element)

    def start(self, e: Emitter) -> Value:
        """The address of the first element."""
        return e.gep(self.aligned, self.offset, self.memory)

    def address(self, e: Emitter, indices: Sequence[Value]) -> Value:
        """The address of an element."""
        place = self.offset
        for index, stride in zip(indices, self.strides, strict=True):
            place = total(e, place, product(e, index, stride))
        return e.gep(self.aligned, place, self.memory)

    def with_layout(self, offset: Value, sizes: Sequence[Value], strides: Sequence[Value]) -> Buffer:
        """The same memory, seen otherwise."""
        return replace(self, offset=offset, sizes=tuple(sizes), strides=tuple(strides))


def component_types(layout: Layout) -> list[Attribute]:
    """The llvm types that a memref of that layout is passed as."""
    return [PTR, PTR, *[i64] * layout.dynamic]


def from_components(e: Emitter, type_: MemRefType, layout: Layout, components: Sequence[Value]) -> Buffer:
    """The buffer that components stand for: pointers, then what the type leaves open, in the order of `Layout`."""
    allocated, aligned, *rest = components
    values = iter(rest)

    def number(known: int | None, dynamic: Iterator[Value]) -> Value:
        return next(dynamic) if known is None else e.integer(known)

    offset = number(layout.offset, values)
    sizes = [number(size, values) for size in layout.sizes]
    if layout.strides is None:
        strides = contiguous_strides(e, sizes)
    else:
        strides = [number(stride, values) for stride in layout.strides]
    return Buffer(type_.element_type, allocated, aligned, offset, tuple(sizes), tuple(strides))


def to_components(layout: Layout, buffer: Buffer) -> list[Value]:
    """The inverse of :func:`from_components`."""
    out = [buffer.allocated, buffer.aligned]
    known = (layout.offset, *layout.sizes, *(layout.strides if layout.strides is not None else ()))
    held = (buffer.offset, *buffer.sizes, *buffer.strides)
    return out + [value for number, value in zip(known, held, strict=False) if number is None]


def contiguous_strides(e: Emitter, sizes: Sequence[Value]) -> list[Value]:
    """Row-major strides of sizes."""
    strides: list[Value] = []
    step = e.integer(1)
    for place, size in enumerate(reversed(sizes)):
        strides.append(step)
        if place + 1 < len(sizes):
            step = product(e, step, size)
    return strides[::-1]


def total(e: Emitter, a: Value, b: Value) -> Value:
    """`a + b`, folded where both are constants."""
    from weft.passes.lower.scalar_integers import constant_value

    x, y = constant_value(a), constant_value(b)
    if x is not None and y is not None:
        return e.integer(x + y)
    if x == 0:
        return b
    return a if y == 0 else e.add_index(a, b)


def product(e: Emitter, a: Value, b: Value) -> Value:
    """`a * b`, folded where both are constants."""
    from weft.passes.lower.scalar_integers import constant_value

    x, y = constant_value(a), constant_value(b)
    if x is not None and y is not None:
        return e.integer(x * y)
    if x == 1:
        return b
    return a if y == 1 else e.mul_index(a, b)
