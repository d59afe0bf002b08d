"""Arrays in files: mapped where they can be, refused where the file is not what it says, used by `weft.data`."""

import io
import json
import os
import struct
import tracemalloc
import zipfile

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import weft
from weft.tools.main import main
from weft.weights import SAFETENSORS_TYPES, Place, load, load_as


def safetensors(path, arrays, header=None, prefix=None, tail=b""):
    """Write a file; `header` and `prefix` (the length) replace the right ones."""
    names = {str(dtype): name for name, dtype in SAFETENSORS_TYPES.items()}
    entries, data = {}, b""
    for name, array in arrays.items():
        raw = np.ascontiguousarray(array).tobytes()
        span = [len(data), len(data) + len(raw)]
        entries[name] = {"dtype": names[str(array.dtype)], "shape": list(array.shape), "data_offsets": span}
        data += raw
    text = json.dumps(entries if header is None else header(entries)).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes((struct.pack("<Q", len(text)) if prefix is None else prefix) + text + data + tail)
    return path


def peak(action):
    """The most bytes that Python and NumPy hold while it runs; mapped files are not among them."""
    tracemalloc.start()
    try:
        action()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def at(path, key):
    return load(Place.of(f"{path.name}:{key}" if key else path.name, path.parent))


@pytest.mark.parametrize("dtype", list(SAFETENSORS_TYPES.values()), ids=str)
@pytest.mark.parametrize("shape", [(), (0, 3), (1,), (5, 7), (2, 3, 4)], ids=str)
def test_every_type_and_shape_comes_back(tmp_path, dtype, shape):
    first = np.arange(3, dtype=np.uint8)  # puts the other where its elements are not aligned
    array = (np.arange(np.prod(shape, dtype=int)) % 2).astype(dtype).reshape(shape)
    path = safetensors(tmp_path / "w.safetensors", {"first": first, "a:b.c": array})
    found = at(path, "a:b.c")
    assert (found.dtype, found.shape) == (array.dtype, array.shape)
    assert found.tobytes() == array.tobytes()
    assert found.flags.aligned
    assert not found.flags.writeable


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize("order", ["C", "F"])
def test_npz_comes_back_compressed_or_not_in_any_order(tmp_path, save, order):
    array = np.asarray(np.arange(12.0).reshape(3, 4), order=order)
    save(tmp_path / "w.npz", w=array, v=np.int8([1]))
    found = at(tmp_path / "w.npz", "w")
    assert found.tolist() == array.tolist()
    assert found.flags.c_contiguous


def test_npy_is_one_array(tmp_path):
    np.save(tmp_path / "w.npy", np.arange(3))
    assert at(tmp_path / "w.npy", "").tolist() == [0, 1, 2]


def test_a_large_file_is_mapped_and_not_read(tmp_path):
    entry = {"dtype": "F32", "shape": [1 << 14, 1 << 13], "data_offsets": [0, 1 << 29]}
    path = safetensors(tmp_path / "w.safetensors", {}, header=lambda _: {"w": entry})
    with open(path, "r+b") as file:
        file.truncate(path.stat().st_size + (1 << 29))
    assert peak(lambda: float(at(path, "w")[-1, -1])) < 1 << 20


def entry(**changes):
    """A header whose only entry, two f32, is changed."""
    return lambda entries: {"w": {**entries["w"], **changes}}


