"""Random ml programs through outline-kernels, bufferize and convert-ml-to-loop mean what they meant."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest
from xdsl.dialects.builtin import ModuleOp, UnknownLoc
from xdsl.dialects.func import FuncOp

from tests.passes.loops.kernels import bits, compare, garbage
from tests.programs import random_program
from weft.backends.reference import run
from weft.registry import context, find_pass

PASSES = ("outline-kernels", "bufferize", "convert-ml-to-loop")


def lowered(module: ModuleOp) -> ModuleOp:
    ctx = context()
    for name in PASSES:
        find_pass(name)().apply(ctx, module)
        module.verify()
    assert not any(isinstance(op.location, UnknownLoc) for op in module.walk() if op is not module)
    return module


def call(module: ModuleOp, args: tuple[Any, ...], expected: tuple[Any, ...]) -> list[np.ndarray]:
    """Run `@main` on buffers: outputs of static sizes are arguments, others are returned."""
    main = next(op for op in module.ops if isinstance(op, FuncOp) and op.sym_name.data == "main")
    outs: dict[int, np.ndarray] = {}
    given = [bits(np.array(arg)) if isinstance(arg, np.ndarray) else arg for arg in args]
    for attributes in main.arg_attrs.data if main.arg_attrs else ():
        if (position := attributes.data.get("weft.out")) is not None:
            number = position.value.data
            outs[number] = garbage(np.asarray(expected[number]))
            given.append(bits(outs[number]))
    results = list(run(module, "main", given))
    return [
        outs[n] if n in outs else np.asarray(results.pop(0)).view(np.asarray(value).dtype)
        for n, value in enumerate(expected)
    ]


def check(seed: int, *, special: bool) -> None:
    program = random_program(random.Random(seed), special=special)
    expected = run(program.module, "main", program.args)
    got = call(lowered(program.module), program.args, expected)
    for result, value in zip(got, expected, strict=True):
        compare(result, np.asarray(value))


@pytest.mark.parametrize("block", range(4))
def test_random_programs_keep_their_meaning(block: int) -> None:
    for seed in range(15 * block, 15 * block + 15):
        check(seed, special=False)


@pytest.mark.long
@pytest.mark.parametrize("block", range(40))
def test_many_random_programs_keep_their_meaning(block: int) -> None:
    for seed in range(1000 + 50 * block, 1050 + 50 * block):
        check(seed, special=False)
