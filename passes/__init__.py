"""Module in, module out: one pass a file, the file name is the pass name."""
