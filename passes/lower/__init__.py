"""Down to the `llvm` dialect."""
