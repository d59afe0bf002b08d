"""PyTorch through torch.compile: inductor's C++ for the CPU, with frozen weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
import torch._dynamo
import torch._inductor.config as config
from graph import Graph, evaluate
from measure import Call

from peers.torch_peer import TABLE, leaves_of


class Module(torch.nn.Module):
    """A graph as a module, its constants as parameters."""

    def __init__(self, graph: Graph) -> None:
        super().__init__()
        self.graph, self.place = graph, {}
        for number, (node, value) in enumerate(leaves_of(graph).items()):
            if node.op == "constant":
                self.register_parameter(f"c{number}", torch.nn.Parameter(value, requires_grad=False))
            self.place[node] = f"c{number}" if node.op == "constant" else node["value"]

    def forward(self, *given: Any) -> Any:
        """The result of the graph."""
        leaves: dict[Any, Any] = dict(zip(self.graph.inputs, given, strict=True))
        for node, place in self.place.items():
            leaves[node] = getattr(self, place) if isinstance(place, str) else torch.full((), place)
        return evaluate(self.graph, TABLE, leaves)


def build(graph: Graph, arrays: Sequence[np.ndarray], out: np.ndarray, threads: int) -> Call:
    """The compiled module on tensors that share the arrays' memory."""
    torch.set_num_threads(threads)
    torch.set_grad_enabled(False)
    torch._dynamo.reset()
    config.freezing = True
    config.compile_threads = 1
    compiled = torch.compile(Module(graph).eval(), dynamic=False)
    tensors = [torch.from_numpy(a) for a in arrays]
    compiled(*tensors)
    held: list[Any] = [None]

    def run() -> None:
        held[0] = compiled(*tensors)

    return Call("f()", {"f": run}, lambda: held[0].numpy())
