"""What the rules of core.lark build: one table of actions, from one module a chapter of the grammar."""

from __future__ import annotations

from weft.frontends.mlir.actions import (
    affine,
    attributes,
    common,
    dense,
    locations,
    numbers,
    structure,
    types,
)

ACTIONS = {
    **common.ACTIONS,
    **structure.ACTIONS,
    **types.ACTIONS,
    **numbers.ACTIONS,
    **attributes.ACTIONS,
    **dense.ACTIONS,
    **affine.ACTIONS,
    **locations.ACTIONS,
}
"""The action of each rule (or alias) of core.lark, by its name."""
