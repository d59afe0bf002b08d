"""Machine code in this process: the JIT, its calling convention and its threads."""
