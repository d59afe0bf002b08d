"""Kernels for tests: ml ops between buffers, lowered to loops, run, and compared with what the ops mean."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from xdsl.dialects import bufferization, func
from xdsl.dialects.builtin import (
    DYNAMIC_INDEX,
    FileLineColLoc,
    IntAttr,
    MemRefType,
    ModuleOp,
    StringAttr,
    TensorType,
    UnitAttr,
    UnknownLoc,
)
from xdsl.ir import Attribute, Block, Operation, Region, SSAValue

from weft.backends.reference import run
from weft.dialects import ml
from weft.dialects.ml import numerics
from weft.dialects.ml.dtypes import dtype_of, is_float
from weft.passes.loops.convert_ml_to_loop import ConvertMlToLoop
from weft.passes.loops.ml_to_loop.body import signless
from weft.registry import context

Build = Callable[..., Sequence[SSAValue] | SSAValue | Operation]
HERE = FileLineColLoc(StringAttr("test"), IntAttr(1), IntAttr(1))

TOLERANCE = {"float16": 2e-3, "bfloat16": 2e-2, "float32": 3e-6, "float64": 1e-12}


def type_of(array: np.ndarray, dynamic: Sequence[int] = ()) -> TensorType[Attribute]:
    """The tensor type of an array; the axes of `dynamic` are `?`."""
    shape = [DYNAMIC_INDEX if axis in dynamic else n for axis, n in enumerate(array.shape)]
    element = next(e for e in ml.dtypes.ELEMENT_TYPES if dtype_of(e) == array.dtype)
    return TensorType(element, shape)


def _values(built: Sequence[SSAValue] | SSAValue | Operation) -> list[SSAValue]:
    if isinstance(built, Operation):
        return list(built.results)
    return [built] if isinstance(built, SSAValue) else [SSAValue.get(value) for value in built]


def _add(block: Block, value: SSAValue) -> None:
    """Add the op behind a value to the block, after what it uses."""
    op = value.owner
    if isinstance(op, Operation) and op.parent is None:
        for operand in op.operands:
            _add(block, operand)
        block.add_op(op)


def _locate(module: ModuleOp) -> None:
    for op in module.walk():
        op.location = HERE


def tensors(types: Sequence[Attribute], build: Build) -> ModuleOp:
    """A module with `@main`, the ops that `build` makes from its arguments."""
    block = Block(arg_types=types)
    results = _values(build(*block.args))
    for value in results:
        _add(block, value)
    block.add_op(func.ReturnOp(*results))
    function = func.FuncOp("main", (types, [value.type for value in results]), Region(block))
    module = ModuleOp([function])
    _locate(module)
    module.verify()
    return module


def buffers(module: ModuleOp) -> ModuleOp:
    """`@main` of a module as a kernel between buffers, as `bufferize` leaves it."""
    (old,) = (op for op in module.ops if isinstance(op, func.FuncOp))
    outputs = list(old.function_type.outputs)
    types = [_memref(t) for t in (*old.function_type.inputs, *outputs)]
    block = Block(arg_types=types)
    mapping: dict[SSAValue, SSAValue] = {}
    for arg, buffer in zip(old.body.block.args, block.args, strict=False):
        mapping[arg] = buffer
        if isinstance(arg.type, TensorType):
            block.add_op(taken := bufferization.ToTensorOp(buffer))
            mapping[arg] = _recast(block, taken.tensor, arg.type.element_type)
    for op in old.body.block.ops:
        if isinstance(op, func.ReturnOp):
            for value, buffer in zip(op.operands, block.args[len(old.body.block.args) :], strict=True):
                given = _recast(block, mapping[value], buffer.type.element_type)
                put = bufferization.MaterializeInDestinationOp(
                    operands=[given, buffer], properties={"writable": UnitAttr()}, result_types=[[]]
                )
                block.add_op(put)
        else:
            block.add_op(op.clone(mapping))
    block.add_op(func.ReturnOp())
    function = func.FuncOp("main", (types, []), Region(block))
    function.attributes["ml.kernel"] = UnitAttr()
    result = ModuleOp([function])
    _locate(result)
    result.verify()
    return result


def _memref(type_: Attribute) -> Attribute:
    if not isinstance(type_, TensorType):
        return type_
    return MemRefType(signless(type_.element_type), type_.get_shape())


def _recast(block: Block, value: SSAValue, element: Attribute) -> SSAValue:
    if value.type.element_type == element:
        return value
    block.add_op(cast := ml.BitcastConvertOp(value, element))
    return cast.result


def lowered(module: ModuleOp) -> ModuleOp:
    """The kernel as loops: verified, and without an unknown location."""
    ConvertMlToLoop().apply(context(), module)
    module.verify()
    unknown = [op for op in module.walk() if isinstance(op.location, UnknownLoc)]
    assert not unknown, unknown
    left = [op for op in module.walk() if op.name.startswith(("ml.", "bufferization.", "tensor."))]
    assert not left, left
    return module


def bits(array: np.ndarray) -> np.ndarray:
    """An array as its buffer holds it: unsigned as signed."""
    return array.view(f"int{8 * array.dtype.itemsize}") if array.dtype.kind == "u" else array


def check(
    build: Build,
    *arrays: np.ndarray,
    dynamic: Sequence[Sequence[int]] = (),
    extra: Sequence[tuple[Attribute, int]] = (),
    tolerance: float | None = None,
) -> ModuleOp:
    """Compare what loops compute with what the tensors mean, on these inputs; gives the loops.

    `dynamic` are the `?` axes of each input, `extra` are scalar arguments.
    """
    axes = [*dynamic, *[()] * (len(arrays) - len(dynamic))]
    types = [type_of(array, axis) for array, axis in zip(arrays, axes, strict=True)]
    module = tensors([*types, *(t for t, _ in extra)], build)
    scalars = [value for _, value in extra]
    expected = run(module, "main", [*arrays, *scalars])
    loops = lowered(buffers(module))
    outs = [garbage(np.asarray(value)) for value in expected]
    run(loops, "main", [*(bits(np.array(a, order="C")) for a in arrays), *scalars, *map(bits, outs)])
    for out, value in zip(outs, expected, strict=True):
        compare(out, np.asarray(value), tolerance)
    return loops


def garbage(like: np.ndarray) -> np.ndarray:
    """An output that holds what no result is."""
    out = np.empty(like.shape, like.dtype)
    out.reshape(-1).view(np.uint8)[...] = 1 if like.dtype == np.bool_ else 0xA5
    return out


def compare(got: np.ndarray, expected: np.ndarray, tolerance: float | None = None) -> None:
    """Equal integers; floats within the tolerance of their type, NaN where NaN is expected."""
    assert got.shape == expected.shape
    if not is_float(expected.dtype):
        np.testing.assert_array_equal(got, expected)
        return
    limit = TOLERANCE[expected.dtype.name] if tolerance is None else tolerance
    a, b = got.astype(np.float64), expected.astype(np.float64)
    np.testing.assert_allclose(a, b, rtol=limit, atol=limit)


def agree(module: ModuleOp, args: Sequence[object], got: Sequence[object], expected: Sequence[object]) -> None:
    """Compare the results of a program. Where one differs, the program may be ill-conditioned there.

    So it runs again with the reference's roundings shaken; results that these move are compared no closer.
    """
    pairs = [(np.asarray(a), np.asarray(b)) for a, b in zip(got, expected, strict=True)]
    try:
        for a, b in pairs:
            compare(a, b)
        return
    except AssertionError:
        shaken = [_shaken(module, args, seed) for seed in range(6)]
    for number, (a, b) in enumerate(pairs):
        _compare_where_steady(a, b, [np.asarray(results[number]) for results in shaken])


def _shaken(module: ModuleOp, args: Sequence[object], seed: int) -> Sequence[object]:
    """The results when each float is rounded a little wrong, and zeros may lose their sign."""
    rng, exact = np.random.default_rng(seed), numerics.narrow

    def narrow(x: np.ndarray, dtype: np.dtype) -> np.ndarray:
        result = exact(x, dtype)
        size = 8 * TOLERANCE[result.dtype.name] / 3 * rng.uniform(-1, 1, result.shape)
        return np.asarray(np.where(result == 0, np.abs(result), result * (1 + size))).astype(dtype)

    with pytest.MonkeyPatch.context() as patch, np.errstate(all="ignore"):
        patch.setattr(numerics, "narrow", narrow)
        return run(module, "main", args)


def _compare_where_steady(got: np.ndarray, expected: np.ndarray, shaken: Sequence[np.ndarray]) -> None:
    """Compare up to what the shaken results differ by; not where they are not all finite, or differ as integers."""
    if not is_float(expected.dtype):
        steady = np.logical_and.reduce([value == expected for value in shaken])
        np.testing.assert_array_equal(got[steady], expected[steady])
        return
    limit = TOLERANCE[expected.dtype.name]
    a, b, *others = (value.astype(np.float64) for value in (got, expected, *shaken))
    with np.errstate(all="ignore"):
        spread = np.max([np.abs(other - b) for other in others], axis=0)
    finite = np.isfinite(spread)
    with np.errstate(all="ignore"):
        bound = limit + limit * np.abs(b[finite]) + 10 * spread[finite]
        wrong = ~(np.abs(a[finite] - b[finite]) <= bound)
    assert not wrong.any(), (a[finite][wrong], b[finite][wrong], bound[wrong])
