"""What `weft run --explain` watches: the passes, then the kernels as they run."""

from __future__ import annotations

from weft.dialects.target import Cpu
from weft.driver.schedules.profile import Profile
from weft.driver.schedules.watch import Watch


class Story:
    """An instrument for the passes and a profile for the run, and the report of both."""

    def __init__(self) -> None:
        self.watch = Watch(refusals=True)
        self.profile = Profile()

    def told(self) -> str:
        """The report: on a CPU with the times of kernels, beside what this machine reaches."""
        from weft.driver.schedules.ceiling import measured
        from weft.driver.schedules.report import explain

        target = self.watch.target
        if isinstance(target, Cpu):
            return explain(self.watch.living(), measured(target), self.profile.laps())
        return explain(self.watch.living(), target)
