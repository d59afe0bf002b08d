"""NVIDIA GPUs: PTX of kernels, and programs that run on the GPU of this machine.

The functions here load what they need when they are called.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from weft.backends.cuda.assembler import Assembled
    from weft.backends.cuda.device_array import DeviceArray
    from weft.backends.device import DeviceProgram
    from weft.backends.signature import Signature
    from weft.dialects import gpu
    from weft.dialects.target import Cuda


def target_facts(options: str) -> Cuda:
    """The GPU of this machine; with a chip or a version of PTX (`sm_90,+ptx80`), code is made for that.

    Raises :class:`WeftError` for what is not known, and where there is no GPU, no driver or no cuda-bindings.
    """
    from weft.backends.cuda.gpu import current_gpu
    from weft.backends.gpu_options import read_gpu_options

    return read_gpu_options(options, "cuda").applied(current_gpu().facts)


def call_text(signature: Signature) -> str:
    """The LLVM IR of a function that Python can call without Python in between, to stand with the host code.

    Empty where there is none: :func:`load` gives a callable in any case.
    """
    from weft.backends.cpu.python_api import is_known
    from weft.backends.cuda.fast_call import call_text as text

    return text(signature) if is_known() else ""


def compile_module(module: gpu.ModuleOp, options: str = "") -> bytes:
    """The PTX of a `gpu.module`, as :func:`to_ptx` makes it; the driver makes machine code of it."""
    return to_ptx(module).encode()


def load(program: DeviceProgram, options: str = "") -> Callable[..., Any]:
    """A callable from a compiled program, on the current GPU.

    Raises :class:`WeftError` where there is none, or where it does not take the code.
    """
    from weft.backends.cuda.compiled import callable_of
    from weft.backends.cuda.gpu import current_gpu
    from weft.backends.cuda.loaded import Loaded

    return callable_of(Loaded(program, current_gpu()))


def to_device(array: object, stream: object = None) -> DeviceArray:
    """A copy of an array on the current GPU, which stays there: programs take it without copying it again.

    Raises :class:`WeftError` where there is no GPU, or not enough memory on it.
    """
    from weft.backends.cuda.upload import to_device as upload

    return upload(array, stream)


def to_ptx(module: gpu.ModuleOp) -> str:
    """The PTX of a `gpu.module` that holds `llvm` and `nvvm` ops only, for the first of its targets.

    Raises :class:`WeftError` at the first op of another dialect, or that the target has no instruction for.
    """
    from weft.backends.cuda.ptx import to_ptx as translate

    return translate(module)


def to_cubin(ptx: str, chip: str) -> Assembled:
    """A cubin of PTX for a chip. Raises :class:`WeftError` where `ptxas` is missing or refuses it."""
    from weft.backends.cuda.assembler import assemble

    return assemble(ptx, chip)
