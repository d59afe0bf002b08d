"""Marks on the functions of a host, from the pass that knows to the code generator that acts on it."""

COMPUTES = "weft.computes"
"""The attribute of a `func.func` that has loops over memory itself, beside those that became kernels."""

SIMPLIFY = "weft-simplify"
"""The attribute of such a function in LLVM IR: LLVM's simplifications, of loops among others, run on it."""
