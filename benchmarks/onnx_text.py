"""A graph as an ONNX model, for the peers that read ONNX."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
from graph import EPSILON, Graph, Node
from onnx import TensorProto, helper, numpy_helper

NAMES = {
    "neg": "Neg", "abs": "Abs", "exp": "Exp", "log": "Log", "tanh": "Tanh", "sigmoid": "Sigmoid", "relu": "Relu",
    "sqrt": "Sqrt", "add": "Add", "sub": "Sub", "mul": "Mul", "div": "Div", "max": "Max", "min": "Min",
    "matmul": "MatMul",
}  # fmt: skip
"""ONNX's name of an op that needs nothing else."""


class Builder:
    """Nodes and constants of a model that is being made."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self.names: dict[Node, str] = {}
        for node in graph.nodes:
            self.names[node] = "y" if node is graph.result else f"v{len(self.names)}"

    def emit(self, kind: str, inputs: list[str], output: str, **attributes: Any) -> None:
        """Append a node."""
        self.nodes.append(helper.make_node(kind, inputs, [output], **attributes))

    def constant(self, array: np.ndarray, name: str) -> str:
        """A constant of the model."""
        self.constants.append(numpy_helper.from_array(array, name))
        return name

    def node(self, node: Node) -> None:
        """Append what a node of the graph is."""
        name, inputs = self.names[node], [self.names[x] for x in node.inputs]
        if node.op in NAMES:
            self.emit(NAMES[node.op], inputs, name)
        elif node.op == "constant":
            self.constant(node["array"], name)
        elif node.op == "fill":
            self.constant(np.float32(node["value"]), name)
        elif node.op != "input":
            MAKERS[node.op](self, node, name, inputs)


def _broadcast(made: Builder, node: Node, name: str, inputs: list[str]) -> None:
    sizes = [1] * len(node.shape)
    for dimension, size in zip(node["dims"], node.inputs[0].shape, strict=True):
        sizes[dimension] = size
    shape = made.constant(np.array(sizes, np.int64), f"{name}_sizes")
    whole = all(user.op in NAMES for user in made.graph.nodes if node in user.inputs)
    if whole and node is not made.graph.result:
        made.emit("Reshape", [*inputs, shape], name)  # elementwise ops of ONNX broadcast by themselves
        return
    made.emit("Reshape", [*inputs, shape], f"{name}_r")
    made.emit("Expand", [f"{name}_r", made.constant(np.array(node.shape, np.int64), f"{name}_shape")], name)


def _reduce(kind: str) -> Callable[[Builder, Node, str, list[str]], None]:
    def make(made: Builder, node: Node, name: str, inputs: list[str]) -> None:
        axes = made.constant(np.array(node["axes"], np.int64), f"{name}_axes")
        made.emit(kind, [*inputs, axes], name, keepdims=0, noop_with_empty_axes=1)

    return make


MAKERS: dict[str, Callable[[Builder, Node, str, list[str]], None]] = {
    "broadcast": _broadcast,
    "transpose": lambda m, n, name, x: m.emit("Transpose", x, name, perm=list(n["perm"])),
    "sum": _reduce("ReduceSum"),
    "amax": _reduce("ReduceMax"),
    "mean": _reduce("ReduceMean"),
    "softmax": lambda m, n, name, x: m.emit("Softmax", x, name, axis=-1),
    "layer_norm": lambda m, n, name, x: m.emit("LayerNormalization", x, name, axis=-1, epsilon=EPSILON),
    "gelu_tanh": lambda m, n, name, x: m.emit("Gelu", x, name, approximate="tanh"),
    "linear": lambda m, n, name, x: m.emit("Gemm", x, name, transB=1),
    "conv": lambda m, n, name, x: m.emit("Conv", x, name, pads=[n["pad"]] * 4),
    "batch_norm": lambda m, n, name, x: m.emit("BatchNormalization", x, name, epsilon=EPSILON),
}


def model(graph: Graph) -> bytes:
    """The model, of opset 20."""
    made = Builder(graph)
    for node in graph.nodes:
        made.node(node)
    value = helper.make_tensor_value_info
    given = [value(made.names[x], TensorProto.FLOAT, x.shape) for x in graph.inputs]
    gives = [value("y", TensorProto.FLOAT, graph.result.shape)]
    body = helper.make_graph(made.nodes, graph.name, given, gives, made.constants)
    whole = helper.make_model(body, opset_imports=[helper.make_opsetid("", 20)])
    whole.ir_version = 9
    onnx.checker.check_model(whole)
    return whole.SerializeToString()
