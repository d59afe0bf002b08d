"""The `nvvm` dialect: NVIDIA's instructions under upstream's names, a table."""
