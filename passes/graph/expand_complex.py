"""expand-complex: complex numbers become pairs of floats."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias, cast

import numpy as np
from xdsl.context import Context
from xdsl.dialects import cf, func, scf, tensor
from xdsl.dialects.builtin import DYNAMIC_INDEX, ComplexType, DenseArrayBase, ModuleOp, TensorType
from xdsl.ir import Attribute, Operation, ParametrizedAttribute, SSAValue
from xdsl.passes import ModulePass

from weft import codes
from weft.dialects import ml
from weft.dialects.interfaces import run_time_sizes
from weft.dialects.locations import error_at
from weft.dialects.ml.base import Tensor, index_list, tensor_type
from weft.dialects.ml.compare import Direction
from weft.dialects.ml.dtypes import COMPLEX_TYPES, Kind, kind_of, part_of
from weft.dialects.ml.syntax import TO_THE_END
from weft.dialects.walking import inside
from weft.passes.graph.check_shapes import check_op
from weft.passes.graph.checker import Checker
from weft.passes.graph.constants import new_constant
from weft.passes.graph.effects import is_dead
from weft.passes.graph.equations.building import as_said, put
from weft.passes.graph.equations.complex import Pair, magnitude
from weft.passes.graph.equations.complex_table import ON_PAIRS
from weft.passes.graph.gradients.terms import Term
from weft.passes.graph.replaced_types import ReplacedTypes
from weft.passes.rewriting import LocatedBuilder


@dataclass(frozen=True)
class ExpandComplex(ModulePass):
    """Stores a tensor of complex numbers as a tensor of floats with one more dimension, the last: real, imaginary.

    That is how NumPy's arrays lie in memory, so the arguments and results of functions stay where they are. Ops on
    complex numbers become ops on their parts, those that move elements move pairs. What the run has to check of their
    sizes is asserted, as `check-shapes` does. Division is Smith's method, no function overflows before its time. The
    error is a few units in the last place of the number, its parts together (of `pow` on `complex<f64>`: times the size
    of the exponent). Infinite and NaN operands of products, quotients and powers may give NaN in both parts; functions
    of one operand are what C's annex G says.

    **Before**
    ```mlir
    func.func @f(%x: tensor<4xcomplex<f32>>, %y: tensor<4xcomplex<f32>>) -> tensor<4xcomplex<f32>> {
      %0 = ml.add %x, %y : tensor<4xcomplex<f32>>
      func.return %0 : tensor<4xcomplex<f32>>
    }
    ```

    **After**
    ```mlir
    func.func @f(%x: tensor<4x2xf32>, %y: tensor<4x2xf32>) -> tensor<4x2xf32> {
      %0 = ml.slice %x [0:4, 0:1] : tensor<4x2xf32> to tensor<4x1xf32>
      %1 = ml.slice %x [0:4, 1:2] : tensor<4x2xf32> to tensor<4x1xf32>
      %2 = ml.slice %y [0:4, 0:1] : tensor<4x2xf32> to tensor<4x1xf32>
      %3 = ml.slice %y [0:4, 1:2] : tensor<4x2xf32> to tensor<4x1xf32>
      %4 = ml.add %0, %2 : tensor<4x1xf32>
      %5 = ml.add %1, %3 : tensor<4x1xf32>
      %6 = ml.concatenate(%4, %5), dim = 1 : (tensor<4x1xf32>, tensor<4x1xf32>) -> tensor<4x2xf32>
      func.return %6 : tensor<4x2xf32>
    }
    ```

    **Needs** complex numbers in tensors only, and `ml`, `func`, `scf` and `cf` to be all that touches them, besides
    `tensor.dim`, `tensor.cast` and `tensor.empty`. **Leaves alone** everything else. Raises WeftError, with the place,
    for another op on complex numbers.
    """

    name = "expand-complex"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Run the pass on a module."""
        _Expansion().run(op)


def _is_complex(type_: Attribute) -> bool:
    """Whether a type is a tensor of complex numbers that `ml` has."""
    return isinstance(type_, TensorType) and cast(Tensor, type_).element_type in COMPLEX_TYPES


