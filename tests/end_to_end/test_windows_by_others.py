"""Windows, convolutions, resizing and running reductions as SciPy and PyTorch have them, where those are installed."""

import numpy as np
import pytest
from xdsl.dialects.builtin import TensorType, f32

import weft
from tests.passes.loops import kernels
from tests.passes.loops.test_ml_to_loop_nests import floats
from weft.backends.reference import run
from weft.dialects import ml

pytestmark = pytest.mark.long


def agree(expected, build, *arrays):
    """Both the reference and machine code give what others computed."""
    module = kernels.tensors([kernels.type_of(x) for x in arrays], build)
    for found in (run(module, "main", list(arrays))[0], weft.compile(module, threads=1)(*arrays)):
        assert found.shape == tuple(expected.shape)
        np.testing.assert_allclose(found, np.asarray(expected), rtol=2e-5, atol=2e-5)


def scipy(name):
    return pytest.importorskip(f"scipy.{name}", reason="SciPy is not installed")


@pytest.fixture
def torch():
    return pytest.importorskip("torch", reason="PyTorch is not installed")


@pytest.mark.parametrize("shape", [(31,), (9, 14), (5, 6, 7)])
def test_filters_of_scipy(shape):
    ndimage, x = scipy("ndimage"), floats(shape)
    dims, window, pad = range(len(shape)), [3] * len(shape), [(1, 1)] * len(shape)
    far = {"mode": "constant", "cval": -np.inf}
    agree(ndimage.maximum_filter(x, 3, **far), lambda x: ml.MaxPoolOp(x, dims, window, (), pad), x)
    mean = ndimage.uniform_filter(x, 3, mode="constant")
    agree(mean, lambda x: ml.AvgPoolOp(x, dims, window, (), pad, count_include_pad=True), x)


@pytest.mark.parametrize("spatial", [1, 2, 3])
@pytest.mark.parametrize("mode", ["valid", "full"])
def test_convolutions_of_scipy(spatial, mode):
    signal = scipy("signal")
    sizes, reach = (7, 9, 8)[:spatial], (3, 2, 4)[:spatial]
    x, w = floats(sizes), floats(reach, 1)
    axes = [str(axis) for axis in range(spatial)]
    dims = ml.ConvDims(("b", "f", *axes), ("o", "i", *axes), ("b", "f", *axes))
    pads = tuple((n - 1, n - 1) for n in reach) if mode == "full" else ()
    for flip, compute in ((False, signal.correlate), (True, signal.convolve)):
        window = ml.Window(dims, pads=pads, reversal=(flip,) * spatial)
        expected = compute(x, w, mode)[None, None]
        agree(expected, lambda x, w: ml.ConvolutionOp(x, w, window), x[None, None], w[None, None])  # noqa: B023


POOLS = [
    (1, (2, 3, 17), ([3], [2], [1], [1])),
    (2, (2, 3, 12, 15), ([3, 2], [2, 1], [1, 1], [1, 1])),
    (2, (1, 2, 11, 9), ([2, 3], [1, 2], [0, 1], [2, 1])),
    (3, (1, 2, 6, 7, 8), ([2, 3, 2], [2, 2, 1], [1, 1, 0], [1, 1, 1])),
]


@pytest.mark.parametrize(("spatial", "shape", "options"), POOLS)
def test_pools_of_torch(torch, spatial, shape, options):
    x, (window, stride, pad, dilate) = floats(shape), options
    dims, pads = range(2, 2 + spatial), [(n, n) for n in pad]
    f = torch.nn.functional
    found = getattr(f, f"max_pool{spatial}d")(torch.from_numpy(x), window, stride, pad, dilate)
    agree(found, lambda x: ml.MaxPoolOp(x, dims, window, stride, pads, dilate), x)
    for counted in (False, True):
        mean = getattr(f, f"avg_pool{spatial}d")(torch.from_numpy(x), window, stride, pad, False, counted)
        agree(mean, lambda x: ml.AvgPoolOp(x, dims, window, stride, pads, count_include_pad=counted), x)  # noqa: B023


def test_the_gradient_of_a_pool_of_torch(torch):
    x = torch.from_numpy(np.round(floats((1, 2, 9, 8)) * 2)).requires_grad_()
    y = torch.nn.functional.max_pool2d(x, 3, 2, 1)
    g = torch.from_numpy(floats(tuple(y.shape), 1))
    y.backward(g)
    sliding = ml.Sliding((1, 1, 3, 3), (1, 1, 2, 2), (), (), ((0, 0), (0, 0), (1, 1), (1, 1)))
    agree(
        x.grad,
        lambda x, g, z: ml.SelectAndScatterOp.of("GE", "add", x, g, z, sliding),
        x.detach().numpy(),
        g.numpy(),
        np.zeros((), np.float32),
    )


