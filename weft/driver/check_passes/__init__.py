"""`--check-passes`: run the module on inputs around every pass, and stop at the first wrong one."""

from weft.driver.check_passes.instrument import CheckPasses
from weft.driver.check_passes.options import CheckOptions

__all__ = ["CheckOptions", "CheckPasses"]
