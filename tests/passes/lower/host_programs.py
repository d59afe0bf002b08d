"""Compiles host programs by the plain lowering alone, and makes them callable."""

from xdsl.dialects import func
from xdsl.dialects.builtin import DYNAMIC_INDEX, MemRefType
from xdsl.parser import Parser
from xdsl.utils.hints import isa

from weft.backends.cpu import load
from weft.backends.llvm import to_llvm_ir, to_object
from weft.backends.signature import Signature, ValueSpec
from weft.registry import context, find_pass

PASSES = ("convert-linalg-to-loops", "lower-affine", "expand-narrow-floats", "convert-scf-to-cf")


def spec(name, type_):
    if not isa(type_, MemRefType):
        return ValueSpec(name, "scalar", str(type_))
    dims = tuple(None if size == DYNAMIC_INDEX else size for size in type_.get_shape())
    strides = (
        tuple(type_.get_strides())
        if not isinstance(type_.layout, type(MemRefType(type_.element_type, []).layout))
        else None
    )
    return ValueSpec(name, "memref", str(type_.element_type), dims, strides)


def signature(module, name):
    function = next(f for f in module.body.block.ops if isinstance(f, func.FuncOp) and f.sym_name.data == name)
    arguments = tuple(spec(f"arg{i}", t) for i, t in enumerate(function.function_type.inputs))
    return Signature(name, arguments, tuple(spec("", t) for t in function.function_type.outputs))


def lower(text, passes=PASSES, **options):
    ctx = context()
    module = Parser(ctx, text, "program.mlir").parse_module()
    module.verify()
    for name in passes:
        find_pass(name)().apply(ctx, module)
        module.verify()
    find_pass("convert-to-llvm")(**options).apply(ctx, module)
    module.verify()
    return module


def build(text, name="f", threads=1, passes=PASSES, **options):
    """The public function `name` of a program, as a callable."""
    plain = Parser(context(), text, "program.mlir").parse_module()
    module = lower(text, passes, **options)
    messages = [message.data for message in module.attributes["weft.messages"]]
    return load(to_object(to_llvm_ir(module)), signature(plain, name), messages, threads)
