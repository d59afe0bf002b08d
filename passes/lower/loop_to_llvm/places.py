"""Where accesses go: buffers in memory and in registers, and the places in them."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import product
from typing import TypeAlias

from xdsl.ir import Attribute, SSAValue

from weft.dialects.loop import AccessOp, ReduceOp
from weft.dialects.loop.linear import Linear
from weft.passes.lower.function_builder import Value
from weft.passes.lower.loop_to_llvm.scope import Scope
from weft.passes.lower.types import vector_type

Stride: TypeAlias = "int | Value"
Key: TypeAlias = tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Buffer:
    """Memory that accesses index: where it starts, its strides in elements, the type of its elements.

    Two buffers of one `root` may be the same memory.
    """

    root: SSAValue
    pointer: Value
    sizes: tuple[Stride, ...]
    strides: tuple[Stride, ...]
    element: Attribute
    alignment: int
    swizzle: Swizzle | None = None


@dataclass(frozen=True)
class Swizzle:
    """The order of pieces in memory: the number of a piece, exclusive-or `(offset >> shift) & mask`, all in elements.

    Offsets that differ by a multiple of `period` are moved alike. A piece has `piece` elements.
    """

    piece: int
    mask: int
    shift: int
    period: int

    @staticmethod
    def of(row: int, count: int, piece: int) -> Swizzle:
        """Groups of `count` of the `row` pieces of a row change places; a column of 8 rows then meets all banks."""
        shift = max(3, row.bit_length() - 1)
        return Swizzle(piece, (count - 1) * piece, shift, (count * piece) << shift)

    def moved(self, offset: int) -> int:
        """Where what belongs at an offset lies."""
        return offset ^ ((offset >> self.shift) & self.mask)


@dataclass(frozen=True)
class Address:
    """Where an access goes: `base + constant` (in elements), plus `step` for each lane.

    Without `step` all lanes go to one place. A `step` that is a vector is the distance of each lane instead.
    The place of the first lane is a multiple of `alignment` bytes, where that is known to be more than an element.
    """

    buffer: Buffer
    base: Value
    constant: int
    step: Stride | None
    alignment: int = 1


@dataclass(eq=False)
class FlatIndex:
    """The index of an access as one number: counters times static strides, a constant, and the indices of those
    dimensions whose stride only the run knows.

    `base` is the pointer that the run-time values `values` made, good while `scope` is open.
    """

    buffer: Buffer
    terms: tuple[tuple[SSAValue, int], ...]
    constant: int
    scaled: tuple[tuple[Linear, Value], ...]
    values: tuple[Value, ...] = ()
    base: Value | None = None
    scope: Scope | None = None


@dataclass(eq=False)
class RegisterBuffer:
    """A buffer of SSA values.

    Along `dim`, `width` neighbours share a vector, a *block*; without `dim` each element stands alone. Where
    `per_lane` is set every iteration of the vector loop around the buffer has one of its own: an element is a
    vector. `values` holds, by the index of the block, what was written. `closed` says that no access sees a
    lane that another access of the buffer leaves out.
    """

    shape: tuple[int, ...]
    element: Attribute
    dim: int | None = None
    width: int | None = None
    per_lane: bool = False
    closed: bool = False
    values: dict[Key, Value] = field(default_factory=dict[Key, Value])

    @property
    def block_type(self) -> Attribute:
        """The type of a block."""
        return self.element if self.width is None else vector_type(self.element, self.width)

    def blocks(self) -> list[Key]:
        """The indices of all blocks."""
        sizes = list(self.shape)
        if self.dim is not None and self.width is not None:
            sizes[self.dim] = -(-sizes[self.dim] // self.width)
        return list(product(*map(range, sizes)))

    def key(self, index: Key) -> tuple[Key, int | None]:
        """The block of an element, and its lane in there."""
        if self.dim is None or self.width is None:
            return index, None
        block, lane = divmod(index[self.dim], self.width)
        return (*index[: self.dim], block, *index[self.dim + 1 :]), lane


@dataclass(frozen=True)
class Place:
    """Where an access of a register buffer goes: the index in lane 0, and what each lane adds to it."""

    index: Key
    steps: Key

    @property
    def moves(self) -> bool:
        """Whether lanes go to different places."""
        return any(self.steps)

    def of_lane(self, lane: int) -> Key:
        """The index in one lane."""
        return tuple(at + lane * step for at, step in zip(self.index, self.steps, strict=True))


Target: TypeAlias = Address | Place


@dataclass
class Pending:
    """What one reduction has gathered so far, lane by lane, and where it goes.

    `first` says whether this is the first that the target gets: known, or a run-time truth value.
    """

    op: ReduceOp
    target: Address | Place
    lanes: Value
    first: Value | bool


@dataclass(frozen=True)
class Kept:
    """What an iteration keeps in registers beside what it keeps in memory: keys are accesses, and the values of the
    counters that `counters` has for them, of loops that are written out."""

    counters: dict[AccessOp, tuple[SSAValue, ...]] = field(default_factory=dict[AccessOp, tuple[SSAValue, ...]])
    read: dict[object, Value] = field(default_factory=dict[object, Value])
    """What accesses read that an earlier iteration wrote."""
    written: dict[object, Value | None] = field(default_factory=dict[object, "Value | None"])
    """What accesses wrote in this iteration that later ones read."""
