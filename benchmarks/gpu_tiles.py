"""The schedules of a product with each of the tiles that `choose-gpu-schedule` has for it, to compare them on a GPU."""

from __future__ import annotations

from unittest.mock import patch

from weft.driver.compile import Request, compile_program
from weft.driver.schedules.text import schedules_text
from weft.driver.schedules.watch import Watch
from weft.passes.gpu.plans import products, tensors


def tiles(program: str, target: str = "cuda") -> dict[str, str]:
    """Texts of schedules, as `weft.compile` takes them, by tile: `128x256x64` is 128 rows, 256 columns, 64 deep.

    A program without a product has none; one with several gives the same tile to all.
    """
    found: dict[str, str] = {}
    for plans in (tensors, products):
        for sizes in plans.SIZES:
            watch = Watch()
            with patch.object(plans, "SIZES", (sizes,)):
                compile_program(program, Request(target=target, instruments=(watch,)))
            text = schedules_text(kernel.scheduled() for kernel in watch.living())
            block = sizes.block() if isinstance(sizes, tensors.Sizes) else sizes.block
            if "stage_tile" in text and ("tensorize" in text) == (plans is tensors):
                found[f"{block.rows}x{block.columns}x{block.depth}"] = text
    return found
