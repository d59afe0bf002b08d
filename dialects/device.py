"""What host code calls of a device: run-time functions, which each backend for devices brings, by name and signature.

Host code has one stream at a time: what it asks for happens in order. A status is 0 where a call was fine; any other
number is the backend's own, which knows more about it, and host code is left with the message of the op's place.
"""

from __future__ import annotations

from dataclasses import dataclass

KERNELS = "weft.kernels"
"""The module attribute that lists the kernels, each `"module::name"`: a launch counts them from 0."""

SITES = "weft.sites"
"""The module attribute that lists the places of launches, each `file:line:col`: a launch counts them from 0."""

STATUS = "weft.status"
"""The unit attribute of a kernel that may fail: its last argument points to a word (i64), 0 before the launch, in which
a thread leaves the number of a message of the program, counted from 1."""

GLOBAL = "weft.device"
"""The unit attribute of an `llvm.mlir.global` that lies on the device: it is uploaded once, when code is loaded."""


@dataclass(frozen=True)
class RuntimeFunction:
    """A function that a backend brings: its name, its arguments by name and type, and its result.

    Types are those of LLVM: `i64`, `ptr`, and `void` for no result.
    """

    name: str
    arguments: tuple[tuple[str, str], ...]
    result: str = "i64"


LAUNCH = RuntimeFunction(
    "weft_gpu_launch", (("kernel", "i64"), ("site", "i64"), ("dims", "ptr"), ("shared", "i64"), ("args", "ptr"))
)
"""Launch kernel number `kernel` for launch number `site`.

`dims` points to 9 x i64: the grid's x, y, z, the block's x, y, z, and the cluster's x, y, z (0: no cluster). `shared`
is the dynamic shared memory of a block in bytes. `args` points to an array of pointers, one to each value that the
kernel takes. A grid with a dim of 0 runs nothing. What the values are is read before the call returns.
"""

ALLOC = RuntimeFunction("weft_gpu_alloc", (("bytes", "i64"),), "ptr")
"""Device memory of so many bytes, aligned to 64 or more, in stream order; null where there is none. For 0 bytes it is
some address."""

FREE = RuntimeFunction("weft_gpu_free", (("memory", "ptr"),), "void")
"""Give memory of :data:`ALLOC` back, in stream order; null is fine."""

COPY = RuntimeFunction("weft_gpu_copy", (("to", "ptr"), ("from", "ptr"), ("bytes", "i64"), ("kind", "i64")))
"""Copy bytes. The kind is :data:`ON_DEVICE`, :data:`TO_DEVICE` (the host's memory is read before the call returns), or
:data:`FROM_DEVICE` (waits for the device)."""

ON_DEVICE, TO_DEVICE, FROM_DEVICE = range(3)

COPY_STRIDED = RuntimeFunction("weft_gpu_copy_strided", (("to", "ptr"), ("from", "ptr"), ("shape", "ptr")))
"""Copy an array on the device. `shape` points to i64s: the rank, the bytes of an element (1, 2, 4 or 8), then the
sizes, the strides of `to`, and the strides of `from`, in elements. The two do not overlap."""

FILL = RuntimeFunction("weft_gpu_fill", (("to", "ptr"), ("pattern", "i64"), ("width", "i64"), ("count", "i64")))
"""Set `count` elements of `width` bytes (1, 2, 4 or 8) to the low bytes of `pattern`."""

WAIT = RuntimeFunction("weft_gpu_wait", ())
"""Wait until the device has done all that it was asked for."""

FUNCTIONS = (LAUNCH, ALLOC, FREE, COPY, COPY_STRIDED, FILL, WAIT)
"""The whole table."""
