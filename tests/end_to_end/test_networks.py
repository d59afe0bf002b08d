"""The ops of networks mean the same in smaller ops and as machine code: every float type, and shapes that hurt."""

import numpy as np
import pytest

import weft
from tests.networks import CASES
from tests.passes.graph.harness import module_of, ops_of, run_passes
from tests.passes.loops.kernels import compare, tensors, type_of
from weft.backends.reference import run
from weft.dialects.ml.dtypes import BF16
from weft.passes.graph.decompositions import DECOMPOSITIONS

DTYPES = [np.dtype(np.float16), BF16, np.dtype(np.float32), np.dtype(np.float64)]
NAMED = {kind.name for kind in DECOMPOSITIONS}


def case_module(case, arrays, dynamic):
    types = [type_of(x, range(x.ndim) if dynamic and i not in case.fixed else ()) for i, x in enumerate(arrays)]
    return tensors(types, case.make)


def check(case, dtype, dynamic, compiled):
    arrays = case.arrays(dtype)
    module = case_module(case, arrays, dynamic)
    expected = run(module, "main", arrays)
    smaller = module.clone()
    run_passes(smaller, "decompose")
    assert not NAMED & set(ops_of(smaller))
    found = (weft.compile(module, threads=1)(*arrays),) if compiled else run(smaller, "main", arrays)
    for a, b in zip(found, expected, strict=True):
        a, b = np.asarray(a), np.asarray(b)
        assert (a.dtype, a.shape) == (b.dtype, b.shape)
        compare(a, b, 1e-5 if dtype == np.float32 else None)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_smaller_ops_mean_the_same_however_sizes_are_known(case):
    for dynamic in (False, True):
        check(case, np.dtype(np.float32), dynamic, compiled=False)


REPRESENTATIVES = [
    "convolution of rows",
    "layer_norm axes turned",
    "rms_norm scale",
    "group_norm last",
    "batch_norm last",
    "log_softmax holes",
    "cross_entropy mean",
    "cross_entropy shares",
    "attention grouped mask",
    "attention mask of rank 2",
    "quantize axis",
    "dequantize i32",
]


@pytest.mark.parametrize("case", [c for c in CASES if c.name in REPRESENTATIVES], ids=lambda case: case.name)
def test_machine_code_means_the_same(case):
    check(case, np.dtype(np.float32), True, compiled=True)
    for dtype in DTYPES:
        check(case, dtype, True, compiled=False)


@pytest.mark.long
@pytest.mark.parametrize("dynamic", [False, True], ids=["known", "unknown"])
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_machine_code_and_smaller_ops_mean_the_same_for_every_type(case, dtype, dynamic):
    for compiled in (False, True):
        check(case, dtype, dynamic, compiled)


def test_a_class_that_cannot_be_has_a_gradient():
    text = """
      func.func @main(%x: tensor<2x3xf64>, %p: tensor<2x3xf64>) -> tensor<f64> {
        %y = ml.cross_entropy %x, %p, reduction = sum : (tensor<2x3xf64>, tensor<2x3xf64>) -> tensor<f64>
        func.return %y : tensor<f64>
      }"""
    module = module_of(text)
    run_passes(module, "differentiate", function="main")
    logits = np.array([[-np.inf, 1.0, 2.0], [0.0, 1.0, -np.inf]])
    labels = np.array([[0.0, 0.25, 0.75], [1.0, 0.0, 0.0]])
    _, by_logits, by_labels = run(module, "main.grad", [logits, labels])
    powers = np.exp(logits)
    np.testing.assert_allclose(by_logits, powers / powers.sum(1, keepdims=True) - labels, atol=1e-12)
    assert np.isfinite(by_labels).all()


@pytest.mark.parametrize(
    ("types", "op", "sizes", "message"),
    [
        (
            ("?x3xf32", "?x3xf32", "?x?xi1"),
            "ml.attention %x0, %x1, %x1 mask(%x2 : tensor<?x?xi1>)"
            " : (tensor<?x3xf32>, tensor<?x3xf32>, tensor<?x3xf32>) -> tensor<?x3xf32>",
            [(3, 3), (2, 3), (3, 2), (1, 2)],
            "the mask must have the sizes of the scores",
        ),
        (
            ("?x?x3xf32",),
            "ml.group_norm %x0, groups = 2 : tensor<?x?x3xf32>",
            [(2, 4, 3), (2, 3, 3)],
            "the features must make 2 groups of one size",
        ),
    ],
    ids=["attention", "group_norm"],
)
def test_machine_code_checks_sizes_that_only_the_run_knows(types, op, sizes, message):
    given = ", ".join(f"%x{n}: tensor<{type_}>" for n, type_ in enumerate(types))
    result = op.rsplit(" ", 1)[1]
    compiled = weft.compile(f"func.func @main({given}) -> {result} {{\n%r = {op}\nfunc.return %r : {result}\n}}\n")
    *fitting, wrong = sizes
    for shapes, fits in ((fitting, True), ([*fitting[:-1], wrong], False)):
        arrays = [np.zeros(n, spec.numpy_dtype) for n, spec in zip(shapes, compiled.signature.arguments, strict=True)]
        if fits:
            compiled(*arrays)
        else:
            with pytest.raises(weft.WeftError, match=rf"<string>:2.*{message}"):
                compiled(*arrays)
