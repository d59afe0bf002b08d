import re

import numpy as np
import pytest

from tests.backends.reference.harness import module_of, results_of
from weft.backends import reference
from weft.diagnostics import WeftError


def test_functions_call_themselves():
    text = """
      func.func @main(%n: i64) -> i64 {
        %c0 = arith.constant 0 : i64
        %c1 = arith.constant 1 : i64
        %stop = arith.cmpi sle, %n, %c0 : i64
        %r = scf.if %stop -> (i64) {
          scf.yield %c1 : i64
        } else {
          %m = arith.subi %n, %c1 : i64
          %f = func.call @main(%m) : (i64) -> i64
          %p = arith.muli %n, %f : i64
          scf.yield %p : i64
        }
        func.return %r : i64
      }"""
    assert results_of(text, 20) == (2432902008176640000,)
    with pytest.raises(WeftError, match="deeper"):
        results_of(text, 10**6)


def test_loops_carry_scalars_and_tensors():
    text = """
      func.func @main(%x: tensor<3xf32>, %n: index) -> (tensor<3xf32>, i32) {
        %c0 = arith.constant 0 : index
        %c1 = arith.constant 1 : index
        %zero = arith.constant 0 : i32
        %one = arith.constant 1 : i32
        %y, %k = scf.for %i = %c0 to %n step %c1 iter_args(%a = %x, %c = %zero) -> (tensor<3xf32>, i32) {
          %b = arith.addf %a, %a : tensor<3xf32>
          %d = arith.addi %c, %one : i32
          scf.yield %b, %d : tensor<3xf32>, i32
        }
        func.return %y, %k : tensor<3xf32>, i32
      }"""
    x = np.array([1, 2, 3], np.float32)
    y, k = results_of(text, x, 4)
    np.testing.assert_array_equal(y, x * 16)
    assert k == 4
    np.testing.assert_array_equal(results_of(text, x, 0)[0], x)


def test_a_step_that_is_not_positive_is_an_error():
    text = """
      func.func @main(%s: index) {
        %c0 = arith.constant 0 : index
        scf.for %i = %c0 to %s step %c0 {
          scf.yield
        }
        func.return
      }"""
    with pytest.raises(WeftError, match="step must be positive"):
        results_of(text, 3)


def test_while_stops_when_its_condition_says():
    text = """
      func.func @main(%n: i32) -> i32 {
        %two = arith.constant 2 : i32
        %limit = arith.constant 100 : i32
        %r = scf.while (%a = %n) : (i32) -> i32 {
          %go = arith.cmpi slt, %a, %limit : i32
          scf.condition(%go) %a : i32
        } do {
        ^bb0(%b: i32):
          %c = arith.muli %b, %two : i32
          scf.yield %c : i32
        }
        func.return %r : i32
      }"""
    assert results_of(text, 3) == (192,)
    assert results_of(text, 500) == (500,)


def test_index_switch_takes_its_case_or_the_default():
    text = """
      func.func @main(%i: index) -> i32 {
        %r = scf.index_switch %i -> i32
        case 2 {
          %a = arith.constant 20 : i32
          scf.yield %a : i32
        }
        case 5 {
          %b = arith.constant 50 : i32
          scf.yield %b : i32
        }
        default {
          %c = arith.constant 0 : i32
          scf.yield %c : i32
        }
        func.return %r : i32
      }"""
    assert [results_of(text, i)[0] for i in (2, 5, 3)] == [20, 50, 0]


def test_parallel_reduces():
    text = """
      func.func @main(%n: index, %m: index) -> index {
        %c0 = arith.constant 0 : index
        %c1 = arith.constant 1 : index
        %r = "scf.parallel"(%c0, %c0, %n, %m, %c1, %c1, %c0) <{operandSegmentSizes = array<i32: 2, 2, 2, 1>}> ({
        ^bb0(%i: index, %j: index):
          %p = arith.muli %i, %j : index
          "scf.reduce"(%p) ({
          ^bb0(%a: index, %b: index):
            %s = arith.addi %a, %b : index
            scf.reduce.return %s : index
          }) : (index) -> ()
        }) : (index, index, index, index, index, index, index) -> index
        func.return %r : index
      }"""
    assert results_of(text, 4, 5) == (6 * 10,)
    assert results_of(text, 0, 5) == (0,)


