"""Gradients as JAX has them, ties and kinks included."""

import numpy as np
import pytest

import weft

pytestmark = pytest.mark.long

TIES = np.array([[0.0, 1, 1, -2], [2, 2, 2, 2], [-1, 0, 3, -3]])

ONE = {
    "relu": ("ml.relu %x : {t}", lambda jax, x: jax.nn.relu(x)),
    "abs": ("ml.abs %x : {t}", lambda jax, x: jax.numpy.abs(x)),
    "sign": ("ml.sign %x : {t}", lambda jax, x: jax.numpy.sign(x)),
    "max with 0": ("ml.max %x, %z : {t}", lambda jax, x: jax.lax.max(x, jax.numpy.zeros_like(x))),
    "min with 0": ("ml.min %z, %x : {t}", lambda jax, x: jax.lax.min(jax.numpy.zeros_like(x), x)),
    "clamp": ("ml.clamp %0, %x, %2 : tensor<f32>, {t}, tensor<f32>", lambda jax, x: jax.lax.clamp(0.0, x, 2.0)),
    "pow": ("ml.pow %x, %z : {t}", lambda jax, x: jax.lax.pow(x, jax.numpy.zeros_like(x))),
    "gelu": ("ml.gelu %x : {t}", lambda jax, x: jax.nn.gelu(x, approximate=False)),
    "silu": ("ml.silu %x : {t}", lambda jax, x: jax.nn.silu(x)),
    "softplus": ("ml.softplus %x : {t}", lambda jax, x: jax.nn.softplus(x)),
    "softmax": ("ml.softmax %x : {t}", lambda jax, x: jax.nn.softmax(x, axis=-1)),
    "log_softmax": ("ml.log_softmax %x, axis = 0 : {t}", lambda jax, x: jax.nn.log_softmax(x, axis=0)),
    "tril": ("ml.tril %x : {t}", lambda jax, x: jax.numpy.tril(x)),
    "cumsum": ("ml.cumsum %x : {t}", lambda jax, x: jax.numpy.cumsum(x, axis=-1)),
    "cumprod": ("ml.cumprod %x : {t}", lambda jax, x: jax.numpy.cumprod(x, axis=-1)),
    "sort": ("ml.sort(%x) : ({t}) -> {t} by ascending", lambda jax, x: jax.numpy.sort(x, axis=-1, stable=True)),
}

OTHERWISE = {"abs", "pow", "cumprod"}
"""At 0, JAX has 1 for abs and NaN for 0 to the power of 0, where weft has 0; and it divides by 0 in products."""

REDUCED = {
    "max": lambda jax, x: jax.numpy.max(x, axis=1),
    "min": lambda jax, x: jax.numpy.min(x, axis=1),
    "add": lambda jax, x: jax.numpy.sum(x, axis=1),
    "mul": lambda jax, x: jax.numpy.prod(x, axis=1),
}

POOLED = "window = [2, 2], stride = [1, 2], pad = [[0, 1], [0, 0]] : tensor<3x4xf32> to tensor<3x2xf32>"


@pytest.fixture(scope="module")
def jax():
    return pytest.importorskip("jax", reason="JAX is not installed")


def same(jax, op, result, function, x):
    """The gradient of the weighted sum of an op's results is that of JAX."""
    text = f"""
      func.func @main(%x: tensor<3x4xf32>, %g: {result}) -> tensor<f32> {{
        %0 = ml.constant dense<0.0> : tensor<f32>
        %2 = ml.constant dense<2.0> : tensor<f32>
        %z = ml.constant dense<0.0> : tensor<3x4xf32>
        %y = {op}
        %w = ml.mul %y, %g : {result}
        %s = ml.reduce add %w : {result} to tensor<f32>
        func.return %s : tensor<f32>
      }}"""
    x = x.astype(np.float32)
    shape = [int(n) for n in result[7:-1].split("x")[:-1]]
    g = np.random.default_rng(2).normal(size=shape).astype(np.float32)
    expected = jax.grad(lambda x: (function(jax, x) * g).sum())(x)
    _, found = weft.value_and_grad(text, wrt=[0])(x, g)
    np.testing.assert_allclose(found, np.asarray(expected), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", ONE)
def test_an_op(jax, name):
    op, function = ONE[name]
    same(jax, op.format(t="tensor<3x4xf32>"), "tensor<3x4xf32>", function, TIES + 0.25 * (name in OTHERWISE))


@pytest.mark.parametrize("kind", REDUCED)
def test_a_reduction(jax, kind):
    op = f"ml.reduce {kind} %x, dims = [1] : tensor<3x4xf32> to tensor<3xf32>"
    same(jax, op, "tensor<3xf32>", REDUCED[kind], TIES)


@pytest.mark.parametrize("kind", ["max", "min", "add"])
def test_a_window(jax, kind):
    def function(jax, x):
        init = {"max": -np.inf, "min": np.inf, "add": 0.0}[kind]
        combine = {"max": jax.lax.max, "min": jax.lax.min, "add": jax.lax.add}[kind]
        return jax.lax.reduce_window(x, init, combine, (2, 2), (1, 2), ((0, 1), (0, 0)))

    same(jax, f"ml.reduce_window {kind} %x, {POOLED}", "tensor<3x2xf32>", function, TIES)


def test_a_network_with_a_loop(jax):
    text = """
      func.func @main(%x: tensor<5x4xf32>, %w: tensor<4x4xf32>, %b: tensor<4xf32>, %labels: tensor<5xi32>)
          -> tensor<f32> {
        %c0 = arith.constant 0 : index
        %c1 = arith.constant 1 : index
        %c6 = arith.constant 6 : index
        %bias = ml.broadcast_in_dim %b, dims = [1] : tensor<4xf32> to tensor<5x4xf32>
        %h = scf.for %i = %c0 to %c6 step %c1 iter_args(%s = %x) -> (tensor<5x4xf32>) {
          %0 = ml.matmul %s, %w : (tensor<5x4xf32>, tensor<4x4xf32>) -> tensor<5x4xf32>
          %1 = ml.add %0, %bias : tensor<5x4xf32>
          %2 = ml.layer_norm %1 : tensor<5x4xf32>
          %3 = ml.tanh %2 : tensor<5x4xf32>
          scf.yield %3 : tensor<5x4xf32>
        }
        %l = ml.cross_entropy %h, %labels, reduction = mean : (tensor<5x4xf32>, tensor<5xi32>) -> tensor<f32>
        func.return %l : tensor<f32>
      }"""
    rng = np.random.default_rng(5)
    x, w, b = (rng.normal(size=shape).astype(np.float32) for shape in ((5, 4), (4, 4), (4,)))
    labels = np.array([0, 3, 1, 1, 2], np.int32)
    jnp = jax.numpy

    def loss(x, w, b):
        for _ in range(6):
            x = x @ w + b
            x = (x - x.mean(-1, keepdims=True)) / jnp.sqrt(x.var(-1, keepdims=True) + 1e-5)
            x = jnp.tanh(x)
        return -jnp.take_along_axis(jax.nn.log_softmax(x), labels[:, None], 1).mean()

    value, grads = jax.value_and_grad(loss, (0, 1, 2))(x, w, b)
    found, *gradients = weft.value_and_grad(text)(x, w, b, labels)
    np.testing.assert_allclose(found, np.asarray(value), rtol=1e-5)
    for mine, other in zip(gradients, grads, strict=True):
        np.testing.assert_allclose(mine, np.asarray(other), rtol=2e-4, atol=2e-5)
