"""Ops of upstream dialects that xDSL lacks, under upstream's names and syntax."""
