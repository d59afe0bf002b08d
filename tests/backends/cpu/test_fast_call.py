"""The short cut from Python to machine code gives what the long way gives: results, errors, and references."""

import gc
import sys
import threading
from types import BuiltinFunctionType

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import weft
from weft.backends.cpu.python_api import is_known

pytestmark = pytest.mark.skipif(not is_known(), reason="this Python lays its objects out in another way")

ADD = """
func.func @main(%a: tensor<4xf32>, %b: tensor<4xf32>) -> tensor<4xf32> {
  %r = ml.add %a, %b : tensor<4xf32>
  func.return %r : tensor<4xf32>
}
"""
TWO = """
func.func @main(%a: tensor<2x3xi32>, %s: tensor<i32>) -> (tensor<3x2xi32>, tensor<i32>) {
  %r = ml.transpose %a, perm = [1, 0] : tensor<2x3xi32> to tensor<3x2xi32>
  %n = ml.neg %s : tensor<i32>
  func.return %r, %n : tensor<3x2xi32>, tensor<i32>
}
"""
FILL = """
func.func @main(%m: memref<?x3xf64>, %x: f64, %n: index, %on: i1, %k: i8) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %kf = arith.sitofp %k : i8 to f64
  %v = arith.addf %x, %kf : f64
  scf.if %on {
    scf.for %i = %c0 to %n step %c1 {
      memref.store %v, %m[%i, %c1] : memref<?x3xf64>
    }
  }
  func.return
}
"""
SUM = """
func.func @main(%a: tensor<?xf32>, %b: tensor<?xf32>) -> tensor<f32> {
  %0 = ml.add %a, %b : tensor<?xf32>
  %1 = ml.reduce add %0, dims = [0] : tensor<?xf32> to tensor<f32>
  func.return %1 : tensor<f32>
}
"""


def ways(text):
    """A program, called the short way and the long way."""
    program = weft.compile(text, threads=1)
    assert isinstance(program.call, BuiltinFunctionType)
    return program, program.call.__self__[0]


@pytest.fixture(scope="module")
def add():
    return ways(ADD)


@pytest.fixture(scope="module")
def two():
    return ways(TWO)


@pytest.fixture(scope="module")
def fill():
    return ways(FILL)


def outcome(call, args, kwargs):
    try:
        result = call(*args, **kwargs)
    except weft.WeftError as error:
        return str(error)
    if isinstance(result, tuple):
        return [(r.dtype, r.shape, r.tolist()) for r in result]
    return None if result is None else (result.dtype, result.shape, result.tolist())


def agree(both, *args, **kwargs):
    short, long = both
    expected = outcome(long, args, kwargs)
    assert outcome(short, args, kwargs) == expected
    return expected


def f32(*values):
    return np.array(values, np.float32)


A, B = f32(1, 2, 3, 4), f32(5, 6, 7, 8)
STRIDED = np.arange(8, dtype=np.float32)[::2]
UNALIGNED = np.frombuffer(b"\0" + A.tobytes(), np.uint8)[1:].view(np.float32)


class Sub(np.ndarray):
    """A subclass of arrays."""


@pytest.mark.parametrize(
    "args, kwargs",
    [
        ((A, B), {}),
        ((A, A), {}),
        ((A,), {"b": B}),
        ((), {"b": B, "a": A}),
        ((A, B), {"out": None}),
        ((STRIDED, B), {}),
        ((UNALIGNED, B), {}),
        ((A.view(Sub), B), {}),
        (([1, 2, 3, 4], B), {}),
        ((A, B, B), {}),
        ((A,), {}),
        ((), {}),
        ((A, 3), {}),
        ((A, "text"), {}),
        ((A, None), {}),
        ((A, B.astype(np.float64)), {}),
        ((A, B[:3]), {}),
        ((A, B.reshape(2, 2)), {}),
        ((A, B), {"other": A}),
        ((A, B), {"out": A}),
        ((A, B), {"out": np.zeros(3, np.float32)}),
        ((A, B), {"out": np.zeros(4, np.float64)}),
        ((A, B), {"out": np.zeros(8, np.float32)[::2]}),
        ((A, B), {"out": 3}),
        ((A, B), {"out": ()}),
        ((A, B), {"a": A}),
        ((A, B), {"out": np.zeros(4, np.float32), "b": B}),
    ],
)
def test_any_arguments_give_what_the_long_way_gives(add, args, kwargs):
    agree(add, *args, **kwargs)


