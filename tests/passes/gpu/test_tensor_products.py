"""Products of halves by tensor cores: what they are scheduled to, that any shape is right, and that nothing races."""

import numpy as np
import pytest

import weft
from weft.backends.cuda.ptx import to_ptx
from weft.dialects import gpu
from weft.driver.passes import run_pipeline
from weft.passes.gpu.plans import products, tensors
from weft.passes.gpu.plans.tensors import Sizes
from weft.passes.pipelines import CUDA, GPU_STOPS

SMALL = (Sizes((1, 2), (1, 1), 1, 1.0),)
"""A tile of 16 x 32, 16 deep, so that small shapes have several."""


def program(m, k, n, element="f16", left="mk", right="kn", batch=(), layer=False):
    size = {"m": m, "k": k, "n": n}

    def type_(dims):
        return f"tensor<{'x'.join(str(size.get(d, d)) for d in (*batch, *dims))}x{element}>"

    first = len(batch)
    over = f"[{first + left.index('k')}] x [{first + right.index('k')}]"
    both = f"batch = [{', '.join(map(str, range(first)))}] x [{', '.join(map(str, range(first)))}], " if batch else ""
    lines = [f"%0 = ml.dot_general %x, %w, {both}contract = {over} : ({type_(left)}, {type_(right)}) -> {type_('mn')}"]
    if layer:
        lines += [
            f"%c = ml.broadcast_in_dim %b, dims = [{first + 1}] : {type_('n')[:7]}{n}x{element}> to {type_('mn')}",
            f"%1 = ml.add %0, %c : {type_('mn')}",
            f"%2 = ml.relu %1 : {type_('mn')}",
        ]
    bias = f", %b: tensor<{n}x{element}>" if layer else ""
    return f"""func.func @main(%x: {type_(left)}, %w: {type_(right)}{bias}) -> {type_("mn")} {{
      {" ".join(lines)}
      func.return %{2 if layer else 0} : {type_("mn")}
    }}"""


def halves(rng, *shape, dtype=np.float16):
    return rng.integers(-8, 9, shape).astype(np.float32).astype(dtype)


def at_stop(text, chip, stop):
    module = weft.parse(f'builtin.module attributes {{weft.target = #target.cuda<chip = "{chip}">}} {{ {text} }}')
    names = CUDA.removeprefix("builtin.module(").removesuffix(")").split(",")
    last = next(passes for name, passes in GPU_STOPS if name == stop)[-1]
    run_pipeline(module, f"builtin.module({','.join(names[: names.index(last) + 1])})", verify_each=False)
    module.verify()
    return module


def test_a_large_product_has_tensors_pipelines_and_swizzled_tiles():
    text = str(at_stop(program(512, 512, 512), "sm_80", "scheduled"))
    assert "tensorize ih" in text and "pipeline kb" in text and "swizzle 8" in text
    assert "tensorize" not in str(at_stop(program(512, 512, 512, "f32"), "sm_80", "scheduled"))
    assert "tensorize" not in str(at_stop(program(512, 512, 512), "sm_75", "scheduled"))


@pytest.mark.parametrize("layout", [("mk", "kn"), ("km", "nk")])
def test_operands_are_loaded_as_they_lie(layout):
    text = str(at_stop(program(256, 128, 256, left=layout[0], right=layout[1]), "sm_80", "gpu"))
    assert text.count("loop.ldmatrix transpose") == 1
    assert text.count("loop.ldmatrix") == 2 and text.count("loop.mma") == 1
    assert text.count("async") > 2


def test_copies_take_16_bytes_where_rows_allow_it(monkeypatch):
    monkeypatch.setattr(tensors, "SIZES", (tensors.Sizes((2, 2), (2, 2), 4, 1.0),))
    module = at_stop(program(128, 128, 128), "sm_80", "nvvm")
    ptx = to_ptx(next(op for op in module.walk() if isinstance(op, gpu.ModuleOp)))
    assert "cp.async.cg.shared.global" in ptx and "cp.async.ca" not in ptx
    assert ptx.count("ldmatrix.sync.aligned.m8n8.x4") == ptx.count("mma.sync.aligned.m16n8k16") // 4 * 2
    narrow = at_stop(program(128, 132, 132), "sm_80", "nvvm")
    assert "cp.async.ca" in to_ptx(next(op for op in narrow.walk() if isinstance(op, gpu.ModuleOp)))


CASES = [
    {"m": 33, "k": 24, "n": 40},
    {"m": 16, "k": 17, "n": 31, "left": "km", "layer": True},
    {"m": 48, "k": 72, "n": 64, "right": "nk", "batch": (2,)},
]


@pytest.mark.parametrize("case", CASES)
def test_products_are_right_and_do_not_race(case, monkeypatch):
    check(case, np.float16, monkeypatch)


