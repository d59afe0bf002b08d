"""Nests that a warp's tensor cores do at once: 16 rows times 8 or 16 columns of sums, each of some products.

The loops stand in the order in which the lanes of a warp hold the sums (PTX ISA, "Matrix Fragments for mma.m16n8k16"):
lane `4*g + t` has rows `g` and `g + 8`, and of each 8 columns `2*t` and `2*t + 1`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from xdsl.dialects import arith
from xdsl.dialects.builtin import BFloat16Type, Float16Type, Float32Type, i8, i32
from xdsl.ir import Attribute, Operation

from weft.dialects.loop import AllocOp, ForOp, LoadOp, ReduceOp, linear
from weft.dialects.loop.buffers import PIECE
from weft.dialects.loop.hints import TF32
from weft.passes.loops.kernels import Refuse, label
from weft.passes.loops.nest_shape import element_bytes, factors, perfect, stride

GROUPS = 8
"""The lanes of a warp that hold different rows."""

PAIRS = 4
"""The lanes of a warp that hold different columns."""

DEPTH_BYTES = 32
"""The bytes of the elements whose products go into a sum at once: of 16 halves, 8 floats (as tf32), 32 bytes."""

HALF = 2
"""The bytes of the elements that may lie across the depth: matrices of these can be turned where they are loaded."""

_LOADED = (LoadOp, arith.ExtFOp, arith.ExtSIOp, arith.MulfOp, arith.MuliOp, ReduceOp)


@dataclass(frozen=True)
class Operand:
    """A matrix that a nest reads: `along_depth` where what is summed lies side by side in memory."""

    load: LoadOp
    along_depth: bool


@dataclass(frozen=True)
class TensorNest:
    """The parts of such a nest.

    `half` counts the two rows of a lane, `group` the lanes by row, `side` the two blocks of 8 columns (none for one),
    `pair` the lanes by column, `column` the two columns of a lane, `depth` the products.
    """

    half: ForOp
    group: ForOp
    side: ForOp | None
    pair: ForOp
    column: ForOp
    depth: ForOp
    left: Operand
    right: Operand
    out: ReduceOp

    @property
    def kept(self) -> list[ForOp]:
        """The loops that count the sums of one lane."""
        return [self.half, *([self.side] if self.side is not None else []), self.column]

    @property
    def element(self) -> Attribute:
        """The type of what is multiplied."""
        return self.left.load.memref.element_type


def tensor_nest(loop: ForOp) -> TensorNest:
    """The nest that starts at a loop. Raises :class:`Refuse` where tensor cores cannot do it."""
    chain = perfect(loop)
    half, group, *middle, pair, column, depth = chain if len(chain) in (5, 6) else [loop] * 5
    if len(chain) not in (5, 6):
        raise Refuse(f"'{label(loop)}' starts no nest of two loops of rows, two or three of columns, and one of depth")
    side = middle[0] if middle else None
    out = _sum(loop, chain[-1])
    found = factors(out)
    assert found is not None
    deep = DEPTH_BYTES // element_bytes(found[0])
    wanted = [(half, 2), (group, GROUPS), *([(side, 2)] if side else []), (pair, PAIRS), (column, 2), (depth, deep)]
    for each, trip in wanted:
        if each.trip() != trip:
            raise Refuse(f"'{label(each)}' should run {trip} times, whatever the sizes are; pad it")
    for each in (group, pair):
        if each.kind() != "thread":
            raise Refuse(f"'{label(each)}' should be mapped to 'thread': its iterations are lanes")
    rows = [(half, GROUPS), (group, 1)]
    columns = [*([(side, 8)] if side else []), (pair, 2), (column, 1)]
    for left, right in (found, found[::-1]):
        sides = _operand(left, rows, columns, depth), _operand(right, columns, rows, depth)
        if sides[0] is not None and sides[1] is not None:
            nest = TensorNest(half, group, side, pair, column, depth, sides[0], sides[1], out)
            _check_sums(nest)
            return nest
    raise Refuse(
        f"the factors in '{label(loop)}' are not rows and columns of tiles in 'shared'",
        "16 bytes of a row of a tile start at a multiple of 16 bytes; but for halves what is summed lies side by side",
    )


def _sum(loop: ForOp, inner: ForOp) -> ReduceOp:
    """The one sum of the nest: of products of two loads of what tensor cores multiply."""
    ops = list(inner.block.ops)
    sums = [op for op in ops if isinstance(op, ReduceOp)]
    found = factors(sums[0]) if len(sums) == 1 and sums[0].kind.data == "add" else None
    if found is None or not all(isinstance(op, _LOADED) for op in ops):
        raise Refuse(f"'{label(loop)}' holds more, or less, than a sum of products")
    if (why := against_elements(sums[0], found)) is not None:
        raise Refuse(why)
    return sums[0]


def against_elements(out: ReduceOp, found: tuple[LoadOp, LoadOp]) -> str | None:
    """Why tensor cores do not multiply and add up elements of these types; None where they do.

    They take f16 or bf16, and f32 where a product may be of tf32, with sums in f32; and i8, signed, with sums in i32.
    """
    types = {load.memref.element_type for load in found}
    said = " and ".join(sorted(map(str, types)))
    element, total = next(iter(types)), out.memref.element_type
    product = out.value.owner
    if len(types) > 1:
        return f"tensor cores multiply elements of one type, not {said}"
    if isinstance(element, Float32Type) and isinstance(product, Operation) and TF32 not in product.attributes:
        return "tensor cores multiply f32 as tf32, which is less exact, where the product has leave for that"
    if isinstance(element, Float16Type | BFloat16Type | Float32Type):
        return None if isinstance(total, Float32Type) else f"tensor cores add up products of {said} in f32"
    signed = isinstance(product, arith.MuliOp) and all(isinstance(v.owner, arith.ExtSIOp) for v in product.operands)
    if element == i8 and total == i32 and signed:
        return None
    return f"tensor cores multiply f16, bf16, tf32 or signed i8, not {said}"


def _operand(
    load: LoadOp, along: Sequence[tuple[ForOp, int]], across: Sequence[tuple[ForOp, int]], depth: ForOp
) -> Operand | None:
    """A factor as a matrix; None where it is none that lanes can load."""
    alloc = load.buffer.owner
    strides = load.memref.get_strides()
    if not isinstance(alloc, AllocOp) or alloc.space.data != "shared" or not strides:
        return None
    step, deep = stride(load, along[-1][0].counter), stride(load, depth.counter)
    if not step or not deep or any(stride(load, loop.counter) for loop, _ in across):
        return None
    if any(stride(load, loop.counter) != factor * step for loop, factor in along):
        return None
    if 1 not in (step, deep) or (deep != 1 and element_bytes(load) != HALF):
        return None
    whole = PIECE // element_bytes(load)
    moved = {depth.counter} if deep == 1 else {loop.counter for loop, _ in along}
    form = load.index()[-1]
    starts = (form.constant, *(factor for value, factor in form.terms if value not in moved))
    if any(start % whole for start in starts) or any(each % whole for each in strides[:-1] if each is not None):
        return None
    return Operand(load, deep == 1)


def _check_sums(nest: TensorNest) -> None:
    """Each lane has sums of its own in registers, at the end of the index. Raises :class:`Refuse`."""
    out = nest.out
    alloc = out.buffer.owner
    if not isinstance(alloc, AllocOp) or alloc.space.data != "reg":
        raise Refuse("the sums of tensor cores are in registers; stage them in 'reg' first")
    index = [form for form in out.index() if form not in [linear(each.counter) for each in (nest.group, nest.pair)]]
    last = [linear(each.counter) for each in nest.kept]
    inside = {each.counter for each in perfect(nest.half)}
    if index[-len(last) :] != last or any(inside & set(form.values) for form in index[: -len(last)]) or out.over:
        raise Refuse("the sums of a lane should be the last dimensions of their buffer, in the order of the loops")
