"""One contraction written as ml.matmul, as ml.dot_general, as linalg.generic and as affine loops: the same time."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator
from typing import Any

import numpy as np
from measure import Call, aligned, error, in_turns
from rows import uniform

import weft

SIZES = ((64, 64, 64), (256, 256, 256), (512, 512, 512), (1000, 777, 333), (1, 1024, 1024), (16, 2048, 512))

GOAL = 1.15
"""The slowest spelling over the fastest one."""


def texts(m: int, n: int, k: int) -> dict[str, str]:
    """The programs, by how they are written. Those on buffers take the result as their last argument."""
    a, b, c = (f"{x}x{y}xf32" for x, y in ((m, k), (k, n), (m, n)))
    tensors = f"(%a: tensor<{a}>, %b: tensor<{b}>) -> tensor<{c}>"
    signature = f"(tensor<{a}>, tensor<{b}>) -> tensor<{c}>"
    memrefs = f"(%a: memref<{a}>, %b: memref<{b}>, %c: memref<{c}>)"
    return {
        "ml.matmul": f"""func.func @main{tensors} {{
  %r = ml.matmul %a, %b : {signature}
  func.return %r : tensor<{c}>
}}
""",
        "ml.dot_general": f"""func.func @main{tensors} {{
  %r = ml.dot_general %a, %b, contract = [1] x [0] : {signature}
  func.return %r : tensor<{c}>
}}
""",
        "linalg.generic": f"""#a = affine_map<(i, j, k) -> (i, k)>
#b = affine_map<(i, j, k) -> (k, j)>
#c = affine_map<(i, j, k) -> (i, j)>
func.func @main{memrefs} {{
  %zero = arith.constant 0.0 : f32
  linalg.fill ins(%zero : f32) outs(%c : memref<{c}>)
  linalg.generic {{indexing_maps = [#a, #b, #c], iterator_types = ["parallel", "parallel", "reduction"]}}
      ins(%a, %b : memref<{a}>, memref<{b}>) outs(%c : memref<{c}>) {{
  ^bb0(%x: f32, %y: f32, %s: f32):
    %p = arith.mulf %x, %y fastmath<reassoc> : f32
    %t = arith.addf %s, %p fastmath<reassoc> : f32
    linalg.yield %t : f32
  }}
  func.return
}}
""",
        "affine loops": f"""func.func @main{memrefs} {{
  %zero = arith.constant 0.0 : f32
  affine.for %i = 0 to {m} {{
    affine.for %j = 0 to {n} {{
      affine.store %zero, %c[%i, %j] : memref<{c}>
      affine.for %k = 0 to {k} {{
        %x = affine.load %a[%i, %k] : memref<{a}>
        %y = affine.load %b[%k, %j] : memref<{b}>
        %s = affine.load %c[%i, %j] : memref<{c}>
        %p = arith.mulf %x, %y fastmath<reassoc> : f32
        %t = arith.addf %s, %p fastmath<reassoc> : f32
        affine.store %t, %c[%i, %j] : memref<{c}>
      }}
    }}
  }}
  func.return
}}
""",
    }


def run(options: Namespace, threads: int) -> Iterator[dict[str, Any]]:
    """Measure every size in every spelling."""
    for m, n, k in SIZES:
        name = f"contraction {m}x{n}x{k}"
        if options.rows and not any(word in name for word in options.rows):
            continue
        a, b = uniform((m, k), 100), uniform((k, n), 101)
        wanted = a.astype(np.float64) @ b.astype(np.float64)
        calls: dict[str, Call] = {}
        for how, text in texts(m, n, k).items():
            out = aligned((m, n))
            statement = "f(a, b, out=o)" if how.startswith("ml.") else "f(a, b, o)"
            names = {"f": weft.compile(text, threads=threads), "a": a, "b": b, "o": out}
            calls[how] = Call(statement, names, lambda out=out: out)
            assert error(calls[how].run(), wanted) < 2e-5, how
        timed = in_turns(calls, options.plan, keep=tuple(calls))
        times = {how: t.seconds for how, t in timed.items()}
        spread = max(times.values()) / min(times.values())
        rest = ", ".join(f"{how} {t * 1e6:.1f} us" for how, t in times.items())
        print(f"{name:36} spread {spread:5.2f}  goal {GOAL} {'ok' if spread <= GOAL else 'MISS'}  [{rest}]", flush=True)
        yield {"name": name, "goal": GOAL, "times": times, "spread": spread}
