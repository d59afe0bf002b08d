"""The `ml` dialect: tensor programs in value semantics."""
