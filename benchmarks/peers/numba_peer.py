"""numba: loops as its users write them, `njit` with fast math, the outermost loop parallel where there are threads.

Elementwise ops are written into the loops that use them; reductions, softmax and layer norm are loops of their own.
Products and convolutions are left to other peers.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numba
import numpy as np
from graph import EPSILON, REDUCTIONS, Graph, Node
from measure import Call

SCALARS = {
    "neg": "(-{0})", "abs": "abs({0})", "exp": "exp({0})", "log": "log({0})", "tanh": "tanh({0})",
    "sigmoid": "(ONE / (ONE + exp(-{0})))", "relu": "max({0}, ZERO)", "sqrt": "sqrt({0})", "add": "({0} + {1})",
    "sub": "({0} - {1})", "mul": "({0} * {1})", "div": "({0} / {1})", "max": "max({0}, {1})", "min": "min({0}, {1})",
}  # fmt: skip
"""The scalar expression of an elementwise op."""

LINES = ("softmax", "layer_norm")

SMALL = 1 << 15
"""Up to so many elements of inputs threads do not pay."""

NAMESPACE: dict[str, Any] = {
    "np": np, "prange": numba.prange, "exp": math.exp, "log": math.log, "tanh": math.tanh, "sqrt": math.sqrt,
    "ZERO": np.float32(0), "ONE": np.float32(1), "HALF": np.float32(0.5), "LEAST": np.float32(-np.inf),
    "EPSILON": np.float32(EPSILON), "BEND": np.float32(0.7978845608028654), "CUBE": np.float32(0.044715),
}  # fmt: skip


class Writer:
    """The source of a function, line by line."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.lines: list[str] = []
        self.names: dict[Node, str] = {}
        self.namespace = dict(NAMESPACE)
        self.count = 0

    def fresh(self, prefix: str) -> str:
        """A new name."""
        self.count += 1
        return f"{prefix}{self.count}"

    def write(self, depth: int, line: str) -> None:
        """One line, so deep inside the function."""
        self.lines.append("    " * (depth + 1) + line)

    def loops(self, shape: Sequence[int], depth: int = 0) -> list[str]:
        """Loops over a shape, the outermost one parallel where it is the outermost of all; the counters."""
        counters = [self.fresh("i") for _ in shape]
        for n, (counter, size) in enumerate(zip(counters, shape, strict=True)):
            kind = "prange" if depth + n == 0 else "range"
            self.write(depth + n, f"for {counter} in {kind}({size}):")
        return counters

    def value(self, node: Node, at: Sequence[str], depth: int) -> str:
        """The name of an element of a node, computed where the loops stand."""
        if node in self.names:
            return f"{self.names[node]}[{', '.join(at) or '()'}]"
        if node.op == "fill":
            name = self.fresh("c")
            self.namespace[name] = np.float32(node["value"])
            return name
        if node.op == "broadcast":
            return self.value(node.inputs[0], [at[d] for d in node["dims"]], depth)
        if node.op == "transpose":
            inside = [at[node["perm"].index(d)] for d in range(len(at))]
            return self.value(node.inputs[0], inside, depth)
        name = self.fresh("v")
        operands = [self.value(x, at, depth) for x in node.inputs]
        if node.op == "gelu_tanh":
            x = operands[0]
            self.write(depth, f"{name} = HALF * {x} * (ONE + tanh(BEND * ({x} + CUBE * {x} * {x} * {x})))")
        else:
            self.write(depth, f"{name} = {SCALARS[node.op].format(*operands)}")
        return name

    def keep(self, node: Node, name: str) -> None:
        """Compute a node into an array."""
        if node.op in REDUCTIONS:
            self._reduction(node, name)
        elif node.op in LINES:
            self._lines(node, name)
        else:
            counters = self.loops(node.shape)
            value = self.value(node, counters, len(counters))
            self.write(len(counters), f"{name}[{', '.join(counters) or '()'}] = {value}")
        self.names[node] = name

    def _reduction(self, node: Node, name: str) -> None:
        kept, axes, (x,) = list(node.shape), node["axes"], node.inputs
        counters, total = self.loops(kept), self.fresh("t")
        depth = len(counters)
        self.write(depth, f"{total} = {'LEAST' if node.op == 'amax' else 'ZERO'}")
        over = self.loops([x.shape[a] for a in axes], depth)
        rest = iter(counters)
        at = [over[axes.index(d)] if d in axes else next(rest) for d in range(len(x.shape))]
        value = self.value(x, at, depth + len(over))
        step = f"max({total}, {value})" if node.op == "amax" else f"{total} + {value}"
        self.write(depth + len(over), f"{total} = {step}")
        count = math.prod(x.shape[a] for a in axes)
        last = f"{total} / np.float32({count})" if node.op == "mean" else total
        self.write(depth, f"{name}[{', '.join(counters) or '()'}] = {last}")

    def _lines(self, node: Node, name: str) -> None:
        counters, size = self.loops(node.shape[:-1]), node.shape[-1]
        depth = len(counters)
        place = f"{name}[{', '.join([*counters, 'j'])}]"

        def pass_over(*body: str) -> None:
            self.write(depth, f"for j in range({size}):")
            value = self.value(node.inputs[0], [*counters, "j"], depth + 1)
            for line in body:
                self.write(depth + 1, line.format(x=value, y=place))

        if node.op == "softmax":
            self.write(depth, "top = LEAST")
            pass_over("top = max(top, {x})")
            self.write(depth, "total = ZERO")
            pass_over("e = exp({x} - top)", "{y} = e", "total += e")
            self.write(depth, "share = ONE / total")
            pass_over("{y} = {y} * share")
            return
        scale, bias = (self.names[x] for x in node.inputs[1:])
        self.write(depth, "total = ZERO")
        pass_over("total += {x}")
        self.write(depth, f"middle = total / np.float32({size})")
        self.write(depth, "square = ZERO")
        pass_over("d = {x} - middle", "square += d * d")
        self.write(depth, f"factor = ONE / sqrt(square / np.float32({size}) + EPSILON)")
        pass_over(f"{{y}} = ({{x}} - middle) * factor * {scale}[j] + {bias}[j]")


