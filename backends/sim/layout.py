"""What the simulator's code and Python both read: the records of a launch, its blocks and its threads.

Each is a table of fields, written once. From it come the NumPy dtype and, for the LLVM IR of the run-time library, one
function a field, that gives the field's address: `@thread.state(ptr)`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property
from typing import Any

import numpy as np

_DTYPES = {"ptr": "u8", "i64": "i8", "i32": "i4"}


GROUPS = 16
"""So many of a thread's groups of products may be waited for."""


class State(IntEnum):
    """What a thread waits for."""

    FINISHED = 0
    RUNNABLE = 1
    YIELD = 2
    """Nothing: the other threads' turn has come."""
    WARP = 3
    """The lanes of a mask (`what`) at the same place; then a service (`how`), if it is not 0."""
    BARRIER = 4
    """Threads at the barrier `what`, `how` of them (0: all of the block)."""
    GROUP = 5
    """The other threads of a warpgroup (128) at the same place; then the service `how`."""
    TRANSACTION = 6
    """A phase of the mbarrier at `what` that has not the parity `how`."""
    CLUSTER = 7
    """The end of the cluster barrier's phase `what`."""


class Finding(IntEnum):
    """What the checker reports. The first of a pair of places is the access, or the wait, at hand."""

    RACE = 0
    OUT_OF_BOUNDS = 1
    UNWRITTEN = 2
    DIVERGENT_BARRIER = 3
    EXITED_BARRIER = 4
    DIVERGENT_WARP = 5
    MISALIGNED = 6
    DEADLOCK = 7
    UNCOALESCED = 8
    BANK_CONFLICT = 9
    UNFINISHED = 10
    """A register of a product is read that is still made."""
    UNFENCED = 11
    """A product begins before its registers are fenced."""
    ABANDONED = 12
    """A block ends while a bulk copy still reads its shared memory."""
    SHUFFLED = 13
    """A shuffle reads from a lane that did not come to it."""


WRITE, ATOMIC, SHARED, AGENT = 1, 2, 4, 16
"""How an access is: bits. An agent is what accesses memory by itself while threads go on (agents.ll)."""


@dataclass(frozen=True)
class Layout:
    """The fields of a record: name, type (`ptr`, `i64`, `i32`), and how many of it."""

    name: str
    fields: tuple[tuple[str, str, int], ...]

    @cached_property
    def dtype(self) -> np.dtype[Any]:
        """The record in NumPy; pointers are unsigned integers."""
        parts = [
            (name, _DTYPES[type_], (count,)) if count > 1 else (name, _DTYPES[type_])
            for name, type_, count in self.fields
        ]
        return np.dtype(parts, align=True)

    def accessors(self) -> str:
        """LLVM IR: for each field a function that gives its address, for arrays that of element `n`, and the size."""
        lines = [f"define internal i64 @sizeof.{self.name}() alwaysinline {{\n  ret i64 {self.dtype.itemsize}\n}}"]
        offsets: Any = self.dtype.fields
        for name, type_, count in self.fields:
            head, offset = f"define internal ptr @{self.name}.{name}", offsets[name][1]
            field = f"  %field = getelementptr i8, ptr %of, i64 {offset}\n"
            if count == 1:
                lines.append(f"{head}(ptr %of) alwaysinline {{\n{field}  ret ptr %field\n}}")
            else:
                element = f"  %element = getelementptr {type_}, ptr %field, i32 %n\n"
                lines.append(f"{head}(ptr %of, i32 %n) alwaysinline {{\n{field}{element}  ret ptr %element\n}}")
        return "\n".join(lines) + "\n"


THREAD = Layout(
    "thread",
    (
        ("coroutine", "ptr", 1),
        ("state", "i32", 1),
        ("site", "i32", 1),
        ("what", "i64", 1),
        ("how", "i64", 1),
        ("block", "ptr", 1),
        ("index", "i32", 1),  # in the cluster
        ("number", "i32", 1),  # in the block
        ("lane", "i32", 1),
        ("id", "i32", 3),
        ("slot", "ptr", 1),  # what it brings to what its warp does together
        ("seen", "ptr", 1),  # what the lanes of its warp brought
        ("fenced", "i32", 1),
        ("predicate", "i32", 1),  # what it brings to a barrier that counts
        ("pending", "i32", 1),  # asynchronous copies that have not been made
        ("group", "i32", 1),  # of asynchronous copies, the one that is open
        ("copies", "ptr", 1),
        ("token", "i32", 1),  # the phase of the cluster's barrier at which it arrived
        ("ticket", "i32", 1),  # the number of the product that its warpgroup began last
        ("product_groups", "i32", 1),  # how many groups of products it made
        ("product_clock", "i32", GROUPS),  # for the last of them, the number of the last product in each
        ("product_done", "i32", 1),  # the number of the last product that it has waited for
        ("product_fenced", "i32", 1),
    ),
)

