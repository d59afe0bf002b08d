"""When no thread of a cluster can go on: what each of them waits for, in words."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence

from weft import codes
from weft.backends.sim.findings import ordinal_block
from weft.backends.sim.launching import Stage
from weft.backends.sim.layout import State
from weft.backends.sim.record import Record
from weft.diagnostics import Diagnostic, WeftError

_WAITS = {
    State.WARP: "wait{s} here for the other lanes of a warp",
    State.BARRIER: "wait{s} at this barrier",
    State.GROUP: "wait{s} here for the other threads of a warpgroup",
    State.TRANSACTION: "wait{s} here for an mbarrier",
    State.CLUSTER: "wait{s} here for the other blocks of a cluster",
    State.RUNNABLE: "look{s} here again and again for what others do",
}
"""What threads in a state do; `{s}` is the letter that one thread's verb ends with. What gave way may run."""


def deadlock(stage: Stage, record: Record, kernel: str) -> WeftError:
    """The error that the threads of a block wait for what cannot come."""
    sites = record.sites
    per_block = stage.threads_in_block
    states = stage.threads["state"]
    rank = next(i // per_block for i, state in enumerate(states) if state != State.FINISHED)
    part = slice(rank * per_block, (rank + 1) * per_block)
    groups: dict[tuple[State, int], list[int]] = {}
    for number, (state, site) in enumerate(zip(states[part], stage.threads["site"][part], strict=True)):
        groups.setdefault((State(int(state)), int(site) if state else -1), []).append(number)
    waiting = sorted(((key, who) for key, who in groups.items() if key[0]), key=lambda item: item[1][0])
    (state, site), who = waiting[0]
    notes = [Diagnostic(f"{threads_text(w)} {_doing(s, w)}", sites[n].where, "note") for (s, n), w in waiting[1:]]
    gone = groups.get((State.FINISHED, -1))
    if gone:
        note = f"{threads_text(gone)} {'has' if len(gone) == 1 else 'have'} ended"
        notes.append(Diagnostic(note, record.sites[record.kernels[kernel].site].where, "note"))
    block = ordinal_block(stage.block_of_unit(rank))
    message = f"the threads of {block} wait for each other: {threads_text(who)} {_doing(state, who)}"
    if state is State.TRANSACTION:
        message += _missing(int(stage.threads["what"][rank * per_block + who[0]]))
    return WeftError(message, sites[site].where, notes=tuple(notes), code=codes.DEADLOCK)


def _doing(state: State, who: Sequence[int]) -> str:
    return _WAITS[state].format(s="s" if len(who) == 1 else "")


def _missing(address: int) -> str:
    """What an mbarrier waits for: its word is told in asynchronous.ll."""
    word = ctypes.c_int64.from_address(address).value
    arrivals, bytes_ = word >> 1 & 0xFFFFF, word >> 41
    lacks = [f"{arrivals} arrival{'s' if arrivals != 1 else ''}"] if arrivals else []
    lacks += [f"{bytes_} bytes"] if bytes_ > 0 else []
    if bytes_ < 0:
        lacks.append(f"to be told of {-bytes_} bytes that have come")
    return f", which lacks {' and '.join(lacks)}" if lacks else ""


def threads_text(numbers: Sequence[int]) -> str:
    """`thread 3`, `threads 0-15 and 32`, cut short where there are many pieces."""
    pieces: list[list[int]] = []
    for number in numbers:
        if pieces and pieces[-1][1] == number - 1:
            pieces[-1][1] = number
        else:
            pieces.append([number, number])
    words = [str(first) if first == last else f"{first}-{last}" for first, last in pieces[:4]]
    if len(pieces) > 4:
        words.append(f"{sum(last - first + 1 for first, last in pieces[4:])} more")
    text = words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
    return f"{'thread' if len(numbers) == 1 else 'threads'} {text}"
