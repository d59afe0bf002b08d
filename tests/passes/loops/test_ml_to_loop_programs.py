"""Random ml programs through outline-kernels, bufferize and convert-ml-to-loop mean what they meant."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest
from xdsl.dialects.builtin import ModuleOp, UnknownLoc
from xdsl.dialects.func import FuncOp

from tests.passes.loops.kernels import agree, bits, garbage
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
    loops = program.module.clone()
    for op, copy in zip(program.module.walk(), loops.walk(), strict=True):
        copy.location = op.location
    got = call(lowered(loops), program.args, expected)
    agree(program.module, program.args, got, expected)


@pytest.mark.parametrize("block", range(4))
def test_random_programs_keep_their_meaning(block: int) -> None:
    for seed in range(15 * block, 15 * block + 15):
        check(seed, special=False)


@pytest.mark.long
@pytest.mark.parametrize("block", range(40))
def test_many_random_programs_keep_their_meaning(block: int) -> None:
    for seed in range(1000 + 50 * block, 1050 + 50 * block):
        check(seed, special=False)


def test_a_wrong_result_is_noticed() -> None:
    """The comparison forgives what rounding explains, and nothing else."""
    noticed = 0
    for seed in range(12):
        program = random_program(random.Random(seed), special=False)
        expected = run(program.module, "main", program.args)
        wrong = [_spoiled(np.asarray(value)) for value in expected]
        try:
            agree(program.module, program.args, wrong, expected)
        except AssertionError:
            noticed += 1
    assert noticed >= 10


def _spoiled(value: np.ndarray) -> np.ndarray:
    if value.dtype == np.bool_:
        return ~value
    return (value * value.dtype.type(2) + value.dtype.type(1)).astype(value.dtype)
