"""Reduction: the smallest module that is still interesting, whatever that means to a predicate."""

from weft.driver.reduction.engine import Edit, Reducer, reduce
from weft.driver.reduction.index import REDUCERS

__all__ = ["REDUCERS", "Edit", "Reducer", "reduce"]
