"""What `choose-gpu-schedule` gives the nests of programs, and that the loops mean the same under it."""

import random

import numpy as np
import pytest

import weft
from tests.programs import random_program
from weft.backends.reference import run
from weft.dialects.loop import ForOp, ScheduleAttr
from weft.driver.passes import run_pipeline
from weft.passes.gpu.plans.products import Sizes
from weft.passes.pipelines import BUFFERS, GPU, GPU_SCHEDULED, KERNELS, TENSORS

SOFTMAX = """func.func @main(%x: tensor<{0}x{1}xf32>) -> tensor<{0}x{1}xf32> {{
  %s = ml.softmax %x, axis = 1 : tensor<{0}x{1}xf32>
  func.return %s : tensor<{0}x{1}xf32>
}}"""
ADD = """func.func @main(%x: tensor<{0}xf32>) -> tensor<{0}xf32> {{
  %s = ml.add %x, %x : tensor<{0}xf32>
  func.return %s : tensor<{0}xf32>
}}"""
SUM = """func.func @main(%x: tensor<{0}xf32>) -> tensor<f32> {{
  %s = ml.reduce add %x, dims = [0] : tensor<{0}xf32> to tensor<f32>
  func.return %s : tensor<f32>
}}"""


def scheduled(text, *passes):
    module = weft.parse(text)
    names = (*TENSORS, *KERNELS, *BUFFERS, "choose-gpu-schedule", "apply-schedule", *passes)
    run_pipeline(module, f"builtin.module({','.join(names)})", verify_each=True)
    return module


def steps(module):
    return [
        str(step)
        for op in module.walk()
        for attr in op.attributes.values()
        if isinstance(attr, ScheduleAttr)
        for step in attr.data
    ]


def holds(found, *wanted):
    return all(any(step.startswith(start) for step in found) for start in wanted)


def test_a_row_of_a_softmax_stays_in_the_registers_of_a_block():
    found = steps(scheduled(SOFTMAX.format(64, 8192)))
    assert holds(found, "map i to block", "map jmt to thread", "vectorize jmv 4")
    assert holds(found, "keep m at i", "keep x at i", "rfactor m_r")


def test_short_rows_share_a_block():
    found = steps(scheduled(SOFTMAX.format(100, 64)))
    assert holds(found, "tile i 16 into (ib, it)", "map ib to block", "map it to thread")


def test_a_long_sum_takes_two_stages():
    found = steps(scheduled(SUM.format(10_000_000)))
    assert holds(found, "partials arg1 over ib", "map ib to block", "rfactor arg1 ")


def test_elements_go_in_vectors_and_a_ragged_block_is_told_apart():
    found = steps(scheduled(ADD.format(10_000_001)))
    assert holds(found, "vectorize", "stage x", "partition", "map it to thread")
    assert steps(scheduled(ADD.format(7))) == ["tile i 4 into (io, iv)", "vectorize iv 4", "map io to grid 256"]


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        (SOFTMAX.format(5, 37), (5, 37)),
        (SOFTMAX.format(3, 300), (3, 300)),
        (SUM.format(20_001), (20_001,)),
        (ADD.format(9001), (9001,)),
    ],
)
def test_schedules_keep_what_loops_mean(text, shape, monkeypatch):
    monkeypatch.setattr("weft.passes.gpu.plans.total.PIECE", 1024)
    x = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    expected = run(weft.parse(text), "main", [x])[0]
    module = scheduled(text)
    out = np.zeros_like(expected)
    run(module, "main", [x, out])
    np.testing.assert_allclose(out, expected, rtol=2e-4, atol=1e-6)


MATMUL = """func.func @main(%x: tensor<{0}x{2}xf32>, %y: tensor<{2}x{1}xf32>) -> tensor<{0}x{1}xf32> {{
  %s = ml.matmul %x, %y : (tensor<{0}x{2}xf32>, tensor<{2}x{1}xf32>) -> tensor<{0}x{1}xf32>
  func.return %s : tensor<{0}x{1}xf32>
}}"""


