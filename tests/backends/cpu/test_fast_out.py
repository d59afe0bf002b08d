"""`out=` for a result whose size only the run knows: computed where it is wanted, or put there, or refused."""

import gc
import sys
from types import BuiltinFunctionType

import numpy as np
import pytest

import weft
from weft.backends.cpu.python_api import is_known

pytestmark = pytest.mark.skipif(not is_known(), reason="this Python lays its objects out in another way")

ADD = """
func.func @main(%a: tensor<?x3xf32>, %b: tensor<?x3xf32>) -> tensor<?x3xf32> {
  %r = ml.add %a, %b : tensor<?x3xf32>
  func.return %r : tensor<?x3xf32>
}
"""
CALLED = """
func.func @main(%a: tensor<?x3xf32>, %b: tensor<?x3xf32>) -> tensor<?x3xf32> {
  %0 = func.call @twice(%a) : (tensor<?x3xf32>) -> tensor<?x3xf32>
  %r = ml.add %0, %b : tensor<?x3xf32>
  func.return %r : tensor<?x3xf32>
}
func.func private @twice(%a: tensor<?x3xf32>) -> tensor<?x3xf32> {
  %r = ml.add %a, %a : tensor<?x3xf32>
  func.return %r : tensor<?x3xf32>
}
"""
HANDED = """
func.func @main(%a: tensor<?x3xf32>, %b: tensor<?x3xf32>) -> tensor<?x3xf32> {
  %r = func.call @twice(%b) : (tensor<?x3xf32>) -> tensor<?x3xf32>
  func.return %r : tensor<?x3xf32>
}
func.func private @twice(%a: tensor<?x3xf32>) -> tensor<?x3xf32> {
  %r = ml.add %a, %a : tensor<?x3xf32>
  func.return %r : tensor<?x3xf32>
}
"""
CHOSEN = """
func.func @main(%a: tensor<?x3xf32>, %b: tensor<?x3xf32>) -> tensor<?x3xf32> {
  %c0 = arith.constant 0 : index
  %c5 = arith.constant 5 : index
  %n = tensor.dim %a, %c0 : tensor<?x3xf32>
  %p = arith.cmpi slt, %n, %c5 : index
  %r = scf.if %p -> (tensor<?x3xf32>) {
    %0 = ml.add %a, %b : tensor<?x3xf32>
    scf.yield %0 : tensor<?x3xf32>
  } else {
    %0 = ml.mul %a, %b : tensor<?x3xf32>
    scf.yield %0 : tensor<?x3xf32>
  }
  func.return %r : tensor<?x3xf32>
}
"""
GIVEN_BACK = """
func.func @main(%a: tensor<?x3xf32>, %b: tensor<?x3xf32>) -> tensor<?x3xf32> {
  func.return %b : tensor<?x3xf32>
}
"""
GROWN = """
func.func @main(%a: tensor<?x3xf32>, %b: tensor<?x3xf32>) -> tensor<?x3xf32> {
  %r = ml.concatenate(%a, %b), dim = 0 : (tensor<?x3xf32>, tensor<?x3xf32>) -> tensor<?x3xf32>
  func.return %r : tensor<?x3xf32>
}
"""
MEANINGS = {
    ADD: lambda a, b: a + b,
    CALLED: lambda a, b: a + a + b,
    HANDED: lambda a, b: b + b,
    CHOSEN: lambda a, b: a + b if len(a) < 5 else a * b,
    GIVEN_BACK: lambda a, b: b,
    GROWN: lambda a, b: np.concatenate([a, b]),
}
MIXED = """
func.func @main(%a: tensor<?xi32>, %s: tensor<2xi32>) -> (tensor<2xi32>, tensor<?xi32>) {
  %n = ml.neg %s : tensor<2xi32>
  %r = ml.add %a, %a : tensor<?xi32>
  func.return %n, %r : tensor<2xi32>, tensor<?xi32>
}
"""


def short(text):
    call = weft.compile(text, threads=1).call
    assert isinstance(call, BuiltinFunctionType)
    return call


def rows(n, first=0):
    return np.arange(first, first + 3 * n, dtype=np.float32).reshape(n, 3)


@pytest.mark.parametrize("text", MEANINGS)
def test_a_result_is_where_it_is_wanted(text):
    call = short(text)
    for n in (0, 1, 7, 1009, 2):
        a, b = rows(n), rows(n, 5)
        wanted = MEANINGS[text](a, b)
        place = np.full(wanted.shape, -1, np.float32)
        assert call(a, b, out=place) is place
        np.testing.assert_array_equal(place, wanted)
        np.testing.assert_array_equal(call(a, b), wanted)
        np.testing.assert_array_equal(call(a, b, out=None), wanted)


