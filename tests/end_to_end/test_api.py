"""`weft.parse` and `weft.compile`, as a user calls them."""

import gc
import resource
from types import BuiltinFunctionType

import numpy as np
import pytest

import weft

LAYER = """
func.func @main(%x: tensor<?x4xf32>, %w: tensor<4x3xf32>, %b: tensor<3xf32>) -> tensor<?x3xf32> {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x4xf32>
  %0 = ml.matmul %x, %w : (tensor<?x4xf32>, tensor<4x3xf32>) -> tensor<?x3xf32>
  %1 = ml.broadcast_in_dim %b, dims = [1], sizes(%n) : tensor<3xf32> to tensor<?x3xf32>
  %2 = ml.add %0, %1 : tensor<?x3xf32>
  %3 = ml.relu %2 : tensor<?x3xf32>
  func.return %3 : tensor<?x3xf32>
}
"""
ADD = """
func.func @add(%a: tensor<4xf32>, %b: tensor<4xf32>) -> tensor<4xf32> {
  %0 = ml.add %a, %b : tensor<4xf32>
  func.return %0 : tensor<4xf32>
}
"""


@pytest.fixture(scope="module", params=["cpu", "reference"])
def target(request):
    return request.param


@pytest.mark.parametrize("rows", [0, 1, 2, 7, 64, 129])
def test_a_layer_with_any_number_of_rows(target, rows):
    rng = np.random.default_rng(rows)
    x, w, b = (rng.standard_normal(s).astype(np.float32) for s in ((rows, 4), (4, 3), (3,)))
    found = weft.compile(LAYER, target)(x, w, b)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, np.maximum(x @ w + b, 0), rtol=1e-5, atol=1e-6)


def test_arguments_by_name_and_out(target):
    f = weft.compile(ADD, target)
    a, b, out = np.arange(4, dtype=np.float32), np.ones(4, np.float32), np.empty(4, np.float32)
    assert f(b=b, a=a, out=out) is out
    np.testing.assert_array_equal(out, a + b)


def test_several_results_come_as_a_tuple_and_none_as_none(target):
    text = """
    func.func @two(%a: tensor<2xi32>) -> (tensor<2xi32>, i64) {
      %0 = ml.neg %a : tensor<2xi32>
      %1 = arith.constant 7 : i64
      func.return %0, %1 : tensor<2xi32>, i64
    }
    """
    array, number = weft.compile(text, target)(np.array([1, -2], np.int32))
    assert array.tolist() == [-1, 2] and number == 7 and not isinstance(number, np.ndarray)
    assert weft.compile("func.func @none() {\n func.return }", target)() is None


def test_memrefs_are_used_in_place(target):
    text = """
    func.func @scale(%m: memref<?xf64>, %s: f64) {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %n = memref.dim %m, %c0 : memref<?xf64>
      scf.for %i = %c0 to %n step %c1 {
        %0 = memref.load %m[%i] : memref<?xf64>
        %1 = arith.mulf %0, %s : f64
        memref.store %1, %m[%i] : memref<?xf64>
      }
      func.return
    }
    """
    array = np.arange(5.0)
    assert weft.compile(text, target)(array, 2) is None
    assert array.tolist() == [0, 2, 4, 6, 8]


def test_a_failed_check_says_where_and_leaves_the_process_alive(target):
    text = """
    func.func @add(%a: tensor<?xf32>, %b: tensor<?xf32>) -> tensor<?xf32> {
      %0 = ml.add %a, %b : tensor<?xf32>
      func.return %0 : tensor<?xf32>
    }
    """
    f = weft.compile(text, target)
    with pytest.raises(weft.WeftError, match="3:7"):
        f(np.ones(3, np.float32), np.ones(4, np.float32))
    assert f(np.ones(3, np.float32), np.ones(3, np.float32)).tolist() == [2, 2, 2]


def test_an_argument_of_the_wrong_type_is_refused_before_anything_runs(target):
    with pytest.raises(weft.WeftError, match=r"argument 'b' is an array of shape \(4,\) and dtype float64"):
        weft.compile(ADD, target)(np.ones(4, np.float32), np.ones(4))


def test_the_entry_is_main_or_the_only_public_function_or_named():
    two = ADD + ADD.replace("@add", "@other")
    with pytest.raises(weft.WeftError, match="2 public functions and none is called '@main'"):
        weft.compile(two)
    assert weft.compile(two, entry="other").signature.name == "other"
    with pytest.raises(weft.WeftError, match="did you mean 'other'"):
        weft.compile(two, entry="othr")


def test_a_module_is_left_as_it_was():
    module = weft.parse(ADD)
    before = str(module)
    weft.compile(module)(np.ones(4, np.float32), np.ones(4, np.float32))
    assert str(module) == before