def _mentions_complex(type_: Attribute) -> bool:
    """Whether there are complex numbers anywhere in a type."""
    if isinstance(type_, ParametrizedAttribute):
        return isinstance(type_, ComplexType) or any(map(_mentions_complex, type_.parameters))
    return False


def _as_pairs(attribute: Attribute) -> Attribute | None:
    """The type of the pairs that stand for complex numbers; None for any other attribute."""
    if not _is_complex(attribute):
        return None
    type_ = cast(Tensor, attribute)
    return TensorType(part_of(type_.element_type), [*type_.get_shape(), 2])


_CARRIERS = (tensor.DimOp, tensor.CastOp, tensor.EmptyOp)
"""Ops outside of control flow that mean the same on pairs."""


@dataclass(frozen=True)
class _Found:
    """An op on complex numbers as it was: its types, since those in the module are replaced, and a constant's value."""

    op: Any
    operands: tuple[Attribute, ...]
    results: tuple[Attribute, ...]
    value: Any = None

    @property
    def result(self) -> Tensor:
        """The type of the only result."""
        return cast(Tensor, self.results[0])


Rewrite: TypeAlias = "Callable[[_Expansion, _Found, LocatedBuilder], SSAValue]"


@dataclass
class _Expansion:
    """The state of the pass: the parts of pairs that are known, and what was inserted, some of which nobody needs."""

    parts: dict[SSAValue, tuple[SSAValue, SSAValue]] = field(default_factory=dict[SSAValue, tuple[SSAValue, SSAValue]])
    inserted: list[Operation] = field(default_factory=list[Operation])

    def run(self, module: ModuleOp) -> None:
        """Replace complex numbers in a module."""
        found = list(_on_complex(module))
        _check_sizes(module, {one.op for one in found})
        if any(_has_complex(op) for op in inside(module)):
            ReplacedTypes(_as_pairs).convert(module)
        for one in found:
            builder = LocatedBuilder.before(one.op)
            builder.operation_insertion_handler = [self.inserted.append]
            kind = cast("type[Operation]", type(one.op))
            rewrite = _REWRITES.get(kind)
            if kind in _MOVES:
                _MOVES[kind](one.op, len(one.result.get_shape()))
            elif rewrite is not None:
                one.op.results[0].replace_all_uses_with(rewrite(self, one, builder))
                one.op.detach()
                one.op.erase()
        for op in reversed(self.inserted):
            if is_dead(op):
                op.detach()
                op.erase()

    def parts_of(self, builder: LocatedBuilder, pairs: SSAValue) -> tuple[SSAValue, SSAValue]:
        """The parts of pairs, with a last dimension of 1."""
        known = self.parts.get(pairs)
        if known is None:
            known = _slice(builder, pairs, 0), _slice(builder, pairs, 1)
        return known

    def terms_of(self, builder: LocatedBuilder, pairs: SSAValue) -> Pair:
        """The parts of pairs as parts of a formula."""
        real, imaginary = self.parts_of(builder, pairs)
        return Term(builder, real), Term(builder, imaginary)

    def joined(self, found: _Found, builder: LocatedBuilder, real: SSAValue, imaginary: SSAValue) -> SSAValue:
        """The pairs of two parts; whoever needs a part again takes it from here."""
        whole = put(builder, ml.ConcatenateOp([real, imaginary], len(found.result.get_shape())))
        whole = as_said(builder, found.op, whole)
        self.parts[whole] = (real, imaginary)
        return whole


