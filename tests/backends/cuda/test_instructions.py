"""Every instruction assembles for each chip that has it."""

import re

import pytest

from tests.dialects.nvvm.programs import function
from weft.backends.cuda import to_cubin, to_ptx
from weft.backends.cuda.assembler import find_assembler
from weft.dialects import gpu, nvvm
from weft.dialects.chips import CHIPS, has
from weft.frontends.mlir import parse_module
from weft.registry import context

pytestmark = pytest.mark.skipif(find_assembler() is None, reason="ptxas is not installed (pip: nvidia-cuda-nvcc)")

LAYOUTS = "layoutA = #nvvm.mma_layout<row>, layoutB = #nvvm.mma_layout<col>"


def registers(value, count):
    return ", ".join([f"%{value}"] * count)


def product(a, b, c, shape, elements="", more=""):
    """An mma.sync of so many registers of each kind of value."""
    types = {"h": "vector<2xf16>", "i": "i32", "f": "f32", "d": "f64"}
    m, n, k = shape
    kinds = "".join(
        f", multiplicand{letter}PtxType = #nvvm.mma_type<{kind}>"
        for letter, kind in zip("AB", elements.split(), strict=bool(elements))
    )
    struct = ", ".join([types[c[0]]] * c[1])
    return (
        f"%0 = nvvm.mma.sync A[{registers(*a)}] B[{registers(*b)}] C[{registers(*c)}] {{{LAYOUTS}{kinds}{more}, "
        f"shape = #nvvm.shape<m = {m}, n = {n}, k = {k}>}} "
        f": ({types[a[0]]}, {types[b[0]]}, {types[c[0]]}) -> !llvm.struct<({struct})>"
    )


def warpgroup(n, k, elements, result, count):
    a, b = elements.split()
    part = {"f32": "f32", "f16": "i32", "s32": "i32"}[result]
    struct = f"!llvm.struct<({', '.join([part] * count)})>"
    return (
        f"%x = llvm.mlir.undef : {struct}\n"
        f"%0 = nvvm.wgmma.mma_async %l, %l, %x, <m = 64, n = {n}, k = {k}>, D [<{result}>, <one>], "
        f"A [<{a}>, <one>, <row>], B [<{b}>, <one>, <col>] : {struct} -> {struct}"
    )


BOX = "nvvm.cp.async.bulk.tensor"
SATURATED = ", intOverflowBehavior = #nvvm.mma_int_overflow<satfinite>"
MORE = (
    product(("h", 2), ("h", 1), ("f", 4), (16, 8, 8)),
    product(("h", 4), ("h", 2), ("h", 2), (16, 8, 16)),
    product(("i", 2), ("i", 1), ("f", 4), (16, 8, 8), "bf16 bf16"),
    product(("i", 4), ("i", 2), ("f", 4), (16, 8, 16), "bf16 bf16"),
    product(("i", 2), ("i", 1), ("f", 4), (16, 8, 4), "tf32 tf32"),
    product(("i", 4), ("i", 2), ("f", 4), (16, 8, 8), "tf32 tf32"),
    product(("d", 1), ("d", 1), ("d", 2), (8, 8, 4)),
    product(("i", 1), ("i", 1), ("i", 2), (8, 8, 16), "s8 s8", SATURATED),
    product(("i", 2), ("i", 1), ("i", 4), (16, 8, 16), "s8 u8"),
    product(("i", 4), ("i", 2), ("i", 4), (16, 8, 32), "u8 u8", SATURATED),
    product(("i", 1), ("i", 1), ("i", 2), (8, 8, 32), "s4 s4"),
    product(("i", 4), ("i", 2), ("i", 4), (16, 8, 64), "u4 s4"),
    product(("i", 2), ("i", 1), ("i", 4), (16, 8, 128), "b1 b1", ", b1Op = #nvvm.mma_b1op<xor_popc>"),
    product(("i", 4), ("i", 2), ("i", 4), (16, 8, 256), "b1 b1", ", b1Op = #nvvm.mma_b1op<and_popc>"),
    "%0 = nvvm.ldmatrix %shared {num = 1 : i32, layout = #nvvm.mma_layout<row>} : (!llvm.ptr<3>) -> i32",
    "%0 = nvvm.ldmatrix %shared {num = 2 : i32, layout = #nvvm.mma_layout<col>} "
    ": (!llvm.ptr<3>) -> !llvm.struct<(i32, i32)>",
    "nvvm.stmatrix %shared, %i, %i, %i, %i {layout = #nvvm.mma_layout<col>} : !llvm.ptr<3>, i32, i32, i32, i32",
    "%0 = nvvm.wmma.load %shared, %i {eltype = #nvvm.mma_type<f16>, frag = #nvvm.mma_frag<a>, k = 16 : i32, "
    "layout = #nvvm.mma_layout<col>, m = 16 : i32, n = 16 : i32} : (!llvm.ptr<3>) -> "
    f"!llvm.struct<({', '.join(['vector<2xf16>'] * 8)})>",
    "nvvm.cp.async.shared.global %shared, %g, 4, cache = ca : !llvm.ptr<3>, !llvm.ptr<1>",
    "nvvm.cp.async.shared.global %shared, %g, 16, cache = cg, %i : !llvm.ptr<3>, !llvm.ptr<1>, i32",
    "%0 = nvvm.shfl.sync idx %i, %f, %i, %i {return_value_and_is_valid} : f32 -> !llvm.struct<(f32, i1)>",
    *(
        f"%0 = nvvm.redux.sync {kind} %i, %i : i32 -> i32"
        for kind in ("and", "max", "min", "or", "umax", "umin", "xor")
    ),
    *(f"%0 = nvvm.vote.sync {kind} %i, %b -> i1" for kind in ("all", "uni")),
    "nvvm.barrier id = %i number_of_threads = %i",
    "nvvm.cluster.arrive {aligned}",
    "nvvm.cluster.wait {aligned}",
    "nvvm.setmaxregister decrease 40",
    "nvvm.mbarrier.init.shared %shared, %i, predicate = %b : !llvm.ptr<3>, i32, i1",
    "nvvm.mbarrier.arrive.expect_tx.shared %shared, %i, predicate = %b : !llvm.ptr<3>, i32, i1",
    "nvvm.fence.proxy {kind = #nvvm.proxy_kind<async.shared>, space = #nvvm.shared_space<cluster>}",
    "nvvm.fence.proxy {kind = #nvvm.proxy_kind<async>}",
    "nvvm.cp.async.mbarrier.arrive.shared %shared {noinc = true} : !llvm.ptr<3>",
    "nvvm.cp.async.bulk.wait_group 0 {read}",
    "nvvm.prefetch.tensormap %p, predicate = %b : !llvm.ptr, i1",
    *(
        f"{BOX}.shared.cluster.global %shared, %p, %shared, box[{registers('i', count)}] : !llvm.ptr<3>, !llvm.ptr"
        for count in range(1, 6)
    ),
    *(
        f"{BOX}.global.shared.cta %p, %shared, box[{registers('i', count)}] : !llvm.ptr, !llvm.ptr<3>, "
        + ", ".join(["i32"] * count)
        for count in range(1, 6)
    ),
    f"{BOX}.shared.cluster.global %shared, %p, %shared, box[%i, %i] multicast_mask = %j l2_cache_hint = %l "
    ": !llvm.ptr<3>, !llvm.ptr",
    f"{BOX}.shared.cluster.global %shared, %p, %shared, box[%i, %i, %i] im2col[%j] : !llvm.ptr<3>, !llvm.ptr",
    f"{BOX}.shared.cluster.global %shared, %p, %shared, box[%i, %i, %i] im2col[%j] multicast_mask = %j "
    "predicate = %b : !llvm.ptr<3>, !llvm.ptr",
    f"{BOX}.global.shared.cta %p, %shared, box[%i, %i], predicate = %b : !llvm.ptr, !llvm.ptr<3>, i32, i32, i1",
    warpgroup(256, 16, "f16 f16", "f32", 128),
    warpgroup(64, 16, "bf16 bf16", "f32", 32),
    warpgroup(64, 16, "f16 f16", "f16", 16),
    warpgroup(64, 8, "tf32 tf32", "f32", 32),
    warpgroup(64, 32, "s8 u8", "s32", 32),
    warpgroup(64, 32, "e4m3 e5m2", "f32", 32),
    warpgroup(64, 256, "b1 b1", "s32", 32),
)
"""Forms of instructions beside those of their examples."""