def test_a_product_is_tiled_for_blocks_threads_and_registers():
    found = steps(scheduled(MATMUL.format(1000, 777, 333)))
    assert holds(found, "stage arg2 at jw", "stage_tile x at kb as x_s in shared swizzle 4", "pad kv", "pipeline kb 3")
    assert holds(found, "stage_tile y at kb as y_s in shared", "stage x_s at kq as x_s_r in reg (im, it, kv)")
    assert not holds(steps(scheduled(MATMUL.format(1000, 3, 333))), "stage_tile x at kb")


@pytest.mark.parametrize(("rows", "columns", "depth"), [(8, 16, 16), (9, 11, 10), (13, 18, 21)])
def test_tiles_of_a_product_keep_what_it_means(rows, columns, depth, monkeypatch):
    for name, value in {"SIZES": (Sizes((1, 1), (1, 4), 1.0),), "DEPTH": 8, "LEAST": 4}.items():
        monkeypatch.setattr(f"weft.passes.gpu.plans.products.{name}", value)
    rng = np.random.default_rng(0)
    x, y = (rng.standard_normal(shape).astype(np.float32) for shape in ((rows, depth), (depth, columns)))
    module = scheduled(MATMUL.format(rows, columns, depth))
    assert holds(steps(module), "stage_tile x at kb")
    out = np.zeros((rows, columns), np.float32)
    run(module, "main", [x, y, out])
    np.testing.assert_allclose(out, x @ y, rtol=1e-4, atol=1e-5)


def test_the_nests_of_a_norm_share_rows():
    text = """func.func @main(%x: tensor<64x8192xf32>) -> tensor<64x8192xf32> {
      %s = ml.layer_norm %x : tensor<64x8192xf32>
      func.return %s : tensor<64x8192xf32>
    }"""
    found = steps(scheduled(text))
    assert holds(found, "fuse (i, i1, i2)", "map i to block", "keep t at i", "keep t1 at i", "keep x at i")


def test_few_columns_are_cut_in_depth():
    text = """func.func @main(%x: tensor<4096x130xf32>) -> tensor<130xf32> {
      %s = ml.reduce add %x, dims = [0] : tensor<4096x130xf32> to tensor<130xf32>
      func.return %s : tensor<130xf32>
    }"""
    found = steps(scheduled(text))
    assert holds(found, "partials arg1 over ib", "map ib to grid", "map j to grid", "stage arg1_b at j")
    small = text.replace("4096", "140")
    module = scheduled(small)
    assert holds(steps(module), "partials arg1")
    x = np.random.default_rng(0).standard_normal((140, 130)).astype(np.float32)
    out = np.zeros(130, np.float32)
    run(module, "main", [x, out])
    np.testing.assert_allclose(out, x.sum(0), rtol=1e-4, atol=1e-5)


LENGTHS = """func.func @main(%x: tensor<4x43x3xf32>) -> tensor<4x43xf32> {
  %r = ml.reduce add %x, dims = [2] : tensor<4x43x3xf32> to tensor<4x43xf32>
  %s = ml.softmax %r, axis = 1 : tensor<4x43xf32>
  func.return %s : tensor<4x43xf32>
}"""
SHARED = """func.func @main(%x: tensor<5x18x{0}xf32>) -> tensor<5x{0}xf32> {{
  %s = ml.softmax %x, axis = 2 : tensor<5x18x{0}xf32>
  %r = ml.reduce add %s, dims = [1] : tensor<5x18x{0}xf32> to tensor<5x{0}xf32>
  func.return %r : tensor<5x{0}xf32>
}}"""


def along(shape, dims, result):
    return f"""func.func @main(%x: tensor<{shape}xf32>) -> tensor<{result}xf32> {{
      %r = ml.reduce add %x, dims = {dims} : tensor<{shape}xf32> to tensor<{result}xf32>
      func.return %r : tensor<{result}xf32>
    }}"""


def test_rows_are_fused_where_the_threads_of_a_block_can_share_them():
    found = steps(scheduled(SHARED.format(500)))
    assert holds(found, "map i to block", "rfactor m_r", "map i1 to grid 256", "map k1 to grid 256")
    assert not holds(found, "fuse (i, i1)")


def test_reductions_over_dimensions_apart_are_cut_until_all_threads_have_work():
    found = steps(scheduled(along("27x35x88x6", [0, 1, 3], "88")))
    assert holds(found, "partials arg1 over jb", "partials arg1_b over ib", "map k to grid 256")
    found = steps(scheduled(along("31x5x800", [0, 2], "5")))
    assert holds(found, "partials arg1 over ib", "map ib to block", "rfactor arg1_b")


