"""The vocabulary: ops, types and attributes, their verifiers and shape rules. No rewriting here."""
