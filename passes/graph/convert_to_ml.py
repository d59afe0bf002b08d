"""convert-to-ml: ops and types of other people's dialects become those of ml."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from xdsl.context import Context
from xdsl.dialects.builtin import ArrayAttr, DictionaryAttr, ModuleOp
from xdsl.ir import Attribute, Operation, ParametrizedAttribute, SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import Rewriter

from weft.dialects.interfaces import ToMl, interfaces
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
            _Types(types).convert(op)
        patterns: dict[type[Operation], tuple[Pattern, ...]] = {}
        for lowering in lowerings:
            patterns.update({kind: (pattern,) for kind, pattern in lowering.ops.items()})
        if patterns:
            Simplifier(patterns).run(op)


class _Types:
    """The replacement of types: in values, and within attributes such as the type of a function."""

    def __init__(self, table: Mapping[type[Attribute], Any]) -> None:
        self._table = table
        self._made: dict[Attribute, Attribute] = {}

    def convert(self, module: ModuleOp) -> None:
        """Replace them in a module."""
        for op in module.walk():
            for values in (op.results, *(block.args for region in op.regions for block in region.blocks)):
                for value in tuple(cast("tuple[SSAValue, ...]", values)):
                    if (type_ := self.of(value.type)) != value.type:
                        Rewriter.replace_value_with_new_type(value, type_)
            for table in (op.properties, op.attributes):
                table.update({name: self.of(attribute) for name, attribute in table.items()})

    def of(self, attribute: Attribute) -> Attribute:
        """What an attribute becomes."""
        if attribute not in self._made:
            self._made[attribute] = self._new(attribute)
        return self._made[attribute]

    def _new(self, attribute: Attribute) -> Attribute:
        for kind in type(attribute).__mro__:
            if kind in self._table:
                return self.of(self._table[kind](attribute))
        if isinstance(attribute, ParametrizedAttribute):
            parts = [self.of(part) for part in attribute.parameters]
            return attribute if parts == list(attribute.parameters) else type(attribute).new(parts)
        if isinstance(attribute, ArrayAttr):
            items = cast("ArrayAttr[Attribute]", attribute).data
            return ArrayAttr([self.of(item) for item in items])
        if isinstance(attribute, DictionaryAttr):
            return DictionaryAttr({name: self.of(item) for name, item in attribute.data.items()})
        return attribute
