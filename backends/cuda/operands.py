"""The arguments of a call: checked, and put where the device reaches them."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from math import prod
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from weft import codes
from weft.backends.arguments import check_strides, check_value, contiguous_strides, fits, mismatch
from weft.backends.cpu.scalars import to_argument
from weft.backends.cuda.arrays import Kind, Unusable, View
from weft.backends.cuda.gpu import Gpu
from weft.backends.cuda.staging import Staging, bytes_of, span_of
from weft.backends.cuda.streams import plain
from weft.backends.signature import ValueSpec
from weft.diagnostics import WeftError

Array = NDArray[Any]

Copier = Callable[[int, int, Sequence[int]], None]
"""Copies an array on the device: to, from, and the shape as `weft_gpu_copy_strided` has it."""

_NOTHING = np.dtype(np.uint8)


@dataclass
class Operand:
    """What compiled code gets for an argument or a result: a number, or an array at an address of the device.

    `host` is the NumPy array whose elements are copied there, `view` the array of a library that is used there. An
    array of complex numbers is one of pairs.
    """

    spec: ValueSpec
    scalar: bool | int | float | None = None
    dtype: np.dtype[Any] = _NOTHING
    shape: tuple[int, ...] = ()
    strides: tuple[int, ...] = ()
    address: int = 0
    host: Array | None = None
    view: View | None = None
    value: object = None
    is_shared: bool = False
    """Whether it overlaps a buffer that is written."""

    @property
    def nbytes(self) -> int:
        """The bytes of the elements."""
        return prod(self.shape) * self.dtype.itemsize

    def words(self) -> list[int]:
        """A memref descriptor."""
        shape, strides = in_words(self.dtype, self.shape, self.strides)
        return [self.address, self.address, 0, *shape, *strides]

    def span(self) -> tuple[int, int]:
        """The addresses between which its elements lie."""
        if 0 in self.shape:
            return self.address, self.address
        reach = [(size - 1) * step for size, step in zip(self.shape, self.strides, strict=True)]
        low, high = sum(min(step, 0) for step in reach), sum(max(step, 0) for step in reach)
        return self.address + low * self.dtype.itemsize, self.address + (high + 1) * self.dtype.itemsize


def in_words(
    dtype: np.dtype[Any], shape: Sequence[int], strides: Sequence[int]
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Sizes and strides as compiled code has them: complex numbers are pairs of floats."""
    if dtype.kind != "c":
        return tuple(shape), tuple(strides)
    return (*shape, 2), (*(2 * step for step in strides), 1)


def copy_shape(dtype: np.dtype[Any], shape: Sequence[int], to: Sequence[int], from_: Sequence[int]) -> list[int]:
    """The shape of a strided copy, as `weft_gpu_copy_strided` reads it."""
    sizes, to_strides = in_words(dtype, shape, to)
    _, from_strides = in_words(dtype, shape, from_)
    size = dtype.itemsize // 2 if dtype.kind == "c" else dtype.itemsize
    return [len(sizes), size, *sizes, *to_strides, *from_strides]


@dataclass
class Operands:
    """The arguments of a call."""

    operands: list[Operand]
    kind: Kind | None
    """The kind of the first array that is on the device."""

    @staticmethod
    def of(
        specs: Sequence[ValueSpec], values: Sequence[object], kinds: Sequence[Kind | None], gpu: Gpu, stream: int | None
    ) -> Operands:
        """Check values. Raises :class:`WeftError` naming the argument that does not fit."""
        made: list[Operand] = []
        first: Kind | None = None
        for spec, value, kind in zip(specs, values, kinds, strict=True):
            view = None if kind is None else view_of(spec, value, kind, gpu, stream)
            if view is not None and first is None:
                first = kind
            made.append(_on_host(spec, value) if view is None else _on_device(spec, value, view))
        found = Operands(made, first)
        found.refuse_overlaps()
        return found

    def stream(self) -> int:
        """The stream that the first array that says one was made on; else the default one."""
        return next(iter(self.streams()), 0)

    def streams(self) -> list[int]:
        """The streams that arrays were made on, where they say so."""
        views = [operand.view for operand in self.operands if operand.view is not None]
        return [plain(view.stream) for view in views if view.stream is not None]

    @property
    def staged(self) -> bool:
        """Whether anything is copied from the host."""
        return any(operand.host is not None for operand in self.operands)

    @property
    def copies_back(self) -> bool:
        """Whether anything is copied to the host: a memref is used in place."""
        return any(operand.host is not None and operand.spec.kind == "memref" for operand in self.operands)

    def refuse_overlaps(self) -> None:
        """Compiled code counts on memrefs that overlap nothing: a tensor that does is copied, a memref refused."""
        buffers = [operand for operand in self.operands if operand.spec.kind == "memref"]
        for buffer in buffers:
            for other in self.operands:
                if other is buffer or other.scalar is not None or not _overlap(buffer, other):
                    continue
                if other.spec.kind == "memref":
                    message = (
                        f"arguments '{buffer.spec.name}' and '{other.spec.name}' share memory, and compiled code "
                        "counts on memrefs that do not overlap"
                    )
                    raise WeftError(message, hint="pass a copy of one", code=codes.WRONG_ARGUMENT)
                other.is_shared = True

    @contextmanager
    def placed(self, gpu: Gpu, stream: int, staging: Staging, copier: Copier) -> Generator[None]:
        """For a while, what is on the host is on the device too, and tensors lie row by row."""
        taken: list[int] = []
        try:
            for operand in self.operands:
                if operand.host is not None:
                    taken.append(_upload(operand, operand.host, gpu, stream, staging))
                elif operand.view is not None and operand.spec.kind == "tensor":
                    strides = contiguous_strides(operand.shape)
                    if operand.is_shared or not _same_layout(operand.shape, operand.strides, strides):
                        taken.append(_packed(operand, strides, gpu, stream, copier))
            yield
        finally:
            for address in taken:
                gpu.free(address, stream)

    def copy_back(self, staging: Staging, stream: int) -> None:
        """Copy memrefs that lie on the host back there."""
        for operand in self.operands:
            if operand.host is None or operand.spec.kind != "memref" or not operand.nbytes:
                continue
            span, first = span_of(operand.host)
            if operand.host.flags.c_contiguous:
                staging.download(operand.address, span, stream)
                continue
            copy = np.empty(span.size, np.uint8)
            staging.download(operand.address - first, copy, stream)
            place = copy[first:].view()
            view = np.lib.stride_tricks.as_strided(
                place[: operand.host.itemsize].view(operand.host.dtype), operand.host.shape, operand.host.strides
            )
            operand.host[...] = view


