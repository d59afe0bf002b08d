"""From the `llvm` dialect to LLVM IR text and object code."""
