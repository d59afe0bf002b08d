"""Constants in a file beside the code: the same answers, and one error for a wrong file."""

import json
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import weft
from tests.end_to_end.ahead.building import HERE, built, command, exported, needs_cc
from weft.backends.cpu.ahead.weights import ALIGNMENT, Weight, weights_file
from weft.tools.main import main

rng = np.random.default_rng(0)
MATRIX, BIAS, TABLE = rng.standard_normal((16, 32)).astype(np.float32), np.arange(32, dtype=np.float32), np.arange(517)


def dense(array):
    return f'dense<"0x{array.tobytes().hex().upper()}">'


NETWORK = f"""
func.func @main(%x: tensor<16xf32>) -> tensor<32xf32> {{
  %w = ml.constant {dense(MATRIX)} : tensor<16x32xf32>
  %b = ml.constant {dense(BIAS)} : tensor<32xf32>
  %0 = ml.dot_general %x, %w, batch = [] x [], contract = [0] x [0]
      : (tensor<16xf32>, tensor<16x32xf32>) -> tensor<32xf32>
  %1 = ml.add %0, %b : tensor<32xf32>
  func.return %1 : tensor<32xf32>
}}
func.func @look(%i: index) -> (i64, i1) {{
  %t = arith.constant {dense(TABLE)} : tensor<517xi64>
  %odd = arith.constant {dense(TABLE % 2 == 1)} : tensor<517xi1>
  %flags = arith.constant {dense(np.arange(1031) % 3 == 1)} : tensor<1031xi1>
  %0 = tensor.extract %t[%i] : tensor<517xi64>
  %1 = tensor.extract %odd[%i] : tensor<517xi1>
  %2 = tensor.extract %flags[%i] : tensor<1031xi1>
  %3 = arith.xori %1, %2 : i1
  func.return %0, %3 : i64, i1
}}
"""


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("weights")
    weights = folder / "network.safetensors"
    exported(NETWORK, folder / "network.so", weights=weights)
    return folder / "network.so", weights


def check(library, **wishes):
    x = rng.standard_normal(16).astype(np.float32)
    np.testing.assert_allclose(weft.load(library, "main", **wishes)(x), x @ MATRIX + BIAS, rtol=1e-4, atol=1e-5)
    look = weft.load(library, "look", **wishes)
    for i in (0, 1, 2, 515, 516):
        assert look(i) == (i, (i % 2 == 1) != (i % 3 == 1))


@needs_cc
def test_code_without_its_weights_is_smaller_and_gives_the_same(files, tmp_path):
    library, weights = files
    whole = exported(NETWORK, tmp_path / "whole.so")
    check(whole)
    check(library)
    sizes = [exported(NETWORK, tmp_path / "a.o").stat().st_size]
    sizes.append(exported(NETWORK, tmp_path / "b.o", weights=tmp_path / "w.safetensors").stat().st_size)
    assert sizes[1] < sizes[0] - (MATRIX.nbytes + TABLE.nbytes) // 2  # the code that loads takes some room
    with pytest.raises(weft.WeftError, match=r"whole.so' holds its weights: it takes no file"):
        weft.load(whole, "main", weights=weights)


@needs_cc
def test_the_file_is_a_safetensors_file_of_the_large_constants(files):
    data = files[1].read_bytes()
    (length,) = struct.unpack_from("<Q", data)
    head = json.loads(data[8 : 8 + length])
    found = {}
    for name, entry in head.items():
        if name != "__metadata__":
            begin, end = (8 + length + place for place in entry["data_offsets"])
            dtype = {"F32": np.float32, "I64": np.int64, "BOOL": np.bool_}[entry["dtype"]]
            found[name] = np.frombuffer(data[begin:end], dtype).reshape(entry["shape"])
    shapes = sorted((array.shape, array.dtype.name) for array in found.values())
    assert shapes == [((16, 32), "float32"), ((517,), "int64"), ((1031,), "bool")]  # not the bias, not the small table
    assert any(np.array_equal(array, MATRIX) for array in found.values())
    assert sum(array.nbytes for array in found.values()) == len(data) - 8 - length


@needs_cc
def test_weights_may_move_and_have_to_be_the_right_ones(files, tmp_path):
    data = files[1].read_bytes()
    library = tmp_path / "network.so"
    library.write_bytes(files[0].read_bytes())

    def refused(text, name="network.safetensors", **wishes):
        with pytest.raises(weft.WeftError) as error:
            weft.load(library, "main", **wishes)
        assert error.value.message == f"'{tmp_path / name}': {text}"

    refused("the file of weights cannot be opened")
    (tmp_path / "network.safetensors").write_bytes(data[:-1])
    refused("the file of weights has not the size that it was written with")
    (tmp_path / "other").write_bytes(data.replace(b"0", b"1", 200))
    wrong = "the file of weights is not the one that was written with this code"
    refused(wrong, "other", weights=tmp_path / "other")
    (tmp_path / "moved").write_bytes(data)
    check(library, weights=tmp_path / "moved")


@needs_cc
def test_a_c_program_loads_weights_before_it_calls(tmp_path):
    weights = tmp_path / "network.safetensors"
    code = exported(NETWORK, tmp_path / "network.o", weights=weights)
    (tmp_path / "cut").write_bytes(weights.read_bytes()[:-1])
    told = command(built(HERE / "weights.c", code), tmp_path / "none", tmp_path / "cut", weights).splitlines()
    assert told[:3] == [
        "before: the weights are not loaded",
        "file 1: the file of weights cannot be opened",
        "file 2: the file of weights has not the size that it was written with",
    ]
    wanted = np.ones(16, np.float32) @ MATRIX + BIAS
    np.testing.assert_allclose([float(word) for word in told[3].split()[1:]], wanted[[0, 31]], rtol=1e-5)


def test_wishes_that_do_not_go_together_are_refused(tmp_path, capsys):
    source = tmp_path / "network.mlir"
    source.write_text(NETWORK)
    assert main(["compile", str(source), "--emit=target", "--weights", "w.safetensors"]) == 1
    assert "a module holds its weights: --weights goes with code" in capsys.readouterr().err
    assert main(["compile", str(source), "-o", str(tmp_path / "a.o"), "--weights", "w.npz"]) == 1
    assert "weights are written to a .safetensors file, not to 'w.npz'" in capsys.readouterr().err
    assert len(list(tmp_path.iterdir())) == 1


SIZES = {"f16": 2, "bf16": 2, "f32": 4, "f64": 8, "i1": 1, "i8": 1, "i16": 2, "i32": 4, "i64": 8}


@given(st.lists(st.tuples(st.sampled_from(sorted(SIZES)), st.integers(1, 300)), max_size=12))
def test_data_lie_without_gaps_and_aligned(parts):
    weights = [Weight(f"w{n}", dtype, (count,), bytes(count * SIZES[dtype])) for n, (dtype, count) in enumerate(parts)]
    file = weights_file(weights, "w")
    assert file.facts.data_place % ALIGNMENT == 0
    assert file.facts.size == len(file.data) == file.facts.data_place + sum(len(w.data) for w in weights)
    assert file.data[file.facts.digest_place :].startswith(file.facts.digest.encode())
    end = 0
    for weight in sorted(weights, key=lambda w: file.offsets[w.name]):
        offset = file.offsets[weight.name]
        assert offset == end
        assert offset % SIZES[weight.dtype] == 0
        assert offset % ALIGNMENT == 0 or len(weight.data) % ALIGNMENT
        end += len(weight.data)
