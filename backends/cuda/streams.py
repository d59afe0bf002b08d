"""Streams of CUDA, as other libraries have them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from weft import codes
from weft.backends.cuda.arrays import Kind
from weft.backends.cuda.device_array import order
from weft.backends.cuda.gpu import Gpu
from weft.diagnostics import WeftError

_LEGACY = 1
"""CU_STREAM_LEGACY: another name of the stream 0."""

_HANDLES = ("cuda_stream", "ptr", "handle")
"""What torch, CuPy and Numba call the handle of a stream."""


def stream_of(given: Any, kinds: Sequence[Kind], gpu: Gpu) -> tuple[int | None, object]:
    """The stream to run on, and the object that holds it: the one that is given, else the current one of the first
    library of arrays that has one; None where the arrays have to say it."""
    if given is not None:
        return plain(_handle(given)), given
    for kind in kinds:
        found = None if kind.stream is None else kind.stream(gpu)
        if found is not None:
            return plain(found[0]), found[1]
    return None, None


def _handle(given: Any) -> int:
    if type(given) is int:
        return given
    protocol: Any = getattr(given, "__cuda_stream__", None)
    if protocol is not None:
        version_and_handle: Any = protocol() if callable(protocol) else protocol
        return int(version_and_handle[1])
    for name in _HANDLES:
        if (handle := getattr(given, name, None)) is not None:
            return int(getattr(handle, "value", handle) or 0)
    message = f"stream= is of type {type(given).__name__}, expected a stream of CUDA or its handle"
    raise WeftError(message, code=codes.WRONG_ARGUMENTS)


def plain(stream: int) -> int:
    """A stream by one name: 0 for the default one."""
    return 0 if stream == _LEGACY else stream


def order_after(gpu: Gpu, streams: Iterable[int], stream: int) -> None:
    """Let a stream wait for what others were asked for."""
    for other in dict.fromkeys(streams):
        if other != stream:
            order(gpu, other, stream)
