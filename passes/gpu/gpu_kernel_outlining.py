"""The pass `gpu-kernel-outlining`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import cast

from xdsl.context import Context
from xdsl.dialects import arith, func, memref
from xdsl.dialects.builtin import IntegerAttr, ModuleOp, StringAttr, SymbolRefAttr, UnitAttr
from xdsl.ir import Attribute, Block, Operation, Region, SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import InsertPoint
from xdsl.traits import SymbolTable
from xdsl.utils.hints import isa

from weft import codes
from weft.dialects import gpu
from weft.dialects.locations import error_at
from weft.passes.rewriting import LocatedBuilder

CONTAINER = "gpu.container_module"
"""The unit attribute of a module that holds modules of kernels."""

_SUNK: tuple[type[Operation], ...] = (arith.ConstantOp, memref.DimOp)
"""Ops that a kernel computes by itself, where its body uses their results: that is cheaper than an argument."""

_IDS: Mapping[str, type[gpu.AxisOp]] = {
    "block": gpu.BlockIdOp,
    "thread": gpu.ThreadIdOp,
    "grid": gpu.GridDimOp,
    "block_size": gpu.BlockDimOp,
    "cluster": gpu.ClusterIdOp,
    "cluster_size": gpu.ClusterDimBlocksOp,
}
"""What each group of arguments of a launched region is in a kernel."""


@dataclass(frozen=True)
class GpuKernelOutlining(ModulePass):
    """Moves the body of each `gpu.launch` into a kernel of its own, in a `gpu.module`, and launches that.

    What the body uses of the function around it becomes an argument, but for constants and sizes of buffers, which the
    kernel makes itself. Functions and globals that it names are copied into its module. Sizes that are constants
    become `known_block_size` and `known_grid_size`.

    **Before**
    ```mlir
    func.func @main(%x: memref<256xf32>) {
      %c1 = arith.constant 1 : index
      %c256 = arith.constant 256 : index
      gpu.launch blocks(%bx, %by, %bz) in (%gx = %c1, %gy = %c1, %gz = %c1)
                 threads(%tx, %ty, %tz) in (%sx = %c256, %sy = %c1, %sz = %c1) {
        %0 = memref.load %x[%tx] : memref<256xf32>
        %1 = arith.addf %0, %0 : f32
        memref.store %1, %x[%tx] : memref<256xf32>
        gpu.terminator
      }
      func.return
    }
    ```
    **After**
    ```mlir
    func.func @main(%x: memref<256xf32>) {
      %c1 = arith.constant 1 : index
      %c256 = arith.constant 256 : index
      gpu.launch_func @main_kernel::@main_kernel blocks in (%c1, %c1, %c1) threads in (%c256, %c1, %c1)
        args(%x : memref<256xf32>)
      func.return
    }
    gpu.module @main_kernel {
      gpu.func @main_kernel(%x: memref<256xf32>) kernel
          attributes {known_block_size = array<i32: 256, 1, 1>, known_grid_size = array<i32: 1, 1, 1>} {
        %tx = gpu.thread_id x
        %0 = memref.load %x[%tx] : memref<256xf32>
        %1 = arith.addf %0, %0 : f32
        memref.store %1, %x[%tx] : memref<256xf32>
        gpu.return
      }
    }
    ```

    **Needs** nothing. **Leaves alone** `gpu.launch_func` and modules of kernels that are there already.
    """

    name = "gpu-kernel-outlining"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Run the pass. Raises :class:`WeftError` for a launch that uses what cannot be passed to a kernel."""
        launches = [inner for inner in op.walk() if isinstance(inner, gpu.LaunchOp)]
        last: dict[Operation, Operation] = {}
        for launch in launches:
            top = _top_level(op, launch)
            kernel = _outline(op, launch)
            op.body.block.insert_op_after(kernel, last.get(top, top))
            last[top] = kernel
        if launches:
            op.attributes[CONTAINER] = UnitAttr()


def _outline(module: ModuleOp, launch: gpu.LaunchOp) -> gpu.ModuleOp:
    """Replace a launch; gives the module of its kernel."""
    function = _function_around(launch)
    name = _free_name(module, f"{function}_kernel")
    _sink(launch)
    arguments = _used_from_outside(launch)
    kernel = _kernel(launch, name, arguments)
    holder = gpu.ModuleOp(name, [kernel])
    holder.location = launch.location
    _copy_symbols(module, holder)
    call = gpu.LaunchFuncOp(
        SymbolRefAttr(name, [name]),
        launch.grid,
        launch.block,
        arguments,
        cluster=launch.cluster,
        dynamic_shared_memory_size=launch.dynamic_shared_memory_size,
        async_dependencies=launch.async_dependencies,
        is_async=launch.async_token is not None,
    )
    LocatedBuilder.before(launch).insert(call)
    for old, new in zip(launch.results, call.results, strict=True):
        old.replace_all_uses_with(new)
    launch.detach()
    launch.erase()
    return holder


def _function_around(op: Operation) -> str:
    """The name of the function that a launch stands in."""
    parent = op.parent_op()
    while parent is not None and not isinstance(parent, func.FuncOp):
        parent = parent.parent_op()
    return parent.sym_name.data if parent is not None else "launch"


def _top_level(module: ModuleOp, op: Operation) -> Operation:
    """The op of the module's own block that holds an op."""
    while op.parent_block() is not module.body.block:
        op = cast(Operation, op.parent_op())
    return op


