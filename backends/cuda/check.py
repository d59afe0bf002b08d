"""What LLVM cannot make PTX of, found before it ends the process over it.

:func:`check` goes over the ops of a `gpu.module`. What the target lacks, and what no NVIDIA GPU has, is refused at the
op. The tables say what LLVM 22 does with each op; where only LLVM itself can tell (an intrinsic that nobody here
knows, inline assembly of the user's), the module is compiled in a process of its own.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import cast

from xdsl.dialects import llvm
from xdsl.dialects.builtin import Float64Type, IntegerType, VectorType
from xdsl.dialects.utils import FastMathFlag
from xdsl.ir import Attribute, Operation
from xdsl.utils.hints import isa

from weft import codes
from weft.dialects import gpu
from weft.dialects.chips import has
from weft.dialects.locations import error_at
from weft.dialects.nvvm import NvvmOp, Target
from weft.dialects.upstream import llvm as ours

DEVICE_FUNCTIONS = ("vprintf", "malloc", "free", "__assertfail")
"""What CUDA gives code on the device to call."""

_NEVER = ("exp", "exp10", "log", "log2", "log10", "pow", "powi", "tan", "asin", "acos", "atan", "atan2", "sinh", "cosh")
"""Functions that NVIDIA's GPUs have no instruction for, however exact."""

_APPROXIMATE = ("sin", "cos", "tanh")
"""Functions that they have an approximate instruction for, of f32 and narrower: a call says `afn`."""

_EXPAND = "run the pass 'expand-math' first"
_PTX_NAME = re.compile(r"[A-Za-z][\w$]*|[_$][\w$]+")
_ALLOCA_PTX = 73

_MATH: Mapping[type[Operation], str] = {
    llvm.FExpOp: "exp",
    llvm.FExp2Op: "exp2",
    llvm.FLogOp: "log",
    llvm.FLog2Op: "log2",
    llvm.FPowOp: "pow",
    llvm.FSinOp: "sin",
    llvm.FCosOp: "cos",
}


def check(module: gpu.ModuleOp, target: Target) -> bool:
    """Whether LLVM surely makes PTX of a module; False where only LLVM itself can tell.

    Raises :class:`WeftError` at the first op that the target has no instruction for.
    """
    defined = {op.sym_name.data for op in module.body.block.ops if isinstance(op, llvm.FuncOp) and op.body.blocks}
    for op in module.body.block.ops:
        _check_symbol(op)
    sure = True
    for op in module.walk():
        if isinstance(op, NvvmOp):
            _check_need(op, target)
        elif (rule := _RULES.get(type(op))) is not None:
            rule(op, target)
        elif isinstance(op, llvm.CallIntrinsicOp):
            sure = _check_intrinsic(op) and sure
        elif isinstance(op, llvm.CallOp):
            _check_call(op, defined)
        elif isinstance(op, llvm.InlineAsmOp):
            sure = False
    return sure


def _check_need(op: NvvmOp, target: Target) -> None:
    need = op.need
    if not has(target.chip, need.chip):
        raise error_at(
            op,
            f"'{op.name}' needs {need.chip}; the target is {target.chip}",
            f"compile for it with --target cuda:{need.chip}",
            code=codes.TARGET_LACKS,
        )
    if target.ptx and target.ptx < need.ptx:
        raise error_at(
            op,
            f"'{op.name}' needs PTX {need.ptx / 10}; the target has {target.ptx / 10}",
            f"ask for it with --target cuda:{target.chip},+ptx{need.ptx}",
            code=codes.TARGET_LACKS,
        )


# functions of numbers


def _element(type_: Attribute) -> Attribute:
    return type_.element_type if isa(type_, VectorType) else type_


def _is_approximate(op: Operation) -> bool:
    flags = op.properties.get("fastmathFlags")
    return isinstance(flags, llvm.FastMathAttr) and FastMathFlag.APPROX_FUNC in flags.data


def _refuse_function(op: Operation, name: str, type_: Attribute) -> None:
    """Refuse a function of numbers that there is no instruction for."""
    element = _element(type_)
    if name in _NEVER or (name == "exp2" and isinstance(element, Float64Type)):
        raise error_at(
            op, f"NVIDIA's GPUs have no instruction for '{name}' of {element}", _EXPAND, code=codes.TARGET_LACKS
        )
    if name in _APPROXIMATE and (isinstance(element, Float64Type) or not _is_approximate(op)):
        raise error_at(
            op, f"NVIDIA's GPUs have no exact instruction for '{name}' of {element}", _EXPAND, code=codes.TARGET_LACKS
        )


