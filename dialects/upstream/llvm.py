"""The `llvm` dialect: xDSL's, with the ops that it lacks, under MLIR's names and in MLIR's syntax.

Four ops of xDSL's are replaced because they refuse what LLVM accepts: `icmp` (pointers), `fcmp` and `select`
(vectors), `intr.masked.store` (integers). Most intrinsics need no op of their own: `llvm.call_intrinsic`.
"""

from __future__ import annotations

from typing import ClassVar

from xdsl.dialects import llvm
from xdsl.dialects.builtin import (
    AnyFloatConstr,
    IntegerAttr,
    SignlessIntegerConstraint,
    VectorType,
    i1,
    i64,
)
from xdsl.ir import Attribute, Dialect, Operation, SSAValue
from xdsl.irdl import (
    AnyAttr,
    EqAttrConstraint,
    IRDLOperation,
    ParsePropInAttrDict,
    VarConstraint,
    base,
    irdl_op_definition,
    operand_def,
    prop_def,
    result_def,
    traits_def,
)
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.traits import NoMemoryEffect, Pure
from xdsl.utils.exceptions import VerifyException
from xdsl.utils.hints import isa

from weft.dialects.upstream.llvm_atomics import ATOMIC_KINDS, AtomicCmpXchgOp, AtomicRMWOp
from weft.dialects.upstream.llvm_memory import MaskedLoadOp, MaskedStoreOp
from weft.dialects.upstream.llvm_switch import SwitchOp

__all__ = [
    "ATOMIC_KINDS",
    "LLVM",
    "AddrSpaceCastOp",
    "AtomicCmpXchgOp",
    "AtomicRMWOp",
    "ExtractElementOp",
    "FCmpOp",
    "FPToSIOp",
    "FPToUIOp",
    "FreezeOp",
    "ICmpOp",
    "MaskedLoadOp",
    "MaskedStoreOp",
    "PoisonOp",
    "SelectOp",
    "SwitchOp",
    "UIToFPOp",
]

_INTEGER_OR_VECTOR = SignlessIntegerConstraint | VectorType.constr(SignlessIntegerConstraint)
_TRUTH = EqAttrConstraint(i1)
_TRUTH_OR_VECTOR = _TRUTH | VectorType.constr(_TRUTH)
_FLOAT_OR_VECTOR = AnyFloatConstr | VectorType.constr(AnyFloatConstr)
_NO_FLAGS = llvm.FastMathAttr(None)


def _lanes(type_: Attribute) -> int | None:
    return type_.get_shape()[0] if isa(type_, VectorType) else None


def _truth(type_: Attribute) -> Attribute:
    """i1, or a vector of i1 for a vector."""
    lanes = _lanes(type_)
    return i1 if lanes is None else VectorType(i1, [lanes])


