"""Every reducer, in the order in which they are tried: what takes away most comes first."""

from __future__ import annotations

from weft.driver.reduction.arguments import drop_arguments, join_arguments
from weft.driver.reduction.attributes import drop_attributes, simplify_attributes
from weft.driver.reduction.blocks import drop_blocks, join_blocks, take_one_branch
from weft.driver.reduction.carried import drop_carried
from weft.driver.reduction.constants import simplify_constants
from weft.driver.reduction.functions import drop_bodies, drop_symbols
from weft.driver.reduction.operands import drop_operands
from weft.driver.reduction.ops import argue, erase_unused, forward, make_constant
from weft.driver.reduction.regions import drop_regions, inline_regions
from weft.driver.reduction.results import drop_results
from weft.driver.reduction.shapes import drop_dimensions, shrink_dimensions
from weft.driver.reduction.types import simplify_element_types

REDUCERS = (
    drop_symbols,
    drop_bodies,
    erase_unused,
    drop_results,
    forward,
    argue,
    make_constant,
    take_one_branch,
    drop_blocks,
    join_blocks,
    inline_regions,
    drop_regions,
    drop_carried,
    drop_operands,
    drop_arguments,
    join_arguments,
    drop_attributes,
    simplify_attributes,
    shrink_dimensions,
    drop_dimensions,
    simplify_constants,
    simplify_element_types,
)
