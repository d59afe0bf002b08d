"""Schedules of programs: printed, read back, changed by hand, refused where they do not fit, explained and measured."""

import re

import numpy as np
import pytest

import weft
from weft import WeftError
from weft.driver.compile import Request, compile_program
from weft.driver.schedules.profile import Profile
from weft.driver.schedules.program_cost import flops_of
from weft.driver.schedules.report import explain
from weft.driver.schedules.text import schedules_text
from weft.driver.schedules.watch import Watch
from weft.tools.main import main

LAYER = """
func.func @main(%x: tensor<20x30xf32>, %w: tensor<30x40xf32>, %b: tensor<40xf32>) -> tensor<20x40xf32> {
  %0 = ml.matmul %x, %w : (tensor<20x30xf32>, tensor<30x40xf32>) -> tensor<20x40xf32>
  %1 = ml.broadcast_in_dim %b, dims = [1] : tensor<40xf32> to tensor<20x40xf32>
  %2 = ml.add %0, %1 : tensor<20x40xf32>
  %3 = ml.softmax %2 : tensor<20x40xf32>
  func.return %3 : tensor<20x40xf32>
}
"""

BY_HAND = """
builtin.module attributes {loop.schedules = {
  "main_kernel_0" = #loop.schedule<
    tile j 8 into (jp, jr),
    interchange (jp, i, k, jr),
    vectorize jr 8
  >
}} {}
"""


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("WEFT_CACHE_DIR", str(tmp_path / "cache"))


@pytest.fixture
def arrays():
    rng = np.random.default_rng(0)
    return [rng.standard_normal(shape, np.float32) for shape in ((20, 30), (30, 40), (40,))]


def watched(program, schedule=None, **more):
    watch = Watch(refusals=True)
    compile_program(program, Request(threads=1, instruments=(watch,), schedule=schedule, **more))
    return watch


def printed(watch):
    return schedules_text(kernel.scheduled() for kernel in watch.living())


def test_a_step_that_does_not_fit_is_shown_in_its_file(tmp_path):
    """The error is at the program's op; a note leads to the step. One of the program itself has none."""
    file = tmp_path / "mine.mlir"
    file.write_text(BY_HAND.replace("tile j", "tile q"))
    with pytest.raises(WeftError, match="no loop is labelled 'q'") as error:
        watched(LAYER, str(file))
    assert f"{file}:4:5: note: the step stands here\n    tile q 8 into (jp, jr),\n    ^" in str(error.value)
    with pytest.raises(WeftError, match="no loop is labelled 'q'") as error:
        own = BY_HAND.replace("tile j", "tile q").rstrip().removesuffix("{}")
        watched(f"{own} {{ {LAYER} }}")
    assert "note:" not in str(error.value)


def test_what_is_printed_reads_back_as_the_same_schedules():
    text = printed(watched(LAYER))
    assert '"main_kernel_0" = #loop.schedule<\n    tile j' in text
    assert "//     k to 30: t[i, j] += from x[i, k], w[k, j]" in text
    again = watched(LAYER, text)
    assert printed(again) == text
    assert all(kernel.given for kernel in again.living())


def test_a_schedule_by_hand_gives_the_same_result_by_other_code(arrays, tmp_path):
    place = tmp_path / "by_hand.mlir"
    place.write_text(BY_HAND)
    results = [weft.compile(LAYER, threads=1, schedule=s)(*arrays) for s in (None, BY_HAND, place)]
    np.testing.assert_allclose(results[1], results[0], rtol=1e-5)
    np.testing.assert_array_equal(results[2], results[1])
    files = [tmp_path / f"{name}.ll" for name in "ab"]
    weft.export(LAYER, files[0], threads=1)
    weft.export(LAYER, files[1], threads=1, schedule=BY_HAND)
    assert "<16 x float>" in files[0].read_text() or "<8 x float>" in files[0].read_text()
    assert files[0].read_text() != files[1].read_text()


def test_other_schedules_are_other_entries_of_the_cache(arrays):
    first = weft.compile(LAYER, threads=1)
    other = weft.compile(LAYER, threads=1, schedule=BY_HAND)
    assert not first.from_cache and not other.from_cache
    assert weft.compile(LAYER, threads=1, schedule=BY_HAND).from_cache


def test_a_program_may_say_schedules_of_its_kernels_itself(arrays):
    attribute = re.search(r"attributes (\{.*\}) \{\}", BY_HAND, re.DOTALL)[1]
    program = f"builtin.module attributes {attribute} {{{LAYER}}}\n"
    watch = watched(program)
    assert [kernel.given for kernel in watch.living()] == [True, False]
    np.testing.assert_allclose(weft.compile(program)(*arrays), weft.compile(LAYER)(*arrays), rtol=1e-5)