def test_a_schedule_that_has_no_launch_is_not_chosen(monkeypatch):
    def refused(kernel):
        return not any(isinstance(op, ForOp) and op.kind() == "thread" for op in kernel.walk())

    monkeypatch.setattr("weft.passes.gpu.choose_gpu_schedule._has_launches", refused)
    found = steps(scheduled(SOFTMAX.format(64, 100)))
    assert holds(found, "map i to grid 256") and not any("to thread" in step for step in found)


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        (LENGTHS, (4, 43, 3)),
        (SHARED.format(33), (5, 18, 33)),
        (along("7x21x9x6", [0, 1, 3], "9"), (7, 21, 9, 6)),
        (along("9x5x1000", [0, 2], "5"), (9, 5, 1000)),
        (along("3x40001", [1], "3"), (3, 40001)),
    ],
)
def test_kernels_for_such_schedules_agree_with_the_reference(text, shape):
    x = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    found = weft.compile(text, target="gpu-sim:check")(x)
    np.testing.assert_allclose(found, run(weft.parse(text), "main", [x])[0], rtol=2e-4, atol=1e-4)


def test_parts_of_a_reduction_of_unknown_length_are_not_cut_for_ever():
    module = random_program(random.Random(87), special=False).module
    names = (*TENSORS, *KERNELS, *BUFFERS, *GPU_SCHEDULED)
    run_pipeline(module, f"builtin.module({','.join(names)})")
    assert sum(step.startswith("partials") for step in steps(module)) <= 12


def test_few_rows_of_much_work_are_no_launch_of_their_own():
    text = """func.func @main(%x: tensor<31x1106x40xf32>) -> tensor<31x40xf32> {
      %r = ml.reduce max %x, dims = [1] : tensor<31x1106x40xf32> to tensor<31x40xf32>
      %s = ml.softmax %r, axis = 1 : tensor<31x40xf32>
      func.return %s : tensor<31x40xf32>
    }"""
    assert holds(steps(scheduled(text)), "partials t over jb", "map jb to grid", "rfactor m_r")


ANY = """func.func @main(%x: tensor<{0}xf32>) -> tensor<{2}f32> {{
  %s = ml.reduce add %x, dims = [{1}] : tensor<{0}xf32> to tensor<{2}f32>
  func.return %s : tensor<{2}f32>
}}"""


@pytest.mark.parametrize(
    ("text", "shapes", "cuts"),
    [
        (ANY.format("?", "0", ""), [(0,), (1,), (16384,), (16385,), (50001,)], 1),
        (ANY.format("?x?", "0, 1", ""), [(0, 3), (3, 0), (17, 33), (100, 200)], 1),
        (ANY.format("4x?", "1", "4x"), [(4, 0), (4, 5), (4, 20001)], 2),
        (ANY.format("?x3", "0", "3x"), [(0, 3), (1, 3), (1025, 3), (5000, 3)], 2),
    ],
)
def test_sums_of_unknown_length_have_many_blocks(text, shapes, cuts):
    """Parts of a fixed size leave partial results, as many as there are."""
    assert sum(step.startswith("partials") for step in steps(scheduled(text))) == cuts
    function = weft.compile(text, target="gpu-sim")
    for shape in shapes:
        x = np.random.default_rng(0).integers(-3, 4, shape).astype(np.float32)
        np.testing.assert_array_equal(function(x), run(weft.parse(text), "main", [x])[0])


def test_rows_of_a_few_elements_stay_in_the_registers_of_a_thread():
    text = SOFTMAX.format(300, 5)
    found = steps(scheduled(text))
    assert holds(found, "map i to grid 256", "unroll j", "keep x at i", "keep m at i", "keep arg1 at i")
    x = np.random.default_rng(0).standard_normal((300, 5)).astype(np.float32)
    y = weft.compile(text, target="gpu-sim:check")(x)
    np.testing.assert_allclose(y, run(weft.parse(text), "main", [x])[0], rtol=1e-5)