def _overlap(one: Operand, other: Operand) -> bool:
    if one.host is not None and other.host is not None:
        return bool(np.may_share_memory(one.host, other.host))
    if one.view is None or other.view is None:
        return False
    (low, high), (start, end) = one.span(), other.span()
    return low < end and start < high


def view_of(spec: ValueSpec, value: object, kind: Kind, gpu: Gpu, stream: int | None) -> View | None:
    """The array on the device that a value is; None for one on the host."""
    try:
        view = kind.view(value, stream)
    except Unusable as error:
        raise mismatch(spec, str(error), error.hint) from None
    if view is not None and view.device not in (None, gpu.ordinal):
        hint = f"move it to GPU {gpu.ordinal}, or compile the program while GPU {view.device} is the current one"
        raise mismatch(spec, f"on GPU {view.device}, and the program on GPU {gpu.ordinal}", hint)
    return view


def described(view: View) -> str:
    """An array on a GPU in words."""
    return f"an array on the GPU of shape {view.shape} and dtype {view.dtype}"


def _on_device(spec: ValueSpec, value: object, view: View) -> Operand:
    if spec.kind == "scalar":
        hint = f"a number lies on the host: pass {spec.name}.item()"
        raise mismatch(spec, described(view), hint)
    if view.dtype != spec.numpy_dtype or not fits(spec, view.shape):
        raise mismatch(spec, described(view))
    strides = contiguous_strides(view.shape) if view.strides is None else view.strides
    if spec.kind == "memref":
        if view.read_only:
            raise mismatch(spec, "a read-only array", "a memref may be written: pass a copy")
        check_strides(spec, view.shape, strides, described(view))
    return Operand(spec, None, view.dtype, view.shape, tuple(strides), view.address, None, view, value)


def _on_host(spec: ValueSpec, value: object) -> Operand:
    checked = check_value(spec, value)
    if not isinstance(checked, np.ndarray):
        passed = to_argument(cast(float, checked), spec.dtype, spec.numpy_dtype)
        return Operand(spec, scalar=passed, value=value)
    array = checked
    strides = tuple(step // array.itemsize for step in array.strides)
    if spec.kind == "tensor":
        strides = contiguous_strides(array.shape)
    return Operand(spec, None, array.dtype, array.shape, strides, 0, array, None, value)


def _same_layout(shape: Sequence[int], strides: Sequence[int], wanted: Sequence[int]) -> bool:
    return 0 in shape or all(size == 1 or have == want for size, have, want in zip(shape, strides, wanted, strict=True))


def _upload(operand: Operand, array: Array, gpu: Gpu, stream: int, staging: Staging) -> int:
    """Put an array of the host on the device; the memory to give back."""
    span, first = (bytes_of(array), 0) if operand.spec.kind == "tensor" or not array.size else span_of(array)
    memory = gpu.allocate(span.size, stream, f"argument '{operand.spec.name}'")
    operand.address = memory + first
    if span.size:
        staging.upload(span, memory, stream)
    return memory


def _packed(operand: Operand, strides: tuple[int, ...], gpu: Gpu, stream: int, copier: Copier) -> int:
    """Copy an array on the device so that it lies row by row; the memory to give back."""
    memory = gpu.allocate(operand.nbytes, stream, f"argument '{operand.spec.name}'")
    copier(memory, operand.address, copy_shape(operand.dtype, operand.shape, strides, operand.strides))
    operand.address, operand.strides = memory, strides
    return memory
