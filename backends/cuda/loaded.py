"""A program on a GPU: its modules and kernels, its globals, and its host code, linked with the run-time functions."""

from __future__ import annotations

import ctypes
import sys
import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from weft import codes
from weft.backends.cpu.library import Library
from weft.backends.cpu.python_api import is_known, python_symbol
from weft.backends.cpu.runtime import runtime_symbol
from weft.backends.cuda import dlpack
from weft.backends.cuda.driver import FUNCTIONS, Driver
from weft.backends.cuda.fast_call import TABLE, call_name
from weft.backends.cuda.gpu import Gpu
from weft.backends.cuda.patches import Parameter, parameters_of, patcher
from weft.backends.cuda.record import Fast, Kernel
from weft.backends.device import DeviceProgram
from weft.backends.llvm.elf import undefined_symbols
from weft.backends.llvm.object_code import to_object
from weft.backends.signature import ENTRY
from weft.diagnostics import Location, WeftError
from weft.dialects import device

if TYPE_CHECKING:
    from weft.backends.cuda.states import State

_ERROR_LOG, _ERROR_LOG_BYTES = 5, 6
"""CU_JIT_*."""

_LOG_BYTES = 16384

_MAX_THREADS, _SHARED, _MAX_DYNAMIC, _ANY_CLUSTER = 0, 1, 8, 14
"""CU_FUNC_ATTRIBUTE_*."""

_CLUSTERS = 90
"""The compute capability from which on there are clusters."""

_STRIDED = "weft_copy_strided"


@dataclass(frozen=True)
class KernelFacts:
    """What the driver says of a kernel: the most threads of a block, and its shared memory."""

    name: str
    threads: int
    static_shared: int
    dynamic_shared: int


class Loaded:
    """A program that is ready to run on a GPU. It is unloaded when nobody holds it."""

    def __init__(self, program: DeviceProgram, gpu: Gpu) -> None:
        """Raises :class:`WeftError` for code that the driver refuses, and where there is no memory for globals."""
        self.program = program
        self.gpu = gpu
        self._modules: dict[str, int] = {}
        self._globals: dict[str, int] = {}
        self.strided_if_loaded = 0
        weakref.finalize(self, _unload, gpu, self._modules, self._globals).atexit = False
        with gpu.current():
            for name, code in program.modules.items():
                self._modules[name] = _load_module(gpu.driver, code, f"@{name}")
            self.facts: list[tuple[Kernel, KernelFacts]] = [self._kernel(name) for name in program.kernels]
            self._upload()
            if device.COPY_STRIDED.name in (undefined_symbols(program.host) or ()):
                self.strided()
        self.fast = Fast(device=dlpack.CUDA | gpu.ordinal << 32, context=gpu.context)
        self.short_cut = call_name(program.signature) if program.python_call and is_known() else None
        exports = [ENTRY + program.signature.name, *([self.short_cut] if self.short_cut else [])]
        self._library = Library(program.host, exports, self._symbol)

    def strided(self) -> int:
        """The kernel of strided copies, loaded when it is first needed. The GPU's context is current."""
        if not self.strided_if_loaded:
            used, facts = self.gpu.driver, self.gpu.facts
            self._modules[""] = _load_module(used, _strided_code(facts.chip, facts.ptx), _STRIDED)
            self.strided_if_loaded = used.handle("cuModuleGetFunction", self._modules[""], _STRIDED.encode())
        return self.strided_if_loaded

    def address(self, name: str) -> int:
        """Where a function of its host code starts."""
        return self._library.address(name)

    def _kernel(self, name: str) -> tuple[Kernel, KernelFacts]:
        module, _, symbol = name.partition("::")
        used = self.gpu.driver
        function = used.handle("cuModuleGetFunction", self._modules[module], symbol.encode())
        threads = used.number("cuFuncGetAttribute", _MAX_THREADS, function)
        static = used.number("cuFuncGetAttribute", _SHARED, function)
        room = max(self.gpu.shared_bytes - static, 0)
        used.call("cuFuncSetAttribute", function, _MAX_DYNAMIC, room)
        if self.gpu.facts.capability >= _CLUSTERS:
            used.call("cuFuncSetAttribute", function, _ANY_CLUSTER, 1)
        return Kernel(function, threads, room), KernelFacts(name, threads, static, room)

    @cached_property
    def parameters(self) -> list[tuple[Parameter, ...] | None]:
        """What each kernel takes, None where that is not known."""
        known = {name: parameters_of(code.decode(errors="replace")) for name, code in self.program.modules.items()}
        parts = [name.partition("::") for name in self.program.kernels]
        return [known.get(module, {}).get(symbol) for module, _, symbol in parts]

    def table(self) -> Any:
        """The kernels as the run-time functions know them."""
        return (Kernel * max(len(self.facts), 1))(*(kernel for kernel, _ in self.facts))

    def site(self, number: int) -> Location:
        """The place of a launch."""
        file, line, column = self.program.sites[number].rsplit(":", 2)
        return Location(file, int(line), int(column))

    def _upload(self) -> None:
        for symbol, content in self.program.contents.items():
            self._put(symbol, content, len(content))
        for symbol, spec in self.program.data.items():
            array = spec.load()
            self._put(symbol, array.__array_interface__["data"][0], array.nbytes)

    def _put(self, symbol: str, content: Any, count: int) -> None:
        used = self.gpu.driver
        place = ctypes.c_void_p()
        status = used.status("cuMemAlloc", ctypes.byref(place), max(count, 1))
        if status == 2:
            raise self.gpu.out_of_memory(f"the constant '{symbol}' of the program", count)
        if status:
            raise used.error(status, "cuMemAlloc")
        self._globals[symbol] = place.value or 0
        if count:
            used.call("cuMemcpyHtoD", place, content, count)

    def _symbol(self, name: str) -> int | None:
        if name == TABLE:
            return ctypes.addressof(self.fast)
        if name in FUNCTIONS:
            return self.gpu.driver.address(name)
        found = self._globals.get(name) or _runtime(self.gpu.driver).get(name)
        return found or runtime_symbol(name, 1) or python_symbol(name)


