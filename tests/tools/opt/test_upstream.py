"""What weft prints, upstream's mlir-opt reads, and the other way round.

`Inputs/upstream` holds every op that both know, in upstream's syntax. The tests that need mlir-opt (version 19) run
where it is installed.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from weft.diagnostics import WeftError
from weft.driver.chunks import split
from weft.driver.printing import print_module
from weft.driver.verify import verify
from weft.frontends.mlir import parse_module
from weft.registry import context

HERE = Path(__file__).parent
TESTS = HERE.parent.parent
DIALECTS = (
    *("builtin", "func", "arith", "math", "scf", "cf", "memref", "tensor", "vector", "linalg", "affine", "llvm"),
    *("gpu", "nvvm"),
)
MLIR_OPT = shutil.which("mlir-opt-19") or shutil.which("mlir-opt")

needs_mlir_opt = pytest.mark.skipif(MLIR_OPT is None, reason="mlir-opt is not installed (Debian: mlir-19-tools)")

UNCOVERED = {
    "builtin.unregistered",  # stands for ops of no dialect
    "memref.assume_alignment",  # has a result in xDSL, none in version 19
    "linalg.conv_2d_nhwgc_gfhwc",  # not in version 19
    "llvm.call_intrinsic",  # its form changed from version to version
    "gpu.module_end",  # dropped where it is read
    *(f"nvvm.read.ptx.sreg.{name}" for name in ("globaltimer", "smid", "warpid")),
    *(f"nvvm.{name}.approx.f" for name in ("cos", "ex2", "lg2", "rsqrt", "sin", "sqrt", "tanh")),
    *(f"nvvm.{name}.approx.ftz.f" for name in ("ex2", "lg2", "rsqrt")),
    *("nvvm.exit", "nvvm.read.ptx.sreg.dynamic_smem_size"),
    *("nvvm.activemask", "nvvm.f2tf32.rna", "nvvm.nanosleep", "nvvm.vote.sync", "nvvm.mapa.shared.cluster"),
    *("nvvm.griddepcontrol.launch.dependents", "nvvm.griddepcontrol.wait", "nvvm.mbarrier.arrive.shared.cluster"),
    *("nvvm.cp.async.bulk.global.shared.cta", "nvvm.cp.async.bulk.shared.cluster.global"),
}
"""Ops that version 19 lacks or has otherwise."""


def chunks(folder):
    for path in sorted(folder.rglob("*.mlir")):
        for chunk in split(path.read_text(encoding="utf-8", errors="replace")):
            yield pytest.param(chunk.text, id=f"{path.relative_to(folder)}:{chunk.first_line}")


CORPUS = list(chunks(HERE / "Inputs" / "upstream"))


def read(text):
    module = parse_module(text, context(), "<text>")
    verify(module)
    return module


def mlir_opt(text, *flags):
    done = subprocess.run([MLIR_OPT, *flags], input=text, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, f"{done.stderr}\n{text}"
    return done.stdout


def assert_equal(found, wanted):
    """Upstream sorts attributes by name, which makes no difference; nor do the bodies of linalg's named ops, which no
    text shows.
    """
    texts = print_module(found), print_module(wanted)
    assert texts[0] == texts[1] or found.is_structurally_equivalent(wanted), "\n".join(texts)


@pytest.mark.parametrize("text", CORPUS)
def test_upstream_syntax_survives_a_round_trip(text):
    printed = print_module(read(text))
    assert print_module(read(printed)) == printed
    assert print_module(read(print_module(read(text), generic=True))) == printed


def test_the_corpus_holds_every_op():
    found = {op.name for case in CORPUS for op in read(case.values[0]).walk()}
    ctx = context()
    known = {op.name for name in DIALECTS for op in ctx.get_dialect(name).operations}
    assert known - found - UNCOVERED == set()
    assert known >= UNCOVERED and not UNCOVERED & found


@pytest.mark.long
@needs_mlir_opt
@pytest.mark.parametrize("text", CORPUS)
def test_mlir_opt_reads_what_weft_prints(text):
    assert_equal(read(mlir_opt(print_module(read(text)))), read(text))


@pytest.mark.long
@needs_mlir_opt
@pytest.mark.parametrize("text", [case for case in CORPUS if "// Printed only" not in case.values[0]])
def test_weft_reads_what_mlir_opt_prints_in_generic_form(text):
    assert_equal(read(mlir_opt(text, "--mlir-print-op-generic")), read(text))


@pytest.mark.long
@needs_mlir_opt
@pytest.mark.parametrize("text", list(chunks(TESTS)))
def test_mlir_opt_reads_the_upstream_programs_among_the_tests(text):
    try:
        module = read(text)
    except WeftError:
        pytest.skip("a test of an error")
    if {op.name.partition(".")[0] for op in module.walk()} - set(DIALECTS):
        pytest.skip("ops that are weft's own")
    printed = print_module(module)
    if any(mark in printed for mark in ("ml.", "loop.", "#target", "weft.")):
        pytest.skip("attributes that are weft's own")
    if "gpu.func" in printed and "func.call" in printed:
        pytest.skip("calls of functions of the device, which version 19 does not verify")
    if re.search(r"!gpu.mma_matrix<\w+x(i8|bf16|f64|tf32)", printed):
        pytest.skip("matrices of elements that version 19 lacks")
    mlir_opt(printed)


@pytest.mark.long
@needs_mlir_opt
@pytest.mark.parametrize("path", sorted((HERE / "upstream").glob("*.mlir")), ids=lambda path: path.name)
def test_mlir_opt_passes_the_tests_in_upstream_style(path):
    """The RUN lines of these tests hold for either tool."""
    from tests.conftest import RUN

    lines = RUN.findall(path.read_text())
    assert lines
    for line in lines:
        assert "weft opt" in line
        command = line.replace("weft opt", f"{MLIR_OPT}").replace("%s", str(path))
        tools = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        done = subprocess.run(
            ["bash", "-c", f"set -o pipefail; {command.replace('not ', '! ')}"],
            capture_output=True,
            text=True,
            timeout=60,
            env={**os.environ, "PATH": tools},
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
