"""Programs on complex numbers: what the CPU computes agrees with the meaning, and with NumPy where that is hard."""

import numpy as np
import pytest

import weft
from weft import WeftError
from weft.passes.pipelines import CPU
from weft.tools.main import main

SHAPES = [(), (1,), (7,), (0, 3), (3, 5)]

OPS = """
func.func @main(%a: TYPE, %b: TYPE, %p: TRUTH, %x: REAL) -> (RESULTS) {
  %add = ml.add %a, %b : TYPE
  %sub = ml.sub %a, %b : TYPE
  %mul = ml.mul %a, %b : TYPE
  %div = ml.div %a, %b : TYPE
  %neg = ml.neg %a : TYPE
  %conj = ml.conj %a : TYPE
  %exp = ml.exp %a : TYPE
  %log = ml.log %a : TYPE
  %sqrt = ml.sqrt %a : TYPE
  %rsqrt = ml.rsqrt %a : TYPE
  %select = ml.select %p, %a, %b : TRUTH, TYPE
  %made = ml.complex %x, %x : REAL
  %from = ml.convert %x : REAL to TYPE
  %joined = ml.mul %div, %exp : TYPE
  %abs = ml.abs %a : TYPE
  %re = ml.real %joined : TYPE
  %im = ml.imag %a : TYPE
  %to = ml.convert %a : TYPE to REAL
  %none = ml.imag %x : REAL
  %eq = ml.compare EQ, %select, %a : TYPE
  %ne = ml.compare NE, %select, %a : TYPE
  %truth = ml.convert %a : TYPE to TRUTH
  func.return VALUES : RESULTS
}
"""
COMPLEX = ["add", "sub", "mul", "div", "neg", "conj", "exp", "log", "sqrt", "rsqrt", "select", "made", "from", "joined"]
REALS = ["abs", "re", "im", "to", "none"]
TRUTHS = ["eq", "ne", "truth"]


def weft_main(capsys, *words):
    """The exit code of a command, and what it writes."""
    code = main(list(words))
    return code, *capsys.readouterr()


def program(dims, part):
    types = {"TYPE": f"tensor<{dims}complex<{part}>>", "REAL": f"tensor<{dims}{part}>", "TRUTH": f"tensor<{dims}i1>"}
    text = OPS.replace("VALUES", ", ".join(f"%{name}" for name in [*COMPLEX, *REALS, *TRUTHS]))
    results = ["TYPE"] * len(COMPLEX) + ["REAL"] * len(REALS) + ["TRUTH"] * len(TRUTHS)
    text = text.replace("RESULTS", ", ".join(results))
    for name, type_ in types.items():
        text = text.replace(name, type_)
    return text


def values(shape, part):
    rng, real = np.random.default_rng(1), np.dtype(f"float{part[1:]}")
    a, b = (rng.normal(size=shape) + 1j * rng.normal(size=shape) for _ in range(2))
    complex_ = np.result_type(real, np.complex64)
    p, x = rng.integers(0, 2, shape).astype(bool), rng.normal(size=shape)
    return [np.asarray(a, complex_), np.asarray(b, complex_), np.asarray(p), np.asarray(x, real)]


def near(found, expected, units=16):
    """Equal, or as near as a few units in the last place of the number, its parts together."""
    found, expected = np.asarray(found), np.asarray(expected)
    assert (found.dtype, found.shape) == (expected.dtype, expected.shape)
    if found.dtype.kind not in "fc":
        np.testing.assert_array_equal(found, expected)
        return
    with np.errstate(all="ignore"):
        error = np.abs(found - expected)
        allowed = units * np.finfo(found.dtype).eps * np.abs(expected) + 4 * np.finfo(found.dtype).smallest_subnormal
    assert np.all((found == expected) | (error <= allowed) | (np.isnan(found) & np.isnan(expected)))


def agrees(text, shapes, part):
    compiled, meaning = weft.compile(text, threads=1), weft.compile(text, target="reference")
    for shape in shapes:
        given = values(shape, part)
        for found, expected in zip(compiled(*given), meaning(*given), strict=True):
            near(found, expected, 64)


