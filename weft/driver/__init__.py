"""From a program to something that runs: reading, pipelines, compiling, the cache on disk."""