def _is_kept(graph: Graph, node: Node) -> bool:
    """Whether a node is an array of its own: the loops that use it would compute it more than once."""
    users = [user for user in graph.nodes if node in user.inputs]
    if node.op in (*REDUCTIONS, *LINES) or node is graph.result:
        return True
    if node.op in ("input", "constant", "fill", "broadcast", "transpose"):
        return False
    return len(users) > 1 or any(user.op in (*LINES, "broadcast") for user in users)


def build(graph: Graph, arrays: Sequence[np.ndarray], out: np.ndarray, threads: int) -> Call | None:
    """The loops, compiled; None for a program with products or convolutions."""
    allowed = {*SCALARS, *REDUCTIONS, *LINES, "input", "constant", "fill", "broadcast", "transpose", "gelu_tanh"}
    if any(node.op not in allowed for node in graph.nodes):
        return None
    writer = Writer(graph)
    extra: list[np.ndarray] = []
    parameters: list[str] = []
    for node in (*graph.inputs, *graph.constants):
        writer.names[node] = writer.fresh("x")
        parameters.append(writer.names[node])
    for node in graph.nodes:
        if node not in writer.names and _is_kept(graph, node):
            name = "out" if node is graph.result else writer.fresh("b")
            if node is not graph.result:
                parameters.append(name)
                extra.append(np.empty(node.shape, np.float32))
            writer.keep(node, name)
    source = f"def program({', '.join(parameters)}, out):\n" + "\n".join(writer.lines) + "\n"
    exec(source, writer.namespace)
    parallel = threads > 1 and max([a.size for a in arrays], default=0) > SMALL
    compiled = numba.njit(fastmath=True, parallel=parallel, error_model="numpy")(writer.namespace["program"])
    given = [*arrays, *(node["array"] for node in graph.constants), *extra, out]
    names = {"f": compiled} | {f"a{n}": a for n, a in enumerate(given)}
    return Call(f"f({', '.join(f'a{n}' for n in range(len(given)))})", names, lambda: out)
