"""Objects, libraries and assembly in C programs: they give what the reference gives."""

import ml_dtypes
import numpy as np
import pytest

import weft
from tests.end_to_end.ahead.building import FUNCTIONS, HERE, STRICT, built, command, exported, needs_cc
from weft.backends.llvm.elf import undefined_symbols
from weft.diagnostics import WeftError

PROGRAM = HERE / "program.c"
OTHER = """
func.func @two(%x: tensor<2x2xf32>) -> f64 {
  %0 = arith.constant 2.0 : f64
  func.return %0 : f64
}
"""

pytestmark = needs_cc


def line(name, values):
    return f"{name} {' '.join(f'{float(value):.9g}' for value in np.ravel(values))}"


def failure(call, *args):
    with pytest.raises(WeftError) as error:
        call(*args)
    return f"{error.value.where}: {error.value.message}"


def expected():
    """What the program has to print, by the reference."""
    layer, scalars, halves, add, double, row, total = (
        weft.compile(FUNCTIONS, "reference", name)
        for name in ("layer", "scalars", "halves", "add", "double", "row", "sum")
    )
    x = (np.arange(20) % 7 - 3).reshape(5, 4).astype(np.float32)
    w, b = np.arange(12, dtype=np.float32).reshape(4, 3) / 4, np.array([0.5, -1, 2], np.float32)
    flag, small, number, wide, f, d, h, size = scalars(True, -100, 2000000000, -5, np.float32(0.1), 0.1, 1.5, 21)
    bits = int(np.float16(h).view(np.uint16))
    halved, positive = halves(np.array([0x3C00, 0xBC01, 0, 0x7BFF], np.uint16).view(np.float16).reshape(2, 2))
    pairs = zip(halved.view(np.uint16).ravel(), positive.ravel(), strict=True)
    m, grid = np.arange(16, dtype=np.float32), 10 * np.arange(12, dtype=np.int32).reshape(3, 4)
    double(np.lib.stride_tricks.as_strided(m[1:], (2, 3), (32, 8)))
    big = ((np.arange(512 * 512) % 13).astype(np.float32) / np.float32(13)).reshape(512, 512)
    a = np.ones(3, np.float32)
    assert halved.dtype == ml_dtypes.bfloat16
    return [
        line("layer 5x3:", layer(x, w, b)),
        "empty 0x3: status 0",
        line("descriptors", layer(x[:2], w, b)),
        f"scalars {flag:d} {small} {number} {wide} {f:.9g} {d:.17g} {bits:04x} {size}",
        "halves " + " ".join(f"{half:04x}:{sign:d}" for half, sign in pairs),
        line("double", m),
        f"row {row(grid, 2)[0]} {row(grid, 2)[3]} 4",
        f"row 3: {FUNCTIONS}:48:3: 'memref.subview' is out of bounds of memref<3x4xi32>",
        line("sum", total(big)[:3]),
        line("alone", total(big)[:3]),
        f"sizes: {failure(add, a, a[:2])}",
        "below zero: a size is below zero",
        "others: unknown status, unknown status, 1",
    ]


@pytest.fixture(scope="module")
def wanted():
    return expected()


def agree(found, wanted):
    """Lines are equal; those of floats to within the tolerance of sums in another order."""
    lines = found.splitlines()
    assert [one.split()[0] for one in lines] == [one.split()[0] for one in wanted]
    for one, other in zip(lines, wanted, strict=True):
        if one.split()[0] in ("layer", "descriptors", "sum", "alone"):
            numbers, others = ([float(word) for word in words.split()[1:] if "x" not in word] for words in (one, other))
            np.testing.assert_allclose(numbers, others, rtol=1e-5, atol=1e-6)
        else:
            assert one == other


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    return exported(FUNCTIONS, tmp_path_factory.mktemp("so") / "libfunctions.so", threads=2, prefix="functions_")


@pytest.mark.parametrize("ending", ["o", "s"])
def test_a_program_links_an_object_and_gets_what_the_reference_gives(ending, tmp_path, wanted):
    code = exported(FUNCTIONS, tmp_path / f"functions.{ending}", threads=2)
    if ending == "s":
        exported(FUNCTIONS, tmp_path / "functions.o", threads=1)  # for the header
    agree(command(built(PROGRAM, code)), wanted)


def test_a_program_links_a_library(library, tmp_path, wanted):
    library.with_suffix(".h").replace(library.with_name("functions.h"))
    agree(command(built(PROGRAM, library, libraries=(f"-Wl,-rpath,{library.parent}",))), wanted)
    dlopen = built(HERE / "dlopen.c", library, libraries=("-ldl",), flags=(*STRICT, "-Wno-pedantic"))
    assert command(dlopen, library) == wanted[4] + "\n"