def _free_name(module: ModuleOp, wanted: str) -> str:
    """A symbol that the module does not have: the name, or it with a number."""
    taken = {
        name.data for op in module.body.block.ops if isinstance(name := op.get_attr_or_prop("sym_name"), StringAttr)
    }
    number, name = 0, wanted
    while name in taken:
        name, number = f"{wanted}_{number}", number + 1
    return name


# what the body uses


def _used_from_outside(launch: gpu.LaunchOp) -> list[SSAValue]:
    """Values of the function around that the body uses, each once. Raises :class:`WeftError` for a token."""
    found: dict[SSAValue, None] = {}
    for op in launch.body.walk():
        for operand in op.operands:
            if not _is_inside(operand, launch):
                found[operand] = None
    for value in found:
        if isinstance(value.type, gpu.AsyncTokenType):
            raise error_at(launch, "a token cannot be used in a kernel", code=codes.CANNOT_LOWER)
    return list(found)


def _is_inside(value: SSAValue, launch: gpu.LaunchOp) -> bool:
    owner = value.owner
    op = owner if isinstance(owner, Operation) else owner.parent_op()
    while op is not None and op is not launch:
        op = op.parent_op()
    return op is launch and not (isinstance(owner, Operation) and owner is launch)


def _sink(launch: gpu.LaunchOp) -> None:
    """Copy constants, and what asks for sizes of buffers, from outside into the body."""
    first = launch.body.blocks[0].first_op
    if first is None:
        raise ValueError("a launch without a body")
    again = True
    while again:
        again = False
        for value in _used_from_outside(launch):
            owner = value.owner
            if not isinstance(owner, _SUNK):
                continue
            copy = owner.clone()
            copy.location = owner.location
            place = launch.body.blocks[0].first_op
            launch.body.blocks[0].insert_op_before(copy, cast(Operation, place))
            value.replace_uses_with_if(copy.results[0], lambda use: _is_inside_op(use.operation, launch))
            again = True


def _is_inside_op(op: Operation | None, launch: gpu.LaunchOp) -> bool:
    op = op.parent_op() if op is not None else None
    while op is not None and op is not launch:
        op = op.parent_op()
    return op is launch


# the kernel


def _kernel(launch: gpu.LaunchOp, name: str, arguments: Sequence[SSAValue]) -> gpu.FuncOp:
    """The body of a launch as a kernel that takes `arguments`."""
    workgroup, private = launch.workgroup, launch.private
    types = [argument.type for argument in arguments]
    buffers = [buffer.type for buffer in (*workgroup, *private)]
    block = Block(arg_types=[*types, *buffers])
    region = Region(block)
    builder = LocatedBuilder(InsertPoint.at_end(block), launch.location)
    old = launch.body.blocks[0]
    for argument in block.args:
        argument.location = launch.location
    for value, argument in zip(arguments, block.args[: len(types)], strict=True):
        argument.name_hint = value.name_hint
        value.replace_uses_with_if(argument, lambda use: _is_inside_op(use.operation, launch))
    for buffer, argument in zip((*workgroup, *private), block.args[len(types) :], strict=True):
        buffer.replace_all_uses_with(argument)
    for group in _IDS if launch.cluster is not None else list(_IDS)[:4]:
        for axis, index in zip("xyz", launch.indices(group), strict=True):
            if index.uses.get_length():
                index.replace_all_uses_with(builder.insert(_IDS[group](axis)).result)
    for op in list(old.ops):
        op.detach()
        block.add_op(op)
    for later in list(launch.body.blocks)[1:]:
        launch.body.detach_block(later)
        region.add_block(later)
    for end in list(region.walk()):
        if isinstance(end, gpu.TerminatorOp):
            LocatedBuilder.before(end).insert(gpu.ReturnOp())
            end.detach()
            end.erase()
    kernel = gpu.FuncOp(
        name,
        (types, []),
        region,
        kernel=True,
        workgroup=[buffer.type for buffer in workgroup],
        known_block_size=_constants(launch.block),
        known_grid_size=_constants(launch.grid),
    )
    kernel.location = launch.location
    return kernel


def _constants(sizes: Sequence[SSAValue]) -> list[int] | None:
    """The sizes of a launch if all of them are known, and some thread runs."""
    found: list[int] = []
    for size in sizes:
        owner = size.owner
        if not isinstance(owner, arith.ConstantOp) or not isa(owner.value, IntegerAttr):
            return None
        found.append(owner.value.value.data)
    return found if min(found) > 0 and prod(found) < 1 << 31 else None


# symbols


def _copy_symbols(module: ModuleOp, holder: gpu.ModuleOp) -> None:
    """Copy into a module of kernels the functions and globals that its ops name, and what these name."""
    have = {cast(StringAttr, op.get_attr_or_prop("sym_name")).data for op in holder.body.block.ops}
    work: list[Operation] = list(holder.body.block.ops)
    while work:
        for name in _names(work.pop()):
            found = None if name in have else SymbolTable.lookup_symbol(module, StringAttr(name))
            if isinstance(found, func.FuncOp | memref.GlobalOp):
                copy = found.clone()
                copy.location = found.location
                holder.body.block.add_op(copy)
                have.add(name)
                work.append(copy)


def _names(op: Operation) -> list[str]:
    """The symbols that an op and the ops in it name."""
    out: list[str] = []
    for inner in op.walk():
        attributes: list[Attribute] = [*inner.properties.values(), *inner.attributes.values()]
        out += [attr.root_reference.data for attr in attributes if isinstance(attr, SymbolRefAttr)]
    return out
