"""Barriers: of a block, of a warp, of a cluster."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from xdsl.dialects.builtin import i32, i64
from xdsl.ir import SSAValue

from weft.backends.sim.emit import ORDER, Emitter
from weft.backends.sim.layout import State
from weft.backends.sim.meanings.base import Meaning, optional
from weft.dialects.nvvm.instruction import NvvmOp


def _barrier(emit: Emitter, op: NvvmOp) -> Sequence[SSAValue]:
    named = op.name == "nvvm.barrier"
    number = optional(emit, op, "barrierId", 0) if named else emit.number(0)
    threads = optional(emit, op, "numberOfThreads", 0) if named else emit.number(0)
    emit.wait(State.BARRIER, number, threads)
    return []


def _arrive(emit: Emitter, op: NvvmOp) -> Sequence[SSAValue]:
    emit.do("weft_sim_barrier_arrive", optional(emit, op, "barrierId", 0))
    return []


def _of_warp(emit: Emitter, op: NvvmOp) -> Sequence[SSAValue]:
    emit.with_warp(op.operands[0], ORDER)
    return []


def _cluster_arrive(emit: Emitter, op: NvvmOp) -> Sequence[SSAValue]:
    emit.call("weft_sim_cluster_arrive", i64)
    return []


def _cluster_wait(emit: Emitter, op: NvvmOp) -> Sequence[SSAValue]:
    emit.wait(State.CLUSTER, emit.call("weft_sim_cluster_token", i64), emit.number(0, i32))
    return []


def _fence(emit: Emitter, op: NvvmOp) -> Sequence[SSAValue]:
    emit.do("weft_sim_fence")
    return []


BARRIERS: Mapping[str, Meaning] = {
    "barrier": Meaning(_barrier, True),
    "barrier.arrive": Meaning(_arrive),
    "warp": Meaning(_of_warp, True),
    "cluster.arrive": Meaning(_cluster_arrive),
    "cluster.wait": Meaning(_cluster_wait, True),
    "fence": Meaning(_fence),
}
"""By the meaning's name."""
