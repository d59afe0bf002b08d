"""The `llvm` dialect: xDSL's, with the ops that it lacks, under MLIR's names and in MLIR's syntax.

Four ops of xDSL's are replaced because they refuse what LLVM accepts: `icmp` (pointers), `fcmp` and `select`
(vectors), `intr.masked.store` (integers). Most intrinsics need no op of their own: `llvm.call_intrinsic`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from xdsl.dialects import llvm
from xdsl.dialects.builtin import (
    AnyFloatConstr,
    DenseArrayBase,
    DenseIntOrFPElementsAttr,
    IntegerAttr,
    IntegerType,
    SignlessIntegerConstraint,
    UnitAttr,
    VectorType,
    i1,
    i32,
    i64,
)
from xdsl.ir import Attribute, Block, Dialect, Operation, SSAValue
from xdsl.irdl import (
    AnyAttr,
    AttrSizedOperandSegments,
    EqAttrConstraint,
    IRDLOperation,
    ParsePropInAttrDict,
    VarConstraint,
    base,
    irdl_op_definition,
    operand_def,
    opt_prop_def,
    prop_def,
    result_def,
    successor_def,
    traits_def,
    var_operand_def,
    var_successor_def,
)
from xdsl.parser import Parser, UnresolvedOperand
from xdsl.printer import Printer
from xdsl.traits import IsTerminator, NoMemoryEffect, Pure
from xdsl.utils.exceptions import VerifyException
from xdsl.utils.hints import isa

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


@irdl_op_definition
class MaskedLoadOp(IRDLOperation):
    """Loads the lanes whose mask is set; the others come from `pass_thru`, their memory is not touched.

    ```mlir
    %0 = llvm.intr.masked.load %p, %mask, %rest {alignment = 4 : i32}
       : (!llvm.ptr, vector<4xi1>, vector<4xf32>) -> vector<4xf32>
    ```
    """

    name = "llvm.intr.masked.load"
    T: ClassVar = VarConstraint("T", base(VectorType))
    data = operand_def(llvm.LLVMPointerType)
    mask = operand_def(VectorType.constr(_TRUTH))
    pass_thru = operand_def(T)
    res = result_def(T)
    alignment = prop_def(IntegerAttr[IntegerType])
    nontemporal = opt_prop_def(UnitAttr)
    irdl_options = (ParsePropInAttrDict(),)
    assembly_format = "operands attr-dict `:` functional-type(operands, results)"

    def __init__(
        self,
        data: SSAValue | Operation,
        mask: SSAValue | Operation,
        pass_thru: SSAValue | Operation,
        alignment: int,
    ) -> None:
        super().__init__(
            operands=[data, mask, pass_thru],
            result_types=[SSAValue.get(pass_thru).type],
            properties={"alignment": IntegerAttr(alignment, i32)},
        )


@irdl_op_definition
class MaskedStoreOp(IRDLOperation):
    """Stores the lanes whose mask is set; the memory of the others is not touched.

    ```mlir
    llvm.intr.masked.store %v, %p, %mask {alignment = 4 : i32} : vector<4xf32>, vector<4xi1> into !llvm.ptr
    ```
    """

    name = "llvm.intr.masked.store"
    value = operand_def(VectorType)
    data = operand_def(llvm.LLVMPointerType)
    mask = operand_def(VectorType.constr(_TRUTH))
    alignment = prop_def(IntegerAttr[IntegerType])
    nontemporal = opt_prop_def(UnitAttr)
    irdl_options = (ParsePropInAttrDict(),)
    assembly_format = "$value `,` $data `,` $mask attr-dict `:` type($value) `,` type($mask) `into` type($data)"

    def __init__(
        self,
        value: SSAValue | Operation,
        data: SSAValue | Operation,
        mask: SSAValue | Operation,
        alignment: int,
    ) -> None:
        super().__init__(operands=[value, data, mask], properties={"alignment": IntegerAttr(alignment, i32)})


ATOMIC_KINDS: tuple[str, ...] = (
    "xchg", "add", "sub", "_and", "nand", "_or", "_xor", "max", "min", "umax", "umin", "fadd", "fsub",
    "fmax", "fmin",
)  # fmt: skip
"""What `llvm.atomicrmw` can do, in the order of MLIR's enum."""


