"""The frame in which llvm functions are built: blocks and places in them, pooled constants, locations.

Ops are made with `Op.create` (no inference, no verification) from attributes that are shared by value.
Constants are pooled at the head of the entry block. A block's ops are kept in lists that may hold lists: a
:meth:`FunctionBuilder.mark` is a place in a block where ops can still be put later.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import TypeAlias, cast

from xdsl.dialects import llvm
from xdsl.dialects.builtin import (
    AnyFloat,
    ArrayAttr,
    DenseIntOrFPElementsAttr,
    DictionaryAttr,
    FloatAttr,
    IntegerAttr,
    IntegerType,
    LocationAttr,
    VectorType,
    i64,
)
from xdsl.ir import Attribute, Block, Operation, Region, SSAValue

from weft.dialects.upstream import llvm as ours
from weft.passes.lower.types import PTR, VOID, element, integer_type, is_float
from weft.passes.making import make

Value: TypeAlias = SSAValue
Items: TypeAlias = "list[Operation | Items]"


@lru_cache(None)
def int_attr(value: int, width: int) -> IntegerAttr[IntegerType]:
    """The integer attribute of that value and width, one object a value."""
    return IntegerAttr(value, integer_type(width))


def name_parts(hint: str | None, parts: Sequence[Value]) -> None:
    """Call the values that a value becomes as that was called, those after the first by a number."""
    for number, part in enumerate(parts):
        part.name_hint = hint if hint is None or number == 0 else f"{hint}_part{number}"


class Externals:
    """The functions that a module calls and does not hold: libm's, the runtime's. Shared by its emitters."""

    def __init__(self) -> None:
        self.types: dict[str, llvm.LLVMFunctionType] = {}

    def declare(self, name: str, arguments: Sequence[Attribute], result: Attribute = VOID) -> None:
        """Note that a function of that name and type is called."""
        if name not in self.types:
            self.types[name] = llvm.LLVMFunctionType(arguments, result)

    def declarations(self, location: LocationAttr) -> list[llvm.FuncOp]:
        """A bodiless `llvm.func` for each."""
        out: list[llvm.FuncOp] = []
        for name, type_ in self.types.items():
            function = llvm.FuncOp(
                name, type_, llvm.LinkageAttr("external"), other_props={"unnamed_addr": IntegerAttr(0, 64)}
            )
            function.location = location
            out.append(function)
        return out


class FunctionBuilder:
    """One `llvm.func` in the making.

    `arguments` are the entry block's values. `location` is given to each op as it is made: set it before
    emitting for another source op.
    """

    def __init__(
        self, arguments: Sequence[Attribute], location: LocationAttr, externals: Externals | None = None
    ) -> None:
        self.location = location
        self.externals = externals or Externals()
        self._items: dict[Block, Items] = {}
        self._pool: dict[object, Value] = {}
        self._pooled: Items = []
        self.entry = self.block(*arguments)
        self.arguments: tuple[Value, ...] = tuple(self.entry.args)
        self.current = self.entry
        self._list: Items = []
        self.enter(self.entry)

    # where ops go

    def block(self, *types: Attribute) -> Block:
        """A new block with arguments of those types; it stands where it is first entered."""
        made = Block(arg_types=types)
        for argument in made.args:
            argument.location = self.location
        return made

    def enter(self, block: Block) -> None:
        """Append to that block from here on."""
        self.current = block
        if block not in self._items:
            self._items[block] = []
        self._list = self._items[block]

    def mark(self) -> Items:
        """A place in the current block, here, for ops that come later (see :meth:`at`)."""
        place: Items = []
        self._list.append(place)
        return place

    @contextmanager
    def at(self, place: Items) -> Generator[None]:
        """Append at a mark instead; the mark's block must dominate what uses the values."""
        outside, self._list = self._list, place
        try:
            yield
        finally:
            self._list = outside

    def emitted(self) -> list[Operation]:
        """All ops so far, pooled constants first."""
        return [*_flat(self._pooled), *(op for items in self._items.values() for op in _flat(items))]

    def finish(
        self,
        name: str,
        result: Attribute = VOID,
        *,
        linkage: str = "internal",
        argument_attributes: Sequence[Mapping[str, Attribute]] | None = None,
    ) -> llvm.FuncOp:
        """The function, with all entered blocks in the order of their first entry."""
        region = Region()
        for block, items in self._items.items():
            if block is self.entry:
                block.add_ops(_flat(self._pooled))
            block.add_ops(_flat(items))
            region.add_block(block)
        properties: dict[str, Attribute | None] = {"unnamed_addr": IntegerAttr(0, 64)}
        if argument_attributes is not None and any(argument_attributes):
            properties["arg_attrs"] = ArrayAttr([DictionaryAttr(a) for a in argument_attributes])
        function = llvm.FuncOp(
            name,
            llvm.LLVMFunctionType([a.type for a in self.arguments], result),
            llvm.LinkageAttr(linkage),
            body=region,
            other_props=properties,
        )
        function.location = self.location
        return function

    def op(
        self,
        kind: type[Operation],
        operands: Sequence[Value] = (),
        results: Sequence[Attribute] = (),
        properties: Mapping[str, Attribute] | None = None,
        successors: Sequence[Block] = (),
    ) -> Operation:
        """Emit any op."""
        made = make(kind, operands, results, properties, self.location)
        if successors:
            made.successors = successors
        self._list.append(made)
        return made

    def add_op(self, op: Operation) -> None:
        """Append an op that was made elsewhere."""
        op.location = self.location
        self._list.append(op)

    def value(
        self,
        kind: type[Operation],
        operands: Sequence[Value],
        result: Attribute,
        properties: Mapping[str, Attribute] | None = None,
    ) -> Value:
        """Emit an op with one result, and give the result."""
        made = make(kind, operands, (result,), properties, self.location)
        self._list.append(made)
        (value,) = made.results
        return value

    # constants

    def _constant(self, key: object, kind: type[Operation], type_: Attribute, value: Attribute | None) -> Value:
        found = self._pool.get(key)
        if found is None:
            made = make(kind, (), (type_,), None if value is None else {"value": value}, self.location)
            self._pooled.append(made)
            found = self._pool[key] = made.results[0]
        return found

    def integer(self, value: int, type_: Attribute = i64) -> Value:
        """An integer constant, taken modulo the width; in every lane for a vector type."""
        key = (value, type_)
        if (found := self._pool.get(key)) is not None:
            return found
        width = cast(IntegerType, element(type_)).bitwidth
        value = value & ((1 << width) - 1)
        if width > 1 and value >> (width - 1):
            value -= 1 << width
        attr: Attribute = int_attr(value, width)
        if type(type_) is VectorType:
            attr = DenseIntOrFPElementsAttr.from_list(cast("VectorType[IntegerType]", type_), [value])
        return self._constant(key, llvm.ConstantOp, type_, attr)

    def floating(self, value: float, type_: Attribute) -> Value:
        """A float constant; in every lane for a vector type."""
        key = (value.hex(), type_)
        if (found := self._pool.get(key)) is not None:
            return found
        attr: Attribute
        if type(type_) is VectorType:
            attr = DenseIntOrFPElementsAttr.from_list(cast("VectorType[AnyFloat]", type_), [value])
        else:
            attr = FloatAttr(value, cast(AnyFloat, type_))
        return self._constant(key, llvm.ConstantOp, type_, attr)

    def number(self, value: float, type_: Attribute) -> Value:
        """A constant of an integer or float type."""
        return self.floating(float(value), type_) if is_float(type_) else self.integer(int(value), type_)

    def dense(self, values: Sequence[int], type_: VectorType[IntegerType]) -> Value:
        """A vector constant, lane by lane (masks, lane numbers)."""
        key = (tuple(values), type_)
        if (found := self._pool.get(key)) is not None:
            return found
        attr = DenseIntOrFPElementsAttr.from_list(type_, list(values))
        return self._constant(key, llvm.ConstantOp, type_, attr)

    def attribute(self, attr: Attribute, type_: Attribute) -> Value:
        """A constant from its attribute (IntegerAttr, FloatAttr, dense)."""
        return self._constant((attr, type_), llvm.ConstantOp, type_, attr)

    def poison(self, type_: Attribute) -> Value:
        """A value that is not looked at."""
        return self._constant(("poison", type_), ours.PoisonOp, type_, None)

    def null(self) -> Value:
        """The null pointer."""
        return self._constant("null", llvm.ZeroOp, PTR, None)


def _flat(items: Items) -> list[Operation]:
    out: list[Operation] = []
    for item in items:
        if isinstance(item, list):
            out.extend(_flat(item))
        else:
            out.append(item)
    return out