BLOCK = Layout(
    "block",
    (
        ("launch", "ptr", 1),
        ("shared", "ptr", 1),
        ("shared_bytes", "i64", 1),
        ("dynamic_bytes", "i32", 1),  # of them, those that the launch asked for
        ("threads", "ptr", 1),
        ("count", "i32", 1),
        ("rank", "i32", 1),  # in the cluster
        ("id", "i32", 3),
        ("size", "i32", 3),
        ("grid", "i32", 3),
        ("cluster", "i32", 3),
        ("place", "i32", 3),  # in the cluster
        ("arrived", "i32", 16),
    ),
)

LAUNCH = Layout(
    "launch",
    (
        ("entry", "ptr", 1),
        ("arguments", "ptr", 1),
        ("blocks", "ptr", 1),
        ("threads", "ptr", 1),
        ("frames", "ptr", 1),
        ("frame_bytes", "i64", 1),
        ("service", "ptr", 1),
        ("stuck", "ptr", 1),
        ("report", "ptr", 1),
        ("check", "ptr", 1),
        ("unit", "i64", 1),
        ("blocks_in_unit", "i32", 1),
        ("threads_in_block", "i32", 1),
        ("phase", "i32", 1),
        ("arrived", "i32", 1),
        ("spins", "i64", 1),
        ("under_way", "i64", 1),  # bulk copies to shared memory that have not been made
        ("left", "i64", 1),  # threads with bulk copies out of it that have not been made
    ),
)

CHECK = Layout(
    "check",
    (
        ("regions", "ptr", 1),
        ("region_count", "i64", 1),
        ("clocks", "ptr", 1),  # a row of `width` x i32 for each thread
        ("width", "i64", 1),
        ("first_agent", "i64", 1),  # its place in a row; agents have a row's places behind the threads
        ("proxy", "i64", 1),  # where the second half of a row begins: what is known of what agents may see
        ("agent_clocks", "ptr", 1),  # i32 by the numbers of transactions
        ("joined", "ptr", 1),  # JOINED_ROWS rows: see checks.ll
        ("transactions", "ptr", 1),  # the addresses of TRANSACTIONS mbarriers
        ("transaction_rows", "ptr", 1),
        ("transaction_count", "i64", 1),
        ("arena", "i64", 1),  # the shared memory of all blocks of a cluster
        ("arena_end", "i64", 1),
        ("arena_stride", "i64", 1),
        ("arena_shadow", "ptr", 1),
        ("first_unit", "i64", 1),  # what units before it did is before all that this launch does
        ("published", "ptr", 1),  # a byte a unit
        ("counts", "ptr", 1),  # i64 [finding][site]
        ("sites", "i64", 1),
        ("occurrences", "ptr", 1),  # i32 [thread][site]
        ("samples", "ptr", 1),
        ("sample_count", "i64", 1),
        ("sample_limit", "i64", 1),
        ("scratch", "ptr", 1),
    ),
)

REGION = Layout("region", (("base", "i64", 1), ("end", "i64", 1), ("shadow", "ptr", 1)))

SAMPLE = Layout(
    "sample",
    (
        ("address", "i64", 1),
        ("unit", "i64", 1),
        ("thread", "i32", 1),
        ("site", "i32", 1),
        ("occurrence", "i32", 1),
        ("bytes", "i32", 1),
        ("kind", "i64", 1),
    ),
)

COPY = Layout(
    "copy",
    (
        ("to", "ptr", 1),
        ("from", "ptr", 1),
        ("bytes", "i32", 1),
        ("read", "i32", 1),
        ("group", "i32", 1),
        ("site", "i32", 1),
    ),
)
"""An asynchronous copy that has not been made: its first `read` bytes are read, the others are zeros."""

MARK = Layout("mark", (("who", "i64", 1), ("clock", "i32", 1), ("site", "i32", 1)))
"""An access in the shadow of memory. A granule has three: the last write, and two reads."""


def address_of(array: np.ndarray[Any, Any]) -> int:
    """Where an array's data lies."""
    return array.__array_interface__["data"][0]


LAYOUTS = (THREAD, BLOCK, LAUNCH, CHECK, REGION, SAMPLE, COPY, MARK)

SLOT_BYTES = 64
NO_AGENTS = 1 << 16
"""The place of the first agent where there are none."""
JOINED_ROWS = 18
TRANSACTIONS = 256
MARKS_BYTES = 3 * MARK.dtype.itemsize
"""Of the shadow of a byte."""


def accessors() -> str:
    """The functions of all records."""
    return "".join(layout.accessors() for layout in LAYOUTS)
