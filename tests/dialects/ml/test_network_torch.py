"""The meanings of norms, losses, attention, quantization and convolutions against PyTorch's, in double precision."""

import math

import numpy as np
import pytest
from xdsl.dialects.builtin import f32, f64, i1, i8, i64

from tests.dialects.ml.support import value
from weft.dialects import ml

pytestmark = pytest.mark.long

torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install torch", exc_type=ImportError)
F = torch.nn.functional

CLOSE = {"rtol": 1e-9, "atol": 1e-9}


def numbers(*shape, seed=0):
    return np.random.default_rng((seed, *shape)).standard_normal(shape)


def tensors(*arrays):
    return [torch.from_numpy(np.asarray(x)) for x in arrays]


def values(*arrays):
    elements = {"f": f64, "b": i1, "i": i64}
    return [value(elements[x.dtype.kind], *x.shape) for x in map(np.asarray, arrays)]


def agree(op, expected, *arrays):
    op.verify_()
    np.testing.assert_allclose(op.evaluate(*map(np.asarray, arrays))[0], expected.numpy(), **CLOSE)


@pytest.mark.parametrize("shape", [(3, 5), (2, 3, 7), (1, 1), (0, 4), (2, 2, 2, 3)])
@pytest.mark.parametrize("count", [1, 2])
def test_layer_norm_and_rms_norm(shape, count):
    axes, kept = range(len(shape) - count, len(shape)), shape[-count:]
    x, scale, bias = numbers(*shape), numbers(*kept, seed=1), numbers(*kept, seed=2)
    a, b, c = tensors(x, scale, bias)
    layer = ml.LayerNormOp(*values(x, scale, bias), axes=list(axes), epsilon=1e-3)
    agree(layer, F.layer_norm(a, kept, b, c, 1e-3), x, scale, bias)
    rms = ml.RmsNormOp(*values(x, scale), axes=list(axes), epsilon=1e-3)
    agree(rms, F.rms_norm(a, kept, b, 1e-3), x, scale)


@pytest.mark.parametrize(("shape", "groups"), [((2, 6, 5), 3), ((2, 4, 3, 2), 1), ((3, 4, 2), 4), ((1, 6, 2, 2, 2), 2)])
def test_group_norm_and_batch_norm(shape, groups):
    features = shape[1]
    x, scale, bias, mean = numbers(*shape), *(numbers(features, seed=n) for n in (1, 2, 3))
    variance = numbers(features, seed=4) ** 2
    a, b, c, d, e = tensors(x, scale, bias, mean, variance)
    group = ml.GroupNormOp(value(f64, *shape), groups, *values(scale, bias))
    agree(group, F.group_norm(a, groups, b, c), x, scale, bias)
    batch = ml.BatchNormInferenceOp(*values(x, scale, bias, mean, variance))
    agree(batch, F.batch_norm(a, d, e, b, c), x, scale, bias, mean, variance)


@pytest.mark.parametrize("shape", [(4, 7), (2, 5, 3), (2, 3, 2, 2), (1, 1)])
@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
def test_losses(shape, reduction):
    x = 3 * numbers(*shape)
    labels = np.random.default_rng(0).integers(0, shape[1], (shape[0], *shape[2:]))
    labels.reshape(-1)[-1:] = -100 if labels.size > 1 else 0
    shares = np.abs(numbers(*shape, seed=1))
    shares /= shares.sum(1, keepdims=True)
    a, b, c = tensors(x, labels, shares)
    agree(ml.LogSoftmaxOp(*values(x), 1), F.log_softmax(a, 1), x)
    by_index = ml.CrossEntropyOp(*values(x, labels), axis=1, reduction=reduction)
    agree(by_index, F.cross_entropy(a, b, reduction=reduction), x, labels)
    by_share = ml.CrossEntropyOp(*values(x, shares), axis=1, reduction="sum")
    agree(by_share, F.cross_entropy(a, c, reduction="sum"), x, shares)


@pytest.mark.parametrize("heads", [(3, 3), (6, 2), (4, 1)])
@pytest.mark.parametrize("scale", [None, 0.3])
@pytest.mark.parametrize("kind", ["plain", "causal", "truth", "numbers", "keys"])
def test_attention(heads, scale, kind):
    (own, other), (rows, keys) = heads, (5, 7)
    q, k, v = numbers(2, own, rows, 4), numbers(2, other, keys, 4, seed=1), numbers(2, other, keys, 3, seed=2)
    mask = {
        "truth": numbers(2, own, rows, keys, seed=3) > 0.5,
        "numbers": numbers(rows, keys, seed=3),
        "keys": numbers(2, 1, 1, keys, seed=3) > 0,
    }.get(kind)
    if kind == "truth":
        mask[0, 0, 1] = False
    given = [] if mask is None else [mask]
    op = ml.AttentionOp(*values(q, k, v, *given), causal=kind == "causal", scale=scale)
    a, b, c, *rest = tensors(q, k, v, *given)
    options = {"is_causal": kind == "causal", "scale": scale, "enable_gqa": own != other}
    with torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH):
        expected = F.scaled_dot_product_attention(a, b, c, rest[0] if rest else None, **options)
    agree(op, expected, q, k, v, *given)


def test_quantization():
    x = (numbers(3, 8) * 20).astype(np.float32)
    scale, zero = (np.abs(numbers(8, seed=1)) + 0.1).astype(np.float32), np.arange(-4, 4).astype(np.int8)
    a, b, c = tensors(x, scale, zero.astype(np.int32))
    expected = torch.fake_quantize_per_channel_affine(a, b, c, 1, -128, 127).numpy()
    parameters = value(f32, 8), value(i8, 8)
    put = ml.QuantizeOp(value(f32, 3, 8), *parameters, element=i8, axis=1)
    back = ml.DequantizeOp(value(i8, 3, 8), *parameters, element=f32, axis=1)
    found = back.evaluate(put.evaluate(x, scale, zero)[0], scale, zero)[0]
    # torch multiplies by the rounded inverse of the scale, so that a half may go the other way
    steps = np.abs(found - expected) / scale
    assert steps.max() <= 1.001
    assert (steps < 0.001).mean() > 0.9


@pytest.mark.parametrize("spatial", [1, 2, 3])
def test_convolutions_with_a_bias(spatial):
    axes = tuple(map(str, range(spatial)))
    dims = ml.ConvDims(("b", "f", *axes), ("o", "i", *axes), ("b", "f", *axes))
    x, w, b = numbers(2, 4, *(5, 6, 4)[:spatial]), numbers(6, 2, *(3, 2, 2)[:spatial], seed=1), numbers(6, seed=2)
    window = ml.Window(dims, (2,) * spatial, ((1, 1),) * spatial, (), (1,) * spatial, feature_groups=2)
    op = ml.ConvolutionBiasOp(*values(x, w, b), window)
    convolve = (F.conv1d, F.conv2d, F.conv3d)[spatial - 1]
    agree(op, convolve(*tensors(x, w, b), stride=2, padding=1, groups=2), x, w, b)


def test_a_query_that_sees_nothing_gives_0_as_in_pytorch():
    q, k, v = numbers(1, 1, 2, 3), numbers(1, 1, 4, 3, seed=1), numbers(1, 1, 4, 2, seed=2)
    mask = np.zeros((2, 4), bool)
    (found,) = ml.AttentionOp(*values(q, k, v, mask)).evaluate(q, k, v, mask)
    assert not found.any() and not math.isnan(found.sum())
    with torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH):
        np.testing.assert_array_equal(F.scaled_dot_product_attention(*tensors(q, k, v, mask)).numpy(), found)
