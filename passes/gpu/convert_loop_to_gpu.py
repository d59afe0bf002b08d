"""`convert-loop-to-gpu`: kernels of scheduled loops become functions of the device, and launches of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp, StringAttr, UnitAttr
from xdsl.dialects.func import CallOp, FuncOp
from xdsl.passes import ModulePass
from xdsl.traits import SymbolTable

from weft.dialects import gpu
from weft.dialects.loop import IndexOp
from weft.dialects.nvvm import TargetAttr
from weft.dialects.target import Cuda, cuda_of
from weft.passes.gpu.loop_to_gpu.function import Device, device_function
from weft.passes.gpu.loop_to_gpu.host import Launches, replace_body, replace_call
from weft.passes.gpu.loop_to_gpu.symbols import Host
from weft.passes.gpu.loop_to_gpu.units import Part, Unit, parts, units
from weft.passes.loops.kernels import kernels
from weft.passes.rewriting import LocatedBuilder

MODULE = "kernels"


@dataclass(frozen=True)
class ConvertLoopToGpu(ModulePass):
    """Turns each nest of a kernel into a function of the device, and calls of the kernel into launches.

    Loops marked `grid`, `block`, `warp` and `thread` become ids, which linear forms use as symbols, under a `loop.if`
    where there are more ids than iterations. Loops without such a mark stay loops. Nests that share a buffer in
    `reg`, `stack` or `shared` are one launch. Conditions at the top of a kernel are decided by the host.

    **Before**
    ```mlir
    func.func @main(%x: memref<1000xf32>, %y: memref<1000xf32>) {
      func.call @k(%x, %y) : (memref<1000xf32>, memref<1000xf32>) -> ()
      func.return
    }
    func.func private @k(%x: memref<1000xf32> {loop.name = "x"}, %y: memref<1000xf32> {loop.name = "y"})
        attributes {loop.kernel} {
      loop.for "i" %i to 1000 grid(256) {
        %0 = loop.load %x[%i] : memref<1000xf32>
        loop.store %0, %y[%i] : memref<1000xf32>
      }
      func.return
    }
    ```
    **After**
    ```mlir
    func.func @main(%x: memref<1000xf32>, %y: memref<1000xf32>) {
      %c4 = arith.constant 4 : index
      %c1 = arith.constant 1 : index
      %c256 = arith.constant 256 : index
      gpu.launch_func @kernels::@k_0 blocks in (%c4, %c1, %c1) threads in (%c256, %c1, %c1)
        args(%x : memref<1000xf32>, %y : memref<1000xf32>)
      func.return
    }
    gpu.module @kernels [#nvvm.target<chip = "sm_80", features = "+ptx80">] {
      gpu.func @k_0(%x: memref<1000xf32>, %y: memref<1000xf32>) kernel
          attributes {known_block_size = array<i32: 256, 1, 1>} {
        %b = gpu.block_id x
        %t = gpu.thread_id x
        loop.if 999 - 256*%b - %t >= 0 {
          %0 = loop.load %x[256*%b + %t] : memref<1000xf32>
          loop.store %0, %y[256*%b + %t] : memref<1000xf32>
        }
        gpu.return
      }
    }
    ```
    **Needs** schedules applied, and no `loop.alloc heap` (`hoist-buffers`). A nest without a mark runs in one thread.
    What stands in a launch outside of its mapped loops is done by all threads alike, so it may not update in place.

    **Leaves alone** functions that are no kernels, but for their calls of kernels.
    """

    name = "convert-loop-to-gpu"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Convert every kernel. Raises :class:`WeftError` for what no launch can do."""
        found = list(kernels(op))
        if not found:
            return
        name = _free_name(op)
        functions: list[gpu.FuncOp] = []
        launches: dict[str, Launches] = {}
        for kernel in found:
            cut = parts(kernel.body.block)
            devices = _devices(kernel, cut)
            functions += [device.function for device in devices.values()]
            launches[kernel.sym_name.data] = Launches(kernel, cut, devices, name)
        for call in [call for call in op.walk() if isinstance(call, CallOp)]:
            if (made := launches.get(call.callee.string_value())) is not None:
                replace_call(call, made)
        for made in launches.values():
            _settle(made)
        for index in [inner for inner in op.walk() if isinstance(inner, IndexOp)]:
            _compute(index)
        op.body.block.add_op(_module(name, functions, cuda_of(op)))
        op.attributes["gpu.container_module"] = UnitAttr()


def _devices(kernel: FuncOp, cut: Sequence[Part]) -> dict[Unit, Device]:
    return {
        unit: device_function(kernel, unit, f"{kernel.sym_name.data}_{number}")
        for number, unit in enumerate(units(cut))
    }


def _settle(launches: Launches) -> None:
    """Drop a private kernel, whose calls are gone; make host code of one that is seen outside."""
    kernel = launches.kernel
    if kernel.sym_visibility is not None and kernel.sym_visibility.data == "private":
        kernel.detach()
        kernel.erase()
        return
    replace_body(launches)
    for name in [name for name in kernel.attributes if name.startswith("loop.")]:
        del kernel.attributes[name]


def _compute(index: IndexOp) -> None:
    """Compute a form in host code: sizes of buffers that were hoisted there are forms."""
    host = Host(LocatedBuilder.before(index), {value: value for value in index.form().values})
    index.result.replace_all_uses_with(host.form(index.form()))
    index.detach()
    index.erase()


def _free_name(module: ModuleOp) -> str:
    """The name of the module of kernels: one that the program does not have, for instance for kernels by hand."""
    number, name = 0, MODULE
    while SymbolTable.lookup_symbol(module, StringAttr(name)) is not None:
        name, number = f"{MODULE}_{number}", number + 1
    return name


def _module(name: str, functions: Sequence[gpu.FuncOp], target: Cuda) -> gpu.ModuleOp:
    made = gpu.ModuleOp(name, functions, [TargetAttr.of(target.chip, target.ptx)])
    made.location = functions[0].location if functions else made.location
    return made