@pytest.mark.parametrize("part", ["f32", pytest.param("f64", marks=pytest.mark.long)])
def test_every_op_on_run_time_sizes(part):
    agrees(program("?x?x", part), [(3, 5), (0, 3), (3, 0), (1, 1), (7, 2)], part)


@pytest.mark.parametrize(("shape", "part"), [((), "f64"), ((7,), "f32")])
def test_every_op_on_static_sizes(shape, part):
    agrees(program("".join(f"{n}x" for n in shape), part), [shape], part)


@pytest.mark.long
@pytest.mark.parametrize("part", ["f32", "f64"])
@pytest.mark.parametrize("shape", SHAPES)
def test_every_op_on_every_shape(shape, part):
    agrees(program("".join(f"{n}x" for n in shape), part), [shape], part)


MOVES = """
func.func @main(%a: tensor<?x3xcomplex<f32>>, %s: tensor<complex<f32>>, %p: tensor<i1>) -> (
    tensor<3x?xcomplex<f32>>, tensor<?xcomplex<f32>>, tensor<?x3xcomplex<f32>>, tensor<?x6xcomplex<f32>>,
    tensor<?x1xcomplex<f32>>, tensor<?x3xcomplex<f32>>, tensor<?x3xcomplex<f32>>, tensor<2xcomplex<f32>>, tensor<i32>) {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %a, %c0 : tensor<?x3xcomplex<f32>>
  %0 = ml.transpose %a, perm = [1, 0] : tensor<?x3xcomplex<f32>> to tensor<3x?xcomplex<f32>>
  %1 = ml.reshape %a : tensor<?x3xcomplex<f32>> to tensor<?xcomplex<f32>>
  %2 = ml.broadcast_in_dim %s, dims = [], sizes(%n) : tensor<complex<f32>> to tensor<?x3xcomplex<f32>>
  %3 = ml.concatenate(%a, %2), dim = 1
    : (tensor<?x3xcomplex<f32>>, tensor<?x3xcomplex<f32>>) -> tensor<?x6xcomplex<f32>>
  %4 = ml.slice %a [0:?, 0:3:4] : tensor<?x3xcomplex<f32>> to tensor<?x1xcomplex<f32>>
  %5 = ml.reverse %a, dims = [0, 1] : tensor<?x3xcomplex<f32>> to tensor<?x3xcomplex<f32>>
  %6 = ml.select %p, %a, %2 : tensor<i1>, tensor<?x3xcomplex<f32>>
  %7 = ml.constant dense<[(1.0, -0.0), (0.5, 3.0)]> : tensor<2xcomplex<f32>>
  %8 = ml.get_dimension_size %a, dim = 0 : tensor<?x3xcomplex<f32>> to tensor<i32>
  func.return %0, %1, %2, %3, %4, %5, %6, %7, %8 : tensor<3x?xcomplex<f32>>, tensor<?xcomplex<f32>>,
    tensor<?x3xcomplex<f32>>, tensor<?x6xcomplex<f32>>, tensor<?x1xcomplex<f32>>, tensor<?x3xcomplex<f32>>,
    tensor<?x3xcomplex<f32>>, tensor<2xcomplex<f32>>, tensor<i32>
}
"""


def test_ops_that_move_elements_move_numbers():
    compiled, meaning = weft.compile(MOVES, threads=1), weft.compile(MOVES, target="reference")
    for n in (0, 1, 5):
        a, s = values((n, 3), "f32")[0], np.array(2 - 1j, np.complex64)
        for p in (True, False):
            for found, expected in zip(compiled(a, s, p), meaning(a, s, p), strict=True):
                assert found.dtype == expected.dtype
                np.testing.assert_array_equal(found, expected)


def unary(op, result, part="f32"):
    return f"""
    func.func @main(%a: tensor<?xcomplex<{part}>>) -> tensor<?x{result}> {{
      %r = ml.{op} %a : tensor<?xcomplex<{part}>>
      func.return %r : tensor<?x{result}>
    }}"""


