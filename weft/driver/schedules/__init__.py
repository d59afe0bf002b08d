"""Schedules as users see them: printed, read from a file, and explained kernel by kernel."""
