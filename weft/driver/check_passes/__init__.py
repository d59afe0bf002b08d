"""`--check-passes`: run the module on made-up inputs around every pass, and stop at the first wrong one."""

from weft.driver.check_passes.instrument import CheckPasses

__all__ = ["CheckPasses"]
