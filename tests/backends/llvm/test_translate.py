"""The llvm dialect as LLVM IR, and LLVM IR as object code."""

import ctypes

import llvmlite.binding as binding
import numpy as np
import pytest
from xdsl.parser import Parser

from weft.backends.cpu.library import Library
from weft.backends.llvm import host, to_llvm_ir, to_object
from weft.backends.llvm.object_code import InvalidIR
from weft.diagnostics import WeftError
from weft.registry import context


def translated(text):
    module = Parser(context(), text).parse_module()
    module.verify()
    ir = to_llvm_ir(module)
    binding.parse_assembly(ir, binding.create_context()).verify()
    return ir


def body(*lines, arguments="%p: !llvm.ptr, %v: vector<4xf32>, %i: i64, %x: f32, %m: vector<4xi1>"):
    return translated("llvm.func @f(" + arguments + ") {\n" + "\n".join(lines) + "\nllvm.return\n}")


@pytest.mark.parametrize(
    "op, line",
    [
        ("llvm.add %i, %i overflow<nsw, nuw> : i64", "add nuw nsw i64 %v2, %v2"),
        ("llvm.sub %i, %i : i64", "sub i64 %v2, %v2"),
        ("llvm.lshr exact %i, %i : i64", "lshr exact i64 %v2, %v2"),
        ("llvm.or disjoint %i, %i : i64", "or disjoint i64 %v2, %v2"),
        ("llvm.fmul %v, %v {fastmathFlags = #llvm.fastmath<contract>} : vector<4xf32>", "fmul contract <4 x float>"),
        ("llvm.fadd %v, %v {fastmathFlags = #llvm.fastmath<fast>} : vector<4xf32>", "fadd fast <4 x float>"),
        ("llvm.frem %x, %x : f32", "frem float"),
        ("llvm.fneg %x : f32", "fneg float %v3"),
        ("llvm.trunc %i overflow<nsw> : i64 to i8", "trunc nsw i64 %v2 to i8"),
        ("llvm.bitcast %v : vector<4xf32> to vector<4xi32>", "bitcast <4 x float> %v1 to <4 x i32>"),
        ("llvm.ptrtoint %p : !llvm.ptr to i64", "ptrtoint ptr %v0 to i64"),
        ('llvm.icmp "ult" %i, %i : i64', "icmp ult i64"),
        ('llvm.fcmp "_true" %x, %x : f32', "fcmp true float"),
        ("llvm.select %m, %v, %v : vector<4xi1>, vector<4xf32>", "select <4 x i1> %v4, <4 x float> %v1"),
        ("llvm.intr.fma(%x, %x, %x) : (f32, f32, f32) -> f32", "call float @llvm.fma.f32("),
        ("llvm.intr.maxnum(%x, %x) : (f32, f32) -> f32", "call float @llvm.maxnum.f32("),
        ('llvm.call_intrinsic "llvm.smin.i64"(%i, %i) : (i64, i64) -> i64', "call i64 @llvm.smin.i64("),
        ("llvm.extractelement %v[%i : i64] : vector<4xf32>", "extractelement <4 x float> %v1, i64 %v2"),
        ("llvm.insertelement %x, %v[%i : i64] : vector<4xf32>", "insertelement <4 x float> %v1, float %v3, i64 %v2"),
        ("llvm.shufflevector %v, %v [0, 7, -1] : vector<4xf32>", "<3 x i32> <i32 0, i32 7, i32 poison>"),
        ("llvm.getelementptr inbounds %p[%i] : (!llvm.ptr, i64) -> !llvm.ptr, f32", "inbounds float, ptr %v0, i64 %v2"),
        ("llvm.load %p {alignment = 4 : i64} : !llvm.ptr -> vector<4xf32>", "load <4 x float>, ptr %v0, align 4"),
        ("llvm.alloca %i x f32 {alignment = 16 : i64} : (i64) -> !llvm.ptr", "alloca float, i64 %v2, align 16"),
        ("llvm.atomicrmw _and %p, %i seq_cst : !llvm.ptr, i64", "atomicrmw and ptr %v0, i64 %v2 seq_cst"),
        (
            'llvm.atomicrmw fadd %p, %x syncscope("device") monotonic : !llvm.ptr, f32',
            'atomicrmw fadd ptr %v0, float %v3 syncscope("device") monotonic',
        ),
        (
            'llvm.cmpxchg %p, %i, %i syncscope("device") acq_rel monotonic : !llvm.ptr, i64',
            'cmpxchg ptr %v0, i64 %v2, i64 %v2 syncscope("device") acq_rel monotonic',
        ),
        ("llvm.freeze %x : f32", "freeze float %v3"),
        ('llvm.inline_asm has_side_effects "nop", "=r,r" %i : (i64) -> i64', 'asm sideeffect "nop", "=r,r"(i64 %v2)'),
        ("llvm.intr.stacksave : !llvm.ptr", "call ptr @llvm.stacksave.p0()"),
    ],
)  # fmt: skip
def test_ops_become_their_instructions(op, line):
    assert line in body(f"%r = {op}")


