"""Constant tensors: their data stands in `memref.global`s, once for equal constants."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import cast

from xdsl.dialects import memref
from xdsl.dialects.builtin import (
    AnyDenseElement,
    ArrayAttr,
    BytesAttr,
    DenseIntOrFPElementsAttr,
    FloatAttr,
    IntegerAttr,
    ModuleOp,
    StringAttr,
    TensorType,
    UnitAttr,
    i64,
)
from xdsl.ir import Attribute, SSAValue
from xdsl.rewriter import InsertPoint
from xdsl.traits import SymbolOpInterface

from weft.dialects.ml.constant import DATA, DATA_TYPE
from weft.passes.loops.buffers.types import Buffer, signless
from weft.passes.repetition import is_repetition
from weft.passes.rewriting import LocatedBuilder

ALIGNMENT = 64
"""Constants start where a cache line does."""


@dataclass
class Constants:
    """The constants of a module. Equal data of one type is one global."""

    module: ModuleOp
    _names: set[str] = field(default_factory=set[str])
    _globals: dict[Attribute, memref.GlobalOp] = field(default_factory=dict[Attribute, memref.GlobalOp])

    def __post_init__(self) -> None:
        for op in self.module.ops:
            if (symbol := op.get_trait(SymbolOpInterface)) is not None:
                name = symbol.get_sym_attr_name(op)
                self._names.add("" if name is None else name.data)

    def get(self, builder: LocatedBuilder, data: DenseIntOrFPElementsAttr) -> SSAValue:
        """The buffer that holds constant data. Nobody may write it."""
        value = in_memory(data)
        if value not in self._globals:
            self._globals[value] = self._global(builder, value)
        symbol = self._globals[value]
        return builder.insert(memref.GetGlobalOp(symbol.sym_name.data, symbol.type)).memref

    def in_file(self, builder: LocatedBuilder, place: str, type_: TensorType[Attribute]) -> SSAValue:
        """The buffer that holds constant data of a file. Nobody may write it."""
        key = ArrayAttr([StringAttr(place), type_])
        if key not in self._globals:
            buffer = Buffer(signless(type_.element_type), type_.get_shape())
            op = memref.GlobalOp.get(StringAttr(self._name()), buffer, UnitAttr(), constant=UnitAttr())
            op.attributes |= {DATA: StringAttr(place), DATA_TYPE: type_}
            self._globals[key] = self._insert(builder, op)
        symbol = self._globals[key]
        return builder.insert(memref.GetGlobalOp(symbol.sym_name.data, symbol.type)).memref

    def _global(self, builder: LocatedBuilder, value: DenseIntOrFPElementsAttr) -> memref.GlobalOp:
        op = memref.GlobalOp.get(
            StringAttr(self._name()),
            Buffer(value.get_element_type(), value.get_shape()),
            value,
            constant=UnitAttr(),
            alignment=IntegerAttr(ALIGNMENT, i64),
        )
        return self._insert(builder, op)

    def _insert(self, builder: LocatedBuilder, op: memref.GlobalOp) -> memref.GlobalOp:
        first = self.module.body.block.first_op
        where = InsertPoint.before(first) if first else InsertPoint.at_end(self.module.body.block)
        return LocatedBuilder(where, builder.location).insert(op)

    def _name(self) -> str:
        number = len(self._globals)
        while (name := f"constant_{number}") in self._names:
            number += 1
        self._names.add(name)
        return name


def in_memory(data: DenseIntOrFPElementsAttr) -> DenseIntOrFPElementsAttr:
    """Constant data as it lies in memory: signless elements, a tensor's type."""
    element = cast(AnyDenseElement, signless(data.get_element_type()))
    return DenseIntOrFPElementsAttr(TensorType(element, data.get_shape()), data.data)


def splat_bytes(data: DenseIntOrFPElementsAttr) -> bytes | None:
    """The bytes of one element where all elements are equal, else None."""
    size = data.get_element_type().compile_time_size
    return data.data.data[:size] if not data.data.data or is_repetition(data) else None


def element_of(data: DenseIntOrFPElementsAttr, one: bytes) -> IntegerAttr | FloatAttr:
    """One element of constant data as an attribute for `arith.constant`."""
    return next(iter(DenseIntOrFPElementsAttr(TensorType(data.get_element_type(), []), BytesAttr(one)).iter_attrs()))
