"""The steps of a schedule, one a file; each is a pass of its own, and `apply-schedule` runs them from text."""
