"""The checker finds planted errors, each by its line, and is silent on correct kernels."""

from __future__ import annotations

import numpy as np
import pytest

from tests.backends.sim.support import TID, found, index, kernel, run, text_of
from weft.backends.sim.findings import Report


def _shared(size: int, name: str = "tile") -> str:
    return f"  llvm.mlir.global internal @{name}() {{addr_space = 3 : i32}} : !llvm.array<{size} x f32>"


def _neighbour(barrier: str) -> list[Report]:
    """Each thread writes its element of shared memory, and reads its neighbour's behind `barrier`."""
    body = f"""{TID}
    %one = llvm.mlir.constant(1 : i32) : i32
    %tile = llvm.mlir.addressof @tile : !llvm.ptr<3>
    %b = nvvm.read.ptx.sreg.ctaid.x : i32 %s0 = llvm.add %t, %b : i32 %v = llvm.sitofp %s0 : i32 to f32
{index("%t", "%tile", "f32", "%ps", 3)}
    llvm.store %v, %ps : f32, !llvm.ptr<3>
    {barrier}
    %n = llvm.xor %t, %one : i32
{index("%n", "%tile", "f32", "%pr", 3)}
    %w = llvm.load %pr : !llvm.ptr<3> -> f32
{index("%t", "%y", "f32", "%py")}
    llvm.store %w, %py : f32, !llvm.ptr<1>"""
    return run(kernel("%y: !llvm.ptr<1>", body, _shared(64)), [2], [64], np.zeros(64, np.float32), checked=True)


BLOCKS_WRITE_THE_SAME = ("RACE", 14)


def test_a_missing_barrier_is_a_race_and_an_unwritten_read():
    reports = _neighbour("")
    assert found(reports) == [("RACE", 8), ("UNWRITTEN", 12), BLOCKS_WRITE_THE_SAME]
    race = str(reports[0].diagnostic())
    assert "kernel.mlir:8:5: error: data race: thread 1 of block 0 writes byte 4 of @tile" in race
    assert "kernel.mlir:12:5: note: thread 0 of block 0 reads it here, and nothing orders the two" in race
    assert "hint: put a barrier between them" in race


def test_what_orders_memory_in_a_block():
    """A barrier of the block does, one of the warp does for its lanes; a shuffle does not."""
    assert found(_neighbour("nvvm.barrier0")) == [BLOCKS_WRITE_THE_SAME]
    mask = "%m = llvm.mlir.constant(-1 : i32) : i32"
    assert found(_neighbour(f"{mask} nvvm.bar.warp.sync %m : i32")) == [BLOCKS_WRITE_THE_SAME]
    reports = _neighbour(f"{mask} %s = nvvm.shfl.sync bfly %m, %t, %one, %one : i32 -> i32")
    assert found(reports) == [("RACE", 12), BLOCKS_WRITE_THE_SAME]


def test_a_race_between_blocks():
    reports = _neighbour("nvvm.barrier0")
    said = str(reports[0].diagnostic())
    assert "data race: thread 0 of block 1 writes byte 0 of %y (64 times)" in said
    assert "thread 0 of block 0 writes it here" in said
    assert "blocks run in any order" in said


def _copy(size: int, guard: bool) -> list[Report]:
    body = f"""{TID}
    %b = nvvm.read.ptx.sreg.ctaid.x : i32
    %d = nvvm.read.ptx.sreg.ntid.x : i32
    %base = llvm.mul %b, %d : i32
    %i = llvm.add %base, %t : i32
    %n = llvm.mlir.constant({size if guard else 10**6} : i32) : i32
    %c = llvm.icmp "slt" %i, %n : i32
    llvm.cond_br %c, ^in, ^out
  ^in:
{index("%i", "%x", "f32", "%px")}
    %v = llvm.load %px : !llvm.ptr<1> -> f32
{index("%i", "%y", "f32", "%py")}
    llvm.store %v, %py : f32, !llvm.ptr<1>
    llvm.br ^out
  ^out:"""
    x, y = np.arange(128, dtype=np.float32), np.zeros(size, np.float32)
    return run(kernel("%x: !llvm.ptr<1>, %y: !llvm.ptr<1>", body), [2], [64], x, y, checked=True)