def test_a_read_only_out_is_refused(add):
    place = np.zeros(4, np.float32)
    place.flags.writeable = False
    assert "read-only" in agree(add, A, B, out=place)
    assert place.tolist() == [0, 0, 0, 0]


def test_out_is_written_and_given_back(add, two):
    place = np.zeros(4, np.float32)
    assert add[0](A, B, out=place) is place
    assert place.tolist() == [6, 8, 10, 12]
    places = np.zeros((3, 2), np.int32), np.zeros((), np.int32)
    a = np.arange(6, dtype=np.int32).reshape(2, 3)
    first, second = two[0](a, np.int32(7).reshape(()), out=places)
    assert first is places[0]
    assert second is places[1]
    assert first.tolist() == a.T.tolist()
    assert second == -7


def test_several_results_are_a_tuple_and_outs_must_be_as_many_and_apart(two):
    a, s = np.arange(6, dtype=np.int32).reshape(2, 3), np.array(5, np.int32)
    assert agree(two, a, s)[1][2] == -5
    both = np.zeros(6, np.int32)
    for out in (
        [np.zeros((3, 2), np.int32), np.zeros((), np.int32)],
        (np.zeros((3, 2), np.int32),),
        (both.reshape(3, 2), both[0:1].reshape(())),
        (np.zeros((3, 2), np.int32), s),
        np.zeros((3, 2), np.int32),
    ):
        agree(two, a, s, out=out)


@pytest.mark.parametrize(
    "scalars",
    [
        (1.5, 2, True, 3),
        (1.5, 0, False, -128),
        (1, 2, True, 3),
        (np.float64(2.5), np.int64(1), np.True_, np.int8(4)),
        (1.5, 2, 1, 3),
        (1.5, True, True, 127),
        (1.5, -1, True, -1),
        (1.5, 2**63, True, 3),
        (1.5, 2, True, 128),
        (1.5, 2, True, -129),
        (1.5, 2.0, True, 3),
        ("1", 2, True, 3),
        (1.5, 2, None, 3),
        (float("nan"), 2, True, 3),
    ],
)
def test_scalars_of_any_kind_give_what_the_long_way_gives(fill, scalars):
    short, long = fill
    if scalars[1] == -1:
        scalars = (*scalars[:1], 0, *scalars[2:])
    buffers = np.zeros((2, 3)), np.zeros((2, 3))
    results = [outcome(way, (buffer, *scalars), {}) for way, buffer in zip((short, long), buffers, strict=True)]
    assert results[0] == results[1]
    np.testing.assert_array_equal(*buffers)


def test_a_memref_is_used_in_place_and_checked(fill):
    buffer = np.zeros((4, 3))
    assert fill[0](buffer, 2.0, 3, True, 1) is None
    assert buffer[:, 1].tolist() == [3, 3, 3, 0]
    frozen = np.zeros((4, 3))
    frozen.flags.writeable = False
    for wrong in (frozen, np.zeros((3, 4)).T, np.zeros((4, 3), np.float32), np.zeros((4, 6))[:, ::2]):
        assert isinstance(agree(fill, wrong, 2.0, 3, True, 1), str)
    assert isinstance(agree(fill, buffer, 2.0, 3, True, 1, out=buffer), str)


def test_a_check_that_fails_while_it_runs_is_raised():
    both = ways(SUM)
    assert agree(both, f32(1, 2), f32(3, 4))[2] == 10.0
    assert isinstance(agree(both, f32(1, 2), f32(3, 4, 5)), str)
    with pytest.raises(weft.WeftError) as caught:
        both[0](f32(1, 2), f32(3, 4, 5))
    assert caught.value.where is not None
    assert caught.value.where.line == 3


