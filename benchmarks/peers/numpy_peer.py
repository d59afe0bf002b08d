"""NumPy, as its users write it; a last op that is a ufunc or a product writes to `out`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from graph import NUMPY, Graph, Node, evaluate
from measure import Call

WITH_OUT = {"add": "np.add", "sub": "np.subtract", "mul": "np.multiply", "matmul": "np.matmul"}


def build(graph: Graph, arrays: Sequence[np.ndarray], out: np.ndarray, threads: int) -> Call:
    """A call of NumPy's function itself where the program is one op, else of the ops one after the other."""
    direct = WITH_OUT.get(graph.result.op)
    if direct is not None and all(x.op == "input" for x in graph.result.inputs):
        operands = [arrays[x["number"]] for x in graph.result.inputs]
        names: dict[str, Any] = {"f": eval(direct, {"np": np}), "a": operands[0], "b": operands[1], "o": out}
        return Call("f(a, b, out=o)", names, lambda: out)
    constants: dict[Node, Any] = {node: node["array"] for node in graph.constants}
    constants |= {node: np.float32(node["value"]) for node in graph.nodes if node.op == "fill"}

    def run() -> None:
        leaves = dict(zip(graph.inputs, arrays, strict=True)) | constants
        out[...] = evaluate(graph, NUMPY, leaves)

    return Call("f()", {"f": run}, lambda: out)
