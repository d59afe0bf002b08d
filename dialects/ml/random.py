"""Random numbers: rng_bit_generator, random_uniform and random_normal."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import ClassVar

import numpy as np
from xdsl.dialects.builtin import IndexType, IntegerType, Signedness, TensorType, f32, f64
from xdsl.dialects.utils.enum_attribute import EnumAttribute
from xdsl.ir import Attribute, Operation, SpacedOpaqueSyntaxAttribute, SSAValue
from xdsl.irdl import (
    VarConstraint,
    irdl_attr_definition,
    irdl_op_definition,
    operand_def,
    prop_def,
    result_def,
    var_operand_def,
)
from xdsl.utils.exceptions import VerifyException
from xdsl.utils.str_enum import StrEnum

from weft.dialects.ml import numerics
from weft.dialects.ml.base import TENSOR, Body, MlOp, Tensor, tensor_type
from weft.dialects.ml.broadcast import sized, sizes_not_negative
from weft.dialects.ml.dims import Requirement, Shape
from weft.dialects.ml.dtypes import Array, Kind, dtype_of, kind_of, width_of
from weft.dialects.ml.random_bits import Layout, philox4x32, philox_layout, threefry2x32, threefry_layout
from weft.dialects.ml.rounding import MANTISSA_BITS, WIDTHS

UI64 = IntegerType(64, Signedness.UNSIGNED)


class Algorithm(StrEnum):
    """How random bits are made. DEFAULT is PHILOX."""

    DEFAULT = "DEFAULT"
    THREE_FRY = "THREE_FRY"
    PHILOX = "PHILOX"


@irdl_attr_definition
class RngAlgorithmAttr(EnumAttribute[Algorithm], SpacedOpaqueSyntaxAttribute):
    """`#ml<rng_algorithm PHILOX>`."""

    name = "ml.rng_algorithm"


class GeneratorOp(MlOp, ABC):
    """An op that makes numbers of random bits, and the state after them."""

    TAKES: ClassVar = Kind.UNSIGNED

    T: ClassVar = VarConstraint("T", TENSOR)

    initial_state = operand_def(T)
    sizes = var_operand_def(IndexType())
    output_state = result_def(T)
    output = result_def(TENSOR)
    rng_algorithm = prop_def(RngAlgorithmAttr)

    assembly_format = (
        "$rng_algorithm `,` $initial_state (`,` `sizes` `(` $sizes^ `)`)? attr-dict "
        "`:` type($initial_state) `to` type($output)"
    )

    def __init__(
        self,
        algorithm: str,
        state: SSAValue | Operation,
        result_type: Tensor,
        sizes: Sequence[SSAValue | Operation] = (),
    ):
        super().__init__(
            operands=[state, sizes],
            result_types=[SSAValue.get(state).type, result_type],
            properties={"rng_algorithm": RngAlgorithmAttr(Algorithm(algorithm))},
        )

    @property
    def is_threefry(self) -> bool:
        """Whether the bits are Threefry's; else they are Philox's."""
        return self.rng_algorithm.data is Algorithm.THREE_FRY

    @property
    @abstractmethod
    def bits_element(self) -> Attribute:
        """The type of the bits that a number is made of."""

    @staticmethod
    def bits_shape(shape: Sequence[int]) -> tuple[int, ...]:
        """The shape of the bits of which numbers of a shape are made."""
        return tuple(shape)

    @property
    def bits_type(self) -> Tensor:
        """The type of the bits that the numbers are made of."""
        return TensorType(self.bits_element, self.bits_shape(tensor_type(self.output).get_shape()))

    @abstractmethod
    def numbers(self, bits: Array) -> Array:
        """The numbers that bits make."""

    def layout(self, shape: Sequence[int]) -> Layout:
        """Where the words of the blocks go in a result of a shape."""
        make = threefry_layout if self.is_threefry else philox_layout
        return make(self.bits_shape(shape), width_of(self.bits_element))

    def check(self) -> None:
        state = tensor_type(self.initial_state)
        sizes = (2,) if self.is_threefry else (2, 3)
        if state not in [TensorType(UI64, [size]) for size in sizes]:
            wanted = " or ".join(f"tensor<{size}xui64>" for size in sizes)
            raise VerifyException(f"{self.name}: the state must be {wanted}, not {state}")

    def result_dims(self) -> tuple[Shape, ...]:
        return self.operand_dims(0), sized(self, 1, tensor_type(self.output).get_shape(), {})

    def rules(self) -> Iterator[Requirement]:
        return sizes_not_negative(self, 1)

    def result_elements(self) -> tuple[Attribute, ...]:
        return UI64, tensor_type(self.output).element_type

    def compute(self, operands: tuple[Array, ...], body: Body | None) -> tuple[Array, ...]:
        state, shape = operands[0], self.concrete_shape(operands, 1)
        layout = self.layout(shape)
        places = np.arange(layout.count, dtype=np.uint64)
        low = state[1] + places
        key = (_low(state[0]), _high(state[0]))
        high = (state[2] if len(state) == 3 else state[0]) + (low < state[1]).astype(np.uint64)
        if self.is_threefry:
            block: Sequence[Array] = threefry2x32((_low(low), _high(low)), key, _word)
        else:
            counter = (_low(low), _high(low), _low(high), _high(high))
            block = philox4x32(counter, key, _word, _product)
        after = state.copy()
        after[1] += np.uint64(layout.count)
        if len(state) == 3:
            after[2] += np.uint64(after[1] < state[1])
        return after, self.numbers(self._placed(self.bits_shape(shape), layout, block))

    def _placed(self, shape: tuple[int, ...], layout: Layout, block: Sequence[Array]) -> Array:
        """The words of all blocks as bits of a shape."""
        if layout.words == 2:
            block = [
                low | (high.astype(np.uint64) << np.uint64(32))
                for low, high in zip(block[::2], block[1::2], strict=True)
            ]
        columns = np.stack([words.reshape(layout.blocks) for words in block[: layout.run]], axis=layout.dim + 1)
        wide = list(layout.blocks)
        if wide:
            wide[layout.dim] *= layout.run
        values = columns.reshape(wide)
        if layout.flat:
            values = values[: int(np.prod(shape))].reshape(shape)
        values = values[tuple(slice(size) for size in shape)]
        dtype = dtype_of(self.bits_element)
        return values.astype(f"uint{8 * dtype.itemsize}").view(dtype)


@irdl_op_definition
class RngBitGeneratorOp(GeneratorOp):
    """Random bits from a state, and the state after them. StableHLO: rng_bit_generator.

    The same state gives the same bits on every target. THREE_FRY is Threefry 2x32 with 20 rounds, PHILOX (and
    DEFAULT) is Philox 4x32 with 10 rounds (Salmon et al., SC 2011). The state is the key and the counter of the
    next block: for THREE_FRY two `ui64`, for PHILOX three (the counter has 128 bits, its low part first), or two (the
    key is then the high part of the counter too). The state after is that of the next block. The bits lie as XLA lays
    them. An element of less than 32 bits takes the low bits of a word. Each `?` of the result is one of `sizes`, in
    order.

    ```mlir
    %next, %bits = ml.rng_bit_generator THREE_FRY, %state : tensor<2xui64> to tensor<4x8xui32>
    %last, %more = ml.rng_bit_generator PHILOX, %next, sizes(%n) : tensor<2xui64> to tensor<?x8xui32>
    ```
    """

    name = "ml.rng_bit_generator"

    @property
    def bits_element(self) -> Attribute:
        return tensor_type(self.output).element_type

    def check(self) -> None:
        super().check()
        target = tensor_type(self.output)
        if kind_of(target.element_type) not in (Kind.SIGNED, Kind.UNSIGNED):
            raise VerifyException(f"{self.name} makes integers, not {target}; use ml.random_uniform for floats")

    def numbers(self, bits: Array) -> Array:
        return bits


class DistributionOp(GeneratorOp, ABC):
    """A generator of floats."""

    def check(self) -> None:
        super().check()
        if kind_of(tensor_type(self.output).element_type) is not Kind.FLOAT:
            raise VerifyException(f"{self.name} makes floats, not {self.output.type}")


@irdl_op_definition
class RandomUniformOp(DistributionOp):
    """Random numbers from 0 up to 1, without 1, and the state after them; all multiples of one step are as likely.

    They are the leading bits of `ml.rng_bit_generator`, as many as the mantissa stores: 10 (f16), 7 (bf16), 23 (f32)
    or 52 (f64), of unsigned integers as wide as the floats.

    ```mlir
    %next, %u = ml.random_uniform PHILOX, %state : tensor<3xui64> to tensor<4x8xf32>
    ```
    """

    name = "ml.random_uniform"

    @property
    def bits_element(self) -> Attribute:
        return IntegerType(WIDTHS[tensor_type(self.output).element_type], Signedness.UNSIGNED)

    def numbers(self, bits: Array) -> Array:
        return uniform(bits, tensor_type(self.output).element_type).astype(self.result_dtype(1))


@irdl_op_definition
class RandomNormalOp(DistributionOp):
    """Random numbers of the normal distribution with mean 0 and variance 1, and the state after them.

    By Box and Muller: sqrt(-2 log(1 - u)) cos(2 pi v), where u and v are the halves of what `ml.random_uniform`
    gives for a tensor with a leading dimension of 2 (of f32, for f64 of f64).

    ```mlir
    %next, %z = ml.random_normal PHILOX, %state : tensor<3xui64> to tensor<4x8xf32>
    ```
    """

    name = "ml.random_normal"

    @property
    def uniform_type(self) -> Tensor:
        """The type of the uniform numbers that it takes."""
        target = tensor_type(self.output)
        element = target.element_type if target.element_type == f64 else f32
        return TensorType(element, self.bits_shape(target.get_shape()))

    @property
    def bits_element(self) -> Attribute:
        return IntegerType(WIDTHS[self.uniform_type.element_type], Signedness.UNSIGNED)

    @staticmethod
    def bits_shape(shape: Sequence[int]) -> tuple[int, ...]:
        return (2, *shape)

    def numbers(self, bits: Array) -> Array:
        u, v = uniform(bits, self.uniform_type.element_type)
        return numerics.narrow(np.sqrt(-2 * np.log(1 - u)) * np.cos(2 * np.pi * v), self.result_dtype(1))


def uniform(bits: Array, element: Attribute) -> Array:
    """Bits as numbers from 0 up to 1, in f64: as many of the leading ones as the mantissa of `element` stores."""
    mantissa = MANTISSA_BITS[element]
    return (bits >> bits.dtype.type(WIDTHS[element] - mantissa)).astype(np.float64) * 2.0**-mantissa


def _word(number: int) -> Array:
    return np.asarray(number, np.uint32)


def _low(x: Array) -> Array:
    return np.asarray(x & np.uint64(0xFFFFFFFF)).astype(np.uint32)


def _high(x: Array) -> Array:
    return np.asarray(x >> np.uint64(32)).astype(np.uint32)


def _product(x: Array, number: int) -> tuple[Array, Array]:
    product = x.astype(np.uint64) * np.uint64(number)
    return _high(product), _low(product)