class _CompareOp(IRDLOperation):
    """What `icmp` and `fcmp` share: a predicate in quotes, two operands of one type, an i1 for each lane."""

    predicate = prop_def(IntegerAttr)
    NAMES: ClassVar[tuple[str, ...]]

    def __init__(self, predicate: str, lhs: SSAValue | Operation, rhs: SSAValue | Operation) -> None:
        lhs = SSAValue.get(lhs)
        super().__init__(
            operands=[lhs, rhs],
            result_types=[_truth(lhs.type)],
            properties={"predicate": IntegerAttr(self.NAMES.index(predicate), i64)},
        )

    @classmethod
    def parse(cls, parser: Parser) -> _CompareOp:
        """Reads `"slt" %a, %b : i32`."""
        name = parser.parse_str_literal()
        if name not in cls.NAMES:
            parser.raise_error(f"'{name}' is no predicate, expected one of {', '.join(cls.NAMES)}")
        lhs = parser.parse_unresolved_operand()
        parser.parse_punctuation(",")
        rhs = parser.parse_unresolved_operand()
        attributes = parser.parse_optional_attr_dict()
        parser.parse_punctuation(":")
        type_ = parser.parse_type()
        flags = attributes.pop("fastmathFlags", None)
        op = cls(name, parser.resolve_operand(lhs, type_), parser.resolve_operand(rhs, type_))
        op.attributes |= attributes
        if flags is not None:
            op.properties["fastmathFlags"] = flags
        return op

    def print(self, printer: Printer) -> None:
        """Prints what :meth:`parse` reads."""
        printer.print_string(f' "{self.NAMES[self.predicate.value.data]}" ')
        printer.print_list(self.operands, printer.print_ssa_value)
        flags = self.properties.get("fastmathFlags", _NO_FLAGS)
        printer.print_op_attributes(
            self.attributes if flags == _NO_FLAGS else {**self.attributes, "fastmathFlags": flags}
        )
        printer.print_string(" : ")
        printer.print_attribute(self.operands[0].type)

    def verify_(self) -> None:
        """The predicate exists, and the result has as many lanes as the operands."""
        if not 0 <= self.predicate.value.data < len(self.NAMES):
            raise VerifyException(f"there is no predicate {self.predicate.value.data}")
        if self.results[0].type != _truth(self.operands[0].type):
            raise VerifyException(
                f"a comparison of {self.operands[0].type} gives {_truth(self.operands[0].type)}, "
                f"not {self.results[0].type}"
            )


@irdl_op_definition
class ICmpOp(_CompareOp):
    """Compares integers, vectors of them, or pointers.

    ```mlir
    %0 = llvm.icmp "slt" %a, %b : vector<4xi32>
    ```
    """

    name = "llvm.icmp"
    NAMES: ClassVar[tuple[str, ...]] = tuple(flag.value for flag in llvm.ICmpPredicateFlag)
    T: ClassVar = VarConstraint("T", _INTEGER_OR_VECTOR | base(llvm.LLVMPointerType))

    lhs = operand_def(T)
    rhs = operand_def(T)
    res = result_def(_TRUTH_OR_VECTOR)

    traits = traits_def(Pure())


@irdl_op_definition
class FCmpOp(_CompareOp):
    """Compares floats or vectors of them; `o` predicates are false on NaN, `u` predicates true.

    ```mlir
    %0 = llvm.fcmp "olt" %a, %b : vector<4xf32>
    ```
    """

    name = "llvm.fcmp"
    NAMES: ClassVar[tuple[str, ...]] = tuple(flag.value for flag in llvm.FCmpPredicateFlag)
    T: ClassVar = VarConstraint("T", _FLOAT_OR_VECTOR)

    lhs = operand_def(T)
    rhs = operand_def(T)
    res = result_def(_TRUTH_OR_VECTOR)
    fastmathFlags = prop_def(llvm.FastMathAttr, default_value=_NO_FLAGS)

    traits = traits_def(Pure())


@irdl_op_definition
class SelectOp(IRDLOperation):
    """One of two values by a condition, or lane by lane by a vector of conditions.

    ```mlir
    %0 = llvm.select %c, %a, %b : vector<4xi1>, vector<4xf32>
    ```
    """

    name = "llvm.select"
    T: ClassVar = VarConstraint("T", AnyAttr())

    cond = operand_def(_TRUTH_OR_VECTOR)
    lhs = operand_def(T)
    rhs = operand_def(T)
    res = result_def(T)
    fastmathFlags = prop_def(llvm.FastMathAttr, default_value=_NO_FLAGS)

    traits = traits_def(Pure())
    irdl_options = (ParsePropInAttrDict(),)
    assembly_format = "$cond `,` $lhs `,` $rhs attr-dict `:` type($cond) `,` type($res)"

    def __init__(self, cond: SSAValue | Operation, lhs: SSAValue | Operation, rhs: SSAValue | Operation) -> None:
        super().__init__(operands=[cond, lhs, rhs], result_types=[SSAValue.get(lhs).type])

    def verify_(self) -> None:
        """A vector of conditions has one for each lane."""
        lanes = _lanes(self.cond.type)
        if lanes is not None and lanes != _lanes(self.res.type):
            raise VerifyException(f"{lanes} conditions cannot select lanes of {self.res.type}")


