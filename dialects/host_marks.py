"""Marks on the functions of a host, from the pass that knows to the code generator that acts on it."""

COMPUTES = "weft.computes"
"""The attribute of a `func.func` that has loops over memory itself, beside those that became kernels."""

FLAT = "weft.flat"
"""The attribute of such a function whose loops hold no others: a few of their iterations may stand side by side."""

SIMPLIFY = "weft-simplify"
"""The attribute of such a function in LLVM IR: LLVM's simplifications, of loops among others, run on it."""

WRITE_OUT = "weft-write-out"
"""The attribute of a flat one in LLVM IR: LLVM writes out a few iterations of its loops, too."""

INTO = "weft.into."
"""What stands before the name of an entry that is given memory for results whose sizes only the run knows."""
