"""What named ops are in smaller ones: one module a family, one function an op."""
