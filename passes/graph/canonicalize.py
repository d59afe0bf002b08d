"""canonicalize: every op in its plainest form."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass
from xdsl.transforms.canonicalization_patterns.arith import FoldConstConstOp, FoldConstsByReassociation

from weft import codes
from weft.diagnostics import WeftError, did_you_mean
from weft.dialects.interfaces import Canonicalizations, interfaces
from weft.passes.graph.blocks import remove_unreachable
from weft.passes.graph.dim_identities import DIM_IDENTITIES
from weft.passes.graph.foreign import checked
from weft.passes.graph.identities import IDENTITIES
from weft.passes.graph.layout_identities import LAYOUT_IDENTITIES
from weft.passes.graph.place_identities import PLACE_IDENTITIES
from weft.passes.graph.worklist import Patterns, Simplifier

REFUSED = (FoldConstConstOp, FoldConstsByReassociation)
"""Patterns of xDSL that fail where a float overflows; the pass `fold` folds floats."""

_TABLES = (IDENTITIES, LAYOUT_IDENTITIES, PLACE_IDENTITIES, DIM_IDENTITIES)

PATTERNS: Patterns = {
    kind: tuple(pattern for table in _TABLES for pattern in table.get(kind, ())) for table in _TABLES for kind in table
}


_REGIONS = ("normal", "aggressive", "disabled")


@dataclass(frozen=True)
class Canonicalize(ModulePass):
    """Applies equations that make a program plainer, and removes what is dead.

    Ours, on ml and tensor: operations with a neutral element, inverses, moves of elements that cancel or join,
    sizes that are known, casts that say nothing. On other dialects: xDSL's canonicalization patterns, and the equations
    that a plug-in's dialect brings (`Canonicalizations`). An equation is applied only where it is exact, so `x + 0.0`
    stays (x may be -0.0) and `x + -0.0` goes.

    **Before**
    ```mlir
    %c0 = arith.constant 0 : index
    %one = ml.constant dense<1.0> : tensor<4x8xf32>
    %0 = ml.mul %x, %one : tensor<4x8xf32>
    %1 = ml.transpose %0, perm = [1, 0] : tensor<4x8xf32> to tensor<8x4xf32>
    %2 = ml.transpose %1, perm = [1, 0] : tensor<8x4xf32> to tensor<4x8xf32>
    %n = tensor.dim %2, %c0 : tensor<4x8xf32>
    ```

    **After** `%2` is `%x` and `%n` is
    ```mlir
    %n = arith.constant 4 : index
    ```

    **Needs** nothing. **Leaves alone** ops with effects, checks of run-time sizes, and constant arithmetic on floats
    (`fold`).
    """

    name = "canonicalize"

    top_down: bool = True
    """Accepted as `mlir-opt` has it: an op is looked at whenever it may have changed, so the order does not matter."""
    max_iterations: int = 10
    """Accepted as `mlir-opt` has it; it always goes on until nothing changes."""
    region_simplify: str = "normal"
    """`disabled` leaves blocks that nothing reaches."""

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Run the pass on a module. Raises :class:`WeftError` for an unknown `region-simplify`."""
        if self.region_simplify not in _REGIONS:
            message = f"region-simplify is {' or '.join(_REGIONS)}, not '{self.region_simplify}'"
            raise WeftError(message, hint=did_you_mean(self.region_simplify, _REGIONS), code=codes.OPTION_VALUE)
        patterns = dict(PATTERNS)
        for brought in interfaces(ctx, op, Canonicalizations):
            for kind, rewrites in brought.rewrites.items():
                patterns[kind] = tuple(map(checked, rewrites))
        simplifier = Simplifier(patterns, foreign=True, refused=REFUSED)
        simplifier.run(op)
        while self.region_simplify != "disabled" and remove_unreachable(op):
            simplifier.run(op)
