"""From a `gpu.module` at the stop `nvvm` to a module of the llvm dialect for the CPU.

Each kernel becomes a function of a thread's record and the addresses of the arguments. It runs the thread until it
waits (for a barrier, for the other lanes of its warp) and gives a coroutine, with which it goes on; a kernel whose
threads never wait is an ordinary function.
"""

from __future__ import annotations

from typing import cast

from xdsl.dialects import llvm
from xdsl.dialects.builtin import ArrayAttr, DenseArrayBase, IntegerType, ModuleOp, StringAttr, i64
from xdsl.ir import Block, Operation, SSAValue

from weft import codes
from weft.backends.llvm.text_types import type_text
from weft.backends.sim.emit import PTR, Context, Emitter, Registers
from weft.backends.sim.guards import guard, is_access, make_unaligned
from weft.backends.sim.inlining import inline_waiting, waiting_functions
from weft.backends.sim.layout import State
from weft.backends.sim.meanings import is_instruction, meaning_of
from weft.backends.sim.predicates import branch
from weft.backends.sim.record import ENTRY, MEMORY, Kernel, Record
from weft.backends.sim.retype import make_plain, plain
from weft.backends.sim.shared import SPACE, lay_out, size_of
from weft.backends.sim.spins import spins
from weft.backends.sim.tickets import show_tickets
from weft.dialects.locations import error_at
from weft.dialects.nvvm.instruction import NvvmOp
from weft.dialects.upstream import llvm as ours

_ORIGINS = (llvm.AddressOfOp, ours.AddrSpaceCastOp)
"""Ops that tell where a pointer is from."""

MARKS = ("gpu.kernel", "nvvm.kernel")
"""Attributes of a function that is a kernel."""


def is_kernel(op: Operation) -> bool:
    """Whether a function is a kernel."""
    return isinstance(op, llvm.FuncOp) and any(op.get_attr_or_prop(mark) is not None for mark in MARKS)


def prepare(module: Operation, *, checked: bool) -> tuple[ModuleOp, Record]:
    """A module for the CPU of (a copy of) a `gpu.module`, and what is to be known of it; with `checked`, its accesses
    go by the checker.

    Raises :class:`WeftError` at what cannot be simulated.
    """
    copy = module.clone()
    functions = {op.sym_name.data: op for op in copy.walk() if isinstance(op, llvm.FuncOp)}
    return _Preparation(copy, functions, checked).run()


