"""Types that stand for others, everywhere in a module."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from xdsl.dialects.builtin import ArrayAttr, DictionaryAttr, ModuleOp
from xdsl.ir import Attribute, ParametrizedAttribute, SSAValue
from xdsl.rewriter import Rewriter


class ReplacedTypes:
    """The replacement of types: in values, and within attributes such as the type of a function.

    `standing_for` gives what stands for an attribute, in which it is asked for again, or None where it stays.
    """

    def __init__(self, standing_for: Callable[[Attribute], Attribute | None]) -> None:
        self._standing_for = standing_for
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
        found = self._standing_for(attribute)
        if found is not None:
            return self.of(found)
        if isinstance(attribute, ParametrizedAttribute):
            parts = [self.of(part) for part in attribute.parameters]
            return attribute if parts == list(attribute.parameters) else type(attribute).new(parts)
        if isinstance(attribute, ArrayAttr):
            items = cast("ArrayAttr[Attribute]", attribute).data
            return ArrayAttr([self.of(item) for item in items])
        if isinstance(attribute, DictionaryAttr):
            return DictionaryAttr({name: self.of(item) for name, item in attribute.data.items()})
        return attribute
