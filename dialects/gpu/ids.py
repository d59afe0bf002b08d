"""Ids and sizes: which thread of which block a kernel's code runs in.

Each takes an `upper_bound` that its result stays below (or, for a size, does not exceed).
"""

from __future__ import annotations

from xdsl.dialects.builtin import IndexType, IntegerAttr
from xdsl.irdl import IRDLOperation, irdl_op_definition, opt_prop_def, prop_def, result_def, traits_def
from xdsl.traits import Pure

from weft.dialects.gpu.attributes import DimensionAttr

_BOUND = IntegerAttr.constr(IndexType())


def _bound(value: int | None) -> IntegerAttr | None:
    return None if value is None else IntegerAttr.from_index_int_value(value)


class AxisOp(IRDLOperation):
    """An index along an axis of the grid or block."""

    dimension = prop_def(DimensionAttr)
    upper_bound = opt_prop_def(_BOUND)
    result = result_def(IndexType)

    traits = traits_def(Pure())
    assembly_format = "$dimension (`upper_bound` $upper_bound^)? attr-dict"

    def __init__(self, axis: str, upper_bound: int | None = None) -> None:
        super().__init__(
            result_types=[IndexType()],
            properties={"dimension": DimensionAttr(axis), "upper_bound": _bound(upper_bound)},
        )

    @property
    def axis(self) -> str:
        """The axis: x, y or z."""
        return self.dimension.data


@irdl_op_definition
class ThreadIdOp(AxisOp):
    """The number of a thread in its block.

    ```mlir
    %t = gpu.thread_id x
    ```
    """

    name = "gpu.thread_id"


@irdl_op_definition
class BlockIdOp(AxisOp):
    """The number of a block in the grid.

    ```mlir
    %b = gpu.block_id y upper_bound 128
    ```
    """

    name = "gpu.block_id"


@irdl_op_definition
class BlockDimOp(AxisOp):
    """The number of threads of a block.

    ```mlir
    %n = gpu.block_dim x
    ```
    """

    name = "gpu.block_dim"


@irdl_op_definition
class GridDimOp(AxisOp):
    """The number of blocks of the grid.

    ```mlir
    %n = gpu.grid_dim x
    ```
    """

    name = "gpu.grid_dim"


@irdl_op_definition
class GlobalIdOp(AxisOp):
    """The number of a thread in the grid: `block_id * block_dim + thread_id`.

    ```mlir
    %i = gpu.global_id x
    ```
    """

    name = "gpu.global_id"


@irdl_op_definition
class ClusterIdOp(AxisOp):
    """The number of a cluster in the grid.

    ```mlir
    %c = gpu.cluster_id x
    ```
    """

    name = "gpu.cluster_id"


@irdl_op_definition
class ClusterDimOp(AxisOp):
    """The number of clusters of the grid.

    ```mlir
    %n = gpu.cluster_dim x
    ```
    """

    name = "gpu.cluster_dim"


@irdl_op_definition
class ClusterBlockIdOp(AxisOp):
    """The number of a block in its cluster.

    ```mlir
    %b = gpu.cluster_block_id x
    ```
    """

    name = "gpu.cluster_block_id"


@irdl_op_definition
class ClusterDimBlocksOp(AxisOp):
    """The number of blocks of a cluster.

    ```mlir
    %n = gpu.cluster_dim_blocks x
    ```
    """

    name = "gpu.cluster_dim_blocks"


class _WarpIndexOp(IRDLOperation):
    upper_bound = opt_prop_def(_BOUND)
    result = result_def(IndexType)

    traits = traits_def(Pure())

    def __init__(self, upper_bound: int | None = None) -> None:
        super().__init__(result_types=[IndexType()], properties={"upper_bound": _bound(upper_bound)})


@irdl_op_definition
class LaneIdOp(_WarpIndexOp):
    """The number of a thread in its warp.

    ```mlir
    %l = gpu.lane_id
    ```
    """

    name = "gpu.lane_id"
    assembly_format = "(`upper_bound` $upper_bound^)? attr-dict"


@irdl_op_definition
class SubgroupIdOp(_WarpIndexOp):
    """The number of a warp in its block.

    ```mlir
    %w = gpu.subgroup_id : index
    ```
    """

    name = "gpu.subgroup_id"
    assembly_format = "(`upper_bound` $upper_bound^)? attr-dict `:` type($result)"


@irdl_op_definition
class NumSubgroupsOp(_WarpIndexOp):
    """The number of warps of a block, the last of which may have threads missing.

    ```mlir
    %n = gpu.num_subgroups : index
    ```
    """

    name = "gpu.num_subgroups"
    assembly_format = "(`upper_bound` $upper_bound^)? attr-dict `:` type($result)"


@irdl_op_definition
class SubgroupSizeOp(_WarpIndexOp):
    """The number of threads of a warp: 32 on NVIDIA's GPUs.

    ```mlir
    %n = gpu.subgroup_size : index
    ```
    """

    name = "gpu.subgroup_size"
    assembly_format = "(`upper_bound` $upper_bound^)? attr-dict `:` type($result)"


OPS: tuple[type[IRDLOperation], ...] = (
    BlockDimOp,
    BlockIdOp,
    ClusterBlockIdOp,
    ClusterDimBlocksOp,
    ClusterDimOp,
    ClusterIdOp,
    GlobalIdOp,
    GridDimOp,
    LaneIdOp,
    NumSubgroupsOp,
    SubgroupIdOp,
    SubgroupSizeOp,
    ThreadIdOp,
)
