"""PyTorch, op by op; a last op that takes `out=` gets it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from graph import EPSILON, Graph, Node, evaluate
from measure import Call

TABLE: dict[str, Callable[..., Any]] = {
    "neg": lambda n, x: -x,
    "abs": lambda n, x: x.abs(),
    "exp": lambda n, x: x.exp(),
    "log": lambda n, x: x.log(),
    "tanh": lambda n, x: x.tanh(),
    "sigmoid": lambda n, x: x.sigmoid(),
    "relu": lambda n, x: x.relu(),
    "sqrt": lambda n, x: x.sqrt(),
    "add": lambda n, a, b: a + b,
    "sub": lambda n, a, b: a - b,
    "mul": lambda n, a, b: a * b,
    "div": lambda n, a, b: a / b,
    "max": lambda n, a, b: torch.maximum(a, torch.as_tensor(b)),
    "min": lambda n, a, b: torch.minimum(a, torch.as_tensor(b)),
    "broadcast": lambda n, x: x.reshape(_sizes(n, x)).expand(n.shape),
    "transpose": lambda n, x: x.permute(n["perm"]),
    "sum": lambda n, x: x.sum(n["axes"]) if n["axes"] else x,
    "amax": lambda n, x: x.amax(n["axes"]) if n["axes"] else x,
    "mean": lambda n, x: x.mean(n["axes"]) if n["axes"] else x,
    "softmax": lambda n, x: F.softmax(x, -1),
    "layer_norm": lambda n, x, s, b: F.layer_norm(x, (x.shape[-1],), s, b, EPSILON),
    "gelu_tanh": lambda n, x: F.gelu(x, approximate="tanh"),
    "linear": lambda n, x, w, b: F.linear(x, w, b),
    "matmul": lambda n, a, b: a @ b,
    "conv": lambda n, x, w: F.conv2d(x, w, padding=n["pad"]),
    "batch_norm": lambda n, x, s, o, m, v: F.batch_norm(x, m, v, s, o, eps=EPSILON),
}

WITH_OUT = {"add": torch.add, "sub": torch.sub, "mul": torch.mul, "matmul": torch.matmul, "sigmoid": torch.sigmoid}


def _sizes(node: Node, x: Any) -> list[int]:
    sizes = [1] * len(node.shape)
    for dimension, size in zip(node["dims"], x.shape, strict=True):
        sizes[dimension] = size
    return sizes


def leaves_of(graph: Graph) -> dict[Node, Any]:
    """Constants as tensors, fills as numbers."""
    found: dict[Node, Any] = {node: torch.from_numpy(node["array"]) for node in graph.constants}
    return found | {node: torch.tensor(node["value"]) for node in graph.nodes if node.op == "fill"}


def build(graph: Graph, arrays: Sequence[np.ndarray], out: np.ndarray, threads: int) -> Call:
    """The ops of torch on tensors that share the arrays' memory."""
    torch.set_num_threads(threads)
    torch.set_grad_enabled(False)
    tensors, result = [torch.from_numpy(a) for a in arrays], torch.from_numpy(out)
    direct = WITH_OUT.get(graph.result.op)
    if direct is not None and all(x.op == "input" for x in graph.result.inputs):
        operands = [tensors[x["number"]] for x in graph.result.inputs]
        given = ", ".join(f"x{n}" for n in range(len(operands)))
        names = {"f": direct, "o": result} | {f"x{n}": x for n, x in enumerate(operands)}
        return Call(f"f({given}, out=o)", names, lambda: out)
    constants = leaves_of(graph)
    held: list[Any] = [None]

    def run() -> None:
        held[0] = evaluate(graph, TABLE, dict(zip(graph.inputs, tensors, strict=True)) | constants)

    return Call("f()", {"f": run}, lambda: held[0].numpy())
