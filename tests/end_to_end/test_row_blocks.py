"""Attention, by one op and by hand, in blocks of rows: right on odd shapes, masks and numbers, in little memory."""

from __future__ import annotations

import numpy as np
import pytest

import weft
from weft.driver.passes import run_pipeline
from weft.driver.program import parse
from weft.passes.pipelines import STOPS

RNG = np.random.default_rng(5)


def module(l2: int, threads: int, arguments: dict[str, str], body: str, result: str) -> str:
    """A program for a CPU with a second cache of that size."""
    args = ", ".join(f"%{name}: tensor<{type_}>" for name, type_ in arguments.items())
    return f"""builtin.module attributes {{weft.target = #target.cpu<threads = {threads}, vector_bytes = 32,
    vector_registers = 16, l2_bytes = {l2}, l3_bytes = 33554432>}} {{
func.func @main({args}) -> tensor<{result}> {{
  {body}
  func.return %r : tensor<{result}>
}}
}}"""


def attention(shape: tuple[int, ...], keys: int, l2: int, *, threads: int = 1, mask: str = "", how: str = "") -> str:
    """One op of `[batch, heads, length, depth]` queries."""
    q = "x".join(map(str, shape)) + "xf32"
    k = "x".join(map(str, (*shape[:2], keys, shape[3]))) + "xf32"
    given = f" mask(%m : tensor<{mask}>)" if mask else ""
    body = f"%r = ml.attention %q, %k, %v{given}{how} : (tensor<{q}>, tensor<{k}>, tensor<{k}>) -> tensor<{q}>"
    return module(l2, threads, {"q": q, "k": k, "v": k} | ({"m": mask} if mask else {}), body, q)


def stop(text: str, name: str) -> str:
    """A program at a stop of the road, as text."""
    program = parse(text)
    passes: list[str] = []
    for known, those in STOPS:
        passes += those
        if known == name:
            break
    run_pipeline(program, f"builtin.module({','.join(passes)})")
    return str(program)


def expected(q: np.ndarray, k: np.ndarray, v: np.ndarray, mask: np.ndarray | None = None) -> np.ndarray:
    """Attention in f64; a row that sees no key is 0."""
    scores = q.astype(np.float64) @ k.swapaxes(-1, -2) * q.shape[-1] ** -0.5
    if mask is not None:
        scores = np.where(mask, scores, -np.inf) if mask.dtype == bool else scores + mask
    greatest = scores.max(axis=-1, keepdims=True)
    with np.errstate(invalid="ignore"):
        powers = np.exp(scores - np.where(greatest == -np.inf, 0, greatest))
    total = powers.sum(axis=-1, keepdims=True)
    return powers @ v / np.where(total == 0, 1, total)


def arrays(shape: tuple[int, ...], keys: int) -> list[np.ndarray]:
    shapes = (shape, (*shape[:-2], keys, shape[-1]), (*shape[:-2], keys, shape[-1]))
    return [RNG.standard_normal(one).astype(np.float32) for one in shapes]


@pytest.mark.parametrize(
    ("shape", "keys", "threads"), [((1, 2, 64, 16), 64, 1), ((2, 1, 61, 7), 53, 2), ((1, 3, 40, 8), 50, 2)]
)
def test_attention_in_blocks_of_rows_is_right(shape: tuple[int, ...], keys: int, threads: int) -> None:
    text = attention(shape, keys, 16384, threads=threads)
    assert "memref<8x" in stop(text, "scheduled")
    given = arrays(shape, keys)
    np.testing.assert_allclose(weft.compile(text, threads=threads)(*given), expected(*given), atol=2e-6)


def test_masks_of_infinities_and_numbers_that_are_none_pass_through_blocks() -> None:
    shape, keys = (1, 2, 43, 8), 50
    given = arrays(shape, keys)
    mask = RNG.standard_normal((43, 50)).astype(np.float32)
    mask[RNG.random(mask.shape) < 0.3] = -np.inf
    mask[5] = -np.inf
    mask[7, 3] = np.nan
    got = weft.compile(attention(shape, keys, 16384, mask="43x50xf32"), threads=1)(*given, mask)
    want = expected(*given, mask)
    np.testing.assert_allclose(got, want, atol=2e-6)
    assert np.isnan(got[:, :, 7]).all() and not got[:, :, 5].any()


def test_a_causal_mask_is_right_in_blocks() -> None:
    shape = (1, 2, 50, 8)
    given = arrays(shape, 50)
    text = attention(shape, 50, 16384, how=", causal")
    np.testing.assert_allclose(
        weft.compile(text, threads=1)(*given), expected(*given, np.tril(np.ones((50, 50), bool))), atol=2e-6
    )


def test_grouped_heads_run_in_blocks_and_pack_the_keys_of_a_group_once() -> None:
    q, k = "1x6x40x8xf32", "1x2x40x8xf32"
    body = f"%r = ml.attention %q, %k, %v, causal : (tensor<{q}>, tensor<{k}>, tensor<{k}>) -> tensor<{q}>"
    text = module(16384, 1, {"q": q, "k": k, "v": k}, body, q)
    scheduled = stop(text, "scheduled")
    assert scheduled.count("func.func private") == 1 and "stage k at bb0 as k_p" in scheduled
    given = [RNG.standard_normal(shape).astype(np.float32) for shape in ((1, 6, 40, 8), (1, 2, 40, 8), (1, 2, 40, 8))]
    repeated = [given[0], *(np.repeat(x, 3, axis=1) for x in given[1:])]
    want = expected(*repeated, np.tril(np.ones((40, 40), bool)))
    np.testing.assert_allclose(weft.compile(text, threads=1)(*given), want, atol=2e-6)


def by_hand(rows: str) -> str:
    """softmax(q @ k^T) @ v of matrices."""
    body = f"""%t = ml.transpose %k, perm = [1, 0] : tensor<50x9xf32> to tensor<9x50xf32>
  %s = ml.matmul %q, %t : (tensor<{rows}x9xf32>, tensor<9x50xf32>) -> tensor<{rows}x50xf32>
  %p = ml.softmax %s, axis = 1 : tensor<{rows}x50xf32>
  %r = ml.matmul %p, %v : (tensor<{rows}x50xf32>, tensor<50x5xf32>) -> tensor<{rows}x5xf32>"""
    return module(16384, 2, {"q": f"{rows}x9xf32", "k": "50x9xf32", "v": "50x5xf32"}, body, f"{rows}x5xf32")


def test_attention_by_hand_runs_in_blocks_too_and_on_any_number_of_rows() -> None:
    text = by_hand("?")
    assert "contract e at" in stop(text.replace("?", "1000"), "scheduled")
    function = weft.compile(text, threads=2)
    for rows in (0, 1, 7, 64, 613):
        q, k, v = (RNG.standard_normal(s).astype(np.float32) for s in ((rows, 9), (50, 9), (50, 5)))
        np.testing.assert_allclose(function(q, k, v), expected(q * np.float32(3), k, v), atol=5e-6)


def test_long_sequences_take_memory_for_some_rows_of_scores_only() -> None:
    text = stop(attention((1, 8, 4096, 64), 4096, 1 << 20), "scheduled")
    bytes_ = int(text.split("weft.workspace_bytes = ")[1].split(" ")[0])
    assert bytes_ < 4 << 20, "all scores are 512 MiB"
