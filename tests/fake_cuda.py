"""A driver without a GPU: the functions of libcuda as Python functions on the memory of this process.

A kernel is a Python function of a launch (`kernels`, by name). `fail` makes a function of the driver give a status;
what happened is in `calls`.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import weft
from weft.backends.cuda import call_text
from weft.backends.cuda.compiled import CudaFunction, callable_of
from weft.backends.cuda.dlpack import dtype_code
from weft.backends.cuda.driver import FUNCTIONS, Driver
from weft.backends.cuda.gpu import gpu_of
from weft.backends.cuda.loaded import Loaded
from weft.backends.cuda.patches import NodeParams
from weft.backends.signature import Signature
from weft.driver.devices import device_program
from weft.driver.passes import run_pipeline
from weft.driver.program import find_entry
from weft.driver.signatures import signature_of

Kernel = Callable[["Launch"], None]

ATTRIBUTES = {1: 1024, 2: 1024, 3: 1024, 4: 64, 5: 2**31 - 1, 6: 65535, 7: 65535, 12: 65536, 16: 4, 38: 1 << 20}
ATTRIBUTES |= {75: 9, 76: 0, 97: 232448}

ERRORS = {2: "CUDA_ERROR_OUT_OF_MEMORY", 218: "CUDA_ERROR_INVALID_PTX", 700: "CUDA_ERROR_ILLEGAL_ADDRESS"}


@dataclass(frozen=True)
class Launch:
    """A launch: its sizes, its stream, and where its arguments are."""

    grid: tuple[int, int, int]
    block: tuple[int, int, int]
    cluster: tuple[int, int, int] | None
    shared: int
    stream: int
    args: int

    def value(self, number: int, type_: Any) -> Any:
        """An argument of a C type."""
        return type_.from_address(ctypes.c_uint64.from_address(self.args + 8 * number).value).value


class Config(ctypes.Structure):
    _fields_ = (
        ("grid", ctypes.c_uint32 * 3),
        ("block", ctypes.c_uint32 * 3),
        ("shared", ctypes.c_uint32),
        ("stream", ctypes.c_void_p),
        ("attributes", ctypes.c_void_p),
        ("count", ctypes.c_uint32),
    )


def put(address: int, type_: Any, value: Any) -> None:
    type_.from_address(address).value = value


@dataclass
class Fake:
    """The state of the driver that is not there."""

    kernels: dict[str, Kernel] = field(default_factory=dict)
    threads: dict[str, int] = field(default_factory=dict)
    failing: dict[str, list[int]] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    memory: dict[int, Any] = field(default_factory=dict)
    available: int = 1 << 30
    graphs: dict[int, list[tuple[Any, ...]]] = field(default_factory=dict)
    capturing: dict[int, list[tuple[Any, ...]]] = field(default_factory=dict)
    context: int = 0
    launches: list[Launch] = field(default_factory=list)
    _kept: list[Any] = field(default_factory=list)
    _functions: dict[int, str] = field(default_factory=dict)
    _handles: int = 1000
    _driver: Driver | None = None
    _table: dict[str, int] = field(default_factory=dict)

    def driver(self) -> Driver:
        """It as a driver."""
        if self._driver is None:
            self._driver = Driver(self.lookup)
        return self._driver

    def fail(self, name: str, *statuses: int) -> None:
        """The next calls of a function give these statuses."""
        self.failing.setdefault(name, []).extend(statuses)

    def lookup(self, name: str) -> int:
        """The address of a function."""
        if name not in self._table:
            kind = ctypes.CFUNCTYPE(ctypes.c_int, *FUNCTIONS[name])

            def function(*args: Any) -> int:
                self.calls.append(name)
                if self.failing.get(name):
                    status = self.failing[name].pop(0)
                    if status:
                        return status
                return getattr(self, name, self.nothing)(*args) or 0

            callback = kind(function)
            self._kept.append(callback)
            self._table[name] = ctypes.cast(callback, ctypes.c_void_p).value
        return self._table[name]

    def used(self) -> int:
        """The bytes that are taken."""
        return sum(len(block) for block in self.memory.values())

    # ---------- what the functions do; one that is not here gives 0
    def nothing(self, *args: Any) -> int:
        return 0

    def handle(self, place: int) -> int:
        self._handles += 1
        put(place, ctypes.c_uint64, self._handles)
        return self._handles

    def cuGetErrorName(self, status, place):
        return self._text(place, ERRORS.get(status, f"CUDA_ERROR_{status}"))

    def cuGetErrorString(self, status, place):
        return self._text(place, "as the fake says")

    def _text(self, place, text):
        buffer = ctypes.create_string_buffer(text.encode())
        self._kept.append(buffer)
        put(place, ctypes.c_uint64, ctypes.addressof(buffer))

    def cuDriverGetVersion(self, place):
        put(place, ctypes.c_int, 13000)

    def cuDeviceGetCount(self, place):
        put(place, ctypes.c_int, 1)

    def cuDeviceGet(self, place, ordinal):
        put(place, ctypes.c_int, ordinal)

    def cuDeviceGetName(self, place, size, device):
        ctypes.memmove(place, b"Fake GPU\0", 9)

    def cuDeviceGetAttribute(self, place, number, device):
        put(place, ctypes.c_int, ATTRIBUTES[number])

    def cuDevicePrimaryCtxRetain(self, place, device):
        put(place, ctypes.c_uint64, 77)

    def cuCtxGetCurrent(self, place):
        put(place, ctypes.c_uint64, self.context)

    def cuCtxPushCurrent(self, context):
        self.context = context

    def cuCtxPopCurrent(self, place):
        self.context = 0

    def cuCtxGetDevice(self, place):
        return 201

    def cuMemGetInfo(self, free, total):
        put(free, ctypes.c_uint64, self.available - self.used())
        put(total, ctypes.c_uint64, self.available)

    def cuMemAlloc(self, place, count):
        if self.used() + count > self.available:
            return 2
        block = (ctypes.c_ubyte * count)()
        self.memory[ctypes.addressof(block)] = block
        put(place, ctypes.c_uint64, ctypes.addressof(block))
        return 0

    def cuMemFree(self, address):
        if self.memory.pop(address, None) is None:
            self.calls.append("freed twice")
            return 1
        return 0

    def cuMemAllocFromPoolAsync(self, place, count, pool, stream):
        return self.cuMemAlloc(place, count)

    def cuMemFreeAsync(self, address, stream):
        return self.cuMemFree(address)

    def cuMemHostAlloc(self, place, count, flags):
        block = (ctypes.c_ubyte * count)()
        self._kept.append(block)
        put(place, ctypes.c_uint64, ctypes.addressof(block))

    def cuMemPoolCreate(self, place, props):
        self.handle(place)

    def cuEventCreate(self, place, flags):
        self.handle(place)

    def cuStreamCreate(self, place, flags):
        self.handle(place)

    def _do(self, stream, function, *args):
        """Now, or when the graph is launched that is captured on the stream."""
        if stream in self.capturing:
            self.capturing[stream].append((function, *args))
        else:
            function(*args)

    def cuMemcpyHtoD(self, to, from_, count):
        ctypes.memmove(to, from_, count)

    def cuMemcpyHtoDAsync(self, to, from_, count, stream):
        self._do(stream, ctypes.memmove, to, from_, count)

    cuMemcpyDtoDAsync = cuMemcpyHtoDAsync
    cuMemcpyDtoHAsync = cuMemcpyHtoDAsync

    def cuMemsetD8Async(self, to, value, count, stream):
        self._do(stream, ctypes.memset, to, value, count)

    def cuMemsetD16Async(self, to, value, count, stream):
        self._do(stream, self._fill, to, value, count, ctypes.c_uint16)

    def cuMemsetD32Async(self, to, value, count, stream):
        self._do(stream, self._fill, to, value, count, ctypes.c_uint32)

    def _fill(self, to, value, count, type_):
        (type_ * count).from_address(to)[:] = [value] * count

    def cuMemsetD2D32Async(self, to, pitch, value, width, height, stream):
        for row in range(height):
            self._fill(to + row * pitch, value, width, ctypes.c_uint32)

    def cuModuleLoadDataEx(self, place, code, count, options, values):
        self.handle(place)

    def cuModuleGetFunction(self, place, module, name):
        self._functions[self.handle(place)] = name.decode()

    def cuFuncGetAttribute(self, place, number, function):
        name = self._functions[function]
        put(place, ctypes.c_int, self.threads.get(name, 1024) if number == 0 else 0)

    def cuLaunchKernelEx(self, config, function, args, extra):
        found = Config.from_address(config)
        cluster = tuple((ctypes.c_uint32 * 3).from_address(found.attributes + 8)) if found.count else None
        name = self._functions[function]
        launch = Launch(tuple(found.grid), tuple(found.block), cluster, found.shared, found.stream or 0, args)
        self.launches.append(launch)
        kernel = copy_strided if name == "weft_copy_strided" else self.kernels[name]
        if launch.stream in self.capturing:
            kept, places = self._arguments(kernel, args)
            again = Launch(launch.grid, launch.block, cluster, launch.shared, launch.stream, places)
            self.capturing[launch.stream].append((kernel, again, kept))
        else:
            kernel(launch)

    def _arguments(self, kernel, args):
        """A copy of the arguments, as a graph keeps one; `kernel.arguments` says how many there are."""
        count = getattr(kernel, "arguments", 3)
        values = (ctypes.c_uint64 * count)()
        for number in range(count):
            place = ctypes.c_uint64.from_address(args + 8 * number).value
            values[number] = ctypes.c_uint64.from_address(place).value
        start = ctypes.addressof(values)
        places = (ctypes.c_uint64 * count)(*(start + 8 * number for number in range(count)))
        return (values, places), ctypes.addressof(places)

    def cuStreamIsCapturing(self, stream, place):
        put(place, ctypes.c_int, 0)

    def cuStreamBeginCapture(self, stream, mode):
        self.capturing[stream] = []

    def cuStreamEndCapture(self, stream, place):
        self.graphs[self.handle(place)] = self.capturing.pop(stream)

    def cuStreamGetCaptureInfo(self, stream, status, number, graph, nodes, count):
        """A node is the number of what was captured."""
        node = (ctypes.c_uint64 * 1)(len(self.capturing[stream]))
        self._kept.append(node)
        put(nodes, ctypes.c_uint64, ctypes.addressof(node))
        put(count, ctypes.c_size_t, int(bool(self.capturing[stream])))

    def cuGraphGetNodes(self, graph, nodes, count):
        put(count, ctypes.c_size_t, len(self.graphs[graph]))

    def cuGraphInstantiate(self, place, graph, flags):
        self.graphs[self.handle(place)] = list(self.graphs[graph])

    def cuGraphExecKernelNodeSetParams(self, graph, node, parameters):
        found = NodeParams.from_address(parameters)
        kernel, launch, _ = self.graphs[graph][node - 1]
        assert self.kernels[self._functions[found.function]] is kernel
        assert (tuple(found.grid), tuple(found.block), found.shared) == (launch.grid, launch.block, launch.shared)
        kept, places = self._arguments(kernel, found.values)
        again = Launch(launch.grid, launch.block, launch.cluster, launch.shared, launch.stream, places)
        self.graphs[graph][node - 1] = (kernel, again, kept)

    def cuGraphLaunch(self, graph, stream):
        for function, *args in self.graphs[graph]:
            function(*(args[:1] if isinstance(args[0], Launch) else args))


def copy_strided(launch: Launch) -> None:
    """What strided.ll does."""
    to, from_, count = (launch.value(n, ctypes.c_uint64) for n in range(3))
    words = ctypes.c_uint64.from_address(launch.args + 24).value
    rank, width = (ctypes.c_int64 * 2).from_address(words)
    facts = list((ctypes.c_int64 * (2 + 3 * rank)).from_address(words))[2:]
    sizes, to_strides, from_strides = facts[:rank], facts[rank : 2 * rank], facts[2 * rank :]
    for number in range(count):
        rest, there, here = number, 0, 0
        for size, one, other in reversed(list(zip(sizes, to_strides, from_strides, strict=True))):
            rest, index = divmod(rest, size)
            there, here = there + index * one, here + index * other
        ctypes.memmove(to + there * width, from_ + here * width, width)


def array(address: int, shape: Sequence[int], type_: Any) -> Any:
    """Elements at an address, as a flat ctypes array."""
    count = 1
    for size in shape:
        count *= size
    return (type_ * count).from_address(address)


class OnDevice:
    """An array of a library that is not there: NumPy's memory stands for the GPU's."""

    def __init__(self, values: Any, stream: int | None = None, *, read_only: bool = False) -> None:
        self.values = np.asarray(values)
        self.stream = stream
        self.read_only = read_only

    @property
    def __cuda_array_interface__(self) -> dict[str, Any]:
        return {
            "version": 3,
            "shape": self.values.shape,
            "typestr": self.values.dtype.str,
            "data": (self.values.__array_interface__["data"][0], self.read_only),
            "strides": None if self.values.flags.c_contiguous else self.values.strides,
            "stream": self.stream,
        }


class Tensor:
    """An array of a library with DLPack's C exchange API, in NumPy's memory."""

    def __init__(self, values: Any) -> None:
        self.values = np.asarray(values)
        count = max(self.values.ndim, 1)
        size = self.values.itemsize
        self.sizes = (ctypes.c_int64 * count)(*self.values.shape)
        self.steps = (ctypes.c_int64 * count)(*(step // size for step in self.values.strides))


class Exchange:
    """That API for tensors on the device, on a stream, as C functions."""

    def __init__(self, device: int, stream: int) -> None:
        self.stream = stream
        self.refused = False
        self._fresh: list[Tensor] = []

        def allocate(wanted: int, place: int, context: int, error: int) -> int:
            if self.refused:
                return -1
            words = (ctypes.c_uint64 * 6).from_address(wanted)
            rank, code = ctypes.c_int32.from_address(wanted + 16).value, ctypes.c_uint32.from_address(wanted + 20).value
            shape = tuple((ctypes.c_int64 * max(rank, 1)).from_address(words[3]))[:rank]
            dtype = {2: "f", 0: "i", 1: "u"}[code & 0xFF] + str((code >> 8 & 0xFF) // 8)
            self._fresh.append(Tensor(np.zeros(shape, dtype)))
            put(place, ctypes.c_uint64, len(self._fresh))
            return 0

        def wrap(number: int, place: int) -> int:
            tensor = self._fresh[number - 1]
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(tensor))
            put(place, ctypes.c_uint64, id(tensor))
            self._fresh.clear()
            return 0

        def look(tensor: int, place: int) -> int:
            found = ctypes.cast(tensor, ctypes.py_object).value
            put(place, ctypes.c_uint64, found.values.__array_interface__["data"][0])
            put(place + 8, ctypes.c_uint64, device)
            put(place + 16, ctypes.c_int32, found.values.ndim)
            put(place + 20, ctypes.c_uint32, dtype_code(found.values.dtype))
            put(place + 24, ctypes.c_uint64, ctypes.addressof(found.sizes))
            put(place + 32, ctypes.c_uint64, ctypes.addressof(found.steps))
            put(place + 40, ctypes.c_uint64, 0)
            return 0

        def current(kind: int, number: int, place: int) -> int:
            put(place, ctypes.c_uint64, self.stream)
            return 0

        pointer, number = ctypes.c_void_p, ctypes.c_int
        kinds = [(pointer,) * 4, (pointer,) * 2, (pointer,) * 2, (number, number, pointer)]
        functions = [allocate, wrap, look, current]
        self._kept = [
            ctypes.PYFUNCTYPE(number, *kind)(function) for kind, function in zip(kinds, functions, strict=True)
        ]
        addresses = [ctypes.cast(function, pointer).value for function in self._kept]
        self._api = (ctypes.c_uint64 * 7)(1, 0, addresses[0], 0, *addresses[1:])
        self.address = ctypes.addressof(self._api)


PTX = b"""
.visible .entry double(
	.param .u64 .ptr .global .align 1 double_param_0,
	.param .u64 .ptr .global .align 1 double_param_1,
	.param .u64 double_param_2
)
"""
"""What kernels look like to who asks for their parameters."""


def compiled(fake: Fake, text: str, signature: Signature | None = None, *, short_cut: bool = False) -> Any:
    """A program at stop 7, or above on the host's side, on the driver that is not there. With `short_cut`, the callable
    that goes without Python in between, and what it knows."""
    module = weft.parse(text)
    signature = signature or signature_of(find_entry(module, None))
    run_pipeline(module, "builtin.module(bufferize,convert-linalg-to-loops,convert-scf-to-cf,convert-to-llvm)")
    program = device_program(module, signature, lambda kernels: PTX, call_text(signature) if short_cut else "")
    loaded = Loaded(program, gpu_of(fake.driver(), 0))
    return (callable_of(loaded), loaded) if short_cut else CudaFunction(loaded)
