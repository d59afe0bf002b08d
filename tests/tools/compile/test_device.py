"""`weft compile` for NVIDIA's GPUs: PTX, cubins and the list beside them, without a GPU."""

import json

import pytest

from weft.backends.cuda.assembler import find_assembler
from weft.tools.main import main

PROGRAM = """
func.func @main(%x: tensor<128x64xf32>, %w: tensor<64x96xf32>) -> tensor<128x96xf32> {
  %0 = ml.matmul %x, %w : (tensor<128x64xf32>, tensor<64x96xf32>) -> tensor<128x96xf32>
  %1 = ml.softmax %0, axis = 1 : tensor<128x96xf32>
  func.return %1 : tensor<128x96xf32>
}
"""
DYNAMIC = """
func.func @main(%x: tensor<?xf32>) -> tensor<?xf32> {
  %0 = ml.add %x, %x : tensor<?xf32>
  func.return %0 : tensor<?xf32>
}
"""
KERNELS = """
gpu.module @one {
  llvm.func @f(%p: !llvm.ptr<1>, %n: i32, %m: i64) attributes {gpu.kernel, nvvm.kernel} { llvm.return }
}
gpu.module @two [#nvvm.target<chip = "sm_90", features = "+ptx80">] {
  llvm.mlir.global internal @tile() {addr_space = 3 : i32} : !llvm.array<64 x f32>
  llvm.mlir.global external @more() {addr_space = 3 : i32} : !llvm.array<0 x i8>
  llvm.func @g(%v: f32) attributes {gpu.kernel, nvvm.kernel, nvvm.cluster_dim = array<i32: 2, 1, 1>} {
    %0 = llvm.mlir.addressof @tile : !llvm.ptr<3>
    %1 = llvm.mlir.addressof @more : !llvm.ptr<3>
    llvm.store %v, %0 : f32, !llvm.ptr<3>
    llvm.store %v, %1 : f32, !llvm.ptr<3>
    llvm.return
  }
}
"""


@pytest.fixture
def compiled(tmp_path):
    """The files that a program becomes, and the list."""

    def run(program, target="cuda:sm_90a", ending="ptx"):
        source = tmp_path / "p.mlir"
        source.write_text(program)
        assert main(["compile", str(source), "-o", str(tmp_path / f"p.{ending}"), "--target", target]) == 0
        return tmp_path, json.loads((tmp_path / "p.json").read_text())

    return run


def test_the_list_tells_how_to_launch(compiled):
    folder, listed = compiled(PROGRAM)
    text = (folder / "p.ptx").read_text()
    (function,) = listed["functions"]
    assert [(a["name"], a["shape"], a["role"]) for a in function["arguments"]] == [
        ("x", [128, 64], "input"),
        ("w", [64, 96], "input"),
        (function["arguments"][2]["name"], [128, 96], "output"),
    ]
    kernels = {kernel["name"]: kernel for kernel in listed["kernels"]}
    assert [a["name"] for a in listed["kernels"][0]["arguments"]][:2] == ["x", "w"]  # as the program calls them
    assert all(f".entry {name}(" in text for name in kernels)
    places = {argument["name"] for argument in function["arguments"]} | {b["name"] for b in function["buffers"]}
    for step in function["launches"]:
        kernel = kernels[step["kernel"]]
        assert step["block"] == kernel["block"]
        assert min(step["grid"]) >= 1
        assert [a["kind"] for a in kernel["arguments"]] == ["pointer"] * len(step["arguments"])
        assert {a["buffer"] for a in step["arguments"]} <= places
        assert [a["offset"] for a in kernel["arguments"]] == [8 * i for i in range(len(kernel["arguments"]))]


def test_what_a_buffer_of_any_size_becomes_is_called_after_it(compiled):
    _, listed = compiled(DYNAMIC.replace("%x", "%data"))
    names = [a["name"] for a in listed["kernels"][0]["arguments"]]
    assert names[:2] == ["data", "data_part1"] and len(set(names)) == len(names)


def test_what_only_the_run_knows_is_said(compiled):
    _, listed = compiled(DYNAMIC)
    (function,) = listed["functions"]
    assert function["launches"] is None
    assert "not known before it runs" in function["why"]
    assert function["arguments"][0]["shape"] == [None]
    assert "size" in [argument["kind"] for argument in listed["kernels"][0]["arguments"]]


def test_each_module_is_a_file(compiled):
    folder, listed = compiled(KERNELS, "cuda")
    assert sorted(path.name for path in folder.iterdir()) == ["p.json", "p.mlir", "p.one.ptx", "p.two.ptx"]
    first, second = listed["kernels"]
    assert (first["file"], first["chip"], second["file"], second["chip"]) == (
        "p.one.ptx",
        "sm_80",
        "p.two.ptx",
        "sm_90",
    )
    assert [(a["dtype"], a["offset"], a["size"]) for a in first["arguments"]] == [
        (None, 0, 8),
        ("i32", 8, 4),
        ("i64", 16, 8),
    ]
    assert (first["shared_bytes"], first["dynamic_shared"]) == (0, False)
    assert (second["shared_bytes"], second["dynamic_shared"], second["cluster"]) == (256, True, [2, 1, 1])


@pytest.mark.skipif(find_assembler() is None, reason="ptxas is not installed (pip: nvidia-cuda-nvcc)")
@pytest.mark.parametrize("chip", ["sm_75", "sm_90a"])
def test_a_cubin_tells_its_registers(compiled, chip):
    folder, listed = compiled(PROGRAM, f"cuda:{chip}", "cubin")
    assert (folder / "p.cubin").read_bytes()[:4] == b"\x7fELF"
    assert all(kernel["registers"] > 0 for kernel in listed["kernels"])


# (options, a part of the message)
REFUSED = {
    "a CPU": ([], "does not say what to make"),
    "an unknown chip": (["--target", "cuda:sm_91"], "no code can be made for 'sm_91'"),
    "a PTX that does not know the chip": (["--target", "cuda:sm_90,+ptx70"], "sm_90 needs +ptx78 or later"),
    "no version": (["--target", "cuda:sm_90,+fast"], "'+fast' is no version of PTX"),
    "an option for CPUs": (["--target", "cuda", "--threads", "2"], "--threads is for code for CPUs"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_made_is_refused(name, tmp_path, capsys):
    options, message = REFUSED[name]
    source = tmp_path / "p.mlir"
    source.write_text(PROGRAM)
    assert main(["compile", str(source), "-o", str(tmp_path / "p.ptx"), *options]) == 1
    assert message in capsys.readouterr().err


def test_a_program_without_kernels_is_refused(tmp_path, capsys):
    source = tmp_path / "p.mlir"
    source.write_text("func.func @main() {\n  func.return\n}\n")
    assert main(["compile", str(source), "-o", str(tmp_path / "p.ptx"), "--target", "cuda"]) == 1
    assert "the program has no kernels" in capsys.readouterr().err
