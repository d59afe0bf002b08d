"""Reverse-mode differentiation: a rule for each op, one module a family, and the walk that applies them.

A rule takes an op and a :class:`~weft.passes.graph.gradients.reverse.Reverse`, which holds the cotangents of the op's
results, and gives the cotangent of each operand, or None where there is none. :mod:`.rules` is the table of all.
"""
