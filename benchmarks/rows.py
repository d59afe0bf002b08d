"""The rows of the CPU table: programs, what they cost, and the peer that each must be measured beside.

`best` names the fastest peer on one thread and on several, as an extensive comparison of peers found them, and `goal`
the time that is aimed at as a share of that peer's. A row counts only where that peer ran.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

import numpy as np
from graph import Graph
from measure import aligned

Array = np.ndarray


@dataclass(frozen=True)
class Row:
    """A program of the table. `scales[n]` is the greatest magnitude of the elements of input n."""

    name: str
    kind: str
    make: Callable[[], Graph]
    flops: int
    bytes: int
    scales: tuple[float, ...]
    best: tuple[str, str]
    goal: tuple[float, float]
    text: Callable[[Graph], str] | None = None
    """Another spelling of the program for weft."""

    def arrays(self, graph: Graph) -> list[Array]:
        """The inputs: uniform, aligned to 64 bytes, the same at each call."""
        return [
            uniform(x.shape, 100 + n, scale) for n, (x, scale) in enumerate(zip(graph.inputs, self.scales, strict=True))
        ]


def uniform(shape: Sequence[int], seed: int, scale: float = 1.0) -> Array:
    """Numbers in [-scale, scale)."""
    array = aligned(shape)
    np.random.default_rng(seed).random(out=array, dtype=np.float32)
    array -= np.float32(0.5)
    array *= np.float32(2 * scale)
    return array


def add(*shape: int) -> Graph:
    """The sum of two arrays."""
    g = Graph("add")
    g.binary("add", g.input(*shape), g.input(*shape))
    return g


def gelu(n: int) -> Graph:
    """gelu(x * a + b)."""
    g = Graph("gelu")
    x, a, b = g.input(n), g.input(n), g.input(n)
    g.unary("gelu_tanh", g.binary("add", g.binary("mul", x, a), b))
    return g


def sigmoid(n: int) -> Graph:
    """The logistic function of each element."""
    g = Graph("sigmoid")
    g.unary("sigmoid", g.input(n))
    return g


def matmul(m: int, k: int, n: int) -> Graph:
    """A product of two inputs."""
    g = Graph("matmul")
    g.matmul(g.input(m, k), g.input(k, n))
    return g


def mlp(batch: int, sizes: Sequence[int]) -> Graph:
    """Layers sigmoid(x @ w.T + b); the weights are constants, [outputs, inputs] as frameworks keep them."""
    g = Graph("mlp")
    x = g.input(batch, sizes[0])
    for number, (before, after) in enumerate(pairwise(sizes)):
        weights = g.constant(uniform((after, before), 500 + 2 * number, (3.0 / before) ** 0.5))
        bias = g.constant(uniform((after,), 501 + 2 * number, 0.5))
        x = g.unary("sigmoid", g.linear(x, weights, bias))
    return g


def softmax(m: int, n: int) -> Graph:
    """Along rows."""
    g = Graph("softmax")
    g.softmax(g.input(m, n))
    return g


def layer_norm(m: int, n: int) -> Graph:
    """Along rows, with constants for scale and bias."""
    g = Graph("layernorm")
    x = g.input(m, n)
    g.layer_norm(x, g.constant(uniform((n,), 500)), g.constant(uniform((n,), 501)))
    return g


def conv(size: int, channels: int) -> Graph:
    """A 3x3 convolution, NCHW."""
    g = Graph("conv")
    x = g.input(1, channels, size, size)
    g.conv(x, g.constant(uniform((channels, channels, 3, 3), 500, 0.07)), pad=1)
    return g


def resnet_block(size: int, channels: int) -> Graph:
    """relu(bn(conv(relu(bn(conv(x))))) + x)."""
    g = Graph("resblock")
    x = now = g.input(1, channels, size, size)
    for seed in (500, 505):
        weights = g.constant(uniform((channels, channels, 3, 3), seed, 0.07))
        scale, offset, mean = (g.constant(uniform((channels,), seed + n, s)) for n, s in ((1, 1.0), (2, 1.0), (3, 0.3)))
        variance = g.constant(uniform((channels,), seed + 4, 0.5) + np.float32(1.0))
        now = g.batch_norm(g.conv(now, weights, pad=1), scale, offset, mean, variance)
        now = g.unary("relu", now if seed == 500 else g.binary("add", now, x))
    return g


def attention(heads: int, length: int, depth: int) -> Graph:
    """softmax(q @ k.T / sqrt(depth)) @ v."""
    g = Graph("attention")
    q, k, v = (g.input(1, heads, length, depth) for _ in range(3))
    scores = g.matmul(q, g.transpose(k, [0, 1, 3, 2]))
    shares = g.softmax(g.binary("mul", scores, g.fill(depth**-0.5, scores.shape)))
    g.matmul(shares, v)
    return g


def attention_op(graph: Graph) -> str:
    """The same by weft's own op."""
    type_ = f"tensor<{'x'.join(map(str, graph.inputs[0].shape))}xf32>"
    given = ", ".join(f"%{n}: {type_}" for n in "qkv")
    op = f"%r = ml.attention %q, %k, %v : ({type_}, {type_}, {type_}) -> {type_}"
    return f"func.func @main({given}) -> {type_} {{\n  {op}\n  func.return %r : {type_}\n}}\n"


