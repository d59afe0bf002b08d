"""decompose: named ops become smaller ones."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects import tensor
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass

from weft import codes
from weft.diagnostics import WeftError, did_you_mean
from weft.dialects import ml
from weft.dialects.walking import inside
from weft.passes.graph.decompositions import DECOMPOSITIONS, WITHOUT_LOOPS
from weft.passes.graph.dim_identities import dim_of_known, dim_of_made, size_of_known, size_of_made
from weft.passes.graph.worklist import Patterns, Simplifier
from weft.passes.loops.convert_ml_to_loop import has_loops

_SIZES: Patterns = {
    tensor.DimOp: (dim_of_known, dim_of_made),
    ml.GetDimensionSizeOp: (size_of_known, size_of_made),
}
"""Sizes of what the equations make are sizes of what the named op had: else an op between two others asks for one."""


@dataclass(frozen=True)
class Decompose(ModulePass):
    """Replaces the ops named in `ops` by equations of smaller ones; by default those that have no loops of their own.

    f16 and bf16 are computed in f32 and rounded at the end. Equations are exact up to rounding; `gelu` loses
    relative accuracy in its lower tail.

    **Before** `decompose{ops=softmax}`
    ```mlir
    %y = ml.softmax %x, axis = 1 : tensor<4x8xf32>
    ```

    **After**
    ```mlir
    %m = ml.reduce max %x, dims = [1] : tensor<4x8xf32> to tensor<4xf32>
    %0 = ml.broadcast_in_dim %m, dims = [0] : tensor<4xf32> to tensor<4x8xf32>
    %1 = ml.sub %x, %0 : tensor<4x8xf32>
    %e = ml.exp %1 : tensor<4x8xf32>
    %s = ml.reduce add %e, dims = [1] : tensor<4x8xf32> to tensor<4xf32>
    %2 = ml.broadcast_in_dim %s, dims = [0] : tensor<4xf32> to tensor<4x8xf32>
    %y = ml.div %e, %2 : tensor<4x8xf32>
    ```

    **Needs** nothing. **Leaves alone** ops that are not named; by default, softmax and all others that
    `convert-ml-to-loop` takes as they are. Of `rng_bit_generator` with run-time sizes it takes one dimension only;
    others are replaced too. Raises WeftError for a name that has no equation.
    """

    name = "decompose"

    ops: tuple[str, ...] = ()

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Run the pass on a module."""
        patterns = self.patterns()
        if any(type(inner) in patterns for inner in inside(op)):
            Simplifier({**_SIZES, **patterns}).run(op)

    def patterns(self) -> Patterns:
        """The equations of the ops that are asked for. Raises WeftError for an unknown name."""
        if not self.ops:
            plain = {kind: equation for kind, equation in DECOMPOSITIONS.items() if not has_loops(kind)}
            return {kind: (equation,) for kind, equation in (plain | WITHOUT_LOOPS).items()}
        by_name = {kind.name.removeprefix("ml."): kind for kind in DECOMPOSITIONS}
        for name in self.ops:
            if name not in by_name:
                raise WeftError(
                    f"decompose has no equation for '{name}': it has {', '.join(by_name)}",
                    hint=did_you_mean(name, by_name),
                    code=codes.OPTION_VALUE,
                )
        return {by_name[name]: (DECOMPOSITIONS[by_name[name]],) for name in self.ops}
