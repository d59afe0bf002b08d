"""What a device refuses to launch."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from weft import codes
from weft.backends.sim.record import Kernel, Record
from weft.diagnostics import Location, WeftError
from weft.dialects.target import Cuda

Shape = tuple[int, int, int]

_GRID = (2**31 - 1, 65535, 65535)
_BLOCK = (1024, 1024, 64)
_CLUSTER = 8
"""The most blocks of a cluster that every device with clusters has."""


@dataclass(frozen=True)
class Dimensions:
    """How a kernel is launched: blocks of the grid, threads of a block, blocks of a cluster, and bytes of dynamic
    shared memory."""

    grid: Shape
    block: Shape
    cluster: Shape = (1, 1, 1)
    shared: int = 0


def check_limits(name: str, record: Record, sizes: Dimensions, device: Cuda, where: Location | None) -> None:
    """Raises :class:`WeftError` for a launch that the device refuses, with the limit, at the launch (or, where that has
    no place, at the kernel)."""
    kernel = record.kernels[name]
    for message, hint in (
        _grid(sizes),
        _threads(sizes, kernel, device),
        _shared(sizes, kernel, device),
        _cluster(sizes),
    ):
        if message:
            place = where or record.sites[kernel.site].where
            raise WeftError(f"'@{name}' cannot be launched: {message}", place, hint or None, code=codes.BAD_LAUNCH)


def _grid(sizes: Dimensions) -> tuple[str, str]:
    for axis, size, most in zip("xyz", sizes.grid, _GRID, strict=True):
        if not 1 <= size <= most:
            return f"{size} blocks in {axis}, a grid has 1 to {most}", ""
    return "", ""


def _threads(sizes: Dimensions, kernel: Kernel, device: Cuda) -> tuple[str, str]:
    threads = prod(sizes.block)
    if threads > device.block_threads:
        hint = "launch more blocks, of fewer threads each"
        return f"{threads} threads in a block, the device allows {device.block_threads}", hint
    for axis, size, most in zip("xyz", sizes.block, _BLOCK, strict=True):
        if not 1 <= size <= most:
            return f"{size} threads in {axis}, a block has 1 to {most}", ""
    if kernel.threads_limit is not None and threads > kernel.threads_limit:
        return f"{threads} threads in a block, and the kernel says at most {kernel.threads_limit}", ""
    return "", ""


def _shared(sizes: Dimensions, kernel: Kernel, device: Cuda) -> tuple[str, str]:
    total = kernel.shared_bytes + sizes.shared
    if total > device.shared_bytes:
        return f"a block would have {total} bytes of shared memory, the device allows {device.shared_bytes}", ""
    return "", ""


def _cluster(sizes: Dimensions) -> tuple[str, str]:
    if prod(sizes.cluster) > _CLUSTER:
        return f"{prod(sizes.cluster)} blocks in a cluster, a device allows {_CLUSTER}", ""
    for axis, grid, cluster in zip("xyz", sizes.grid, sizes.cluster, strict=True):
        if cluster < 1 or grid % cluster:
            return f"the {grid} blocks in {axis} are not whole clusters of {cluster}", ""
    return "", ""
