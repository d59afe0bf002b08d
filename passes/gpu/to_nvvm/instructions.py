"""The instructions of a GPU that the lowering emits, as functions: the one place that knows how they are written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from xdsl.dialects import llvm
from xdsl.dialects.builtin import i1

from weft.dialects import nvvm
from weft.passes.lower.emitter import Emitter
from weft.passes.lower.function_builder import Value

FULL_WARP = -1
"""The mask of all lanes of a warp."""


REDUX: Mapping[str, str] = {
    "add": "add", "minui": "umin", "minsi": "min", "maxui": "umax", "maxsi": "max", "and": "and", "or": "or",
    "xor": "xor",
}  # fmt: skip
"""What `redux.sync` calls the reductions of `gpu`."""

HAS_REDUX = 80
"""The compute capability from which on there is `redux.sync`."""


def special_register(e: Emitter, name: str) -> Value:
    """A register that the machine fills, an i32: `tid.x`, `laneid`."""
    op = nvvm.make(f"read.ptx.sreg.{name}")
    e.add_op(op)
    return op.results[0]


def barrier(e: Emitter) -> None:
    """All threads of the block wait for each other."""
    e.add_op(nvvm.make("barrier0"))


def thread_exit(e: Emitter) -> None:
    """The thread ends."""
    e.add_op(nvvm.make("exit"))


def shuffle(e: Emitter, mode: str, mask: Value, value: Value, offset: Value, clamp: Value) -> Value:
    """A value of 32 bits of another lane. Modes: bfly, down, up, idx."""
    op = nvvm.make("shfl.sync", mask, value, offset, clamp, result=value.type, kind=mode)
    e.add_op(op)
    return op.results[0]


def shuffle_checked(
    e: Emitter, mode: str, mask: Value, value: Value, offset: Value, clamp: Value
) -> tuple[Value, Value]:
    """As :func:`shuffle`, and whether the other lane takes part."""
    pair = llvm.LLVMStructType.from_type_list([value.type, i1])
    op = nvvm.make("shfl.sync", mask, value, offset, clamp, result=pair, kind=mode, return_value_and_is_valid=True)
    e.add_op(op)
    return e.extract_value(op.results[0], 0, value.type), e.extract_value(op.results[0], 1, i1)


def power_of_two(e: Emitter, value: Value) -> Value:
    """2 to the power of an f32, right to 2 ulp; denormal numbers are 0."""
    op = nvvm.make("ex2.approx.ftz.f", value)
    e.add_op(op)
    return op.results[0]


def warp_reduction(e: Emitter, kind: str, value: Value, mask: Value) -> Value:
    """The i32 values of the lanes of a mask, combined. Kinds: add, umin, umax, min, max, and, or, xor."""
    op = nvvm.make("redux.sync", value, mask, kind=kind)
    e.add_op(op)
    return op.results[0]


def matrix_product(
    e: Emitter,
    shape: tuple[int, int, int],
    kinds: tuple[str, str],
    operands: tuple[Sequence[Value], Sequence[Value], Sequence[Value]],
) -> list[Value]:
    """`mma.sync`: A by rows, times B by columns, added to C; all as registers. `kinds` are PTX's names for the elements
    of A and B."""
    result = llvm.LLVMStructType.from_type_list([value.type for value in operands[2]])
    integers = kinds[0] in ("s8", "u8")
    op = nvvm.make(
        "mma.sync",
        *operands,
        result=result,
        shape=nvvm.ShapeAttr.of(*shape),
        layoutA="row",
        layoutB="col",
        multiplicandAPtxType=kinds[0],
        multiplicandBPtxType=kinds[1],
        intOverflowBehavior="wrapped" if integers else None,
    )
    e.add_op(op)
    return [e.extract_value(op.results[0], place, value.type) for place, value in enumerate(operands[2])]
