"""The run-time library: memory, halves, and the pool of threads."""

import ctypes
import multiprocessing
import os
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

from weft.backends.cpu.library import Library, UnresolvedSymbol
from weft.backends.cpu.runtime import runtime_symbol
from weft.backends.llvm.object_code import to_object

BODY = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64, ctypes.c_int64)
FOR = ctypes.CFUNCTYPE(None, BODY, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64, ctypes.c_int64)

COUNT_IR = """
define void @count(ptr %ctx, i64 %begin, i64 %end, i64 %worker) {
entry:
  br label %loop
loop:
  %i = phi i64 [ %begin, %entry ], [ %next, %body ]
  %more = icmp slt i64 %i, %end
  br i1 %more, label %body, label %done
body:
  %slot = getelementptr i32, ptr %ctx, i64 %i
  %old = load i32, ptr %slot
  %new = add i32 %old, 1
  store i32 %new, ptr %slot
  %next = add i64 %i, 1
  br label %loop
done:
  ret void
}
define void @nest(ptr %ctx, i64 %begin, i64 %end, i64 %worker) {
entry:
  %size = sub i64 %end, %begin
  %slot = getelementptr i32, ptr %ctx, i64 %begin
  call void @weft_parallel_for(ptr @count, ptr %slot, i64 %size, i64 1, i64 4)
  ret void
}
define void @parallel(ptr %fn, ptr %ctx, i64 %n, i64 %grain, i64 %threads) {
  call void @weft_parallel_for(ptr %fn, ptr %ctx, i64 %n, i64 %grain, i64 %threads)
  ret void
}
declare void @weft_parallel_for(ptr, ptr, i64, i64, i64)
"""


@pytest.fixture(scope="module")
def counting():
    names = ["count", "nest", "parallel"]
    library = Library(to_object(COUNT_IR), names, lambda name: runtime_symbol(name, 4))
    parallel = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * 2, *[ctypes.c_int64] * 3)(library.address("parallel"))

    def run(body, n, grain, threads):
        counts = np.zeros(max(n, 0) + 1, np.int32)
        parallel(library.address(body), counts.ctypes.data, n, grain, threads)
        return counts

    run.library = library
    return run


def exactly_once(counts, n):
    return (counts[:n] == 1).all() and counts[n] == 0


@pytest.mark.parametrize("body", ["count", "nest"])
@pytest.mark.parametrize("n", [-3, 0, 1, 2, 3, 7, 31, 100, 4097])
def test_every_iteration_runs_exactly_once(counting, body, n):
    for grain in (0, 1, 5, 1000):
        for threads in (0, 1, 2, 3, 4, 2000):
            if threads == 2000 and (grain != 1 or n < 4097):
                continue
            assert exactly_once(counting(body, n, grain, min(threads, 64)), max(n, 0))


def test_many_small_loops_in_a_row_lose_nothing(counting):
    for i in range(3000):
        n = 2 + i % 40
        assert exactly_once(counting("count", n, 1, 2 + i % 3), n)


def test_threads_of_python_share_the_pool(counting):
    wrong = []

    def work():
        for i in range(300):
            n = 5 + i % 50
            if not exactly_once(counting("count", n, 1, 4), n):
                wrong.append(n)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_several_workers_take_part_and_each_number_is_used_by_one_thread_at_a_time():
    loop = FOR(runtime_symbol("weft_parallel_for", 4))
    seen, inside, clashes = set(), [0] * 4, []
    both = threading.Barrier(2, timeout=20)

    @BODY
    def body(ctx, begin, end, worker):
        inside[worker] += 1
        if inside[worker] != 1:
            clashes.append(worker)
        if end - begin == 16:
            time.sleep(0.001)  # the loop runs in the caller alone, as it may
        elif worker not in seen and len(seen) < 2:
            seen.add(worker)
            both.wait()  # ends only when a second worker comes
        inside[worker] -= 1

    for _ in range(10_000):
        loop(body, None, 16, 1, 2)
        if seen:
            break
    assert seen == {0, 1}
    assert not clashes


def test_ranges_grow_smaller_towards_the_end():
    loop = FOR(runtime_symbol("weft_parallel_for", 4))
    ranges = []

    @BODY
    def body(ctx, begin, end, worker):
        ranges.append((begin, end))
        time.sleep(0.0005)

    for _ in range(10_000):
        ranges.clear()
        loop(body, None, 1000, 1, 3)
        if len(ranges) > 1:
            break
    ranges.sort()
    sizes = [end - begin for begin, end in ranges]
    assert [end for _, end in ranges[:-1]] == [begin for begin, _ in ranges[1:]]
    assert (ranges[0][0], ranges[-1][1]) == (0, 1000)
    assert sizes == sorted(sizes, reverse=True)
    assert 4 * sizes[-1] < sizes[0] < 1000 / 3


