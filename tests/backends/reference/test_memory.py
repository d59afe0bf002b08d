"""memref, bufferization and affine: NumPy memory, in place, with every access inside its bounds."""

import numpy as np
import pytest

from tests.backends.reference.harness import results_of
from weft.diagnostics import WeftError


def test_stores_are_seen_by_the_caller():
    text = """
      func.func @main(%m: memref<2x3xf32, strided<[?, ?], offset: ?>>, %v: f32) {
        %c1 = arith.constant 1 : index
        %c2 = arith.constant 2 : index
        memref.store %v, %m[%c1, %c2] : memref<2x3xf32, strided<[?, ?], offset: ?>>
        func.return
      }"""
    base = np.zeros((6, 4), np.float32)
    view = base[::-3, ::-1][:, :3]
    results_of(text, view, 5.0)
    assert view[1, 2] == 5.0
    assert np.count_nonzero(base) == 1


@pytest.mark.parametrize(("i", "axis"), [(2, 0), (-1, 0)])
def test_an_access_outside_is_an_error(i, axis):
    text = """
      func.func @main(%m: memref<2xf32>, %i: index) -> f32 {
        %r = memref.load %m[%i] : memref<2xf32>
        func.return %r : f32
      }"""
    with pytest.raises(WeftError, match=f"index {i} in dimension {axis}, whose size is 2"):
        results_of(text, np.zeros(2, np.float32), i)


def test_a_layout_that_does_not_fit_is_refused():
    text = "func.func @main(%m: memref<2x2xf32>) { func.return }"
    with pytest.raises(WeftError, match="strides"):
        results_of(text, np.zeros((2, 2), np.float32).T)


def test_views_share_memory():
    text = """
      func.func @main(%m: memref<4x6xf32>, %v: f32, %k: index) -> (f32, index) {
        %c0 = arith.constant 0 : index
        %c1 = arith.constant 1 : index
        %s = memref.subview %m[1, %k] [2, 2] [2, 1]
          : memref<4x6xf32> to memref<2x2xf32, strided<[12, 1], offset: ?>>
        memref.store %v, %s[%c1, %c0] : memref<2x2xf32, strided<[12, 1], offset: ?>>
        %f = memref.collapse_shape %m [[0, 1]] : memref<4x6xf32> into memref<24xf32>
        %e = memref.expand_shape %f [[0, 1]] output_shape [6, 4] : memref<24xf32> into memref<6x4xf32>
        %c5 = arith.constant 5 : index
        %r = memref.load %e[%c5, %c0] : memref<6x4xf32>
        %n = memref.dim %e, %c1 : memref<6x4xf32>
        func.return %r, %n : f32, index
      }"""
    memory = np.zeros((4, 6), np.float32)
    assert results_of(text, memory, 7.0, 2) == (7.0, 4)
    assert memory[3, 2] == 7.0
    with pytest.raises(WeftError, match="takes 2 elements from 5"):
        results_of(text, memory, 7.0, 5)


def test_reinterpret_cast_and_views_of_bytes():
    text = """
      func.func @main(%m: memref<12xf32>, %o: index) -> f32 {
        %c1 = arith.constant 1 : index
        %r = memref.reinterpret_cast %m to offset: [%o], sizes: [2, 3], strides: [1, 2]
          : memref<12xf32> to memref<2x3xf32, strided<[1, 2], offset: ?>>
        %v = memref.load %r[%c1, %c1] : memref<2x3xf32, strided<[1, 2], offset: ?>>
        %b = memref.alloc() : memref<16xi8>
        %w = memref.view %b[%o][] : memref<16xi8> to memref<2xf32>
        memref.store %v, %w[%c1] : memref<2xf32>
        %x = memref.load %w[%c1] : memref<2xf32>
        memref.dealloc %b : memref<16xi8>
        func.return %x : f32
      }"""
    memory = np.arange(12, dtype=np.float32)
    assert results_of(text, memory, 4) == (7.0,)
    with pytest.raises(WeftError, match="beyond its memory"):
        results_of(text, memory, 8)


def test_globals_keep_what_is_stored_until_the_run_ends():
    text = """
      "memref.global"() <{sym_name = "g", sym_visibility = "private", type = memref<2xi32>,
        initial_value = dense<[3, 4]> : tensor<2xi32>}> : () -> ()
      func.func @bump() {
        %c0 = arith.constant 0 : index
        %m = memref.get_global @g : memref<2xi32>
        %v = memref.load %m[%c0] : memref<2xi32>
        %w = arith.addi %v, %v : i32
        memref.store %w, %m[%c0] : memref<2xi32>
        func.return
      }
      func.func @main() -> (i32, i32) {
        %c0 = arith.constant 0 : index
        %c1 = arith.constant 1 : index
        func.call @bump() : () -> ()
        func.call @bump() : () -> ()
        %m = memref.get_global @g : memref<2xi32>
        %a = memref.load %m[%c0] : memref<2xi32>
        %b = memref.load %m[%c1] : memref<2xi32>
        func.return %a, %b : i32, i32
      }"""
    assert results_of(text) == (12, 4)
    assert results_of(text) == (12, 4)