def test_stores_keep_their_hints_and_masks_their_alignment():
    ir = body(
        "llvm.store %v, %p {alignment = 16 : i64, nontemporal} : vector<4xf32>, !llvm.ptr",
        "llvm.intr.masked.store %v, %p, %m {alignment = 8 : i32} : vector<4xf32>, vector<4xi1> into !llvm.ptr",
        "%0 = llvm.intr.masked.load %p, %m, %v {alignment = 4 : i32}",
        ": (!llvm.ptr, vector<4xi1>, vector<4xf32>) -> vector<4xf32>",
    )
    assert "store <4 x float> %v1, ptr %v0, align 16, !nontemporal !0" in ir
    assert "call void @llvm.masked.store.v4f32.p0(<4 x float> %v1, ptr align 8 %v0, <4 x i1> %v4)" in ir
    assert "call <4 x float> @llvm.masked.load.v4f32.p0(ptr align 4 %v0, <4 x i1> %v4, <4 x float> %v1)" in ir


def test_functions_keep_their_attributes():
    ir = translated(
        """
        llvm.func internal @f(%p: !llvm.ptr {llvm.noalias, llvm.align = 64 : i64, llvm.nonnull, llvm.noundef, other.x})
            attributes {passthrough = ["nounwind", ["frame-pointer", "all"]]} { llvm.return }
        llvm.func @g(!llvm.ptr, ...) -> i32
        llvm.func @"a b"() { llvm.call @"a b"() : () -> ()  llvm.return }
        """
    )
    parameters = "ptr noalias align 64 nonnull noundef %v0"
    assert f'define internal void @f({parameters}) nounwind "frame-pointer"="all" {{' in ir
    assert "declare i32 @g(ptr, ...)" in ir
    assert 'call void @"a b"()' in ir


def test_numbers_keep_their_bits():
    ir = translated(
        """
        llvm.func @f() -> f32 {
          %a = llvm.mlir.constant(0.1 : f32) : f32
          %b = llvm.mlir.constant(0x7FC00001 : f32) : f32
          %c = llvm.mlir.constant(dense<[1.0, -3.5, 2.5]> : vector<3xbf16>) : vector<3xbf16>
          %d = llvm.mlir.constant(dense<-1> : vector<2xi8>) : vector<2xi8>
          %e = llvm.mlir.constant(0x7E00 : f16) : f16
          %f = llvm.fadd %a, %b : f32
          %g = llvm.bitcast %c : vector<3xbf16> to vector<3xi16>
          %h = llvm.add %d, %d : vector<2xi8>
          %i = llvm.fadd %e, %e : f16
          llvm.return %f : f32
        }"""
    )
    assert "fadd float 0x3FB99999A0000000, 0x7FF8000" in ir
    assert "bitcast <3 x bfloat> <bfloat 0xR3F80, bfloat 0xRC060, bfloat 0xR4020> to" in ir
    assert "add <2 x i8> splat (i8 -1), splat (i8 -1)" in ir
    assert "fadd half 0xH7E00, 0xH7E00" in ir


def test_data_lies_in_memory_as_it_is_written():
    text = """
      llvm.mlir.global private constant @t(dense<[1.5, -2.0]> : tensor<2xf32>) {alignment = 64 : i64}
        : !llvm.array<2 x f32>
      llvm.mlir.global internal @z(dense<0> : tensor<1000xi32>) : !llvm.array<1000 x i32>
      llvm.mlir.global internal @b(dense<[true, false]> : tensor<2xi1>) : !llvm.array<2 x i8>
      llvm.mlir.global internal constant @s("a\\"b") : !llvm.array<3 x i8>
      llvm.func @f() -> !llvm.ptr { %0 = llvm.mlir.addressof @t : !llvm.ptr  llvm.return %0 : !llvm.ptr }
    """
    ir = translated(text)
    assert '@t = private constant [8 x i8] c"\\00\\00\\C0?\\00\\00\\00\\C0", align 64' in ir
    assert "@z = internal global [4000 x i8] zeroinitializer" in ir
    assert '@b = internal global [2 x i8] c"\\01\\00"' in ir
    library = Library(to_object(ir), ["f"])
    address = ctypes.CFUNCTYPE(ctypes.c_void_p)(library.address("f"))()
    assert address % 64 == 0
    np.testing.assert_array_equal((ctypes.c_float * 2).from_address(address), [1.5, -2.0])


def test_an_op_of_another_dialect_is_refused_with_the_pass_to_run():
    module = Parser(context(), "func.func @f() { func.return }").parse_module()
    with pytest.raises(WeftError, match=r"'func\.func' cannot stand in LLVM IR") as raised:
        to_llvm_ir(module)
    assert "convert-to-llvm" in (raised.value.hint or "")
    module = Parser(context(), "llvm.func @f(%a: i32) { %0 = arith.addi %a, %a : i32  llvm.return }").parse_module()
    with pytest.raises(WeftError, match=r"'arith\.addi' cannot stand in LLVM IR"):
        to_llvm_ir(module)


def test_wrong_ir_is_our_error_and_says_what_llvm_said():
    with pytest.raises(InvalidIR, match="expected type"):
        to_object("define void @f( {")
    with pytest.raises(InvalidIR, match="does not dominate"):
        to_object(
            "define i32 @f(i1 %c) {\na:\n br i1 %c, label %b, label %d\nb:\n %x = add i32 1, 1\n br label %d\n"
            "d:\n ret i32 %x\n}"
        )


def test_inline_assembly_is_code():
    text = """llvm.func @f(%a: i64) -> i64 {
      %r = llvm.inline_asm has_side_effects "# $0 $1", "=r,r" %a : (i64) -> i64
      llvm.return %r : i64 }"""
    assert to_object(translated(text))


def test_the_machine_has_no_features_that_the_host_lacks():
    for name, on in binding.get_host_cpu_features().items():
        assert f"{'+' if on else '-'}{name}" in host()
