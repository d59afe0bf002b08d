"""Taking the large constants out of a program of the llvm dialect, for a file beside its code."""

from __future__ import annotations

from xdsl.dialects import llvm
from xdsl.dialects.builtin import DenseIntOrFPElementsAttr, IntegerAttr, ModuleOp, i8, i64
from xdsl.ir import Operation
from xdsl.rewriter import InsertPoint, Rewriter
from xdsl.utils.hints import isa

from weft.backends.cpu.ahead.weights import BASE, Weight, WeightsFile, weights_file
from weft.backends.llvm.constants import data_bytes

LEAST_BYTES = 1024
"""Smaller constants stay in the code."""

_POINTER = llvm.LLVMPointerType()


def take_weights(module: ModuleOp, name: str) -> WeightsFile:
    """Take the constants out of a module; the file `name` with them.

    The module then reads them from where :data:`BASE` points.
    """
    taken = {op.sym_name.data: op for op in module.body.block.ops if isinstance(op, llvm.GlobalOp) and _is_large(op)}
    file = weights_file([_weight(op) for op in taken.values()], name)
    for op in list(module.walk()):
        if isinstance(op, llvm.AddressOfOp) and (symbol := op.global_name.string_value()) in taken:
            _read(op, file.offsets[symbol])
    for op in taken.values():
        op.detach()
        op.erase()
    base = llvm.GlobalOp(_POINTER, BASE, "external")
    base.location = module.location
    module.body.block.add_op(base)
    return file


def _is_large(op: llvm.GlobalOp) -> bool:
    value = op.value if op.constant is not None else None
    return isa(value, DenseIntOrFPElementsAttr) and len(value.data.data) >= LEAST_BYTES


def _weight(op: llvm.GlobalOp) -> Weight:
    value = op.value
    assert isa(value, DenseIntOrFPElementsAttr)
    return Weight(op.sym_name.data, str(value.get_element_type()), value.get_shape(), data_bytes(value))


def _read(op: llvm.AddressOfOp, offset: int) -> None:
    """The address of a constant: so far behind the base."""
    base = llvm.AddressOfOp(BASE, _POINTER)
    start = llvm.LoadOp(base, _POINTER, alignment=8)
    number = llvm.ConstantOp(IntegerAttr(offset, i64), i64)
    address = llvm.GEPOp.from_mixed_indices(start, [number], i8, inbounds=True)
    made: list[Operation] = [base, start, number, address]
    for one in made:
        one.location = op.location
    Rewriter.insert_op(made, InsertPoint.before(op))
    op.result.replace_all_uses_with(address.result)
    op.detach()
    op.erase()
