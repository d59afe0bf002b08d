"""A gpu.module of llvm and nvvm ops as PTX: what stands in it, and what is refused before LLVM ends the process."""

from __future__ import annotations

import pytest

from weft.backends.cuda import to_cubin, to_ptx
from weft.backends.cuda.assembler import find_assembler
from weft.diagnostics import WeftError
from weft.dialects import gpu
from weft.dialects.chips import CHIPS, LEAST_PTX, PTX_VERSIONS, has
from weft.frontends.mlir import parse_module
from weft.registry import context

needs_ptxas = pytest.mark.skipif(find_assembler() is None, reason="ptxas is not installed (pip: nvidia-cuda-nvcc)")

KERNEL = """
gpu.module @m [#nvvm.target<chip = "{chip}", features = "+ptx{ptx}">] {{
  {outside}
  llvm.func @k(%x: !llvm.ptr<1>, %y: !llvm.ptr<1>, %i: i32, %f: f32, %d: f64)
      attributes {{gpu.kernel, nvvm.kernel{attributes}}} {{
    {inside}
    llvm.return
  }}
}}
"""


def module(inside, *, outside="", attributes="", chip="sm_80", ptx=80):
    text = KERNEL.format(inside=inside, outside=outside, attributes=attributes, chip=chip, ptx=ptx)
    parsed = parse_module(text, context(), "kernel.mlir")
    parsed.verify()
    (found,) = (op for op in parsed.body.block.ops if isinstance(op, gpu.ModuleOp))
    return found


def ptx_of(inside, **options):
    return to_ptx(module(inside, **options))


def test_a_kernel_says_what_its_launches_are():
    bounds = ", nvvm.maxntid = array<i32: 128, 2, 1>, nvvm.minctasm = 2 : i32, nvvm.maxnreg = 64 : i32"
    text = ptx_of("", attributes=bounds)
    assert ".version 8.0" in text
    assert ".target sm_80" in text
    assert ".visible .entry k(" in text
    assert ".maxntid 128, 2, 1" in text
    assert ".minnctapersm 2" in text
    assert ".maxnreg 64" in text


def test_a_cluster_has_its_size():
    text = ptx_of("", attributes=", nvvm.cluster_dim = array<i32: 2, 1, 1>", chip="sm_90")
    assert ".reqnctapercluster 2, 1, 1" in text


def test_memory_has_its_space():
    shared = "llvm.mlir.global internal @tile() {addr_space = 3 : i32, alignment = 16 : i64} : !llvm.array<64 x f32>"
    text = ptx_of(
        """%0 = llvm.mlir.addressof @tile : !llvm.ptr<3>
        %1 = llvm.getelementptr %0[%i] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, f32
        llvm.store %f, %1 : f32, !llvm.ptr<3>
        nvvm.barrier0
        %2 = llvm.load %0 : !llvm.ptr<3> -> f32
        llvm.store %2, %x : f32, !llvm.ptr<1>""",
        outside=shared,
    )
    assert ".shared .align 16" in text
    assert "st.shared" in text
    assert "bar.sync" in text
    assert "st.global" in text


def test_dynamic_shared_memory_is_external():
    text = ptx_of(
        "%0 = llvm.mlir.addressof @dynamic : !llvm.ptr<3> llvm.store %f, %0 : f32, !llvm.ptr<3>",
        outside="llvm.mlir.global external @dynamic() {addr_space = 3 : i32, alignment = 16 : i64} "
        ": !llvm.array<0 x i8>",
    )
    assert ".extern .shared .align 16 .b8 dynamic[]" in text


def test_a_device_function_is_called():
    text = ptx_of(
        "%0 = llvm.call @twice(%f) : (f32) -> f32 llvm.store %0, %x : f32, !llvm.ptr<1>",
        outside="llvm.func internal @twice(%a: f32) -> f32 { %0 = llvm.fadd %a, %a : f32 llvm.return %0 : f32 }",
    )
    assert "add.rn.f32" in text


def test_a_kernel_may_take_a_struct_by_value():
    text = """
    gpu.module @m [#nvvm.target<chip = "sm_90", features = "+ptx80">] {
      llvm.func @k(%map: !llvm.ptr {llvm.byval = !llvm.array<128 x i8>, llvm.align = 64 : i64, nvvm.grid_constant})
          attributes {gpu.kernel, nvvm.kernel} {
        llvm.return
      }
    }"""
    (found,) = parse_module(text, context(), "kernel.mlir").body.block.ops
    assert ".param .align 64 .b8 k_param_0[128]" in to_ptx(found)