@pytest.mark.parametrize(
    "schedule, message",
    [
        (BY_HAND.replace("kernel_0", "kernel_7"), r"a schedule is for the kernel '@main_kernel_7', .*\n.*main_kernel_"),
        (BY_HAND.replace("tile j", "tile q"), "tile q 8 into .*: no loop is labelled 'q'"),
        ("builtin.module {}\n", "a file of schedules is a module with the attribute 'loop.schedules'"),
        ('builtin.module attributes {loop.schedules = {a = "b"}} {}\n', "the schedule of '@a' should be a #loop.sched"),
        ("builtin.module attributes {loop.schedules = 1 : i64} {}\n", "a file of schedules is a module"),
        ("nofile.mlir", "cannot open input file 'nofile.mlir'"),
    ],
)
def test_a_schedule_that_does_not_fit_is_refused(schedule, message):
    with pytest.raises(weft.WeftError, match=re.compile(message, re.DOTALL)):
        weft.compile(LAYER, schedule=schedule)


ON_GPU = "gpu-sim:sm_80"

BY_HAND_ON_GPU = """
builtin.module attributes {loop.schedules = {
  "main_kernel_0" = #loop.schedule<
    map i to block,
    tile j 32 into (jw, jt),
    map jt to thread
  >
}} {}
"""


def test_schedules_for_a_gpu_read_back_too():
    text = printed(watched(LAYER, target=ON_GPU))
    assert '"main_kernel_0" = #loop.schedule<\n' in text
    assert "map " in text
    again = watched(LAYER, text, target=ON_GPU)
    assert printed(again) == text
    assert all(kernel.given for kernel in again.living())


def test_a_schedule_for_a_gpu_by_hand_gives_the_same_result_by_other_code(arrays, tmp_path):
    expected = weft.compile(LAYER, threads=1)(*arrays)
    for schedule in (None, BY_HAND_ON_GPU):
        found = weft.compile(LAYER, target="gpu-sim:check", schedule=schedule)(*arrays)
        np.testing.assert_allclose(found, expected, rtol=1e-5)
    files = [tmp_path / f"{name}.ptx" for name in "ab"]
    weft.export(LAYER, files[0], target="cuda:sm_80")
    weft.export(LAYER, files[1], target="cuda:sm_80", schedule=BY_HAND_ON_GPU)
    assert files[0].read_text() != files[1].read_text()
    with pytest.raises(weft.WeftError, match="no loop is labelled 'q'"):
        weft.compile(LAYER, target="gpu-sim", schedule=BY_HAND_ON_GPU.replace("map i", "map q"))


def test_the_report_for_a_gpu_tells_of_launches():
    watch = watched(LAYER, BY_HAND_ON_GPU, target=ON_GPU)
    text = explain(watch.living(), watch.target)
    assert "given      map i to block" in text
    assert (
        "launches   1 of 2: blocks i (20); threads jt (32)\n             2 of 2: one thread, no loop is mapped" in text
    )
    assert "48800 operations on floats" in text
    assert "floor" not in text
    assert "machine: sm_80, 108 multiprocessors" in text


def test_schedules_that_no_pass_takes_are_an_error():
    with pytest.raises(weft.WeftError, match="nothing took the schedules"):
        weft.compile(LAYER, schedule=BY_HAND, pipeline="builtin.module(canonicalize)")
    with pytest.raises(weft.WeftError, match="takes no schedules"):
        weft.compile(LAYER, schedule=BY_HAND, target="reference")


def test_the_report_tells_what_became_of_each_kernel():
    watch = watched(LAYER)
    text = explain(watch.living(), watch.target)
    assert "@main_kernel_0: 3 ops fused: ml.matmul, ml.broadcast_in_dim, ml.add (<string>:3 to 5)" in text
    assert "not fused  with @main_kernel_0: ml.matmul and ml.softmax both need loops of their own" in text
    assert re.search(r"vectors +t_r.*\(\d+ lanes\)", text)
    assert "threads    none: the program was compiled for one" in text
    assert "48800 operations on floats" in text  # 2 * 20 * 30 * 40 of the product, 800 of the sum
    assert "reads x 2.34 KB, w 4.69 KB, b 160 bytes; writes" in text
    assert "by its arithmetic, what it moves fits into the last cache" in text
    assert "measured" not in text


def test_the_report_tells_why_products_do_not_hand_rows_on_in_blocks():
    program = """func.func @main(%q: tensor<4x600x64xf32>, %k: tensor<4xKx64xf32>, %v: tensor<4xKx64xf32>)
    -> tensor<4x600x64xf32> {
  %r = ml.attention %q, %k, %v : (tensor<4x600x64xf32>, tensor<4xKx64xf32>, tensor<4xKx64xf32>) -> tensor<4x600x64xf32>
  func.return %r : tensor<4x600x64xf32>
}"""
    watch = watched(program.replace("K", "8"))
    why = "all of them fit into the second cache"
    assert f"the rows of ml.dot_general are not in blocks, for {why}" in explain(watch.living(), watch.target)
    watch = watched(program.replace("K", "?"))
    assert "are not in blocks" not in explain(watch.living(), watch.target)


def test_work_of_run_time_sizes_is_not_guessed():
    program = "func.func @main(%x: tensor<?xf32>) -> tensor<?xf32> {\n  %0 = ml.exp %x : tensor<?xf32>\n"
    watch = watched(program + "  func.return %0 : tensor<?xf32>\n}\n")
    assert "depends on sizes that only the run knows" in explain(watch.living(), watch.target)


