"""The rows of the GPU table: programs as weft's text and as functions of the peers, on arrays of torch's."""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import mlir
import numpy as np
import rows as cpu_rows
import torch
from graph import Graph, evaluate
from peers.torch_peer import TABLE
from suites.programs import program

Contender = tuple[Callable[[], Any], Callable[[], Any]]
"""A call, and what gives its last result."""

Peer = Callable[[Sequence[Any]], Contender]
"""A contender, from the arrays."""

DTYPES = {"f32": torch.float32, "f16": torch.float16, "bf16": torch.bfloat16}


@dataclass
class Row:
    """A program of the table. `function` is what it computes, in torch; `scale` bounds the inputs."""

    name: str
    text: str
    shapes: tuple[tuple[int, ...], ...]
    function: Callable[..., Any]
    goal: float
    bytes: int = 0
    flops: int = 0
    dtype: str = "f32"
    scale: float = 1.0
    tolerance: float = 2e-5
    peers: dict[str, Peer] = field(default_factory=dict)
    jax: Callable[..., Any] | None = None

    def __post_init__(self) -> None:
        self.result_dtype = DTYPES[self.dtype]
        self.peers = {"torch": self._torch, "compile": self._compiled, "jax": self._jax} | self.peers

    def arrays(self) -> list[Any]:
        """The inputs: uniform, the same at each call."""
        made = torch.Generator(device="cuda").manual_seed(7)
        numbers = (torch.rand(shape, generator=made, device="cuda") for shape in self.shapes)
        return [((x - 0.5) * (2 * self.scale)).to(self.result_dtype) for x in numbers]

    def wanted(self, arrays: Sequence[Any]) -> Any:
        """The result in float64, where that fits."""
        if sum(x.numel() for x in arrays) < 3e8:
            return self.function(*(x.double() for x in arrays))
        return self.function(*arrays)

    def _torch(self, arrays: Sequence[Any]) -> Contender:
        return _held(self.function, arrays)

    def _compiled(self, arrays: Sequence[Any]) -> Contender:
        torch._dynamo.reset()
        return _held(torch.compile(self.function, dynamic=False), arrays)

    def _jax(self, arrays: Sequence[Any]) -> Contender:
        if self.jax is None:
            raise ImportError("there is no such program for JAX")
        import jax

        jax.config.update("jax_default_matmul_precision", "highest" if self.dtype == "f32" else "default")
        compiled = jax.jit(self.jax)
        given = [jax.dlpack.from_dlpack(x) for x in arrays]
        call, result = _held(compiled, given)
        return call, lambda: torch.from_dlpack(result())


def _held(function: Callable[..., Any], arrays: Sequence[Any]) -> Contender:
    held: list[Any] = [None]

    def call() -> Any:
        held[0] = function(*arrays)
        return held[0]

    return call, lambda: held[0]


def error(found: Any, wanted: Any) -> float:
    """The greatest difference over the greatest magnitude."""
    if found.shape != wanted.shape:
        return float("inf")
    worst, largest = 0.0, 1e-30
    for one, other in zip(found.reshape(-1).split(1 << 26), wanted.reshape(-1).split(1 << 26), strict=True):
        worst = max(worst, float((one.double() - other.double()).abs().max()))
        largest = max(largest, float(other.double().abs().max()))
    return worst / largest if worst == worst else float("inf")


def copy_speed() -> float:
    """How fast torch copies 1 GiB, in TB/s read and written."""
    x = torch.empty(1 << 28, device="cuda")
    y = torch.empty_like(x)
    return 2 * x.nbytes / _seconds(lambda: y.copy_(x)) / 1e12


def product_speed(dtype: str, count: int = 20) -> float:
    """How fast torch multiplies two matrices of 8192 x 8192 in that type, in TFLOP/s."""
    x = torch.randn(8192, 8192, device="cuda", dtype=DTYPES[dtype])
    return 2 * 8192**3 / _seconds(lambda: x @ x, count) / 1e12


def _seconds(call: Callable[[], Any], count: int = 20) -> float:
    call()
    start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
    start.record()
    for _ in range(count):
        call()
    end.record()
    end.synchronize()
    return start.elapsed_time(end) / (1e3 * count)


def tensor(shape: Sequence[int], dtype: str) -> str:
    """The type of a tensor."""
    return f"tensor<{'x'.join([*map(str, shape), dtype])}>"


def rows() -> Iterator[Row]:
    """The rows of the table."""
    for shape in ((10**8,), (10**9,), (8192, 8192)):
        sum_ = of_graph(f"add {'x'.join(map(str, shape))}", cpu_rows.add(*shape), 0.97)
        sum_.peers["triton"] = triton_add
        yield sum_
    yield of_graph("sigmoid 1e8", cpu_rows.sigmoid(10**8), 0.97)
    yield of_graph("gelu(x*a+b) 1e8", _gelu(10**8), 0.97)
    soft = of_graph("softmax 8192x8192", _softmax(8192, 8192), 0.97)
    soft.peers["triton"] = triton_softmax
    yield soft
    yield of_graph("layer_norm 8192x8192", _layer_norm(8192, 8192), 0.97)
    total = of_graph("sum 1e9", _sum(10**9), 0.97)
    total.tolerance = 1e-2  # of a sum near 0, of numbers with both signs
    yield total
    for dtype in ("f16", "bf16"):
        yield from (_matmul(n, dtype, 0.5) for n in (512, 1024, 2048, 4096, 8192))
    yield from (_matmul(n, "f32", 0.8) for n in (1024, 2048, 4096, 8192))
    yield from (_layer(batch, 4096, "f16", 0.5) for batch in (1, 256, 4096))
    yield _layer(1, 4096, "f32", 1.0)


