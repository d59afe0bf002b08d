"""Reductions along dimensions: reduce with any body, and its terminator."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from functools import reduce
from typing import ClassVar, Self

import numpy as np
from xdsl.dialects.builtin import TensorType
from xdsl.ir import Attribute, Block, Operation, Region, SSAValue
from xdsl.irdl import (
    IRDLOperation,
    irdl_op_definition,
    opt_prop_def,
    region_def,
    traits_def,
    var_operand_def,
    var_result_def,
)
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.traits import IsolatedFromAbove, IsTerminator, Pure, RecursivelySpeculatable, RecursiveMemoryEffect
from xdsl.utils.exceptions import VerifyException

from weft.dialects.ml import numerics
from weft.dialects.ml.base import (
    INDEX_LIST,
    TENSOR,
    Body,
    MlOp,
    check_axes,
    index_list,
    same_dims,
    tensor_type,
    typed,
)
from weft.dialects.ml.binary import AddOp, AndOp, BinaryOp, MaxOp, MinOp, MulOp, OrOp
from weft.dialects.ml.dims import Requirement, Shape, meet, shape_of, static_shape
from weft.dialects.ml.dtypes import Array, DType, is_float, neutral
from weft.dialects.ml.reduction_syntax import (
    Option,
    Options,
    parse_with_body,
    parse_with_kind,
    print_reduction,
)
from weft.dialects.ml.syntax import list_text, parse_list

REDUCTIONS: dict[str, type[BinaryOp]] = {
    "add": AddOp,
    "mul": MulOp,
    "max": MaxOp,
    "min": MinOp,
    "and": AndOp,
    "or": OrOp,
}
"""The kinds of reductions that have a name, and the op that combines two elements."""


@irdl_op_definition
class ReturnOp(IRDLOperation):
    """Ends a body and gives its results.

    ```mlir
    ml.return %r : tensor<f32>
    ```
    """

    name = "ml.return"

    values = var_operand_def(TENSOR)

    traits = traits_def(IsTerminator(), Pure())
    assembly_format = "attr-dict ($values^ `:` type($values))?"

    def __init__(self, *values: SSAValue | Operation):
        super().__init__(operands=[values])


def reduction_body(kind: str, element: Attribute) -> Region:
    """The body of a reduction of that kind: one op on the two arguments. Raises KeyError for another kind."""
    scalar = TensorType(element, [])
    block = Block(arg_types=[scalar, scalar])
    block.add_op(combined := REDUCTIONS[kind](*block.args))
    block.add_op(ReturnOp(combined))
    return Region(block)


class BodyReduction(MlOp):
    """An op that combines elements of n tensors by a body of two times n rank-0 arguments.

    The operands are n inputs and, where given, n rank-0 values to start from. `OPTIONS` is the syntax of what
    else the op says: the properties by the names that the text has for them.
    """

    OPTIONS: ClassVar[Options]

    arguments = var_operand_def(TENSOR)
    outputs = var_result_def(TENSOR)
    body = region_def("single_block")

    traits = traits_def(IsolatedFromAbove(), RecursiveMemoryEffect(), RecursivelySpeculatable())

    @property
    def inputs(self) -> tuple[SSAValue, ...]:
        """The tensors that are reduced."""
        return tuple(self.arguments[: len(self.outputs)])

    @property
    def inits(self) -> tuple[SSAValue, ...]:
        """The values to start from; none for the neutral element of the kind."""
        return tuple(self.arguments[len(self.outputs) :])

    @property
    def kind(self) -> str | None:
        """The kind of :data:`REDUCTIONS` that the body is, or None for any other body."""
        ops = list(self.body.block.ops)
        if len(ops) != 2 or len(self.body.block.args) != 2 or not isinstance(ops[1], ReturnOp):
            return None
        combine, end = ops
        if list(end.operands) != list(combine.results) or set(combine.operands) != set(self.body.block.args):
            return None
        return next((kind for kind, op in REDUCTIONS.items() if type(combine) is op), None)

    def written_kind(self) -> str | None:
        """The kind, if the short form says all that the op is."""
        kind = self.kind
        if kind is None:
            return None
        written = reduction_body(kind, tensor_type(self.inputs[0]).element_type)
        return kind if written.is_structurally_equivalent(self.body) else None

    def check(self) -> None:
        if not self.outputs or len(self.arguments) not in (len(self.outputs), 2 * len(self.outputs)):
            raise VerifyException(
                f"{self.name} takes as many inputs as it has results, and as many values to start from "
                f"or none, not {len(self.arguments)} operands for {len(self.outputs)} results"
            )
        rank = tensor_type(self.inputs[0]).get_num_dims()
        if any(tensor_type(value).get_num_dims() != rank for value in self.inputs):
            raise VerifyException(f"{self.name}: the inputs must have one rank")
        self.check_options(rank)
        if not self.inits and self.kind is None:
            raise VerifyException(f"{self.name}: a body that is not one known op needs values to start from")
        self._check_scalars()

    @abstractmethod
    def check_options(self, rank: int) -> None:
        """Verify the properties for inputs of that rank. Raises VerifyException."""

    def _check_scalars(self) -> None:
        """Verify that starts, and what the body takes and returns, are rank-0 tensors of the elements."""
        scalars = [TensorType(tensor_type(value).element_type, []) for value in self.inputs]
        end = self.body.block.last_op
        if not isinstance(end, ReturnOp):
            raise VerifyException(f"{self.name}: the body must end with ml.return")
        if self.inits and [value.type for value in self.inits] != scalars:
            raise VerifyException(f"{self.name}: the values to start from must be {_types(scalars)}")
        if [value.type for value in self.body.block.args] != 2 * scalars:
            raise VerifyException(f"{self.name}: the body must take {_types(2 * scalars)}")
        if [value.type for value in end.values] != scalars:
            raise VerifyException(f"{self.name}: the body must return {_types(scalars)}")

    def rules(self) -> Iterator[Requirement]:
        first = self.operand_dims(0)
        for position in range(1, len(self.outputs)):
            message = f"{self.name}: the inputs must have the same sizes"
            yield from same_dims(first, self.operand_dims(position), message)

    def input_dims(self) -> Shape:
        """What is known of the sizes that all inputs have."""
        shapes = (self.operand_dims(i) for i in range(len(self.outputs)))
        return tuple(reduce(meet, axis) for axis in zip(*shapes, strict=True))

    def result_elements(self) -> tuple[Attribute, ...]:
        return tuple(tensor_type(value).element_type for value in self.inputs)

    def compute(self, operands: tuple[Array, ...], body: Body | None) -> tuple[Array, ...]:
        inputs, inits = operands[: len(self.outputs)], operands[len(self.outputs) :]
        if (kind := self.kind) is not None:
            init = inits[0] if inits else neutral(kind, tensor_type(self.inputs[0]).element_type)
            return (self.compute_kind(kind, inputs[0], init),)
        if body is None:
            raise TypeError(f"{self.name}: the meaning of the body is needed")
        return self.compute_body(body, inputs, inits)

    @abstractmethod
    def compute_kind(self, kind: str, x: Array, init: Array) -> Array:
        """The result by a known kind."""

    @abstractmethod
    def compute_body(self, body: Body, inputs: Sequence[Array], inits: Sequence[Array]) -> tuple[Array, ...]:
        """The results by any body."""

    @classmethod
    def parse(cls, parser: Parser) -> Self:
        """Read the short form (a kind) or the form with a body."""
        kind = parser.parse_optional_keyword_in(REDUCTIONS)
        if kind is None:
            parsed = parse_with_body(parser, cls.OPTIONS)
        else:
            parsed = parse_with_kind(parser, cls.OPTIONS, cls.name, lambda element: reduction_body(kind, element))
        return cls.create(**parsed)

    def print(self, printer: Printer) -> None:
        """Write the short form where the body is one known op as it is written there, else the body."""
        print_reduction(printer, self, self.OPTIONS, self.written_kind(), self.inputs, self.inits)


@irdl_op_definition
class ReduceOp(BodyReduction):
    """Elements along dimensions (all unless given), combined by a body. StableHLO: reduce.

    The operands are n inputs of one shape and, where given, n rank-0 values to start from. The body takes n
    accumulated values and n elements, of rank 0, and returns n accumulated values. Reductions by one known op
    of ml (add, mul, max, min, and, or: its `kind`) start from their neutral element unless given a start,
    have a short form, and keep sums of f16 and bf16 in f32. The order of combination is free.

    ```mlir
    %r = ml.reduce add %x, dims = [1] : tensor<4x8xf32> to tensor<4xf32>
    %s = ml.reduce max %x init %z, dims = [0, 1] : tensor<4x8xf32> to tensor<f32>
    %t = ml.reduce(%x init %z), dims = [1] : (tensor<4x8xf32>, tensor<f32>) -> tensor<4xf32> {
    ^bb0(%a: tensor<f32>, %b: tensor<f32>):
      %c = ml.abs %b : tensor<f32>
      %d = ml.add %a, %c : tensor<f32>
      ml.return %d : tensor<f32>
    }
    ```
    """

    name = "ml.reduce"
    OPTIONS: ClassVar = {"dims": Option("dimensions", parse_list, list_text)}

    dimensions = opt_prop_def(INDEX_LIST)

    def __init__(
        self,
        inputs: Sequence[SSAValue | Operation],
        inits: Sequence[SSAValue | Operation],
        body: Region,
        dims: Sequence[int] | None = None,
    ):
        shape = shape_of(0, typed(inputs[0]).get_shape())
        kept = static_shape(_kept(shape, _all_axes(shape) if dims is None else dims))
        super().__init__(
            operands=[(*inputs, *inits)],
            result_types=[[TensorType(typed(value).element_type, kept) for value in inputs]],
            properties={"dimensions": None if dims is None else index_list(dims)},
            regions=[body],
        )

    @staticmethod
    def of(
        kind: str,
        operand: SSAValue | Operation,
        dims: Sequence[int] | None = None,
        init: SSAValue | Operation | None = None,
    ) -> ReduceOp:
        """The reduction of one input by a kind of :data:`REDUCTIONS`. Raises KeyError for another kind."""
        body = reduction_body(kind, typed(operand).element_type)
        return ReduceOp([operand], [] if init is None else [init], body, dims)

    @property
    def dims(self) -> tuple[int, ...]:
        """The dimensions that are reduced."""
        if self.dimensions is None:
            return _all_axes(self.operand_dims(0))
        return self.dimensions.get_values()

    def check_options(self, rank: int) -> None:
        check_axes(f"{self.name}: dims", self.dims, rank)

    def result_dims(self) -> tuple[Shape, ...]:
        return (_kept(self.input_dims(), self.dims),) * len(self.outputs)

    def compute_kind(self, kind: str, x: Array, init: Array) -> Array:
        combine, wide = combiner(kind, x.dtype), numerics.widen(x)
        result = combine.reduce(wide, axis=self.dims, dtype=wide.dtype, initial=numerics.widen(init)[()])
        return numerics.narrow(np.asarray(result), x.dtype) if is_float(x.dtype) else np.asarray(result)

    def compute_body(self, body: Body, inputs: Sequence[Array], inits: Sequence[Array]) -> tuple[Array, ...]:
        return _reduce_any(body, inputs, inits, self.dims)


def _all_axes(shape: Shape) -> tuple[int, ...]:
    return tuple(range(len(shape)))


def _kept(shape: Shape, dims: Sequence[int]) -> Shape:
    return tuple(size for axis, size in enumerate(shape) if axis not in dims)


def _types(types: Sequence[Attribute]) -> str:
    return ", ".join(map(str, types))


_COMBINE: dict[str, np.ufunc] = {
    "add": np.add,
    "mul": np.multiply,
    "max": np.maximum,
    "min": np.minimum,
    "and": np.bitwise_and,
    "or": np.bitwise_or,
}


def combiner(kind: str, dtype: DType) -> np.ufunc:
    """What combines two arrays by a kind: truth values are added and compared by `or`, multiplied by `and`."""
    kinds = {"add": "or", "mul": "and", "max": "or", "min": "and"} if dtype == np.bool_ else {}
    return _COMBINE[kinds.get(kind, kind)]


def _reduce_any(body: Body, inputs: Sequence[Array], inits: Sequence[Array], dims: Sequence[int]) -> tuple[Array, ...]:
    """Combine along `dims` by a body, one element after the other in row-major order."""
    kept = [axis for axis in range(inputs[0].ndim) if axis not in dims]
    moved = [x.transpose(*kept, *dims) for x in inputs]
    outer = moved[0].shape[: len(kept)]
    results = [np.empty(outer, x.dtype) for x in inputs]
    for place in np.ndindex(outer):
        state: Sequence[Array] = inits
        for elements in zip(*(x[place].reshape(-1) for x in moved), strict=True):
            state = body(*state, *(np.asarray(element) for element in elements))
        for result, value in zip(results, state, strict=True):
            result[place] = value
    return tuple(results)
