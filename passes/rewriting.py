"""Rewriting that keeps locations: what a pass inserts carries the place of what it replaces.

Patterns run through :func:`apply_patterns`; a pass that builds IR by hand uses a :class:`LocatedBuilder`.
"""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.builder import Builder
from xdsl.dialects.builtin import LocationAttr, ModuleOp
from xdsl.ir import Operation
from xdsl.pattern_rewriter import (
    GreedyRewritePatternApplier,
    PatternRewriter,
    PatternRewriteWalker,
    RewritePattern,
)
from xdsl.rewriter import InsertPoint

from weft.dialects.locations import give
from weft.passes.applications import applications


class LocatedBuilder(Builder):
    """A builder that gives every op it inserts, where the op has none, the builder's location."""

    def __init__(self, insertion_point: InsertPoint, location: LocationAttr) -> None:
        super().__init__(insertion_point)
        self.location = location

    @staticmethod
    def before(op: Operation) -> LocatedBuilder:
        """A builder that inserts before `op`, at the location of `op`."""
        return LocatedBuilder(InsertPoint.before(op), op.location)

    def handle_operation_insertion(self, op: Operation) -> None:
        """Called for every inserted op."""
        give(op, self.location)
        super().handle_operation_insertion(op)


class _Located(RewritePattern):
    """Runs a pattern; ops that it inserts get the location of the matched op, and each rewrite is counted."""

    def __init__(self, pattern: RewritePattern) -> None:
        self.pattern = pattern
        self.applications = applications()

    def match_and_rewrite(self, op: Operation, rewriter: PatternRewriter, /) -> None:
        if not self.applications.room:
            return
        name, location = op.name, op.location

        def inserted(new: Operation) -> None:
            give(new, location)

        rewriter.operation_insertion_handler.append(inserted)
        self.pattern.match_and_rewrite(op, rewriter)
        rewriter.operation_insertion_handler.remove(inserted)
        if rewriter.has_done_action:
            self.applications.note(f"'{type(self.pattern).__name__}'", name, location)


def apply_patterns(op: ModuleOp, patterns: Sequence[RewritePattern], *, recursively: bool = True) -> bool:
    """Apply `patterns` greedily, to a fixed point when `recursively`; True when anything changed."""
    located = [_Located(pattern) for pattern in patterns]
    applier = GreedyRewritePatternApplier([*located], dce_enabled=True)
    return PatternRewriteWalker(applier, apply_recursively=recursively).rewrite_module(op)