def sum_all(n: int) -> Graph:
    """The sum of all elements."""
    g = Graph("sum")
    g.reduce("sum", g.input(n), [0])
    return g


def _rows() -> Iterator[Row]:
    for name, n, best, goal in (
        ("1e3", 10**3, ("numba", "numpy"), (1.0, 1.0)),
        ("1e4", 10**4, ("numba", "numpy"), (1.0, 1.0)),
        ("1e7", 10**7, ("ort", "torch"), (0.85, 0.70)),
        ("1e8", 10**8, ("ort", "numba"), (0.85, 0.70)),
    ):
        yield Row(f"vector add {name}", "add", partial(add, n), n, 12 * n, (1, 1), best, goal)
    size = 4096 * 4096
    best = ("ort", "ort")
    yield Row("matrix add 4096", "add", partial(add, 4096, 4096), size, 12 * size, (1, 1), best, (0.85, 0.70))
    n = 10**7
    yield Row(
        "gelu(x*a+b) 1e7", "gelu", partial(gelu, n), 14 * n, 16 * n, (2, 2, 2), ("openvino", "iree"), (0.27, 0.78)
    )
    yield Row("sigmoid 1e7", "sigmoid", partial(sigmoid, n), 4 * n, 8 * n, (6,), best, (0.85, 0.95))
    for n, best, goal in (
        (64, ("numpy", "numpy"), (0.90, 0.95)),
        (128, ("ort", "ort"), (0.90, 0.95)),
        (256, ("ort", "ort"), (0.90, 0.95)),
        (512, ("iree", "ort"), (0.98, 1.0)),
        (1024, ("jax", "openvino"), (0.97, 1.0)),
        (2048, ("numpy", "openvino"), (0.97, 1.0)),
        (4096, ("numpy", "ort"), (0.97, 0.88)),
    ):
        yield Row(f"matmul {n}", "matmul", partial(matmul, n, n, n), 2 * n**3, 12 * n * n, (1, 1), best, goal)
    for m, best in ((1, ("numpy", "numpy")), (16, ("jax", "openvino"))):
        make, moved = partial(matmul, m, 4096, 4096), 4 * (size + 2 * m * 4096)
        yield Row(f"matmul {m}x4096x4096", "matmul", make, 2 * m * size, moved, (1, 1), best, (1.0, 1.0))
    for sizes, bests in (
        ((784, 512, 512, 10), (("ort", "ort"), ("ort", "openvino"), ("ort", "openvino"))),
        ((1024, 4096, 1024), (("ort", "numpy"), ("openvino", "openvino"), ("openvino", "openvino"))),
    ):
        for batch, best in zip((1, 32, 256), bests, strict=True):
            weights = sum(a * b for a, b in pairwise(sizes))
            name = f"mlp {'-'.join(map(str, sizes))} batch {batch}"
            moved = 4 * (weights + batch * sum(sizes))
            yield Row(name, "mlp", partial(mlp, batch, sizes), 2 * batch * weights, moved, (1,), best, (0.90, 0.95))
    ort = ("ort", "ort")
    yield Row("softmax 4096", "softmax", partial(softmax, 4096, 4096), 5 * size, 8 * size, (5,), ort, (0.98, 0.95))
    norm = partial(layer_norm, 4096, 4096)
    yield Row("layernorm 4096", "layernorm", norm, 8 * size, 8 * size, (5,), ("numba", "ort"), (0.76, 0.75))
    products, moved = 2 * 64 * 64 * 9 * 56 * 56, 8 * 64 * 56 * 56
    yield Row("conv 64x56x56", "conv", partial(conv, 56, 64), products, moved, (1,), ort, (0.95, 0.95))
    block = partial(resnet_block, 56, 64)
    yield Row("resnet block 64x56x56", "resblock", block, 2 * products, moved, (1,), ort, (0.95, 0.95))
    heads, cost = partial(attention, 12, 512, 64), 4 * 12 * 512 * 512 * 64
    moved, best, three = 16 * 12 * 512 * 64, ("openvino", "ort"), (1, 1, 1)
    yield Row("attention 12x512x64", "attention", heads, cost, moved, three, best, (0.95, 0.95))
    yield Row("attention 12x512x64, one op", "attention", heads, cost, moved, three, best, (0.95, 0.95), attention_op)
    yield Row("sum 1e8", "sum", partial(sum_all, 10**8), 10**8, 4 * 10**8, (1,), ("torch", "jax"), (0.95, 0.95))


ROWS = tuple(_rows())


def chosen(words: Sequence[str]) -> list[Row]:
    """The rows whose kind or name holds one of the words; all without words."""
    return [row for row in ROWS if not words or any(word == row.kind or word in row.name for word in words)]
