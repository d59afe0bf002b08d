"""How many operations on floats a whole program does: its kernels, as often as they are called."""

from __future__ import annotations

from collections.abc import Iterator

from xdsl.dialects.builtin import ModuleOp
from xdsl.dialects.func import CallOp, FuncOp
from xdsl.ir import Operation

from weft.driver.compile import Request, default_threads
from weft.driver.program import Program, drop_unused, find_entry, keep_only, parse
from weft.driver.schedules.cost import cost_of
from weft.passes.loops.kernels import kernels
from weft.passes.pipelines import STOPS


def flops_of(program: Program, request: Request) -> int | None:
    """The operations of one call of a program; None where they depend on the run, or passes were replaced."""
    from weft.driver.host import host_cpu, set_target
    from weft.driver.passes import run_pipeline

    if request.pipeline is not None or request.target != "cpu":
        return None
    module = parse(program)
    if module is program:
        module = module.clone()
    entry = find_entry(module, request.entry)
    keep_only(module, entry)
    drop_unused(module)
    set_target(module, host_cpu(request.threads or default_threads()))
    run_pipeline(module, _to_loops())
    return _flops(module, entry.sym_name.data)


def _to_loops() -> str:
    """The passes up to naive loops with all functions expanded."""
    names = [name for _, passes in STOPS for name in passes]
    return f"builtin.module({','.join(names[: names.index('choose-schedule')])})"


def _flops(module: ModuleOp, entry: str) -> int | None:
    known = {kernel.sym_name.data: cost_of(kernel, {}).flops for kernel in kernels(module)}
    functions = {op.sym_name.data: op for op in module.body.block.ops if isinstance(op, FuncOp)}
    total = 0
    for call in _calls(functions.get(entry)):
        flops = known.get(call.callee.string_value()) if isinstance(call, CallOp) else None
        if flops is None:
            return None
        total += flops
    return total


def _calls(function: FuncOp | None) -> Iterator[Operation]:
    """What a function calls; an op with regions stands for calls that run who knows how often."""
    if function is None:
        return
    blocks = list(function.body.blocks)
    for block in blocks:
        for op in block.ops:
            if (op.regions or len(blocks) > 1) and any(isinstance(inner, CallOp) for inner in op.walk()):
                yield function
            elif isinstance(op, CallOp):
                yield op
