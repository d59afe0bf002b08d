"""Running a function at a stop of the road, in NumPy, with the arguments of its first signature."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from xdsl.dialects import func
from xdsl.dialects.builtin import IntegerAttr, ModuleOp
from xdsl.interpreter import Interpreter, PythonValues
from xdsl.ir import Operation

from weft.backends.complex_pairs import in_pairs, is_complex, pairs_of
from weft.backends.reference import run
from weft.backends.reference.values import filled
from weft.backends.signature import Signature, ValueSpec
from weft.driver.check_passes.rounding import Rounding
from weft.driver.signatures import signature_of

OUT = "weft.out"

GARBAGE = 0xFF
"""What each byte holds of memory that nobody has written yet: NaN for floats, -1 for integers."""


class TooLong(Exception):
    """The program runs more ops than it may."""


class Budget(Interpreter.Listener):
    """Counts the ops that run; raises :class:`TooLong` where they are more than there may be."""

    def __init__(self, ops: int) -> None:
        self.left = ops

    def will_interpret_op(self, op: Operation, args: PythonValues) -> None:
        """Called before every op."""
        self.left -= 1
        if self.left < 0:
            raise TooLong


def function_of(module: ModuleOp, name: str) -> func.FuncOp | None:
    """The function of that name; None where it is none of `func` (any more)."""
    functions = (op for op in module.body.block.ops if isinstance(op, func.FuncOp) and not op.is_declaration)
    return next((op for op in functions if op.sym_name.data == name), None)


def execute(
    module: ModuleOp,
    original: Signature,
    arguments: Sequence[Any],
    budget: Budget,
    fill: int = GARBAGE,
    rounding: Rounding | None = None,
) -> list[Any]:
    """The results, in the order and dtypes of the first signature, then the memrefs that were given and may be written.

    Raises :class:`weft.diagnostics.WeftError` where the program fails or NumPy cannot run it, and :class:`TooLong`.
    """
    values: list[Any] = copy.deepcopy(list(arguments))
    _, given = passed(module, original, values, fill)
    outs = dict(zip(_outs(module, original), given[len(values) :], strict=True))
    returned = iter(run(module, original.name, given, fill=fill, listeners=(budget,), rounding=rounding))
    results: list[Any] = [outs[n] if n in outs else np.asarray(next(returned)) for n in range(len(original.results))]
    return [*_as_declared(original.results, results), *written(original, values)]


def empty(spec: ValueSpec, fill: int) -> Any:
    """An array for a static result that nobody has written yet."""
    dims = cast("tuple[int, ...]", spec.dims)
    return filled(int(np.prod(dims)), spec.numpy_dtype, fill).reshape(dims)


def written(signature: Signature, values: Sequence[Any]) -> list[Any]:
    """The arguments that a program may write."""
    return [value for spec, value in zip(signature.arguments, values, strict=True) if spec.kind == "memref"]


def _as_declared(specs: Sequence[ValueSpec], results: Sequence[Any]) -> list[Any]:
    """Results in the dtypes of the specs; complex numbers as pairs of floats, at every stop."""
    pairs = [in_pairs(spec) for spec in specs]
    found = [pairs_of(np.ascontiguousarray(result).reshape(result.shape)) for result in results]
    return [
        result.view(spec.numpy_dtype) if result.ndim else result.astype(spec.numpy_dtype)
        for spec, result in zip(pairs, found, strict=True)
    ]


def passed(
    module: ModuleOp, original: Signature, values: Sequence[Any], fill: int = GARBAGE
) -> tuple[Signature, list[Any]]:
    """The signature that a function has at this stop, and its arguments: also the memory for static results."""
    function = function_of(module, original.name)
    assert function is not None
    signature = signature_of(function)
    outs = [empty(original.results[position], fill) for position in _outs(module, original)]
    given: list[Any] = [
        _passed(spec, cast("NDArray[Any]", value)) if isinstance(value, np.ndarray) else value
        for spec, value in zip(signature.arguments, [*values, *outs], strict=True)
    ]
    return signature, given


def _passed(spec: ValueSpec, array: NDArray[Any]) -> NDArray[Any]:
    """An array in the dtype that a function has for it at this stop."""
    if array.dtype.kind == "c" and not is_complex(spec):
        return pairs_of(array)
    return array if array.dtype == spec.numpy_dtype else array.view(spec.numpy_dtype)


def _outs(module: ModuleOp, original: Signature) -> list[int]:
    """The positions of the results that have become arguments, after those of the first signature."""
    function = function_of(module, original.name)
    attributes = function.arg_attrs if function is not None else None
    later = attributes.data[len(original.arguments) :] if attributes is not None else ()
    marks = (attribute.data.get(OUT) for attribute in later)
    return [cast("IntegerAttr[Any]", mark).value.data for mark in marks if mark is not None]
