"""Functions of a `gpu.module` as functions of the llvm dialect with nvvm ops."""
