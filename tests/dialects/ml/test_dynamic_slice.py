"""dynamic_slice, dynamic_update_slice and reverse against plain Python indexing."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from xdsl.dialects.builtin import f32, i8, i32, i64
from xdsl.utils.exceptions import VerifyException

from tests.dialects.ml.support import ALL, INTEGERS, assert_same, blurred, filled, read, shapes, value
from tests.passes.graph.harness import ops_of, passed
from weft.diagnostics import WeftError
from weft.dialects import ml
from weft.dialects.ml.dims import DYNAMIC
from weft.dialects.ml.dtypes import dtype_of

FAST = settings(max_examples=60, deadline=None)


def check(op, *operands):
    """The result of a verified op, whose shape is what the shape rule says."""
    op.verify_()
    (result,) = op.evaluate(*operands)
    assert result.shape == op.concrete_shape(operands)
    for n, claim in zip(result.shape, op.result.type.get_shape(), strict=True):
        assert claim in (DYNAMIC, n)
    assert result.dtype == op.result_dtype()
    return result


def clamp(start, n, size):
    return max(0, min(start, n - size))


@st.composite
def slices(draw):
    shape = draw(shapes())
    sizes = tuple(draw(st.integers(0, n)) for n in shape)
    element = draw(st.sampled_from(INTEGERS))
    least = 0 if str(element).startswith("u") else -3
    return shape, sizes, element, [draw(st.integers(least, 7)) for _ in shape]


@FAST
@given(st.data())
def test_a_dynamic_slice_starts_as_near_as_it_can(data):
    shape, sizes, element, starts = data.draw(slices())
    hidden = blurred(data.draw, shape)
    said = [-1 if size == n and data.draw(st.booleans()) else size for size, n in zip(sizes, shape, strict=True)]
    x, numbers = filled(f32, shape), [np.array(n, dtype_of(element)) for n in starts]
    op = ml.DynamicSliceOp(value(f32, *hidden), [value(element) for _ in starts], said)
    result = check(op, x, *numbers)
    firsts = [clamp(*one) for one in zip(starts, shape, sizes, strict=True)]
    assert result.shape == sizes
    for place in np.ndindex(sizes):
        assert result[place] == x[tuple(a + b for a, b in zip(place, firsts, strict=True))]


@FAST
@given(st.data())
def test_a_dynamic_update_replaces_the_slice(data):
    shape, sizes, element, starts = data.draw(slices())
    x, u = filled(f32, shape), filled(f32, sizes, 1) + 10
    numbers = [np.array(n, dtype_of(element)) for n in starts]
    source, update = value(f32, *blurred(data.draw, shape)), value(f32, *blurred(data.draw, sizes))
    result = check(ml.DynamicUpdateSliceOp(source, update, [value(element) for _ in starts]), x, u, *numbers)
    firsts = [clamp(*one) for one in zip(starts, shape, sizes, strict=True)]
    for place in np.ndindex(shape):
        inside = tuple(a - b for a, b in zip(place, firsts, strict=True))
        replaced = all(0 <= i < n for i, n in zip(inside, sizes, strict=True))
        assert result[place] == (u[inside] if replaced else x[place])


def test_great_starts_are_clamped():
    x = filled(f32, (5,))
    for element, number in ((i64, 2**62), (i64, -(2**62)), (INTEGERS[-1], 2**64 - 1), (i8, -128)):
        op = ml.DynamicSliceOp(value(f32, 5), [value(element)], [2])
        assert_same(check(op, x, np.array(number, dtype_of(element))), x[3:] if number > 0 else x[:2])


@FAST
@given(st.data())
def test_reverse_counts_from_the_end(data):
    shape = data.draw(shapes())
    dims = data.draw(st.lists(st.sampled_from(range(len(shape))), unique=True)) if shape else []
    x = filled(f32, shape)
    result = check(ml.ReverseOp(value(f32, *blurred(data.draw, shape)), dims), x)
    for place in np.ndindex(shape):
        source = tuple(n - 1 - i if axis in dims else i for axis, (i, n) in enumerate(zip(place, shape, strict=True)))
        assert result[place] == x[source]


@pytest.mark.parametrize("element", ALL, ids=str)
def test_every_element_type_can_be_moved(element):
    x, one = filled(element, (3, 4)), np.array(1, np.int32)
    starts = [value(i32), value(i32)]
    assert_same(check(ml.ReverseOp(value(element, 3, 4), [1]), x), x[:, ::-1])
    assert_same(check(ml.DynamicSliceOp(value(element, 3, 4), starts, [2, 2]), x, one, one), x[1:, 1:3])
    y = x.copy()
    y[1:, 1:3] = x[:2, :2]
    update = ml.DynamicUpdateSliceOp(value(element, 3, 4), value(element, 2, 2), starts)
    assert_same(check(update, x, x[:2, :2], one, one), y)


def test_a_slice_larger_than_a_run_time_size_is_an_error():
    op = ml.DynamicSliceOp(value(f32, None), [value(i32)], [4])
    assert check(op, filled(f32, (4,)), np.int32(9)).shape == (4,)
    with pytest.raises(WeftError, match="slice must fit into dimension 0"):
        op.evaluate(filled(f32, (3,)), np.int32(0))


REFUSED = [
    ("one start for each of 2", "dynamic_slice %x[%i], sizes = [2, 2]", "4x4xf32, i32", "2x2xf32"),
    ("must be of rank 0", "dynamic_slice %x[%i], sizes = [2]", "4xf32, 1xi32", "2xf32"),
    ("must be of one type", "dynamic_slice %x[%i, %j], sizes = [2, 2]", "4x4xf32, i32, i64", "2x2xf32"),
    ("must be integers", "dynamic_slice %x[%i], sizes = [2]", "4xf32, f32", "2xf32"),
    ("sizes needs one entry", "dynamic_slice %x[%i], sizes = [2, 2]", "4xf32, i32", "2xf32"),
    (r"they are 5 and 4", "dynamic_slice %x[%i], sizes = [5]", "4xf32, i32", "5xf32"),
    ("not be negative", "dynamic_slice %x[%i], sizes = [-2]", "4xf32, i32", "2xf32"),
    ("they are 2 and 3", "dynamic_slice %x[%i], sizes = [2]", "4xf32, i32", "3xf32"),
    ("rank and elements of", "dynamic_update_slice %x[%i], %u", "4xf32, 2xi8, i32", "4xf32"),
    ("rank and elements of", "dynamic_update_slice %x[%i], %u", "4xf32, 2x1xf32, i32", "4xf32"),
    ("they are 5 and 4", "dynamic_update_slice %x[%i], %u", "4xf32, 5xf32, i32", "4xf32"),
]


@pytest.mark.parametrize(("message", "text", "sources", "target"), REFUSED)
def test_what_does_not_fit_is_refused(message, text, sources, target):
    types = [f"tensor<{source}>" for source in sources.split(", ")]
    names = ["x", "u", "i"] if "update" in text else ["x", "i", "j"]
    lines = [f'%{name} = "test.op"() : () -> {type_}' for name, type_ in zip(names, types, strict=False)]
    with pytest.raises(VerifyException, match=message):
        read("\n".join([*lines, f"%r = ml.{text} : ({', '.join(types)}) -> tensor<{target}>"]))


def test_reverse_of_a_dimension_that_is_not_there_is_refused():
    with pytest.raises(VerifyException, match=r"dims .2. must be between 0 and 1"):
        read('%a = "test.op"() : () -> tensor<2x3xf32>\n'
             "%r = ml.reverse %a, dims = [2] : tensor<2x3xf32> to tensor<2x3xf32>")  # fmt: skip


SIMPLIFIED = [
    ("ml.reverse %x, dims = [] : tensor<4x1xf32> to tensor<4x1xf32>", []),
    ("ml.reverse %x, dims = [1] : tensor<4x1xf32> to tensor<4x1xf32>", []),
    ("ml.reverse %x, dims = [0] : tensor<4x1xf32> to tensor<4x1xf32>", ["ml.reverse"]),
    ("ml.dynamic_slice %x[%c, %i], sizes = [2, 1] : (tensor<4x1xf32>, tensor<i32>, tensor<i32>) -> tensor<2x1xf32>",
     ["ml.slice"]),
    ("ml.dynamic_slice %x[%i, %i], sizes = [?, 1] : (tensor<4x1xf32>, tensor<i32>, tensor<i32>) -> tensor<4x1xf32>",
     []),
    ("ml.dynamic_slice %x[%i, %c], sizes = [2, 1] : (tensor<4x1xf32>, tensor<i32>, tensor<i32>) -> tensor<2x1xf32>",
     ["ml.dynamic_slice"]),
    ("ml.dynamic_update_slice %x[%i, %i], %x : (tensor<4x1xf32>, tensor<4x1xf32>, tensor<i32>, tensor<i32>) -> "
     "tensor<4x1xf32>", []),
]  # fmt: skip


@pytest.mark.parametrize(("text", "left"), SIMPLIFIED)
def test_what_is_known_is_simplified(text, left):
    target = text[text.rindex("tensor<") :]
    module = passed(
        f"""func.func @main(%x: tensor<4x1xf32>, %i: tensor<i32>) -> {target} {{
          %c = ml.constant dense<9> : tensor<i32>
          %r = {text}
          func.return %r : {target}
        }}""",
        "canonicalize",
    )
    assert [name for name in ops_of(module) if name != "ml.constant"] == left
    if left == ["ml.slice"]:
        assert "[2:4, 0:1]" in str(module)


def test_reversed_twice_is_reversed_along_what_differs():
    module = passed(
        """func.func @main(%x: tensor<4x3xf32>) -> tensor<4x3xf32> {
          %a = ml.reverse %x, dims = [0, 1] : tensor<4x3xf32> to tensor<4x3xf32>
          %b = ml.reverse %a, dims = [0] : tensor<4x3xf32> to tensor<4x3xf32>
          func.return %b : tensor<4x3xf32>
        }""",
        "canonicalize",
    )
    assert ops_of(module) == ["ml.reverse"]
    assert "dims = [1]" in str(module)