def of_graph(name: str, graph: Graph, goal: float) -> Row:
    """A row of a graph of f32."""

    def in_torch(*given: Any) -> Any:
        device = given[0].device
        fills = {node: torch.full((), node["value"], device=device) for node in graph.nodes if node.op == "fill"}
        return evaluate(graph, TABLE, dict(zip(graph.inputs, given, strict=True)) | fills)

    def in_jax(*given: Any) -> Any:
        from peers.jax_peer import function

        return function(graph)(*given)

    moved = 4 * (sum(math.prod(x.shape) for x in graph.inputs) + math.prod(graph.result.shape))
    shapes = tuple(x.shape for x in graph.inputs)
    return Row(name, mlir.text(graph), shapes, in_torch, goal, moved, jax=in_jax)


def _gelu(n: int) -> Graph:
    g = Graph("gelu")
    scaled = g.binary("mul", g.input(n), g.fill(1.3, (n,)))
    g.unary("gelu_tanh", g.binary("add", scaled, g.fill(-0.2, (n,))))
    return g


def _softmax(m: int, n: int) -> Graph:
    g = Graph("softmax")
    g.softmax(g.input(m, n))
    return g


def _layer_norm(m: int, n: int) -> Graph:
    g = Graph("layer_norm")
    g.layer_norm(g.input(m, n), g.input(n), g.input(n))
    return g


def _sum(n: int) -> Graph:
    g = Graph("sum")
    g.reduce("sum", g.input(n), (0,))
    return g


def _matmul(n: int, dtype: str, goal: float) -> Row:
    t = tensor((n, n), dtype)
    text = f"func.func @main(%a: {t}, %b: {t}) -> {t} {{\n  %y = ml.matmul %a, %b : ({t}, {t}) -> {t}\n"
    text += f"  func.return %y : {t}\n}}\n"
    tolerance = {"f16": 2e-3, "bf16": 1e-2, "f32": 2e-5}[dtype]
    made = Row(f"matmul {dtype} {n}", text, ((n, n), (n, n)), torch.matmul, goal, 0, 2 * n**3, dtype, 1.0, tolerance)
    made.jax = lambda a, b: a @ b
    return made


def _layer(batch: int, n: int, dtype: str, goal: float) -> Row:
    x, w, b = tensor((batch, n), dtype), tensor((n, n), dtype), tensor((n,), dtype)
    text = f"""func.func @main(%x: {x}, %w: {w}, %b: {b}) -> {x} {{
  %p = ml.matmul %x, %w : ({x}, {w}) -> {x}
  %c = ml.broadcast_in_dim %b, dims = [1] : {b} to {x}
  %s = ml.add %p, %c : {x}
  %y = ml.sigmoid %s : {x}
  func.return %y : {x}
}}
"""

    def in_jax(x: Any, w: Any, b: Any) -> Any:
        return 1 / (1 + importlib.import_module("jax.numpy").exp(-(x @ w + b)))

    size, alone = (2 if dtype == "f16" else 4), batch == 1
    costs = (size * n * n, 0) if alone else (0, 2 * batch * n * n)
    name = f"sigmoid(Wx+b) {dtype} {batch}x{n}"
    tolerance = 2e-3 if size == 2 else 2e-5
    made = Row(name, text, ((batch, n), (n, n), (n,)), _layer_in_torch, goal, *costs, dtype, 0.05, tolerance)
    made.jax = in_jax
    return made


def _layer_in_torch(x: Any, w: Any, b: Any) -> Any:
    return torch.sigmoid(torch.addmm(b, x, w))


def programs(count: int, seed: int) -> Iterator[Row]:
    """Random programs of elementwise ops, reductions and softmax, shapes odd and even."""
    for number in range(count):
        graph = program(np.random.default_rng((seed, number)))
        ops = [n.op for n in graph.nodes if n.op not in ("input", "fill", "broadcast")]
        name = f"program {number}: {'x'.join(map(str, graph.inputs[0].shape))} {' '.join(ops)}"
        row = of_graph(name[:90], graph, 0.95)
        row.tolerance = 2e-4
        yield row


# Triton


def triton_add(arrays: Sequence[Any]) -> Contender:
    """The kernel of Triton's tutorial."""
    from peers.triton_peer import add

    return add(*arrays)


def triton_softmax(arrays: Sequence[Any]) -> Contender:
    """The kernel of Triton's tutorial."""
    from peers.triton_peer import softmax

    return softmax(*arrays)