def test_a_store_out_of_bounds():
    """It is said, with how often, and is not done."""
    assert _copy(100, True) == []
    reports = _copy(100, False)
    assert found(reports) == [("OUT_OF_BOUNDS", 15)]
    assert "thread 36 of block 1 writes 4 bytes at byte 400 of %y, which has 400 (28 times)" in text_of(reports)


def test_one_shared_buffer_is_not_the_next():
    """A store behind a buffer of shared memory is out of bounds, though another buffer is there."""
    body = f"""{TID}
    %tile = llvm.mlir.addressof @tile : !llvm.ptr<3>
    %other = llvm.mlir.addressof @other : !llvm.ptr<3>
{index("%t", "%tile", "i32", "%p", 3)}
    llvm.store %t, %p : i32, !llvm.ptr<3>"""
    around = [_shared(32), _shared(32, "other")]
    reports = run(kernel("", body, "\n".join(around)), [1], [33], checked=True)
    assert found(reports) == [("OUT_OF_BOUNDS", 7)]
    assert "thread 32 of block 0 writes 4 bytes at byte 128 of @tile, which has 128" in text_of(reports)


OTHERS = """
  llvm.func @touch() {
    %o = llvm.mlir.addressof @other : !llvm.ptr<3>
    %z = llvm.mlir.constant(0 : i32) : i32
    llvm.store %z, %o : i32, !llvm.ptr<3>
    llvm.return
  }
  llvm.func @second() attributes {gpu.kernel, nvvm.kernel} {
    llvm.call @touch() : () -> ()
    llvm.return
  }"""
"""Another kernel, with `@other` by way of a function."""


@pytest.mark.parametrize("before", [-1, 0])
def test_a_store_before_dynamic_shared_memory(before: int):
    """The shared memory of another kernel of the module does not lie there."""
    body = f"""{TID}
    %b = llvm.mlir.constant({before} : i32) : i32
    %s = llvm.add %t, %b : i32
    %tile = llvm.mlir.addressof @tile : !llvm.ptr<3>
{index("%s", "%tile", "i32", "%p", 3)}
    llvm.store %t, %p : i32, !llvm.ptr<3>"""
    for around in ([_shared(0), _shared(32, "other"), OTHERS], [_shared(32, "other"), OTHERS, _shared(0)]):
        reports = run(kernel("", body, "\n".join(around)), [1], [32], checked=True, shared=128)
        assert found(reports) == ([("OUT_OF_BOUNDS", 8)] if before else [])
        if before:
            assert "thread 0 of block 0 writes 4 bytes at byte -4 of @tile, which has 128" in text_of(reports)


def test_dynamic_shared_memory_begins_behind_the_static_one_of_its_kernel():
    """A store before it is out of bounds there, too; what other kernels have does not count."""
    body = f"""{TID}
    llvm.call @touch() : () -> ()
    %m = llvm.mlir.constant(-1 : i32) : i32
    %s = llvm.add %t, %m : i32
    %tile = llvm.mlir.addressof @tile : !llvm.ptr<3>
{index("%s", "%tile", "i32", "%p", 3)}
    llvm.store %t, %p : i32, !llvm.ptr<3>"""
    around = [_shared(0), _shared(32, "other"), _shared(32, "third"), OTHERS]
    reports = run(kernel("", body, "\n".join(around)), [1], [2], checked=True, shared=8)
    assert ("OUT_OF_BOUNDS", 9) in found(reports)
    assert "byte -4 of @tile, which has 8" in text_of(reports)


def _branches(then: str, otherwise: str) -> list[Report]:
    body = f"""{TID}
    %ten = llvm.mlir.constant(10 : i32) : i32
    %c = llvm.icmp "slt" %t, %ten : i32
    llvm.cond_br %c, ^a, ^b
  ^a:
    {then}
    llvm.br ^end
  ^b:
    {otherwise}
    llvm.br ^end
  ^end:"""
    return run(kernel("", body), [1], [64], checked=True)


