"""Lookups, updates, sorts and random bits of real sizes, in machine code and on threads, against NumPy itself."""

from __future__ import annotations

import numpy as np
import pytest

import weft

pytestmark = pytest.mark.long

THREADS = (1, 4)


def compiled(signature: str, body: str, results: str, threads: int):
    """The function of a body that gives %r (and %s)."""
    names = ", ".join(["%r", "%s"][: results.count("tensor")])
    text = f"func.func @main({signature}) -> ({results}) {{\n{body}\nfunc.return {names} : {results}\n}}"
    return weft.compile(text, threads=threads)


@pytest.mark.parametrize("threads", THREADS)
@pytest.mark.parametrize("width", [1, 7, 64, 768])
def test_rows_of_a_large_table(width, threads):
    rng = np.random.default_rng(0)
    table, ids = rng.standard_normal((20011, width)).astype(np.float32), rng.integers(-5, 20020, 30011)
    types = f"tensor<20011x{width}xf32>, tensor<?xi64>"
    take = compiled(
        f"%t: tensor<20011x{width}xf32>, %i: tensor<?xi64>",
        f"%r = ml.take %t, %i : {types} to tensor<?x{width}xf32>",
        f"tensor<?x{width}xf32>",
        threads,
    )
    np.testing.assert_array_equal(take(table, ids), np.take(table, ids, axis=0, mode="clip"))


@pytest.mark.parametrize("threads", THREADS)
@pytest.mark.parametrize("width", [1, 33])
def test_many_updates_of_few_rows(width, threads):
    rng = np.random.default_rng(1)
    table = rng.integers(-9, 9, (101, width)).astype(np.float64)
    ids, updates = rng.integers(-3, 105, 50021).astype(np.int32), rng.integers(-9, 9, (50021, width)).astype(np.float64)
    types = f"tensor<101x{width}xf64>, tensor<50021xi32>, tensor<50021x{width}xf64>"
    scatter = compiled(
        f"%t: tensor<101x{width}xf64>, %i: tensor<50021xi32>, %u: tensor<50021x{width}xf64>",
        "%r = ml.scatter(%t, %i, %u), update_window_dims = [1], inserted_window_dims = [0], "
        f"scatter_dims_to_operand_dims = [0], index_vector_dim = 1 : ({types}) -> tensor<101x{width}xf64> by add",
        f"tensor<101x{width}xf64>",
        threads,
    )
    inside = (ids >= 0) & (ids < 101)
    expected = table.copy()
    np.add.at(expected, ids[inside], updates[inside])
    np.testing.assert_array_equal(scatter(table, ids, updates), expected)


@pytest.mark.parametrize("threads", THREADS)
@pytest.mark.parametrize(("shape", "dim"), [((300007,), 0), ((517, 1031), 1), ((1031, 517), 0), ((5, 70001), 1)])
def test_long_and_many_lines_are_sorted_stably(shape, dim, threads):
    x = np.random.default_rng(2).integers(-1000, 1000, shape).astype(np.float32)
    text = "x".join(map(str, shape))
    places = np.broadcast_to(
        np.arange(shape[dim], dtype=np.int32).reshape([-1 if a == dim else 1 for a in range(x.ndim)]), shape
    )
    types = f"tensor<{text}xf32>, tensor<{text}xi32>"
    sort = compiled(
        f"%x: tensor<{text}xf32>, %i: tensor<{text}xi32>",
        f"%r, %s = ml.sort(%x, %i), dim = {dim} : ({types}) -> ({types}) by ascending",
        types,
        threads,
    )
    values, order = sort(x, np.ascontiguousarray(places))
    np.testing.assert_array_equal(order, np.argsort(x, axis=dim, kind="stable"))
    np.testing.assert_array_equal(values, np.sort(x, axis=dim, kind="stable"))


@pytest.mark.parametrize("threads", THREADS)
@pytest.mark.parametrize("k", [1, 10, 32, 33, 500])
def test_the_greatest_of_long_lines(k, threads):
    x = np.random.default_rng(3).integers(-500, 500, (37, 5003)).astype(np.int16)
    top = compiled(
        "%x: tensor<37x?xi16>",
        f"%r, %s = ml.top_k %x, k = {k} : tensor<37x?xi16> to tensor<37x{k}xi16>, tensor<37x{k}xi64>",
        f"tensor<37x{k}xi16>, tensor<37x{k}xi64>",
        threads,
    )
    values, order = top(x)
    expected = np.argsort(-x, axis=1, kind="stable")[:, :k]
    np.testing.assert_array_equal(order, expected)
    np.testing.assert_array_equal(values, np.take_along_axis(x, expected, 1))


@pytest.mark.parametrize("threads", THREADS)
def test_many_bits_of_philox_follow_from_the_published_rounds(threads):
    state = np.array([0x299F31D0A4093822, 0x85A308D3243F6A88, 0x0370734413198A2E], np.uint64)
    generate = compiled(
        "%x: tensor<3xui64>",
        "%r, %s = ml.rng_bit_generator PHILOX, %x : tensor<3xui64> to tensor<250001xui32>",
        "tensor<3xui64>, tensor<250001xui32>",
        threads,
    )
    after, bits = generate(state)
    number = 250001 // 4
    assert int(after[1]) == int(state[1]) + number + 1
    for block in (0, 1, 777, number - 1):
        counter = int(state[1]) + block | int(state[2]) << 64
        np.testing.assert_array_equal(bits[4 * block : 4 * block + 4], _philox(counter, int(state[0])))


def _philox(counter: int, key: int) -> list[int]:
    """Philox 4x32-10 on Python's integers."""
    mask = 0xFFFFFFFF
    words = [counter >> 32 * place & mask for place in range(4)]
    keys = [key & mask, key >> 32]
    for _ in range(10):
        first, second = words[0] * 0xD2511F53, words[2] * 0xCD9E8D57
        words = [second >> 32 ^ words[1] ^ keys[0], second & mask, first >> 32 ^ words[3] ^ keys[1], first & mask]
        keys = [keys[0] + 0x9E3779B9 & mask, keys[1] + 0xBB67AE85 & mask]
    return words
