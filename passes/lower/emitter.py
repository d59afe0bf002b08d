"""The ops of the llvm dialect as methods: what the lowerings emit with."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import TypeAlias, cast

from xdsl.dialects import llvm
from xdsl.dialects.builtin import (
    DenseArrayBase,
    IntegerAttr,
    StringAttr,
    SymbolRefAttr,
    UnitAttr,
    VectorType,
    i1,
    i32,
    i64,
)
from xdsl.dialects.utils import FastMathFlag
from xdsl.ir import Attribute, Block, Operation

from weft.dialects.upstream import llvm as ours
from weft.dialects.upstream.intrinsics import mangle
from weft.passes.lower.function_builder import FunctionBuilder, Value, int_attr
from weft.passes.lower.types import PTR, VOID, element, lanes, like, vector_type

Index: TypeAlias = Value | int
Scalar: TypeAlias = Callable[[Sequence[Value]], Value]

STRICT = llvm.FastMathAttr(None)
CONTRACT = llvm.FastMathAttr([FastMathFlag.ALLOW_CONTRACT])

_UNIT = UnitAttr()
_NO_WRAP = IntegerAttr(0, i32)
_UNORDERED = IntegerAttr(0, i64)
_NO_BUNDLES = DenseArrayBase.from_list(i32, [])
_CCC = llvm.CallingConventionAttr("ccc")
_NO_TAIL = llvm.TailCallKindAttr(llvm.TailCallKind.NONE)
_BY_VALUE = llvm.GEP_USE_SSA_VAL
_WRAP: Mapping[str, Attribute] = {"overflowFlags": IntegerAttr(0, i32)}
_NSW: Mapping[str, Attribute] = {"overflowFlags": IntegerAttr(1, i32)}
_PLAIN: Mapping[type[Operation], Mapping[str, Attribute]] = {
    llvm.AddOp: _WRAP,
    llvm.SubOp: _WRAP,
    llvm.MulOp: _WRAP,
    llvm.ShlOp: _WRAP,
}


@lru_cache(None)
def _i32s(*values: int) -> DenseArrayBase:
    return DenseArrayBase.from_list(i32, values)


@lru_cache(None)
def _i64s(*values: int) -> DenseArrayBase:
    return DenseArrayBase.from_list(i64, values)


@lru_cache(None)
def _string(text: str) -> StringAttr:
    return StringAttr(text)


@lru_cache(None)
def _symbol(text: str) -> SymbolRefAttr:
    return SymbolRefAttr(text)


_ICMP = {name: IntegerAttr(i, i64) for i, name in enumerate(ours.ICmpOp.NAMES)}
_FCMP = {name: IntegerAttr(i, i64) for i, name in enumerate(ours.FCmpOp.NAMES)}


class Emitter(FunctionBuilder):
    """Builds one `llvm.func`, an op a method.

    Values are SSA values of llvm types; operands of one op must agree, as in LLVM. What holds for scalars
    holds for vectors of any width.
    """

    # integers

    def binary(self, kind: type[Operation], a: Value, b: Value) -> Value:
        """An integer op of two equal types, without flags."""
        return self.value(kind, (a, b), a.type, _PLAIN.get(kind))

    def add(self, a: Value, b: Value) -> Value:
        """Wrapping sum."""
        return self.binary(llvm.AddOp, a, b)

    def sub(self, a: Value, b: Value) -> Value:
        """Wrapping difference."""
        return self.binary(llvm.SubOp, a, b)

    def mul(self, a: Value, b: Value) -> Value:
        """Wrapping product."""
        return self.binary(llvm.MulOp, a, b)

    def and_(self, a: Value, b: Value) -> Value:
        """Bitwise and."""
        return self.binary(llvm.AndOp, a, b)

    def or_(self, a: Value, b: Value) -> Value:
        """Bitwise or."""
        return self.binary(llvm.OrOp, a, b)

    def xor(self, a: Value, b: Value) -> Value:
        """Bitwise exclusive or."""
        return self.binary(llvm.XOrOp, a, b)

    def shl(self, a: Value, b: Value) -> Value:
        """Shift to the left; poison from the width on."""
        return self.binary(llvm.ShlOp, a, b)

    def lshr(self, a: Value, b: Value) -> Value:
        """Logical shift to the right; poison from the width on."""
        return self.binary(llvm.LShrOp, a, b)

    def ashr(self, a: Value, b: Value) -> Value:
        """Arithmetic shift to the right; poison from the width on."""
        return self.binary(llvm.AShrOp, a, b)

    def add_index(self, a: Value, b: Value) -> Value:
        """Sum of index computations, which never wrap as signed numbers."""
        return self.value(llvm.AddOp, (a, b), a.type, _NSW)

    def sub_index(self, a: Value, b: Value) -> Value:
        """Difference of index computations, which never wrap as signed numbers."""
        return self.value(llvm.SubOp, (a, b), a.type, _NSW)

    def mul_index(self, a: Value, b: Value) -> Value:
        """Product of index computations, which never wrap as signed numbers."""
        return self.value(llvm.MulOp, (a, b), a.type, _NSW)

    def icmp(self, predicate: str, a: Value, b: Value) -> Value:
        """Compare integers or pointers: eq ne slt sle sgt sge ult ule ugt uge."""
        return self.value(ours.ICmpOp, (a, b), like(a.type, i1), {"predicate": _ICMP[predicate]})

    # floats

    def fbinary(self, kind: type[Operation], a: Value, b: Value, flags: llvm.FastMathAttr = CONTRACT) -> Value:
        """A float op of two equal types."""
        return self.value(kind, (a, b), a.type, {"fastmathFlags": flags})

    def fadd(self, a: Value, b: Value, flags: llvm.FastMathAttr = CONTRACT) -> Value:
        """Sum; by default it may be contracted into an fma."""
        return self.fbinary(llvm.FAddOp, a, b, flags)

    def fsub(self, a: Value, b: Value, flags: llvm.FastMathAttr = CONTRACT) -> Value:
        """Difference; by default it may be contracted into an fma."""
        return self.fbinary(llvm.FSubOp, a, b, flags)

    def fmul(self, a: Value, b: Value, flags: llvm.FastMathAttr = CONTRACT) -> Value:
        """Product; by default it may be contracted into an fma."""
        return self.fbinary(llvm.FMulOp, a, b, flags)

    def fdiv(self, a: Value, b: Value, flags: llvm.FastMathAttr = STRICT) -> Value:
        """Quotient."""
        return self.fbinary(llvm.FDivOp, a, b, flags)

    def fneg(self, a: Value) -> Value:
        """The sign turned over."""
        return self.value(llvm.FNegOp, (a,), a.type, {"fastmathFlags": STRICT})

    def fma(self, a: Value, b: Value, c: Value) -> Value:
        """`a * b + c`, rounded once."""
        return self.value(llvm.FMAOp, (a, b, c), a.type, {"fastmathFlags": STRICT})

    def muladd(self, a: Value, b: Value, c: Value) -> Value:
        """`a * b + c`, rounded once where the machine has an instruction for that, else twice."""
        return self.intrinsic("fmuladd", (a, b, c), a.type)

    def fcmp(self, predicate: str, a: Value, b: Value) -> Value:
        """Compare floats, by LLVM's predicates (oeq, ult, uno, ...)."""
        properties = {"predicate": _FCMP[predicate], "fastmathFlags": STRICT}
        return self.value(ours.FCmpOp, (a, b), like(a.type, i1), properties)

    # any value

    def select(self, condition: Value, a: Value, b: Value) -> Value:
        """`a` where the condition holds, else `b`; lane by lane for a vector of conditions."""
        return self.value(ours.SelectOp, (condition, a, b), a.type, {"fastmathFlags": STRICT})

    def cast(self, kind: type[Operation], a: Value, scalar: Attribute) -> Value:
        """A conversion to that scalar type, as wide as `a` is. To the same type it is nothing."""
        type_ = like(a.type, scalar)
        return a if type_ == a.type else self.value(kind, (a,), type_, _PLAIN.get(kind))

    def intrinsic(
        self,
        name: str,
        operands: Sequence[Value],
        result: Attribute | None,
        overloads: Sequence[Attribute] | None = None,
        flags: llvm.FastMathAttr = STRICT,
    ) -> Value:
        """Call `llvm.NAME`, its name completed by `overloads` (by default the result's type).

        With `result` None it returns nothing, and the value given back is the first operand.
        """
        if overloads is None:
            overloads = () if result is None else (result,)
        full = ".".join([f"llvm.{name}", *map(mangle, overloads)])
        made = self.op(
            llvm.CallIntrinsicOp,
            operands,
            () if result is None else (result,),
            {
                "intrin": _string(full),
                "fastmathFlags": flags,
                "op_bundle_sizes": _NO_BUNDLES,
                "operandSegmentSizes": _i32s(len(operands), 0),
            },
        )
        return operands[0] if result is None else made.results[0]

    def call(self, name: str, operands: Sequence[Value], result: Attribute = VOID) -> Value | None:
        """Call a function of the module."""
        made = self.op(
            llvm.CallOp,
            operands,
            () if result is VOID else (result,),
            {
                "callee": _symbol(name),
                "fastmathFlags": STRICT,
                "CConv": _CCC,
                "TailCallKind": _NO_TAIL,
                "op_bundle_sizes": _NO_BUNDLES,
                "operandSegmentSizes": _i32s(len(operands), 0),
            },
        )
        return made.results[0] if made.results else None

    def call_external(self, name: str, operands: Sequence[Value], result: Attribute) -> Value:
        """Call a function from outside the module, declaring it."""
        self.externals.declare(name, [operand.type for operand in operands], result)
        return cast(Value, self.call(name, operands, result))

    # vectors

    def extract(self, vector: Value, lane: Index) -> Value:
        """One lane."""
        type_ = cast("VectorType[Attribute]", vector.type)
        return self.value(ours.ExtractElementOp, (vector, self._index(lane)), type_.element_type)

    def insert(self, vector: Value, value: Value, lane: Index) -> Value:
        """The vector with one lane replaced."""
        return self.value(llvm.InsertElementOp, (vector, value, self._index(lane)), vector.type)

    def shuffle(self, a: Value, b: Value, mask: Sequence[int]) -> Value:
        """Lanes of two vectors, counted through; -1 leaves a lane undefined."""
        same = len(mask) == lanes(a.type)
        result = a.type if same else vector_type(element(a.type), len(mask))
        return self.value(llvm.ShuffleVectorOp, (a, b), result, {"mask": _i32s(*mask)})

    def splat(self, scalar: Value, width: int) -> Value:
        """A vector with `scalar` in every lane."""
        poison = self.poison(vector_type(scalar.type, width))
        return self.shuffle(self.insert(poison, scalar, 0), poison, [0] * width)

    def each_lane(self, rule: Scalar, operands: Sequence[Value], result: Attribute) -> Value:
        """Apply a scalar rule; on vectors, lane by lane. `result` is the rule's scalar type."""
        width = lanes(operands[0].type)
        if width is None:
            return rule(operands)
        out = self.poison(vector_type(result, width))
        for lane in range(width):
            out = self.insert(out, rule([self.extract(operand, lane) for operand in operands]), lane)
        return out

    # memory

    def _index(self, index: Index) -> Value:
        return self.integer(index) if isinstance(index, int) else index

    def gep(self, pointer: Value, index: Index, type_: Attribute, *, inbounds: bool = True) -> Value:
        """The address of element `index` of type `type_` behind a pointer."""
        if isinstance(index, int) and -(2**31) < index < 2**31:
            raw, operands = index, (pointer,)
        else:
            raw, operands = _BY_VALUE, (pointer, self._index(index))
        properties: dict[str, Attribute] = {
            "elem_type": type_,
            "rawConstantIndices": _i32s(raw),
            "noWrapFlags": _NO_WRAP,
        }
        if inbounds:
            properties["inbounds"] = _UNIT
        return self.value(llvm.GEPOp, operands, pointer.type, properties)

    def field(self, pointer: Value, struct: llvm.LLVMStructType, *path: int) -> Value:
        """The address of a field (of a field ...) of the struct behind a pointer."""
        properties: dict[str, Attribute] = {
            "elem_type": struct,
            "rawConstantIndices": _i32s(0, *path),
            "noWrapFlags": _NO_WRAP,
            "inbounds": _UNIT,
        }
        return self.value(llvm.GEPOp, (pointer,), pointer.type, properties)

    def load(self, pointer: Value, type_: Attribute, alignment: int) -> Value:
        """What stands at an address."""
        properties = {"alignment": int_attr(alignment, 64), "ordering": _UNORDERED}
        return self.value(llvm.LoadOp, (pointer,), type_, properties)

    def store(self, value: Value, pointer: Value, alignment: int, *, nontemporal: bool = False) -> None:
        """Write to an address; `nontemporal` goes past the caches (slow unless aligned to the vector)."""
        properties: dict[str, Attribute] = {"alignment": int_attr(alignment, 64), "ordering": _UNORDERED}
        if nontemporal:
            properties["nontemporal"] = _UNIT
        self.op(llvm.StoreOp, (value, pointer), (), properties)

    def masked_load(self, pointer: Value, mask: Value, rest: Value, alignment: int) -> Value:
        """The lanes with their mask set from memory, the others from `rest`."""
        properties = {"alignment": int_attr(alignment, 32)}
        return self.value(ours.MaskedLoadOp, (pointer, mask, rest), rest.type, properties)

    def masked_store(self, value: Value, pointer: Value, mask: Value, alignment: int) -> None:
        """Write the lanes that have their mask set."""
        self.op(ours.MaskedStoreOp, (value, pointer, mask), (), {"alignment": int_attr(alignment, 32)})

    def alloca(self, count: Index, type_: Attribute, alignment: int) -> Value:
        """Room on the stack. With a constant count it is made at the head of the entry block."""
        properties = {"elem_type": type_, "alignment": int_attr(alignment, 64)}
        if not isinstance(count, int):
            return self.value(llvm.AllocaOp, (count,), PTR, properties)
        size = self.integer(count)
        with self.at(self._pooled):
            return self.value(llvm.AllocaOp, (size,), PTR, properties)

    def local(self, type_: Attribute, initial: Value, alignment: int) -> Value:
        """Room on the stack that holds a constant from the start of the function on."""
        room = self.alloca(1, type_, alignment)
        with self.at(self._pooled):
            self.store(initial, room, alignment)
        return room

    def address_of(self, name: str, type_: Attribute = PTR) -> Value:
        """The address of a global or a function, a pointer into the memory space that it lies in."""
        return self.value(llvm.AddressOfOp, (), type_, {"global_name": _symbol(name)})

    # structs

    def extract_value(self, container: Value, position: int, type_: Attribute) -> Value:
        """A field of a struct value."""
        return self.value(llvm.ExtractValueOp, (container,), type_, {"position": _i64s(position)})

    def insert_value(self, container: Value, value: Value, position: int) -> Value:
        """The struct value with one field replaced."""
        properties = {"position": _i64s(position)}
        return self.value(llvm.InsertValueOp, (container, value), container.type, properties)

    # control

    def br(self, block: Block, arguments: Sequence[Value] = ()) -> None:
        """Jump."""
        self.op(llvm.BrOp, arguments, successors=(block,))

    def cond_br(
        self,
        condition: Value,
        then: Block,
        otherwise: Block,
        then_arguments: Sequence[Value] = (),
        else_arguments: Sequence[Value] = (),
    ) -> None:
        """Jump to one of two blocks."""
        self.op(
            llvm.CondBrOp,
            (condition, *then_arguments, *else_arguments),
            (),
            {"operandSegmentSizes": _i32s(1, len(then_arguments), len(else_arguments))},
            (then, otherwise),
        )

    def ret(self, value: Value | None = None) -> None:
        """Return from the function."""
        self.op(llvm.ReturnOp, () if value is None else (value,))