@pytest.mark.parametrize(("m", "n", "k"), [(13, 65, 200), (70, 9, 64)])
def test_few_rows_or_columns_have_tensors_too(m, n, k):
    """From 8 on, in tiles of 16; fewer, and floats that no tensor core takes, do not."""
    rng = np.random.default_rng(4)
    x, w = halves(rng, m, k), halves(rng, k, n)
    run = weft.compile(program(m, k, n), target="gpu-sim:sm_80,check")
    np.testing.assert_array_equal(run(x, w), (x.astype(np.float32) @ w.astype(np.float32)).astype(np.float16))
    assert "tensorize" in str(at_stop(program(m, k, n), "sm_80", "scheduled"))
    assert "tensorize" not in str(at_stop(program(m, k, n, "f32"), "sm_80", "scheduled"))
    assert "tensorize" not in str(at_stop(program(m, k, n), "sm_75", "scheduled"))
    assert "tensorize" not in str(at_stop(program(7, k, n), "sm_80", "scheduled"))


@pytest.mark.long
@pytest.mark.parametrize(
    "case",
    [
        {"m": 1, "k": 1, "n": 1},
        {"m": 17, "k": 130, "n": 66, "left": "km", "right": "nk", "layer": True},
        {"m": 40, "k": 48, "n": 24, "element": "bf16", "layer": True},
        {"m": 31, "k": 33, "n": 35, "element": "bf16", "batch": (3, 2)},
        {"m": 64, "k": 16, "n": 64, "right": "nk"},
    ],
)
def test_more_products_are_right(case, monkeypatch):
    check(case, np.float16 if case.get("element") != "bf16" else pytest.importorskip("ml_dtypes").bfloat16, monkeypatch)


def check(case, dtype, monkeypatch):
    """Small whole numbers, so that sums are exact."""
    monkeypatch.setattr(tensors, "SIZES", SMALL)
    monkeypatch.setattr("weft.passes.gpu.plans.products.LEAST", 1)
    rng = np.random.default_rng(3)
    batch, size = case.get("batch", ()), {name: case[name] for name in "mkn"}
    left, right = case.get("left", "mk"), case.get("right", "kn")
    x, w = (halves(rng, *batch, *(size[d] for d in dims), dtype=dtype) for dims in (left, right))
    bias = [halves(rng, size["n"], dtype=dtype)] if case.get("layer") else []
    run = weft.compile(program(**case), target="gpu-sim:sm_80,check")
    a, b = (np.asarray(v, np.float32) for v in (x, w))
    want = (a if left == "mk" else a.swapaxes(-1, -2)) @ (b if right == "kn" else b.swapaxes(-1, -2))
    want = want.astype(dtype)
    if bias:
        want = np.maximum((want + bias[0]).astype(dtype), 0)
    np.testing.assert_array_equal(np.asarray(run(x, w, *bias), np.float32), want.astype(np.float32))


@pytest.mark.parametrize(
    "case",
    [
        {"m": 33, "k": 38, "n": 72},
        {"m": 65, "k": 33, "n": 31, "left": "km", "right": "nk"},
        {"m": 40, "k": 16, "n": 7},  # fewer columns than threads: of these each fills a part, or none
        {"m": 20, "k": 18, "n": 8, "right": "nk"},  # more threads fill tiles than compute: all meet at barriers
        {"m": 24, "k": 8, "n": 40, "element": "f64"},  # vectors of 32 bytes
    ],
)
def test_products_of_other_floats_are_right_and_do_not_race(case, monkeypatch):
    monkeypatch.setattr(products, "SIZES", (products.Sizes((1, 2), (4, 4), 1.0),))
    element = case.get("element", "f32")
    check({**case, "element": element}, {"f32": np.float32, "f64": np.float64}[element], monkeypatch)


@pytest.mark.parametrize(("element", "result", "how"), [("f32", "f32", ", precision = tf32"), ("i8", "i32", "")])
def test_bytes_and_floats_of_tf32_are_multiplied_where_the_depth_lies_side_by_side(element, result, how, monkeypatch):
    monkeypatch.setattr(tensors, "SIZES", SMALL)
    monkeypatch.setattr("weft.passes.gpu.plans.products.LEAST", 1)
    text = program(21, 40, 19, element, right="nk").replace(" : (", f"{how} : (", 1)
    text = text.replace(f"tensor<21x19x{element}>", f"tensor<21x19x{result}>")
    at_gpu = str(at_stop(text, "sm_80", "gpu"))
    assert "loop.mma" in at_gpu and "transpose" not in at_gpu
    assert "loop.mma" not in str(at_stop(text, "sm_75", "gpu"))
    rng = np.random.default_rng(5)
    dtype = {"f32": np.float32, "i8": np.int8}[element]
    x, w = (rng.integers(-8, 9, shape).astype(dtype) for shape in ((21, 40), (19, 40)))
    found = weft.compile(text, target="gpu-sim:sm_80,check")(x, w)
    np.testing.assert_array_equal(found, x.astype(np.int32) @ w.T.astype(np.int32))


def test_sizes_may_be_known_to_the_run_only(monkeypatch):
    monkeypatch.setattr(tensors, "SIZES", SMALL)
    run = weft.compile(program("?", "?", "?"), target="gpu-sim:sm_80,check")
    rng = np.random.default_rng(4)
    for m, k, n in ((1, 1, 1), (16, 16, 32), (35, 18, 33), (0, 2, 3), (2, 0, 3)):
        x, w = halves(rng, m, k), halves(rng, k, n)
        np.testing.assert_array_equal(run(x, w), (x.astype(np.float32) @ w.astype(np.float32)).astype(np.float16))