def _on_complex(module: ModuleOp) -> Iterator[_Found]:
    """The ops of ml that touch complex numbers. Raises WeftError for another op that does."""
    for op in inside(module):
        touched = [type_ for type_ in _types_of(op) if _mentions_complex(type_)]
        is_part = isinstance(op, ml.RealOp | ml.ImagOp)
        if not touched and not is_part:
            continue
        known = type(op) in _REWRITES or type(op) in _MOVES or isinstance(op, _CARRIERS) or _is_control(op)
        if not known or not all(map(_is_complex, touched)):
            wrong = next((type_ for type_ in touched if not _is_complex(type_)), touched[0])
            message = f"'{op.name}' has values of type {wrong}, which cannot be computed with"
            hint = "complex numbers are taken in tensors of complex<f32> or complex<f64>, by ops of ml"
            raise error_at(op, message, hint, code=codes.UNSUPPORTED_TYPE)
        value = op.array() if isinstance(op, ml.ConstantOp) else None
        yield _Found(op, tuple(v.type for v in op.operands), tuple(v.type for v in op.results), value)


def _check_sizes(module: ModuleOp, ops: set[Operation]) -> None:
    """Insert what the run has to check of some ops, in their own words."""
    for function in module.walk():
        if isinstance(function, func.FuncOp):
            checker = Checker()
            for op in list(function.walk()):
                if op in ops and isinstance(op, ml.MlOp):
                    check_op(checker, op)


def _is_control(op: Operation) -> bool:
    return op.name.partition(".")[0] in (func.Func.name, scf.Scf.name, cf.Cf.name)


def _types_of(op: Operation) -> Iterator[Attribute]:
    """The types that an op touches: of its operands, results and block arguments, and of a function."""
    yield from (value.type for value in (*op.operands, *op.results))
    yield from (argument.type for region in op.regions for block in region.blocks for argument in block.args)
    if isinstance(op, func.FuncOp):
        yield from (*op.function_type.inputs, *op.function_type.outputs)


def _has_complex(op: Operation) -> bool:
    return any(map(_is_complex, _types_of(op)))


def _slice(builder: LocatedBuilder, pairs: SSAValue, part: int) -> SSAValue:
    """One part of pairs."""
    shape = tensor_type(pairs).get_shape()[:-1]
    limits = [TO_THE_END if n == DYNAMIC_INDEX else n for n in shape]
    return put(builder, ml.SliceOp(pairs, [0] * len(shape) + [part], [*limits, part + 1]))


def _reshaped(builder: LocatedBuilder, value: SSAValue, shape: Sequence[int]) -> SSAValue:
    """A tensor with a last dimension of 1 more or less. All its sizes are said: beside a 0 none follows from others."""
    type_ = TensorType(tensor_type(value).element_type, shape)
    return put(builder, ml.ReshapeOp(value, type_, run_time_sizes(builder, value)))


def _with_one(builder: LocatedBuilder, value: SSAValue) -> SSAValue:
    return _reshaped(builder, value, [*tensor_type(value).get_shape(), 1])


def _without_one(builder: LocatedBuilder, found: _Found, value: SSAValue) -> SSAValue:
    return as_said(builder, found.op, _reshaped(builder, value, tensor_type(value).get_shape()[:-1]))


def _formula(state: _Expansion, found: _Found, builder: LocatedBuilder) -> SSAValue:
    pairs = [state.terms_of(builder, operand) for operand in found.op.operands]
    real, imaginary = ON_PAIRS[type(found.op)](*pairs)
    return state.joined(found, builder, real.value, imaginary.value)


def _abs(state: _Expansion, found: _Found, builder: LocatedBuilder) -> SSAValue:
    return _without_one(builder, found, magnitude(state.terms_of(builder, found.op.operand)).value)


def _real(state: _Expansion, found: _Found, builder: LocatedBuilder) -> SSAValue:
    if not _is_complex(found.operands[0]):
        return found.op.operand
    return _without_one(builder, found, state.parts_of(builder, found.op.operand)[0])


def _imag(state: _Expansion, found: _Found, builder: LocatedBuilder) -> SSAValue:
    if not _is_complex(found.operands[0]):
        return Term(builder, found.op.operand).of(0).value
    return _without_one(builder, found, state.parts_of(builder, found.op.operand)[1])


def _complex(state: _Expansion, found: _Found, builder: LocatedBuilder) -> SSAValue:
    return state.joined(found, builder, *(_with_one(builder, operand) for operand in found.op.operands))