@pytest.mark.parametrize(
    "header, message",
    [
        (entry(dtype="F31"), "in the element type 'F31', which weft does not have"),
        (entry(dtype=["F32"]), "in the element type ['F32'], which weft does not have"),
        (entry(shape=[3]), "is corrupt: 'w' is float32[3] and has 8 bytes"),
        (entry(shape=[2**62, 2**62]), "is corrupt: 'w' is float32"),
        (entry(shape=[-2]), "is corrupt: the shape of 'w' is [-2]"),
        (entry(shape="2"), "is corrupt: the shape of 'w' is '2'"),
        (entry(shape=[True]), "is corrupt: the shape of 'w' is [True]"),
        (entry(data_offsets=[0, 9]), "is corrupt: 'w' is at bytes 0 to 9 of 8"),
        (entry(data_offsets=[8, 0]), "is corrupt: 'w' is at bytes 8 to 0 of 8"),
        (entry(data_offsets=[0]), "is corrupt: the offsets of 'w' are [0]"),
        (entry(data_offsets=[0.0, 8.0]), "is corrupt: 'w' is at bytes 0.0 to 8.0 of 8"),
        (lambda entries: {"w": 3}, "is corrupt: the offsets of 'w' are None"),
        (lambda entries: [entries], "is corrupt: its header is no JSON object"),
        (lambda entries: {**entries, "v": entries["w"]}, "overlap"),
        (lambda entries: {"x": entries["w"]}, "has no array 'w'"),
        (lambda entries: {}, "has no array 'w'"),
    ],
)
def test_a_header_that_lies_is_one_clear_error(tmp_path, header, message):
    path = safetensors(tmp_path / "w.safetensors", {"w": np.zeros(2, np.float32)}, header=header)
    with pytest.raises(weft.WeftError) as caught:
        at(path, "w")
    assert message in str(caught.value)


@pytest.mark.parametrize(
    "data, message",
    [
        (b"", "is no safetensors file: it has 0 bytes"),
        (b"1234", "is no safetensors file: it has 4 bytes"),
        (struct.pack("<Q", 2**63) + b"{}", "its header should have 9223372036854775808 bytes, the file has 10"),
        (struct.pack("<Q", 3) + b"{}", "its header should have 3 bytes, the file has 10"),
        (struct.pack("<Q", 2) + b"{]", "its header cannot be read"),
        (struct.pack("<Q", 2) + b"\xff\xff", "its header cannot be read"),
        (struct.pack("<Q", 18) + b'{"a": {}, "a": {}}', "a key stands twice"),
        (struct.pack("<Q", 40000) + b"[" * 40000, "its header cannot be read"),
    ],
)
def test_a_broken_safetensors_file_is_one_clear_error(tmp_path, data, message):
    (tmp_path / "w.safetensors").write_bytes(data)
    with pytest.raises(weft.WeftError) as caught:
        at(tmp_path / "w.safetensors", "w")
    assert message in str(caught.value)


def test_a_header_may_be_huge_only_as_far_as_the_file_goes(tmp_path):
    (tmp_path / "w.safetensors").write_bytes(struct.pack("<Q", 10**15) + b"{}")

    def refused():
        with pytest.raises(weft.WeftError):
            at(tmp_path / "w.safetensors", "w")

    assert peak(refused) < 1 << 20


def npz_with(path, member, name="w.npy", compress=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", compress) as archive:
        archive.writestr(name, member)
    return path


def npy(shape, dtype="<f4", data=b""):
    header = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}}}".encode().ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + data


