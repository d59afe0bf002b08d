"""Modules, operations, regions, blocks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from xdsl.ir import Attribute, Block, Operation, Region

from weft import codes
from weft.frontends.mlir.actions.common import Action, BySymbols
from weft.frontends.mlir.actions.numbers import size
from weft.frontends.mlir.errors import count_of
from weft.frontends.mlir.reading import Reading


def _operation(symbols: list[str]) -> Callable[..., Operation]:
    """`results = op loc(...)`: the op with its location, its results named."""
    has_results, has_location = symbols[0] == "results", symbols[-1] == "trailing_loc"

    def plain(reader: Reading, value: tuple[Operation, int]) -> Operation:
        op, start = value
        op.location = reader.lines.at(start)
        return op

    def action(reader: Reading, values: list[Any]) -> Operation:
        op, start = values[2] if has_results else values[0]
        if has_results:
            start = values[0][0][2]
            _bind(reader, values[0], op, start)
        op.location = values[-1] if has_location else reader.lines.at(start)
        return op

    return action if has_results or has_location else plain


def _bind(reader: Reading, names: list[tuple[str, int, int]], op: Operation, start: int) -> None:
    """Name the results of an op. A pack `%x:2` names two."""
    results = op.results
    if len(names) == 1 and len(results) == 1 and names[0][1] < 2:
        reader.define(names[0][0], results, start)
        return
    counts = [count or 1 for _, count, _ in names]
    if sum(counts) != len(results):
        reader.fail(
            f"'{op.name}' has {count_of(results, 'result')}, but {sum(counts)} names here",
            start,
            code=codes.COUNT_MISMATCH,
        )
    position = 0
    for (name, _, place), count in zip(names, counts, strict=True):
        reader.define(name, results[position : position + count], place)
        position += count


def _generic(symbols: list[str]) -> Callable[..., tuple[Operation, int]]:
    """`"name"(operands)[successors]<{properties}>(regions){attributes} : signature`."""
    parts = ("operands", "successors", "properties", "regions", "attr_dict", "signature")
    places = [symbols.index(part) if part in symbols else None for part in parts]
    operands_at, successors_at, properties_at, regions_at, attributes_at, signature_at = places
    assert signature_at is not None

    def action(reader: Reading, values: list[Any]) -> tuple[Operation, int]:
        entry, start = values[0]
        kind = entry.kind
        reader.leave_dialect()
        types, results = values[signature_at]
        operands = values[operands_at] if operands_at is not None else ()
        if len(operands) != len(types):
            reader.fail(
                f"'{kind.name}' has {count_of(operands, 'operand')} here, but {count_of(types, 'type')}",
                start,
                code=codes.COUNT_MISMATCH,
            )
        use = reader.use
        properties: dict[str, Attribute] = values[properties_at] if properties_at is not None else {}
        attributes: dict[str, Attribute] = values[attributes_at] if attributes_at is not None else {}
        if attributes:
            for name in entry.properties:
                if name in attributes and name not in properties:
                    properties[name] = attributes.pop(name)
        op = kind.create(
            operands=[use(operand, type) for operand, type in zip(operands, types, strict=True)],
            result_types=results,
            properties=properties,
            attributes=attributes,
            successors=values[successors_at] if successors_at is not None else (),
            regions=values[regions_at] if regions_at is not None else (),
        )
        return op, start

    return action


def operand_of_pack(reader: Reading, values: list[Any]) -> tuple[str, int, int]:
    """`%x#1`."""
    (name, _, start), index = values
    if not index[1:].isdigit():
        reader.fail(f"expected a number after %{name}#", reader.here(), code=codes.SYNTAX)
    return name, size(reader, index[1:], "the number"), start


def result_pack(reader: Reading, values: list[Any]) -> tuple[str, int, int]:
    """`%x:2`."""
    (name, _, start), _, count = values
    number = size(reader, count, "the number of results")
    if number == 0:
        reader.fail(f"%{name} names no result", start, code=codes.COUNT_MISMATCH)
    return name, number, start


def region(reader: Reading, values: list[Any]) -> Region:
    """`{ ops blocks }`."""
    return reader.end_region(values[1], values[3])


def _block_head(symbols: list[str]) -> Callable[..., Block]:
    has_arguments = "block_args" in symbols

    def action(reader: Reading, values: list[Any]) -> Block:
        name, _, start = values[0]
        block = reader.begin_block(name, start)
        for argument in values[2] if has_arguments else ():
            reader.add_argument(block, argument)
        return block

    return action


def begin_items(reader: Reading, value: object) -> None:
    """The next item of a list begins here."""
    reader.item = reader.start


def append_op(reader: Reading, values: list[Any]) -> None:
    """One more operation of a block; the next one begins here."""
    reader.block.add_op(values[1])
    reader.item = reader.start


def append_block(reader: Reading, values: list[Any]) -> list[Block]:
    """One more block of a region."""
    values[0].append(values[1])
    return values[0]


def alias(reader: Reading, values: list[Any]) -> None:
    """`#x = attribute` and `!x = type`."""
    reader.define_alias(values[0], values[2])


ACTIONS: dict[str, Action | BySymbols] = {
    "module": lambda reader, value: value,
    "begin_items": begin_items,
    "items": begin_items,
    "top_op": lambda reader, op: reader.block.add_op(op),
    "alias": alias,
    "op": BySymbols(_operation),
    "generic_op": BySymbols(_generic),
    "operand_of_pack": operand_of_pack,
    "result_pack": result_pack,
    "successor": lambda reader, value: reader.successor(value[0], value[2]),
    "region": region,
    "region_enter": lambda reader, value: reader.begin_region(),
    "append_op": append_op,
    "append_block": append_block,
    "block_head": BySymbols(_block_head),
    "block_arg": lambda reader, values: (values[0], values[2], values[3] if len(values) > 3 else None),
}
