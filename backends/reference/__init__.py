"""What every op means, in NumPy: the oracle."""
