"""Counter-based random bits: Threefry 2x32 and Philox 4x32.

From Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3" (SC 2011). A block of words follows
from a counter and a key alone. The functions compute on anything that has the operators of unsigned 32-bit words:
NumPy arrays, or ops in the making.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod
from typing import Protocol, TypeVar


class Word(Protocol):
    """An unsigned 32-bit word; sums wrap."""

    def __add__(self: W, other: W, /) -> W: ...
    def __xor__(self: W, other: W, /) -> W: ...
    def __or__(self: W, other: W, /) -> W: ...
    def __lshift__(self: W, other: W, /) -> W: ...
    def __rshift__(self: W, other: W, /) -> W: ...


W = TypeVar("W", bound=Word)
Constant = Callable[[int], W]
"""Makes a word of a number."""
Product = Callable[[W, int], tuple[W, W]]
"""The high and the low word of a product with a number."""

ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))
"""How far the second word of Threefry is rotated in four rounds, and in the next four."""
PARITY = 0x1BD11BDA
GROUPS = 5
"""Threefry has so many groups of four rounds."""

MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
WEYL = (0x9E3779B9, 0xBB67AE85)
"""What is added to the two words of Philox's key after a round."""
ROUNDS = 10


def threefry2x32(counter: tuple[W, W], key: tuple[W, W], constant: Constant[W]) -> tuple[W, W]:
    """Threefry 2x32 with 20 rounds: the block of a counter."""
    keys = (*key, constant(PARITY) ^ key[0] ^ key[1])
    first, second = counter[0] + keys[0], counter[1] + keys[1]
    for group in range(GROUPS):
        for distance in ROTATIONS[group % 2]:
            first = first + second
            rotated = (second << constant(distance)) | (second >> constant(32 - distance))
            second = first ^ rotated
        first = first + keys[(group + 1) % 3]
        second = second + keys[(group + 2) % 3] + constant(group + 1)
    return first, second


def philox4x32(
    counter: tuple[W, W, W, W], key: tuple[W, W], constant: Constant[W], product: Product[W]
) -> tuple[W, W, W, W]:
    """Philox 4x32 with 10 rounds: the block of a counter."""
    a, b, c, d = counter
    first, second = key
    for number in range(ROUNDS):
        if number:
            first, second = first + constant(WEYL[0]), second + constant(WEYL[1])
        high_a, low_a = product(a, MULTIPLIERS[0])
        high_c, low_c = product(c, MULTIPLIERS[1])
        a, b, c, d = high_c ^ b ^ first, low_c, high_a ^ d ^ second, low_a
    return a, b, c, d


@dataclass(frozen=True)
class Layout:
    """Where the words of the blocks go in a tensor, as XLA lays them out.

    Blocks are numbered in row-major order of `blocks`. Along `dim` of the tensor, `run` elements in a row come from
    one block, of `words` words each; what goes beyond the tensor's size is dropped. `flat` says that the tensor is
    taken as one line of its elements.
    """

    blocks: tuple[int, ...]
    dim: int
    run: int
    words: int
    flat: bool

    @property
    def count(self) -> int:
        """The number of blocks."""
        return prod(self.blocks)


def threefry_layout(shape: Sequence[int], width: int) -> Layout:
    """Two elements of 32 bits or less from a block, along the first even dimension or else the largest one."""
    if width == 64:
        return Layout(tuple(shape), len(shape) - 1, 1, 2, flat=False)
    if not shape:
        return Layout((1,), 0, 2, 1, flat=True)
    even = (axis for axis, size in enumerate(shape) if size % 2 == 0)
    dim = next(even, max(range(len(shape)), key=lambda axis: shape[axis]))
    blocks = tuple(-(-size // 2) if axis == dim else size for axis, size in enumerate(shape))
    return Layout(blocks, dim, 2, 1, flat=False)


def philox_layout(shape: Sequence[int], width: int) -> Layout:
    """Four words from a block, in row-major order of the tensor's elements."""
    run = 2 if width == 64 else 4
    if shape and shape[-1] % run == 0:
        return Layout((*shape[:-1], shape[-1] // run), len(shape) - 1, run, 4 // run, flat=False)
    return Layout((-(-prod(shape) // run),), 0, run, 4 // run, flat=True)