def test_the_header_is_clean_in_c_and_cplusplus_and_beside_another(tmp_path):
    exported(FUNCTIONS, tmp_path / "functions.o")
    exported(OTHER, tmp_path / "other.o")
    headers = "".join(f'#include "{name}.h"\n' for name in ("functions", "other", "functions"))
    source = f"{headers}int main(void) {{ return other_error(0) != 0; }}\n"
    for compiler, name, flags in (("gcc", "both.c", STRICT), ("g++", "both.cc", ("-std=c++11", *STRICT[1:]))):
        (tmp_path / name).write_text(source)
        objects = (tmp_path / "functions.o", tmp_path / "other.o")
        assert command(built(tmp_path / name, *objects, compiler=compiler, flags=flags)) == ""


MAIN = """
func.func @main(%x: tensor<2xf32>) -> tensor<2xf32> {{
  %0 = ml.{op} %x, %x : tensor<2xf32>
  func.return %0 : tensor<2xf32>
}}
"""
BOTH = """#include "sum.h"
#include "product.h"
#include <stdio.h>
int main(void) {
  float x[2] = {3, 4}, s[2], p[2];
  weft_f32_1d xs = {x, x, 0, {2}, {1}}, ps = {p, p, 0, {2}, {1}};
  int status = sum_main(x, s) + (int)_mlir_ciface_product_main(&xs, &ps);
  printf("%d %g %g %g %g\\n", status, (double)s[0], (double)s[1], (double)p[0], (double)p[1]);
  return 0;
}
"""


def test_programs_with_functions_of_one_name_fit_into_one_program(tmp_path):
    objects = [
        exported(MAIN.format(op=op), tmp_path / f"{name}.o") for op, name in (("add", "sum"), ("mul", "product"))
    ]
    (tmp_path / "both.c").write_text(BOTH)
    assert command(built(tmp_path / "both.c", *objects)) == "0 6 8 9 16\n"


def test_an_empty_prefix_leaves_the_names_of_the_program(tmp_path):
    exported(MAIN.format(op="add").replace("main", "twice"), tmp_path / "code.ll", prefix="")
    text = (tmp_path / "code.ll").read_text()
    assert "define i64 @_mlir_ciface_twice(" in text and "define signext i32 @twice(" in text


LIBC = {
    *(
        "_GLOBAL_OFFSET_TABLE_",
        "aligned_alloc",
        "clock_gettime",
        "free",
        "getpid",
        "memcpy",
        "memmove",
        "memset",
        "pthread_create",
    ),
    *("pthread_detach", "pthread_sigmask", "sigfillset", "syscall", "sysconf"),
}
"""There is no `fmaf` among them: a product is summed up in two steps where one instruction cannot do it."""


@pytest.mark.parametrize("target", ["cpu", "cpu:x86-64-v2", "cpu:aarch64", "cpu:riscv64"])
def test_an_object_needs_the_c_library_alone(target, tmp_path):
    needed = undefined_symbols(exported(FUNCTIONS, tmp_path / "functions.o", target=target).read_bytes())
    assert set(needed) <= LIBC


NUMBERS = """
func.func @roots(%z: tensor<?x2xcomplex<f32>>) -> (tensor<?x2xcomplex<f32>>, tensor<2xcomplex<f64>>) {
  %0 = ml.sqrt %z : tensor<?x2xcomplex<f32>>
  %1 = ml.constant dense<[(1.0, 2.0), (0.0, 1.0)]> : tensor<2xcomplex<f64>>
  %2 = ml.mul %1, %1 : tensor<2xcomplex<f64>>
  func.return %0, %2 : tensor<?x2xcomplex<f32>>, tensor<2xcomplex<f64>>
}
"""
IN_CPLUSPLUS = """#include "numbers.h"
#include <cstdio>
#include <cstdlib>
int main() {
  std::complex<float> z[2] = {{3, 4}, {-1, 0}}, *roots = nullptr;
  std::complex<double> turned[2];
  int64_t dims[2];
  if (numbers_roots(z, 1, &roots, dims, turned)) return 1;
  std::printf("%g,%g %g,%g\\n", roots[0].real(), roots[0].imag(), turned[1].real(), turned[1].imag());
  std::free(roots);
  return 0;
}
"""


def test_complex_numbers_are_those_of_c_and_cplusplus(tmp_path):
    code = exported(NUMBERS, tmp_path / "numbers.o")
    assert command(built(HERE / "numbers.c", code)).splitlines() == [
        "2x2",
        "roots 2,1 0,1 2,-2 0,0",
        "turned -3,4 -1,0",
        "pairs 2,1 0,1",
    ]
    (tmp_path / "in_cplusplus.cc").write_text(IN_CPLUSPLUS)
    flags = ("-std=c++11", *STRICT[1:])
    assert command(built(tmp_path / "in_cplusplus.cc", code, compiler="g++", flags=flags)) == "2,1 -1,0\n"


def test_a_loaded_library_takes_complex_numbers(tmp_path):
    roots = weft.load(exported(NUMBERS, tmp_path / "numbers.so"))
    z = np.array([[3 + 4j, -1]], np.complex64)
    np.testing.assert_allclose(roots(z)[0], [[2 + 1j, 1j]])
