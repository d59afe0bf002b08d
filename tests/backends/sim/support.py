"""Kernels as text, run in the simulator."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation

from weft.backends import sim
from weft.backends.sim.findings import Report
from weft.driver.reading import read_module
from weft.registry import context

FILE = "kernel.mlir"

KERNEL = "attributes {gpu.kernel, nvvm.kernel}"


def gpu_module(text: str) -> Operation:
    """The `gpu.module` of a text that is one."""
    module: ModuleOp = read_module(text, context(), FILE)
    found = module.body.block.first_op
    assert found is not None
    return found


def kernel(arguments: str, body: str, around: str = "") -> str:
    """A module with the kernel `@k`, and what stands beside it. The body begins in the text's third line."""
    return (
        f"gpu.module @kernels {{\n  llvm.func @k({arguments}) {KERNEL} {{\n{body}\n    llvm.return\n  }}\n{around}\n}}"
    )


def run(text: str, grid: Sequence[int], block: Sequence[int], *arguments: Any, **options: Any) -> list[Report]:
    """Launch `@k` of a text; what the checker found, with `checked=True`."""
    return sim.launch(gpu_module(text), "k", grid, block, arguments, **options)


def found(reports: Sequence[Report]) -> list[tuple[str, int]]:
    """The kinds and lines of what was found."""
    return [(report.finding.name, report.site.line) for report in reports]


def text_of(reports: Sequence[Report]) -> str:
    """All that was found, as it is printed."""
    return "\n".join(str(report.diagnostic()) for report in reports)


def index(name: str, pointer: str, type_: str, out: str, space: int = 1) -> str:
    """The address of element %name of a pointer."""
    return (
        f"    {out} = llvm.getelementptr {pointer}[{name}] : (!llvm.ptr<{space}>, i32) -> !llvm.ptr<{space}>, {type_}"
    )


TID = "    %t = nvvm.read.ptx.sreg.tid.x : i32"
