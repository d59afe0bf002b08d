"""What all ops of ml share: the types they take, one shape rule, requirements, and a meaning in NumPy."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import ClassVar, Self, TypeAlias, cast

import numpy as np
from typing_extensions import TypeVar
from xdsl.dialects.builtin import I64, DenseArrayBase, IntegerAttr, TensorType, i1, i64
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.irdl import (
    AnyAttr,
    AttrConstraint,
    InferenceContext,
    IntConstraint,
    IRDLOperation,
    VarConstraint,
    VerificationContext,
    traits_def,
)
from xdsl.traits import Pure
from xdsl.utils.exceptions import VerifyException

from weft import codes
from weft.dialects.locations import error_at
from weft.dialects.ml.dims import DYNAMIC, Requirement, Shape, shape_of, static_shape, value_of
from weft.dialects.ml.dtypes import KIND_NAMES, Array, Kind, complex_of, dtype_of, has_complex, kind_of, part_of

Tensor: TypeAlias = TensorType[Attribute]
Body: TypeAlias = Callable[..., Sequence[Array]]
"""The meaning of a region: arrays in, arrays out. Where an op has several, `region` is the number of the one meant."""

TENSOR = TensorType.constr(AnyAttr())
"""A ranked tensor; which elements an op takes is said by its `TAKES`."""

INDEX_LIST = DenseArrayBase.constr(i64)
AXIS = IntegerAttr.constr(i64)


@dataclass(frozen=True)
class _ShapeOf(AttrConstraint, ABC):
    """A tensor with the shape of the tensor type that another constraint variable stands for."""

    variable: VarConstraint

    @abstractmethod
    def element(self, element: Attribute) -> Attribute:
        """The elements that it has, where the variable stands for a tensor of `element`."""

    def verify(self, attr: Attribute, constraint_context: VerificationContext) -> None:
        """Raises VerifyException where `attr` is another type."""
        expected = self.infer(constraint_context)
        if attr != expected:
            raise VerifyException(f"the result must be {expected}, not {attr}")

    def can_infer(self, var_constraint_names: AbstractSet[str]) -> bool:
        """The type is known where the variable is."""
        return self.variable.can_infer(var_constraint_names)

    def infer(self, context: InferenceContext) -> Attribute:
        """The type, from the variable."""
        model = cast(Tensor, self.variable.infer(context))
        return TensorType(self.element(model.element_type), model.get_shape())

    def mapping_type_vars(self, type_var_mapping: Mapping[TypeVar, AttrConstraint | IntConstraint]) -> Self:
        """It has no type variables."""
        return self


@dataclass(frozen=True)
class TruthOf(_ShapeOf):
    """A tensor of `i1` with the shape of the tensor type that another constraint variable stands for."""

    def element(self, element: Attribute) -> Attribute:
        """`i1`."""
        return i1


@dataclass(frozen=True)
class RealOf(_ShapeOf):
    """The tensor type that another constraint variable stands for, with the real part of its elements."""

    def element(self, element: Attribute) -> Attribute:
        """The type of the parts of complex numbers; another type itself."""
        return part_of(element)


@dataclass(frozen=True)
class ComplexOf(_ShapeOf):
    """A tensor of complex numbers whose parts are the elements of the tensor type that another variable stands for."""

    def element(self, element: Attribute) -> Attribute:
        """The complex type; another type itself where there is none."""
        return complex_of(element) if has_complex(element) else element


def index_list(values: Sequence[int]) -> DenseArrayBase[I64]:
    """A list of axes or sizes as `array<i64: ...>`."""
    return DenseArrayBase.from_list(i64, values)


def axis_attr(value: int) -> IntegerAttr[I64]:
    """An axis as `value : i64`."""
    return IntegerAttr(value, i64)


def tensor_type(value: SSAValue) -> Tensor:
    """The type of a value that the verifier has found to be a tensor."""
    return cast(Tensor, value.type)


def is_tensor(value: SSAValue) -> bool:
    """Whether a value is a ranked tensor; the others that ml ops take are of type `index`."""
    return isinstance(value.type, TensorType)


def typed(value: SSAValue | Operation) -> Tensor:
    """The tensor type of what a constructor was given."""
    return tensor_type(SSAValue.get(value))


def real_type(value: SSAValue | Operation) -> TensorType[Attribute]:
    """The tensor type of the real parts of a value."""
    return TensorType(part_of(typed(value).element_type), typed(value).get_shape())


def truth_type(value: SSAValue | Operation) -> TensorType[Attribute]:
    """The tensor type of `i1` with the shape of a value."""
    return TensorType(i1, typed(value).get_shape())


def axis_of(attr: IntegerAttr | None, default: int) -> int:
    """The axis that an optional attribute says, or the default."""
    return default if attr is None else attr.value.data


def check_axes(what: str, axes: Sequence[int], rank: int) -> None:
    """Verify that `axes` are different axes of a tensor of that rank."""
    if any(not 0 <= axis < rank for axis in axes):
        raise VerifyException(f"{what} {list(axes)} must be between 0 and {rank - 1}")
    if len(set(axes)) != len(axes):
        raise VerifyException(f"{what} {list(axes)} must be different")


def same_dims(left: Shape, right: Shape, message: str) -> Iterator[Requirement]:
    """The requirements that make two shapes of one rank equal."""
    return (Requirement(a, "==", b, message) for a, b in zip(left, right, strict=True))


class MlOp(IRDLOperation, ABC):
    """An op on ranked tensors in value semantics: pure, without hidden broadcasting.

    An op gives `result_dims`, `rules` (what its sizes must fulfil) and `compute` (its meaning). From them
    come the verifier, `requirements` (the rules that only run time decides) and `evaluate`.
    """

    TAKES: ClassVar[Kind] = Kind.ANY
    """The kinds of elements that the tensor operands may have."""

    GIVES: ClassVar[Kind] = Kind.ANY
    """The kinds of elements that the results may have, besides those of `TAKES`."""

    traits = traits_def(Pure())

    @abstractmethod
    def result_dims(self) -> tuple[Shape, ...]:
        """The sizes of each result. The one shape rule of the op."""

    def rules(self) -> Iterator[Requirement]:
        """What the sizes of the operands must fulfil, known or not."""
        return iter(())

    def check(self) -> None:
        """Verify what is special to the op, before its shape rule is asked. Raises VerifyException."""

    def result_elements(self) -> tuple[Attribute, ...]:
        """The element type that each result must have: the first operand's, unless an op says otherwise."""
        return (tensor_type(self.operands[0]).element_type,) * len(self.results)

    @abstractmethod
    def compute(self, operands: tuple[Array, ...], body: Body | None) -> tuple[Array, ...]:
        """The results for these operands. NumPy's floating-point warnings are off."""

    def evaluate(self, *operands: Array, body: Body | None = None) -> tuple[Array, ...]:
        """The meaning of the op: its results for these operands, in the dtypes of its types.

        An operand of type `index` is an integer of rank 0. `body` is the meaning of the op's region, where it
        has one. Raises :class:`WeftError` where the operands break a requirement.
        """
        arrays = tuple(np.asarray(operand) for operand in operands)
        for need in self.requirements():
            if not need.holds(arrays):
                raise error_at(self, need.message, code=codes.CHECK_FAILED)
        with np.errstate(all="ignore"):
            return tuple(np.asarray(result) for result in self.compute(arrays, body))

    def operand_dims(self, position: int) -> Shape:
        """The dims of a tensor operand."""
        return shape_of(position, tensor_type(self.operands[position]).get_shape())

    def concrete_shape(self, operands: Sequence[Array], result: int = 0) -> tuple[int, ...]:
        """The shape of a result for these operands."""
        return tuple(value_of(dim, operands) for dim in self.result_dims()[result])

    def result_dtype(self, result: int = 0) -> np.dtype[np.generic]:
        """The NumPy dtype of a result."""
        return dtype_of(tensor_type(self.results[result]).element_type)

    def requirements(self) -> tuple[Requirement, ...]:
        """What must hold at run time, where sizes are `?`. Empty where static facts decide it all."""
        return tuple(need for need in self._all_rules() if need.decided() is None)

    def _all_rules(self) -> Iterator[Requirement]:
        yield from self.rules()
        for dims, result in zip(self.result_dims(), self.results, strict=True):
            for axis, (dim, claim) in enumerate(zip(dims, tensor_type(result).get_shape(), strict=True)):
                if claim != DYNAMIC:
                    message = f"{self.name}: dimension {axis} of the result must have the size of its type"
                    yield Requirement(dim, "==", claim, message)

    def verify_(self) -> None:
        """Verify element types, the op's own conditions, its shape rule and its rules."""
        self._check_elements()
        self.check()
        for element, result in zip(self.result_elements(), self.results, strict=True):
            if tensor_type(result).element_type != element:
                raise VerifyException(f"{self.name}: the elements of the result must be {element}, not {result.type}")
        for dims, result in zip(self.result_dims(), self.results, strict=True):
            if len(dims) != len(tensor_type(result).get_shape()):
                raise VerifyException(
                    f"{self.name}: the result is {result.type}, but has rank {len(dims)}: "
                    f"its sizes are {_text(static_shape(dims))}"
                )
        for need in self._all_rules():
            if need.decided() is False:
                raise VerifyException(f"{need.message}: they are {need.left} and {need.right}")

    def _check_elements(self) -> None:
        """Verify that all elements are of a type of ml, and the operands' of a kind that the op takes."""
        given = self.GIVES | self.TAKES
        values = [(value, self.TAKES, "takes") for value in self.operands]
        values += [(value, given, "gives") for value in self.results]
        for value, kinds, does in values:
            if not is_tensor(value):
                continue
            kind = kind_of(tensor_type(value).element_type)
            if kind is None:
                raise VerifyException(
                    f"{self.name}: the elements of {value.type} are not a type of ml: "
                    "f16, bf16, f32, f64, i1, i8 to i64, ui8 to ui64, complex<f32>, complex<f64>"
                )
            if kind not in kinds:
                names = " or ".join(KIND_NAMES[one] for one in kinds)
                raise VerifyException(f"{self.name} {does} {names} elements, not {value.type}")


def _text(shape: Sequence[int]) -> str:
    return "[" + ", ".join("?" if n == DYNAMIC else str(n) for n in shape) + "]"
