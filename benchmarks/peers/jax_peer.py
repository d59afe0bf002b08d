"""JAX: XLA for the CPU, on arrays that are its own already."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from graph import EPSILON, Graph, Node, evaluate
from jax import lax
from measure import Call


def _layer_norm(x: Any, scale: Any, bias: Any) -> Any:
    centered = x - x.mean(-1, keepdims=True)
    return centered * lax.rsqrt((centered * centered).mean(-1, keepdims=True) + EPSILON) * scale + bias


def _batch_norm(*operands: Any) -> Any:
    x, *rest = operands
    scale, offset, mean, variance = (t.reshape(1, -1, 1, 1) for t in rest)
    return (x - mean) * lax.rsqrt(variance + EPSILON) * scale + offset


TABLE: dict[str, Callable[..., Any]] = {
    "neg": lambda n, x: -x,
    "abs": lambda n, x: jnp.abs(x),
    "exp": lambda n, x: jnp.exp(x),
    "log": lambda n, x: jnp.log(x),
    "tanh": lambda n, x: jnp.tanh(x),
    "sigmoid": lambda n, x: jax.nn.sigmoid(x),
    "relu": lambda n, x: jax.nn.relu(x),
    "sqrt": lambda n, x: jnp.sqrt(x),
    "add": lambda n, a, b: a + b,
    "sub": lambda n, a, b: a - b,
    "mul": lambda n, a, b: a * b,
    "div": lambda n, a, b: a / b,
    "max": lambda n, a, b: jnp.maximum(a, b),
    "min": lambda n, a, b: jnp.minimum(a, b),
    "broadcast": lambda n, x: lax.broadcast_in_dim(x, n.shape, n["dims"]),
    "transpose": lambda n, x: jnp.transpose(x, n["perm"]),
    "sum": lambda n, x: x.sum(n["axes"]),
    "amax": lambda n, x: x.max(n["axes"]),
    "mean": lambda n, x: x.mean(n["axes"]),
    "softmax": lambda n, x: jax.nn.softmax(x, axis=-1),
    "layer_norm": lambda n, *x: _layer_norm(*x),
    "gelu_tanh": lambda n, x: jax.nn.gelu(x, approximate=True),
    "matmul": lambda n, a, b: a @ b,
    "linear": lambda n, x, w, b: x @ w.T + b,
    "conv": lambda n, x, w: lax.conv_general_dilated(x, w, (1, 1), [(n["pad"],) * 2] * 2),
    "batch_norm": lambda n, *x: _batch_norm(*x),
}


def function(graph: Graph) -> Callable[..., Any]:
    """The graph as a function of JAX's arrays, constants inside."""
    constants: dict[Node, Any] = {node: node["array"] for node in graph.constants}
    constants |= {node: np.float32(node["value"]) for node in graph.nodes if node.op == "fill"}

    def run(*given: Any) -> Any:
        inside = {node: jnp.asarray(value) for node, value in constants.items()}
        return evaluate(graph, TABLE, dict(zip(graph.inputs, given, strict=True)) | inside)

    return run


def build(graph: Graph, arrays: Sequence[np.ndarray], out: np.ndarray, threads: int) -> Call:
    """The jitted function. XLA takes as many threads as the process may run on cores."""
    compiled = jax.jit(function(graph))
    given = [jax.device_put(a) for a in arrays]
    compiled(*given).block_until_ready()
    held: list[Any] = [None]

    def run() -> None:
        held[0] = compiled(*given)
        held[0].block_until_ready()

    return Call("f()", {"f": run}, lambda: np.asarray(held[0]))
