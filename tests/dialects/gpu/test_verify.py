"""What the gpu dialect's verifiers refuse; beside each, the nearest thing that they take."""

from __future__ import annotations

import pytest
from xdsl.dialects import gpu as xdsl_gpu
from xdsl.utils.exceptions import VerifyException

from weft.dialects import gpu
from weft.frontends.mlir import parse_module
from weft.registry import context

HOST = (
    "gpu.module @m {{ gpu.func @k(%x: index) kernel {{ gpu.return }} }} "
    "func.func @f(%n: index, %m: memref<4xf32>) {{ {} func.return }}"
)
A, B, C = (
    '!gpu.mma_matrix<16x16xf16, "AOp">',
    '!gpu.mma_matrix<16x16xf16, "BOp">',
    '!gpu.mma_matrix<16x{}xf32, "COp">',
)

# (the program around it, what is wrong, what is right, a part of the message)
TWINS = {
    "a kernel gives a value": (
        "gpu.module @m {{ {} }}",
        "gpu.func @k(%x: f32) -> f32 kernel { gpu.return %x : f32 }",
        "gpu.func @k(%x: f32) -> f32 { gpu.return %x : f32 }",
        "a kernel gives no results",
    ),
    "a return gives another type": (
        "gpu.module @m {{ {} }}",
        "gpu.func @k(%x: f32) -> f64 { gpu.return %x : f32 }",
        "gpu.func @k(%x: f32) -> f32 { gpu.return %x : f32 }",
        "gives f32, not f64",
    ),
    "a workgroup buffer in global memory": (
        "gpu.module @m {{ {} }}",
        "gpu.func @k() workgroup(%w: memref<4xf32>) kernel { gpu.return }",
        "gpu.func @k() workgroup(%w: memref<4xf32, 3>) kernel { gpu.return }",
        "a workgroup buffer has the type memref<4xf32>",
    ),
    "a block of two sizes": (
        "gpu.module @m {{ {} }}",
        "gpu.func @k() kernel attributes {known_block_size = array<i32: 4, 1>} { gpu.return }",
        "gpu.func @k() kernel attributes {known_block_size = array<i32: 4, 1, 1>} { gpu.return }",
        "three sizes",
    ),
    "a reduction of floats by a kind of integers": (
        "gpu.module @m {{ gpu.func @k(%x: f32) kernel {{ {} gpu.return }} }}",
        "%0 = gpu.subgroup_reduce maxsi %x : (f32) -> f32",
        "%0 = gpu.subgroup_reduce maxnumf %x : (f32) -> f32",
        "'gpu.subgroup_reduce maxsi' is not for f32",
    ),
    "a reduction by a word and a region": (
        "gpu.module @m {{ gpu.func @k(%x: f32) kernel {{ {} gpu.return }} }}",
        "%0 = gpu.all_reduce add %x { ^bb0(%a: f32, %b: f32): gpu.yield %a : f32 } : (f32) -> f32",
        "%0 = gpu.all_reduce %x { ^bb0(%a: f32, %b: f32): gpu.yield %a : f32 } : (f32) -> f32",
        "either the name of a reduction or a region",
    ),
    "a kernel is called": (
        "gpu.module @m {{ {} gpu.func @k(%x: f32) {{ func.call @d(%x) : (f32) -> () gpu.return }} }}",
        "gpu.func @d(%x: f32) kernel { gpu.return }",
        "gpu.func @d(%x: f32) { gpu.return }",
        "is a kernel: it is launched by gpu.launch_func",
    ),
    "a device function is called with another type": (
        "gpu.module @m {{ {} gpu.func @k(%x: f32) {{ func.call @d(%x) : (f32) -> () gpu.return }} }}",
        "gpu.func @d(%x: f64) { gpu.return }",
        "gpu.func @d(%x: f32) { gpu.return }",
        "is called as another type",
    ),
    "an allocation lacks a size": (
        HOST,
        "%0 = gpu.alloc () : memref<?xf32>",
        "%0 = gpu.alloc (%n) : memref<?xf32>",
        "0 sizes are given",
    ),
    "a copy changes the shape": (
        HOST,
        "%0 = gpu.alloc () : memref<5xf32> gpu.memcpy %0, %m : memref<5xf32>, memref<4xf32>",
        "%0 = gpu.alloc () : memref<4xf32> gpu.memcpy %0, %m : memref<4xf32>, memref<4xf32>",
        "has another shape",
    ),
    "a buffer is filled with another type": (
        HOST,
        "gpu.memset %m, %n : memref<4xf32>, index",
        "%c = arith.constant 1.0 : f32 gpu.memset %m, %c : memref<4xf32>, f32",
        "cannot be filled",
    ),
    "a kernel is named without its module": (
        HOST,
        "gpu.launch_func @k blocks in (%n, %n, %n) threads in (%n, %n, %n) args(%n : index)",
        "gpu.launch_func @m::@k blocks in (%n, %n, %n) threads in (%n, %n, %n) args(%n : index)",
        "named as @module::@kernel",
    ),
    "matrices do not fit": (
        f"gpu.module @m {{{{ gpu.func @k(%a: {A}, %b: {B}, %c: {C.format(8)}, %d: {C.format(16)})"
        " {{ {} gpu.return }} }}",
        f"%0 = gpu.subgroup_mma_compute %a, %b, %c : {A}, {B} -> {C.format(8)}",
        f"%0 = gpu.subgroup_mma_compute %a, %b, %d : {A}, {B} -> {C.format(16)}",
        "is not 16x8",
    ),
}


