"""The results of a call: memory for them on the device, and the caller's kind of arrays around it."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from weft import codes
from weft.backends.arguments import check_one_out, contiguous_strides, fits, listed_out, shared_out, wrong_out
from weft.backends.cuda.arrays import Kind, Unusable, View, kind_of
from weft.backends.cuda.device_array import DeviceArray, Memory
from weft.backends.cuda.gpu import Gpu
from weft.backends.cuda.operands import Copier, Operand, Operands, copy_shape, described
from weft.backends.cuda.record import Record
from weft.backends.cuda.staging import Staging, bytes_of
from weft.backends.signature import Signature, ValueSpec
from weft.diagnostics import WeftError

Array = NDArray[Any]


@dataclass(frozen=True)
class Call:
    """Where the results of a call go: the GPU and the stream, who holds that, and the kind of arrays (None: NumPy)."""

    gpu: Gpu
    stream: int
    held: object
    kind: Kind | None
    copier: Copier
    owners: dict[int, Memory] = field(default_factory=dict[int, Memory])
    """Who holds the memory that code gave back, by address."""

    def owner(self, address: int, record: Record) -> Memory:
        """Who holds memory from here on that code gave back."""
        if address not in self.owners:
            record.release(address)
            self.owners[address] = Memory(self.gpu, address, self.stream, self.held)
        return self.owners[address]


@dataclass(frozen=True)
class Wanted:
    """What `out=` holds for a result, and where that is on the GPU, if it is there."""

    value: object = None
    view: View | None = None


class Result:
    """One result on its way: `operand` is where code writes one of static shape."""

    def __init__(self, number: int, spec: ValueSpec, call: Call, wanted: Wanted) -> None:
        self.number = number
        self.spec = spec
        self.value: Any = wanted.value
        self._call = call
        self._wanted: Any = wanted.value
        self._view = wanted.view
        self._on_device: DeviceArray | None = None
        self.operand: Operand | None = self._place() if spec.is_out else None

    def _place(self) -> Operand:
        """Memory for a result of static shape: the caller's, its library's, or the pool's."""
        spec, call = self.spec, self._call
        shape = cast("tuple[int, ...]", spec.dims)
        dtype, strides = spec.numpy_dtype, contiguous_strides(cast("tuple[int, ...]", spec.dims))
        view = self._view
        if self.value is None and call.kind is not None and call.kind.new is not None:
            self.value = call.kind.new(shape, dtype, call.gpu, call.stream)
            view = call.kind.view(self.value, call.stream)
        if view is not None:
            return Operand(spec, None, dtype, shape, strides, view.address, None, view, self.value)
        self._on_device = self._new(shape)
        return Operand(spec, None, dtype, shape, strides, self._on_device.address)

    def _new(self, shape: Sequence[int]) -> DeviceArray:
        call, dtype = self._call, self.spec.numpy_dtype
        count = dtype.itemsize * prod(shape)
        address = call.gpu.allocate(count, call.stream, f"the result {self.spec.name}")
        memory = Memory(call.gpu, address, call.stream, call.held)
        return DeviceArray(call.gpu, address, shape, dtype, call.stream, memory)

    def take(self, descriptor: Sequence[int], record: Record, operands: Operands, owner: object) -> None:
        """A buffer that code gave back: its own memory, an argument's, or a global's."""
        call, dtype = self._call, self.spec.numpy_dtype
        rank = (len(descriptor) - 3) // 2
        allocated, aligned, offset = descriptor[:3]
        shape, strides = tuple(descriptor[3 : 3 + rank]), tuple(descriptor[3 + rank :])
        size = dtype.itemsize
        if dtype.kind == "c":  # pairs of floats
            shape, strides, size = shape[:-1], tuple(step // 2 for step in strides[:-1]), size // 2
        address = aligned + offset * size
        given = next((one for one in operands.operands if allocated and one.address == allocated), None)
        if given is None and allocated:
            owner = call.owner(allocated, record)
        elif given is not None:
            owner = given.value
        packed = contiguous_strides(shape)
        if 0 in shape or (strides == packed and (given is None or given.view is not None)):
            self._on_device = DeviceArray(call.gpu, address, shape, dtype, call.stream, owner)
            return
        self._on_device = self._new(shape)
        call.copier(self._on_device.address, address, copy_shape(dtype, shape, packed, strides))

    def finish(self, staging: Staging) -> None:
        """Put the result where the caller wants it; what goes to the host is there then."""
        found = self._on_device
        if found is None:
            return
        wanted = self._wanted
        if wanted is not None and found.shape != tuple(wanted.shape):
            what = f"out= for result {self.number} has the shape {tuple(wanted.shape)}, the result has "
            raise WeftError(f"{what}{found.shape}", code=codes.WRONG_OUT)
        if self._view is not None:
            steps = contiguous_strides(found.shape)
            self._call.copier(self._view.address, found.address, copy_shape(found.dtype, found.shape, steps, steps))
        elif self._call.kind is None or wanted is not None:
            host = cast(Array, np.empty(found.shape, found.dtype) if wanted is None else wanted)
            if host.nbytes:
                staging.download(found.address, bytes_of(host), self._call.stream)
            self.value = host
        else:
            self.value = self._call.kind.take(found)

    def drop(self) -> None:
        """Give memory back that was taken for the result."""
        self._on_device = self.operand = self.value = None

    @property
    def goes_to_host(self) -> bool:
        """Whether the result is copied to the host."""
        return self._on_device is not None and (
            isinstance(self._wanted, np.ndarray) if self._wanted is not None else self._call.kind is None
        )


def results_of(signature: Signature, call: Call, wanted: Sequence[Wanted] | None) -> list[Result]:
    """The results of a call, with memory for those of static shape."""
    given = wanted if wanted is not None else [Wanted()] * len(signature.results)
    return [Result(n, spec, call, one) for n, (spec, one) in enumerate(zip(signature.results, given, strict=True))]


def take_returned(
    results: Sequence[Result], fields: Sequence[ValueSpec], returned: ctypes.Structure, take: Any
) -> None:
    """Take what code returned: numbers at once, and buffers by `take`."""
    waiting = [result for result in results if not result.spec.is_out]
    for number, (result, spec) in enumerate(zip(waiting, fields, strict=True)):
        if spec.kind == "scalar":
            place = getattr(type(returned), f"r{number}").offset
            result.value = np.frombuffer(cast(Any, returned), spec.numpy_dtype, 1, place)[0]
        else:
            take(result, list(getattr(returned, f"r{number}")))


def check_outs(
    results: Sequence[ValueSpec], out: object, operands: Operands, gpu: Gpu, stream: int
) -> list[Wanted] | None:
    """What `out=` holds, one for each result. Raises :class:`WeftError` for what cannot take it."""
    if out is None:
        return None
    outs, wanted = listed_out(results, out), list[Wanted]()
    spans = [operand.span() for operand in operands.operands if operand.view is not None]
    arrays: list[object] = [operand.host for operand in operands.operands if operand.host is not None]
    for n, (spec, value) in enumerate(zip(results, outs, strict=True)):
        kind = kind_of(value)
        try:
            view = None if kind is None else kind.view(value, stream)
        except Unusable as error:
            raise wrong_out(n, spec, str(error)) from None
        wanted.append(Wanted(value, view))
        if view is None:
            check_one_out(n, spec, value)
            if any(np.may_share_memory(cast(Array, value), cast(Array, other)) for other in arrays):
                raise shared_out(n)
            arrays.append(value)
            continue
        span = _check_view(n, spec, view, gpu)
        if any(low < span[1] and span[0] < high for low, high in spans):
            raise shared_out(n)
        spans.append(span)
    return wanted


def _check_view(n: int, spec: ValueSpec, view: View, gpu: Gpu) -> tuple[int, int]:
    """Where the elements of an array of `out=` lie. Raises :class:`WeftError` for one that cannot take the result."""
    if view.dtype != spec.numpy_dtype or not fits(spec, view.shape):
        raise wrong_out(n, spec, described(view))
    if view.device not in (None, gpu.ordinal):
        raise wrong_out(n, spec, f"on GPU {view.device}, and the program on GPU {gpu.ordinal}")
    wanted = contiguous_strides(view.shape)
    strided = view.strides is not None and any(
        size > 1 and have != want for size, have, want in zip(view.shape, view.strides, wanted, strict=True)
    )
    if view.read_only or (strided and 0 not in view.shape):
        raise wrong_out(n, spec, "read-only, strided or unaligned")
    return view.address, view.address + view.dtype.itemsize * prod(view.shape)
