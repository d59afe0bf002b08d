"""The host's part of a kernel: its launches, in order, where it is called."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from xdsl.dialects import arith, scf
from xdsl.dialects.builtin import IntegerAttr, SymbolRefAttr, i32
from xdsl.dialects.func import CallOp, FuncOp
from xdsl.ir import Block, Region, SSAValue
from xdsl.rewriter import InsertPoint

from weft.dialects import gpu
from weft.passes.gpu.loop_to_gpu.function import Device
from weft.passes.gpu.loop_to_gpu.symbols import INDEX, Host
from weft.passes.gpu.loop_to_gpu.units import Choice, Part, Repeat, Unit
from weft.passes.gpu.shared_memory import SharedMemory
from weft.passes.rewriting import LocatedBuilder


class Launches:
    """The launches of one kernel, by the units that they do; `module` is the name of the `gpu.module`."""

    def __init__(self, kernel: FuncOp, parts: Sequence[Part], devices: Mapping[Unit, Device], module: str) -> None:
        self.kernel = kernel
        self.parts = parts
        self.devices = devices
        self.module = module

    def emit(self, builder: LocatedBuilder, arguments: Sequence[SSAValue]) -> None:
        """Launch all, with these values as the arguments of the kernel."""
        top = self.kernel.body.block
        self._emit(Host(builder, dict(zip(top.args, arguments, strict=True))), self.parts)

    def _emit(self, host: Host, parts: Sequence[Part]) -> None:
        for part in parts:
            if isinstance(part, Unit):
                self._launch(host, self.devices[part])
            elif isinstance(part, Repeat):
                self._repeat(host, part)
            else:
                self._choose(host, part)

    def _repeat(self, host: Host, repeat: Repeat) -> None:
        first, *others = [host.form(form) for form in repeat.op.forms()]
        for other in others:
            first = host.builder.insert(arith.MinSIOp(first, other)).result
        block = Block(arg_types=[INDEX])
        builder = LocatedBuilder(InsertPoint.at_end(block), repeat.op.location)
        inner = host.inside(builder)
        inner.values[repeat.op.counter] = block.args[0]
        self._emit(inner, repeat.body)
        builder.insert(scf.YieldOp())
        host.builder.insert(scf.ForOp(host.constant(0), first, host.constant(1), [], Region(block)))

    def _choose(self, host: Host, choice: Choice) -> None:
        zero = host.constant(0)
        holds = host.builder.insert(arith.CmpiOp(host.form(choice.op.condition()), zero, "sge")).result
        sides: list[Region] = []
        for inner in (choice.then, choice.other):
            block = Block()
            builder = LocatedBuilder(InsertPoint.at_end(block), choice.op.location)
            self._emit(host.inside(builder), inner)
            builder.insert(scf.YieldOp())
            sides.append(Region(block))
        host.builder.insert(scf.IfOp(holds, [], sides[0], sides[1] if choice.other else None))

    def _launch(self, host: Host, device: Device) -> None:
        sizes: list[SSAValue] = []
        for axis, factors in enumerate(device.grid.factors):
            number = host.product([host.form(factor) for factor in factors])
            sizes.append(host.quotient(number, device.grid.divisor) if axis == 0 else number)
        threads = [host.constant(number) for number in device.threads]
        name = SymbolRefAttr(self.module, [device.function.sym_name.data])
        passed = [host.value(argument) for argument in device.arguments]
        room = SharedMemory(device.function).dynamic_bytes
        shared = host.builder.insert(arith.ConstantOp(IntegerAttr(room, i32))).result if room else None
        host.builder.insert(gpu.LaunchFuncOp(name, sizes, threads, passed, dynamic_shared_memory_size=shared))


def replace_call(call: CallOp, launches: Launches) -> None:
    """Launch what a call of a kernel asks for, in its place."""
    launches.emit(LocatedBuilder.before(call), call.arguments)
    call.detach()
    call.erase()


def replace_body(launches: Launches) -> None:
    """Make host code of a kernel that is called from outside: it launches what it did."""
    kernel = launches.kernel
    old = kernel.body.block
    block = Block(arg_types=old.arg_types)
    for before, after in zip(old.args, block.args, strict=True):
        after.name_hint, after.location = before.name_hint, before.location
    builder = LocatedBuilder(InsertPoint.at_end(block), kernel.location)
    launches.emit(builder, block.args)
    end = old.last_op
    assert end is not None
    end.detach()
    block.add_op(end)
    kernel.body.detach_block(old)
    kernel.body.add_block(block)
    old.erase()
