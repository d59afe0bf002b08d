"""ml.select_and_scatter against the loops that define it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from xdsl.dialects.builtin import f32
from xdsl.utils.exceptions import VerifyException

from tests.dialects.ml.support import assert_same, filled, read, value, written
from tests.dialects.ml.test_reduce_window import seen
from tests.passes.loops.kernels import tensors, type_of
from weft.backends.reference import run
from weft.dialects import ml

FAST = settings(max_examples=40, deadline=None)


@FAST
@given(st.data())
def test_the_first_greatest_element_of_a_window_gets_the_value(data):
    shape = data.draw(st.lists(st.integers(0, 5), max_size=2).map(tuple))
    each = lambda numbers: tuple(data.draw(numbers) for _ in shape)  # noqa: E731
    pads = tuple(zip(each(st.integers(-1, 2)), each(st.integers(-1, 2)), strict=True))
    sliding = ml.Sliding(each(st.integers(1, 3)), each(st.integers(1, 3)), pads=pads)
    x, places = filled(f32, shape, 3), seen(shape, sliding)
    source, init = filled(f32, places.shape) + 1, np.array(0.5, np.float32)
    module = tensors(
        [type_of(x), type_of(source), type_of(init)],
        lambda x, s, z: ml.SelectAndScatterOp.of("GE", "add", x, s, z, sliding),
    )
    (found,) = run(module, "main", [x, source, init])
    expected = np.full(shape, init, np.float32)
    for place in np.ndindex(places.shape):
        inside = [index for index in places[place] if index is not None]
        if inside:
            expected[max(inside, key=lambda index: x[index])] += source[place]
    assert_same(found, expected)


TEXT = """
func.func @main(%x: tensor<4xf32>, %s: tensor<2xf32>, %z: tensor<f32>) -> tensor<4xf32> {
  %r = ml.select_and_scatter(%x, %s init %z), window = [2], stride = [2]
      : (tensor<4xf32>, tensor<2xf32>, tensor<f32>) -> tensor<4xf32> select {
  ^bb0(%a: tensor<f32>, %b: tensor<f32>):
    %c = ml.compare LT, %a, %b : tensor<f32>
    ml.return %c : tensor<i1>
  } scatter {
  ^bb0(%d: tensor<f32>, %e: tensor<f32>):
    %f = ml.mul %d, %e : tensor<f32>
    ml.return %f : tensor<f32>
  }
  func.return %r : tensor<4xf32>
}
"""


def test_any_bodies_select_and_scatter():
    module = read(TEXT)
    assert read(written(module)).is_structurally_equivalent(module)
    x, s = np.array([1, 2, 4, 3], np.float32), np.array([5, 7], np.float32)
    assert run(module, "main", [x, s, np.float32(2)])[0].tolist() == [10, 2, 2, 14]


@pytest.mark.parametrize(
    ("message", "old", "new"),
    [
        ("an element for each place of the window: they are 2 and 3", "tensor<2xf32>", "tensor<3xf32>"),
        ("rank and elements of", "tensor<2xf32>", "tensor<2xf16>"),
        ("select must return", "ml.return %c : tensor<i1>", "ml.return %a : tensor<f32>"),
        ("scatter must return", "ml.return %f : tensor<f32>", "ml.return"),
        ("window needs one entry", "window = [2]", "window = [2, 2]"),
        (r"stride \[0\] must be 1 or more", "stride = [2]", "stride = [0]"),
    ],
)
def test_what_does_not_fit_is_refused(message, old, new):
    with pytest.raises(VerifyException, match=message):
        read(TEXT.replace(old, new))


def test_a_start_of_another_rank_is_refused():
    text = TEXT.replace("%z: tensor<f32>", "%z: tensor<1xf32>").replace(
        "tensor<2xf32>, tensor<f32>)", "tensor<2xf32>, tensor<1xf32>)"
    )
    with pytest.raises(VerifyException, match="value to start from must be tensor<f32>"):
        read(text)


def test_a_gradient_of_a_greatest_element_goes_to_the_first_of_equal_ones():
    op = ml.SelectAndScatterOp.of("GE", "add", value(f32, 3), value(f32, 1), value(f32), ml.Sliding((3,)))
    op.verify_()
    bodies = (lambda a, b: (a >= b,), lambda a, b: (a + b,))
    (found,) = op.evaluate(
        np.ones(3, np.float32), np.array([2], np.float32), np.float32(0), body=lambda *v, region=0: bodies[region](*v)
    )
    assert found.tolist() == [2, 0, 0]
