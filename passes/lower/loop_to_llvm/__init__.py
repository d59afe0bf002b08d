"""The parts of `convert-loop-to-llvm`: one kernel of loops becomes `llvm` functions."""
