"""Running a function at a stop of the road with the arguments of its first signature."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any, cast

import numpy as np
from xdsl.dialects import func
from xdsl.dialects.builtin import IntegerAttr, ModuleOp

from weft.backends.reference import run
from weft.backends.signature import Signature
from weft.driver.signatures import signature_of

OUT = "weft.out"


def function_of(module: ModuleOp, name: str) -> func.FuncOp | None:
    """The function of that name; None where it is none of `func` (any more)."""
    functions = (op for op in module.body.block.ops if isinstance(op, func.FuncOp) and not op.is_declaration)
    return next((op for op in functions if op.sym_name.data == name), None)


def execute(module: ModuleOp, function: func.FuncOp, original: Signature, arguments: Sequence[Any]) -> list[Any]:
    """The results, in the order and dtypes of the first signature, then the memrefs that were given and may be written.

    Raises :class:`weft.diagnostics.WeftError` where the program fails.
    """
    values: list[Any] = copy.deepcopy(list(arguments))
    outs: dict[int, Any] = {
        position: np.zeros(
            cast("tuple[int, ...]", original.results[position].dims), original.results[position].numpy_dtype
        )
        for position in _outs(function)
    }
    specs = signature_of(function).arguments
    given: list[Any] = [*values, *outs.values()]
    passed: list[Any] = [
        value.view(spec.numpy_dtype) if isinstance(value, np.ndarray) else value
        for spec, value in zip(specs, given, strict=True)
    ]
    returned = iter(run(module, function.sym_name.data, passed))
    results = [outs[n] if n in outs else np.asarray(next(returned)) for n in range(len(original.results))]
    seen = [
        result.view(spec.numpy_dtype) if result.ndim else result.astype(spec.numpy_dtype)
        for spec, result in zip(original.results, results, strict=True)
    ]
    return seen + [value for spec, value in zip(original.arguments, values, strict=True) if spec.kind == "memref"]


def _outs(function: func.FuncOp) -> list[int]:
    """The positions of the results that are arguments now."""
    attributes = function.arg_attrs
    marks = (attribute.data.get(OUT) for attribute in attributes.data) if attributes is not None else ()
    return [cast("IntegerAttr[Any]", mark).value.data for mark in marks if mark is not None]


def is_lowered(module: ModuleOp) -> bool:
    """Whether part of a module is in the llvm dialect, which NumPy does not run."""
    return any(op.name.startswith(("llvm.", "builtin.unrealized")) for op in module.walk())
