"""A small graph of tensor ops of f32: one description of a program that every peer builds in its own way.

A node is an op with inputs, a shape and attributes. Inputs and constants are nodes, too. The ops:

| op | inputs and attributes |
| --- | --- |
| `input` | `number` |
| `constant` | `array` |
| `fill` | `value`: one number everywhere |
| `neg abs exp log tanh sigmoid relu sqrt` | x |
| `add sub mul div max min` | two of one shape |
| `broadcast` | x, `dims`: where its dimensions go, as in StableHLO's broadcast_in_dim |
| `transpose` | x, `perm` |
| `sum` `amax` `mean` | x, `axes`, which vanish |
| `softmax` | x, along the last dimension |
| `layer_norm` | x, scale, bias, along the last dimension, epsilon 1e-5 |
| `gelu_tanh` | x: the tanh form of gelu |
| `matmul` | a, b of equal leading dimensions |
| `linear` | x, weights [outputs, inputs], bias: x @ weights.T + bias |
| `conv` | x in NCHW, weights in OIHW, stride 1, `pad` on each side |
| `batch_norm` | x in NCHW, scale, offset, mean, variance, epsilon 1e-5 |
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

Array = np.ndarray
Shape = tuple[int, ...]

EPSILON = 1e-5

UNARY = ("neg", "abs", "exp", "log", "tanh", "sigmoid", "relu", "sqrt")
BINARY = ("add", "sub", "mul", "div", "max", "min")
REDUCTIONS = ("sum", "amax", "mean")


@dataclass(frozen=True, eq=False)
class Node:
    """An op of a graph. Two nodes are equal only if they are one."""

    op: str
    inputs: tuple[Node, ...]
    shape: Shape
    attributes: dict[str, Any] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Any:
        return self.attributes[name]


class Graph:
    """A program with inputs, constants and one result; nodes stand in the order in which they are computed."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.nodes: list[Node] = []
        self.result: Node

    @property
    def inputs(self) -> list[Node]:
        """The arguments of the program, in order."""
        return [node for node in self.nodes if node.op == "input"]

    @property
    def constants(self) -> list[Node]:
        """The arrays that the program holds."""
        return [node for node in self.nodes if node.op == "constant"]

    def node(self, op: str, inputs: Sequence[Node], shape: Sequence[int], **attributes: Any) -> Node:
        """Append a node, which is the result until the next one comes."""
        made = Node(op, tuple(inputs), tuple(shape), attributes)
        self.nodes.append(made)
        self.result = made
        return made

    def input(self, *shape: int) -> Node:
        """One more argument."""
        return self.node("input", (), shape, number=len(self.inputs))

    def constant(self, array: Array) -> Node:
        """An array that is part of the program."""
        return self.node("constant", (), array.shape, array=array)

    def fill(self, value: float, shape: Sequence[int]) -> Node:
        """One number everywhere."""
        return self.node("fill", (), shape, value=float(np.float32(value)))

    def unary(self, op: str, x: Node) -> Node:
        """An elementwise op of one operand."""
        return self.node(op, (x,), x.shape)

    def binary(self, op: str, a: Node, b: Node) -> Node:
        """An elementwise op of two operands of one shape."""
        assert a.shape == b.shape, (op, a.shape, b.shape)
        return self.node(op, (a, b), a.shape)

    def broadcast(self, x: Node, dims: Sequence[int], shape: Sequence[int]) -> Node:
        """Dimension n of x becomes dimension `dims[n]` of the result."""
        return self.node("broadcast", (x,), shape, dims=tuple(dims))

    def transpose(self, x: Node, perm: Sequence[int]) -> Node:
        """Dimensions in another order."""
        return self.node("transpose", (x,), [x.shape[p] for p in perm], perm=tuple(perm))

    def reduce(self, kind: str, x: Node, axes: Sequence[int]) -> Node:
        """A sum, maximum or mean over axes, which vanish."""
        kept = [size for axis, size in enumerate(x.shape) if axis not in axes]
        return self.node(kind, (x,), kept, axes=tuple(axes))

    def softmax(self, x: Node) -> Node:
        """Along the last dimension."""
        return self.node("softmax", (x,), x.shape)

    def layer_norm(self, x: Node, scale: Node, bias: Node) -> Node:
        """Along the last dimension."""
        return self.node("layer_norm", (x, scale, bias), x.shape)

    def matmul(self, a: Node, b: Node) -> Node:
        """Products of matrices, in batches over equal leading dimensions."""
        return self.node("matmul", (a, b), (*a.shape[:-1], b.shape[-1]))

    def linear(self, x: Node, weights: Node, bias: Node) -> Node:
        """A layer, its weights as frameworks keep them."""
        return self.node("linear", (x, weights, bias), (x.shape[0], weights.shape[0]))

    def conv(self, x: Node, weights: Node, pad: int) -> Node:
        """A convolution of stride 1."""
        batch, _, height, width = x.shape
        out, _, rows, columns = weights.shape
        shape = (batch, out, height + 2 * pad - rows + 1, width + 2 * pad - columns + 1)
        return self.node("conv", (x, weights), shape, pad=pad)

    def batch_norm(self, x: Node, scale: Node, offset: Node, mean: Node, variance: Node) -> Node:
        """With given statistics."""
        return self.node("batch_norm", (x, scale, offset, mean, variance), x.shape)