def test_execute_region_runs_blocks():
    text = """
      func.func @main(%c: i1) -> i32 {
        %r = scf.execute_region -> i32 {
          %a = arith.constant 1 : i32
          %b = arith.constant 2 : i32
          cf.cond_br %c, ^yes, ^no
        ^yes:
          scf.yield %a : i32
        ^no:
          scf.yield %b : i32
        }
        func.return %r : i32
      }"""
    assert results_of(text, True) == (1,)
    assert results_of(text, False) == (2,)


def test_branches_loop_ten_thousand_times():
    text = """
      func.func @main(%n: i32) -> i32 {
        %zero = arith.constant 0 : i32
        %one = arith.constant 1 : i32
        cf.br ^head(%zero : i32)
      ^head(%i: i32):
        %go = arith.cmpi slt, %i, %n : i32
        cf.cond_br %go, ^body(%i : i32), ^end
      ^body(%j: i32):
        %k = arith.addi %j, %one : i32
        cf.br ^head(%k : i32)
      ^end:
        func.return %i : i32
      }"""
    assert results_of(text, 10_000) == (10_000,)


def test_switch_passes_the_operands_of_its_case():
    text = """
      func.func @main(%f: i32, %a: i32, %b: i32, %c: i32) -> i32 {
        cf.switch %f : i32, [
          default: ^end(%a : i32),
          4: ^end(%b : i32),
          -7: ^end(%c : i32)
        ]
      ^end(%r: i32):
        func.return %r : i32
      }"""
    assert [results_of(text, f, 1, 2, 3)[0] for f in (0, 4, -7)] == [1, 2, 3]


def test_a_failed_assertion_is_an_error_with_its_text():
    text = """
      func.func @main(%c: i1) {
        cf.assert %c, "sizes must agree"
        func.return
      }"""
    assert results_of(text, True) == ()
    with pytest.raises(WeftError, match="sizes must agree"):
        results_of(text, False)


def test_an_op_without_meaning_is_named():
    text = """
      func.func @main() {
        %0 = "test.op"() : () -> i32
        func.return
      }"""
    with pytest.raises(WeftError, match=re.escape("the reference cannot run 'test.op'")):
        results_of(text)


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ((np.zeros(2, np.float64), 1), "argument 0 of @main must be an array of float32"),
        ((np.zeros(3, np.float32), 1), "argument 0 of @main must be tensor<2xf32>"),
        ((np.zeros(2, np.float32), 2**31), "argument 1 of @main must be an integer of int32"),
        ((np.zeros(2, np.float32), 1.5), "argument 1 of @main must be an integer of int32"),
        ((np.zeros(2, np.float32),), "takes 2 arguments"),
    ],
)
def test_arguments_that_do_not_fit_are_refused(args, message):
    text = """
      func.func @main(%x: tensor<2xf32>, %n: i32) -> tensor<2xf32> {
        func.return %x : tensor<2xf32>
      }"""
    with pytest.raises(WeftError, match=message):
        results_of(text, *args)


def test_an_unknown_entry_is_refused_with_a_hint():
    text = "func.func @main() { func.return }"
    with pytest.raises(WeftError, match="no function @mian") as error:
        results_of(text, entry="mian")
    assert error.value.hint == "did you mean 'main'?"


def test_a_loaded_program_gives_one_result_bare_and_writes_to_out():
    text = """
      func.func @main(%x: tensor<2xf32>) -> tensor<2xf32> {
        %y = arith.addf %x, %x : tensor<2xf32>
        func.return %y : tensor<2xf32>
      }"""
    program = reference.load(module_of(text), "main")
    x = np.array([1, 2], np.float32)
    np.testing.assert_array_equal(program(x), [2, 4])
    place = np.zeros(2, np.float32)
    assert program(x, out=place) is place
    np.testing.assert_array_equal(place, [2, 4])
    with pytest.raises(WeftError, match="out 0"):
        program(x, out=np.zeros(3, np.float32))


def test_no_warning_leaks(recwarn):
    text = """
      func.func @main(%x: f32, %y: i32) -> (f32, i32) {
        %a = arith.divf %x, %x : f32
        %b = arith.muli %y, %y : i32
        func.return %a, %b : f32, i32
      }"""
    results_of(text, 0.0, 2**30)
    assert not recwarn.list