HARD = [0.0, -0.0, 1e-45, 1e-38, 1e-20, 0.5, 0.70710678, -1.0, 1.0, 1.0000001, 3.0, -80.0, 90.0, 1e19, 3e38, -3e38]
"""Parts of numbers whose squares overflow or vanish in f32, and whose logarithm is nearly 0."""


@pytest.mark.parametrize("op", ["abs", "exp", "log", "sqrt"])
def test_functions_are_right_up_to_the_borders_of_the_type(op):
    x = np.array([complex(a, b) for a in HARD for b in HARD], np.complex64)
    found = weft.compile(unary(op, "f32" if op == "abs" else "complex<f32>"), threads=1)(x)
    with np.errstate(all="ignore"):
        expected = getattr(np, op)(x.astype(np.complex128)).astype(found.dtype)
    for parts in (np.real, np.imag) if op == "exp" else ():  # its parts are right one by one
        near(parts(found)[np.abs(x.imag) < 100], parts(expected)[np.abs(x.imag) < 100])
    finite = np.isfinite(expected) & ((np.abs(x.imag) < 100) | (op != "exp"))
    near(found[finite], expected[finite])
    assert finite.sum() > 100
    if op == "sqrt":
        np.testing.assert_array_equal(np.signbit(found.imag), np.signbit(expected.imag))


CAREFUL = ["exp", "log", "sqrt", "expm1", "log1p", "cbrt", "sin", "cos", "tan", "tanh", "sigmoid", "sign"]
"""Functions that are right everywhere."""

SPECIAL = [0.0, -0.0, 1.0, -1.0, np.inf, -np.inf, np.nan, 1e4]


def in_one_program(ops, part):
    """Several functions of one tensor."""
    type_ = f"tensor<?xcomplex<{part}>>"
    lines = "".join(f"  %{op} = ml.{op} %a : {type_}\n" for op in ops)
    values, types = ", ".join(f"%{op}" for op in ops), ", ".join([type_] * len(ops))
    return f"func.func @main(%a: {type_}) -> ({types}) {{\n{lines}  func.return {values} : {types}\n}}"


@pytest.mark.parametrize("part", ["f32", "f64"])
def test_functions_are_exact_everywhere_and_keep_to_annex_g(part):
    text, rng = in_one_program(CAREFUL, part), np.random.default_rng(0)
    compiled, meaning = weft.compile(text, threads=1), weft.compile(text, target="reference")
    spread = 10 ** rng.uniform(-8, 3, 2000) * np.exp(1j * rng.uniform(-np.pi, np.pi, 2000))
    dtype = np.result_type(np.dtype(f"float{part[1:]}"), np.complex64)
    x = np.array([complex(a, b) for a in HARD for b in HARD] + list(spread), dtype)
    x = x[np.maximum(abs(x.real), abs(x.imag)) < 1e5]
    for found, expected in zip(compiled(x), meaning(x), strict=True):
        near(found[np.isfinite(expected)], expected[np.isfinite(expected)], 8)
        np.testing.assert_array_equal(np.isfinite(found), np.isfinite(expected))
    x = np.array([complex(a, b) for a in SPECIAL for b in SPECIAL], dtype)
    for op, found, expected in zip(CAREFUL, compiled(x), meaning(x), strict=True):
        for part_of, other in ((np.real, np.imag), (np.imag, np.real)):
            signless = np.isnan(other(expected))  # then annex G leaves the sign of an infinite part open
            a, b = (np.where(signless, np.abs(part_of(y)), part_of(y)) for y in (found, expected))
            np.testing.assert_allclose(a, b, rtol=1e-5, err_msg=op)


def binary(op, part="f32"):
    type_ = f"tensor<?xcomplex<{part}>>"
    return f"""func.func @main(%a: {type_}, %b: {type_}) -> {type_} {{
      %r = ml.{op} %a, %b : {type_}
      func.return %r : {type_}
    }}"""


