"""Special registers: who a thread is, how large the grid is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from xdsl.dialects.builtin import i32, i64
from xdsl.ir import SSAValue

from weft.backends.sim.emit import Emitter
from weft.backends.sim.meanings.base import Meaning, as_result
from weft.dialects.nvvm.instruction import NvvmOp


def _read(function: str, *numbers: int) -> Meaning:
    def write(emit: Emitter, op: NvvmOp) -> Sequence[SSAValue]:
        return [as_result(emit, emit.call(function, i32, *(emit.number(n) for n in numbers)), op)]

    return Meaning(write)


def _constant(value: int) -> Meaning:
    return Meaning(lambda emit, op: [as_result(emit, emit.number(value), op)])


def _time(emit: Emitter, op: NvvmOp) -> Sequence[SSAValue]:
    ticks = emit.call("weft.ticks", i64)
    return [emit.narrow(ticks, i32) if op.results[0].type == i32 else ticks]


_BY_AXIS = {
    "tid": "weft.thread_id",
    "ntid": "weft.block_size",
    "ctaid": "weft.block_id",
    "nctaid": "weft.grid_size",
    "clusterid": "weft.cluster_id",
    "nclusterid": "weft.clusters_in_grid",
    "cluster.ctaid": "weft.place_in_cluster",
    "cluster.nctaid": "weft.cluster_size",
}

REGISTERS: Mapping[str, Meaning] = {
    f"nvvm.read.ptx.sreg.{name}": meaning
    for name, meaning in (
        *((f"{name}.{axis}", _read(f, n)) for name, f in _BY_AXIS.items() for n, axis in enumerate("xyz")),
        ("laneid", _read("weft.lane")),
        ("warpid", _read("weft.warp")),
        ("warpsize", _constant(32)),
        ("smid", _constant(0)),
        ("cluster.ctarank", _read("weft.rank_in_cluster")),
        ("cluster.nctarank", _read("weft.blocks_in_cluster")),
        ("dynamic_smem_size", _read("weft.dynamic_bytes")),
        ("clock", Meaning(_time)),
        ("clock64", Meaning(_time)),
        ("globaltimer", Meaning(_time)),
    )
}
"""Reading a special register, by the op's name."""
