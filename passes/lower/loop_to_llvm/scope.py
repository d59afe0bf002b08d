"""Scopes: straight-line stretches of the function in the making, and what they already computed."""

from __future__ import annotations

from dataclasses import dataclass, field

from xdsl.ir import SSAValue

from weft.passes.lower.function_builder import Items, Value


def _nowhere() -> Items:
    return []


@dataclass(eq=False)
class Scope:
    """The body of a loop, a branch of a condition, or a function.

    What is emitted in a scope is emitted once for each time that it runs, and is seen by the scopes inside it.
    `entry` is the place in the scope around it, right before this one starts: what does not depend on this
    scope is emitted there. `written` are the buffers that the scope writes; a load of any other buffer may
    stand before the scope. A `conditional` scope is a branch; a loop is
    `certain` if it runs at least once. `open` until it is left.
    """

    depth: int = 0
    parent: Scope | None = None
    entry: Items = field(default_factory=_nowhere)
    written: frozenset[SSAValue] = frozenset()
    conditional: bool = False
    certain: bool = True
    open: bool = True
    memo: dict[object, Value] = field(default_factory=dict[object, Value])
    loads: dict[SSAValue, dict[object, Value]] = field(default_factory=dict[SSAValue, dict[object, Value]])

    def forget(self, buffers: frozenset[SSAValue]) -> None:
        """Drop the loads of some buffers, which were written."""
        for buffer in buffers:
            self.loads.pop(buffer, None)

    def loaded(self, buffer: SSAValue, key: object) -> Value | None:
        """The value of an earlier load that no store has made stale."""
        scope: Scope | None = self
        while scope is not None:
            if (found := scope.loads.get(buffer, {}).get(key)) is not None:
                return found
            if buffer in scope.written:
                return None
            scope = scope.parent
        return None
