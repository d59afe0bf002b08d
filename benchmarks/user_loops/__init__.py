"""Loops that a user might write: affine and scf text on memrefs, and the same loops in Python."""
