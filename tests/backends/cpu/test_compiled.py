"""Calling compiled functions: arguments, results, errors."""

import gc
import threading

import numpy as np
import pytest

from weft.backends.cpu import load
from weft.backends.llvm import to_object
from weft.backends.signature import Signature, ValueSpec
from weft.diagnostics import WeftError

# entry points as `convert-to-llvm` makes them, for functions on tensors

DOUBLE = """
%desc = type { ptr, ptr, i64, [1 x i64], [1 x i64] }
define i64 @_mlir_ciface_f(ptr %a, i64 %fail, ptr %out) {
entry:
  %bad = icmp ne i64 %fail, 0
  br i1 %bad, label %failed, label %go
failed:
  ret i64 %fail
go:
  %ap = getelementptr %desc, ptr %a, i32 0, i32 1
  %as = load ptr, ptr %ap
  %op = getelementptr %desc, ptr %out, i32 0, i32 1
  %os = load ptr, ptr %op
  %np = getelementptr %desc, ptr %a, i32 0, i32 3, i32 0
  %n = load i64, ptr %np
  br label %loop
loop:
  %i = phi i64 [ 0, %go ], [ %next, %body ]
  %more = icmp slt i64 %i, %n
  br i1 %more, label %body, label %done
body:
  %p = getelementptr float, ptr %as, i64 %i
  %x = load float, ptr %p
  %y = fadd float %x, %x
  %q = getelementptr float, ptr %os, i64 %i
  store float %y, ptr %q
  %next = add i64 %i, 1
  br label %loop
done:
  ret i64 0
}
"""

IOTA = """
%desc = type { ptr, ptr, i64, [1 x i64], [1 x i64] }
%results = type { %desc, i8, %desc }
declare ptr @weft_alloc(i64)
define internal void @fill(ptr %d, i64 %n) {
entry:
  %bytes = mul i64 %n, 4
  %m = call ptr @weft_alloc(i64 %bytes)
  store ptr %m, ptr %d
  %p1 = getelementptr %desc, ptr %d, i32 0, i32 1
  store ptr %m, ptr %p1
  %p2 = getelementptr %desc, ptr %d, i32 0, i32 2
  store i64 0, ptr %p2
  %p3 = getelementptr %desc, ptr %d, i32 0, i32 3, i32 0
  store i64 %n, ptr %p3
  %p4 = getelementptr %desc, ptr %d, i32 0, i32 4, i32 0
  store i64 1, ptr %p4
  br label %loop
loop:
  %i = phi i64 [ 0, %entry ], [ %next, %body ]
  %more = icmp slt i64 %i, %n
  br i1 %more, label %body, label %done
body:
  %q = getelementptr i32, ptr %m, i64 %i
  %v = trunc i64 %i to i32
  store i32 %v, ptr %q
  %next = add i64 %i, 1
  br label %loop
done:
  ret void
}
define i64 @_mlir_ciface_f(ptr %r, i64 %n) {
  %r0 = getelementptr %results, ptr %r, i32 0, i32 0
  call void @fill(ptr %r0, i64 %n)
  %r1 = getelementptr %results, ptr %r, i32 0, i32 1
  store i8 1, ptr %r1
  %r2 = getelementptr %results, ptr %r, i32 0, i32 2
  %twice = mul i64 %n, 2
  call void @fill(ptr %r2, i64 %twice)
  ret i64 0
}
"""

MESSAGES = ("program.mlir:3:7: sizes differ", "no place at all")


@pytest.fixture(scope="module")
def double():
    a = ValueSpec("a", "tensor", "f32", (4,))
    signature = Signature("f", (a, ValueSpec("fail", "scalar", "i64")), (ValueSpec("", "tensor", "f32", (4,)),))
    return load(to_object(DOUBLE), signature, MESSAGES, 1)


@pytest.fixture(scope="module")
def iota():
    results = (
        ValueSpec("", "tensor", "i32", (None,)),
        ValueSpec("", "scalar", "i1"),
        ValueSpec("", "tensor", "i32", (None,)),
    )
    return load(to_object(IOTA), Signature("f", (ValueSpec("n", "scalar", "index"),), results), (), 1)