class _Preparation:
    def __init__(self, module: Operation, functions: dict[str, llvm.FuncOp], checked: bool) -> None:
        self.module = module
        self.functions = functions
        kernels = [name for name, op in functions.items() if is_kernel(op)]
        self.context = Context(lay_out(module, functions, kernels), checked)
        self.shared = self.context.shared
        self.spins: set[Operation] = set()

    def run(self) -> tuple[ModuleOp, Record]:
        """All of it."""
        for function in self.functions.values():
            branch(function)
            self.spins |= spins(function)
        waiting = waiting_functions(self.functions, self._waits)
        kernels = {name: op for name, op in self.functions.items() if is_kernel(op)}
        described = {name: self._describe(op) for name, op in kernels.items()}
        for kernel in kernels.values():
            inline_waiting(kernel, self.functions, waiting)
            self.spins |= spins(kernel)
        kept = {n: op for n, op in self.functions.items() if n in kernels or (n not in waiting and op.body.blocks)}
        for name, function in kept.items():
            self._rewrite(function, described.get(name), name in waiting)
        out = ModuleOp([])
        tables: dict[str, int] = {}
        for op in list(_parts(self.module)):
            if isinstance(op, llvm.GlobalOp) and op.addr_space.value.data != SPACE:
                op.detach()
                out.body.block.add_op(self._table(op, tables))
        declared = [op for op in self.functions.values() if not op.body.blocks]
        for function in (*declared, *kept.values()):
            function.detach()
            out.body.block.add_op(function)
        make_plain(out)
        places = {name: (place.offset, place.size) for name, place in self.shared.places.items()}
        return out, Record(
            described,
            places,
            tables,
            tuple(self.context.sites.all),
            self.context.checked,
            tuple(self.context.services.all),
        )

    def _waits(self, op: Operation) -> bool:
        return op in self.spins or ((meaning := meaning_of(op)) is not None and meaning.waits)

    def _describe(self, function: llvm.FuncOp) -> Kernel:
        types = function.function_type.inputs.data
        attributes = function.arg_attrs.data if function.arg_attrs is not None else ()
        by_value = [bool(attributes) and "llvm.byval" in attributes[i].data for i in range(len(types))]
        limit = numbers_of(function, "nvvm.maxntid") or numbers_of(function, "nvvm.reqntid")
        threads = None
        if limit:
            threads = 1
            for size in limit:
                threads *= size
        cluster = numbers_of(function, "nvvm.cluster_dim")
        shape = cast("tuple[int, int, int]", (*cluster, 1, 1, 1)[:3]) if cluster else None
        spelled = tuple(
            MEMORY if passed else type_text(plain(type_)) for passed, type_ in zip(by_value, types, strict=True)
        )
        names = tuple(argument.name_hint or f"arg{n}" for n, argument in enumerate(function.body.blocks[0].args))
        name = function.sym_name.data
        return Kernel(
            spelled,
            names,
            threads,
            shape,
            self.context.sites.of(function),
            self.shared.named[name],
            self.shared.static_bytes(name),
        )

    def _rewrite(self, function: llvm.FuncOp, kernel: Kernel | None, waits: bool) -> None:
        """A function for the CPU: it takes the thread's record first."""
        entry = function.body.blocks[0]
        thread = entry.insert_arg(PTR, 0)
        thread.location = function.location
        out = Block() if waits else None
        ops = [op for block in function.body.blocks for op in block.ops]
        for op in sorted(ops, key=lambda op: isinstance(op, _ORIGINS)):  # last: accesses look where they are from
            self._rewrite_op(op, thread, out)
        show_tickets(function, thread, self.context)
        self.context.registers = Registers()
        function.arg_attrs = None
        for name in ("passthrough", "target_cpu", "target_features", "tune_cpu"):
            function.properties.pop(name, None)
        if kernel is not None:
            self._make_start(function, kernel, thread, out)
        else:
            type_ = function.function_type
            function.function_type = llvm.LLVMFunctionType([PTR, *type_.inputs], type_.output, type_.is_variadic)
            function.linkage = llvm.LinkageAttr("internal")

    def _rewrite_op(self, op: Operation, thread: SSAValue, out: Block | None) -> None:
        emit = Emitter(op, thread, out, self.context)
        if (meaning := meaning_of(op)) is not None:
            emit.replace(meaning.write(emit, cast(NvvmOp, op)))
        elif isinstance(op, ours.AddrSpaceCastOp):
            emit.replace([op.operands[0]])
        elif isinstance(op, llvm.AddressOfOp) and (place := self.shared.places.get(op.global_name.string_value())):
            self._shared_address(op, emit, place.offset)
        elif isinstance(op, llvm.CallOp) and op.callee is not None:
            callee = self.functions.get(op.callee.string_value())
            if callee is not None and callee.body.blocks:
                emit.replace([emit.call(callee.sym_name.data, r.type, *op.args) for r in op.results] or _done(emit, op))
        elif is_instruction(op) or not op.name.startswith("llvm."):
            name = op.intrin.data if isinstance(op, llvm.CallIntrinsicOp) else op.name
            hint = None if is_instruction(op) else "run the pass 'convert-gpu-to-nvvm' first"
            raise error_at(op, f"the simulator does not know '{name}'", hint, code=codes.CANNOT_LOWER)
        elif is_access(op):
            if self.context.checked:
                guard(emit)
            make_unaligned(op)
        if op in self.spins and out is not None:
            emit.wait(State.YIELD, emit.number(0), emit.number(0))

    def _shared_address(self, op: llvm.AddressOfOp, emit: Emitter, offset: int) -> None:
        op.result.replace_all_uses_with(emit.call("weft.shared", PTR, emit.number(offset, i64)))
        if not op.result.uses:
            op.detach()
            op.erase()

    def _make_start(self, function: llvm.FuncOp, kernel: Kernel, thread: SSAValue, out: Block | None) -> None:
        """Take the arguments from memory, and end by telling the scheduler."""
        entry = function.body.blocks[0]
        arguments = entry.insert_arg(PTR, 1)
        arguments.location = function.location
        head = entry.first_op
        assert head is not None
        emit = Emitter(head, thread, out, self.context)
        coroutine = emit.call("weft.begin", PTR) if out is not None else emit.value(llvm.ZeroOp(result_types=[PTR]))
        for number, (argument, spelled) in enumerate(zip(tuple(entry.args)[2:], kernel.arguments, strict=True)):
            place = emit.load(emit.place(arguments, 8 * number), PTR)
            argument.replace_all_uses_with(place if spelled == MEMORY else emit.load(place, argument.type))
            entry.erase_arg(argument)
        for block in function.body.blocks:
            if isinstance(last := block.last_op, llvm.ReturnOp):
                self._end(Emitter(last, thread, out, self.context), coroutine)
        if out is not None:
            ends = (llvm.CallOp("weft.end", coroutine), llvm.ReturnOp(coroutine))
            for op in ends:
                op.location = function.location
            out.add_ops(ends)
            function.body.add_block(out)
        function.sym_name = StringAttr(ENTRY + function.sym_name.data)
        function.function_type = llvm.LLVMFunctionType([PTR, PTR], PTR)
        function.linkage = llvm.LinkageAttr("external")
        if out is not None:
            function.properties["passthrough"] = ArrayAttr([StringAttr("presplitcoroutine")])

    def _end(self, emit: Emitter, coroutine: SSAValue) -> None:
        emit.do("weft.finish")
        emit.add(llvm.BrOp(emit.out) if emit.out is not None else llvm.ReturnOp(coroutine))
        emit.replace([])

    def _table(self, op: llvm.GlobalOp, tables: dict[str, int]) -> llvm.GlobalOp:

        tables[op.sym_name.data] = size_of(op.global_type)
        again = llvm.GlobalOp(
            op.global_type,
            op.sym_name,
            "external",
            constant=op.constant is not None,
            value=op.value,
            alignment=op.alignment.value.data if op.alignment is not None else None,
        )
        again.location = op.location
        return again


def _done(emit: Emitter, op: llvm.CallOp) -> list[SSAValue]:
    assert op.callee is not None
    emit.do(op.callee.string_value(), *op.args)
    return []


def _parts(module: Operation) -> list[Operation]:
    return [op for region in module.regions for block in region.blocks for op in block.ops]


def numbers_of(function: llvm.FuncOp, name: str) -> tuple[int, ...]:
    """The integers of an attribute `array<i32: ...>`; none where it is missing."""
    attribute = function.get_attr_or_prop(name)
    if attribute is None:
        return ()

    return tuple(int(value) for value in cast("DenseArrayBase[IntegerType]", attribute).get_values())