def _check_math(op: Operation, target: Target) -> None:
    _refuse_function(op, _MATH[type(op)], op.results[0].type)


def _check_intrinsic(op: llvm.CallIntrinsicOp) -> bool:
    """Whether an intrinsic is one that LLVM surely takes."""
    name = op.intrin.data.removeprefix("llvm.")
    base = name.split(".")[0]
    if op.results:
        _refuse_function(op, base, op.results[0].type)
    return base in _TAKEN and not any(_is_wide(value.type) for value in (*op.operands, *op.results))


_TAKEN: frozenset[str] = frozenset((
    *("abs", "assume", "bitreverse", "bswap", "ceil", "copysign", "ctlz", "ctpop", "cttz", "exp2", "expect", "fabs"),
    *("floor", "fma", "fmuladd", "fptosi", "fptoui", "fshl", "fshr", "masked", "maximum", "maxnum", "memcpy", "memset"),
    *("minimum", "minnum", "nearbyint", "rint", "round", "roundeven", "sadd", "smax", "smin", "sqrt", "ssub", "sin"),
    *("cos", "trap", "trunc", "uadd", "umax", "umin", "usub", "vector"),
))  # fmt: skip
"""Intrinsics, by the first part of their names, that LLVM makes PTX of for all types but wide ones."""


# types and memory


def _is_wide(type_: Attribute) -> bool:
    element = _element(type_)
    return isinstance(element, IntegerType) and cast("IntegerType", element).width.data > 64


def _check_conversion(op: Operation, target: Target) -> None:
    if any(_is_wide(value.type) for value in (*op.operands, *op.results)):
        raise error_at(op, f"'{op.name}' is for integers of up to 64 bits on a GPU", None, code=codes.UNSUPPORTED_TYPE)


def _check_alloca(op: Operation, target: Target) -> None:
    size = cast(llvm.AllocaOp, op).size.owner
    if not isinstance(size, llvm.ConstantOp) and target.ptx and target.ptx < _ALLOCA_PTX:
        raise error_at(
            op,
            f"memory of a run-time size needs PTX {_ALLOCA_PTX / 10}; the target has {target.ptx / 10}",
            f"ask for it with --target cuda:{target.chip},+ptx{_ALLOCA_PTX}",
            code=codes.TARGET_LACKS,
        )


_RULES: Mapping[type[Operation], Callable[[Operation, Target], None]] = {
    **dict.fromkeys(_MATH, _check_math),
    **dict.fromkeys(
        (llvm.SIToFPOp, ours.UIToFPOp, ours.FPToSIOp, ours.FPToUIOp, ours.AtomicRMWOp, ours.AtomicCmpXchgOp),
        _check_conversion,
    ),
    llvm.AllocaOp: _check_alloca,
}


# symbols


def _check_symbol(op: Operation) -> None:
    if isinstance(op, llvm.FuncOp):
        name, public = op.sym_name.data, op.linkage.linkage.data == "external"
        if public and op.body.blocks and not _PTX_NAME.fullmatch(name):
            raise error_at(
                op,
                f"'{name}' is no name in PTX",
                "use letters, digits, '_' and '$', a letter first",
                code=codes.WRONG_SYMBOL,
            )
    elif isinstance(op, llvm.GlobalOp):
        if op.thread_local_ is not None:
            raise error_at(op, "a GPU has no memory that is local to threads by name", None, code=codes.CANNOT_LOWER)
        if op.addr_space.value.data == _SHARED and op.value is not None:
            raise error_at(
                op, "shared memory has no initial value", "store it when the kernel begins", code=codes.CANNOT_LOWER
            )


_SHARED = 3


def _check_call(op: llvm.CallOp, defined: set[str]) -> None:
    if op.callee is None:
        return
    name = op.callee.string_value()
    if name not in defined and name not in DEVICE_FUNCTIONS:
        raise error_at(
            op,
            f"'@{name}' is called, but its gpu.module does not define it",
            f"code on the device may call its own functions and {', '.join(DEVICE_FUNCTIONS)}",
            code=codes.NO_BODY,
        )