def _select(state: _Expansion, found: _Found, builder: LocatedBuilder) -> SSAValue:
    op = cast(ml.SelectOp, found.op)
    holds = _with_one(builder, op.pred) if tensor_type(op.pred).get_num_dims() else op.pred
    values = zip(state.parts_of(builder, op.on_true), state.parts_of(builder, op.on_false), strict=True)
    return state.joined(found, builder, *(put(builder, ml.SelectOp(holds, a, b)) for a, b in values))


def _compare(state: _Expansion, found: _Found, builder: LocatedBuilder) -> SSAValue:
    op = cast(ml.CompareOp, found.op)
    sides = zip(state.parts_of(builder, op.lhs), state.parts_of(builder, op.rhs), strict=True)
    real, imaginary = (put(builder, ml.CompareOp(op.direction, a, b)) for a, b in sides)
    both = ml.AndOp if op.direction is Direction.EQ else ml.OrOp
    return _without_one(builder, found, put(builder, both(real, imaginary)))


def _convert(state: _Expansion, found: _Found, builder: LocatedBuilder) -> SSAValue:
    operand, target = found.op.operand, found.result.element_type
    if not _is_complex(found.operands[0]):
        real = put(builder, ml.ConvertOp(_with_one(builder, operand), part_of(target)))
        return state.joined(found, builder, real, Term(builder, real).of(0).value)
    real, imaginary = state.terms_of(builder, operand)
    if kind_of(target) is Kind.COMPLEX:
        parts = (put(builder, ml.ConvertOp(part.value, part_of(target))) for part in (real, imaginary))
        return state.joined(found, builder, *parts)
    if kind_of(target) is Kind.BOOL:
        truth = put(builder, ml.OrOp(real.compare("NE", 0), imaginary.compare("NE", 0)))
        return _without_one(builder, found, truth)
    return _without_one(builder, found, put(builder, ml.ConvertOp(real.value, target)))


def _constant(state: _Expansion, found: _Found, builder: LocatedBuilder) -> SSAValue:
    pairs = np.stack([found.value.real, found.value.imag], -1)
    whole = new_constant(builder, pairs)
    state.parts[whole] = new_constant(builder, pairs[..., :1]), new_constant(builder, pairs[..., 1:])
    return whole


_REWRITES: dict[type[Operation], Rewrite] = {
    **dict.fromkeys(ON_PAIRS, _formula),
    ml.AbsOp: _abs,
    ml.RealOp: _real,
    ml.ImagOp: _imag,
    ml.ComplexOp: _complex,
    ml.SelectOp: _select,
    ml.CompareOp: _compare,
    ml.ConvertOp: _convert,
    ml.ConstantOp: _constant,
}
"""Ops that compute: what stands for their result."""


def _longer(op: Operation, name: str, *more: int) -> None:
    """Append to a list of integers of an op, where it has one."""
    known = op.properties.get(name)
    if known is not None:
        op.properties[name] = index_list([*cast("DenseArrayBase[Any]", known).get_values(), *more])


def _same(op: Operation, rank: int) -> None:
    """The op means the same on pairs."""


def _transpose(op: Operation, rank: int) -> None:
    _longer(op, "permutation", rank)


def _broadcast(op: Operation, rank: int) -> None:
    _longer(op, "broadcast_dimensions", rank)


def _ranges(op: Operation, rank: int) -> None:
    _longer(op, "start_indices", 0)
    _longer(op, "limit_indices", 2)
    _longer(op, "strides", 1)


_MOVES: dict[type[Operation], Callable[[Operation, int], None]] = {
    ml.TransposeOp: _transpose,
    ml.BroadcastInDimOp: _broadcast,
    ml.SliceOp: _ranges,
    ml.ReshapeOp: _same,
    ml.ConcatenateOp: _same,
    ml.ReverseOp: _same,
    ml.GetDimensionSizeOp: _same,
}
"""Ops that move elements: how they move pairs, changed in place. Given is the rank of the result."""
