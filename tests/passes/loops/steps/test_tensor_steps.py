"""The steps for tensor cores: tiles in shared memory, nests that a warp does at once, pipelines."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from xdsl.parser import Parser

from weft.backends.reference.program import run
from weft.diagnostics import WeftError
from weft.dialects.loop import AllocOp, ForOp, IfOp
from weft.passes.loops.apply_schedule import pass_of
from weft.passes.loops.kernels import kernels
from weft.registry import context

SQUARE = (Path(__file__).parents[4] / "examples" / "kernels" / "square.mlir").read_text()
STAGED = """stage y at b as s in reg, stage_tile x at kb as xs in shared swizzle 2,
    stage_tile w at kb as ws in shared swizzle 2"""


def after(steps: str, text: str = SQUARE):
    module = Parser(context(), text).parse_module()
    schedule = Parser(context(), f"#loop.schedule<{steps}>").parse_attribute()
    for step in schedule.data:
        pass_of(step).run(next(kernels(module)))
        module.verify()
    return module


def product(module):
    rng = np.random.default_rng(1)
    x, w = (rng.integers(-4, 4, shape).astype(np.float16) for shape in ((16, 40), (40, 16)))
    y = np.zeros((16, 16), np.float32)
    run(module, "square", [x, w, y])
    return y, x.astype(np.float32) @ w.astype(np.float32)


@pytest.mark.parametrize(
    "steps",
    [
        f"{STAGED}, pad kk, tensorize ih, tile xs.1 8 into (xo, xv), vectorize xv 8, map xo to thread, pipeline kb 2",
        "stage_tile x at kb as xs in stack, tile xs.1 5 into (xo, xv)",
    ],
)
def test_the_loops_mean_what_they_did(steps):
    got, want = product(after(steps))
    assert (got == want).all()


def test_a_tile_has_the_shape_of_the_buffer_and_zeros_beyond_it():
    module = after("stage_tile x at kb as xs in shared swizzle 2")
    alloc = next(op for op in module.walk() if isinstance(op, AllocOp))
    assert str(alloc.result.type) == "memref<16x16xf16>" and alloc.swizzle is not None
    guards = [op for op in module.walk() if isinstance(op, IfOp)]
    assert len(guards) == 1 and guards[0].other.block.first_op is not None


def test_a_condition_that_all_lanes_share_loses_their_counter():
    module = after("stage_tile x at kb as xs in shared, tile xs.1 8 into (xo, xv), vectorize xv 8")
    guard = next(op for op in module.walk() if isinstance(op, IfOp))
    lanes = next(op for op in module.walk() if isinstance(op, ForOp) and op.kind() == "vector")
    assert guard.condition().constant == 32 and lanes.counter not in guard.counters


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        ("stage_tile y at kb as ys in shared", "not only read inside 'kb'"),
        ("stage_tile x at kk as xs in stack", "no loop inside 'kk' moves 'x'"),
        ("stage_tile x at kb as xs in reg swizzle 2", "a swizzle is for 'shared'"),
        ("stage_tile x at kb as xs in shared swizzle 4", "a swizzle of 4 needs rows of 4 pieces"),
        ("stage_tile x at kb as xs in shared swizzle 3", "in groups of 2, 4 or 8, not 3"),
        ("stage_tile x at b as xs in somewhere", "'somewhere' is no space to stage in"),
        ("tensorize kb", "starts no nest of two loops of rows"),
        (f"{STAGED}, tensorize ih", "'kk' should run 16 times, whatever the sizes are; pad it"),
        ("stage_tile x at kb as xs in shared, stage_tile w at kb as ws in shared, pad kk", "reduced over 'kk'"),
        ("stage_tile x at kb as xs in shared, stage y at b as s in reg, pad kk", "'kk' would reach beyond 'w'"),
        (f"{STAGED}, pad kk, unroll ig, tensorize ih", "'ig' should be mapped to 'thread'"),
        ("pipeline kb 3", "an iteration of 'kb' has no buffer in 'shared'"),
        (f"{STAGED}, pipeline kb 1", "a pipeline has 2 to 8 stages"),
    ],
)
def test_a_step_is_refused_in_one_sentence(steps, message):
    with pytest.raises(WeftError, match=re.escape(message)):
        after(steps)


def test_a_sum_is_padded_over_zeros_only():
    """A tile whose other rows hold what was there before is no tile of zeros."""
    module = after(STAGED)
    guards = [op for op in module.walk() if isinstance(op, IfOp)]
    for guard in guards[:1]:
        guard.set_forms([guard.condition() + 16])
    schedule = Parser(context(), "#loop.schedule<pad kk>").parse_attribute()
    with pytest.raises(WeftError, match="would write places of 's' that are not its own"):
        pass_of(schedule.data[0]).run(next(kernels(module)))