@irdl_op_definition
class AtomicRMWOp(IRDLOperation):
    """Combines a value with memory in one step, and gives what was there before.

    ```mlir
    %0 = llvm.atomicrmw add %p, %v monotonic : !llvm.ptr, i64
    ```
    """

    name = "llvm.atomicrmw"
    T: ClassVar = VarConstraint("T", AnyAttr())
    ptr = operand_def(llvm.LLVMPointerType)
    val = operand_def(T)
    res = result_def(T)
    bin_op = prop_def(IntegerAttr[IntegerType])
    ordering = prop_def(IntegerAttr[IntegerType])

    def __init__(
        self, kind: str, ptr: SSAValue | Operation, val: SSAValue | Operation, ordering: str = "monotonic"
    ) -> None:
        orderings = {name: key for key, name in llvm.ATOMIC_ORDERING_KEYWORDS.items()}
        super().__init__(
            operands=[ptr, val],
            result_types=[SSAValue.get(val).type],
            properties={
                "bin_op": IntegerAttr(ATOMIC_KINDS.index(kind), i64),
                "ordering": IntegerAttr(orderings[ordering], i64),
            },
        )

    @classmethod
    def parse(cls, parser: Parser) -> AtomicRMWOp:
        """Reads `add %p, %v monotonic : !llvm.ptr, i64`."""
        kind = parser.expect(lambda: parser.parse_optional_keyword_in(ATOMIC_KINDS), "an atomic operation")
        ptr = parser.parse_unresolved_operand()
        parser.parse_punctuation(",")
        val = parser.parse_unresolved_operand()
        ordering = parser.expect(
            lambda: parser.parse_optional_keyword_in(llvm.ATOMIC_ORDERING_KEYWORDS.values()), "an ordering"
        )
        attributes = parser.parse_optional_attr_dict()
        parser.parse_punctuation(":")
        ptr_type = parser.parse_type()
        parser.parse_punctuation(",")
        op = cls(
            kind,
            parser.resolve_operand(ptr, ptr_type),
            parser.resolve_operand(val, parser.parse_type()),
            ordering,
        )
        op.attributes |= attributes
        return op

    def print(self, printer: Printer) -> None:
        """Prints what :meth:`parse` reads."""
        printer.print_string(f" {ATOMIC_KINDS[self.bin_op.value.data]} ")
        printer.print_list(self.operands, printer.print_ssa_value)
        printer.print_string(f" {llvm.ATOMIC_ORDERING_KEYWORDS[self.ordering.value.data]}")
        printer.print_op_attributes(self.attributes)
        printer.print_string(" : ")
        printer.print_list([self.ptr.type, self.val.type], printer.print_attribute)