USE = "llvm.store volatile %0, %g : {}, !llvm.ptr<1>"


def programs():
    """The op and the text of a kernel for every instruction and form, the kernels numbered."""
    examples = [re.search(r"```mlir\n(.*?)\n```", kind.__doc__, re.S)[1] for kind in nvvm.OPS.values()]
    for number, text in enumerate([*examples, *MORE]):
        name = re.search(r"nvvm\.([\w.]+)", text.replace("#nvvm.", ""))[1]
        kind = nvvm.OPS[name]
        if "%state" in text:  # ptxas ends with a fault where a state comes from elsewhere
            arrive = f"nvvm.mbarrier.arrive{'.shared' if name.endswith('shared') else ''} %addr"
            pointer = "!llvm.ptr<3>" if name.endswith("shared") else "!llvm.ptr"
            text = f"%before = {arrive} : {pointer} -> i64\n" + text.replace("%state", "%before")
        yield function(
            text, kind, f"k{number}", " attributes {gpu.kernel, nvvm.kernel, nvvm.maxntid = array<i32: 128, 1, 1>}"
        )


@pytest.fixture(scope="module")
def kernels():
    """Every kernel, its result stored so that it stays."""
    found = []
    for text in programs():
        module = parse_module(text, context(), "<text>")
        module.verify()
        *_, op = (op for op in module.walk() if isinstance(op, nvvm.NvvmOp))
        if op.results:
            text = text.replace("llvm.return", USE.format(op.results[0].type) + "\nllvm.return")
            if "%g:" not in text:
                text = re.sub(r"@(k\d+)\(", lambda found: f"@{found[1]}(%g: !llvm.ptr<1>, ", text, count=1).replace(
                    ", )", ")"
                )
        found.append((op.need, text))
    return found


def assemble(kernels, chip):
    facts = CHIPS[chip]
    bodies = [text for need, text in kernels if has(chip, need.chip) and need.ptx <= facts.ptx]
    head = f'gpu.module @m [#nvvm.target<chip = "{chip}", features = "+ptx{facts.ptx}">]'
    module = parse_module(f"{head} {{\n" + "\n".join(bodies) + "\n}", context(), "<text>")
    (found,) = (op for op in module.body.block.ops if isinstance(op, gpu.ModuleOp))
    return to_cubin(to_ptx(found), chip), len(bodies)


@pytest.mark.parametrize("chip", ["sm_75", "sm_80", "sm_90a"])
def test_what_a_chip_has_assembles_for_it(kernels, chip):
    assembled, count = assemble(kernels, chip)
    assert len(assembled.usage) == count
    assert chip != "sm_90a" or count == len(kernels)


@pytest.mark.long
@pytest.mark.parametrize("chip", [chip for chip in CHIPS if chip not in ("sm_75", "sm_80", "sm_90a")])
def test_what_any_other_chip_has_assembles_for_it(kernels, chip):
    assembled, count = assemble(kernels, chip)
    assert len(assembled.usage) == count