RESIZES = [
    ({"mode": "nearest"}, ("nearest", "asymmetric", "floor")),
    ({"mode": "nearest-exact"}, ("nearest", "half_pixel", "round_prefer_ceil")),
    ({"mode": "bilinear", "align_corners": False}, ("linear", "half_pixel")),
    ({"mode": "bilinear", "align_corners": True}, ("linear", "align_corners")),
]


@pytest.mark.parametrize(("theirs", "ours"), RESIZES)
@pytest.mark.parametrize("size", [(10, 14), (3, 4), (5, 7), (1, 1), (16, 2)])
def test_resizing_of_torch(torch, theirs, ours, size):
    x = floats((1, 2, 5, 7))
    expected = torch.nn.functional.interpolate(torch.from_numpy(x), size, **theirs)
    agree(expected, lambda x: ml.ResizeOp(x, TensorType(f32, [1, 2, *size]), [2, 3], *ours), x)


def test_running_reductions_of_torch(torch):
    x = floats((4, 5, 6))
    for axis in range(3):
        y = torch.from_numpy(x)
        agree(torch.cumsum(y, axis), lambda x: ml.CumsumOp(x, axis), x)  # noqa: B023
        agree(torch.cumprod(y, axis), lambda x: ml.CumprodOp(x, axis), x)  # noqa: B023
        agree(torch.cummax(y, axis).values, lambda x: ml.CummaxOp(x, axis), x)  # noqa: B023
        agree(torch.cummin(y, axis).values, lambda x: ml.CumminOp(x, axis), x)  # noqa: B023


CONVOLUTIONS = [
    (1, (2, 4, 13), (6, 2, 3), {"stride": 2, "padding": 1, "groups": 2}),
    (2, (1, 3, 9, 8), (4, 3, 3, 2), {"stride": (1, 2), "padding": (2, 1), "dilation": (2, 1)}),
    (2, (1, 6, 7, 7), (6, 1, 3, 3), {"padding": 1, "groups": 6}),
    (3, (1, 2, 5, 6, 4), (3, 2, 2, 3, 2), {"padding": 1}),
]


def each(option, spatial):
    return (option,) * spatial if isinstance(option, int) else option


@pytest.mark.parametrize(("spatial", "left", "right", "options"), CONVOLUTIONS)
def test_convolutions_of_torch(torch, spatial, left, right, options):
    x, w = floats(left), floats(right, 1)
    axes = [str(axis) for axis in range(spatial)]
    window = ml.Window(
        ml.ConvDims(("b", "f", *axes), ("o", "i", *axes), ("b", "f", *axes)),
        each(options.get("stride", 1), spatial),
        tuple((n, n) for n in each(options.get("padding", 0), spatial)),
        rhs_dilation=each(options.get("dilation", 1), spatial),
        feature_groups=options.get("groups", 1),
    )
    expected = getattr(torch.nn.functional, f"conv{spatial}d")(torch.from_numpy(x), torch.from_numpy(w), **options)
    agree(expected, lambda x, w: ml.ConvolutionOp(x, w, window), x, w)


TRANSPOSED = [
    (1, (2, 3, 7), (3, 4, 3), {"stride": 2, "padding": 1, "output_padding": 1}),
    (2, (1, 3, 5, 4), (3, 2, 3, 2), {"stride": (2, 3), "padding": (1, 0), "dilation": (2, 1)}),
    (3, (1, 2, 3, 4, 3), (2, 3, 2, 2, 3), {"stride": 2}),
]


@pytest.mark.parametrize(("spatial", "left", "right", "options"), TRANSPOSED)
def test_transposed_convolutions_of_torch(torch, spatial, left, right, options):
    x, w = floats(left), floats(right, 1)
    f = torch.nn.functional
    expected = getattr(f, f"conv_transpose{spatial}d")(torch.from_numpy(x), torch.from_numpy(w), **options)
    window = transposed(
        each(options.get("stride", 1), spatial),
        each(options.get("padding", 0), spatial),
        each(options.get("output_padding", 0), spatial),
        each(options.get("dilation", 1), spatial),
        right[2:],
    )
    agree(expected, lambda x, w: ml.ConvolutionOp(x, w, window), x, w)


def transposed(stride, padding, more, dilation, reach):
    """The window of a transposed convolution, as the documentation of ml.convolution says it."""
    axes = [str(axis) for axis in range(len(reach))]
    around = [(n - 1) * step - p for n, step, p in zip(reach, dilation, padding, strict=True)]
    return ml.Window(
        ml.ConvDims(("b", "f", *axes), ("i", "o", *axes), ("b", "f", *axes)),
        pads=tuple((n, n + extra) for n, extra in zip(around, more, strict=True)),
        lhs_dilation=stride,
        rhs_dilation=dilation,
        reversal=(True,) * len(reach),
    )