def test_loops_that_lose_by_sharing_run_in_the_caller():
    loop = FOR(runtime_symbol("weft_parallel_for", 4))
    shared = []

    @BODY
    def body(ctx, begin, end, worker):
        if worker:
            shared.append(end - begin)
            time.sleep(0.02)  # as if the system had given the core to another program

    for _ in range(400):
        loop(body, None, 64, 1, 2)
    assert len(shared) < 40


def test_a_loop_of_one_thread_never_leaves_it():
    loop = FOR(runtime_symbol("weft_parallel_for", 1))
    calls = []

    @BODY
    def body(ctx, begin, end, worker):
        calls.append((begin, end, worker, threading.get_ident()))

    loop(body, None, 1000, 1, 8)
    loop(body, None, 0, 1, 8)
    assert calls == [(0, 1000, 0, threading.get_ident())]


def _child(connection):
    loop = FOR(runtime_symbol("weft_parallel_for", 4))
    hits = np.zeros(64, np.int32)

    @BODY
    def body(ctx, begin, end, worker):
        hits[begin:end] += 1

    loop(body, None, 64, 1, 3)
    connection.send(bool((hits == 1).all()))


def test_the_pool_works_in_a_forked_child(counting):
    counting("count", 100, 1, 4)  # the parent has a pool
    ours, theirs = multiprocessing.Pipe()
    child = multiprocessing.get_context("fork").Process(target=_child, args=(theirs,))
    child.start()
    assert ours.poll(30)
    assert ours.recv() is True
    child.join(30)
    assert child.exitcode == 0
    assert exactly_once(counting("count", 100, 1, 4), 100)


def test_a_process_with_a_pool_ends_at_once_and_well():
    code = f"""
import ctypes
from weft.backends.cpu.library import Library
from weft.backends.cpu.runtime import runtime_symbol
from weft.backends.llvm.object_code import to_object
lib = Library(to_object({COUNT_IR!r}), ["count", "parallel"], lambda name: runtime_symbol(name, 4))
f = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * 2, *[ctypes.c_int64] * 3)(lib.address("parallel"))
data = (ctypes.c_int32 * 100)()
for _ in range(100):
    f(lib.address("count"), ctypes.addressof(data), 100, 1, 4)
print(set(data))
"""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, env=environment)
    assert (done.returncode, done.stdout.strip()) == (0, "{100}"), done.stderr


def test_memory_is_aligned_and_absurd_sizes_are_refused():
    alloc = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_int64)(runtime_symbol("weft_alloc", 1))
    free = ctypes.CDLL(None).free
    free.argtypes = [ctypes.c_void_p]
    for size in (0, 1, 63, 64, 65, 1 << 20, (1 << 30) + 1):
        address = alloc(size)
        assert address and address % 64 == 0
        free(address)
    for size in (-1, 1 << 46, (1 << 63) - 1, -(1 << 63)):
        assert alloc(size) is None


def test_halves_convert_as_numpy_does_without_hardware():
    ir = """
    define void @narrow(ptr %in, ptr %out) {
      %x = load float, ptr %in
      %bits = call i16 @narrow.bits(float %x)
      store i16 %bits, ptr %out
      ret void
    }
    define internal i16 @narrow.bits(float %x) {
      %h = call half @__truncsfhf2(float %x)
      %b = bitcast half %h to i16
      ret i16 %b
    }
    define void @widen(ptr %in, ptr %out) {
      %h = load half, ptr %in
      %x = call float @__extendhfsf2(half %h)
      store float %x, ptr %out
      ret void
    }
    declare half @__truncsfhf2(float)
    declare float @__extendhfsf2(half)
    """
    library = Library(to_object(ir), ["narrow", "widen"], lambda name: runtime_symbol(name, 1))
    convert = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p)
    narrow, widen = convert(library.address("narrow")), convert(library.address("widen"))
    halves = np.arange(0, 1 << 16, 3, dtype=np.uint16).view(np.float16)
    out = np.empty_like(halves, np.float32)
    for i in range(halves.size):
        widen(halves.ctypes.data + 2 * i, out.ctypes.data + 4 * i)
    np.testing.assert_array_equal(out, halves.astype(np.float32))
    with np.errstate(invalid="ignore"):
        near = np.concatenate([np.nextafter(out, np.float32(np.inf)), out, (out[1:] + out[:-1]) / 2])
    more = [65519.996, 65520, 1e9, 1e-8, 2.0**-25, 2.0**-25 * 1.0001, np.inf, -np.inf, np.nan, -0.0]
    floats = np.concatenate([near, np.array(more, np.float32)]).astype(np.float32)
    got = np.empty_like(floats, np.float16)
    for i in range(floats.size):
        narrow(floats.ctypes.data + 4 * i, got.ctypes.data + 2 * i)
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(got, floats.astype(np.float16))


def test_code_that_calls_what_is_not_there_is_refused_before_linking():
    ir = "declare void @no_such_function()\ndefine void @f() {\n  call void @no_such_function()\n  ret void\n}"
    with pytest.raises(UnresolvedSymbol, match="calls 'no_such_function'"):
        Library(to_object(ir), ["f"])