@irdl_op_definition
class FPToSIOp(llvm.GenericCastOp):
    """Float to signed integer, poison out of range: `llvm.fptosi.sat` is the defined one.

    ```mlir
    %0 = llvm.fptosi %a : f32 to i32
    ```
    """

    name = "llvm.fptosi"


@irdl_op_definition
class FPToUIOp(llvm.GenericCastOp):
    """Float to unsigned integer, poison out of range: `llvm.fptoui.sat` is the defined one.

    ```mlir
    %0 = llvm.fptoui %a : f32 to i32
    ```
    """

    name = "llvm.fptoui"


@irdl_op_definition
class UIToFPOp(llvm.GenericCastOp):
    """Unsigned integer to float, rounded to nearest, ties to even.

    ```mlir
    %0 = llvm.uitofp %a : i32 to f32
    ```
    """

    name = "llvm.uitofp"


@irdl_op_definition
class AddrSpaceCastOp(llvm.GenericCastOp):
    """A pointer seen from another address space.

    ```mlir
    %0 = llvm.addrspacecast %a : !llvm.ptr to !llvm.ptr<3>
    ```
    """

    name = "llvm.addrspacecast"


@irdl_op_definition
class PoisonOp(IRDLOperation):
    """A value that may be anything until it is used; a vector is built up from it.

    ```mlir
    %0 = llvm.mlir.poison : vector<4xf32>
    ```
    """

    name = "llvm.mlir.poison"
    res = result_def()
    traits = traits_def(Pure())
    assembly_format = "attr-dict `:` type($res)"

    def __init__(self, result_type: Attribute) -> None:
        super().__init__(result_types=[result_type])


@irdl_op_definition
class FreezeOp(IRDLOperation):
    """Turns poison into some fixed value, and gives every other value unchanged.

    ```mlir
    %0 = llvm.freeze %a : i32
    ```
    """

    name = "llvm.freeze"
    T: ClassVar = VarConstraint("T", AnyAttr())
    val = operand_def(T)
    res = result_def(T)
    traits = traits_def(NoMemoryEffect())
    assembly_format = "$val attr-dict `:` type($val)"

    def __init__(self, val: SSAValue | Operation) -> None:
        super().__init__(operands=[val], result_types=[SSAValue.get(val).type])


@irdl_op_definition
class ExtractElementOp(IRDLOperation):
    """One lane of a vector.

    ```mlir
    %0 = llvm.extractelement %v[%i : i64] : vector<4xf32>
    ```
    """

    name = "llvm.extractelement"
    ELEMENT: ClassVar = VarConstraint("ELEMENT", AnyAttr())
    vector = operand_def(VectorType.constr(ELEMENT))
    position = operand_def(SignlessIntegerConstraint)
    res = result_def(ELEMENT)
    traits = traits_def(Pure())
    assembly_format = "$vector `[` $position `:` type($position) `]` attr-dict `:` type($vector)"

    def __init__(self, vector: SSAValue | Operation, position: SSAValue | Operation) -> None:
        type_ = SSAValue.get(vector).type
        if not isa(type_, VectorType):
            raise ValueError(f"a lane is taken from a vector, not from {type_}")
        super().__init__(operands=[vector, position], result_types=[type_.element_type])


_OURS: tuple[type[Operation], ...] = (
    AddrSpaceCastOp,
    AtomicCmpXchgOp,
    AtomicRMWOp,
    ExtractElementOp,
    FCmpOp,
    FPToSIOp,
    FPToUIOp,
    FreezeOp,
    ICmpOp,
    MaskedLoadOp,
    MaskedStoreOp,
    PoisonOp,
    SelectOp,
    SwitchOp,
    UIToFPOp,
)

_REPLACED = {op.name for op in _OURS}

LLVM = Dialect(
    "llvm",
    [*(op for op in llvm.LLVM.operations if op.name not in _REPLACED), *_OURS],
    [*llvm.LLVM.attributes],
)
