"""Large constants get into code past LLVM's text: they are in the object what they were in the program."""

import numpy as np
import pytest

import weft
from weft.backends.llvm.blobs import LEAST_BYTES, Blobs
from weft.backends.llvm.elf import read_elf
from weft.backends.llvm.object_code import to_object
from weft.backends.llvm.translate import to_llvm_ir
from weft.driver.passes import run_pipeline
from weft.driver.program import parse
from weft.passes.pipelines import CPU

rng = np.random.default_rng(0)


def program(*arrays):
    """A function that gives constants back."""
    elements = {"float32": "f32", "int8": "i8", "bool": "i1", "float64": "f64"}
    names = [f"tensor<{'x'.join(map(str, array.shape))}x{elements[array.dtype.name]}>" for array in arrays]
    lines = [
        f'  %{n} = ml.constant dense<"0x{array.tobytes().hex()}"> : {name}'
        for n, (array, name) in enumerate(zip(arrays, names, strict=True))
    ]
    values = ", ".join(f"%{n}" for n in range(len(arrays)))
    types = ", ".join(names)
    body = "\n".join([*lines, f"  func.return {values} : {types}"])
    return f"func.func @main() -> ({types}) {{\n{body}\n}}\n"


LARGE = rng.standard_normal(LEAST_BYTES // 4).astype(np.float32)
SMALL = rng.standard_normal(LEAST_BYTES // 4 - 1).astype(np.float32)
TRUTHS = rng.integers(0, 2, (3, LEAST_BYTES)).astype(bool)
BYTES = rng.integers(-128, 128, LEAST_BYTES + 1).astype(np.int8)
ZEROS = np.zeros(LEAST_BYTES, np.float64)
ARRAYS = (LARGE, SMALL, TRUTHS, BYTES, ZEROS)


def test_constants_of_any_size_come_back():
    for found, wanted in zip(weft.compile(program(*ARRAYS))(), ARRAYS, strict=True):
        np.testing.assert_array_equal(found, wanted)


@pytest.fixture(scope="module")
def lowered():
    module = parse(program(*ARRAYS))
    run_pipeline(module, CPU)
    return module


def test_large_constants_are_no_text(lowered):
    blobs = Blobs()
    ir = to_llvm_ir(lowered, blobs)
    assert sorted(map(len, blobs.data.values())) == sorted([LARGE.nbytes, TRUTHS.nbytes, BYTES.nbytes])
    assert len(ir) < len(to_llvm_ir(lowered)) / 2
    code = to_object(ir)
    whole, elf = blobs.put_into(code), read_elf(code)
    assert len(whole) == len(code)
    for name, data in blobs.data.items():
        assert not any(code[elf.sections[name]])
        assert whole[elf.sections[name]] == data


def test_without_blobs_the_object_holds_the_same_data(lowered):
    code = to_object(to_llvm_ir(lowered))
    assert LARGE.tobytes() in code and BYTES.tobytes() in code