@pytest.mark.parametrize("compress", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize(
    "member, message",
    [
        (npy((2**40, 2**20)), "float32[1099511627776, 1048576]"),
        (npy((3,), data=b"12345678"), "float32[3]"),
        (npy((1,), dtype="|O", data=b"12345678"), "object"),
        (npy((1,), dtype=">f4", data=b"1234"), "not numbers in this machine's byte order"),
        (b"no numpy", "in no form that can be read"),
        (b"", "in no form that can be read"),
    ],
)
def test_an_npz_that_lies_is_one_clear_error(tmp_path, member, message, compress):
    with pytest.raises(weft.WeftError) as caught:
        at(npz_with(tmp_path / "w.npz", member, compress=compress), "w")
    assert message in str(caught.value)


def test_a_huge_header_that_is_packed_small_is_not_unpacked(tmp_path):
    with (
        zipfile.ZipFile(tmp_path / "w.npz", "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("w.npy", "w") as member,
    ):
        member.write(b"\x93NUMPY\x02\x00" + struct.pack("<I", 64_000_000))
        member.write(b" " * 64_000_000)
    tracemalloc.start()
    try:
        with pytest.raises(weft.WeftError, match="header should have 64000000 bytes"):
            at(tmp_path / "w.npz", "w")
        assert tracemalloc.get_traced_memory()[1] < 4_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("make", [os.mkdir, os.mkfifo])
def test_what_is_no_file_is_refused_and_not_waited_for(tmp_path, make):
    make(tmp_path / "w.npz")
    with pytest.raises(weft.WeftError, match=r"w\.npz' is no file with data"):
        at(tmp_path / "w.npz", "w")


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_no_mutation_of_a_file_does_more_than_raise_our_error(tmp_path_factory, data):
    folder = tmp_path_factory.getbasetemp()
    kind = data.draw(st.sampled_from([".safetensors", ".npz", ".npy"]))
    path = folder / f"mutated{kind}"
    array = np.arange(6, dtype=np.float32).reshape(2, 3)
    if kind == ".safetensors":
        safetensors(path, {"w": array, "v": array})
    elif kind == ".npz":
        np.savez(path, w=array, v=array)
    else:
        np.save(path, array)
    raw = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(raw[: data.draw(st.integers(0, len(raw)))] if data.draw(st.booleans()) else raw)
    try:
        found = at(path, "" if kind == ".npy" else "w")
    except weft.WeftError:
        return
    assert found.nbytes <= len(raw)


@pytest.mark.parametrize("text", ["w", "w.bin:x", "w.npz", "w.safetensors:", ":w", ""])
def test_a_text_that_names_no_array_is_refused(tmp_path, text):
    with pytest.raises(weft.WeftError, match="names no array"):
        Place.of(text, tmp_path)


def test_the_type_and_the_shape_must_be_those_of_the_program(tmp_path):
    path = safetensors(tmp_path / "w.safetensors", {"w": np.zeros((2, 3), np.float32)})
    place = Place.of("w.safetensors:w", path.parent)
    assert load_as(place, np.dtype(np.float32), (2, 3)).shape == (2, 3)
    for dtype, shape in (("f4", (3, 2)), ("f8", (2, 3)), ("i4", (2, 3))):
        with pytest.raises(weft.WeftError, match=r"is float32\[2, 3\], the program wants"):
            load_as(place, np.dtype(dtype), shape)


# ---------- in programs

PROGRAM = """// a layer whose weights lie beside it
func.func @main(%x: tensor<?x3xf32>) -> tensor<?x4xf32> {
  %w = ml.constant {weft.data = "FILE"} : tensor<3x4xf32>
  %y = ml.matmul %x, %w : (tensor<?x3xf32>, tensor<3x4xf32>) -> tensor<?x4xf32>
  func.return %y : tensor<?x4xf32>
}
"""
WEIGHTS = np.arange(12, dtype=np.float32).reshape(3, 4)


def program(folder, file="w.safetensors:layer.w"):
    safetensors(folder / "w.safetensors", {"layer.w": WEIGHTS})
    np.savez(folder / "w.npz", w=WEIGHTS)
    (folder / "p.mlir").write_text(PROGRAM.replace("FILE", file))
    return folder / "p.mlir"


@pytest.mark.parametrize("target", ["cpu", "reference"])
@pytest.mark.parametrize("file", ["w.safetensors:layer.w", "w.npz:w"])
def test_a_program_finds_its_data_beside_it(tmp_path, target, file):
    x = np.ones((2, 3), np.float32)
    for _ in range(2):  # compiled, then from the cache
        compiled = weft.compile(program(tmp_path, file), target=target)
        np.testing.assert_array_equal(compiled(x), x @ WEIGHTS)


@pytest.mark.parametrize(
    "element, dtype", [("bf16", ml_dtypes.bfloat16), ("ui8", np.uint8), ("i1", np.bool_), ("f64", np.float64)]
)
def test_the_elements_may_be_of_any_type(tmp_path, element, dtype, monkeypatch):
    array = np.array([[1, 0, 1]]).astype(dtype)
    safetensors(tmp_path / "w.safetensors", {"w": array, "s": array[0, 0]})
    monkeypatch.chdir(tmp_path)
    compiled = weft.compile(f"""
        func.func @main() -> (tensor<1x3x{element}>, tensor<{element}>) {{
          %w = ml.constant {{weft.data = "w.safetensors:w"}} : tensor<1x3x{element}>
          %s = ml.constant {{weft.data = "w.safetensors:s"}} : tensor<{element}>
          func.return %w, %s : tensor<1x3x{element}>, tensor<{element}>
        }}
    """)
    found, scalar = compiled()
    assert found.tolist() == array.tolist()
    assert scalar == array[0, 0]


def test_changed_data_is_seen_by_code_from_the_cache(tmp_path):
    path = program(tmp_path)
    x = np.ones((1, 3), np.float32)
    before = weft.compile(path)(x)
    safetensors(tmp_path / "w.safetensors", {"layer.w": WEIGHTS * 2})
    again = weft.compile(path)
    assert again.from_cache
    np.testing.assert_array_equal(again(x), before * 2)


def test_data_that_does_not_fit_any_more_is_an_error_from_the_cache_too(tmp_path):
    path = program(tmp_path)
    weft.compile(path)
    safetensors(tmp_path / "w.safetensors", {"layer.w": WEIGHTS.T})
    with pytest.raises(weft.WeftError, match=r"is float32\[4, 3\], the program wants float32\[3, 4\]"):
        weft.compile(path)


@pytest.mark.parametrize(
    "file, message",
    [
        ("nosuch.npz:w", "cannot open data file"),
        ("w.npz:nosuch", "has no array 'nosuch'"),
        ("w.safetensors:layer", "did you mean 'layer.w'?"),
        ("w.npz", "w.npz' names no array"),
    ],
)
def test_an_error_names_the_line_of_the_constant(tmp_path, capsys, file, message):
    path = program(tmp_path, file)
    assert main(["run", str(path), "--input", "1x3xf32=1"]) == 1
    err = capsys.readouterr().err
    assert "p.mlir:3:3: error: " in err
    assert message in err


@pytest.mark.parametrize(
    "text, message",
    [
        ('%w = "ml.constant"() : () -> tensor<2xf32>', "a constant needs a value, or weft.data"),
        ("%w = ml.constant {weft.data = 3} : tensor<2xf32>", "a constant needs a value, or weft.data"),
        ('%w = ml.constant {weft.data = "a.npy"} dense<0.0> : tensor<2xf32>', "not both"),
        ('%w = ml.constant {weft.data = "a.npy"} : tensor<?xf32>', "must have static sizes"),
        ("%w = ml.constant 3 : i32", "expected dense data or a resource"),
    ],
)
def test_a_constant_without_sense_is_refused(tmp_path, capsys, text, message):
    (tmp_path / "c.mlir").write_text(text + "\n")
    assert main(["opt", str(tmp_path / "c.mlir")]) == 1
    assert message in capsys.readouterr().err


def test_the_text_stays_small_down_to_machine_code(tmp_path, capsys):
    from weft.passes.pipelines import CPU

    path = program(tmp_path)
    assert main(["opt", str(path), f"--pass-pipeline={CPU}"]) == 0
    out = capsys.readouterr().out
    (line,) = [line for line in out.splitlines() if "llvm.mlir.global" in line and "weft.data = " in line]
    assert line.strip().startswith("llvm.mlir.global external constant @constant_0()")


def test_equal_constants_are_mapped_once(tmp_path, capsys):
    path = program(tmp_path)
    text = path.read_text().replace(
        "  %y =", '  %v = ml.constant {weft.data = "w.safetensors:layer.w"} : tensor<3x4xf32>\n  %y ='
    )
    path.write_text(text)
    assert main(["opt", str(path), "--outline-kernels", "--bufferize"]) == 0
    assert capsys.readouterr().out.count("memref.global") == 1


def test_numpy_may_write_the_file_in_memory(tmp_path):
    stream = io.BytesIO()
    np.savez(stream, w=WEIGHTS)
    (tmp_path / "w.npz").write_bytes(b"junk before the archive" + stream.getvalue())
    np.testing.assert_array_equal(at(tmp_path / "w.npz", "w"), WEIGHTS)


def test_a_library_holds_the_data_itself(tmp_path):
    path = program(tmp_path)
    assert main(["compile", str(path), "-o", str(tmp_path / "p.ll")]) == 0
    (tmp_path / "w.safetensors").unlink()
    text = (tmp_path / "p.ll").read_text()
    assert "external constant" not in text
    assert main(["compile", str(path), "-o", str(tmp_path / "q.ll")]) == 1
    assert not (tmp_path / "q.ll").exists()
