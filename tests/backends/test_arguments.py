"""Arguments are checked against the signature before anything runs, and refused with what came and what should."""

import json

import ml_dtypes
import numpy as np
import pytest

from weft.backends.arguments import bind, check_out, check_value
from weft.backends.signature import Signature, ValueSpec
from weft.diagnostics import WeftError

X = ValueSpec("x", "tensor", "f32", (2, None))
B = ValueSpec("b", "memref", "i32", (3,))
STRIDED = ValueSpec("s", "memref", "f64", (2, 2), (None, 1))
N = ValueSpec("n", "scalar", "i8")
SIGNATURE = Signature("f", (X, B, N), (X,))


def test_a_signature_survives_json():
    assert Signature.from_json(json.loads(json.dumps(SIGNATURE.to_json()))) == SIGNATURE


def test_specs_print_as_types():
    assert [str(X), str(B), str(N)] == ["tensor<2x?xf32>", "memref<3xi32>", "i8"]


def test_arguments_come_in_order_or_by_name():
    assert bind(SIGNATURE, [1, 2, 3], {}) == bind(SIGNATURE, [1], {"n": 3, "b": 2}) == [1, 2, 3]


@pytest.mark.parametrize(
    ("args", "kwargs", "message"),
    [
        ([1, 2, 3, 4], {}, "takes 3 arguments, 4 were given"),
        ([1, 2], {}, "no value for n: i8"),
        ([1, 2], {"m": 1}, "has no argument 'm'"),
        ([1, 2], {"x": 1, "n": 2}, "'x' is given twice"),
    ],
)
def test_a_wrong_list_of_arguments_is_refused(args, kwargs, message):
    with pytest.raises(WeftError, match=message):
        bind(SIGNATURE, args, kwargs)


READ_ONLY = np.zeros(3, np.int32)
READ_ONLY.flags.writeable = False


@pytest.mark.parametrize(
    ("spec", "value", "message"),
    [
        (X, np.zeros((2, 3)), "dtype float64, expected tensor<2x.xf32>"),
        (X, np.zeros((3, 3), np.float32), r"shape \(3, 3\)"),
        (X, np.zeros(2, np.float32), "expected tensor"),
        (X, "text", "expected tensor"),
        (X, object(), "expected tensor"),
        (B, [1, 2, 3], "used in place"),
        (B, np.zeros(3, np.int64), "its dtype must be"),
        (B, np.zeros(6, np.int32)[::2], "its layout needs the strides"),
        (STRIDED, np.zeros((2, 2)).T, "its layout needs the strides"),
        (B, READ_ONLY, "read-only"),
        (N, 128, "128, which i8 cannot hold"),
        (N, 1.5, "1.5, which i8 cannot hold"),
        (N, "1", "expected i8"),
        (ValueSpec("u", "scalar", "ui8"), -1, "-1, which ui8 cannot hold"),
        (ValueSpec("u", "tensor", "ui8", (2,)), [1, 256], "cannot hold"),
        (ValueSpec("t", "scalar", "i1"), 2, "2, which i1 cannot hold"),
    ],
)
def test_a_value_that_does_not_fit_is_refused(spec, value, message):
    with pytest.raises(WeftError, match=message):
        check_value(spec, value)


def test_a_tensor_may_be_strided_and_is_then_copied():
    value = np.arange(12, dtype=np.float32).reshape(2, 6)[:, ::2]
    checked = check_value(X, value)
    assert checked.flags.c_contiguous and np.array_equal(checked, value)


def test_a_contiguous_tensor_is_not_copied():
    value = np.zeros((2, 3), np.float32)
    assert check_value(X, value) is value


def test_a_memref_with_run_time_strides_is_used_in_place():
    value = np.zeros((2, 5))[:, :2]
    assert check_value(STRIDED, value) is value


def test_python_numbers_and_lists_become_arrays():
    assert check_value(ValueSpec("x", "tensor", "f32"), 2).dtype == np.float32
    assert check_value(ValueSpec("x", "tensor", "bf16", (2,)), [1, 2]).dtype == ml_dtypes.bfloat16
    assert check_value(ValueSpec("x", "tensor", "i1", (2,)), [True, False]).dtype == bool


def test_scalars_become_python_numbers():
    assert check_value(N, np.int64(-128)) == -128
    assert check_value(ValueSpec("f", "scalar", "f32"), np.float64(0.5)) == 0.5
    assert check_value(ValueSpec("t", "scalar", "i1"), np.bool_(True)) is True


def test_out_takes_one_array_or_a_tuple():
    array = np.empty((2, 3), np.float32)
    assert check_out([X], array, []) == [array] and check_out([X], None, []) is None


OVERLAPPING = np.zeros((2, 3), np.float32)


@pytest.mark.parametrize(
    ("out", "inputs", "message"),
    [
        ((np.empty((2, 3), np.float32),) * 2, [], "holds 2 arrays, the function gives 1"),
        ([[0.0]], [], "of type list"),
        (np.empty((2, 3)), [], "dtype float64"),
        (np.empty((3, 3), np.float32), [], r"shape \(3, 3\)"),
        (np.empty((2, 6), np.float32)[:, ::2], [], "strided"),
        (OVERLAPPING, [OVERLAPPING], "shares memory"),
    ],
)
def test_a_wrong_out_is_refused(out, inputs, message):
    with pytest.raises(WeftError, match=message):
        check_out([X], out, inputs)
