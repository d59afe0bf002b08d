"""At every stop of the road the module verifies, prints, reads back (in weft and in xDSL), and knows its lines."""

from __future__ import annotations

import numpy as np
import pytest
from xdsl.dialects.builtin import UnknownLoc
from xdsl.parser import Parser

import weft
from tests.passes.loops.kernels import compare
from tests.road.programs import programs
from weft.driver.passes import run_pipeline
from weft.driver.printing import print_module
from weft.driver.verify import verify
from weft.frontends.mlir import parse_module
from weft.passes.pipelines import STOPS
from weft.registry import context

SMALL = {"784": "31", "512": "17", "4096": "8", "1024": "33", "64": "7", "56": "6", "12": "2"}
"""Sizes of the programs on the page, and sizes that hurt, for running them."""


def shrunk(text: str) -> str:
    for size, small in SMALL.items():
        text = text.replace(f"{size}x", f"{small}x")
    return text


@pytest.mark.parametrize("name", programs())
def test_every_stop_verifies_prints_and_reads_back(name: str) -> None:
    ctx = context()
    module = weft.parse(programs()[name] + "\n")
    for stop, passes in (("text", ()), *STOPS):
        run_pipeline(module, f"builtin.module({','.join(passes)})", verify_each=True)
        verify(module)
        lost = [op.name for op in module.walk() if isinstance(op.location, UnknownLoc)]
        assert not lost, f"{stop}: {lost}"
        for generic in (False, True):
            text = print_module(module, generic=generic)
            ours = parse_module(text, ctx, stop)
            verify(ours)
            assert ours.is_structurally_equivalent(module), f"{stop}: weft reads another module"
            theirs = Parser(ctx, text).parse_module()
            assert theirs.is_structurally_equivalent(module), f"{stop}: xDSL reads another module"


@pytest.mark.parametrize("name", programs())
def test_the_last_stop_is_llvm_and_nothing_else(name: str) -> None:
    module = weft.parse(programs()[name] + "\n")
    for _, passes in STOPS:
        run_pipeline(module, f"builtin.module({','.join(passes)})")
    assert {op.name.partition(".")[0] for op in module.walk()} <= {"builtin", "llvm"}


@pytest.mark.parametrize("name", programs())
def test_a_program_means_the_same_on_the_cpu(name: str) -> None:
    text = shrunk(programs()[name]) + "\n"
    reference = weft.compile(text, "reference")
    rng = np.random.default_rng(0)
    args = [
        rng.standard_normal([5 if d is None else d for d in spec.dims]).astype(spec.numpy_dtype)
        for spec in reference.signature.arguments
    ]
    compare(weft.compile(text)(*args), reference(*args), 1e-5)


def test_the_page_has_the_four_programs() -> None:
    assert [name in programs() for name in ("layer", "softmax", "convolution", "attention")] == [True] * 4
