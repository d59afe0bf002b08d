"""Every scalar op, on scalars and vectors of every type, has a form on a GPU: LLVM selects it, ptxas takes it."""

import pytest
from xdsl.dialects import arith, math

from tests.passes.gpu.ptx import assembled
from weft.dialects.upstream.arith import RemFOp
from weft.passes.gpu.device_functions import FUNCTIONS
from weft.passes.loops.expand_math import EXPANSIONS
from weft.passes.loops.expansions.formats import F32
from weft.passes.lower.scalars import EXTENDED_RULES, SCALAR_RULES

INTEGERS, FLOATS = ("i1", "i8", "i16", "i32", "i64"), ("f16", "bf16", "f32", "f64")
CASTS = {
    arith.SIToFPOp: (INTEGERS, FLOATS),
    arith.UIToFPOp: (INTEGERS, FLOATS),
    arith.FPToSIOp: (FLOATS, INTEGERS),
    arith.FPToUIOp: (FLOATS, INTEGERS),
    arith.ExtFOp: (FLOATS, FLOATS),
    arith.TruncFOp: (FLOATS, FLOATS),
    arith.TruncIOp: (INTEGERS, INTEGERS),
    arith.ExtSIOp: (INTEGERS, INTEGERS),
    arith.ExtUIOp: (INTEGERS, INTEGERS),
    arith.IndexCastOp: (("index",), INTEGERS),
}
SCALARS_ONLY = {kind.name for kind in CASTS} - {"arith.extf", "arith.truncf"}
"""Ops that xDSL defines on scalars alone."""
BITS = {"i1": 1, "i8": 8, "i16": 16, "i32": 32, "i64": 64, "f16": 16, "bf16": 16, "f32": 32, "f64": 64}
UNARY_INTEGERS = (math.AbsIOp, math.CountLeadingZerosOp, math.CountTrailingZerosOp, math.CtPopOp)
EXPANDED = {kind.name for kind in (*EXPANSIONS[F32], *FUNCTIONS)}
BINARY_FLOATS = (math.Atan2Op, math.CopySignOp, math.PowFOp, RemFOp)


def forms():
    """(op, operand types, result types, properties) of every op on every type."""
    for kind in (*SCALAR_RULES, *EXTENDED_RULES):
        name = kind.name
        if kind in CASTS:
            froms, tos = CASTS[kind]
            for a in froms:
                for b in tos:
                    wider = BITS.get(a, 64) < BITS[b]
                    if kind in (arith.ExtFOp, arith.ExtSIOp, arith.ExtUIOp) and not wider:
                        continue
                    if kind in (arith.TruncFOp, arith.TruncIOp) and not BITS[a] > BITS[b]:
                        continue
                    yield name, [a], [b], ""
        elif kind is arith.BitcastOp:
            yield from ((name, [a], [b], "") for a, b in (("f32", "i32"), ("i64", "f64"), ("bf16", "f16")))
        elif kind is arith.SelectOp:
            yield from ((name, ["i1", t, t], [t], "") for t in (*INTEGERS, *FLOATS))
        elif kind is arith.CmpiOp:
            yield from ((name, [t, t], ["i1"], f"<{{predicate = {n} : i64}}>") for t in INTEGERS for n in (0, 2, 9))
        elif kind is arith.CmpfOp:
            yield from ((name, [t, t], ["i1"], f"<{{predicate = {n} : i64}}>") for t in FLOATS for n in range(1, 15))
        elif kind is math.FPowIOp:
            yield from ((name, [t, "i32"], [t], "") for t in FLOATS)
        elif kind is math.FmaOp:
            yield from ((name, [t] * 3, [t], "") for t in FLOATS)
        elif kind in EXTENDED_RULES:
            carry = kind is arith.AddUIExtendedOp
            yield from ((name, [t, t], [t, "i1" if carry else t], "") for t in INTEGERS)
        elif kind is not arith.ConstantOp:
            floats = kind.name.startswith("math.") and kind not in (*UNARY_INTEGERS, math.IPowIOp)
            floats = floats or name.endswith("f")
            unary = kind in UNARY_INTEGERS or kind is arith.NegfOp
            unary = unary or (floats and name.startswith("math.") and kind not in BINARY_FLOATS)
            types = FLOATS if floats else INTEGERS
            yield from ((name, [t] * (1 if unary else 2), [t], "") for t in types)


def wide(type_, lanes):
    return type_ if lanes == 1 else f"vector<{lanes}x{type_}>"


def kernel(number, form, lanes):
    name, operands, results, properties = form
    types = [*operands, *results]
    arguments = ", ".join(f"%m{i}: memref<?x{t}>" for i, t in enumerate(types))
    lines = []
    for i, t in enumerate(operands):
        load = "memref.load" if lanes == 1 else "vector.load"
        tail = "" if lanes == 1 else f", {wide(t, lanes)}"
        lines.append(f"%a{i} = {load} %m{i}[%i] : memref<?x{t}>{tail}")
    names = ", ".join(f"%a{i}" for i in range(len(operands)))
    outs = ", ".join(f"%r{i}" for i in range(len(results)))
    to = ", ".join(wide(t, lanes) for t in results)
    given = ", ".join(wide(t, lanes) for t in operands)
    lines.append(f'{outs} = "{name}"({names}) {properties} : ({given}) -> ({to})')
    for i, t in enumerate(results):
        store = "memref.store" if lanes == 1 else "vector.store"
        tail = "" if lanes == 1 else f", {wide(t, lanes)}"
        lines.append(f"{store} %r{i}, %m{len(operands) + i}[%i] : memref<?x{t}>{tail}")
    body = "\n    ".join(lines)
    return f"  gpu.func @k{number}({arguments}) kernel {{\n    %i = gpu.global_id x\n    {body}\n    gpu.return\n  }}\n"


def check(chip, lanes, known):
    """Kernels of these ops on these types become machine code, without a library."""
    text = "".join(kernel(number, form, lanes) for number, form in enumerate(known))
    code = assembled(f'gpu.module @m [#nvvm.target<chip = "{chip}", features = "+ptx80">] {{\n{text}}}')
    assert code.count(".entry") == len(known)
    assert ".extern" not in code


def on(lanes):
    """The forms that there are on vectors of so many lanes."""
    return [form for form in forms() if lanes == 1 or form[0] not in SCALARS_ONLY]


@pytest.mark.parametrize("lanes", [1, 4])
@pytest.mark.parametrize("chip", ["sm_75", "sm_90a"])
def test_some_ops_are_selected_and_assembled(chip, lanes):
    check(chip, lanes, on(lanes)[lanes + len(chip) :: 31])


@pytest.mark.long
@pytest.mark.parametrize("lanes", [1, 4])
@pytest.mark.parametrize("chip", ["sm_75", "sm_90a"])
def test_each_op_is_selected_and_assembled(chip, lanes):
    known = on(lanes)
    if (chip, lanes) != ("sm_90a", 1):  # an expansion is the same arithmetic everywhere
        known = [form for form in known if form[0] not in EXPANDED or form[1][0] == "f32"]
    assert len(known) > 300
    check(chip, lanes, known)
