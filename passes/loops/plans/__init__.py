"""The plans of `choose-schedule`, one family of nests a module."""