def test_copies_go_through_layouts_and_must_fit():
    text = """
      func.func @main(%a: memref<?x?xi16>, %b: memref<?x?xi16>) {
        "memref.copy"(%a, %b) : (memref<?x?xi16>, memref<?x?xi16>) -> ()
        func.return
      }"""
    a, b = np.arange(6, dtype=np.int16).reshape(2, 3), np.zeros((2, 3), np.int16)
    results_of(text, a, b)
    np.testing.assert_array_equal(a, b)
    with pytest.raises(WeftError, match="copies sizes"):
        results_of(text, a, np.zeros((3, 2), np.int16))


def test_a_negative_size_is_an_error():
    text = """
      func.func @main(%n: index) {
        %m = memref.alloc(%n) : memref<?xf32>
        func.return
      }"""
    results_of(text, 0)
    with pytest.raises(WeftError, match="size -1"):
        results_of(text, -1)


def test_tensors_and_memory_do_not_alias():
    text = """
      func.func @main(%m: memref<2xf32>, %v: f32, %o: memref<2xf32>) -> tensor<2xf32> {
        %c0 = arith.constant 0 : index
        %t = bufferization.to_tensor %m restrict : memref<2xf32> to tensor<2xf32>
        memref.store %v, %m[%c0] : memref<2xf32>
        bufferization.materialize_in_destination %t in restrict writable %o : (tensor<2xf32>, memref<2xf32>) -> ()
        func.return %t : tensor<2xf32>
      }"""
    memory, out = np.array([1, 2], np.float32), np.zeros(2, np.float32)
    (found,) = results_of(text, memory, 9.0, out)
    np.testing.assert_array_equal(found, [1, 2])
    np.testing.assert_array_equal(out, [1, 2])
    np.testing.assert_array_equal(memory, [9, 2])


def test_affine_loops_with_maps_and_carried_values():
    text = """
      func.func @main(%m: memref<8xf32>, %n: index) -> f32 {
        %zero = arith.constant 0.0 : f32
        %r = affine.for %i = 0 to min affine_map<(d0) -> (d0, 8)>(%n) step 2 iter_args(%a = %zero) -> (f32) {
          %v = affine.load %m[%i + 1] : memref<8xf32>
          %s = arith.addf %a, %v : f32
          affine.store %s, %m[%i] : memref<8xf32>
          affine.yield %s : f32
        }
        func.return %r : f32
      }"""
    memory = np.arange(8, dtype=np.float32)
    assert results_of(text, memory, 100) == (16.0,)
    np.testing.assert_array_equal(memory, [1, 1, 4, 3, 9, 5, 16, 7])
    assert results_of(text, memory, 0) == (0.0,)


def test_affine_if_and_apply():
    text = """
      func.func @main(%i: index) -> index {
        %a = affine.apply affine_map<(d0) -> (d0 floordiv 3 + d0 mod 3)> (%i)
        %r = "affine.if"(%i) ({
          "affine.yield"(%a) : (index) -> ()
        }, {
          "affine.yield"(%i) : (index) -> ()
        }) {condition = affine_set<(d0) : (d0 - 3 >= 0)>} : (index) -> index
        func.return %r : index
      }"""
    assert [results_of(text, i)[0] for i in (2, 3, 11)] == [2, 1, 5]


def test_affine_parallel_reduces():
    # xDSL wants one operand more for each result
    text = """
      func.func @main(%m: memref<4x3xi32>) -> i32 {
        %c0 = arith.constant 0 : index
        %r = "affine.parallel"(%c0) ({
        ^bb0(%i: index, %j: index):
          %v = affine.load %m[%i, %j] : memref<4x3xi32>
          "affine.yield"(%v) : (i32) -> ()
        }) {reductions = ["maxs"], lowerBoundsMap = affine_map<() -> (0, 0)>,
            lowerBoundsGroups = dense<1> : vector<2xi32>,
            upperBoundsMap = affine_map<() -> (4, 3)>, upperBoundsGroups = dense<1> : vector<2xi32>, steps = [1, 1]}
          : (index) -> i32
        func.return %r : i32
      }"""
    memory = np.array([[-5, -3, -9]] * 4, np.int32)
    assert results_of(text, memory) == (-3,)
