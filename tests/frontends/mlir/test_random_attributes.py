"""Random types and attributes, printed and read again: equal by weft and by xDSL's parser."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from immutabledict import immutabledict
from xdsl.dialects import llvm
from xdsl.dialects.builtin import (
    DYNAMIC_INDEX,
    AffineMapAttr,
    ArrayAttr,
    BoolAttr,
    ComplexType,
    DenseArrayBase,
    DenseIntOrFPElementsAttr,
    DictionaryAttr,
    FloatAttr,
    FunctionType,
    IndexType,
    IntegerAttr,
    IntegerType,
    MemRefType,
    NoneAttr,
    NoneType,
    Signedness,
    StridedLayoutAttr,
    StringAttr,
    SymbolRefAttr,
    TensorType,
    TupleType,
    UnitAttr,
    UnrankedTensorType,
    VectorType,
    bf16,
    f16,
    f32,
    f64,
)
from xdsl.ir.affine import AffineExpr, AffineMap

from tests.frontends.mlir.agree import attribute, by_weft, by_xdsl

NAMES = st.from_regex(r"[a-zA-Z_][a-zA-Z0-9_$.]{0,8}", fullmatch=True)
TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=8)
FLOATS = st.sampled_from([bf16, f16, f32, f64])
INTEGERS = st.builds(IntegerType, st.sampled_from([1, 8, 16, 32, 64, 129]), st.sampled_from(Signedness))
SCALARS = st.one_of(FLOATS, INTEGERS, st.just(IndexType()))
DIMS = st.lists(st.sampled_from([-1, 0, 1, 2, 7, 1 << 20]).map(lambda d: DYNAMIC_INDEX if d < 0 else d), max_size=3)
SIZES = st.lists(st.integers(1, 5), min_size=1, max_size=3)


def expressions(leaves):
    constants = st.integers(1, 9)
    return st.one_of(
        st.tuples(leaves, leaves).map(lambda pair: pair[0] + pair[1]),
        st.tuples(leaves, constants).map(lambda pair: pair[0] * pair[1]),
        st.tuples(leaves, constants).map(lambda pair: pair[0] % pair[1]),
        st.tuples(leaves, constants).map(lambda pair: pair[0] // pair[1]),
    )


LEAVES = st.one_of(
    st.integers(0, 1).map(AffineExpr.dimension),
    st.just(AffineExpr.symbol(0)),
    st.integers(-5, 5).map(AffineExpr.constant),
)
MAPS = st.lists(st.recursive(LEAVES, expressions, max_leaves=4), max_size=3).map(lambda e: AffineMap(2, 1, tuple(e)))
STRIDED = st.builds(
    StridedLayoutAttr, st.lists(st.integers(0, 99), min_size=1, max_size=1), st.none() | st.integers(0, 9)
)
FLAT_TYPES = st.one_of(
    SCALARS,
    st.just(NoneType()),
    st.just(llvm.LLVMPointerType()),
    st.builds(ComplexType, FLOATS),
    st.builds(TensorType, SCALARS, DIMS),
    st.builds(UnrankedTensorType, SCALARS),
    st.builds(
        lambda element, layout: MemRefType(element, [DYNAMIC_INDEX], layout), SCALARS, STRIDED | st.just(NoneAttr())
    ),
    st.builds(
        lambda of, sizes, scalable: VectorType(of, sizes, ArrayAttr([BoolAttr.from_bool(scalable)] * len(sizes))),
        SCALARS, SIZES, st.booleans(),
    ),
)  # fmt: skip
TYPES = st.recursive(
    FLAT_TYPES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda types: TupleType(tuple(types))),
        st.builds(FunctionType.from_lists, st.lists(inner, max_size=2), st.lists(inner, max_size=2)),
    ),
    max_leaves=4,
)
FLOAT_ATTRS = st.builds(FloatAttr, st.floats(width=16), FLOATS)
ATTRIBUTES = st.recursive(
    st.one_of(
        TYPES,
        TEXT.map(StringAttr),
        st.just(UnitAttr()),
        st.integers(-(2**63), 2**63 - 1).map(lambda value: IntegerAttr(value, IntegerType(64))),
        st.integers(-(2**63), 2**63 - 1).map(lambda value: IntegerAttr(value, IndexType())),
        st.integers(0, 2**64 - 1).map(lambda value: IntegerAttr(value, IntegerType(64, Signedness.UNSIGNED))),
        FLOAT_ATTRS,
        MAPS.map(AffineMapAttr),
        NAMES.map(SymbolRefAttr),
        st.lists(st.integers(-128, 127), max_size=4).map(lambda data: DenseArrayBase.from_list(IntegerType(8), data)),
        st.lists(st.integers(-128, 127), min_size=1, max_size=5).map(
            lambda data: DenseIntOrFPElementsAttr.from_list(TensorType(IntegerType(8), [len(data)]), data)
        ),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(ArrayAttr),
        st.dictionaries(NAMES, inner, max_size=3).map(lambda entries: DictionaryAttr(immutabledict(entries))),
    ),
    max_leaves=5,
)
SETTINGS = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}


def assert_reads_back(value):
    text = str(value)
    assert str(attribute(text)) == text
    if "nan" not in text:
        assert str(attribute(text, by_xdsl)) == text
    if not isinstance(value, FloatAttr):
        assert attribute(text) == attribute(text, by_xdsl)


@settings(max_examples=60, **SETTINGS)
@given(ATTRIBUTES)
def test_a_printed_attribute_reads_back(value):
    assert_reads_back(value)


@pytest.mark.long
@settings(max_examples=5000, **SETTINGS)
@given(ATTRIBUTES)
def test_many_printed_attributes_read_back(value):
    assert_reads_back(value)


@settings(max_examples=40, **SETTINGS)
@given(st.lists(st.floats(width=16), min_size=1, max_size=5), FLOATS)
def test_floats_of_a_literal_read_back_bit_for_bit(data, element):
    value = DenseIntOrFPElementsAttr.from_list(TensorType(element, [len(data)]), data)
    assert str(attribute(str(value), by_weft)) == str(value)
