"""Reading text: weft's reader against xDSL's parser, in one process, on the same text.

    python benchmarks/text.py [--megabytes 1] [--rounds 5]

The text is a program over many dialects. Each round has a new one (other names, numbers, shapes), in the syntax of
the dialects and in generic form; weft makes a location for every operation, xDSL's parser makes none. Printed are the
medians over the rounds and their ratio.
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Callable
from io import StringIO
from statistics import median

from xdsl.dialects.builtin import ModuleOp
from xdsl.parser import Parser
from xdsl.printer import Printer

from weft.frontends.mlir import parse_module
from weft.registry import context

SCALARS = """
func.func @scalars_{id}(%{a}: f32, %{b}: f32, %n: index) -> f32 attributes {{"bench.id" = {k} : i64}} {{
  %c0 = arith.constant 0 : index
  %c1 = arith.constant {k} : index
  %{x} = arith.constant {f} : f32
  %r = scf.for %i = %c0 to %n step %c1 iter_args(%acc = %{a}) -> (f32) {{
    %j = arith.addi %i, %c1 : index
    %l = arith.muli %j, %n : index
    %{y} = arith.mulf %acc, %{x} fastmath<fast> : f32
    %e = math.exp %{y} : f32
    %t = arith.subf %e, %{b} : f32
    %less = arith.cmpi slt, %j, %l : index
    %s = scf.if %less -> (f32) {{
      %u = arith.divf %t, %{x} : f32
      scf.yield %u : f32
    }} else {{
      %v = math.sqrt %t : f32
      scf.yield %v : f32
    }}
    scf.yield %s : f32
  }}
  %big = arith.cmpf ogt, %r, %{x} : f32
  cf.cond_br %big, ^{p}(%r : f32), ^{q}
^{p}(%{z}: f32):
  func.return %{z} : f32
^{q}:
  %w = arith.select %big, %{a}, %{b} : f32
  func.return %w : f32
}}
"""
BUFFERS = """
func.func @buffers_{id}(%{a}: memref<{m}x{n}xf32>, %{b}: memref<{m}x?xf32, strided<[{n}, 1], offset: ?>>, %s: f32) {{
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %d = memref.dim %{b}, %c1 : memref<{m}x?xf32, strided<[{n}, 1], offset: ?>>
  %t = memref.alloc(%d) {{alignment = 64 : i64}} : memref<?x{n}xf32>
  scf.for %i = %c0 to %d step %c1 {{
    %{x} = memref.load %{a}[%i, %c0] : memref<{m}x{n}xf32>
    %{y} = memref.load %{b}[%c0, %i] : memref<{m}x?xf32, strided<[{n}, 1], offset: ?>>
    %{z} = arith.maximumf %{x}, %{y} : f32
    memref.store %{z}, %t[%i, %c1] : memref<?x{n}xf32>
  }}
  affine.for %i = 0 to {m} {{
    affine.for %j = 0 to {n} step 2 {{
      %v = affine.load %{a}[%i, %j] : memref<{m}x{n}xf32>
      %w = arith.mulf %v, %s : f32
      affine.store %w, %{a}[%i, %j] : memref<{m}x{n}xf32>
    }}
  }}
  %vec = vector.load %{a}[%c0, %c1] : memref<{m}x{n}xf32>, vector<{v}xf32>
  %sum = vector.fma %vec, %vec, %vec : vector<{v}xf32>
  vector.store %sum, %{a}[%c0, %c1] : memref<{m}x{n}xf32>, vector<{v}xf32>
  memref.dealloc %t : memref<?x{n}xf32>
  func.return
}}
"""
TENSORS = """
func.func @tensors_{id}(%{a}: tensor<{m}x?xf32>, %{b}: tensor<{m}x{n}xf32>) -> tensor<{m}x?xf32> {{
  %c1 = arith.constant 1 : index
  %{x} = arith.constant {f} : f32
  %table = arith.constant dense<[[{f}, 2.0], [{k}.5, 4.0]]> : tensor<2x2xf32>
  %d = tensor.dim %{a}, %c1 : tensor<{m}x?xf32>
  %e = tensor.empty(%d) : tensor<{m}x?xf32>
  %g = linalg.generic {{indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0, d1)>],
      iterator_types = ["parallel", "parallel"]}} ins(%{a} : tensor<{m}x?xf32>) outs(%e : tensor<{m}x?xf32>) {{
  ^bb0(%{y}: f32, %{z}: f32):
    %h = arith.mulf %{y}, %{x} : f32
    %i = arith.addf %h, %{z} : f32
    linalg.yield %i : f32
  }} -> tensor<{m}x?xf32>
  %el = tensor.extract %{b}[%c1, %c1] : tensor<{m}x{n}xf32>
  %in = tensor.insert %el into %{b}[%c1, %c1] : tensor<{m}x{n}xf32>
  %call = func.call @tensors_{id}(%g, %in) : (tensor<{m}x?xf32>, tensor<{m}x{n}xf32>) -> tensor<{m}x?xf32>
  func.return %call : tensor<{m}x?xf32>
}}
"""
LEARNING = """
func.func @learning_{id}(%{a}: tensor<?x{m}xf32>, %{b}: tensor<{m}x{n}xf32>, %bias: tensor<{n}xf32>)
    -> tensor<?x{n}xf32> {{
  %c0 = arith.constant 0 : index
  %{x} = tensor.dim %{a}, %c0 : tensor<?x{m}xf32>
  %{y} = ml.matmul %{a}, %{b} : (tensor<?x{m}xf32>, tensor<{m}x{n}xf32>) -> tensor<?x{n}xf32>
  %w = ml.broadcast_in_dim %bias, dims = [1], sizes(%{x}) : tensor<{n}xf32> to tensor<?x{n}xf32>
  %{z} = ml.add %{y}, %w : tensor<?x{n}xf32>
  %p = ml.relu %{z} : tensor<?x{n}xf32>
  %q = ml.tanh %p : tensor<?x{n}xf32>
  %r = ml.mul %q, %{z} : tensor<?x{n}xf32>
  func.return %r : tensor<?x{n}xf32>
}}
"""
MACHINE = """
llvm.func @machine_{id}(%{a}: !llvm.ptr, %{b}: i64) -> i64 {{
  %{x} = llvm.mlir.constant({k} : i64) : i64
  %{y} = llvm.add %{b}, %{x} : i64
  %{z} = llvm.mul %{y}, %{b} : i64
  %p = llvm.getelementptr %{a}[{k}] : (!llvm.ptr) -> !llvm.ptr, f32
  %v = llvm.load %p : !llvm.ptr -> i64
  %w = llvm.xor %v, %{z} : i64
  %c = llvm.icmp "slt" %w, %{x} : i64
  llvm.store %w, %p : i64, !llvm.ptr
  llvm.return %w : i64
}}
"""
FAMILIES = (SCALARS, BUFFERS, TENSORS, LEARNING, MACHINE)
NAMES = ("a", "b", "x", "y", "z", "p", "q")


def program(rng: random.Random, size: int) -> str:
    """A module of at least `size` characters; names, numbers and shapes are random."""
    parts: list[str] = []
    total = 0
    while total < size:
        names = {name: f"{name}{rng.randrange(10**6)}x" for name in NAMES}
        numbers = {name: rng.randrange(2, 4000) for name in ("k", "m", "n", "v")}
        family = FAMILIES[len(parts) % len(FAMILIES)]
        parts.append(
            family.format(id=f"{len(parts)}_{rng.randrange(10**6)}", f=f"{rng.uniform(0, 9):.6f}", **names, **numbers)
        )
        total += len(parts[-1])
    return "".join(parts)


def generic(text: str) -> str:
    """The same program in generic form."""
    out = StringIO()
    Printer(out, print_generic_format=True).print_op(Parser(context(), text).parse_module())
    return out.getvalue()


def by_weft(text: str) -> ModuleOp:
    """weft's reader, locations and all."""
    return parse_module(text, context(), "program.mlir")