@needs_ptxas
@pytest.mark.parametrize("chip", CHIPS)
def test_every_chip_has_code(chip):
    ptx = ptx_of(
        "%0 = nvvm.read.ptx.sreg.tid.x : i32 %1 = llvm.getelementptr %x[%0] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, f32 "
        "llvm.store %f, %1 : f32, !llvm.ptr<1>",
        chip=chip,
        ptx=CHIPS[chip].ptx,
    )
    assert f".target {chip}\n" in ptx
    assembled = to_cubin(ptx, chip)
    assert assembled.code[:4] == b"\x7fELF"
    assert assembled.usage["k"].registers > 0
    assert assembled.usage["k"].spill_bytes == 0


def test_each_chip_is_told_with_a_ptx_version_that_knows_it():
    assert CHIPS.keys() == LEAST_PTX.keys()
    assert all(LEAST_PTX[name] <= chip.ptx and chip.ptx in PTX_VERSIONS for name, chip in CHIPS.items())


def test_only_the_same_chip_has_what_is_its_own():
    assert has("sm_90", "sm_80")
    assert has("sm_100", "sm_90")
    assert has("sm_90a", "sm_90")
    assert has("sm_90a", "sm_90a")
    assert not has("sm_90", "sm_90a")
    assert not has("sm_100", "sm_90a")
    assert not has("sm_75", "sm_80")


# (what stands in the kernel, options of the module, a part of the message)
REFUSED = {
    "an op of another dialect": ("%0 = arith.addf %f, %f : f32", {}, "'arith.addf' cannot stand in LLVM IR"),
    "a newer chip's instruction": (
        "%0 = nvvm.redux.sync add %i, %i : i32 -> i32",
        {"chip": "sm_75", "ptx": 70},
        "'nvvm.redux.sync' needs sm_80; the target is sm_75",
    ),
    "an instruction of a later PTX": (
        "nvvm.cluster.arrive.relaxed",
        {"chip": "sm_90", "ptx": 78},
        "'nvvm.cluster.arrive.relaxed' needs PTX 8.0; the target has 7.8",
    ),
    "exp": ("%0 = llvm.intr.exp(%f) : (f32) -> f32", {}, "no instruction for 'exp' of f32"),
    "exp2 of f64": ("%0 = llvm.intr.exp2(%d) : (f64) -> f64", {}, "no instruction for 'exp2' of f64"),
    "an exact sine": ("%0 = llvm.intr.sin(%f) : (f32) -> f32", {}, "no exact instruction for 'sin' of f32"),
    "tanh by name": (
        '%0 = llvm.call_intrinsic "llvm.tanh.f32"(%f) : (f32) -> f32',
        {},
        "no exact instruction for 'tanh'",
    ),
    "a wide conversion": ("%0 = llvm.fptosi %f : f32 to i128", {}, "integers of up to 64 bits"),
    "a stack of run-time size": (
        "%0 = llvm.alloca %i x f32 : (i32) -> !llvm.ptr",
        {"chip": "sm_75", "ptx": 70},
        "needs PTX 7.3",
    ),
    "an undefined function": (
        "llvm.call @f() : () -> ()",
        {"outside": "llvm.func @f()"},
        "'@f' is called, but its gpu.module does not define it",
    ),
    "shared memory with a value": (
        "",
        {"outside": "llvm.mlir.global internal @s(1.0 : f32) {addr_space = 3 : i32} : f32"},
        "shared memory has no initial value",
    ),
    "a name that PTX does not have": (
        "",
        {"outside": 'llvm.func @"a.b"() attributes {gpu.kernel} { llvm.return }'},
        "'a.b' is no name in PTX",
    ),
    "an intrinsic that LLVM does not have": (
        'llvm.call_intrinsic "llvm.nvvm.nothing"() : () -> ()',
        {},
        "which NVIDIA's GPUs do not have",
    ),
    "assembly that LLVM cannot place": (
        '%0 = llvm.inline_asm "mov.u32 $0, 1;", "={eax}" : () -> i32',
        {},
        "couldn't allocate output register",
    ),
    "a chip that is not known": ("", {"chip": "sm_12"}, "no code can be made for the chip 'sm_12'"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_has_no_code_is_refused_at_the_op(name):
    inside, options, message = REFUSED[name]
    with pytest.raises(WeftError) as error:
        ptx_of(inside, **options)
    assert message in str(error.value)
    assert "kernel.mlir" in str(error.value)


def test_approximate_functions_are_taken():
    text = ptx_of(
        "%0 = llvm.intr.sin(%f) {fastmathFlags = #llvm.fastmath<afn>} : (f32) -> f32 "
        "llvm.store %0, %x : f32, !llvm.ptr<1>"
    )
    assert "sin.approx.f32" in text


def test_unknown_intrinsics_that_llvm_knows_are_taken():
    text = ptx_of(
        '%0 = llvm.call_intrinsic "llvm.nvvm.ex2.approx.ftz.f32"(%f) : (f32) -> f32 '
        "llvm.store %0, %x : f32, !llvm.ptr<1>"
    )
    assert "ex2.approx.ftz.f32" in text
