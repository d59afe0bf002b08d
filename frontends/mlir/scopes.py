"""Names while reading: values, packs of values, blocks; and the region that is being read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from xdsl.dialects.builtin import UNKNOWN_LOC, LocationAttr
from xdsl.ir import Attribute, Block, Region, SSAValue
from xdsl.parser import UnresolvedOperand
from xdsl.utils.lexer import Span

from weft import codes
from weft.diagnostics import did_you_mean
from weft.dialects.grammar import Operand
from weft.frontends.mlir import nesting
from weft.frontends.mlir.driver import Driver
from weft.frontends.mlir.scanner import NUMBER

Argument = tuple[Operand, Attribute, LocationAttr | None]
"""A block argument before its block is there."""


class Frame(nesting.RegionStart):
    """What a region hides of its surroundings until it ends."""

    def __init__(self, reader: Scopes, entry: Block, keep_entry: bool) -> None:
        self.blocks = reader.blocks
        self.forward_blocks = reader.forward_block_references
        self.block = reader.block
        self.nested = reader.nested
        self.entry = entry
        self.keep_entry = keep_entry
        self.names: list[str] = []
        self.start = reader.start
        self.brace = reader.text.rfind("{", 0, reader.start)
        self.item = reader.item
        self.lost = reader.lost
        self.dialects = len(reader._parser_state.dialect_stack)  # pyright: ignore[reportPrivateUsage]
        self.damaged = False
        """Whether something of the region could not be read."""


class Scopes(Driver):
    """The names of the text that is read. Values of a region are known until it ends; blocks only inside it."""

    block: Block
    """Where operations go."""
    frames: list[Frame]
    arguments: list[Argument] | None
    """The arguments of the next region's entry block, where the op gives them."""
    uses: dict[str, int]
    """Where a value was first used that is not defined yet."""
    empty_region: bool
    """Whether the last region that ended has no block."""
    op_start: int
    """Where the name of the operation stands whose own syntax is being read."""
    item: int
    """Where the operation (or block, or alias) began that is being read."""
    lost: frozenset[str]
    """Values whose definition could not be read: they have every type."""
    damaged: list[Region]
    """Regions of which something could not be read."""

    def reset_scopes(self) -> None:
        """Nothing is known yet."""
        self.ssa_values: dict[str, tuple[SSAValue, ...]] = {}
        self.forward_ssa_references = {}
        self.blocks: dict[str, tuple[Block, Span | None]] = {}
        self.forward_block_references: dict[str, list[Span]] = {}
        self.block = Block()
        self.frames = []
        self.arguments = None
        self.uses = {}
        self.empty_region = False
        self.op_start = 0
        self.item = 0
        self.lost = frozenset()
        self.damaged = []
        self.hints: dict[str, str | None] = {}

    # ---------- values
    def use(self, operand: Operand, type: Attribute) -> SSAValue:
        """The value of an operand; a located error where it has another type. It may be defined later."""
        name, index, start = operand
        values = self.ssa_values.get(name)
        if values is not None and index < len(values):
            value = values[index]
            if value.type is type or value.type == type:
                return value
        elif values is None and name not in self.lost:
            self.uses.setdefault(name, start)
        return self.resolve_operand(UnresolvedOperand(self.span(start, len(name) + 1), index), type)

    def define(self, name: str, values: Sequence[SSAValue], start: int) -> None:
        """Name values. Raises a located error for a name that is taken, or that was used with other types.

        A use outside of the region that is being read does not mean them.
        """
        known = self.ssa_values
        if name in known:
            self.fail(f"%{name} is already defined", start, code=codes.REDEFINED_VALUE)
        begin = self.frames[-1].start if self.frames else 0
        if name in self.forward_ssa_references and self.uses[name] >= begin:
            # not self's: xDSL's own checks and replaces the uses
            Driver._register_ssa_definition(self, name, values, self.span(start, len(name) + 1))
            del self.uses[name]
        else:
            known[name] = tuple(values)
            hints = self.hints
            if name not in hints:
                hints[name] = SSAValue.extract_valid_name(name) if SSAValue.is_valid_name(name) else None
            if (hint := hints[name]) is not None:
                for value in values:
                    # the setter would check and cut the same name again
                    value._name = hint  # pyright: ignore[reportPrivateUsage]
        if self.frames:
            self.frames[-1].names.append(name)

    def check_all_defined(self) -> None:
        """Note an error for each value and block that is used but not defined."""
        self._check_blocks()
        self.check_values_defined(0)

    def check_values_defined(self, begin: int) -> None:
        """Note an error for each value that is used from this offset on and is not defined by now."""
        for name, start in list(self.uses.items()):
            if start >= begin and name in self.forward_ssa_references:
                hint = did_you_mean(f"%{name}", self.near(start))
                self.report(f"%{name} is used but not defined", start, hint, code=codes.UNDEFINED_VALUE)
                del self.uses[name]
                del self.forward_ssa_references[name]

    def span(self, start: int, length: int) -> Span[str]:
        """A part of the text, as xDSL wants it."""
        return Span(start, start + length, self.input)

    # ---------- blocks
    def successor(self, name: str, start: int) -> Block:
        """The block of a name; it may be defined later in its region."""
        known = self.blocks.get(name)
        if known is None:
            self.forward_block_references.setdefault(name, []).append(self.span(start, len(name) + 1))
            known = self.blocks[name] = (_block(name), None)
        return known[0]

    def _check_blocks(self) -> None:
        for name, spans in self.forward_block_references.items():
            hint = did_you_mean(f"^{name}", [f"^{block}" for block, (_, span) in self.blocks.items() if span])
            self.report(
                f"block ^{name} is not defined in this region", spans[0].start, hint, code=codes.UNDEFINED_BLOCK
            )

    def begin_block(self, name: str, start: int) -> Block:
        """The block that is defined here. Raises a located error for a name that is taken."""
        block, defined = self.blocks.get(name, (None, None))
        if defined is not None:
            self.fail(f"block ^{name} is already defined", start, code=codes.REDEFINED_BLOCK)
        if block is None:
            block = _block(name)
        else:
            del self.forward_block_references[name]
        self.blocks[name] = (block, self.span(start, len(name) + 1))
        self.block = block
        return block

    def add_argument(self, block: Block, argument: Argument) -> None:
        """Append a block argument, at its own location."""
        (name, _, start), type, location = argument
        value = block.insert_arg(type, len(block.args), location or self.lines.at(start))
        self.define(name, (value,), start)

    # ---------- regions
    def enter(self, arguments: Sequence[tuple[Operand, Attribute]]) -> None:
        """The next region's entry block has these arguments."""
        self.arguments = [(operand, type, None) for operand, type in arguments]

    def begin_region(self) -> Frame:
        """A region starts: its scope, and its entry block."""
        arguments, self.arguments = self.arguments, None
        frame = Frame(self, Block(), arguments is not None)
        self.frames.append(frame)
        if len(self.frames) > nesting.LIMIT:
            self.fail(nesting.TOO_DEEP, code=codes.TOO_DEEP)
        self.blocks, self.forward_block_references, self.nested = {}, {}, 0
        self.block = frame.entry
        if arguments is not None:
            if self.kind == NUMBER["CARET"]:
                self.fail(
                    "the entry block has its arguments already, so it cannot have a label", code=codes.REDEFINED_BLOCK
                )
            for argument in arguments:
                self.add_argument(frame.entry, argument)
        return frame

    def end_region(self, frame: Frame, blocks: list[Block]) -> Region:
        """A region ends: its blocks, and the surroundings again."""
        self._check_blocks()
        region = Region()
        if frame.keep_entry or frame.entry.first_op is not None:
            region.add_block(frame.entry)
        for block in blocks:
            region.add_block(block)
        if frame.damaged:
            self.damaged.append(region)
        self.empty_region = not region.blocks and not frame.damaged
        self.leave(frame)
        return region

    def leave(self, frame: Frame) -> None:
        """The surroundings of a region again."""
        self.frames.pop()
        for name in frame.names:
            self.ssa_values.pop(name, None)
        self.blocks, self.forward_block_references = frame.blocks, frame.forward_blocks
        self.block, self.nested = frame.block, frame.nested
        self.item, self.lost = frame.item, frame.lost

    # ---------- locations of what islands make
    def settle(self, regions: Sequence[Region], location: LocationAttr) -> None:
        """Give a location to what an op's `parse` put into its regions by itself, such as a terminator."""
        for region in regions:
            for block in region.blocks:
                for argument in block.args:
                    if argument.location is UNKNOWN_LOC:
                        argument.location = location
                op: Any = block.first_op
                while op is not None:
                    if op.location is UNKNOWN_LOC:
                        op.location = location
                        self.settle(op.regions, location)
                    op = op.next_op


def _block(name: str) -> Block:
    block = Block()
    if Block.is_valid_name(name) and not Block.is_default_block_name(name):
        block.name_hint = name
    return block
