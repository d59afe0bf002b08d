"""Kernels of loops become functions of the device: vectors where they are aligned, the rest one by one."""

from xdsl.dialects.builtin import ModuleOp

import weft
from weft.dialects import gpu
from weft.driver.passes import run_pipeline
from weft.passes.gpu.loop_kernels import lower_loop_kernel
from weft.passes.lower.function_builder import Externals


def llvm_of(text):
    module = weft.parse(text)
    run_pipeline(module, "builtin.module(convert-loop-to-gpu)")
    module.verify()
    made = ModuleOp([])
    for function in [op for op in module.walk() if isinstance(op, gpu.FuncOp)]:
        made.body.block.add_ops(lower_loop_kernel(function, Externals()))
    made.verify()
    return str(made)


def copy(size, mark="vector(4)", offset=0):
    type_ = f"memref<{size}xf32>"
    return llvm_of(f"""
    func.func @k(%x: {type_} {{loop.name = "x"}}, %y: {type_} {{loop.name = "y"}}) attributes {{loop.kernel}} {{
      loop.for "i" %i to {-(-(size - offset) // 4)} grid(64) {{
        loop.for "v" %v to min(4, {size - offset} - 4*%i) {mark} {{
          %0 = loop.load %x[4*%i + %v + {offset}] : {type_}
          loop.store %0, %y[4*%i + %v] : {type_}
        }}
      }}
      func.return
    }}""")


def test_four_floats_are_one_access_where_they_are_aligned():
    code = copy(1024)
    assert "{alignment = 16 : i64} : !llvm.ptr<1> -> vector<4xf32>" in code


def test_what_starts_off_an_alignment_claims_none():
    code = copy(1024, offset=1)
    assert "{alignment = 4 : i64} : !llvm.ptr<1> -> vector<4xf32>" in code
    assert "{alignment = 16 : i64} : !llvm.ptr<1> -> vector<4xf32>" not in code


def test_a_ragged_vector_runs_one_by_one_and_there_are_no_masks():
    code = copy(1023)
    assert "masked" not in code
    assert "!llvm.ptr<1> -> vector<4xf32>" in code and "!llvm.ptr<1> -> f32" in code


def test_shared_memory_is_a_global_of_its_address_space():
    code = llvm_of("""
    func.func @k(%x: memref<8xf32> {loop.name = "x"}) attributes {loop.kernel} {
      %s = loop.alloc shared "s" : memref<8xf32>
      loop.for "i" %i to 8 {
        %0 = loop.load %x[%i] : memref<8xf32>
        loop.store %0, %s[%i] : memref<8xf32>
      }
      func.return
    }""")
    assert "llvm.mlir.global internal" in code and "addr_space = 3" in code
    assert "llvm.readonly" in code
