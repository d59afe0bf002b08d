"""Matrices of tensor cores in a kernel of loops: `loop.ldmatrix` and `loop.mma` as instructions of `nvvm`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from xdsl.dialects import llvm
from xdsl.dialects.builtin import BFloat16Type, Float16Type, Float32Type, IntegerType, VectorType, f16, f32, i32
from xdsl.ir import Attribute, Operation

from weft.dialects import nvvm
from weft.dialects.loop import LoadMatrixOp, MmaOp
from weft.passes.gpu.to_nvvm.instructions import matrix_product
from weft.passes.lower.function_builder import Value
from weft.passes.lower.loop_to_llvm import registers
from weft.passes.lower.loop_to_llvm.buffers import address
from weft.passes.lower.loop_to_llvm.lowering import Lowering
from weft.passes.lower.loop_to_llvm.memory import pointer_at
from weft.passes.lower.loop_to_llvm.places import Place

KINDS: Mapping[type[Attribute], tuple[str, int]] = {
    Float16Type: ("f16", 16),
    BFloat16Type: ("bf16", 16),
    Float32Type: ("tf32", 8),
    IntegerType: ("s8", 32),
}
"""What PTX calls the elements of a product of tensor cores, and how deep it is."""


def lower_matrix_load(k: Lowering, op: Operation) -> None:
    """`loop.ldmatrix`: a word of 32 bits for each matrix. The same place is loaded once between barriers."""
    op = cast(LoadMatrixOp, op)
    at = address(k, op)
    root = at.buffer.root
    layout = "col" if op.transpose is not None else "row"
    key = ("matrix", id(at.base), at.constant, layout, op.count)
    found = k.scope.loaded(root, key)
    if found is None:
        result = llvm.LLVMStructType.from_type_list([i32] * op.count)
        load = nvvm.make("ldmatrix", pointer_at(k, at, at.constant), result=result, num=op.count, layout=layout)
        k.e.add_op(load)
        found = k.here(load.results[0])
        k.scope.loads.setdefault(root, {})[key] = found
    k.set_value(op.result, found)


def lower_mma(k: Lowering, op: Operation) -> None:
    """`loop.mma`: a product for each block of 8 columns; the sums are registers."""
    op = cast(MmaOp, op)
    kind, depth = KINDS[type(cast("VectorType[Attribute]", op.left.type).element_type)]
    left = _words(k, k.value(op.left, None), 4, kind)
    right = _words(k, k.value(op.right, None), 2 * op.sides, kind)
    buffer, start = k.registers[op.buffer], registers.place(k, op).index
    still = (0,) * len(start)
    for side in range(op.sides):
        places = [Place(_at(start, row, side, column, op.sides), still) for row in (0, 1) for column in (0, 1)]
        sums = [registers.read(k, buffer, place) for place in places]
        result = matrix_product(k.e, (16, 8, depth), (kind, kind), (left, right[2 * side : 2 * side + 2], sums))
        for place, value in zip(places, result, strict=True):
            registers.write(k, buffer, place, k.here(value))


def _at(start: tuple[int, ...], row: int, side: int, column: int, sides: int) -> tuple[int, ...]:
    """The index of a sum: row, block of columns (where there are two) and column are the last dimensions."""
    last = (row, side, column) if sides > 1 else (row, column)
    first = start[: len(start) - len(last)]
    return (*first, *(a + b for a, b in zip(start[len(first) :], last, strict=True)))


def _words(k: Lowering, matrices: Value, count: int, kind: str) -> list[Value]:
    """The words of matrices as `mma.sync` takes them."""
    words: list[Value] = []
    for number in range(count):

        def word(number: int = number) -> Value:
            raw = k.e.extract_value(matrices, number, i32)
            if kind == "f16":
                return k.e.value(llvm.BitcastOp, (raw,), VectorType(f16, [2]))
            return _rounded(k, raw) if kind == "tf32" else raw

        words.append(k.local(("word", matrices, number), word))
    return words


def _rounded(k: Lowering, word: Value) -> Value:
    """The bits of an f32, rounded to those of a tf32."""
    op = nvvm.make("f2tf32.rna", k.e.value(llvm.BitcastOp, (word,), f32))
    k.e.add_op(op)
    return op.results[0]