@pytest.mark.parametrize("shape", [(), (0,), (1,), (2, 0, 3), (3, 1, 2)], ids=str)
@pytest.mark.parametrize(
    "element, dtype",
    [
        ("f16", np.float16),
        ("bf16", ml_dtypes.bfloat16),
        ("f64", np.float64),
        ("i1", np.bool_),
        ("i8", np.int8),
        ("ui8", np.uint8),
        ("ui32", np.uint32),
        ("i64", np.int64),
    ],
)
def test_every_element_type_and_rank(shape, element, dtype):
    type_ = f"tensor<{''.join(f'{n}x' for n in shape)}{element}>"
    both = ways(f"func.func @main(%a: {type_}) -> {type_} {{\n  func.return %a : {type_}\n}}")
    array = (np.arange(np.prod(shape, dtype=int)) % 2).astype(dtype).reshape(shape)
    agree(both, array)
    result = both[0](array)
    assert (result.dtype, result.shape) == (array.dtype, array.shape)
    assert result.tolist() == array.tolist()


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 12), st.integers(0, 12), st.integers(0, 12))
def test_memory_that_overlaps_goes_the_long_way(a, b, out):
    both = ways(ADD)
    results = []
    for way in both:
        memory = np.arange(16, dtype=np.float32)
        views = [memory[start : start + 4] for start in (a, b, out)]
        results.append((outcome(way, views[:2], {"out": views[2]}), memory.tolist()))
    assert results[0] == results[1]


def test_no_reference_is_lost_or_kept(add, two, fill):
    a, s = np.zeros((2, 3), np.int32), np.array(5, np.int32)
    out, buffer = np.zeros(4, np.float32), np.zeros((4, 3))
    failing = ways(SUM)[0]

    def calls():
        add[0](A, B)
        add[0](A, B, out=out)
        two[0](a, s)
        two[0](a, s, out=(np.zeros((3, 2), np.int32), np.zeros((), np.int32)))
        fill[0](buffer, 1.5, 300, False, 3)
        for wrong in ((A, A[:3]), (A, B.astype(np.float64))):
            with pytest.raises(weft.WeftError):
                add[0](*wrong)
        with pytest.raises(weft.WeftError):
            add[0](A, B, out=A)
        with pytest.raises(weft.WeftError):
            failing(A, A[:3])

    watched = [A, B, a, s, out, buffer, np.dtype(np.float32), np.dtype(np.int32), np.ndarray]
    calls()
    gc.collect()
    before = [sys.getrefcount(one) for one in watched]
    for _ in range(200):
        calls()
    gc.collect()
    after = [sys.getrefcount(one) for one in watched]
    assert all(abs(x - y) < 50 for x, y in zip(before, after, strict=True)), (before, after)


def test_the_code_lives_as_long_as_somebody_can_call_it():
    call = weft.compile(ADD, threads=1).call
    gc.collect()
    assert call(A, B).tolist() == [6, 8, 10, 12]


def test_many_threads_may_call_at_once(add):
    wrong = []

    def work(n):
        a = np.full(4, n, np.float32)
        out = np.empty(4, np.float32)
        for i in range(2000):
            result = add[0](a, B) if i % 2 else add[0](a, B, out=out)
            if result.tolist() != (a + B).tolist():
                wrong.append(n)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_one_result_of_run_time_size_is_taken_several_go_the_long_way():
    one = "func.func @main(%a: tensor<?xf32>) -> tensor<?xf32> {\n  func.return %a : tensor<?xf32>\n}"
    program = weft.compile(one)
    assert isinstance(program.call, BuiltinFunctionType)
    assert program(A).tolist() == A.tolist()
    program = weft.compile(one.replace("-> tensor<?xf32>", "-> (tensor<?xf32>, tensor<?xf32>)").replace(
        "return %a : tensor<?xf32>", "return %a, %a : tensor<?xf32>, tensor<?xf32>"))  # fmt: skip
    assert not isinstance(program.call, BuiltinFunctionType)
    assert [result.tolist() for result in program(A)] == [A.tolist()] * 2


def test_a_returned_argument_is_kept_by_the_array_on_it():
    program = weft.compile("func.func @main(%a: memref<?xf32>) -> memref<?xf32> {\n  func.return %a : memref<?xf32>\n}")
    assert isinstance(program.call, BuiltinFunctionType)
    a = A.copy()
    references = sys.getrefcount(a)
    result = program(a)
    assert np.shares_memory(result, a)
    assert sys.getrefcount(a) == references + 1
    del result
    assert sys.getrefcount(a) == references
