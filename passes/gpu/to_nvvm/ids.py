"""Which thread of which block: ids and sizes as special registers, which are `index` in the `gpu` dialect."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from xdsl.dialects import llvm
from xdsl.dialects.builtin import i32, i64
from xdsl.ir import Operation

from weft.dialects import gpu
from weft.passes.gpu.to_nvvm.function import DeviceFunction
from weft.passes.gpu.to_nvvm.instructions import special_register
from weft.passes.lower.function_builder import Value
from weft.passes.lower.scalar_integers import constant_value

AXES = "xyz"
WARP = 32


def _index(f: DeviceFunction, value: Value) -> Value:
    known = constant_value(value)
    return f.e.cast(llvm.ZExtOp, value, i64) if known is None else f.e.integer(known)


def register(f: DeviceFunction, name: str) -> Value:
    """A special register (i32), read once where the function begins."""
    return f.once(name, lambda: special_register(f.e, name))


def block_dim(f: DeviceFunction, axis: str) -> Value:
    """The number of threads of a block along an axis (i32)."""
    size = f.block_size
    return register(f, f"ntid.{axis}") if size is None else f.e.integer(size[AXES.index(axis)], i32)


def thread_number(f: DeviceFunction) -> Value:
    """The number of a thread in its block, along x first (i32)."""
    e, size = f.e, f.block_size
    if size is not None and size[1:] == (1, 1):
        return register(f, "tid.x")

    def number() -> Value:
        rows = e.add(register(f, "tid.y"), e.mul(block_dim(f, "y"), register(f, "tid.z")))
        return e.add(register(f, "tid.x"), e.mul(block_dim(f, "x"), rows))

    return f.once("thread number", number)


def thread_count(f: DeviceFunction) -> Value:
    """The number of threads of a block (i32)."""
    e, known = f.e, f.block_threads
    if known is not None:
        return e.integer(known, i32)
    return f.once("threads", lambda: e.mul(block_dim(f, "x"), e.mul(block_dim(f, "y"), block_dim(f, "z"))))


def _axis(name: str) -> Any:
    def rule(f: DeviceFunction, op: Any) -> None:
        f.define(op.result, _index(f, register(f, f"{name}.{op.axis}")))

    return rule


def lower_block_dim(f: DeviceFunction, op: gpu.BlockDimOp) -> None:
    """`gpu.block_dim`: a constant where the kernel says what it is launched with."""
    f.define(op.result, _index(f, block_dim(f, op.axis)))


def lower_grid_dim(f: DeviceFunction, op: gpu.GridDimOp) -> None:
    """`gpu.grid_dim`: a constant where the kernel says what it is launched with."""
    known = f.grid_size
    value = register(f, f"nctaid.{op.axis}") if known is None else f.e.integer(known[AXES.index(op.axis)], i32)
    f.define(op.result, _index(f, value))


def lower_global_id(f: DeviceFunction, op: gpu.GlobalIdOp) -> None:
    """`gpu.global_id`: the product is one of 64 bits."""
    e = f.e
    before = e.mul_index(_index(f, register(f, f"ctaid.{op.axis}")), _index(f, block_dim(f, op.axis)))
    f.define(op.result, e.add_index(before, _index(f, register(f, f"tid.{op.axis}"))))


def lower_lane_id(f: DeviceFunction, op: gpu.LaneIdOp) -> None:
    """`gpu.lane_id`."""
    f.define(op.result, _index(f, register(f, "laneid")))


def lower_subgroup_id(f: DeviceFunction, op: gpu.SubgroupIdOp) -> None:
    """`gpu.subgroup_id`."""
    e = f.e
    f.define(op.result, _index(f, e.lshr(thread_number(f), e.integer(WARP.bit_length() - 1, i32))))


def lower_num_subgroups(f: DeviceFunction, op: gpu.NumSubgroupsOp) -> None:
    """`gpu.num_subgroups`."""
    e = f.e
    raised = e.add(thread_count(f), e.integer(WARP - 1, i32))
    f.define(op.result, _index(f, e.lshr(raised, e.integer(WARP.bit_length() - 1, i32))))


def lower_subgroup_size(f: DeviceFunction, op: gpu.SubgroupSizeOp) -> None:
    """`gpu.subgroup_size`."""
    f.define(op.result, f.e.integer(WARP))


ID_RULES: Mapping[type[Operation], Any] = {
    gpu.ThreadIdOp: _axis("tid"),
    gpu.BlockIdOp: _axis("ctaid"),
    gpu.ClusterIdOp: _axis("clusterid"),
    gpu.ClusterDimOp: _axis("nclusterid"),
    gpu.ClusterBlockIdOp: _axis("cluster.ctaid"),
    gpu.ClusterDimBlocksOp: _axis("cluster.nctaid"),
    gpu.BlockDimOp: lower_block_dim,
    gpu.GridDimOp: lower_grid_dim,
    gpu.GlobalIdOp: lower_global_id,
    gpu.LaneIdOp: lower_lane_id,
    gpu.SubgroupIdOp: lower_subgroup_id,
    gpu.NumSubgroupsOp: lower_num_subgroups,
    gpu.SubgroupSizeOp: lower_subgroup_size,
}
"""Ids and sizes."""
