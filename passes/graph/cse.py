"""cse: what is computed twice is computed once."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from functools import cache

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Attribute, Block, Operation, Region
from xdsl.passes import ModulePass
from xdsl.traits import Commutative, IsolatedFromAbove

from weft.dialects.locations import fuse
from weft.passes.applications import Applications, applications
from weft.passes.graph.dominance import dominator_tree
from weft.passes.graph.effects import Effects, effects_of, is_dead, is_pure
from weft.passes.repetition import in_short

Key = tuple[Hashable, ...]


@cache
def _is_commutative(kind: type[Operation]) -> bool:
    return kind.has_trait(Commutative)


@cache
def _is_isolated(kind: type[Operation]) -> bool:
    return kind.has_trait(IsolatedFromAbove)


@dataclass
class _Joiner:
    """Walks regions along dominance; `known` holds the ops seen on the way down, `opened` their keys by scope."""

    known: dict[Key, list[Operation]] = field(default_factory=dict[Key, list[Operation]])
    opened: list[Key] = field(default_factory=list[Key])
    joined: dict[Operation, list[Operation]] = field(default_factory=dict[Operation, list[Operation]])
    numbers: dict[Hashable, int] = field(default_factory=dict[Hashable, int])
    seen: dict[int, tuple[Attribute, int]] = field(default_factory=dict[int, tuple[Attribute, int]])
    count: Applications = field(default_factory=applications)

    def number(self, attr: Attribute) -> int:
        """A number for an attribute, equal for equal ones; one that was seen before is not hashed again."""
        found = self.seen.get(id(attr))
        if found is None:
            found = self.seen[id(attr)] = (attr, self.numbers.setdefault(in_short(attr), len(self.numbers)))
        return found[1]

    def key(self, op: Operation) -> Key:
        """What two ops that may be joined have in common."""
        operands = tuple([id(operand) for operand in op.operands])
        if len(operands) > 1 and _is_commutative(type(op)):
            operands = tuple(sorted(operands))
        number = self.number
        attributes = [(name, number(attr)) for name, attr in op.properties.items()]
        attributes += [(name, number(attr)) for name, attr in op.attributes.items()]
        attributes.sort()
        types = [number(result.type) for result in op.results]
        return (type(op), operands, *attributes, *types, len(op.regions))

    def region(self, region: Region) -> None:
        """Join the ops of a region."""
        first = region.blocks.first
        if first is None:
            return
        tree: dict[Block, list[Block]] = {first: []}
        if first is not region.blocks.last:
            tree = dominator_tree(region)
        left: list[Block | int] = [first]
        while left:
            block = left.pop()
            if isinstance(block, int):
                self._close(block)
                continue
            left.append(len(self.opened))
            left += tree[block]
            self._block(block)

    def _close(self, depth: int) -> None:
        while len(self.opened) > depth:
            self.known[self.opened.pop()].pop()

    def _block(self, block: Block) -> None:
        for op in list(block.ops):
            if is_dead(op):
                op.detach()
                op.erase()
                continue
            for region in op.regions:
                if _is_isolated(type(op)):
                    self._alone(region)
                else:
                    self.region(region)
            self._join(op)

    def _alone(self, region: Region) -> None:
        """A region that sees nothing outside."""
        inner = _Joiner(numbers=self.numbers, seen=self.seen)
        inner.region(region)
        self.joined |= inner.joined

    def _join(self, op: Operation) -> None:
        effects = effects_of(type(op))
        if effects is Effects.OTHER or effects is Effects.READS or not op.results or not is_pure(op):
            return
        if not self.count.room:
            return
        key = self.key(op)
        others = self.known.setdefault(key, [])
        for other in reversed(others):
            pairs = zip(op.regions, other.regions, strict=True)
            if all(mine.is_structurally_equivalent(theirs) for mine, theirs in pairs):
                self._replace(op, other)
                return
        others.append(op)
        self.opened.append(key)

    def _replace(self, op: Operation, other: Operation) -> None:
        self.count.note(f"the use of an equal '{other.name}'", op.name, op.location)
        for old, new in zip(op.results, other.results, strict=True):
            old.replace_all_uses_with(new)
        self.joined.setdefault(other, []).append(op)
        op.detach()
        op.erase()


@dataclass(frozen=True)
class Cse(ModulePass):
    """Joins ops that make the same values from the same operands, and removes dead ones on its way.

    Two ops are joined where the first dominates the second: in the same block, from an op's block into its
    regions, along branches. The op that stays gets both locations.

    **Before**
    ```mlir
    %0 = ml.exp %x : tensor<4xf32>
    %1 = ml.exp %x : tensor<4xf32>
    %2 = ml.add %0, %1 : tensor<4xf32>
    ```

    **After**
    ```mlir
    %0 = ml.exp %x : tensor<4xf32>
    %2 = ml.add %0, %0 : tensor<4xf32>
    ```

    **Needs** nothing. **Leaves alone** ops that read or write memory, and calls.
    """

    name = "cse"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Run the pass on a module."""
        joiner = _Joiner()
        joiner.region(op.body)
        for kept, gone in joiner.joined.items():
            kept.location = fuse([kept, *gone])
