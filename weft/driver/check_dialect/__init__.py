"""Checks of a dialect that are made from its op definitions alone: `weft check-dialect`."""

from weft.driver.check_dialect.check import Finding, Report, check_dialect

__all__ = ["Finding", "Report", "check_dialect"]
