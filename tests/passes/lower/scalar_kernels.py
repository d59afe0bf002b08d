"""Runs rules of the scalar table on arrays: one function for each op and width, all in one module."""

import ctypes

import numpy as np
from xdsl.dialects import arith, llvm
from xdsl.dialects.builtin import IntegerType, ModuleOp, UnknownLoc, VectorType, i1, i64
from xdsl.ir import Block

from weft.backends.cpu.library import Library
from weft.backends.cpu.runtime import runtime_symbol
from weft.backends.llvm import to_llvm_ir, to_object
from weft.passes.lower.emitter import Emitter
from weft.passes.lower.function_builder import Externals
from weft.passes.lower.scalars import emit_scalar
from weft.passes.lower.types import PTR, byte_size, element, memory_type, register_type

HERE = UnknownLoc()


def load(e, base, index, type_, width):
    memory = memory_type(type_)
    shape = memory if width == 1 else VectorType(memory, [width])
    value = e.load(e.gep(base, index, memory), shape, byte_size(type_))
    if register_type(type_) == i1:
        value = e.icmp("ne", value, e.integer(0, value.type))
    return value


def store(e, value, base, index, type_):
    memory = memory_type(type_)
    if element(value.type) == i1:
        value = e.cast(llvm.ZExtOp, value, memory)
    e.store(value, e.gep(base, index, memory), byte_size(type_))


def kernel(name, op, width, externals):
    """`name(in..., out..., n)`: the op on every element, `width` at a time; n is a multiple of it."""
    operands, results = [v.type for v in op.operands], [v.type for v in op.results]
    e = Emitter([PTR] * (len(operands) + len(results)) + [i64], HERE, externals)
    *pointers, n = e.arguments
    head, body, done = e.block(i64), e.block(), e.block()
    e.br(head, [e.integer(0)])
    e.enter(head)
    i = head.args[0]
    e.cond_br(e.icmp("slt", i, n), body, done)
    e.enter(body)
    values = [load(e, base, i, t, width) for base, t in zip(pointers, operands, strict=False)]
    made = emit_scalar(e, op, values)
    for value, base, type_ in zip(made, pointers[len(operands) :], results, strict=True):
        store(e, value, base, i, type_)
    e.br(head, [e.add_index(i, e.integer(width))])
    e.enter(done)
    e.ret()
    return e.finish(name, linkage="external")


class Kernels:
    """The compiled functions of a list of `(key, op)`, at the widths asked for."""

    def __init__(self, ops, widths):
        externals, functions, self.ops = Externals(), [], dict(ops)
        names = []
        for key, op in ops:
            for width in widths:
                names.append(f"{key}_{width}")
                functions.append(kernel(names[-1], op, width, externals))
        module = ModuleOp([*externals.declarations(HERE), *functions])
        module.verify()
        code = to_object(to_llvm_ir(module))
        self.library = Library(code, names, lambda name: runtime_symbol(name, 1))

    def __call__(self, key, width, inputs, outputs):
        """The results of the op on arrays; `outputs` are their dtypes."""
        n = inputs[0].size
        padded = -(-n // width) * width
        ins = [np.concatenate([x, np.repeat(x[-1:], padded - n)]) for x in inputs]
        outs = [np.zeros(padded, dtype) for dtype in outputs]
        count = len(ins) + len(outs)
        function = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * count, ctypes.c_int64)(
            self.library.address(f"{key}_{width}")
        )
        function(*[array.ctypes.data for array in (*ins, *outs)], padded)
        return [out[:n] for out in outs]


def source(kind, operands, results, **properties):
    """An op of those operand and result types, as a lowering would find it."""
    block = Block(arg_types=operands)
    return kind.create(operands=list(block.args), result_types=results, properties=properties)


def constant_second(op, value, inputs):
    """The binary op on i32s, its second operand an llvm constant."""
    e = Emitter([PTR, PTR, i64], HERE)
    pointer, out, index = e.arguments
    type_ = op.results[0].type
    made = emit_scalar(e, op, [load(e, pointer, index, type_, 1), e.integer(value, type_)])
    store(e, made[0], out, index, type_)
    e.ret()
    library = Library(to_object(to_llvm_ir(ModuleOp([e.finish("f", linkage="external")]))), ["f"])
    function = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64)(library.address("f"))
    results = np.zeros_like(inputs)
    for i in range(inputs.size):
        function(inputs.ctypes.data, results.ctypes.data, i)
    return results


def constants(attributes):
    """The bytes that each `arith.constant` leaves in memory."""
    e = Emitter([PTR], HERE)
    (out,) = e.arguments
    sizes = []
    for slot, attr in enumerate(attributes):
        op = arith.ConstantOp(attr)
        type_ = op.result.type
        (made,) = emit_scalar(e, op, [])
        store(e, made, e.gep(out, 8 * slot, IntegerType(8)), 0, type_)
        sizes.append(byte_size(type_))
    e.ret()
    library = Library(to_object(to_llvm_ir(ModuleOp([e.finish("f", linkage="external")]))), ["f"])
    memory = np.zeros(8 * len(sizes), np.uint8)
    ctypes.CFUNCTYPE(None, ctypes.c_void_p)(library.address("f"))(memory.ctypes.data)
    return [memory[8 * slot : 8 * slot + size].tobytes() for slot, size in enumerate(sizes)]
