"""NVIDIA GPUs: PTX from the `nvvm` dialect, and the CUDA driver that runs it."""