def test_powers_of_zero_and_to_zero():
    a = np.array([0, 0, 0, 0, np.inf, 1 + 1j, -4, 3e38 + 3e38j], np.complex64)
    b = np.array([2 + 1j, 0, -1, 1j, 0, 0, 0.5, -1], np.complex64)
    found = weft.compile(binary("pow"), threads=1)(a, b)
    assert found[:2].tolist() == [0, 1] and np.isnan(found[2:4]).all() and found[4:6].tolist() == [1, 1]
    near(found[6:], (a[6:].astype(np.complex128) ** b[6:]).astype(np.complex64))


@pytest.mark.parametrize("op", ["pow", "atan2"])
def test_functions_of_two_numbers(op):
    a, b = values((50,), "f64")[:2]
    found, expected = (weft.compile(binary(op, "f64"), target, threads=1)(a, b) for target in ("cpu", "reference"))
    near(found, expected)


def test_large_powers_keep_their_digits():
    a, b = np.array([1.01 + 0.001j, 0.9j], np.complex64), np.array([3000 + 10j, 700 - 2j], np.complex64)
    near(weft.compile(binary("pow"), threads=1)(a, b), (a.astype(np.complex128) ** b).astype(np.complex64), 2)


def test_the_angle_of_real_numbers_is_theirs():
    y, x = (grid.ravel() for grid in np.meshgrid([-3.0, 0.0, 1e-30, 1e30], [-2.0, 1e-30, 1e30]))
    found = weft.compile(binary("atan2"), threads=1)(y.astype(np.complex64), x.astype(np.complex64))
    near(found, np.arctan2(y, x).astype(np.complex64))


DIVIDE = """
func.func @main(%a: tensor<?xcomplex<f32>>, %b: tensor<?xcomplex<f32>>) -> tensor<?xcomplex<f32>> {
  %r = ml.div %a, %b : tensor<?xcomplex<f32>>
  func.return %r : tensor<?xcomplex<f32>>
}
"""


def test_division_squares_nothing():
    a = np.array([1e38 + 1e38j, 1e-30 + 1e-30j, 1 + 2j, 1 + 2j, 3, 0, -1 + 1j], np.complex64)
    b = np.array([1e38 - 1e38j, 1e-30 + 2e-30j, 1e30 + 1j, 1j, 1e-3j, 5j, 0], np.complex64)
    found = weft.compile(DIVIDE, threads=1)(a, b)
    near(found[:-1], (a[:-1].astype(np.complex128) / b[:-1]).astype(np.complex64))
    assert found[-1].real == -np.inf and found[-1].imag == np.inf


def test_sizes_that_differ_are_said_of_the_op_that_was_written():
    divide = weft.compile(DIVIDE, threads=1)
    with pytest.raises(WeftError, match=r"ml.div: the operands must have the same sizes"):
        divide(np.ones(3, np.complex64), np.ones(2, np.complex64))
    part = weft.compile(
        """func.func @main(%a: tensor<?xf32>, %b: tensor<?xf32>) -> tensor<?xf32> {
          %z = ml.complex %a, %b : tensor<?xf32>
          %r = ml.real %z : tensor<?xcomplex<f32>>
          func.return %r : tensor<?xf32>
        }""",
        threads=1,
    )
    with pytest.raises(WeftError, match=r"ml.complex: the operands must have the same sizes"):
        part(np.ones(3, np.float32), np.ones(2, np.float32))


