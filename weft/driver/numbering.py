"""Names of values as MLIR prints them: `%arg0`, `%0`, `%c1_i32`, `%0#1`.

The order and the rules are those of MLIR's SSANameState (mlir/lib/IR/AsmPrinter.cpp): all ops of a region are
numbered before the regions nested in them, and sibling regions start from the same counts.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from xdsl.dialects import arith
from xdsl.dialects.builtin import IndexType, IntegerAttr, NameLoc, i1
from xdsl.ir import Block, Operation, Region, SSAValue

RESULT_NAMES: dict[str, Sequence[str]] = {
    "func.constant": ("f",),
    "memref.alloc": ("alloc",),
    "memref.alloca": ("alloca",),
    "memref.cast": ("cast",),
    "memref.collapse_shape": ("collapse_shape",),
    "memref.dim": ("dim",),
    "memref.expand_shape": ("expand_shape",),
    "memref.extract_aligned_pointer_as_index": ("intptr",),
    "memref.extract_strided_metadata": ("base_buffer", "offset", "sizes", "strides"),
    "memref.memory_space_cast": ("memspacecast",),
    "memref.rank": ("rank",),
    "memref.reinterpret_cast": ("reinterpret_cast",),
    "memref.subview": ("subview",),
    "memref.transpose": ("transpose",),
    "memref.view": ("view",),
    "tensor.cast": ("cast",),
    "tensor.collapse_shape": ("collapsed",),
    "tensor.concat": ("concat",),
    "tensor.dim": ("dim",),
    "tensor.expand_shape": ("expanded",),
    "tensor.extract": ("extracted",),
    "tensor.extract_slice": ("extracted_slice",),
    "tensor.from_elements": ("from_elements",),
    "tensor.gather": ("gather",),
    "tensor.generate": ("generated",),
    "tensor.insert": ("inserted",),
    "tensor.insert_slice": ("inserted_slice",),
    "tensor.pad": ("padded",),
    "tensor.rank": ("rank",),
    "tensor.reshape": ("reshape",),
    "tensor.scatter": ("scatter",),
    "tensor.splat": ("splat",),
}
"""What upstream's ops call their results (OpAsmOpInterface)."""


def _argument_names(op: Operation, block: Block) -> Sequence[str]:
    """What upstream's ops call the arguments of their bodies."""
    if op.name.startswith("linalg.") and len(block.args) == len(op.operands):
        inputs = op.properties.get("operandSegmentSizes")
        count = int(inputs.get_values()[0]) if inputs is not None else 0  # pyright: ignore
        return ["in"] * count + ["out"] * (len(block.args) - count)
    return ()


def _constant_name(op: arith.ConstantOp) -> str:
    value, type_ = op.value, op.result.type
    if not isinstance(value, IntegerAttr):
        return "cst"
    if type_ == i1:
        return "true" if value.value.data else "false"
    number = str(value.value.data)
    suffix = "" if isinstance(type_, IndexType) else f"_{type_}"
    return f"c{number}{suffix}"


@dataclass
class _Scope:
    """The counters of one region; nested regions start from a copy."""

    value: int
    argument: int
    conflict: int
    used: set[str]
    by_location: bool

    def copy(self) -> _Scope:
        """The counters for a nested region."""
        return replace(self, used=self.used.copy())


def number(op: Operation, names: dict[SSAValue, str], *, unique: bool = False, by_location: bool = False) -> None:
    """Name every value that is defined inside `op`. A result of several has the name of the first and `#n`.

    `unique` gives no name twice, not even in sibling regions; `by_location` names results after `loc("name")`.
    """
    whole = _Scope(0, 0, 0, set(), by_location)
    pending = [(region, whole if unique else whole.copy()) for region in op.regions]
    while pending:
        region, scope = pending.pop()
        _number_region(region, scope, names)
        pending.extend(
            (inner, scope if unique else scope.copy())
            for block in region.blocks
            for nested in block.ops
            for inner in nested.regions
        )


def _number_region(region: Region, scope: _Scope, names: dict[SSAValue, str]) -> None:
    parent = region.parent
    for index, block in enumerate(region.blocks):
        given = _argument_names(parent, block) if index == 0 and parent is not None else ()
        for position, argument in enumerate(block.args):
            if given:
                names[argument] = _unique(given[position], scope)
            elif index == 0:
                names[argument] = _unique(f"arg{scope.argument}", scope)
                scope.argument += 1
            else:
                names[argument] = _next_number(scope)
        for op in block.ops:
            if op.results:
                _number_results(op, scope, names)


def _number_results(op: Operation, scope: _Scope, names: dict[SSAValue, str]) -> None:
    located = _location_name(op) if scope.by_location else None
    if isinstance(op, arith.ConstantOp) and located is None:
        names[op.result] = _unique(_constant_name(op), scope)
        return
    known = RESULT_NAMES.get(op.name)
    if located is not None:
        name = _unique(located, scope)
    else:
        name = _unique(known[0], scope) if known is not None else _next_number(scope)
    if len(op.results) == 1:
        names[op.results[0]] = name
        return
    for position, result in enumerate(op.results):
        names[result] = f"{name}#{position}"


def _location_name(op: Operation) -> str | None:
    """The name that a location gives, as one that a value may have."""
    if not isinstance(op.location, NameLoc):
        return None
    return re.sub(r"[^\w$.-]", "_", op.location.desc.data) or None


def _next_number(scope: _Scope) -> str:
    scope.value += 1
    return str(scope.value - 1)


def _unique(name: str, scope: _Scope) -> str:
    candidate = name
    while candidate in scope.used:
        candidate = f"{name}_{scope.conflict}"
        scope.conflict += 1
    scope.used.add(candidate)
    return candidate