@pytest.mark.parametrize("name", TWINS)
def test_what_is_wrong_is_refused(name):
    around, wrong, right, message = TWINS[name]
    parse_module(around.format(right), context(), "<text>").verify()
    with pytest.raises(VerifyException, match=message):
        parse_module(around.format(wrong), context(), "<text>").verify()


@pytest.mark.parametrize(
    ("type_", "space"),
    [
        ("memref<4xf32>", "global"),
        ("memref<4xf32, 3>", "workgroup"),
        ("memref<4xf32, #gpu.address_space<private>>", "private"),
    ],
)
def test_the_space_of_a_buffer_is_told_by_number_or_name(type_, space):
    module = parse_module(f"func.func private @f({type_})", context(), "<text>")
    (function,) = module.body.block.ops
    assert gpu.space_of(function.function_type.inputs.data[0]) == space


def test_another_space_is_refused():
    module = parse_module("func.func private @f(memref<4xf32, 7>)", context(), "<text>")
    (function,) = module.body.block.ops
    with pytest.raises(ValueError, match="no address space 7"):
        gpu.space_of(function.function_type.inputs.data[0])


def test_arguments_and_buffers_are_told_apart():
    text = """
    gpu.module @m {
      gpu.func @k(%x: f32, %y: i32) workgroup(%w: memref<4xf32, 3>) private(%p: memref<1xf32, 5>) kernel
          attributes {known_block_size = array<i32: 32, 2, 1>} {
        gpu.return
      }
    }"""
    module = parse_module(text, context(), "<text>")
    function = next(op for op in module.walk() if isinstance(op, gpu.FuncOp))
    assert [str(value.type) for value in function.arguments] == ["f32", "i32"]
    assert [gpu.space_of(value.type) for value in (*function.workgroup, *function.private)] == ["workgroup", "private"]
    assert function.block_size == (32, 2, 1)
    assert function.grid_size is None


def test_every_op_of_xdsl_has_one_here():
    assert {op.name for op in xdsl_gpu.GPU.operations} <= {op.name for op in gpu.GPU.operations}
    assert {kind.name for kind in xdsl_gpu.GPU.attributes} <= {kind.name for kind in gpu.GPU.attributes}