def test_barriers_in_divergent_flow():
    reports = _branches("nvvm.barrier0", "nvvm.barrier0")
    assert found(reports) == [("DIVERGENT_BARRIER", 8)]
    assert "kernel.mlir:11:5: note: thread 63 of block 0 waits at this one" in text_of(reports)
    reports = _branches("nvvm.barrier0", "")
    assert found(reports) == [("EXITED_BARRIER", 8)]
    assert "thread 0 of block 0 waits here, and thread 63 of block 0 has ended before it" in text_of(reports)


def test_threads_that_wait_for_each_other():
    """Ten lanes of the first warp wait at the block's barrier, the others of it for those ten."""
    reports = _branches("nvvm.barrier0", "nvvm.bar.warp.sync %ones : i32".replace("%ones", "%t"))
    assert found(reports) == [("DEADLOCK", 8)]
    assert "threads 0-9 wait at this barrier" in text_of(reports)


def _strided(stride: int, space: str = "") -> list[Report]:
    pointer = "%tile" if space else "%y"
    get = "    %tile = llvm.mlir.addressof @tile : !llvm.ptr<3>" if space else ""
    number = 3 if space else 1
    body = f"""{TID}
    %s = llvm.mlir.constant({stride} : i32) : i32
    %i = llvm.mul %t, %s : i32
    %v = llvm.sitofp %t : i32 to f32
{get}
{index("%i", pointer, "f32", "%p", number)}
    llvm.store %v, %p : f32, !llvm.ptr<{number}>"""
    text = kernel("%y: !llvm.ptr<1>", body, _shared(64 * 33))
    return run(text, [1], [64], np.zeros(64 * 33, np.float32), checked=True)


def test_uncoalesced_accesses():
    """A column of a matrix; a row is fine."""
    assert _strided(1) == []
    reports = _strided(32)
    assert found(reports) == [("UNCOALESCED", 9)]
    assert not reports[0].is_error
    said = text_of(reports)
    assert "remark: uncoalesced: 2 of 2 accesses of a warp take 64 sectors of 32 bytes in all, 8 would do" in said
    assert "thread 0 at byte 0 of %y, the next at byte 128 of %y" in said


@pytest.mark.parametrize(("stride", "passes"), [(2, 4), (4, 8), (32, 64), (1, None), (33, None), (0, None)])
def test_bank_conflicts(stride: int, passes: int | None):
    """Rows of 32 elements put a column into one bank; padded by one they do not. One word for all is no conflict."""
    reports = [report for report in _strided(stride, "shared") if report.finding.name != "RACE"]
    assert found(reports) == ([("BANK_CONFLICT", 9)] if passes else [])
    if passes:
        assert f"2 of 2 accesses of a warp take {passes} passes over the banks in all, 2 would do" in text_of(reports)


def test_wide_accesses_are_checked():
    """A vector of four is read where only three are, and where it is not aligned."""
    body = f"""{TID}
{index("%t", "%x", "f32", "%p")}
    %v = llvm.load %p {{alignment = 16 : i64}} : !llvm.ptr<1> -> vector<4xf32>
{index("%t", "%y", "f32", "%q")}
    llvm.store %v, %q {{alignment = 4 : i64}} : vector<4xf32>, !llvm.ptr<1>"""
    x, y = np.zeros(8, np.float32), np.zeros(1024, np.float32)
    aligned = np.zeros(64, np.uint8)
    start = -aligned.ctypes.data % 16
    x = aligned[start : start + 16].view(np.float32)
    reports = run(kernel("%x: !llvm.ptr<1>, %y: !llvm.ptr<1>", body), [1], [2], x, y, checked=True)
    assert found(reports) == [("OUT_OF_BOUNDS", 5)]
    x = aligned[start : start + 32].view(np.float32)
    reports = run(kernel("%x: !llvm.ptr<1>, %y: !llvm.ptr<1>", body), [1], [2], x, y, checked=True)
    assert found(reports) == [("MISALIGNED", 5)]


