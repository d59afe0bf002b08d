"""One line of LLVM IR for each op of the llvm dialect that is not a constant: the table."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol, TypeAlias, cast

from xdsl.dialects import llvm
from xdsl.dialects.builtin import DenseArrayBase, IntegerAttr, IntegerType, StringAttr
from xdsl.ir import Attribute, Block, Operation, SSAValue

from weft.backends.llvm.names import quoted, symbol_text
from weft.dialects.upstream import llvm as ours
from weft.dialects.upstream.intrinsics import mangle


class Names(Protocol):
    """What a line needs to know of its function and module."""

    def name(self, value: SSAValue) -> str:
        """The operand that stands for a value."""
        ...

    def typed(self, value: SSAValue) -> str:
        """The operand with its type before it."""
        ...

    def type_text(self, type_: Attribute, /) -> str:
        """The spelling of a type."""
        ...

    def label(self, source: Operation, index: int) -> str:
        """The label that successor `index` of a terminator jumps to."""
        ...

    def declare(self, name: str, type_: str, /) -> object:
        """Note that an intrinsic of that name is called; `type_` has `@` where the name goes."""
        ...

    def emit(self, text: str) -> str:
        """Put an instruction before the line; the name of its value."""
        ...


Line: TypeAlias = Callable[[Operation, Names], str]


def _typed_list(names: Names, values: Sequence[SSAValue]) -> str:
    return ", ".join([names.typed(value) for value in values])


def _result(op: Operation) -> Attribute:
    return op.results[0].type


def _number(op: Operation, name: str) -> int | None:
    attr = op.get_attr_or_prop(name)
    return cast(IntegerAttr, attr).value.data if attr is not None else None


def _align(op: Operation) -> str:
    alignment = _number(op, "alignment")
    return f", align {alignment}" if alignment else ""


def _flag(op: Operation, name: str, word: str) -> str:
    return f" {word}" if op.get_attr_or_prop(name) is not None else ""


def _fast(op: Operation) -> str:
    flags = op.properties.get("fastmathFlags")
    if not isinstance(flags, llvm.FastMathAttr) or not flags.data:
        return ""
    if len(flags.data) == _ALL_FAST:
        return " fast"
    return "".join(f" {flag.value}" for flag in sorted(flags.data, key=lambda flag: flag.value))


_ALL_FAST = 7


def _overflow(op: Operation) -> str:
    flags = op.properties.get("overflowFlags")
    number = flags.to_int() if isinstance(flags, llvm.OverflowAttr) else _number(op, "overflowFlags") or 0
    return ("", " nsw", " nuw", " nuw nsw")[number]


# arithmetic


def _binary(word: str, flags: Callable[[Operation], str] = lambda op: "") -> Line:
    def line(op: Operation, names: Names) -> str:
        a, b = op.operands
        return f"{word}{flags(op)} {names.typed(a)}, {names.name(b)}"

    return line


def _exact(op: Operation) -> str:
    return _flag(op, "isExact", "exact")


def _disjoint(op: Operation) -> str:
    return _flag(op, "isDisjoint", "disjoint")


def _cast(word: str, flags: Callable[[Operation], str] = lambda op: "") -> Line:
    def line(op: Operation, names: Names) -> str:
        return f"{word}{flags(op)} {names.typed(op.operands[0])} to {names.type_text(_result(op))}"

    return line


def _nneg(op: Operation) -> str:
    return _flag(op, "nonNeg", "nneg")


def _icmp(op: Operation, names: Names) -> str:
    predicate = ours.ICmpOp.NAMES[_number(op, "predicate") or 0]
    return f"icmp {predicate} {names.typed(op.operands[0])}, {names.name(op.operands[1])}"


def _fcmp(op: Operation, names: Names) -> str:
    predicate = ours.FCmpOp.NAMES[_number(op, "predicate") or 0].lstrip("_")
    return f"fcmp{_fast(op)} {predicate} {names.typed(op.operands[0])}, {names.name(op.operands[1])}"


def _fneg(op: Operation, names: Names) -> str:
    return f"fneg{_fast(op)} {names.typed(op.operands[0])}"


def _select(op: Operation, names: Names) -> str:
    return f"select{_fast(op)} {_typed_list(names, op.operands)}"


def _freeze(op: Operation, names: Names) -> str:
    return f"freeze {names.typed(op.operands[0])}"


# calls


def _called(names: Names, op: Operation, name: str, operands: Sequence[SSAValue]) -> str:
    result = names.type_text(_result(op)) if op.results else "void"
    names.declare(name, f"{result} @({', '.join(names.type_text(operand.type) for operand in operands)})")
    return f"call{_fast(op)} {result} @{name}({_typed_list(names, operands)})"


def _intrinsic_call(op: Operation, names: Names) -> str:
    call = cast(llvm.CallIntrinsicOp, op)
    return _called(names, op, call.intrin.data, call.args)


def _intrinsic(name: str, *overloads: int) -> Line:
    """An op that is an intrinsic; its name is completed by the types of those operands (-1: the result)."""

    def line(op: Operation, names: Names) -> str:
        types = [_result(op) if i < 0 else op.operands[i].type for i in overloads]
        return _called(names, op, ".".join([f"llvm.{name}", *map(mangle, types)]), op.operands)

    return line


def _call(op: Operation, names: Names) -> str:
    call = cast(llvm.CallOp, op)
    arguments = list(call.args)
    target = symbol_text(call.callee.string_value()) if call.callee is not None else names.name(arguments.pop(0))
    if call.var_callee_type is not None:
        result = names.type_text(call.var_callee_type)
    else:
        result = names.type_text(_result(op)) if op.results else "void"
    tail = call.TailCallKind.data.value
    tail = f"{tail} " if tail != "none" else ""
    convention = call.CConv.convention.data
    convention = f" {convention}" if convention != "ccc" else ""
    return f"{tail}call{_fast(op)}{convention} {result} {target}({_typed_list(names, arguments)})"


def _inline_asm(op: Operation, names: Names) -> str:
    asm = cast(llvm.InlineAsmOp, op)
    result = names.type_text(_result(op)) if op.results else "void"
    effects = _flag(op, "has_side_effects", "sideeffect") + _flag(op, "is_align_stack", "alignstack")
    dialect = " inteldialect" if _number(op, "asm_dialect") == 1 else ""
    text, constraints = (quoted(attr.data) for attr in (asm.asm_string, asm.constraints))
    return f"call {result} asm{effects}{dialect} {text}, {constraints}({_typed_list(names, op.operands)})"


# vectors and structs


def _extract_element(op: Operation, names: Names) -> str:
    return f"extractelement {_typed_list(names, op.operands)}"


def _insert_element(op: Operation, names: Names) -> str:
    return f"insertelement {_typed_list(names, op.operands)}"


def _positions(op: Operation, name: str) -> tuple[int, ...]:
    return cast("DenseArrayBase[IntegerType]", op.properties[name]).get_values()


def _shuffle(op: Operation, names: Names) -> str:
    mask = _positions(op, "mask")
    lanes = ", ".join(f"i32 {lane}" if lane >= 0 else "i32 poison" for lane in mask)
    mask_text = f"<{len(mask)} x i32> " + ("zeroinitializer" if not any(mask) else f"<{lanes}>")
    return f"shufflevector {_typed_list(names, op.operands)}, {mask_text}"


def _extract_value(op: Operation, names: Names) -> str:
    return f"extractvalue {names.typed(op.operands[0])}, {', '.join(map(str, _positions(op, 'position')))}"


def _insert_value(op: Operation, names: Names) -> str:
    return f"insertvalue {_typed_list(names, op.operands)}, {', '.join(map(str, _positions(op, 'position')))}"


# memory


def _gep(op: Operation, names: Names) -> str:
    gep = cast(llvm.GEPOp, op)
    by_value = iter(gep.ssa_indices)
    indices = [
        names.typed(next(by_value)) if raw == llvm.GEP_USE_SSA_VAL else f"i32 {raw}"
        for raw in _positions(op, "rawConstantIndices")
    ]
    element, pointer = names.type_text(gep.elem_type), names.typed(gep.ptr)
    return f"getelementptr{_flag(op, 'inbounds', 'inbounds')} {element}, {pointer}, {', '.join(indices)}"


def _ordering(op: Operation) -> str:
    ordering = _number(op, "ordering")
    return f" {llvm.ATOMIC_ORDERING_KEYWORDS[ordering]}" if ordering else ""


def _hint(op: Operation) -> str:
    return ", !nontemporal !0" if op.get_attr_or_prop("nontemporal") is not None else ""


def _load(op: Operation, names: Names) -> str:
    ordering = _ordering(op)
    atomic = (" atomic" if ordering else "") + _flag(op, "volatile_", "volatile")
    address = names.typed(op.operands[0])
    return f"load{atomic} {names.type_text(_result(op))}, {address}{ordering}{_align(op)}{_hint(op)}"


def _store(op: Operation, names: Names) -> str:
    ordering = _ordering(op)
    atomic = (" atomic" if ordering else "") + _flag(op, "volatile_", "volatile")
    return f"store{atomic} {_typed_list(names, op.operands)}{ordering}{_align(op)}{_hint(op)}"


def _aligned_pointer(op: Operation, names: Names, pointer: SSAValue) -> str:
    return f"{names.type_text(pointer.type)} align {_number(op, 'alignment')} {names.name(pointer)}"


def _masked_load(op: Operation, names: Names) -> str:
    data, mask, rest = op.operands
    type_ = names.type_text(rest.type)
    name = f"llvm.masked.load.{mangle(rest.type)}.{mangle(data.type)}"
    names.declare(name, f"{type_} @({names.type_text(data.type)}, {names.type_text(mask.type)}, {type_})")
    pointer = _aligned_pointer(op, names, data)
    return f"call {type_} @{name}({pointer}, {_typed_list(names, (mask, rest))}){_hint(op)}"


def _masked_store(op: Operation, names: Names) -> str:
    value, data, mask = op.operands
    name = f"llvm.masked.store.{mangle(value.type)}.{mangle(data.type)}"
    names.declare(name, f"void @({', '.join(names.type_text(o.type) for o in op.operands)})")
    pointer = _aligned_pointer(op, names, data)
    return f"call void @{name}({names.typed(value)}, {pointer}, {names.typed(mask)}){_hint(op)}"


def _atomic_rmw(op: Operation, names: Names) -> str:
    rmw = cast(ours.AtomicRMWOp, op)
    kind = ours.ATOMIC_KINDS[rmw.bin_op.value.data].lstrip("_")
    return f"atomicrmw {kind} {_typed_list(names, op.operands)}{_scope(rmw.syncscope)}{_ordering(op)}"


def _cmpxchg(op: Operation, names: Names) -> str:
    swap = cast(ours.AtomicCmpXchgOp, op)
    orderings = [
        llvm.ATOMIC_ORDERING_KEYWORDS[ordering.value.data]
        for ordering in (swap.success_ordering, swap.failure_ordering)
    ]
    return f"cmpxchg {_typed_list(names, op.operands)}{_scope(swap.syncscope)} {' '.join(orderings)}"


def _scope(scope: StringAttr | None) -> str:
    return "" if scope is None else f" syncscope({quoted(scope.data)})"


def _alloca(op: Operation, names: Names) -> str:
    alloca = cast(llvm.AllocaOp, op)
    return f"alloca {names.type_text(alloca.elem_type)}, {names.typed(alloca.size)}{_align(op)}"


# control


def _br(op: Operation, names: Names) -> str:
    return f"br label %{names.label(op, 0)}"


def _cond_br(op: Operation, names: Names) -> str:
    return f"br {names.typed(op.operands[0])}, label %{names.label(op, 0)}, label %{names.label(op, 1)}"


def _switch(op: Operation, names: Names) -> str:
    switch = cast(ours.SwitchOp, op)
    type_ = names.type_text(switch.value.type)
    cases = [f"{type_} {case}, label %{names.label(op, i + 1)}" for i, (case, _, _) in enumerate(switch.cases())]
    return f"switch {names.typed(switch.value)}, label %{names.label(op, 0)} [ {' '.join(cases)} ]"


def _return(op: Operation, names: Names) -> str:
    return f"ret {names.typed(op.operands[0])}" if op.operands else "ret void"


def _unreachable(op: Operation, names: Names) -> str:
    return "unreachable"


LINES: Mapping[type[Operation], Line] = {
    llvm.AddOp: _binary("add", _overflow),
    llvm.SubOp: _binary("sub", _overflow),
    llvm.MulOp: _binary("mul", _overflow),
    llvm.ShlOp: _binary("shl", _overflow),
    llvm.UDivOp: _binary("udiv", _exact),
    llvm.SDivOp: _binary("sdiv", _exact),
    llvm.LShrOp: _binary("lshr", _exact),
    llvm.AShrOp: _binary("ashr", _exact),
    llvm.URemOp: _binary("urem"),
    llvm.SRemOp: _binary("srem"),
    llvm.AndOp: _binary("and"),
    llvm.OrOp: _binary("or", _disjoint),
    llvm.XOrOp: _binary("xor"),
    llvm.FAddOp: _binary("fadd", _fast),
    llvm.FSubOp: _binary("fsub", _fast),
    llvm.FMulOp: _binary("fmul", _fast),
    llvm.FDivOp: _binary("fdiv", _fast),
    llvm.FRemOp: _binary("frem", _fast),
    llvm.FNegOp: _fneg,
    llvm.TruncOp: _cast("trunc", _overflow),
    llvm.ZExtOp: _cast("zext", _nneg),
    llvm.SExtOp: _cast("sext"),
    llvm.BitcastOp: _cast("bitcast"),
    llvm.SIToFPOp: _cast("sitofp"),
    llvm.FPExtOp: _cast("fpext"),
    llvm.FPTruncOp: _cast("fptrunc"),
    llvm.PtrToIntOp: _cast("ptrtoint"),
    llvm.IntToPtrOp: _cast("inttoptr"),
    ours.AddrSpaceCastOp: _cast("addrspacecast"),
    ours.FPToSIOp: _cast("fptosi"),
    ours.FPToUIOp: _cast("fptoui"),
    ours.UIToFPOp: _cast("uitofp"),
    ours.ICmpOp: _icmp,
    ours.FCmpOp: _fcmp,
    ours.SelectOp: _select,
    ours.FreezeOp: _freeze,
    llvm.CallOp: _call,
    llvm.CallIntrinsicOp: _intrinsic_call,
    llvm.InlineAsmOp: _inline_asm,
    llvm.FAbsOp: _intrinsic("fabs", -1),
    llvm.FCeilOp: _intrinsic("ceil", -1),
    llvm.FFloorOp: _intrinsic("floor", -1),
    llvm.FSqrtOp: _intrinsic("sqrt", -1),
    llvm.FExpOp: _intrinsic("exp", -1),
    llvm.FExp2Op: _intrinsic("exp2", -1),
    llvm.FLogOp: _intrinsic("log", -1),
    llvm.FLog2Op: _intrinsic("log2", -1),
    llvm.FSinOp: _intrinsic("sin", -1),
    llvm.FCosOp: _intrinsic("cos", -1),
    llvm.FPowOp: _intrinsic("pow", -1),
    llvm.FMAOp: _intrinsic("fma", -1),
    llvm.FCopySignOp: _intrinsic("copysign", -1),
    llvm.VectorFMaxOp: _intrinsic("maxnum", -1),
    llvm.VectorFMinOp: _intrinsic("minnum", -1),
    llvm.VectorReduceFAddOp: _intrinsic("vector.reduce.fadd", 1),
    llvm.VectorReduceFMulOp: _intrinsic("vector.reduce.fmul", 1),
    llvm.StackSaveOp: _intrinsic("stacksave", -1),
    llvm.StackRestoreOp: _intrinsic("stackrestore", 0),
    ours.ExtractElementOp: _extract_element,
    llvm.InsertElementOp: _insert_element,
    llvm.ShuffleVectorOp: _shuffle,
    llvm.ExtractValueOp: _extract_value,
    llvm.InsertValueOp: _insert_value,
    llvm.GEPOp: _gep,
    llvm.LoadOp: _load,
    llvm.StoreOp: _store,
    ours.MaskedLoadOp: _masked_load,
    ours.MaskedStoreOp: _masked_store,
    ours.AtomicRMWOp: _atomic_rmw,
    ours.AtomicCmpXchgOp: _cmpxchg,
    llvm.AllocaOp: _alloca,
    llvm.BrOp: _br,
    llvm.CondBrOp: _cond_br,
    ours.SwitchOp: _switch,
    llvm.ReturnOp: _return,
    llvm.UnreachableOp: _unreachable,
}
"""Every op of the dialect but constants, globals and functions."""


def passed(op: Operation) -> list[tuple[Block, Sequence[SSAValue]]]:
    """What a terminator passes to each of its successors, in their order."""
    if isinstance(op, llvm.BrOp):
        return [(op.successor, op.arguments)]
    if isinstance(op, llvm.CondBrOp):
        return [(op.then_block, op.then_arguments), (op.else_block, op.else_arguments)]
    if isinstance(op, ours.SwitchOp):
        default = (op.default_destination, op.default_operands)
        return [default, *((block, operands) for _, block, operands in op.cases())]
    return []
