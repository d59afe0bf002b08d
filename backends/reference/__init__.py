"""What every op means, in NumPy: the oracle."""

from weft.backends.reference.program import Program, load, run

__all__ = ["Program", "load", "run"]
