"""NVIDIA's driver: its functions by name, each call checked.

The functions are found by cuda-bindings, which knows where the driver is on every system, and called through ctypes:
the run-time functions of compiled code (runtime.ll) call the same addresses.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import lru_cache
from importlib import import_module
from typing import Any

from weft import codes
from weft.diagnostics import WeftError

_API = 12000
"""The version of the driver's interface that is used: CUDA 12.0."""

_INT, _U32, _SIZE, _PTR, _TEXT = ctypes.c_int, ctypes.c_uint, ctypes.c_size_t, ctypes.c_void_p, ctypes.c_char_p

FUNCTIONS: dict[str, tuple[Any, ...]] = {
    "cuInit": (_U32,),
    "cuDriverGetVersion": (_PTR,),
    "cuGetErrorName": (_INT, _PTR),
    "cuGetErrorString": (_INT, _PTR),
    "cuDeviceGetCount": (_PTR,),
    "cuDeviceGet": (_PTR, _INT),
    "cuDeviceGetName": (_PTR, _INT, _INT),
    "cuDeviceGetAttribute": (_PTR, _INT, _INT),
    "cuDevicePrimaryCtxRetain": (_PTR, _INT),
    "cuCtxGetCurrent": (_PTR,),
    "cuCtxPushCurrent": (_PTR,),
    "cuCtxPopCurrent": (_PTR,),
    "cuCtxGetDevice": (_PTR,),
    "cuMemGetInfo": (_PTR, _PTR),
    "cuMemAlloc": (_PTR, _SIZE),
    "cuMemFree": (_PTR,),
    "cuMemHostAlloc": (_PTR, _SIZE, _U32),
    "cuMemFreeHost": (_PTR,),
    "cuMemPoolCreate": (_PTR, _PTR),
    "cuMemPoolSetAttribute": (_PTR, _INT, _PTR),
    "cuMemPoolTrimTo": (_PTR, _SIZE),
    "cuMemAllocFromPoolAsync": (_PTR, _SIZE, _PTR, _PTR),
    "cuMemFreeAsync": (_PTR, _PTR),
    "cuMemcpyHtoD": (_PTR, _PTR, _SIZE),
    "cuMemcpyHtoDAsync": (_PTR, _PTR, _SIZE, _PTR),
    "cuMemcpyDtoHAsync": (_PTR, _PTR, _SIZE, _PTR),
    "cuMemcpyDtoDAsync": (_PTR, _PTR, _SIZE, _PTR),
    "cuMemsetD8": (_PTR, ctypes.c_ubyte, _SIZE),
    "cuMemsetD8Async": (_PTR, ctypes.c_ubyte, _SIZE, _PTR),
    "cuMemsetD16Async": (_PTR, ctypes.c_ushort, _SIZE, _PTR),
    "cuMemsetD32Async": (_PTR, _U32, _SIZE, _PTR),
    "cuMemsetD2D32Async": (_PTR, _SIZE, _U32, _SIZE, _SIZE, _PTR),
    "cuModuleLoadDataEx": (_PTR, _PTR, _U32, _PTR, _PTR),
    "cuModuleUnload": (_PTR,),
    "cuModuleGetFunction": (_PTR, _PTR, _TEXT),
    "cuFuncGetAttribute": (_PTR, _INT, _PTR),
    "cuFuncSetAttribute": (_PTR, _INT, _INT),
    "cuLaunchKernelEx": (_PTR, _PTR, _PTR, _PTR),
    "cuStreamCreate": (_PTR, _U32),
    "cuStreamDestroy": (_PTR,),
    "cuStreamSynchronize": (_PTR,),
    "cuStreamWaitEvent": (_PTR, _PTR, _U32),
    "cuStreamIsCapturing": (_PTR, _PTR),
    "cuStreamBeginCapture": (_PTR, _INT),
    "cuStreamEndCapture": (_PTR, _PTR),
    "cuStreamGetCaptureInfo": (_PTR, _PTR, _PTR, _PTR, _PTR, _PTR),
    "cuEventCreate": (_PTR, _U32),
    "cuEventRecord": (_PTR, _PTR),
    "cuEventSynchronize": (_PTR,),
    "cuEventDestroy": (_PTR,),
    "cuGraphInstantiate": (_PTR, _PTR, ctypes.c_ulonglong),
    "cuGraphLaunch": (_PTR, _PTR),
    "cuGraphExecKernelNodeSetParams": (_PTR, _PTR, _PTR),
    "cuGraphGetNodes": (_PTR, _PTR, _PTR),
    "cuGraphDestroy": (_PTR,),
    "cuGraphExecDestroy": (_PTR,),
}
"""Every function of the driver that is used, with the C types of its arguments; each gives a status."""

