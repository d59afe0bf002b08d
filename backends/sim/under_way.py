"""Bulk copies that are under way in a cluster.

Everything happens as late as it may: a copy to shared memory when nobody can go on without, one out of it when its
group is waited for. A program that forgets to wait finds memory as it was before.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from weft.backends.sim.agents import Addresses, Agent, gathered, run_time, scattered
from weft.backends.sim.layout import Finding, address_of

if TYPE_CHECKING:
    from weft.backends.sim.launching import Stage


@dataclass(frozen=True)
class Load:
    """A copy to shared memory that is under way: for each block that gets it, its elements' places and its mbarrier."""

    there: Addresses
    width: int
    goals: tuple[tuple[Addresses, int, int], ...]
    """Places, mbarrier, and the time of its agent."""

    def arrive(self, stage: Stage) -> None:
        """Make it."""
        values = gathered(self.there, self.width)
        for here, barrier, clock in self.goals:
            if here.size:
                scattered(here, values)
            run_time("weft_sim_delivered")(address_of(stage.launch), barrier, values.size, clock)


@dataclass(frozen=True)
class Store:
    """A copy out of shared memory that is under way."""

    here: Addresses
    there: Addresses
    width: int
    reads: Agent
    writes: Agent
    site: int

    def arrive(self) -> None:
        """Make it."""
        scattered(self.there, gathered(self.here, self.width))

    def waited(self, stage: Stage, thread: int, *, reads_only: bool) -> None:
        """A thread has waited for it, or for what it reads."""
        for agent in (self.reads,) if reads_only else (self.reads, self.writes):
            agent.known_to(stage.thread_address(thread))

    def abandoned(self, stage: Stage) -> None:
        """The block has ended, and nobody has waited for what it reads."""
        if stage.launch["check"][0]:
            run_time("weft_sim_found")(address_of(stage.launch), Finding.ABANDONED, self.site, 0, 0)


@dataclass
class Transfers:
    """What is under way in the cluster that runs: loads, and for each thread groups of stores, the last one open."""

    loads: list[Load] = field(default_factory=list[Load])
    stores: dict[int, list[list[Store]]] = field(default_factory=dict[int, list[list[Store]]])

    def deliver(self, stage: Stage) -> None:
        """Make the load that began first; when there is none (all threads have ended), the stores that are left."""
        if self.loads:
            self.loads.pop(0).arrive(stage)
        else:
            for store in [store for groups in self.stores.values() for group in groups for store in group]:
                store.abandoned(stage)
                store.arrive()
            self.stores.clear()
        self.count(stage)

    def commit(self, stage: Stage, thread: int) -> None:
        """The stores that a thread has begun are a group."""
        self.stores.setdefault(thread, [[]]).append([])
        self.count(stage)

    def wait(self, stage: Stage, thread: int, left: int, *, reads_only: bool) -> None:
        """Make the stores of a thread's groups but the last so many."""
        *groups, open_ = self.stores.get(thread, [[]])
        cut = max(0, len(groups) - left)
        for store in [store for group in groups[:cut] for store in group]:
            store.arrive()
            store.waited(stage, thread, reads_only=reads_only)
        self.stores[thread] = [*groups[cut:], open_]
        if self.stores[thread] == [[]]:
            del self.stores[thread]
        self.count(stage)

    def count(self, stage: Stage) -> None:
        """Tell the scheduler what there is to deliver, now and when all threads have ended."""
        stage.launch["under_way"], stage.launch["left"] = len(self.loads), len(self.stores)
