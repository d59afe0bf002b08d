"""Text and models in: each frontend ends in a verified module."""
