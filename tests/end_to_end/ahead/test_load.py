"""`weft.load`: a library gives in Python what the program gives when it is compiled in the process."""

import os

import numpy as np
import pytest

import weft
from tests.end_to_end.ahead.building import FUNCTIONS, command, exported, needs_cc
from weft.backends.cpu.ahead import shared
from weft.backends.llvm.machine import Machine
from weft.tools.main import main
from weft.version import VERSION

pytestmark = needs_cc

rng = np.random.default_rng(0)
ARGUMENTS = {
    "layer": [rng.standard_normal(shape).astype(np.float32) for shape in ((5, 4), (4, 3), (3,))],
    "scalars": [True, -100, 2000000000, -5, np.float32(0.1), 0.1, 1.5, 21],
    "halves": [np.array([[1, -1.001], [0, np.nan]], np.float16)],
    "add": [np.arange(7, dtype=np.float32), np.ones(7, np.float32)],
    "sum": [rng.standard_normal((512, 512)).astype(np.float32)],
}


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    return exported(FUNCTIONS, tmp_path_factory.mktemp("so") / "functions.so", threads=2)


@pytest.mark.parametrize("name", ARGUMENTS)
def test_a_function_gives_what_it_gives_when_compiled_in_the_process(name, library):
    loaded, compiled = weft.load(library, name), weft.compile(FUNCTIONS, entry=name, threads=2)
    assert loaded.signature == compiled.signature
    found, wanted = (f(*ARGUMENTS[name]) for f in (loaded, compiled))
    several = isinstance(wanted, tuple)
    for one, other in zip(found, wanted, strict=True) if several else [(found, wanted)]:
        assert np.asarray(one).dtype == np.asarray(other).dtype
        np.testing.assert_array_equal(np.asarray(one, np.float64), np.asarray(other, np.float64))


def test_arguments_are_checked_by_name_shape_and_out(library):
    add, total = weft.load(library, "add"), weft.load(str(library), "sum", threads=1)
    a = np.ones(4, np.float32)
    np.testing.assert_array_equal(add(b=a, a=2 * a), 3 * a)
    with pytest.raises(weft.WeftError, match=r"argument 'a' is an array of shape \(2, 2\)"):
        add(a.reshape(2, 2), a)
    with pytest.raises(weft.WeftError, match=r"functions.mlir:30:3: error: ml.add: the operands must have the same"):
        add(a, a[:2])
    out = np.empty(512, np.float32)
    assert total(*ARGUMENTS["sum"], out=out) is out


def test_memrefs_are_used_in_place(library):
    m = np.arange(12, dtype=np.float32)
    weft.load(library, "double")(np.lib.stride_tricks.as_strided(m, (2, 3), (24, 8)))
    np.testing.assert_array_equal(m, np.arange(12) * np.array([2, 1] * 6))
    grid = np.arange(12, dtype=np.int32).reshape(3, 4)
    row = weft.load(library, "row")(grid, 1)
    assert np.shares_memory(row, grid) and row.tolist() == [4, 5, 6, 7]


def test_the_entry_is_main_or_the_only_function_or_the_named_one(library, tmp_path):
    with pytest.raises(weft.WeftError, match=r"has 7 functions and none is called '@main'\s.*\n.*'@layer', '@scalars'"):
        weft.load(library)
    with pytest.raises(weft.WeftError, match=r"no function '@laier'.*\n.*did you mean 'layer'"):
        weft.load(library, "laier")
    with pytest.raises(weft.WeftError, match="no function '@hidden'"):
        weft.load(library, "hidden")
    one = exported(FUNCTIONS, tmp_path / "one.so", entries=("add",))
    np.testing.assert_array_equal(weft.load(one)(*ARGUMENTS["add"]), np.arange(7) + 1)


def test_a_library_of_several_objects_has_the_functions_of_all(tmp_path):
    parts = [exported(FUNCTIONS, tmp_path / f"{name}.o", entries=(name,)) for name in ("add", "sum")]
    command("gcc", "-shared", "-o", tmp_path / "both.so", *parts, "-lm")
    for name in ("add", "sum"):
        weft.load(tmp_path / "both.so", name)(*ARGUMENTS[name])


def test_a_file_that_replaced_another_one_is_loaded_anew(tmp_path):
    program = """
        func.func @main(%x: tensor<3xf32>) -> tensor<3xf32> {{
          %y = {} %x : tensor<3xf32>
          return %y : tensor<3xf32>
        }}
    """
    file, x = tmp_path / "f.so", np.array([1, 4, 9], np.float32)
    wanted = {"ml.neg": [-1, -4, -9], "ml.sqrt": [1, 2, 3], "ml.abs": [1, 4, 9]}
    loaded = []
    for op, values in wanted.items():
        exported(program.format(op), file)
        loaded += [weft.load(file), weft.load(file)]
        assert [f(x).tolist() for f in loaded[-2:]] == [values] * 2
    assert [f(x).tolist() for f in loaded[::2]] == list(wanted.values())


