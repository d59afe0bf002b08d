"""Bulk copies (TMA), mbarriers and products of a warpgroup: kernels by hand against NumPy, and their faults."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np
import pytest

from tests.backends.sim.support import TID, found, index, kernel, run, text_of
from weft.backends import sim
from weft.backends.sim.launching import Stage
from weft.backends.sim.limits import Dimensions
from weft.backends.sim.scene import Scene
from weft.backends.sim.warpgroup import BRINGS, GroupProduct
from weft.diagnostics import WeftError

MAP = "!llvm.ptr {llvm.byval = !llvm.array<128 x i8>, llvm.align = 64 : i64, nvvm.grid_constant}"


def aligned(array: np.ndarray, to: int = 128) -> np.ndarray:
    """A copy at a multiple of some bytes."""
    room = np.zeros(array.nbytes + to, np.uint8)
    start = -room.ctypes.data % to
    out = room[start : start + array.nbytes].view(array.dtype).reshape(array.shape)
    out[...] = array
    return out


def shared(name: str, size: int) -> str:
    """A buffer in shared memory."""
    facts = "{addr_space = 3 : i32, alignment = 1024 : i64}"
    return f"  llvm.mlir.global internal @{name}() {facts} : !llvm.array<{size} x i8>"


def constants(*values: int) -> str:
    """`%c5` and the like."""
    return "\n".join(f"    %c{n} = llvm.mlir.constant({n} : i32) : i32" for n in values)


def only(thread: str, body: str, name: str) -> str:
    """Something that one thread does."""
    return f"""    %is.{name} = llvm.icmp "eq" %t, {thread} : i32
    llvm.cond_br %is.{name}, ^{name}, ^after.{name}
  ^{name}:
{body}
    llvm.br ^after.{name}
  ^after.{name}:"""


HEAD = f"""{TID}
{constants(0, 1, 16)}
    %tile = llvm.mlir.addressof @tile : !llvm.ptr<3>
    %bar = llvm.mlir.addressof @bar : !llvm.ptr<3>"""

INIT = f"""{only("%c0", "    nvvm.mbarrier.init.shared %bar, %c1 : !llvm.ptr<3>, i32", "init")}
    nvvm.fence.mbarrier.init
    nvvm.barrier0"""

WAIT = "    nvvm.mbarrier.try_wait.parity.shared %bar, %c0, %c1 : !llvm.ptr<3>, i32, i32"


def load(rank: int, size: int, at: str = "", more: str = "") -> str:
    """One thread says how many bytes come, and begins a copy of a box."""
    where = at or ", ".join(["%c0"] * rank)
    body = f"""    %size = llvm.mlir.constant({size} : i32) : i32
    nvvm.mbarrier.arrive.expect_tx.shared %bar, %size : !llvm.ptr<3>, i32
    nvvm.cp.async.bulk.tensor.shared.cluster.global %tile, %map, %bar, box [{where}] {more}: !llvm.ptr<3>, !llvm.ptr"""
    return only("%c0", body, "load")


def taken_out(width: int) -> str:
    """Each thread copies 16 bytes of the tile to %y."""
    return f"""    %offset = llvm.mul %t, %c16 : i32
{index("%offset", "%tile", "i8", "%ps", 3)}
    %v = llvm.load %ps {{alignment = 16 : i64}} : !llvm.ptr<3> -> vector<4xi32>
{index("%offset", "%y", "i8", "%py")}
    llvm.store %v, %py {{alignment = 16 : i64}} : vector<4xi32>, !llvm.ptr<1>"""


def loaded(box: tuple[int, ...], array: np.ndarray, at: tuple[int, ...], *, waits: bool = True, **options: Any):
    """A box of an array as it lies in shared memory, and what was found."""
    size = int(np.prod(box)) * array.itemsize
    numbers = "\n".join(f"    %n{i} = llvm.mlir.constant({n} : i32) : i32" for i, n in enumerate(at))
    names = ", ".join(f"%n{i}" for i in range(len(at)))
    body = "\n".join((HEAD, numbers, INIT, load(len(at), size, names), WAIT if waits else "", taken_out(16)))
    text = kernel(f"%map: {MAP}, %y: !llvm.ptr<1>", body, shared("tile", size) + "\n" + shared("bar", 8))
    y = aligned(np.zeros(size, np.uint8))
    reports = run(text, [1], [size // 16], sim.tensor_map(array, box, **options), y, checked=True)
    return y.view(array.dtype), reports


@pytest.mark.parametrize(
    "shape, box, at",
    [
        ((64,), (32,), (16,)),
        ((20, 24), (8, 16), (4, 3)),
        ((20, 24), (8, 16), (-4, 17)),
        ((5, 6, 8), (2, 3, 8), (0, 4, 1)),
        ((2, 3, 4, 5, 8), (1, 2, 2, 2, 8), (0, 3, 2, 1, 1)),
    ],
)
def test_a_box_of_a_tensor_is_loaded(shape: tuple[int, ...], box: tuple[int, ...], at: tuple[int, ...]):
    """Coordinates have the innermost first; what is outside of the tensor is 0."""
    x = aligned(np.arange(1, np.prod(shape) + 1, dtype=np.float32).reshape(shape))
    y, reports = loaded(box, x, at)
    assert not [report for report in reports if report.is_error], text_of(reports)
    wide = np.pad(x, [(8, 16)] * x.ndim)
    wanted = wide[tuple(slice(n + 8, n + 8 + size) for n, size in zip(at[::-1], box, strict=True))]
    np.testing.assert_array_equal(y.reshape(box), wanted)


@pytest.mark.parametrize("swizzle", [32, 64, 128])
def test_a_swizzle_moves_pieces_of_16_bytes(swizzle: int):
    x = aligned(np.arange(64 * 64, dtype=np.float16).reshape(64, 64))
    y, reports = loaded((16, swizzle // 2), x, (0, 8), swizzle=swizzle)
    assert not [report for report in reports if report.is_error], text_of(reports)
    lines = y.reshape(-1, 8)
    for row in range(16):
        for piece in range(swizzle // 16):
            line = (row * swizzle + piece * 16) // 16
            moved = line ^ (line * 16 >> 7 & (swizzle // 16 - 1))
            np.testing.assert_array_equal(lines[moved], x[8 + row, piece * 8 : piece * 8 + 8])


def test_a_load_that_nobody_waits_for_is_a_race():
    x = aligned(np.arange(1, 257, dtype=np.float32).reshape(16, 16))
    y, reports = loaded((8, 16), x, (0, 0), waits=False)
    assert "RACE" in {kind for kind, _ in found(reports)}
    assert "what begins here writes it here, and nobody has waited for that" in text_of(reports)
    assert not y.any()


def test_bytes_that_do_not_come_are_missed():
    """The barrier waits for more than the copy brings; and for less: then its phase ends before."""
    x = aligned(np.ones((8, 16), np.float32))
    tile = shared("tile", 512) + "\n" + shared("bar", 8)
    text = kernel(f"%map: {MAP}, %y: !llvm.ptr<1>", "\n".join((HEAD, INIT, load(2, 528), WAIT, taken_out(16))), tile)
    with pytest.raises(WeftError, match=r"mbarrier.*16 bytes"):
        run(text, [1], [32], sim.tensor_map(x, (8, 16)), np.zeros(128, np.float32))


def test_a_copy_of_bytes_and_a_predicate():
    """Thread 3 asks for the copy by a predicate; no branch is around it."""
    body = f"""{HEAD}
{constants(3, 512)}
    %third = llvm.icmp "eq" %t, %c3 : i32
    nvvm.mbarrier.init.shared %bar, %c1, predicate = %third : !llvm.ptr<3>, i32, i1
    nvvm.barrier0
    nvvm.mbarrier.arrive.expect_tx.shared %bar, %c512, predicate = %third : !llvm.ptr<3>, i32, i1
    llvm.cond_br %third, ^copy, ^wait
  ^copy:
    nvvm.cp.async.bulk.shared.cluster.global %tile, %x, %bar, %c512 : !llvm.ptr<3>, !llvm.ptr<1>
    llvm.br ^wait
  ^wait:
{WAIT}
{taken_out(16)}"""
    x, y = aligned(np.arange(128, dtype=np.float32)), aligned(np.zeros(128, np.float32))
    text = kernel("%x: !llvm.ptr<1>, %y: !llvm.ptr<1>", body, shared("tile", 512) + "\n" + shared("bar", 8))
    reports = run(text, [1], [32], x, y, checked=True)
    assert not [report for report in reports if report.is_error], text_of(reports)
    np.testing.assert_array_equal(y, x)


def stored(*, fence: bool = True, wait: str = "0") -> tuple[np.ndarray, list[Any]]:
    """Threads fill a tile, and one of them copies it to a box of a tensor."""
    group = f"    nvvm.cp.async.bulk.wait_group {wait}" if wait else ""
    box = "box [%c4, %c1] : !llvm.ptr, !llvm.ptr<3>, i32, i32"
    asks = f"""    nvvm.cp.async.bulk.tensor.global.shared.cta %map, %tile, {box}
    nvvm.cp.async.bulk.commit.group
{group}"""
    body = f"""{HEAD}
{constants(4)}
    %f = llvm.sitofp %t : i32 to f32
{index("%t", "%tile", "f32", "%ps", 3)}
    llvm.store %f, %ps : f32, !llvm.ptr<3>
    {"nvvm.fence.proxy {kind = #nvvm.proxy_kind<async.shared>, space = #nvvm.shared_space<cta>}" if fence else ""}
    nvvm.barrier0
{only("%c0", asks, "store")}"""
    y = aligned(np.zeros((6, 16), np.float32))
    text = kernel(f"%map: {MAP}", body, shared("tile", 128) + "\n" + shared("bar", 8))
    return y, run(text, [1], [32], sim.tensor_map(y, (4, 8)), checked=True)


def test_a_box_is_stored():
    y, reports = stored()
    assert not [report for report in reports if report.is_error], text_of(reports)
    wanted = np.zeros((6, 16), np.float32)
    wanted[1:5, 4:12] = np.arange(32).reshape(4, 8)
    np.testing.assert_array_equal(y, wanted)


def test_stores_need_a_fence_and_a_wait():
    _, reports = stored(fence=False)
    assert "RACE" in {kind for kind, _ in found(reports)}
    assert "no fence lets what goes on by itself see that" in text_of(reports)
    _, reports = stored(wait="")
    assert "ABANDONED" in {kind for kind, _ in found(reports)}


def _descriptor(name: str, place: str, leading: int, stride: int, swizzle: int) -> str:
    """The descriptor of a matrix at an address."""
    mode = {0: 0, 128: 1, 64: 2, 32: 3}[swizzle]
    high = (leading >> 4) << 16 | (stride >> 4) << 32 | mode << 62
    high -= (high >> 63) << 64
    return f"""    %{name}.at = llvm.ptrtoint {place} : !llvm.ptr<3> to i64
    %{name}.low = llvm.and %{name}.at, %window : i64
    %{name}.start = llvm.lshr %{name}.low, %four : i64
    %{name}.facts = llvm.mlir.constant({high} : i64) : i64
    %{name} = llvm.or %{name}.start, %{name}.facts : i64"""


def product(
    n: int, *, depth: int = 64, rows: int = 128, wait: str = "0", load_wait: bool = True, fence: bool = True
) -> tuple[str, str]:
    """The text of y = a @ b.T for a of 64 x depth and b of n x depth in f16, `depth` of one swizzle of 128 bytes."""
    a_bytes, b_bytes = 64 * depth * 2, n * depth * 2
    struct = f"!llvm.struct<({', '.join(['f32'] * (n // 2))})>"
    lines = [
        TID,
        constants(*sorted({0, 1, 2, 4, 16, 32, n})),
        """    %window = llvm.mlir.constant(262143 : i64) : i64
    %four = llvm.mlir.constant(4 : i64) : i64
    %a = llvm.mlir.addressof @a : !llvm.ptr<3>
    %b = llvm.mlir.addressof @b : !llvm.ptr<3>
    %bar = llvm.mlir.addressof @bar : !llvm.ptr<3>""",
        INIT,
        only(
            "%c0",
            f"""    nvvm.prefetch.tensormap %amap : !llvm.ptr
    %bytes = llvm.mlir.constant({a_bytes + b_bytes} : i32) : i32
    nvvm.mbarrier.arrive.expect_tx.shared %bar, %bytes : !llvm.ptr<3>, i32
    nvvm.cp.async.bulk.tensor.shared.cluster.global %a, %amap, %bar, box [%c0, %c0] : !llvm.ptr<3>, !llvm.ptr
    nvvm.cp.async.bulk.tensor.shared.cluster.global %b, %bmap, %bar, box [%c0, %c0] : !llvm.ptr<3>, !llvm.ptr""",
            "load",
        ),
        WAIT if load_wait else "",
        "    nvvm.wgmma.fence.aligned" if fence else "",
        f"    %d0 = llvm.mlir.zero : {struct}",
    ]
    steps = depth // 16
    for step in range(steps):
        for name in "ab":
            lines.append(
                f"    %{name}{step} = llvm.getelementptr %{name}[{32 * step}] : (!llvm.ptr<3>) -> !llvm.ptr<3>, i8"
            )
            lines.append(_descriptor(f"{name}{step}.d", f"%{name}{step}", 16, 1024, 128))
        lines.append(
            f"    %d{step + 1} = nvvm.wgmma.mma_async %a{step}.d, %b{step}.d, %d{step}, <m = 64, n = {n}, k = 16>, "
            f"D [<f32>, <one>], A [<f16>, <one>, <row>], B [<f16>, <one>, <col>] : {struct} -> {struct}"
        )
    lines.append("    nvvm.wgmma.commit.group.sync.aligned")
    lines.append(f"    nvvm.wgmma.wait.group.sync.aligned {wait}" if wait else "")
    lines.append(_results(n, f"%d{steps}", struct))
    around = "\n".join((shared("a", a_bytes), shared("b", b_bytes), shared("bar", 8)))
    return kernel(f"%amap: {MAP}, %bmap: {MAP}, %y: !llvm.ptr<1>", "\n".join(lines), around), struct


def _results(n: int, result: str, struct: str) -> str:
    """Each thread stores its registers where they belong in %y, 64 x n."""
    lines = [
        """    %warp = llvm.udiv %t, %c32 : i32
    %lane = llvm.urem %t, %c32 : i32
    %warp.row = llvm.mul %warp, %c16 : i32
    %group = llvm.udiv %lane, %c4 : i32
    %row = llvm.add %warp.row, %group : i32
    %rest = llvm.urem %lane, %c4 : i32
    %pair = llvm.mul %rest, %c2 : i32"""
    ]
    for register in range(n // 2):
        down, right = 8 * (register // 2 % 2), 8 * (register // 4) + register % 2
        r = f"r{register}"
        lines.append(f"""    %{r}.down = llvm.mlir.constant({down} : i32) : i32
    %{r}.right = llvm.mlir.constant({right} : i32) : i32
    %{r}.row = llvm.add %row, %{r}.down : i32
    %{r}.column = llvm.add %pair, %{r}.right : i32
    %{r}.first = llvm.mul %{r}.row, %c{n} : i32
    %{r}.place = llvm.add %{r}.first, %{r}.column : i32
{index(f"%{r}.place", "%y", "f32", f"%{r}.at")}
    %{r} = llvm.extractvalue {result}[{register}] : {struct}
    llvm.store %{r}, %{r}.at : f32, !llvm.ptr<1>""")
    return "\n".join(lines)


def multiplied(n: int, **options: Any) -> tuple[np.ndarray, np.ndarray, list[Any]]:
    """What the kernel gives, what it should, and what was found."""
    rng = np.random.default_rng(0)
    a, b = (aligned(rng.integers(-4, 5, (rows, 64)).astype(np.float16)) for rows in (64, n))
    y = np.zeros((64, n), np.float32)
    text, _ = product(n, **options)
    maps = [sim.tensor_map(matrix, matrix.shape, swizzle=128) for matrix in (a, b)]
    reports = run(text, [1], [128], *maps, y, checked=True)
    return y, a.astype(np.float32) @ b.astype(np.float32).T, reports


@pytest.mark.parametrize("n", [8, 24, 64])
def test_a_product_of_a_warpgroup(n: int):
    """Operands come by bulk copies with a swizzle of 128 bytes; four steps along k."""
    y, wanted, reports = multiplied(n)
    assert not [report for report in reports if report.is_error], text_of(reports)
    np.testing.assert_array_equal(y, wanted)


def test_what_a_product_must_wait_for():
    _, _, reports = multiplied(8, load_wait=False)
    assert "RACE" in {kind for kind, _ in found(reports)}
    _, _, reports = multiplied(8, wait="")
    assert {kind for kind, _ in found(reports) if kind not in ("UNCOALESCED",)} == {"UNFINISHED"}
    _, _, reports = multiplied(8, wait="1")
    assert "UNFINISHED" in {kind for kind, _ in found(reports)}
    _, _, reports = multiplied(8, fence=False)
    assert "UNFENCED" in {kind for kind, _ in found(reports)}


_ELEMENTS: dict[str, Any] = {
    "f16": np.float16,
    "bf16": ml_dtypes.bfloat16,
    "tf32": np.float32,
    "s8": np.int8,
    "u8": np.uint8,
}


def put(memory: np.ndarray, matrix: np.ndarray, *, across: bool, leading: int, stride: int, swizzle: int) -> None:
    """Put a matrix of [row, k] into shared memory as PTX's pictures of its layouts have it: core matrices of 8 rows of
    16 bytes where nothing is swizzled, else atoms of 8 rows of the swizzle's bytes, whose pieces are moved."""
    width = matrix.itemsize
    for row in range(matrix.shape[0]):
        for k in range(matrix.shape[1]):
            if not across and not swizzle:
                byte = row // 8 * stride + row % 8 * 16 + k * width // 16 * leading + k * width % 16
            elif not across:
                byte = row // 8 * stride + row % 8 * swizzle + k * width
            elif not swizzle:
                byte = row * width // 16 * stride + row * width % 16 + k // 8 * leading + k % 8 * 16
            else:
                byte = row * width // swizzle * leading + row * width % swizzle + k // 8 * stride + k % 8 * swizzle
            if swizzle:
                byte ^= (byte // 128 % (swizzle // 16)) * 16
            memory[byte : byte + width] = matrix[row, k : k + 1].view(np.uint8)


@pytest.mark.parametrize(
    "types, result, across, swizzle",
    [
        ("f16 f16", "f32", "", 0),
        ("f16 f16", "f16", "", 32),
        ("bf16 bf16", "f32", "b", 64),
        ("f16 f16", "f32", "ab", 128),
        ("bf16 bf16", "f32", "a", 0),
        ("tf32 tf32", "f32", "", 0),
        ("s8 u8", "s32", "", 32),
    ],
)
def test_layouts_of_operands(types: str, result: str, across: str, swizzle: int):
    n, (a_type, b_type) = 64, types.split()
    depth = 32 // np.dtype(_ELEMENTS[a_type]).itemsize
    rng = np.random.default_rng(1)
    low = 0 if "u8" in types else -4
    matrices = [
        rng.integers(low, 5, (rows, depth)).astype(_ELEMENTS[kind]) for rows, kind in ((64, a_type), (n, b_type))
    ]
    stage = Stage(Dimensions((1, 1, 1), (128, 1, 1), (1, 1, 1), 0), 65536, 0)
    base = stage.shared.ctypes.data
    registers = np.zeros((128, n // 2), {"f32": np.float32, "f16": np.float16, "s32": np.int32}[result]) + 1
    descriptors: list[int] = []
    for number, (name, matrix) in enumerate(zip("ab", matrices, strict=True)):
        crossed = name in across
        leading, stride = (128, 256) if not swizzle and not crossed else (1024, 128) if not swizzle else (8192, 1024)
        if crossed and swizzle:
            leading, stride = 2 * 8 * swizzle, 8 * swizzle
        elif swizzle:
            leading, stride = 16, 8 * swizzle
        at = 32768 * number
        put(stage.shared[at:], matrix, across=crossed, leading=leading, stride=stride, swizzle=swizzle)
        mode = {0: 0, 128: 1, 64: 2, 32: 3}[swizzle]
        descriptors.append(((base + at) & 0x3FFFF) >> 4 | leading >> 4 << 16 | stride >> 4 << 32 | mode << 62)
    for thread in range(128):
        brought = stage.slots[64 * thread : 64 * thread + BRINGS.itemsize].view(BRINGS)
        brought[0] = (registers[thread].ctypes.data, *descriptors, 0)
    saturates = result == "s32"
    GroupProduct(n, a_type, b_type, result, "a" in across, "b" in across, 1, 1, True, saturates).serve(
        Scene(stage, 0, 128)
    )
    wanted = matrices[0].astype(np.float64) @ matrices[1].astype(np.float64).T + 1
    for thread in range(128):
        for register in range(n // 2):
            row = 16 * (thread // 32) + thread % 32 // 4 + 8 * (register // 2 % 2)
            assert registers[thread, register] == wanted[row, 8 * (register // 4) + thread % 4 * 2 + register % 2]
