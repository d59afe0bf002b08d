"""A worklist of ops and patterns found by op class: what `canonicalize` and `fold` run on.

A *pattern* is a function from an op to the values that replace its results, or None where it does not match.
It builds what it needs through the builder, which stands before the op and gives the op's location. It may
change the op in place and give back the op's own results.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from xdsl.ir import Operation, OpResult, SSAValue
from xdsl.pattern_rewriter import PatternRewriter, RewritePattern
from xdsl.rewriter import InsertPoint
from xdsl.traits import HasCanonicalizationPatternsTrait

from weft.dialects.locations import give
from weft.dialects.walking import inside
from weft.passes.applications import applications
from weft.passes.graph.effects import is_dead
from weft.passes.rewriting import LocatedBuilder

Pattern: TypeAlias = Callable[[Any, LocatedBuilder], Sequence[SSAValue] | None]
Patterns: TypeAlias = Mapping[type[Operation], Sequence[Pattern]]
"""Patterns by op class; those of a base class hold for every class derived from it."""


class Simplifier:
    """Applies patterns until none matches, and removes dead ops; each op is looked at when it may have changed.

    With `foreign`, the canonicalization patterns that op classes of xDSL bring are applied too, but for those
    of the classes in `refused`.
    """

    def __init__(
        self, patterns: Patterns, *, foreign: bool = False, refused: tuple[type[RewritePattern], ...] = ()
    ) -> None:
        self._patterns = patterns
        self._foreign = foreign
        self._refused = refused
        self._by_class: dict[type[Operation], tuple[tuple[Pattern, ...], tuple[RewritePattern, ...]]] = {}
        self._work: list[Operation] = []
        self._pending: set[Operation] = set()
        self._root: Operation | None = None
        self._applications = applications()
        self.changed = False

    def run(self, root: Operation) -> bool:
        """Simplify all ops in a module, or in another op, which itself stays. True when anything changed."""
        self.changed = False
        self._root = root
        self._applications = applications()
        self._work = inside(root)
        self._work.reverse()
        self._pending = set(self._work)
        while self._work and self._applications.room:
            op = self._work.pop()
            if op in self._pending:
                self._pending.discard(op)
                self._visit(op)
        return self.changed

    def _visit(self, op: Operation) -> None:
        if op.parent is None or op is self._root:
            return
        name, location = op.name, op.location
        if is_dead(op):
            self._erase(op)
            self._applications.note("the removal of what is dead", name, location)
            return
        own, foreign = self._patterns_of(type(op))
        if own:
            builder = LocatedBuilder(InsertPoint.before(op), op.location)
            builder.operation_insertion_handler = [self._push]
            for pattern in own:
                values = pattern(op, builder)
                if values is not None:
                    self._replace(op, values)
                    self._applications.note(_name_of(pattern), name, location)
                    return
        for pattern in foreign:
            if self._apply_foreign(pattern, op):
                self._applications.note(f"'{type(pattern).__name__}'", name, location)
                return

    def _patterns_of(self, kind: type[Operation]) -> tuple[tuple[Pattern, ...], tuple[RewritePattern, ...]]:
        found = self._by_class.get(kind)
        if found is None:
            own = tuple(pattern for base in kind.__mro__ for pattern in self._patterns.get(base, ()))
            found = self._by_class[kind] = (own, self._foreign_patterns(kind) if self._foreign else ())
        return found

    def _foreign_patterns(self, kind: type[Operation]) -> tuple[RewritePattern, ...]:
        traits = (trait for trait in kind.traits if isinstance(trait, HasCanonicalizationPatternsTrait))
        patterns = (pattern for trait in traits for pattern in trait.get_patterns(kind))
        return tuple(pattern for pattern in patterns if not isinstance(pattern, self._refused))

    def _push(self, op: Operation) -> None:
        if op not in self._pending:
            self._pending.add(op)
            self._work.append(op)

    def _push_owner(self, value: SSAValue) -> None:
        if isinstance(value, OpResult):
            self._push(value.op)

    def _replace(self, op: Operation, values: Sequence[SSAValue]) -> None:
        self.changed = True
        for old, new in zip(op.results, values, strict=True):
            for use in old.uses:
                self._push(use.operation)
            old.replace_all_uses_with(new)
        if any(old is new for old, new in zip(op.results, values, strict=True)) or not op.results:
            self._push(op)
        else:
            self._erase(op)

    def _erase(self, op: Operation) -> None:
        self.changed = True
        self._forget(op)
        parent = op.parent_op()
        op.detach()
        op.erase()
        if parent is not None:
            self._push(parent)

    def _forget(self, op: Operation) -> None:
        """Take an op that goes away off the list; who made its operands may be dead now."""
        for inner in inside(op) if op.regions else (op,):
            self._pending.discard(inner)
            for operand in inner.operands:
                self._push_owner(operand)
        if op.regions:
            self._pending.difference_update(inside(op))

    def _apply_foreign(self, pattern: RewritePattern, op: Operation) -> bool:
        """Run a pattern of xDSL; True when it did something."""
        location = op.location

        def inserted(new: Operation) -> None:
            give(new, location)
            self._push(new)

        rewriter = PatternRewriter(op)
        rewriter.operation_insertion_handler = [inserted]
        rewriter.operation_removal_handler = [self._forget]
        rewriter.operation_modification_handler = [self._push]
        held = inside(op) if op.regions else []
        pattern.match_and_rewrite(op, rewriter)
        if not rewriter.has_done_action:
            return False
        self.changed = True
        for moved in (op, *held):
            if moved.parent is not None:
                self._push(moved)
        return True


def _name_of(pattern: Pattern) -> str:
    """The pattern's name for people: that of its function."""
    return f"'{getattr(pattern, '__qualname__', type(pattern).__name__)}'"