@pytest.mark.parametrize("text", MEANINGS)
def test_an_array_of_another_shape_is_refused_and_kept(text):
    call = short(text)
    for n in (0, 1, 7):
        a, b = rows(n), rows(n, 5)
        size = len(MEANINGS[text](a, b))
        place = np.full((size + 1, 3), -1, np.float32)
        with pytest.raises(weft.WeftError, match=rf"has the shape \({size + 1}, 3\), the result has \({size}, 3\)"):
            call(a, b, out=place)
        assert (place == -1).all()


@pytest.mark.parametrize(
    "place",
    [
        np.zeros((2, 4), np.float32),
        np.zeros(6, np.float32),
        np.zeros((2, 3)),
        np.zeros((2, 6), np.float32)[:, ::2],
        np.frombuffer(bytes(24), np.float32).reshape(2, 3),
        3,
        (),
    ],
    ids=["columns", "rank", "dtype", "strided", "read-only", "number", "none"],
)
def test_what_cannot_take_the_result_is_refused_as_for_static_sizes(place):
    a, b = rows(2), rows(2, 5)
    errors = []
    for text in (ADD, ADD.replace("?", "2")):
        with pytest.raises(weft.WeftError, match="out=") as caught:
            weft.compile(text)(a, b, out=place)
        errors.append(caught.value.message.replace("?", "2"))
    assert errors[0] == errors[1]


def test_memory_that_is_an_arguments_is_refused_and_unaligned_memory_is_taken_or_refused_as_ever():
    call, memory = short(ADD), np.zeros(40, np.float32)
    a, b = memory[:6].reshape(2, 3), rows(2, 5)
    for start in (0, 3, 5):
        with pytest.raises(weft.WeftError, match="shares memory"):
            call(a, b, out=memory[start : start + 6].reshape(2, 3))
    for start in (6, 7, 9, 10):
        place = memory[start : start + 6].reshape(2, 3)
        assert call(a, b, out=place) is place
        np.testing.assert_array_equal(place, a + b)
        assert memory[start + 6 :].sum() == 0
        memory[start : start + 6] = 0


def test_results_of_known_and_of_unknown_size_go_together():
    call = short(MIXED)
    a, s = np.arange(5, dtype=np.int32), np.array([1, 2], np.int32)
    places = np.zeros(2, np.int32), np.zeros(5, np.int32)
    first, second = call(a, s, out=places)
    assert first is places[0]
    assert second is places[1]
    assert (first.tolist(), second.tolist()) == ([-1, -2], [0, 2, 4, 6, 8])
    assert [r.tolist() for r in call(a, s)] == [[-1, -2], [0, 2, 4, 6, 8]]
    with pytest.raises(weft.WeftError, match="for result 1 has the shape"):
        call(a, s, out=(places[0], np.zeros(4, np.int32)))
    with pytest.raises(weft.WeftError, match="shares memory"):
        call(a, s, out=(places[1][:2], places[1]))


def test_nothing_is_written_where_one_of_several_arrays_does_not_fit():
    t = "tensor<?xf32>"
    body = f"%0 = ml.neg %x : {t}\n%1 = ml.exp %x : {t}\nfunc.return %0, %1 : {t}, {t}"
    call = weft.compile(f"func.func @main(%x: {t}) -> ({t}, {t}) {{\n{body}\n}}")
    x, first = np.ones(4, np.float32), np.zeros(4, np.float32)
    with pytest.raises(weft.WeftError, match="for result 1 has the shape"):
        call(x, out=(first, np.zeros(5, np.float32)))
    assert not first.any()


def test_no_reference_is_lost_or_kept():
    calls = {text: short(text) for text in (*MEANINGS, MIXED)}
    a, b, s = rows(3), rows(3, 5), np.array([1, 2], np.int32)
    ints, both = np.arange(4, dtype=np.int32), (np.zeros(2, np.int32), np.zeros(4, np.int32))
    places = {text: np.zeros_like(MEANINGS[text](a, b)) for text in MEANINGS}
    wrong = np.zeros((4, 3), np.float32)

    def work():
        for text, place in places.items():
            calls[text](a, b, out=place)
            calls[text](a, b)
            with pytest.raises(weft.WeftError):
                calls[text](a, b, out=wrong)
        calls[MIXED](ints, s, out=both)
        calls[MIXED](ints, s)
        with pytest.raises(weft.WeftError):
            calls[ADD](a, b[:1], out=places[ADD])

    watched = [a, b, s, ints, *both, wrong, *places.values(), np.dtype(np.float32), np.dtype(np.int32), np.ndarray]
    work()
    gc.collect()
    before = [sys.getrefcount(one) for one in watched]
    for _ in range(100):
        work()
    gc.collect()
    after = [sys.getrefcount(one) for one in watched]
    assert all(abs(x - y) < 50 for x, y in zip(before, after, strict=True)), (before, after)
