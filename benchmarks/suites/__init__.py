"""The suites: each has `run(options, threads)`, which measures, prints a line a program, and yields figures."""
