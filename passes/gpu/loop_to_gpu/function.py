"""One launch: the function of the device that does a unit of a kernel, and how many blocks and threads it takes."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.dialects.builtin import LocationAttr
from xdsl.dialects.func import FuncOp
from xdsl.ir import Block, BlockArgument, Operation, Region, SSAValue
from xdsl.rewriter import InsertPoint

from weft.dialects import gpu
from weft.dialects.locations import fuse
from weft.dialects.loop import linear
from weft.dialects.loop.nest import loops_around
from weft.passes.gpu.loop_to_gpu.grid import Grid, peel
from weft.passes.gpu.loop_to_gpu.ids import Ids
from weft.passes.gpu.loop_to_gpu.symbols import free_values, symbol_ops
from weft.passes.gpu.loop_to_gpu.threads import map_threads
from weft.passes.gpu.loop_to_gpu.units import Unit
from weft.passes.gpu.loop_to_gpu.unplaced import check_placed
from weft.passes.rewriting import LocatedBuilder


@dataclass(frozen=True)
class Device:
    """A function of the device. It takes `arguments`: those of the kernel, and counters of loops of the host. Their
    symbols are in the forms of `grid`."""

    function: gpu.FuncOp
    arguments: tuple[BlockArgument, ...]
    grid: Grid
    threads: tuple[int, int, int]


def device_function(kernel: FuncOp, unit: Unit, name: str) -> Device:
    """The function that does a unit of a kernel. It takes the counters of loops of the host as arguments, too.

    Raises :class:`WeftError` for what cannot be mapped so.
    """
    top = kernel.body.block
    used = free_values(unit.ops)
    symbols = symbol_ops(used)
    used += [operand for op in symbols for operand in op.operands]
    hosts = [loop.counter for loop in loops_around(unit.ops[0]) if loop.kind() == "host"]
    arguments = tuple(argument for argument in (*top.args, *hosts) if argument in used)
    block = Block(arg_types=[argument.type for argument in arguments])
    values: dict[SSAValue, SSAValue] = dict(zip(arguments, block.args, strict=True))
    for argument, inside in zip(arguments, block.args, strict=True):
        inside.name_hint, inside.location = argument.name_hint, argument.location
    block.add_ops([op.clone(values) for op in symbols])
    body = Block([op.clone(values) for op in unit.ops])
    origin = fuse(unit.ops)
    ids = Ids(LocatedBuilder(InsertPoint.at_end(block), origin))
    grid = peel(body, ids)
    threads = (grid.divisor, 1, 1) if grid.divisor > 1 else map_threads(body, ids)
    check_placed(body, grid)
    for op in list(body.ops):
        op.detach()
        block.add_op(op)
    block.add_op(give_to(gpu.ReturnOp(), origin))
    function = gpu.FuncOp(name, ([a.type for a in arguments], []), Region(block), kernel=True, known_block_size=threads)
    function.location = origin
    outside = {inside: linear(source) for source, inside in values.items()}
    factors = [[form.substitute(outside) for form in axis] for axis in grid.factors]
    return Device(function, arguments, Grid(factors, grid.divisor), threads)


def give_to(op: Operation, location: LocationAttr) -> Operation:
    """An op at a location."""
    op.location = location
    return op
