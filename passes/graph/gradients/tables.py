"""All rules, one table a family."""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation, SSAValue

from weft.dialects.interfaces import Cotangents, Gradients, ToMl, interfaces
from weft.passes.graph.decompositions import DECOMPOSITIONS
from weft.passes.graph.gradients.choice import CHOICE
from weft.passes.graph.gradients.contraction import CONTRACTION
from weft.passes.graph.gradients.control import WALKS
from weft.passes.graph.gradients.convolution import CONVOLUTION
from weft.passes.graph.gradients.elementwise import ELEMENTWISE
from weft.passes.graph.gradients.indexing import INDEXING
from weft.passes.graph.gradients.reduction import REDUCTION
from weft.passes.graph.gradients.reverse import Tables
from weft.passes.graph.gradients.rule import Here, Rule, Rules
from weft.passes.graph.gradients.scans import SCANS
from weft.passes.graph.gradients.shapes import SHAPES
from weft.passes.graph.gradients.slices import SLICES
from weft.passes.graph.gradients.windows import WINDOWS
from weft.passes.graph.worklist import Pattern

RULES: Rules = {
    **ELEMENTWISE,
    **CHOICE,
    **SHAPES,
    **SLICES,
    **CONTRACTION,
    **REDUCTION,
    **INDEXING,
    **SCANS,
    **WINDOWS,
    **CONVOLUTION,
}


def tables_for(ctx: Context, module: ModuleOp) -> Tables:
    """How the ops of a module are differentiated, those of plug-ins too that bring rules or lowerings."""
    rules = dict(RULES)
    plainer: dict[type[Operation], Pattern] = {**DECOMPOSITIONS}
    for brought in interfaces(ctx, module, ToMl):
        plainer.update(brought.ops)
    for brought in interfaces(ctx, module, Gradients):
        rules.update({kind: _rule_of(cotangents) for kind, cotangents in brought.rules.items()})
    return Tables(rules, WALKS, plainer)


def _rule_of(cotangents: Cotangents) -> Rule:
    """A rule that a plug-in brings, as the walk applies it."""

    def rule(op: Operation, here: Here) -> Sequence[SSAValue | None]:
        return cotangents(op, here.builder, [here.cotangent(result) for result in op.results])

    return rule
