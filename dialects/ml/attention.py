"""Attention: scaled dot products of queries and keys, as weights of values."""

from __future__ import annotations

from collections.abc import Iterator
from math import isfinite, sqrt
from typing import ClassVar

import numpy as np
from xdsl.dialects.builtin import TensorType, UnitAttr, i1
from xdsl.ir import Operation, SSAValue
from xdsl.irdl import irdl_op_definition, operand_def, opt_operand_def, opt_prop_def, result_def
from xdsl.irdl.declarative_assembly_format import AttributeVariable, irdl_custom_directive
from xdsl.utils.exceptions import VerifyException

from weft.dialects.ml import numerics
from weft.dialects.ml.base import TENSOR, Body, MlOp, same_dims, tensor_type, typed
from weft.dialects.ml.dims import DYNAMIC, Requirement, Shape, product, quotient, shape_of, static_shape
from weft.dialects.ml.dtypes import KIND_NAMES, Array, Kind, kind_of
from weft.dialects.ml.options import FLOAT_OPTION, OptionList, float_option


@irdl_custom_directive
class AttentionOptions(OptionList):
    """`, scale = 1.250000e-01, causal`."""

    scale: AttributeVariable
    causal: AttributeVariable


@irdl_op_definition
class AttentionOp(MlOp):
    """softmax(query @ transpose(key) * scale) @ value: what each query takes from the values, by likeness of keys.

    Query is `[..., l, e]`, key `[..., s, e]`, value `[..., s, v]`, the result `[..., l, v]`. Leading dimensions are
    the same, but for the last one, the heads: there may be g times as many of the query as of key and value, whose
    number the type must say then; head i of the query goes with head i / g of key and value (grouped heads; with
    one head of key and value: multi-query). `scale` is 1 / sqrt(e) unless given.

    `causal` lets query i see keys 0 to i only. A mask of rank 2 or more is aligned with the last dimensions of
    `[..., l, s]`, and repeated along those that are 1 in its type: where an `i1` mask is false the key is not seen;
    a mask of the elements of the query is added to the scores. A query that sees no key (all scores are -inf) has
    weights 0, so its result is 0.

    As smaller ops: `s = dot_general query key * scale`, the masks by `select`, `m = reduce max s`,
    `p = exp(s - m)`, `dot_general p value / reduce add p`; m is 0 where it is -inf. Vaswani et al., "Attention Is
    All You Need" (2017); Ainslie et al., "GQA" (2023); PyTorch: scaled_dot_product_attention, ONNX: Attention.

    ```mlir
    %r = ml.attention %q, %k, %v, causal
        : (tensor<2x4x5x8xf32>, tensor<2x4x5x8xf32>, tensor<2x4x5x8xf32>) -> tensor<2x4x5x8xf32>
    %s = ml.attention %a, %b, %c mask(%m : tensor<2x1x1x7xi1>), scale = 1.250000e-01
        : (tensor<2x4x5x8xf16>, tensor<2x2x7x8xf16>, tensor<2x2x7x3xf16>) -> tensor<2x4x5x3xf16>
    ```
    """

    name = "ml.attention"

    query = operand_def(TENSOR)
    key = operand_def(TENSOR)
    value = operand_def(TENSOR)
    mask = opt_operand_def(TENSOR)
    result = result_def(TENSOR)
    scale = opt_prop_def(FLOAT_OPTION)
    causal = opt_prop_def(UnitAttr)

    custom_directives = (AttentionOptions,)
    assembly_format = (
        "$query `,` $key `,` $value (`mask` `(` $mask^ `:` type($mask) `)`)? "
        "custom<AttentionOptions>($scale, $causal) attr-dict "
        "`:` `(` type($query) `,` type($key) `,` type($value) `)` `->` type($result)"
    )

    FACTORS: ClassVar = ("query", "key", "value")

    def __init__(
        self,
        query: SSAValue | Operation,
        key: SSAValue | Operation,
        value: SSAValue | Operation,
        mask: SSAValue | Operation | None = None,
        *,
        scale: float | None = None,
        causal: bool = False,
    ):
        shapes = [shape_of(i, typed(factor).get_shape()) for i, factor in enumerate((query, key, value))]
        super().__init__(
            operands=[query, key, value, mask],
            result_types=[TensorType(typed(query).element_type, static_shape((*shapes[0][:-1], shapes[2][-1])))],
            properties={"scale": float_option(scale), "causal": UnitAttr() if causal else None},
        )

    @property
    def heads(self) -> tuple[int, int] | None:
        """The dimension of the heads in the types of query and key, where the query has or may have more of them."""
        query, key = (tensor_type(value).get_shape() for value in (self.query, self.key))
        if len(query) < 3 or key[-3] == DYNAMIC or query[-3] == key[-3]:
            return None
        return query[-3], key[-3]

    def check(self) -> None:
        query = tensor_type(self.query)
        if kind_of(query.element_type) is not Kind.FLOAT:
            raise VerifyException(f"{self.name} takes {KIND_NAMES[Kind.FLOAT]} elements, not {query}")
        for name, value in zip(self.FACTORS, (self.query, self.key, self.value), strict=True):
            if tensor_type(value).get_num_dims() != query.get_num_dims() or query.get_num_dims() < 2:
                raise VerifyException(
                    f"{self.name} takes query, key and value of one rank, 2 or more: {name} is {value.type}"
                )
            if tensor_type(value).element_type != query.element_type:
                raise VerifyException(f"{self.name}: {name} must have {query.element_type} elements, not {value.type}")
        if self.scale is not None and not isfinite(self.scale.value.data):
            raise VerifyException(f"{self.name}: scale must be a finite number")
        self._check_mask()

    def _check_mask(self) -> None:
        if self.mask is None:
            return
        mask, query = tensor_type(self.mask), tensor_type(self.query)
        if mask.element_type not in (i1, query.element_type):
            raise VerifyException(f"{self.name}: the mask must have i1 or {query.element_type} elements, not {mask}")
        if not 2 <= mask.get_num_dims() <= query.get_num_dims():
            raise VerifyException(
                f"{self.name}: the mask must have rank 2 to {query.get_num_dims()}, as the scores have, not {mask}"
            )

    def rules(self) -> Iterator[Requirement]:
        query, key, value = (self.operand_dims(i) for i in range(3))
        batch = -min(3, tensor_type(self.query).get_num_dims())
        message = f"{self.name}: query, key and value must have the same leading dimensions"
        yield from same_dims(query[:batch], key[:batch], message)
        yield from same_dims(key[:-2], value[:-2], message)
        yield from self._heads_fit(query, key)
        yield Requirement(query[-1], "==", key[-1], f"{self.name}: query and key must have the same last dimension")
        yield Requirement(key[-2], "==", value[-2], f"{self.name}: there must be as many values as keys")
        if self.mask is not None:
            scores = (*query[:-1], key[-2])
            mask = self.operand_dims(3)
            for size, wanted in zip(mask, scores[-len(mask) :], strict=True):
                if size != 1:
                    yield Requirement(size, "==", wanted, f"{self.name}: the mask must have the sizes of the scores")

    def _heads_fit(self, query: Shape, key: Shape) -> Iterator[Requirement]:
        """The heads of the query are as many as those of the key, or a multiple where these are known."""
        if len(query) < 3:
            return
        heads = key[-3]
        if isinstance(heads, int) and heads > 0:
            whole = product([quotient(query[-3], heads), heads])
            message = f"{self.name}: the heads of the query must be a multiple of the {heads} heads of the key"
            yield Requirement(whole, "==", query[-3], message)
        else:
            yield Requirement(query[-3], "==", heads, f"{self.name}: query and key must have the same number of heads")

    def result_dims(self) -> tuple[Shape, ...]:
        return ((*self.operand_dims(0)[:-1], self.operand_dims(2)[-1]),)

    def factor(self, size: int) -> float:
        """The scale, where query and key have that many elements."""
        if self.scale is not None:
            return self.scale.value.data
        return 1 / sqrt(size) if size else 1.0

    def compute(self, operands: tuple[Array, ...], body: Body | None) -> tuple[Array, ...]:
        query, key, value = (numerics.widen(x) for x in operands[:3])
        if query.ndim > 2 and key.shape[-3]:
            repeats = query.shape[-3] // key.shape[-3]
            key, value = (np.repeat(x, repeats, axis=-3) for x in (key, value))
        scores = np.matmul(query, np.swapaxes(key, -1, -2)) * self.factor(query.shape[-1])
        if self.causal is not None:
            scores = np.where(np.tril(np.ones(scores.shape[-2:], bool)), scores, -np.inf)
        if self.mask is not None:
            mask = operands[3]
            scores = np.where(mask, scores, -np.inf) if mask.dtype == np.bool_ else scores + numerics.widen(mask)
        greatest = np.max(scores, axis=-1, keepdims=True, initial=-np.inf)
        powers = np.exp(scores - np.where(greatest == -np.inf, 0.0, greatest))
        total = np.sum(powers, axis=-1, keepdims=True)
        weighted = np.matmul(powers, value) / np.where(total == 0, 1.0, total)
        return (numerics.narrow(weighted, self.result_dtype()),)