def _unload(gpu: Gpu, modules: dict[str, int], globals_: dict[str, int]) -> None:
    if sys.is_finalizing():
        return
    with gpu.current():
        for address in globals_.values():
            gpu.driver.status("cuMemFree", address)
        for module in modules.values():
            gpu.driver.status("cuModuleUnload", module)


def _load_module(used: Driver, code: bytes, name: str) -> int:
    log = ctypes.create_string_buffer(_LOG_BYTES)
    options = (ctypes.c_int * 2)(_ERROR_LOG, _ERROR_LOG_BYTES)
    values = (ctypes.c_void_p * 2)(ctypes.addressof(log), _LOG_BYTES)
    module = ctypes.c_void_p()
    status = used.status("cuModuleLoadDataEx", ctypes.byref(module), code + b"\0", 2, options, values)
    if status:
        said = log.value.decode(errors="replace").strip()
        error = used.error(status, "cuModuleLoadDataEx")
        text = f"the driver refuses the code of {name}: {error.message}" + (f"\n{said}" if said else "")
        raise WeftError(text, hint=error.hint, code=codes.DEVICE_FAILED)
    return module.value or 0


@lru_cache(None)
def _strided_code(chip: str, ptx: int) -> bytes:
    """The kernel of strided copies for a chip."""
    from weft.backends.llvm.machine import Machine, initialize_all
    from weft.backends.llvm.object_code import Linked

    initialize_all()
    machine = Machine("nvptx64-nvidia-cuda", chip, f"+ptx{ptx}")
    with Linked(_text("strided.ll"), (), machine) as linked:
        return linked.assembly().encode()


_RUNTIME_FUNCTIONS = (
    *(function.name for function in device.FUNCTIONS),
    "weft_cuda_start",
    "weft_cuda_begin",
    "weft_cuda_take",
    "weft_cuda_patch",
)

_runtimes: dict[int, tuple[Library, dict[str, int]]] = {}


def _runtime(used: Driver) -> dict[str, int]:
    """The run-time functions, which call a driver. They stay for as long as the process does."""
    known = _runtimes.get(id(used))
    if known is None:
        code = to_object(_text("runtime.ll"), level=2)
        library = Library(code, _RUNTIME_FUNCTIONS, lambda name: used.address(name) if name in FUNCTIONS else None)
        library.keep_forever()
        addresses = {name: library.address(name) for name in _RUNTIME_FUNCTIONS}
        ctypes.CFUNCTYPE(ctypes.c_int)(addresses["weft_cuda_start"])()
        known = _runtimes[id(used)] = library, addresses
    return known[1]


def begin(used: Driver) -> Any:
    """The function that says to the run-time functions for which record this thread calls host code."""
    return ctypes.CFUNCTYPE(None, ctypes.c_void_p)(_runtime(used)["weft_cuda_begin"])


def taker(used: Driver) -> Any:
    """The function that takes a record, by its address, for a call: 1, or 0 where another call has it."""
    return ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_void_p)(_runtime(used)["weft_cuda_take"])


def patch(used: Driver) -> Callable[[int, Any], int]:
    """The function that puts the graph of a record right for the words of a call."""
    return patcher(_runtime(used)["weft_cuda_patch"])


def copy_strided(loaded: Loaded, state: State, to: int, from_: int, shape: Sequence[int]) -> None:
    """Copy an array on the device, in the order of a state's stream: what `weft_gpu_copy_strided` does."""
    used = loaded.gpu.driver
    state.record.strided = loaded.strided()
    begin(used)(state.address)
    function = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p)
    copy = function(_runtime(used)[device.COPY_STRIDED.name])
    if status := copy(to, from_, (ctypes.c_int64 * len(shape))(*shape)):
        raise used.error(abs(status), "a strided copy")


def _text(name: str) -> str:
    return (resources.files("weft.backends.cuda") / name).read_text(encoding="utf-8")