OUT_OF_MEMORY = 2

_HINTS = {
    2: "free arrays that are not needed, or make the batch smaller",
    209: "the code was made for another GPU: leave the chip out of the target, or name this one's",
    218: "this is a bug of weft: please report it with the program",
    700: "a kernel read or wrote outside of its memory; --target gpu-sim says where",
    715: "a kernel holds an instruction that this GPU lacks",
    716: "a kernel read or wrote at an address that is not aligned; --target gpu-sim says where",
    717: "a kernel used an address of another memory space; --target gpu-sim says where",
    719: "a kernel failed (an assertion, a fault); --target gpu-sim may say where",
}

STICKY = frozenset((700, 702, 714, 715, 716, 717, 718, 719, 720))
"""The errors after which this process can use the GPU no more."""


class Driver:
    """The functions of the driver, as methods by their names.

    A call raises :class:`WeftError` where the driver says anything but success; :meth:`status` does not.
    """

    def __init__(self, lookup: Callable[[str], int | None]) -> None:
        """`lookup` gives the address of a function, None where the driver has none of that name."""
        self._lookup = lookup
        self._functions: dict[str, Any] = {}

    def address(self, name: str) -> int:
        """Where a function is. Raises :class:`WeftError` where the driver is too old to have it."""
        found = self._lookup(name)
        if found is None:
            hint = "weft needs a driver of CUDA 12.0 or newer: update the NVIDIA driver"
            raise WeftError(f"the NVIDIA driver has no '{name}'", hint=hint, code=codes.NO_DEVICE)
        return found

    def status(self, name: str, *args: Any) -> int:
        """Call a function; its status."""
        function = self._functions.get(name)
        if function is None:
            function = ctypes.CFUNCTYPE(_INT, *FUNCTIONS[name])(self.address(name))
            self._functions[name] = function
        return function(*args)

    def call(self, name: str, *args: Any) -> None:
        """Call a function. Raises :class:`WeftError` where it fails."""
        if status := self.status(name, *args):
            raise self.error(status, name)

    def error(self, status: int, name: str) -> WeftError:
        """The error that a status of a function stands for."""
        code = codes.OUT_OF_MEMORY if status == OUT_OF_MEMORY else codes.DEVICE_FAILED
        return WeftError(f"{name} failed: {self.told(status)}", hint=hint_of(status), code=code)

    def told(self, status: int) -> str:
        """A status as the driver says it: its name, and what it means."""
        name, text = ctypes.c_char_p(), ctypes.c_char_p()
        if self.status("cuGetErrorName", status, ctypes.byref(name)) or name.value is None:
            return f"CUDA error {status}"
        self.status("cuGetErrorString", status, ctypes.byref(text))
        return f"{name.value.decode()} ({(text.value or b'').decode()})"

    def number(self, name: str, *args: Any) -> int:
        """Call a function that writes one C int to its first argument; that int."""
        value = ctypes.c_int()
        self.call(name, ctypes.byref(value), *args)
        return value.value

    def handle(self, name: str, *args: Any) -> int:
        """Call a function that writes a pointer to its first argument; that pointer."""
        value = ctypes.c_void_p()
        self.call(name, ctypes.byref(value), *args)
        return value.value or 0


def hint_of(status: int) -> str | None:
    """What may help against an error of the driver."""
    hint = _HINTS.get(status)
    if status in STICKY:
        return f"{hint or 'a kernel failed'}; this process can use the GPU no more"
    return hint


@lru_cache(None)
def driver() -> Driver:
    """The driver of this machine. Raises :class:`WeftError` where there is none, or no cuda-bindings."""
    found = Driver(_lookup())
    if status := found.status("cuInit", 0):
        hint = "it needs an NVIDIA GPU and its driver; --target gpu-sim runs the same code without"
        raise WeftError(f"there is no GPU to run on: {found.told(status)}", hint=hint, code=codes.NO_DEVICE)
    return found


def _lookup() -> Callable[[str], int | None]:
    try:
        known: Any = import_module("cuda.bindings.driver")
    except ImportError:
        message = "the target cuda needs the Python package cuda-bindings"
        raise WeftError(message, hint="pip install 'weft[cuda]'", code=codes.MISSING_PACKAGE) from None

    def lookup(name: str) -> int | None:
        try:
            status, address, _ = known.cuGetProcAddress(name.encode(), _API, 0)
        except (RuntimeError, OSError) as error:
            hint = "install NVIDIA's driver; --target gpu-sim runs the same code without"
            message = f"there is no NVIDIA driver on this machine: {error}"
            raise WeftError(message, hint=hint, code=codes.NO_DEVICE) from None
        return int(address) if int(status) == 0 and address else None

    return lookup
