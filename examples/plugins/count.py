"""A pass from outside weft: it counts ops and writes the number on the module."""

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import IntegerAttr, ModuleOp, i64
from xdsl.passes import ModulePass


@dataclass(frozen=True)
class CountOps(ModulePass):
    """Writes how many ops there are whose name begins with `prefix`, as the attribute `count`."""

    name = "count-ops"

    prefix: str = ""

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        number = sum(1 for inner in op.walk() if inner.name.startswith(self.prefix))
        op.attributes["count"] = IntegerAttr(number, i64)


PASSES = (CountOps,)