LOOP = """
func.func @main(%c: tensor<4xcomplex<f64>>, %n: index) -> tensor<4xcomplex<f64>> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = ml.constant dense<(0.0, 0.0)> : tensor<4xcomplex<f64>>
  %r = scf.for %i = %c0 to %n step %c1 iter_args(%z = %zero) -> (tensor<4xcomplex<f64>>) {
    %next = func.call @step(%z, %c) : (tensor<4xcomplex<f64>>, tensor<4xcomplex<f64>>) -> tensor<4xcomplex<f64>>
    scf.yield %next : tensor<4xcomplex<f64>>
  }
  func.return %r : tensor<4xcomplex<f64>>
}
func.func private @step(%z: tensor<4xcomplex<f64>>, %c: tensor<4xcomplex<f64>>) -> tensor<4xcomplex<f64>> {
  %0 = ml.mul %z, %z : tensor<4xcomplex<f64>>
  %1 = ml.add %0, %c : tensor<4xcomplex<f64>>
  func.return %1 : tensor<4xcomplex<f64>>
}
"""


def test_numbers_go_through_loops_and_calls():
    c = np.array([0.1 + 0.2j, -0.5j, -1, 0.25], np.complex128)
    z = np.zeros_like(c)
    for _ in range(9):
        z = z * z + c
    compiled = weft.compile(LOOP, threads=1)
    near(compiled(c, 9), z)
    out = np.empty_like(c)
    compiled(c, 9, out=out)
    near(out, z)


def test_arguments_are_checked_and_made_contiguous():
    negate = weft.compile(unary("neg", "complex<f32>"), threads=1)
    x = values((8,), "f32")[0]
    np.testing.assert_array_equal(negate(x[::2]), -x[::2])
    assert negate([1j, 2]).tolist() == [-1j, -2]
    with pytest.raises(WeftError, match=r"expected tensor<\?xcomplex<f32>>"):
        negate(x.astype(np.complex128))
    real = weft.compile(
        "func.func @main(%a: tensor<?xf32>) -> tensor<?xf32> {\n func.return %a : tensor<?xf32> }", threads=1
    )
    with pytest.raises(WeftError, match="which f32 cannot hold"):
        real([1j, 2])


def test_the_command_line_takes_and_gives_numbers(tmp_path, capsys):
    file = tmp_path / "a.mlir"
    file.write_text(unary("conj", "complex<f32>"))
    code, out, _ = weft_main(capsys, "run", str(file), "--input", "2xcomplex<f32>=[1+2j, -1j]")
    assert code == 0
    assert out == "result0: 2xcomplex<f32> =\n[1.-2.j 0.+1.j]\n"
    code, out, _ = weft_main(capsys, "run", str(file), "--input", "3xcomplex<f32>=random:1")
    assert code == 0 and "j" in out
    code, out, err = weft_main(capsys, "run", str(file), "--input", "2xcomplex<f16>=1")
    assert code == 1 and "'complex<f16>' is not an element type" in err


def test_whoever_checks_the_passes_accuses_none(tmp_path, capsys):
    file = tmp_path / "a.mlir"
    file.write_text(DIVIDE.replace("ml.div", "ml.mul"))
    code, _, err = weft_main(capsys, "opt", str(file), "--check-passes", "--pass-pipeline", CPU, "-o", "/dev/null")
    assert (code, err) == (0, "")


def test_a_single_number_is_not_taken_from_c(tmp_path, capsys):
    file = tmp_path / "a.mlir"
    file.write_text("func.func @f(%z: complex<f32>) -> complex<f32> { func.return %z : complex<f32> }")
    code, _, err = weft_main(capsys, "compile", str(file), "-o", str(tmp_path / "a.o"))
    assert code == 1 and "cannot be called from C: 'z' is complex<f32>" in err
    assert not (tmp_path / "a.o").exists()


def test_a_gradient_does_not_pass_complex_numbers(tmp_path, capsys):
    file = tmp_path / "a.mlir"
    file.write_text("""func.func @f(%x: tensor<f32>) -> tensor<f32> {
      %z = ml.convert %x : tensor<f32> to tensor<complex<f32>>
      %m = ml.abs %z : tensor<complex<f32>>
      func.return %m : tensor<f32>
    }""")
    code, _, err = weft_main(capsys, "opt", str(file), "--differentiate=function=f")
    assert code == 1 and "a.mlir:2:7: error: ml.convert has no gradient: its result is tensor<complex<f32>>" in err