def test_a_path_or_text_is_a_program(tmp_path):
    path = tmp_path / "add.mlir"
    path.write_text(ADD)
    for program in (path, str(path), ADD):
        assert weft.compile(program)(np.ones(4, np.float32), np.ones(4, np.float32)).tolist() == [2] * 4


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"target": "cpuu"}, "unknown target 'cpuu'"),
        ({"target": "cuda:ninety"}, "unknown target 'cuda:ninety'"),
        ({"threads": 0}, "threads must be 1 to 1024, not 0"),
        ({"threads": 10**11}, "threads must be 1 to 1024, not 100000000000"),
        ({"pipeline": "builtin.module(nosuch)"}, "'nosuch' does not refer to a registered pass"),
        ({"pipeline": "cse"}, "wrapped with the anchor"),
    ],
)
def test_a_wrong_request_is_refused(options, message):
    with pytest.raises(weft.WeftError, match=message):
        weft.compile(ADD, **options)


def test_a_kernel_is_no_function_to_call():
    kernel = "func.func @k(%x: memref<4xf32>) attributes {loop.kernel} {\n  func.return\n}\n"
    with pytest.raises(weft.WeftError, match="'@k' is a kernel and cannot be called from outside"):
        weft.compile(kernel)


def test_a_file_that_is_not_there_is_named():
    with pytest.raises(weft.WeftError, match=r"cannot open input file 'nofile\.mlir'"):
        weft.compile("nofile.mlir")


def test_a_wrong_program_is_refused_at_its_place():
    with pytest.raises(weft.WeftError, match="<string>:3"):
        weft.compile(ADD.replace("ml.add", "ml.ad"))


def test_compiled_code_comes_from_the_cache_the_second_time(tmp_path, monkeypatch):
    monkeypatch.setenv("WEFT_CACHE_DIR", str(tmp_path))
    assert [weft.compile(ADD).from_cache for _ in range(2)] == [False, True]
    assert not weft.compile(ADD, threads=1).from_cache
    for entry in tmp_path.iterdir():
        entry.write_bytes(b"damaged")
    again = weft.compile(ADD)
    assert not again.from_cache
    assert again(np.ones(4, np.float32), np.ones(4, np.float32)).tolist() == [2] * 4


LARGE = """
func.func @main(%x: tensor<?x?xf16>, %v: tensor<f16>) -> tensor<?x?xf16> {
  %r = ml.pad %x, %v, low = [0, 0], high = [-3, 4611686018427387904] : tensor<?x?xf16>, tensor<f16> to tensor<?x?xf16>
  func.return %r : tensor<?x?xf16>
}
"""


@pytest.mark.parametrize("target", ["cpu", "reference"])
def test_a_result_that_no_array_can_be_is_an_error(target):
    with pytest.raises(weft.WeftError) as caught:
        weft.compile(LARGE, target=target)(np.zeros((3, 5), np.float16), np.zeros((), np.float16))
    assert "too large an array" in str(caught.value)


def test_only_what_the_entry_needs_is_compiled():
    text = """
    func.func @other(%v: vector<4xf32>) -> vector<4xf32> {
      func.return %v : vector<4xf32>
    }
    func.func @one(%x: tensor<2xf32>) -> tensor<2xf32> {
      func.return %x : tensor<2xf32>
    }
    """
    assert weft.compile(text, entry="one")(np.float32([1, 2])).tolist() == [1, 2]
    with pytest.raises(weft.WeftError):
        weft.compile(text, entry="other")


def test_the_arguments_of_a_gradient_are_named_by_position():
    with pytest.raises(weft.WeftError, match="wrt= takes the positions of arguments"):
        weft.value_and_grad(
            "func.func @f(%x: tensor<f32>) -> tensor<f32> {\n  func.return %x : tensor<f32>\n}", wrt=["x"]
        )


DYNAMIC = """func.func @main(%a: tensor<?x?xf32>, %b: tensor<2xf32>) -> (tensor<?x?xf32>, tensor<2xf32>) {
  %0 = ml.neg %a : tensor<?x?xf32>
  %1 = ml.neg %b : tensor<2xf32>
  func.return %0, %1 : tensor<?x?xf32>, tensor<2xf32>
}
"""


def test_a_result_of_run_time_size_needs_no_python_and_frees_its_memory():
    compiled = weft.compile(DYNAMIC)
    assert isinstance(type(compiled).__call__, BuiltinFunctionType)
    b = np.ones(2, np.float32)
    for shape in ((0, 0), (0, 3), (1, 1), (3, 5)):
        a = np.random.default_rng(0).standard_normal(shape, np.float32)
        result, other = compiled(a, b)
        np.testing.assert_array_equal(result, -a)
        np.testing.assert_array_equal(other, -b)
        assert result.flags.writeable and result.flags.c_contiguous
        out = np.empty(shape, np.float32), np.empty(2, np.float32)
        compiled(a, b, out=out)
        np.testing.assert_array_equal(out[0], -a)
    big = np.ones((1 << 10, 1 << 11), np.float32)
    compiled(big, b)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in range(20):
        compiled(big, b)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 4 * (8 << 10)
    with pytest.raises(weft.WeftError, match="expected tensor<"):
        compiled(big.astype(np.float64), b)


def test_a_result_outlives_the_program():
    result = weft.compile(LAYER)(np.ones((2, 4), np.float32), np.ones((4, 3), np.float32), np.zeros(3, np.float32))
    gc.collect()
    assert result.tolist() == [[4.0] * 3] * 2
    del result
    gc.collect()
