"""How fast this machine is: what one thread computes, and what goes between memory and all threads, measured."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from functools import cache

import numpy as np

from weft.dialects.target import Cpu
from weft.driver.compile import Request, compile_program

_ROUNDS = 4096

_FLOATS = 1 << 24
"""Twice 64 MB: more than caches hold."""


def measured(cpu: Cpu) -> Cpu:
    """A CPU that is this machine, with what it reaches in place of what is assumed."""
    gflops, gbytes = _peak(cpu.vector_bytes // 4, cpu.vector_registers * 3 // 4), _bandwidth(cpu.threads)
    return replace(cpu, gflops=gflops, gbytes=gbytes)


@cache
def _peak(lanes: int, sums: int) -> int:
    """Billions of operations on f32 a second of one thread: independent sums in registers, fused multiply-adds."""
    tile, line = f"memref<{sums}x{lanes}xf32>", f"memref<{lanes}xf32>"
    program = f"""
func.func @main(%x: {line}, %y: {tile}) {{
  func.call @peak(%x, %y) : ({line}, {tile}) -> ()
  func.return
}}
func.func private @peak(%x: {line} {{loop.name = "x"}}, %y: {tile} {{loop.name = "y"}})
    attributes {{loop.kernel, loop.schedule = #loop.schedule<unroll i>}} {{
  %zero = arith.constant 0.0 : f32
  %t = loop.alloc reg "t" : {tile}
  loop.for "f" %f to {sums} unroll {{ loop.for "g" %g to {lanes} vector({lanes}) {{
    loop.store %zero, %t[%f, %g] : {tile} }} }}
  loop.for "n" %n to {_ROUNDS} {{ loop.for "i" %i to {sums} unroll {{ loop.for "l" %l to {lanes} vector({lanes}) {{
    %a = loop.load %x[%l] : {line}
    %p = arith.mulf %a, %a : f32
    loop.reduce add %p into %t[%i, %l] : {tile} }} }} }}
  loop.for "o" %o to {sums} unroll {{ loop.for "q" %q to {lanes} vector({lanes}) {{
    %v = loop.load %t[%o, %q] : {tile}
    loop.store %v, %y[%o, %q] : {tile} }} }}
  func.return
}}
"""
    x, y = np.ones(lanes, np.float32), np.zeros((sums, lanes), np.float32)
    run = compile_program(program, Request(threads=1))
    return max(1, round(2 * sums * lanes * _ROUNDS / _best(lambda: run(x, y), 50) / 1e9))


@cache
def _bandwidth(threads: int) -> int:
    """Billions of bytes a second that threads read and write, when an array is negated that fits into no cache."""
    type_ = f"tensor<{_FLOATS}xf32>"
    program = (
        f"func.func @main(%x: {type_}) -> {type_} {{\n  %y = ml.neg %x : {type_}\n  func.return %y : {type_}\n}}\n"
    )
    run = compile_program(program, Request(threads=threads))
    x, y = np.ones(_FLOATS, np.float32), np.ones(_FLOATS, np.float32)
    return max(1, round(2 * x.nbytes / _best(lambda: run(x, out=y), 5) / 1e9))


def _best(run: Callable[[], object], times: int) -> float:
    """The least time of some calls, in seconds."""
    run()
    least = float("inf")
    for _ in range(times):
        start = time.perf_counter()
        run()
        least = min(least, time.perf_counter() - start)
    return least