def by_xdsl(text: str) -> ModuleOp:
    """xDSL's parser."""
    return Parser(context(), text, "program.mlir").parse_module()


def seconds(read: Callable[[str], ModuleOp], text: str) -> float:
    """How long it takes to read a text."""
    start = time.perf_counter()
    read(text)
    return time.perf_counter() - start


def main() -> None:
    """Measure, and print a line for each form."""
    arguments = argparse.ArgumentParser(description="read text: weft against xDSL's parser")
    arguments.add_argument("--megabytes", type=float, default=1.0)
    arguments.add_argument("--rounds", type=int, default=5)
    options = arguments.parse_args()
    rng = random.Random()
    size = int(options.megabytes * 1e6)
    for read in (by_weft, by_xdsl):
        read(program(rng, 1))  # loads the dialects and the tables
    print("form      MB   weft s   xDSL s  MB/s (weft)  times faster")
    for form, shape in (("custom", str), ("generic", generic)):
        times: list[tuple[float, float]] = []
        megabytes = 0.0
        for _ in range(options.rounds):
            text = shape(program(rng, size if form == "custom" else size // 2))
            megabytes = len(text) / 1e6
            times.append((seconds(by_weft, text), seconds(by_xdsl, text)))
        ours, theirs = (median(column) for column in zip(*times, strict=True))
        ratio = median(b / a for a, b in times)
        print(f"{form:8} {megabytes:4.1f} {ours:8.2f} {theirs:8.2f} {megabytes / ours:12.2f} {ratio:13.2f}")


if __name__ == "__main__":
    main()
