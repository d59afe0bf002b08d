"""A graph as the MLIR text that weft compiles."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from graph import BINARY, EPSILON, UNARY, Graph, Node


def tensor(shape: Sequence[int]) -> str:
    """The type of a tensor."""
    return f"tensor<{'x'.join([*map(str, shape), 'f32'])}>"


def text(graph: Graph) -> str:
    """The module: `@main` takes the inputs and gives the result; constants are in the text."""
    names = {node: f"%v{number}" for number, node in enumerate(graph.nodes)}
    given = ", ".join(f"{names[node]}: {tensor(node.shape)}" for node in graph.inputs)
    lines = [f"func.func @main({given}) -> {tensor(graph.result.shape)} {{"]
    for node in graph.nodes:
        if node.op != "input":
            lines += [f"  {line}" for line in _lines(node, names)]
    lines += [f"  func.return {names[graph.result]} : {tensor(graph.result.shape)}", "}", ""]
    return "\n".join(lines)


def _number(value: float) -> str:
    return f"dense<{value:.9e}>"


def _filled(name: str, value: float, shape: Sequence[int]) -> list[str]:
    """A tensor of one number: a constant, or, where that would be large, a number spread out."""
    t = tensor(shape)
    if prod(shape) <= 1 << 20:
        return [f"{name} = ml.constant {_number(value)} : {t}"]
    return [
        f"{name}_ = ml.constant {_number(value)} : tensor<f32>",
        f"{name} = ml.broadcast_in_dim {name}_, dims = [] : tensor<f32> to {t}",
    ]


def _gelu(node: Node, name: str, x: str) -> list[str]:
    """The tanh form of gelu, op by op."""
    t = tensor(node.shape)
    return [
        *(line for c, v in zip("abcd", _GELU, strict=True) for line in _filled(f"{name}{c}", v, node.shape)),
        f"{name}e = ml.mul {x}, {x} : {t}",
        f"{name}f = ml.mul {name}e, {x} : {t}",
        f"{name}g = ml.mul {name}a, {name}f : {t}",
        f"{name}h = ml.add {x}, {name}g : {t}",
        f"{name}i = ml.mul {name}b, {name}h : {t}",
        f"{name}j = ml.tanh {name}i : {t}",
        f"{name}k = ml.add {name}j, {name}d : {t}",
        f"{name}l = ml.mul {x}, {name}c : {t}",
        f"{name} = ml.mul {name}k, {name}l : {t}",
    ]


_GELU = (0.044715, 0.7978845608028654, 0.5, 1.0)


def _linear(node: Node, name: str, x: str, weights: str, bias: str) -> list[str]:
    """A product with the transposed weights, and the bias added to each row."""
    t, (given, w, b) = tensor(node.shape), [tensor(x.shape) for x in node.inputs]
    outputs, inputs = node.inputs[1].shape
    turned = tensor((inputs, outputs))
    return [
        f"{name}t = ml.transpose {weights}, perm = [1, 0] : {w} to {turned}",
        f"{name}p = ml.matmul {x}, {name}t : ({given}, {turned}) -> {t}",
        f"{name}b = ml.broadcast_in_dim {bias}, dims = [1] : {b} to {t}",
        f"{name} = ml.add {name}p, {name}b : {t}",
    ]


def _lines(node: Node, names: dict[Node, str]) -> list[str]:
    """The ops of a node."""
    name, inputs = names[node], [names[x] for x in node.inputs]
    type_, types = tensor(node.shape), [tensor(x.shape) for x in node.inputs]
    signature = f"({', '.join(types)}) -> {type_}"
    if node.op in (*UNARY, *BINARY):
        return [f"{name} = ml.{node.op} {', '.join(inputs)} : {type_}"]
    if node.op == "fill":
        return _filled(name, node["value"], node.shape)
    if node.op == "constant":
        data = node["array"].astype("<f4").tobytes().hex().upper()
        return [f'{name} = ml.constant dense<"0x{data}"> : {type_}']
    if node.op == "broadcast":
        return [f"{name} = ml.broadcast_in_dim {inputs[0]}, dims = {list(node['dims'])} : {types[0]} to {type_}"]
    if node.op == "transpose":
        return [f"{name} = ml.transpose {inputs[0]}, perm = {list(node['perm'])} : {types[0]} to {type_}"]
    if node.op in ("sum", "amax"):
        kind = {"sum": "add", "amax": "max"}[node.op]
        return [f"{name} = ml.reduce {kind} {inputs[0]}, dims = {list(node['axes'])} : {types[0]} to {type_}"]
    if node.op == "mean":
        count = 1
        for axis in node["axes"]:
            count *= node.inputs[0].shape[axis]
        return [
            f"{name}s = ml.reduce add {inputs[0]}, dims = {list(node['axes'])} : {types[0]} to {type_}",
            f"{name}c = ml.constant {_number(count)} : {type_}",
            f"{name} = ml.div {name}s, {name}c : {type_}",
        ]
    if node.op == "softmax":
        return [f"{name} = ml.softmax {inputs[0]} : {type_}"]
    if node.op == "layer_norm":
        x, scale, bias = inputs
        return [
            f"{name} = ml.layer_norm {x} scale({scale} : {types[1]}) bias({bias} : {types[2]}), "
            f"epsilon = {EPSILON:.6e} : {type_}"
        ]
    if node.op in ("gelu_tanh", "linear"):
        return {"gelu_tanh": _gelu, "linear": _linear}[node.op](node, name, *inputs)
    if node.op == "matmul":
        return [f"{name} = ml.matmul {', '.join(inputs)} : {signature}"]
    if node.op == "conv":
        pad = [[node["pad"]] * 2] * 2
        dims = "[b, f, 0, 1] x [o, i, 0, 1] -> [b, f, 0, 1]"
        return [f"{name} = ml.convolution {', '.join(inputs)}, dims = {dims}, pad = {pad} : {signature}"]
    assert node.op == "batch_norm", node.op
    operands = ", ".join(inputs)
    return [f"{name} = ml.batch_norm_inference {operands}, feature_index = 1, epsilon = {EPSILON:.6e} : {signature}"]