@pytest.mark.parametrize(("columns", "lanes"), [(8192, 4), (8194, 2), (8193, 1)])
def test_vectors_are_as_wide_as_rows_start(columns, lanes):
    found = [step for step in steps(scheduled(SOFTMAX.format(64, columns))) if step.startswith("vectorize")]
    assert {step.split()[-1] for step in found} == ({str(lanes)} if lanes > 1 else set())


@pytest.mark.parametrize("chip", ["sm_75", "sm_80", "sm_90a"])
@pytest.mark.parametrize(
    ("kind", "dtype"), [("add", "i32"), ("max", "i8"), ("min", "i16"), ("and", "i32"), ("or", "i1")]
)
def test_integers_of_a_warp_are_reduced_by_one_instruction(tmp_path, chip, kind, dtype):
    """On chips that have it; on others by shuffles."""
    text = f"""func.func @main(%x: tensor<3x1000x{dtype}>) -> tensor<3x{dtype}> {{
      %s = ml.reduce {kind} %x, dims = [1] : tensor<3x1000x{dtype}> to tensor<3x{dtype}>
      func.return %s : tensor<3x{dtype}>
    }}"""
    weft.export(text, tmp_path / "x.ptx", target=f"cuda:{chip}")
    ptx = (tmp_path / "x.ptx").read_text()
    assert ("redux.sync" in ptx) == (chip != "sm_75") and ("shfl.sync.bfly" in ptx or chip != "sm_75")
    if chip == "sm_90a":
        return
    info = None if dtype == "i1" else np.iinfo(dtype.replace("i", "int"))
    x = np.random.default_rng(0).integers(0 if info is None else info.min, 2 if info is None else info.max, (3, 1000))
    x = x.astype(bool if info is None else info.dtype)
    x[1] = x[1, 0]
    np.testing.assert_array_equal(
        weft.compile(text, target=f"gpu-sim:{chip}")(x), run(weft.parse(text), "main", [x])[0]
    )


LONE = """func.func @main(%x: tensor<{0}xf32>) -> (tensor<{0}xf32>, tensor<f32>) {{
  %0 = ml.softmax %x, axis = 0 : tensor<{0}xf32>
  %s = ml.reduce add %x, dims = [0] : tensor<{0}xf32> to tensor<f32>
  %b = ml.broadcast_in_dim %s, dims = [] : tensor<f32> to tensor<{0}xf32>
  %1 = ml.sub %0, %b : tensor<{0}xf32>
  %2 = ml.softmax %1, axis = 0 : tensor<{0}xf32>
  %m = ml.reduce max %2, dims = [0] : tensor<{0}xf32> to tensor<f32>
  func.return %2, %m : tensor<{0}xf32>, tensor<f32>
}}"""


@pytest.mark.parametrize("size", [1, 2, 8, 37, 4124, 16385])
def test_one_row_by_itself_is_one_launch(size):
    text = LONE.format(size)
    x = np.random.default_rng(0).standard_normal(size).astype(np.float32) / 50
    for found, wanted in zip(
        weft.compile(text, target="gpu-sim:check")(x), run(weft.parse(text), "main", [x]), strict=True
    ):
        np.testing.assert_allclose(found, wanted, rtol=1e-4)
    if 8 < size < 16384:
        module = weft.parse(SOFTMAX.replace("{0}x{1}", "{0}").replace("axis = 1", "axis = 0").format(size))
        run_pipeline(module, f"builtin.module({','.join((*TENSORS, *KERNELS, *BUFFERS, *GPU_SCHEDULED, *GPU))})")
        assert sum(op.name == "gpu.launch_func" for op in module.walk()) == 1


def test_sizes_of_parts_are_computed_by_the_host():
    """The length of what is reduced, here 7 times another size, says how large the buffer of partial results is."""
    text = """func.func @main(%x: tensor<?x7x?xi16>) -> tensor<i16> {
  %0 = ml.constant dense<1> : tensor<i16>
  %1 = ml.reduce or %x init %0, dims = [0, 1, 2] : tensor<?x7x?xi16> to tensor<i16>
  func.return %1 : tensor<i16>
}"""
    compiled = weft.compile(text, target="gpu-sim")
    for shape in ((5, 7, 9), (0, 7, 3), (40, 7, 33)):
        x = np.random.default_rng(1).integers(-9, 9, shape).astype(np.int16)
        assert compiled(x) == np.bitwise_or.reduce(x, axis=None) | 1