def test_atomics_race_with_plain_accesses_only():
    body = f"""{TID}
    %v = llvm.atomicrmw add %y, %t monotonic : !llvm.ptr<1>, i32
    %w = llvm.load %y : !llvm.ptr<1> -> i32"""
    reports = run(kernel("%y: !llvm.ptr<1>", body), [1], [32], np.zeros(1, np.int32), checked=True)
    assert ("RACE", 4) in found(reports)


def test_threads_that_write_the_same_do_not_race():
    """As all lanes do that hold a sum; what they write must be the same."""
    for value, wanted in (("%n", []), ("%t", [("RACE", 5)])):
        body = f"""{TID}
    %n = nvvm.read.ptx.sreg.ntid.x : i32
    llvm.store {value}, %y : i32, !llvm.ptr<1>"""
        assert found(run(kernel("%y: !llvm.ptr<1>", body), [1], [64], np.zeros(1, np.int32), checked=True)) == wanted


def test_small_elements_beside_each_other_do_not_race():
    body = f"""{TID}
    %b = nvvm.read.ptx.sreg.ctaid.x : i32
    %s = llvm.add %t, %b : i32
    %v = llvm.trunc %s : i32 to i8
{index("%t", "%y", "i8", "%p")}
    llvm.store %v, %p : i8, !llvm.ptr<1>"""
    y = np.zeros(64, np.int8)
    assert run(kernel("%y: !llvm.ptr<1>", body), [2], [32], y, checked=True)[0].finding.name == "RACE"
    assert run(kernel("%y: !llvm.ptr<1>", body), [1], [64], y, checked=True) == []


@pytest.mark.parametrize("masked", [False, True])
def test_lanes_that_are_masked_out_are_not_accessed(masked: bool):
    last = "false" if masked else "true"
    body = f"""    %mask = llvm.mlir.constant(dense<[true, true, true, {last}]> : vector<4xi1>) : vector<4xi1>
    %zero = llvm.mlir.constant(dense<0.0> : vector<4xf32>) : vector<4xf32>
    %v = llvm.intr.masked.load %x, %mask, %zero {{alignment = 4 : i32}}
      : (!llvm.ptr<1>, vector<4xi1>, vector<4xf32>) -> vector<4xf32>
    llvm.intr.masked.store %v, %y, %mask {{alignment = 4 : i32}} : vector<4xf32>, vector<4xi1> into !llvm.ptr<1>"""
    x, y = np.arange(3, dtype=np.float32), np.zeros(3, np.float32)
    reports = run(kernel("%x: !llvm.ptr<1>, %y: !llvm.ptr<1>", body), [1], [1], x, y, checked=True)
    assert found(reports) == ([] if masked else [("OUT_OF_BOUNDS", 5), ("OUT_OF_BOUNDS", 7)])
    if masked:
        np.testing.assert_array_equal(y, x)


def _shuffle_from_half(mask: str, source: int) -> list[Report]:
    """Lanes of the mask's half of a warp read lane `source`; the other lanes have ended."""
    body = f"""{TID}
    %half = llvm.mlir.constant(16 : i32) : i32
    %low = llvm.icmp "slt" %t, %half : i32
    llvm.cond_br %low, ^in, ^out
  ^in:
    %m = llvm.mlir.constant({mask} : i32) : i32
    %s = llvm.mlir.constant({source} : i32) : i32
    %c = llvm.mlir.constant(31 : i32) : i32
    %v = nvvm.shfl.sync idx %m, %t, %s, %c : i32 -> i32
{index("%t", "%y", "i32", "%p")}
    llvm.store %v, %p : i32, !llvm.ptr<1>
    llvm.br ^out
  ^out:"""
    return run(kernel("%y: !llvm.ptr<1>", body), [1], [32], np.zeros(32, np.int32), checked=True)


def test_a_shuffle_from_a_lane_that_is_not_there():
    assert not _shuffle_from_half("65535", 15)
    (report,) = _shuffle_from_half("65535", 16)
    assert (report.finding.name, report.count) == ("SHUFFLED", 16)
    said = str(report.diagnostic())
    assert "thread 0 of block 0 reads lane 16 of its warp, which has ended or is not in the mask (16 times)" in said
