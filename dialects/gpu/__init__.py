"""The `gpu` dialect: upstream's ops in upstream's syntax, and what newer chips need."""
