"""The places in the program that the simulator's code names by number."""

from __future__ import annotations

from dataclasses import dataclass, field

from xdsl.ir import Operation

from weft.backends.sim.record import Site
from weft.dialects.locations import where


@dataclass
class Sites:
    """Every place that was asked for, by number."""

    all: list[Site] = field(default_factory=list[Site])
    _numbers: dict[Site, int] = field(default_factory=dict[Site, int])

    def of(self, op: Operation) -> int:
        """The number of an op's place. Ops of one name that come from one place share it."""
        place = where(op)
        site = Site(place.file, place.line, place.column, op.name)
        number = self._numbers.get(site)
        if number is None:
            number = self._numbers[site] = len(self.all)
            self.all.append(site)
        return number
