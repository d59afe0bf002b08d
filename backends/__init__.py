"""Code out: each backend takes the last dialects of the road and makes something that runs."""