def evaluate(graph: Graph, table: dict[str, Callable[..., Any]], leaves: dict[Node, Any]) -> Any:
    """The result of a graph by a library: `table` gives for each op a function of the node and its operands' values.

    `leaves` has the values of inputs and constants.
    """
    values = dict(leaves)
    for node in graph.nodes:
        if node not in values:
            values[node] = table[node.op](node, *(values[x] for x in node.inputs))
    return values[graph.result]


def windows(x: Array, weights: Array, pad: int) -> Array:
    """A convolution in NCHW by NumPy, one product of matrices for each place of the window."""
    height, width = x.shape[2] + 2 * pad - weights.shape[2] + 1, x.shape[3] + 2 * pad - weights.shape[3] + 1
    wide = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    out = np.zeros((x.shape[0], weights.shape[0], height, width), x.dtype)
    for r in range(weights.shape[2]):
        for s in range(weights.shape[3]):
            part = wide[:, :, r : r + height, s : s + width]
            out += np.einsum("oc,nchw->nohw", weights[:, :, r, s], part, optimize=True)
    return out


def broadcast(node: Node, x: Array) -> Array:
    """What `broadcast` means, as a view."""
    sizes = [1] * len(node.shape)
    for dimension, size in zip(node["dims"], x.shape, strict=True):
        sizes[dimension] = size
    return np.broadcast_to(np.reshape(x, sizes), node.shape)


def softmax(x: Array) -> Array:
    """As NumPy's users write it."""
    powers = np.exp(x - x.max(-1, keepdims=True))
    powers /= powers.sum(-1, keepdims=True)
    return powers


def layer_norm(x: Array, scale: Array, bias: Array) -> Array:
    """As NumPy's users write it."""
    centered = x - x.mean(-1, keepdims=True)
    return centered / np.sqrt((centered * centered).mean(-1, keepdims=True) + x.dtype.type(EPSILON)) * scale + bias


def batch_norm(x: Array, scale: Array, offset: Array, mean: Array, variance: Array) -> Array:
    """As NumPy's users write it."""
    by_channel = [t.reshape(1, -1, 1, 1) for t in (scale, offset, mean, variance)]
    scale, offset, mean, variance = by_channel
    return (x - mean) / np.sqrt(variance + x.dtype.type(EPSILON)) * scale + offset


def gelu_tanh(x: Array) -> Array:
    """The tanh form of gelu."""
    number = x.dtype.type
    return number(0.5) * x * (1 + np.tanh(number(0.7978845608028654) * (x + number(0.044715) * x * x * x)))


NUMPY: dict[str, Callable[..., Any]] = {
    "neg": lambda n, x: -x,
    "abs": lambda n, x: np.abs(x),
    "exp": lambda n, x: np.exp(x),
    "log": lambda n, x: np.log(x),
    "tanh": lambda n, x: np.tanh(x),
    "sigmoid": lambda n, x: 1 / (1 + np.exp(-x)),
    "relu": lambda n, x: np.maximum(x, 0),
    "sqrt": lambda n, x: np.sqrt(x),
    "add": lambda n, a, b: a + b,
    "sub": lambda n, a, b: a - b,
    "mul": lambda n, a, b: a * b,
    "div": lambda n, a, b: a / b,
    "max": lambda n, a, b: np.maximum(a, b),
    "min": lambda n, a, b: np.minimum(a, b),
    "broadcast": broadcast,
    "transpose": lambda n, x: x.transpose(n["perm"]),
    "sum": lambda n, x: x.sum(n["axes"]),
    "amax": lambda n, x: x.max(n["axes"]),
    "mean": lambda n, x: x.mean(n["axes"]),
    "softmax": lambda n, x: softmax(x),
    "layer_norm": lambda n, *x: layer_norm(*x),
    "gelu_tanh": lambda n, x: gelu_tanh(x),
    "matmul": lambda n, a, b: a @ b,
    "linear": lambda n, x, w, b: x @ w.T + b,
    "conv": lambda n, x, w: windows(x, w, n["pad"]),
    "batch_norm": lambda n, *x: batch_norm(*x),
}
"""Every op by NumPy, in the type of its operands: in float64 this is what results are checked against."""


def by_numpy(graph: Graph, arrays: Sequence[Array], dtype: type = np.float64) -> Array:
    """The result of a graph, computed in a type."""
    leaves: dict[Node, Any] = dict(zip(graph.inputs, (a.astype(dtype, copy=False) for a in arrays), strict=True))
    leaves |= {node: node["array"].astype(dtype) for node in graph.constants}
    leaves |= {node: np.broadcast_to(dtype(node["value"]), node.shape) for node in graph.nodes if node.op == "fill"}
    return evaluate(graph, NUMPY, leaves)