def test_one_result_is_an_array_and_arguments_may_be_named(double):
    a = np.arange(4, dtype=np.float32)
    for result in (double(a, 0), double(a, fail=0), double(fail=0, a=a)):
        assert type(result) is np.ndarray
        np.testing.assert_array_equal(result, 2 * a)


def test_out_is_written_and_given_back(double):
    a, out = np.arange(4, dtype=np.float32), np.empty(4, np.float32)
    assert double(a, 0, out=out) is out
    np.testing.assert_array_equal(out, 2 * a)
    with pytest.raises(WeftError, match="shares memory"):
        double(a, 0, out=a)
    with pytest.raises(WeftError, match="out= for result 0"):
        double(a, 0, out=np.empty(5, np.float32))


def test_results_of_run_time_size_are_owned_by_their_arrays(iota):
    first, flag, second = iota(1000)
    np.testing.assert_array_equal(first, np.arange(1000))
    np.testing.assert_array_equal(second, np.arange(2000))
    assert flag.dtype == bool
    assert flag
    part = second[10:20]
    del first, second
    gc.collect()
    np.testing.assert_array_equal(part, np.arange(10, 20))
    assert part.flags.writeable
    empty, _, _ = iota(0)
    assert empty.shape == (0,)


def test_out_takes_results_of_run_time_size(iota):
    outs = (np.empty(3, np.int32), np.empty((), bool), np.empty(6, np.int32))
    results = iota(3, out=outs)
    assert all(result is out for result, out in zip(results, outs, strict=True))
    np.testing.assert_array_equal(outs[2], np.arange(6))
    wrong = (np.empty(4, np.int32), np.empty((), bool), np.empty(6, np.int32))
    with pytest.raises(WeftError, match=r"out= for result 0 has the shape \(4,\), the result has \(3,\)"):
        iota(3, out=wrong)


def test_a_failed_check_is_an_error_at_its_place(double):
    a = np.zeros(4, np.float32)
    with pytest.raises(WeftError, match="sizes differ") as raised:
        double(a, 1)
    assert str(raised.value).startswith("program.mlir:3:7: error: sizes differ")
    with pytest.raises(WeftError, match="no place at all"):
        double(a, 2)
    with pytest.raises(WeftError, match="unknown status 3"):
        double(a, 3)


@pytest.mark.parametrize(
    "args, message",
    [
        ((), "no value for a"),
        ((np.zeros(4, np.float64), 0), "argument 'a' is an array of shape .* and dtype float64"),
        ((np.zeros(5, np.float32), 0), "expected tensor<4xf32>"),
        ((np.zeros(4, np.float32), 0, 0), "takes 2 arguments"),
        ((np.zeros(4, np.float32), 0.5), "which i64 cannot hold"),
    ],
)
def test_wrong_arguments_are_refused_by_name(double, args, message):
    with pytest.raises(WeftError, match=message):
        double(*args)


def test_strided_tensors_are_read_right(double):
    a = np.arange(8, dtype=np.float32)
    np.testing.assert_array_equal(double(a[::2], 0), 2 * a[::2])
    np.testing.assert_array_equal(double(a[3::-1], 0), 2 * a[3::-1])


def test_code_lives_as_long_as_its_callable_and_may_run_in_many_threads():
    a = ValueSpec("a", "tensor", "f32", (4,))
    signature = Signature("f", (a, ValueSpec("fail", "scalar", "i64")), (ValueSpec("", "tensor", "f32", (4,)),))
    code = to_object(DOUBLE)
    wrong = []

    def work(seed):
        f = load(code, signature, (), 1)
        gc.collect()
        for i in range(200):
            x = np.full(4, seed + i, np.float32)
            if (f(x, 0) != 2 * x).any():
                wrong.append(seed)

    threads = [threading.Thread(target=work, args=(1000 * n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