@irdl_op_definition
class SwitchOp(IRDLOperation):
    """Jumps to the block of the case that equals the value, else to the default block.

    ```mlir
    llvm.switch %v : i32, ^bb1(%a : f32) [
      4: ^bb2,
      -1: ^bb3(%b : f32)
    ]
    ```
    """

    name = "llvm.switch"
    value = operand_def(SignlessIntegerConstraint)
    default_operands = var_operand_def()
    case_operands = var_operand_def()
    case_values = opt_prop_def(DenseIntOrFPElementsAttr)
    case_operand_segments = prop_def(DenseArrayBase.constr(i32))
    default_destination = successor_def()
    case_destinations = var_successor_def()

    traits = traits_def(IsTerminator())
    irdl_options = (AttrSizedOperandSegments(as_property=True),)

    def __init__(
        self,
        value: SSAValue | Operation,
        default: tuple[Block, Sequence[SSAValue]],
        cases: Sequence[tuple[int, Block, Sequence[SSAValue]]],
    ) -> None:
        value = SSAValue.get(value)
        type_ = value.type
        if not isa(type_, IntegerType):
            raise ValueError(f"a switch is on an integer, not on {type_}")
        values = DenseIntOrFPElementsAttr.from_list(
            VectorType(IntegerType(type_.bitwidth), [len(cases)]), [case for case, _, _ in cases]
        )
        super().__init__(
            operands=[value, default[1], [operand for _, _, operands in cases for operand in operands]],
            successors=[default[0], [block for _, block, _ in cases]],
            properties={
                "case_values": values if cases else None,
                "case_operand_segments": DenseArrayBase.from_list(i32, [len(c[2]) for c in cases]),
            },
        )

    def cases(self) -> list[tuple[int, Block, tuple[SSAValue, ...]]]:
        """Each case: its value, its block, what is passed to the block."""
        values: Sequence[object] = self.case_values.get_values() if self.case_values is not None else ()
        sizes = self.case_operand_segments.get_values()
        out: list[tuple[int, Block, tuple[SSAValue, ...]]] = []
        start = 0
        for value, block, size in zip(values, self.case_destinations, sizes, strict=True):
            out.append((int(str(value)), block, tuple(self.case_operands[start : start + int(size)])))
            start += int(size)
        return out

    @classmethod
    def parse(cls, parser: Parser) -> SwitchOp:
        """Reads the value, the default block, and the cases in square brackets."""
        unresolved = parser.parse_unresolved_operand()
        parser.parse_punctuation(":")
        value = parser.resolve_operand(unresolved, parser.parse_type())
        parser.parse_punctuation(",")
        default = _parse_destination(parser)

        def case() -> tuple[int, Block, Sequence[SSAValue]]:
            number = parser.parse_integer()
            parser.parse_punctuation(":")
            return (number, *_parse_destination(parser))

        cases = parser.parse_comma_separated_list(parser.Delimiter.SQUARE, case)
        op = cls(value, default, cases)
        op.attributes |= parser.parse_optional_attr_dict()
        return op

    def print(self, printer: Printer) -> None:
        """Prints what :meth:`parse` reads."""
        printer.print_string(" ")
        printer.print_ssa_value(self.value)
        printer.print_string(" : ")
        printer.print_attribute(self.value.type)
        printer.print_string(", ")
        _print_destination(printer, self.default_destination, self.default_operands)
        printer.print_string(" [")

        def case(item: tuple[int, Block, tuple[SSAValue, ...]]) -> None:
            printer.print_string(f"{item[0]}: ")
            _print_destination(printer, item[1], item[2])

        printer.print_list(self.cases(), case)
        printer.print_string("]")
        printer.print_op_attributes(self.attributes)


def _parse_destination(parser: Parser) -> tuple[Block, Sequence[SSAValue]]:
    block = parser.parse_successor()
    if parser.parse_optional_punctuation("(") is None:
        return block, ()
    operands: list[UnresolvedOperand] = parser.parse_comma_separated_list(
        parser.Delimiter.NONE, parser.parse_unresolved_operand
    )
    parser.parse_punctuation(":")
    types = parser.parse_comma_separated_list(parser.Delimiter.NONE, parser.parse_type)
    parser.parse_punctuation(")")
    return block, parser.resolve_operands(operands, types, parser.pos)


def _print_destination(printer: Printer, block: Block, operands: Sequence[SSAValue]) -> None:
    printer.print_block_name(block)
    if operands:
        with printer.in_parens():
            printer.print_list(operands, printer.print_ssa_value)
            printer.print_string(" : ")
            printer.print_list([operand.type for operand in operands], printer.print_attribute)


_OURS: tuple[type[Operation], ...] = (
    AddrSpaceCastOp,
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
