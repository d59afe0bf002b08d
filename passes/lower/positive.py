"""Values that are known to be positive: steps of loops that a GPU's sizes make."""

from __future__ import annotations

from xdsl.dialects import arith
from xdsl.dialects.builtin import IntegerAttr
from xdsl.ir import SSAValue
from xdsl.utils.hints import isa

from weft.dialects import gpu

_SIZES = (
    gpu.BlockDimOp,
    gpu.GridDimOp,
    gpu.SubgroupSizeOp,
    gpu.NumSubgroupsOp,
    gpu.ClusterDimBlocksOp,
    gpu.ClusterDimOp,
)
_SIZE_LIMIT = 1 << 31
_LIMIT = 1 << 63


def is_positive(value: SSAValue) -> bool:
    """Whether an integer is at least 1, whatever the program is given."""
    return _most(value) is not None


def _most(value: SSAValue) -> int | None:
    """What a positive integer does not exceed; None where it may be below 1, or so large that it wraps."""
    owner = value.owner
    if isinstance(owner, arith.ConstantOp) and isa(owner.value, IntegerAttr):
        number = owner.value.value.data
        return number if number > 0 else None
    if isinstance(owner, _SIZES):
        return _SIZE_LIMIT
    if isinstance(owner, arith.MuliOp | arith.AddiOp):
        a, b = _most(owner.lhs), _most(owner.rhs)
        if a is None or b is None:
            return None
        most = a * b if isinstance(owner, arith.MuliOp) else a + b
        return most if most < _LIMIT else None
    return None
