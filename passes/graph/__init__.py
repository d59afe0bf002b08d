"""Passes on tensor programs (`ml`, `tensor`, `scf`)."""
