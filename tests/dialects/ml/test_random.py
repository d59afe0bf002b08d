"""rng_bit_generator: the published vectors, XLA's layout of the bits, the next state, and what it refuses."""

from math import prod

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from xdsl.dialects.builtin import TensorType, bf16, f16, f32, f64, i1, i8, i16, i32, i64
from xdsl.utils.exceptions import VerifyException

from tests.dialects.ml.support import INTEGERS, assert_same, value
from weft.dialects.ml import RandomNormalOp, RandomUniformOp, RngBitGeneratorOp
from weft.dialects.ml.dims import DYNAMIC
from weft.dialects.ml.dtypes import dtype_of, width_of
from weft.dialects.ml.random import UI64
from weft.dialects.ml.random_bits import threefry2x32

MASK = (1 << 64) - 1

# Random123, kat_vectors: counter, key, block
THREEFRY = [
    ("00000000 00000000", "00000000 00000000", "6b200159 99ba4efe"),
    ("ffffffff ffffffff", "ffffffff ffffffff", "1cb996fc bb002be7"),
    ("243f6a88 85a308d3", "13198a2e 03707344", "c4923a9c 483df7a0"),
]
PHILOX = [
    ("00000000 00000000 00000000 00000000", "00000000 00000000", "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
    ("ffffffff ffffffff ffffffff ffffffff", "ffffffff ffffffff", "408f276d 41c83b0e a20bc7c6 6d5451fd"),
    ("243f6a88 85a308d3 13198a2e 03707344", "a4093822 299f31d0", "d16cfe09 94fdcceb 5001e420 24126ea1"),
]


def longs(text: str) -> list[int]:
    """Words, low ones first, as numbers of 64 bits."""
    words = [int(word, 16) for word in text.split()]
    return [low | high << 32 for low, high in zip(words[::2], words[1::2], strict=True)]


def generate(algorithm, state, element, shape):
    op = RngBitGeneratorOp(algorithm, value(UI64, len(state)), TensorType(element, shape))
    op.verify_()
    return op.evaluate(np.array(state, np.uint64))


@pytest.mark.parametrize(("algorithm", "vectors"), [("THREE_FRY", THREEFRY), ("PHILOX", PHILOX), ("DEFAULT", PHILOX)])
def test_a_block_is_the_published_one(algorithm, vectors):
    for counter, key, block in vectors:
        words = [int(word, 16) for word in block.split()]
        state, bits = generate(algorithm, longs(key) + longs(counter), i32, (len(words),))
        assert bits.view(np.uint32).tolist() == words
        assert state[0] == longs(key)[0]


def block_of(algorithm, key, counter):
    """The words of one block, by the op on the smallest result."""
    state = [key, counter & MASK] + ([counter >> 64 & MASK] if algorithm == "PHILOX" else [])
    return generate(algorithm, state, i32, (4 if algorithm == "PHILOX" else 2,))[1].view(np.uint32).tolist()


@given(st.lists(st.sampled_from([0, 1, 2, 3, 4, 5, 8]), max_size=3), st.sampled_from(INTEGERS))
@settings(max_examples=30, deadline=None)
def test_the_bits_of_philox_lie_in_order(shape, element):
    key, counter = 77, (1 << 64) - 2
    (key_after, *after), bits = generate("PHILOX", [key, counter, 0], element, shape)
    size = max(32, width_of(element)) // 32
    count = -(-prod(shape) * size // 4)
    words = [word for block in range(count) for word in block_of("PHILOX", key, counter + block)]
    numbers = [sum(words[size * n + i] << 32 * i for i in range(size)) for n in range(prod(shape))]
    dtype = dtype_of(element)
    expected = np.array(numbers, np.uint64).astype(f"uint{8 * dtype.itemsize}").view(dtype).reshape(shape)
    np.testing.assert_array_equal(bits, expected)
    assert key_after == key
    assert int(after[0]) | int(after[1]) << 64 == counter + count


@given(st.lists(st.sampled_from([0, 1, 2, 3, 4, 5]), max_size=3), st.sampled_from(INTEGERS))
@settings(max_examples=30, deadline=None)
def test_the_bits_of_threefry_lie_along_the_dimension_that_xla_splits(shape, element):
    key, counter = 5, MASK - 1
    (key_after, after), bits = generate("THREE_FRY", [key, counter], element, shape)
    wide = width_of(element) == 64
    dim = next((axis for axis, n in enumerate(shape) if n % 2 == 0), int(np.argmax(shape)) if shape else 0)
    half = [n if wide or axis != dim else -(-n // 2) for axis, n in enumerate(shape)]
    dtype = dtype_of(element)
    for at in np.ndindex(*shape):
        place = [n if wide or axis != dim else n // 2 for axis, n in enumerate(at)]
        block = int(np.ravel_multi_index(place, half)) if shape else 0
        first, second = block_of("THREE_FRY", key, counter + block)
        number = first | second << 32 if wide else (first, second)[at[dim] % 2 if shape else 0]
        assert bits[at] == np.array(number, np.uint64).astype(f"uint{8 * dtype.itemsize}").view(dtype)
    assert key_after == key
    assert int(after) == (counter + prod(half)) & MASK


def test_a_state_of_two_makes_the_key_the_high_part_of_philoxs_counter():
    two = generate("PHILOX", [9, MASK], i32, (8,))
    three = generate("PHILOX", [9, MASK, 9], i32, (8,))
    np.testing.assert_array_equal(two[1], three[1])
    np.testing.assert_array_equal(two[0], [9, 1])
    np.testing.assert_array_equal(three[0], [9, 1, 10])


def test_going_on_from_the_next_state_continues_the_bits():
    state, first = generate("PHILOX", [1, 2, 3], i32, (8,))
    _, second = generate("PHILOX", state.tolist(), i32, (8,))
    _, both = generate("PHILOX", [1, 2, 3], i32, (16,))
    np.testing.assert_array_equal(np.concatenate([first, second]), both)


def test_words_may_be_numbers_of_any_kind():
    class Word(int):
        def __add__(self, other):
            return Word(int(self) + int(other) & 0xFFFFFFFF)

        def __lshift__(self, other):
            return Word(int(self) << int(other) & 0xFFFFFFFF)

        def __xor__(self, other):
            return Word(int(self) ^ int(other))

        def __or__(self, other):
            return Word(int(self) | int(other))

        def __rshift__(self, other):
            return Word(int(self) >> int(other))

    assert threefry2x32((Word(0), Word(0)), (Word(0), Word(0)), Word) == (0x6B200159, 0x99BA4EFE)


MANTISSA = {f16: (16, 10), bf16: (16, 7), f32: (32, 23), f64: (64, 52)}


@pytest.mark.parametrize("element", MANTISSA, ids=str)
@pytest.mark.parametrize("algorithm", ["THREE_FRY", "PHILOX"])
def test_uniform_numbers_are_the_leading_bits(algorithm, element):
    width, mantissa = MANTISSA[element]
    op = RandomUniformOp(algorithm, value(UI64, 2), TensorType(element, [3, 4]))
    op.verify_()
    state, numbers = op.evaluate(np.array([3, 4], np.uint64))
    unsigned = next(t for t in INTEGERS if dtype_of(t) == np.dtype(f"uint{width}"))
    after, bits = generate(algorithm, [3, 4], unsigned, (3, 4))
    assert_same(
        numbers,
        (np.array([int(n) >> (width - mantissa) for n in bits.flat]) / 2.0**mantissa)
        .reshape(3, 4)
        .astype(dtype_of(element)),
    )
    np.testing.assert_array_equal(state, after)


@pytest.mark.parametrize("element", MANTISSA, ids=str)
def test_random_numbers_are_distributed_as_they_should(element):
    state = np.array([1, 2, 3], np.uint64)
    for make, mean, variance in ((RandomUniformOp, 0.5, 1 / 12), (RandomNormalOp, 0, 1)):
        op = make("PHILOX", value(UI64, 3), TensorType(element, [40000]))
        op.verify_()
        numbers = op.evaluate(state)[1].astype(np.float64)
        assert np.isfinite(numbers).all()
        assert abs(numbers.mean() - mean) < 0.02
        assert abs(numbers.var() - variance) < 0.03
        if make is RandomUniformOp:
            assert 0 <= numbers.min() < 0.01 < 0.99 < numbers.max() < 1
        else:
            inside = (np.abs(numbers) < 1).mean()
            assert abs(inside - 0.6827) < 0.01


@pytest.mark.parametrize("make", [RandomUniformOp, RandomNormalOp])
def test_a_distribution_makes_floats_of_given_sizes(make):
    with pytest.raises(VerifyException, match="makes floats, not tensor<4xi32>"):
        make("PHILOX", value(UI64, 2), TensorType(i32, [4])).verify_()
    with pytest.raises(VerifyException, match="needs 1 sizes"):
        make("PHILOX", value(UI64, 2), TensorType(f32, [DYNAMIC])).verify_()


@pytest.mark.parametrize(
    ("algorithm", "state", "target", "message"),
    [
        ("THREE_FRY", value(UI64, 3), TensorType(i32, [4]), "the state must be tensor<2xui64>, not"),
        ("PHILOX", value(UI64, 4), TensorType(i32, [4]), "must be tensor<2xui64> or tensor<3xui64>"),
        ("PHILOX", value(i64, 2), TensorType(i32, [4]), "takes unsigned integer"),
        ("PHILOX", value(UI64, 2), TensorType(f32, [4]), "makes integers, not tensor<4xf32>; use ml.random_uniform"),
        ("PHILOX", value(UI64, 2), TensorType(i1, [4]), "makes integers"),
        ("PHILOX", value(UI64, 2), TensorType(i8, [DYNAMIC]), "needs 1 sizes, one for each '\\?'"),
    ],
)
def test_a_wrong_generator_is_refused(algorithm, state, target, message):
    RngBitGeneratorOp(algorithm, value(UI64, 2), TensorType(i16, [4])).verify_()
    with pytest.raises(VerifyException, match=message):
        RngBitGeneratorOp(algorithm, state, target).verify_()
