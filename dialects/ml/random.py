"""Random numbers: rng_bit_generator."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
from xdsl.dialects.builtin import IntegerType, Signedness, TensorType
from xdsl.dialects.utils.enum_attribute import EnumAttribute
from xdsl.ir import Attribute, Operation, SpacedOpaqueSyntaxAttribute, SSAValue
from xdsl.irdl import VarConstraint, irdl_attr_definition, irdl_op_definition, operand_def, prop_def, result_def
from xdsl.utils.exceptions import VerifyException
from xdsl.utils.str_enum import StrEnum

from weft.dialects.ml.base import TENSOR, Body, MlOp, Tensor, tensor_type
from weft.dialects.ml.dims import DYNAMIC, Shape
from weft.dialects.ml.dtypes import Array, Kind, kind_of, width_of
from weft.dialects.ml.random_bits import Layout, philox4x32, philox_layout, threefry2x32, threefry_layout

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


@irdl_op_definition
class RngBitGeneratorOp(MlOp):
    """Random bits from a state, and the state after them. StableHLO: rng_bit_generator.

    The same state gives the same bits on every target. THREE_FRY is Threefry 2x32 with 20 rounds, PHILOX (and
    DEFAULT) is Philox 4x32 with 10 rounds (Salmon et al., SC 2011). The state is the key and the counter of the
    next block: for THREE_FRY two `ui64`, for PHILOX three (the counter has 128 bits, its low part first), or two (the
    key is then the high part of the counter too). The state after is that of the next block. The bits lie as XLA lays
    them. An element of less than 32 bits takes the low bits of a word; the sizes must be known.

    ```mlir
    %next, %bits = ml.rng_bit_generator THREE_FRY, %state : tensor<2xui64> to tensor<4x8xui32>
    ```
    """

    name = "ml.rng_bit_generator"
    TAKES: ClassVar = Kind.UNSIGNED

    T: ClassVar = VarConstraint("T", TENSOR)

    initial_state = operand_def(T)
    output_state = result_def(T)
    output = result_def(TENSOR)
    rng_algorithm = prop_def(RngAlgorithmAttr)

    assembly_format = "$rng_algorithm `,` $initial_state attr-dict `:` type($initial_state) `to` type($output)"

    def __init__(self, algorithm: str, state: SSAValue | Operation, result_type: Tensor):
        super().__init__(
            operands=[state],
            result_types=[SSAValue.get(state).type, result_type],
            properties={"rng_algorithm": RngAlgorithmAttr(Algorithm(algorithm))},
        )

    @property
    def is_threefry(self) -> bool:
        """Whether the bits are Threefry's; else they are Philox's."""
        return self.rng_algorithm.data is Algorithm.THREE_FRY

    @property
    def layout(self) -> Layout:
        """Where the words of the blocks go."""
        target = tensor_type(self.output)
        make = threefry_layout if self.is_threefry else philox_layout
        return make(target.get_shape(), width_of(target.element_type))

    def check(self) -> None:
        state, target = tensor_type(self.initial_state), tensor_type(self.output)
        sizes = (2,) if self.is_threefry else (2, 3)
        if state not in [TensorType(UI64, [size]) for size in sizes]:
            wanted = " or ".join(f"tensor<{size}xui64>" for size in sizes)
            raise VerifyException(f"{self.name}: the state must be {wanted}, not {state}")
        if DYNAMIC in target.get_shape():
            raise VerifyException(f"{self.name}: the sizes of the result must be known, not {target}")
        if kind_of(target.element_type) not in (Kind.SIGNED, Kind.UNSIGNED):
            raise VerifyException(f"{self.name} makes integers, not {target}; use ml.bitcast_convert for floats")

    def result_dims(self) -> tuple[Shape, ...]:
        return self.operand_dims(0), tuple(tensor_type(self.output).get_shape())

    def result_elements(self) -> tuple[Attribute, ...]:
        return UI64, tensor_type(self.output).element_type

    def compute(self, operands: tuple[Array, ...], body: Body | None) -> tuple[Array, ...]:
        (state,) = operands
        layout = self.layout
        numbers = np.arange(layout.count, dtype=np.uint64)
        low = state[1] + numbers
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
        return after, self._placed(layout, block)

    def _placed(self, layout: Layout, block: Sequence[Array]) -> Array:
        """The words of all blocks as the elements of the result."""
        shape = tuple(tensor_type(self.output).get_shape())
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
        dtype = self.result_dtype(1)
        return values.astype(f"uint{8 * dtype.itemsize}").view(dtype)


def _word(number: int) -> Array:
    return np.asarray(number, np.uint32)


def _low(x: Array) -> Array:
    return np.asarray(x & np.uint64(0xFFFFFFFF)).astype(np.uint32)


def _high(x: Array) -> Array:
    return np.asarray(x >> np.uint64(32)).astype(np.uint32)


def _product(x: Array, number: int) -> tuple[Array, Array]:
    product = x.astype(np.uint64) * np.uint64(number)
    return _high(product), _low(product)
