"""Tests, mirroring the tree. `tests.programs` makes random programs for all of them."""
