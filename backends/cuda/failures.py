"""What went wrong on the device, in words: which call, which kernel, which line, which limit."""

from __future__ import annotations

from weft import codes
from weft.backends.cuda.driver import OUT_OF_MEMORY, STICKY, hint_of
from weft.backends.cuda.loaded import Loaded
from weft.backends.cuda.record import (
    BLOCK_SIZE,
    CANNOT_WAIT,
    GRID_SIZE,
    RANK,
    SHARED_MEMORY,
    TOO_MANY_THREADS,
    Record,
)
from weft.backends.failures import failure
from weft.diagnostics import UNKNOWN, Diagnostic, WeftError

_CALLS = {
    "l": "cuLaunchKernelEx",
    "a": "cuMemAllocFromPoolAsync",
    "c": "a copy",
    "f": "cuMemset",
    "s": "cuLaunchKernelEx",
    "w": "cuStreamSynchronize",
    "g": "cuGraphLaunch",
}
"""Which call a letter of the record stands for."""

_AXES = "xyz"


def failed(loaded: Loaded, record: Record, status: int) -> WeftError:
    """The error for a status that is not 0, from what the record says."""
    error: int = record.error
    if error in STICKY:
        return asynchronous(loaded, record, error)
    if status < 0:
        return loaded.gpu.driver.error(error, _CALLS[chr(record.what)])
    found = failure(loaded.program.signature.name, loaded.program.messages, status)
    if error == 0:
        return found
    if error < 0:
        text = _limit(loaded, record)
        return WeftError(f"{found.message}: {text}", found.where, _hint_of_limit(error), code=codes.BAD_LAUNCH)
    if error == OUT_OF_MEMORY:
        text = f"{found.message}: {loaded.gpu.shortage(record.asked)}"
        return WeftError(text, found.where, hint_of(error), code=codes.OUT_OF_MEMORY)
    told = loaded.gpu.driver.told(error)
    text = f"{found.message}: {_CALLS[chr(record.what)]} says {told}"
    return WeftError(text, found.where, hint_of(error), code=codes.DEVICE_FAILED)


def asynchronous(loaded: Loaded, record: Record, error: int) -> WeftError:
    """The error of something that the device was asked for before, and that failed meanwhile."""
    program = loaded.program
    told = loaded.gpu.driver.told(error)
    launches = list(dict.fromkeys(record.recent()))
    record.checked()
    places = [(program.kernels[kernel], loaded.site(site)) for kernel, site in launches]
    if not places:
        return WeftError(f"the device failed before: {told}", hint=hint_of(error), code=codes.DEVICE_FAILED)
    if len(places) == 1:
        ((kernel, where),) = places
        text = f"the kernel '@{kernel.replace('::', '::@')}' failed: {told}"
        return WeftError(text, where, hint_of(error), code=codes.DEVICE_FAILED)
    notes = tuple(
        Diagnostic(f"the kernel '@{kernel.replace('::', '::@')}' is launched here", where or UNKNOWN, "note")
        for kernel, where in places
    )
    text = f"one of {len(places)} launches failed: {told}"
    hint = f"CUDA_LAUNCH_BLOCKING=1 says which; {hint_of(error)}"
    return WeftError(text, hint=hint, notes=notes, code=codes.DEVICE_FAILED)


def _limit(loaded: Loaded, record: Record) -> str:
    """Which limit of the device a launch breaks."""
    gpu, what, sizes = loaded.gpu, record.what, list(record.sizes)
    error: int = record.error
    if error == RANK:
        return f"an array of rank {what} cannot be copied by strides on the device"
    if error == CANNOT_WAIT:
        return "it waits for the device while a graph is captured"
    number: int = record.kernel
    facts = loaded.facts[number][1]
    block = " x ".join(map(str, sizes[3:6]))
    if error == TOO_MANY_THREADS:
        most = gpu.limits[0]
        why = "" if facts.threads >= most else f", of which its registers and its declared block leave {facts.threads}"
        return f"a block of {block} has {what} threads, {gpu.name} takes {most}{why}"
    if error == BLOCK_SIZE:
        axis = what - 3
        least = "must be at least 1" if sizes[what] < 1 else f"{gpu.name} takes {gpu.limits[1 + axis]}"
        return f"a block of {block} has {sizes[what]} threads along {_AXES[axis]}, {least}"
    if error == GRID_SIZE:
        grid = " x ".join(map(str, sizes[:3]))
        least = "may not be negative" if sizes[what] < 0 else f"{gpu.name} takes {gpu.limits[4 + what]}"
        return f"a grid of {grid} has {sizes[what]} blocks along {_AXES[what]}, {least}"
    assert error == SHARED_MEMORY
    most = gpu.shared_bytes
    return (
        f"a block asks for {facts.static_shared + what} bytes of shared memory ({facts.static_shared} static, {what} "
        f"dynamic), {gpu.name} has {most}"
    )


def _hint_of_limit(error: int) -> str | None:
    hints = {
        TOO_MANY_THREADS: "take smaller blocks and more of them",
        BLOCK_SIZE: "take smaller blocks and more of them",
        GRID_SIZE: "let a thread compute several elements, or put more along x",
        SHARED_MEMORY: "take smaller tiles",
    }
    return hints.get(error)