def test_a_file_that_was_changed_where_it_lies_is_refused(tmp_path):
    file = exported(FUNCTIONS, tmp_path / "f.so", entries=("add",))
    weft.load(file)
    os.utime(file, (0, 0))
    with pytest.raises(weft.WeftError, match=r"f.so' was changed where it lies.*\nhint: write a new file and move it"):
        weft.load(file)


def test_weft_run_takes_a_library(library, capsys):
    wishes = ["--entry", "add", "--input", "3xf32=1", "--input", "3xf32=2"]
    assert main(["run", str(library), *wishes]) == 0
    told = capsys.readouterr()
    assert told.out == "result0: 3xf32 =\n[3. 3. 3.]\n"
    assert told.err.startswith("loaded in ")
    assert main(["run", str(library), *wishes, "--target", "reference"]) == 1
    assert "is machine code already" in capsys.readouterr().err


# files that are not right


def patched(library, folder, *changes):
    data = library.read_bytes()
    for place, new in changes:
        at = data.index(place) if isinstance(place, bytes) else place
        data = data[:at] + new + data[at + len(new) :]
    out = folder / "patched.so"
    out.write_bytes(data)
    return out


def refused(path, text):
    with pytest.raises(weft.WeftError) as error:
        weft.load(path, "add")
    assert text in str(error.value)
    assert len(error.value.message.splitlines()) == 1


def test_a_file_that_is_no_library_is_refused(library, tmp_path):
    refused(tmp_path / "none.so", "cannot open")
    (tmp_path / "text.so").write_text("func.func @main() { func.return }")
    refused(tmp_path / "text.so", "text.so' is no shared library")
    (tmp_path / "empty.so").touch()
    refused(tmp_path / "empty.so", "is no shared library")
    refused(exported(FUNCTIONS, tmp_path / "code.o"), "is an object, no shared library")
    (tmp_path / "foreign.c").write_text("int add(int a) { return a; }")
    command("gcc", "-shared", "-fPIC", "-o", tmp_path / "foreign.so", tmp_path / "foreign.c")
    refused(tmp_path / "foreign.so", "was not made by weft")


@pytest.mark.parametrize("length", [7, 64, 1000, -1000, -1])
def test_a_cut_library_is_refused(length, library, tmp_path):
    (tmp_path / "cut.so").write_bytes(library.read_bytes()[:length])
    refused(tmp_path / "cut.so", "is damaged")


def test_a_damaged_record_is_refused(library, tmp_path):
    record = b'{"version"'
    refused(patched(library, tmp_path, (record, b"}")), "is damaged")
    refused(patched(library, tmp_path, (record, b'{"versiom"')), "is damaged: an incomplete record")


def test_code_for_another_architecture_or_version_or_cpu_is_refused(library, tmp_path, monkeypatch):
    machine = 18  # where the header has the number of the machine
    own = library.read_bytes()[machine]
    other = 183 if own != 183 else 62
    refused(
        patched(library, tmp_path, (machine, bytes([other]))), "is code for " + {183: "aarch64", 62: "x86_64"}[other]
    )
    refused(patched(library, tmp_path, (machine, b"\x07")), "is code for machine number 7")
    newer = f'"version": "{VERSION[:-1]}9"'.encode()
    refused(
        patched(library, tmp_path, (newer[:11], newer)), f"was made by weft {VERSION[:-1]}9, and this is weft {VERSION}"
    )
    record = shared.open_library(library).records[0]
    lacking = f"-{record.features[0]},-{record.features[1]}"
    monkeypatch.setattr(shared, "host_machine", lambda: Machine(record.triple, "old", lacking))
    refused(library, f"was made for a CPU with {record.features[0]}, {record.features[1]}, which this one lacks")


def test_names_that_are_none_in_c_are_made_some(tmp_path):
    text = """
    func.func @"a-b.c"(%int: i64, %0: i64) -> (i64 {weft.name = "int"}) {
      %1 = arith.subi %int, %0 : i64
      func.return %1 : i64
    }
    """
    library = exported(text, tmp_path / "3d.so")
    assert "int v3d_a_b_c(int64_t int_, int64_t" in library.with_suffix(".h").read_text()
    assert weft.load(library)(5, 3) == 2
    with pytest.raises(weft.WeftError, match=r"'@a-b' would be called 'x_a_b' in C, which is the name of '@a_b'"):
        exported(text.replace("a-b.c", "a_b") + text.replace("a-b.c", "a-b"), tmp_path / "x.so")
