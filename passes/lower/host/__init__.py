"""The lowering of host functions (control flow, calls, buffers, scalars) to the llvm dialect."""
