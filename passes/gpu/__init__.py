"""Kernels for a GPU: loops mapped to blocks and threads, and the way from `gpu` to `nvvm`."""
