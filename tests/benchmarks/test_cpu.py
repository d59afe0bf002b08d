"""The programs of the benchmark, small: right by float64, and unchanged by every pass."""

import re
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest

import weft
from weft.driver.check_passes import CheckOptions, CheckPasses
from weft.driver.passes import run_pipeline
from weft.passes.pipelines import CPU

FOLDER = Path(__file__).parents[2] / "benchmarks"


@cache
def modules():
    """The benchmark's modules that need no peer, by name."""
    sys.path.insert(0, str(FOLDER))
    try:
        import graph
        import mlir
        import rows
        from suites import contractions, loops, programs, spellings
    finally:
        sys.path.remove(str(FOLDER))
    return {
        "graph": graph,
        "mlir": mlir,
        "rows": rows,
        "contractions": contractions,
        "loops": loops,
        "programs": programs,
        "spellings": spellings,
    }


def small(kind, size):
    """A row's program of another size."""
    rows = modules()["rows"]
    return {
        "add": lambda: rows.add(size, size + 1),
        "gelu": lambda: rows.gelu(size),
        "sigmoid": lambda: rows.sigmoid(size),
        "matmul": lambda: rows.matmul(size, 13, size + 3),
        "mlp": lambda: rows.mlp(size // 4 + 1, (9, size, 7, 5)),
        "softmax": lambda: rows.softmax(5, size),
        "layernorm": lambda: rows.layer_norm(5, size),
        "conv": lambda: rows.conv(size // 5 + 2, 4),
        "resblock": lambda: rows.resnet_block(size // 8 + 2, 4),
        "attention": lambda: rows.attention(2, size // 2 + 1, 8),
        "sum": lambda: rows.sum_all(size),
    }[kind]()


KINDS = ("add", "gelu", "sigmoid", "matmul", "mlp", "softmax", "layernorm", "conv", "resblock", "attention", "sum")
SIZES = (3, 17, 64)


def random_graphs(count):
    """Random programs and contractions of the suites, of few elements."""
    programs, contractions = modules()["programs"], modules()["contractions"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(programs, "ELEMENTS", (8.0, 400.0))
        patch.setattr(contractions, "LARGEST", 64)
        made = [programs.program(np.random.default_rng((1, n))) for n in range(count)]
        return [*made, *(contractions.program(*shape) for shape in contractions.shapes(count, 1))]


def arrays_of(graph):
    return [modules()["rows"].uniform(x.shape, 100 + n) for n, x in enumerate(graph.inputs)]


def loops_texts():
    """The loops that a user wrote, and one contraction in its spellings, with sizes of 64 at most."""
    sizes = {"1026": "22", "1025": "21", "1024": "20", "8192": "64", "8191": "63", "512": "24", "4096": "40",
             "257": "9", "256": "8", "64 {": "2 {", "98": "6", "97": "5", "514": "10", "513": "9", "516": "28",
             "65567": "47", "65536": "16", "192": "7", "201": "13", "200": "12", "2048": "24", "4095": "39",
             "4094": "38", "128": "12", "500": "9"}  # fmt: skip
    pattern = re.compile("|".join(rf"(?<![\d.]){re.escape(n)}(?!\d)" for n in sizes))
    for loops in modules()["loops"].LOOPS:
        yield loops.name, pattern.sub(lambda found: sizes[found[0]], loops.text)
    yield from modules()["spellings"].texts(17, 35, 9).items()


def checked(text, values, folder):
    """Run the whole pipeline under the check; gives the remarks."""
    check = CheckPasses(CheckOptions(values={"main": values}, folder=folder))
    run_pipeline(weft.parse(text), CPU, instruments=[check])
    return check.remarks


def test_every_kind_of_row_has_a_small_program():
    assert {row.kind for row in modules()["rows"].ROWS} == set(KINDS)
    assert all(row.make and len(row.best) == len(row.goal) == 2 for row in modules()["rows"].ROWS)


@pytest.mark.parametrize("kind", KINDS)
def test_a_row_is_right_by_float64(kind):
    graph = small(kind, 17)
    arrays = arrays_of(graph)
    result = weft.compile(modules()["mlir"].text(graph), threads=2)(*arrays)
    wanted = modules()["graph"].by_numpy(graph, arrays)
    np.testing.assert_allclose(result, wanted, rtol=1e-4, atol=1e-5)


def test_random_programs_are_right_by_float64():
    for graph in random_graphs(6):
        arrays = arrays_of(graph)
        result = weft.compile(modules()["mlir"].text(graph), threads=1)(*arrays)
        np.testing.assert_allclose(result, modules()["graph"].by_numpy(graph, arrays), rtol=1e-4, atol=1e-5)


@pytest.mark.long
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("kind", KINDS)
def test_no_pass_changes_a_row(kind, size, tmp_path):
    graph = small(kind, size)
    assert checked(modules()["mlir"].text(graph), arrays_of(graph), tmp_path) == []


@pytest.mark.long
@pytest.mark.parametrize("number", range(40))
def test_no_pass_changes_a_random_program(number, tmp_path):
    graph = random_graphs(20)[number]
    assert checked(modules()["mlir"].text(graph), arrays_of(graph), tmp_path) == []


@pytest.mark.long
@pytest.mark.parametrize("name", [name for name, _ in loops_texts()])
def test_no_pass_changes_loops_that_a_user_wrote(name, tmp_path):
    text = dict(loops_texts())[name]
    taken = weft.compile(text, "reference").signature.arguments
    rng = np.random.default_rng(0)
    values = [(rng.integers(0, 4, spec.dims) if spec.dtype == "i32" else rng.random(spec.dims) + 1) for spec in taken]
    values = [value.astype(spec.numpy_dtype) for value, spec in zip(values, taken, strict=True)]
    assert checked(text, values, tmp_path) == []
