"""The simulator: GPU code on the CPU, every thread a coroutine, and what a checker sees of its accesses."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from xdsl.ir import Operation

    from weft.backends.device import DeviceProgram
    from weft.backends.sim.findings import Report
    from weft.backends.sim.tensor_maps import TensorMap
    from weft.dialects.target import Cuda


def target_facts(options: str) -> Cuda:
    """The GPU that is simulated: that of `chip` in options such as `sm_90a,check`, by default one of compute capability
    8.0.

    Raises :class:`WeftError` for options that are not known.
    """
    from weft.backends.sim.options import read_options

    return read_options(options).device


def compile_module(module: Operation, options: str = "") -> bytes:
    """A `gpu.module` of `llvm` and `nvvm` ops as code for this machine; with the option `check`, its accesses are
    checked.

    Raises :class:`WeftError` at what cannot be simulated.
    """
    from weft.backends.sim.code import compile_module as compile_it
    from weft.backends.sim.options import read_options

    return compile_it(module, checked=read_options(options).checked)


def load(program: DeviceProgram, options: str = "") -> Callable[..., Any]:
    """A callable from a compiled program, whose kernels are simulated."""
    from weft.backends.sim.hosted import SimFunction
    from weft.backends.sim.options import read_options

    return SimFunction(program, read_options(options).device)


def check(
    module: Operation,
    kernel: str,
    grid: Sequence[int],
    block: Sequence[int],
    arguments: Sequence[object],
    *,
    shared: int = 0,
    cluster: Sequence[int] = (1, 1, 1),
) -> list[Report]:
    """Run a kernel with checks, as :func:`launch` does; what was found that makes it slow.

    Raises :class:`WeftError` with everything that was found to be wrong.
    """
    from weft.backends.sim.findings import error_of

    reports = launch(module, kernel, grid, block, arguments, shared=shared, cluster=cluster, checked=True)
    if (error := error_of(reports)) is not None:
        raise error
    return reports


def launch(
    module: Operation | bytes,
    kernel: str,
    grid: Sequence[int],
    block: Sequence[int],
    arguments: Sequence[object],
    *,
    shared: int = 0,
    cluster: Sequence[int] = (1, 1, 1),
    checked: bool = False,
    device: Cuda | None = None,
) -> list[Report]:
    """Run a kernel, and say what the checker found, where it is `checked`.

    `module` is a `gpu.module`, a module with one, or what :func:`compile_module` made.

    `grid`, `block` and `cluster` have one to three sizes, x first; `shared` is the bytes of dynamic shared memory. For
    pointers, `arguments` has NumPy arrays, which the kernel reads and writes as they are, or a :func:`tensor_map`; for
    the others, numbers.

    Raises :class:`WeftError` for what the device refuses, and for threads that wait for each other.
    """
    from weft.backends.sim.limits import Dimensions
    from weft.backends.sim.module import Arguments, SimModule

    code = module if isinstance(module, bytes) else compile_module(gpu_module_of(module), "check" if checked else "")
    loaded = SimModule(code, device=device)
    given = Arguments(kernel, loaded.record, arguments, loaded.memory)
    return loaded.launch(kernel, Dimensions(_shape(grid), _shape(block), _shape(cluster), shared), given.address)


def tensor_map(
    array: np.ndarray[Any, Any], box: Sequence[int], *, swizzle: int = 0, steps: Sequence[int] | None = None
) -> TensorMap:
    """A tensor map of an array, as an argument of a kernel: what `cuTensorMapEncodeTiled` makes on a GPU. See
    :func:`weft.backends.sim.tensor_maps.tensor_map`."""
    from weft.backends.sim.tensor_maps import tensor_map as make

    return make(array, box, swizzle=swizzle, steps=steps)


def gpu_module_of(module: Operation) -> Operation:
    """The `gpu.module` that a module holds, if it is none itself. Raises :class:`WeftError` where there is not one."""
    if module.name == "gpu.module":
        return module
    found = [op for region in module.regions for block in region.blocks for op in block.ops if op.name == "gpu.module"]
    if len(found) != 1:
        from weft import codes
        from weft.dialects.locations import error_at

        raise error_at(module, f"one gpu.module is needed, there are {len(found)}", code=codes.NO_ENTRY)
    return found[0]


def _shape(sizes: Sequence[int]) -> tuple[int, int, int]:
    x, y, z = (*sizes, 1, 1)[:3]
    return x, y, z
