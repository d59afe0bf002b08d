"""convert-to-ml: ops and types of other people's dialects become those of ml."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Attribute, Operation
from xdsl.passes import ModulePass

from weft.dialects.interfaces import ToMl, interfaces
from weft.passes.graph.foreign import checked
from weft.passes.graph.replaced_types import ReplacedTypes
from weft.passes.graph.worklist import Pattern, Simplifier


@dataclass(frozen=True)
class ConvertToMl(ModulePass):
    """Applies the lowerings that dialects bring (the interface `ToMl`): first to types, everywhere, then to ops.

    The dialects of weft bring none, so without plug-ins nothing changes.

    **Before**, where a dialect `toy` of a plug-in says that `toy.double` is x + x
    ```
    %y = toy.double %x : tensor<4xf32>
    ```

    **After**
    ```mlir
    %y = ml.add %x, %x : tensor<4xf32>
    ```

    **Needs** nothing. **Leaves alone** ops without a lowering, and those that their lowering does not match.
    """

    name = "convert-to-ml"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Run the pass on a module."""
        lowerings = list(interfaces(ctx, op, ToMl))
        types = {kind: to for lowering in lowerings for kind, to in lowering.types.items()}
        if types:
            ReplacedTypes(partial(_standing_for, types)).convert(op)
        patterns: dict[type[Operation], tuple[Pattern, ...]] = {}
        for lowering in lowerings:
            patterns.update({kind: (checked(pattern),) for kind, pattern in lowering.ops.items()})
        if patterns:
            Simplifier(patterns).run(op)


def _standing_for(types: Mapping[type[Attribute], Any], attribute: Attribute) -> Attribute | None:
    return next((types[kind](attribute) for kind in type(attribute).__mro__ if kind in types), None)