def test_sizes_are_named_by_their_buffers_and_other_values_apart_from_loops():
    program = """
func.func @main(%x: tensor<?x?xf32>) -> tensor<?x?xf32> {
  %0 = ml.softmax %x : tensor<?x?xf32>
  func.return %0 : tensor<?x?xf32>
}
func.func @loops(%n: index, %a: memref<?xf32>, %x: f32) {
  affine.for %m = 0 to %n { affine.store %x, %a[%m] : memref<?xf32> }
  func.return
}
"""
    text = printed(watched(program, entry="main"))
    assert re.search(r"\w+ to dim\(x, 0\)\n.* \w+ to dim\(x, 1\):", text)
    assert re.search(r"i to %\w+: a\[i\] =", printed(watched(program, entry="loops")))


def test_kernels_are_timed_where_they_are_called(arrays):
    profile = Profile()
    compiled = compile_program(LAYER, Request(threads=1, profile=profile))
    expected = weft.compile(LAYER, threads=1)(*arrays)
    for _ in range(3):
        np.testing.assert_array_equal(compiled(*arrays), expected)
    laps = profile.laps()
    assert {name: lap.count for name, lap in laps.items()} == {"main_kernel_0": 3, "main_kernel_1": 3}
    assert all(0 < lap.least <= lap.total for lap in laps.values())
    profile.reset()
    assert profile.laps() == {}


def test_the_operations_of_a_program_are_those_of_its_calls():
    assert flops_of(LAYER, Request(threads=1)) > 48800
    product = "func.func @main(%a: tensor<4x5xf32>, %b: tensor<5x6xf32>) -> tensor<4x6xf32> {\n" \
        "  %0 = ml.matmul %a, %b : (tensor<4x5xf32>, tensor<5x6xf32>) -> tensor<4x6xf32>\n" \
        "  func.return %0 : tensor<4x6xf32>\n}\n"  # fmt: skip
    assert flops_of(product, Request()) == 2 * 4 * 5 * 6
    assert flops_of(product.replace("4x", "?x"), Request()) is None


def test_the_commands_print_and_explain(tmp_path, capsys):
    place, schedule = tmp_path / "layer.mlir", tmp_path / "schedule.mlir"
    place.write_text(LAYER)
    assert main(["run", str(place), "--print-schedule", "--threads", "1"]) == 0
    text = capsys.readouterr().out
    schedule.write_text(text)
    assert main(["compile", str(place), "--print-schedule", "--threads", "1", "--schedule", str(schedule)]) == 0
    assert capsys.readouterr().out == text
    inputs = [f"--input={shape}xf32=0.5" for shape in ("20x30", "30x40", "40")]
    assert main(["run", str(place), *inputs, "--explain", "--time", "--repeat", "2"]) == 0
    said = capsys.readouterr().err
    assert re.search(r"GFLOP/s, [0-9.e+-]+ GB/s \(best", said)
    assert re.search(r"measured +[0-9.]+ [a-z]+, .* in the mean of 2 calls: .* times the floor", said)
    assert main(["compile", str(place), "--explain", "-o", str(tmp_path / "layer.o")]) == 0
    assert "@main_kernel_1: ml.softmax" in capsys.readouterr().out
    assert (tmp_path / "layer.o").exists()
    schedule.write_text(BY_HAND.replace("kernel_0", "kernel_9"))
    assert main(["run", str(place), *inputs, "--schedule", str(schedule)]) == 1
    assert "a schedule is for the kernel '@main_kernel_9'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("program", "inputs", "step", "wanted"),
    [
        ("ml.reduce add %x, dims = [1] : tensor<4x5xf32> to tensor<4xf32>", ("4x5",), "keep arg1 at j as q", "4"),
        (
            "ml.matmul %x, %y : (tensor<4x5xf32>, tensor<5x3xf32>) -> tensor<4x3xf32>",
            ("4x5", "5x3"),
            "keep arg2 at k as q",
            "4x3",
        ),
    ],
)
@pytest.mark.parametrize("space", ["reg", "stack"])
def test_a_sum_kept_at_the_loop_that_it_runs_over_is_the_sum(program, inputs, step, wanted, space):
    arguments = ", ".join(f"%{name}: tensor<{shape}xf32>" for name, shape in zip("xy", inputs, strict=False))
    text = f"""func.func @main({arguments}) -> tensor<{wanted}xf32> {{
      %0 = {program}
      func.return %0 : tensor<{wanted}xf32>
    }}"""
    schedule = (
        f'builtin.module attributes {{loop.schedules = {{"main_kernel_0" = #loop.schedule<{step} in {space}>}}}} {{}}\n'
    )
    values = [np.arange(4 * 5, dtype=np.float32).reshape(4, 5), np.ones((5, 3), np.float32)][: len(inputs)]
    result = values[0].sum(1) if len(inputs) == 1 else values[0] @ values[1]
    assert np.array_equal(weft.compile(text, schedule=schedule)(*values), result)
