"""`expand-long-scans`: a long running reduction is many short ones, and one of their totals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

from xdsl.context import Context
from xdsl.dialects.builtin import DYNAMIC_INDEX, ModuleOp, TensorType
from xdsl.ir import SSAValue
from xdsl.passes import ModulePass

from weft.dialects import ml
from weft.dialects.ml.base import MlOp, tensor_type
from weft.dialects.ml.dtypes import Kind, kind_of, neutral
from weft.dialects.ml.scans import ScanOp
from weft.dialects.walking import inside
from weft.passes.graph.constants import new_constant
from weft.passes.graph.equations.building import put, rounded_once
from weft.passes.graph.worklist import Simplifier
from weft.passes.rewriting import LocatedBuilder

LONG = 2048
"""A shorter scan costs less than the launches that it would be cut into."""

PART = 128
"""How many elements a part has."""

MANY = 1 << 14
"""So many scans side by side keep a GPU busy, and none is cut."""

_COMBINE: dict[str, type[ml.AddOp | ml.MulOp | ml.MaxOp | ml.MinOp]] = {
    "add": ml.AddOp,
    "mul": ml.MulOp,
    "max": ml.MaxOp,
    "min": ml.MinOp,
}


@dataclass(frozen=True)
class ExpandLongScans(ModulePass):
    """Cuts a scan along a long axis into parts of 128 elements: the totals of the parts are scanned, and what comes
    before a part is combined with a scan of the part itself. All parts run at once; long totals are cut again.

    **Before**
    ```mlir
    %y = ml.cumsum %x : tensor<4096xf32>
    ```

    **After**
    ```mlir
    %0 = ml.reshape %x : tensor<4096xf32> to tensor<1x32x128x1xf32>
    %1 = ml.cumsum %0, axis = 2 : tensor<1x32x128x1xf32>
    %2 = ml.reduce add %0, dims = [2] : tensor<1x32x128x1xf32> to tensor<1x32x1xf32>
    %3 = ml.cumsum %2, axis = 1, exclusive : tensor<1x32x1xf32>
    %4 = ml.broadcast_in_dim %3, dims = [0, 1, 3] : tensor<1x32x1xf32> to tensor<1x32x128x1xf32>
    %5 = ml.add %4, %1 : tensor<1x32x128x1xf32>
    %y = ml.reshape %5 : tensor<1x32x128x1xf32> to tensor<4096xf32>
    ```

    An axis that is no multiple of 128 is padded by the neutral element. f16 and bf16 are accumulated in f32, and
    rounded once.

    **Needs** nothing. **Leaves alone** axes of fewer than 2048 elements, or of a size that only the run knows; tensors
    with 16,384 or more scans side by side; products of floats, where a part may overflow that what comes before it
    makes 0; unsigned integers and `i1`.
    """

    name = "expand-long-scans"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Run the pass on a module."""
        if any(isinstance(inner, ScanOp) for inner in inside(op)):
            Simplifier({ScanOp: (_cut,)}).run(op)


def _cut(op: ScanOp, builder: LocatedBuilder) -> list[SSAValue] | None:
    type_ = tensor_type(op.operand)
    shape, kind = type_.get_shape(), kind_of(type_.element_type)
    if kind not in (Kind.FLOAT, Kind.SIGNED) or (kind is Kind.FLOAT and op.KIND == "mul"):
        return None
    if DYNAMIC_INDEX in shape or shape[op.dim] < LONG or prod(shape) // shape[op.dim] >= MANY:
        return None
    return list(rounded_once(_in_parts)(op, builder) or ())


def _in_parts(builder: LocatedBuilder, op: MlOp, operands: Sequence[SSAValue]) -> SSAValue:
    """scan(x) = scan(totals of parts), exclusive, combined with scan(part)"""
    assert isinstance(op, ScanOp)
    (x,) = operands
    element, shape = tensor_type(x).element_type, tensor_type(x).get_shape()
    length = shape[op.dim]
    before, behind = prod(shape[: op.dim]), prod(shape[op.dim + 1 :])
    count = -(-length // PART)
    padded = count * PART
    line = put(builder, ml.ReshapeOp(x, TensorType(element, [before, length, behind])))
    if padded != length:
        nothing = new_constant(builder, neutral(op.KIND, element))
        line = put(builder, ml.PadOp(line, nothing, (0, 0, 0), (0, padded - length, 0)))
    parts = put(builder, ml.ReshapeOp(line, TensorType(element, [before, count, PART, behind])))
    reverse = op.reverse is not None
    own = put(builder, type(op)(parts, 2, exclusive=op.exclusive is not None, reverse=reverse))
    totals = put(builder, ml.ReduceOp.of(op.KIND, parts, [2]))
    earlier = put(builder, type(op)(totals, 1, exclusive=True, reverse=reverse))
    spread = put(builder, ml.BroadcastInDimOp(earlier, [0, 1, 3], tensor_type(own)))
    whole = put(builder, _COMBINE[op.KIND](spread, own))
    line = put(builder, ml.ReshapeOp(whole, TensorType(element, [before, padded, behind])))
    if padded != length:
        line = put(builder, ml.SliceOp(line, [0, 0, 0], [before, length, behind]))
    return put(builder, ml.ReshapeOp(line, TensorType(element, shape)))
