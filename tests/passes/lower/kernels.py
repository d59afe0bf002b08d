"""Running a kernel of loops: lowered and compiled, on NumPy arrays."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence

import ml_dtypes
import numpy as np
from xdsl.dialects import arith, memref
from xdsl.dialects.builtin import MemRefType, ModuleOp, NoneAttr
from xdsl.dialects.func import FuncOp
from xdsl.ir import SSAValue

import weft
from weft.backends.cpu.library import Library
from weft.backends.cpu.runtime import runtime_symbol
from weft.backends.llvm import to_llvm_ir, to_object
from weft.dialects.loop import AllocOp
from weft.passes.lower.convert_loop_to_llvm import ConvertLoopToLlvm
from weft.registry import context

DTYPES = {
    "f16": np.dtype(np.float16),
    "bf16": np.dtype(ml_dtypes.bfloat16),
    "f32": np.dtype(np.float32),
    "f64": np.dtype(np.float64),
    "i1": np.dtype(np.bool_),
    "i8": np.dtype(np.int8),
    "i16": np.dtype(np.int16),
    "i32": np.dtype(np.int32),
    "i64": np.dtype(np.int64),
    "index": np.dtype(np.int64),
}


def parse(text: str) -> ModuleOp:
    """A verified module."""
    module = weft.parse(text)
    module.verify()
    return module


def kernel_of(module: ModuleOp) -> FuncOp:
    """Its one kernel."""
    return next(op for op in module.body.block.ops if isinstance(op, FuncOp) and "loop.kernel" in op.attributes)


def lower(module: ModuleOp) -> ModuleOp:
    """A lowered, verified copy."""
    module = module.clone()
    ConvertLoopToLlvm().apply(context(), module)
    module.verify()
    return module


def compiled(module: ModuleOp, threads: int = 1) -> Callable[..., None]:
    """The module's kernel as a function of its arguments: arrays (any strides) and numbers."""
    kernel = kernel_of(module)
    name, types = kernel.sym_name.data, kernel.function_type.inputs.data
    code = to_object(to_llvm_ir(lower(module)))
    library = Library(code, [name], lambda symbol: runtime_symbol(symbol, threads))
    function = ctypes.CFUNCTYPE(None)(library.address(name))

    def call(*arguments: object) -> None:
        assert library is not None, "the code lives as long as its library"
        values: list[object] = []
        for type_, argument in zip(types, arguments, strict=True):
            values += flattened(type_, argument)
        function(*values)

    return call


def run(text: str, *arguments: object, threads: int = 1) -> None:
    """Compile a kernel and call it."""
    compiled(parse(text), threads)(*arguments)


def flattened(type_: object, argument: object) -> Sequence[object]:
    """The machine arguments of one argument: pointer, dynamic sizes, dynamic strides."""
    if not isinstance(type_, MemRefType):
        return [ctypes.c_int64(argument)]
    assert isinstance(argument, np.ndarray)
    assert argument.dtype == DTYPES[str(type_.element_type)]
    values: list[object] = [ctypes.c_void_p(argument.ctypes.data)]
    dynamic = [size for size, given in zip(argument.shape, type_.get_shape(), strict=True) if given < 0]
    strides = [stride // argument.itemsize for stride in argument.strides]
    known = type_.get_strides() if not isinstance(type_.layout, NoneAttr) else strides
    moving = [stride for stride, given in zip(strides, known, strict=True) if given is None]
    return [*values, *map(ctypes.c_int64, dynamic + moving)]


def hoist(module: ModuleOp, shapes: Sequence[tuple[int, ...]]) -> list[np.ndarray]:
    """Make arguments of the heap buffers of a kernel whose arguments have these shapes, and arrays for them."""
    kernel = kernel_of(module)
    block, arrays = kernel.body.block, []
    for op in list(kernel.walk()):
        if isinstance(op, AllocOp) and op.space.data == "heap":
            type_ = op.result.type
            sizes = iter([_size(value, shapes) for value in op.operands])
            shape = [next(sizes) if size < 0 else size for size in type_.get_shape()]
            arrays.append(np.full(shape, 77, DTYPES[str(type_.element_type)]))
            op.result.replace_all_uses_with(block.insert_arg(type_, len(block.args)))
            op.detach()
            op.erase()
    kernel.update_function_type()
    kernel.properties.pop("arg_attrs", None)
    return arrays


def _size(value: SSAValue, shapes: Sequence[tuple[int, ...]]) -> int:
    dim = value.owner
    assert isinstance(dim, memref.DimOp) and isinstance(dim.index.owner, arith.ConstantOp)
    return shapes[dim.source.index][dim.index.owner.value.value.data]
