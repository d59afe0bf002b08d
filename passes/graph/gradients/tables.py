"""All rules, one table a family."""

from __future__ import annotations

from weft.passes.graph.gradients.choice import CHOICE
from weft.passes.graph.gradients.contraction import CONTRACTION
from weft.passes.graph.gradients.control import WALKS
from weft.passes.graph.gradients.convolution import CONVOLUTION
from weft.passes.graph.gradients.elementwise import ELEMENTWISE
from weft.passes.graph.gradients.indexing import INDEXING
from weft.passes.graph.gradients.reduction import REDUCTION
from weft.passes.graph.gradients.reverse import Tables
from weft.passes.graph.gradients.rule import Rules
from weft.passes.graph.gradients.shapes import SHAPES
from weft.passes.graph.gradients.slices import SLICES
from weft.passes.graph.gradients.windows import WINDOWS

RULES: Rules = {
    **ELEMENTWISE,
    **CHOICE,
    **SHAPES,
    **SLICES,
    **CONTRACTION,
    **REDUCTION,
    **INDEXING,
    **WINDOWS,
    **CONVOLUTION,
}

GRADIENTS = Tables(RULES, WALKS)
"""How the ops that weft knows are differentiated."""
