"""Steps and accesses whose places the body computes: what may move, and what must not."""

from __future__ import annotations

import numpy as np
import pytest
from xdsl.parser import Parser

from tests.passes.loops.steps.test_steps import apply
from weft.backends.reference.program import run
from weft.diagnostics import WeftError
from weft.registry import context


def kernel(body: str):
    """A kernel on places `R`, values `X`, a table `T` and an output `Y`."""
    types = {"R": "8xindex", "X": "8x16xf32", "T": "4x16xf32", "Y": "8x16xf32"}
    args = ", ".join(f'%{name}: memref<{type_}> {{loop.name = "{name}"}}' for name, type_ in types.items())
    for name, type_ in types.items():
        body = body.replace(f": {name}", f": memref<{type_}>")
    module = Parser(
        context(), f"func.func @k({args}) attributes {{loop.kernel}} {{ {body} func.return }}"
    ).parse_module()
    module.verify()
    return module


GATHER = """loop.for "i" %i to 8 { loop.for "j" %j to 16 {
  %r = loop.load %R[%i] : R  %t = loop.gather %T[%r, %j] : T  loop.store %t, %Y[%i, %j] : Y } }"""
SCATTER = """loop.for "i" %i to 8 { loop.for "j" %j to 16 {
  %r = loop.load %R[%i] : R  %t = loop.gather %T[%r, %j] : T  %x = loop.load %X[%i, %j] : X
  %s = arith.addf %t, %x : f32  loop.scatter %s, %T[%r, %j] : T } }"""
LOCAL = """%P = loop.alloc heap "P" : memref<4x16xf32>
  loop.for "p" %p to 4 { loop.for "q" %q to 16 {
    %t = loop.load %T[%p, %q] : T  loop.store %t, %P[%p, %q] : memref<4x16xf32> } }
  loop.for "i" %i to 8 { loop.for "j" %j to 16 {
    %r = loop.load %R[%i] : R  %u = loop.OP %P[%r, %j] : memref<4x16xf32>  loop.store %u, %Y[%i, %j] : Y } }"""
AFTER = """%P = loop.alloc heap "P" : memref<8x16xf32>
  loop.for "i" %i to 8 { loop.for "j" %j to 16 {
    %r = loop.load %R[%i] : R  %t = loop.gather %T[%r, %j] : T  loop.store %t, %P[%i, %j] : memref<8x16xf32> } }
  BETWEEN
  loop.for "a" %a to 8 { loop.for "b" %b to 16 {
    %u = loop.load %P[%a, %b] : memref<8x16xf32>  loop.store %u, %Y[%a, %b] : Y } }"""
WRITTEN = 'loop.for "w" %w to 4 { %x = loop.load %X[%w, 0] : X  loop.store %x, %T[%w, 0] : T }'

REFUSED = [
    (SCATTER, "tile i 2 into (a, b), interchange (b, a)", "touched by several iterations"),
    (SCATTER, "parallelize i", "may touch the same place of 'T'"),
    (SCATTER, "vectorize i 4", "vectoriz|loop 'j'|may touch"),
    (SCATTER, "prefetch T at i", "only the body of 'i' knows where it writes 'T'"),
    (SCATTER, "stage T at i as S in stack", "neither only read nor only reduced"),
    (GATHER, "stage T at i as S in stack", "neither only read nor only reduced"),
    (LOCAL.replace("OP", "gather"), "inline P", "places that only the run knows"),
    (LOCAL.replace("OP", "gather"), "fuse_consumer P", "places that only the run knows"),
    (AFTER.replace("BETWEEN", WRITTEN), "inline P", "'T', which the producer reads, is written"),
]


@pytest.mark.parametrize(("text", "step", "message"), REFUSED, ids=[step for _, step, _ in REFUSED])
def test_a_step_that_would_move_unknown_places_is_refused(text, step, message):
    with pytest.raises(WeftError, match=message):
        apply(kernel(text), step)


TAKEN = [
    (SCATTER, "vectorize j 8"),
    (SCATTER, "tile j 5 into (jo, ji), vectorize ji 4"),
    (SCATTER, "parallelize j"),
    (SCATTER, "interchange (j, i), parallelize j"),
    (GATHER, "interchange (j, i), vectorize i 4"),
    (GATHER, "parallelize i, vectorize j 8"),
    (GATHER, "tile i 3 into (a, b), unroll b"),
    (AFTER.replace("BETWEEN", ""), "inline P"),
    (AFTER.replace("BETWEEN", ""), "fuse_consumer P"),
]


@pytest.mark.parametrize(("text", "steps"), TAKEN, ids=[steps for _, steps in TAKEN])
def test_what_is_known_may_move(text, steps):
    results = []
    for schedule in ("", steps):
        module = kernel(text)
        if schedule:
            apply(module, schedule)
        rng = np.random.default_rng(0)
        table, values = (rng.standard_normal(shape).astype(np.float32) for shape in ((4, 16), (8, 16)))
        out = np.zeros((8, 16), np.float32)
        run(module, "k", [np.array([0, 3, 3, 1, 0, 2, 3, 1]), values, table, out])
        results.append((table, out))
    for found, expected in zip(*results, strict=True):
        np.testing.assert_array_equal(found, expected)
