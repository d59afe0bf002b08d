"""The passes `convert-scf-to-cf` and `convert-to-llvm`: host programs compiled and run."""

import itertools

import numpy as np
import pytest

from tests.passes.lower.host_programs import build, lower
from weft.diagnostics import WeftError

SCF = ("convert-scf-to-cf",)


def test_nested_conditions_give_values():
    f = build(
        """
        func.func @f(%a: i32, %b: i32) -> (i32, f32) {
          %c = arith.cmpi slt, %a, %b : i32
          %x = arith.constant 1.5 : f32
          %y = arith.constant -2.5 : f32
          %r, %s = scf.if %c -> (i32, f32) {
            %z = arith.constant 0 : i32
            %n = arith.cmpi slt, %a, %z : i32
            %q = scf.if %n -> (i32) { scf.yield %z : i32 } else { scf.yield %a : i32 }
            scf.yield %q, %x : i32, f32
          } else {
            scf.yield %b, %y : i32, f32
          }
          func.return %r, %s : i32, f32
        }""",
        passes=SCF,
    )
    assert f(1, 5) == (1, 1.5)
    assert f(-7, 5) == (0, 1.5)
    assert f(9, 5) == (5, -2.5)


def test_a_while_loop_runs_to_its_end():
    f = build(
        """
        func.func @f(%n: i64) -> (i64, i64) {
          %c0 = arith.constant 0 : i64
          %c1 = arith.constant 1 : i64
          %c2 = arith.constant 2 : i64
          %c3 = arith.constant 3 : i64
          %last, %steps = scf.while (%x = %n, %k = %c0) : (i64, i64) -> (i64, i64) {
            %more = arith.cmpi ne, %x, %c1 : i64
            scf.condition(%more) %x, %k : i64, i64
          } do {
          ^bb0(%x: i64, %k: i64):
            %bit = arith.andi %x, %c1 : i64
            %odd = arith.cmpi eq, %bit, %c1 : i64
            %next = scf.if %odd -> (i64) {
              %t = arith.muli %x, %c3 : i64
              %u = arith.addi %t, %c1 : i64
              scf.yield %u : i64
            } else {
              %h = arith.divsi %x, %c2 : i64
              scf.yield %h : i64
            }
            %k1 = arith.addi %k, %c1 : i64
            scf.yield %next, %k1 : i64, i64
          }
          func.return %last, %steps : i64, i64
        }""",
        passes=SCF,
    )
    assert f(27) == (1, 111)
    assert f(1) == (1, 0)


def test_loops_carry_values_and_may_run_zero_times():
    f = build(
        """
        func.func @f(%lo: index, %hi: index, %step: index) -> (index, index) {
          %c0 = arith.constant 0 : index
          %sum, %count = scf.for %i = %lo to %hi step %step iter_args(%s = %c0, %n = %c0) -> (index, index) {
            %c1 = arith.constant 1 : index
            %s1 = arith.addi %s, %i : index
            %n1 = arith.addi %n, %c1 : index
            scf.yield %s1, %n1 : index, index
          }
          func.return %sum, %count : index, index
        }""",
        passes=SCF,
    )
    for lo, hi, step in itertools.product((-3, 0, 2), (-3, 0, 1, 7), (1, 2, 5)):
        wanted = range(lo, hi, step)
        assert f(lo, hi, step) == (sum(wanted), len(wanted))
    for step in (0, -1):
        with pytest.raises(WeftError, match=r"the step of 'scf\.for' must be positive"):
            f(0, 4, step)


def test_a_loop_that_stands_still_is_refused():
    text = """func.func @f(%n: index) {
      %c0 = arith.constant 0 : index
      scf.for %i = %c0 to %n step %c0 { scf.yield }
      func.return }"""
    with pytest.raises(WeftError, match=r"the step of 'scf\.for' is 0, it must be positive"):
        lower(text, SCF)


def test_a_switch_takes_the_case_of_its_index():
    f = build(
        """
        func.func @f(%i: index) -> i32 {
          %r = scf.index_switch %i -> i32
          case 2 { %a = arith.constant 20 : i32  scf.yield %a : i32 }
          case -1 { %b = arith.constant -10 : i32  scf.yield %b : i32 }
          default { %c = arith.constant 0 : i32  scf.yield %c : i32 }
          func.return %r : i32
        }""",
        passes=SCF,
    )
    assert [int(f(i)) for i in (2, -1, 0, 3, 2**32 + 2)] == [20, -10, 0, 0, 0]


def test_a_parallel_loop_reduces_in_sequence():
    f = build(
        """
        func.func @f(%a: memref<?x?xf32>, %start: f32) -> f32 {
          %c0 = arith.constant 0 : index
          %c1 = arith.constant 1 : index
          %n = memref.dim %a, %c0 : memref<?x?xf32>
          %m = memref.dim %a, %c1 : memref<?x?xf32>
          %r = "scf.parallel"(%c0, %c0, %n, %m, %c1, %c1, %start)
              <{operandSegmentSizes = array<i32: 2, 2, 2, 1>}> ({
          ^bb0(%i: index, %j: index):
            %v = memref.load %a[%i, %j] : memref<?x?xf32>
            scf.reduce(%v : f32) {
            ^bb0(%l: f32, %r2: f32):
              %s = arith.addf %l, %r2 : f32
              scf.reduce.return %s : f32
            }
          }) : (index, index, index, index, index, index, f32) -> f32
          func.return %r : f32
        }""",
        passes=SCF,
    )
    a = np.arange(12, dtype=np.float32).reshape(3, 4)
    assert f(a, 0.5) == 66.5
    assert f(np.zeros((0, 4), np.float32), 0.5) == 0.5


def test_a_region_is_executed_and_may_leave_from_several_blocks():
    f = build(
        """
        func.func @f(%c: i1, %a: i32, %b: i32) -> i32 {
          %r = scf.execute_region -> (i32) {
            cf.cond_br %c, ^one, ^two
          ^one:
            scf.yield %a : i32
          ^two:
            scf.yield %b : i32
          }
          func.return %r : i32
        }""",
        passes=SCF,
    )
    assert (f(True, 3, 4), f(False, 3, 4)) == (3, 4)


def test_branches_to_one_block_with_different_values_keep_them_apart():
    f = build(
        """
        func.func @f(%c: i1, %k: i32) -> i32 {
          %a = arith.constant 1 : i32
          %b = arith.constant 2 : i32
          cf.cond_br %c, ^switch, ^end(%b : i32)
        ^switch:
          cf.switch %k : i32, [ default: ^end(%a : i32), 7: ^end(%b : i32), 8: ^end(%k : i32) ]
        ^end(%r: i32):
          func.return %r : i32
        ^nowhere(%x: i32):
          cf.br ^end(%x : i32)
        }""",
        passes=SCF,
    )
    assert [int(f(True, k)) for k in (0, 7, 8)] == [1, 2, 8]
    assert f(False, 0) == 2


def test_an_assertion_that_fails_is_an_error_with_its_text():
    text = """func.func private @g(%c: i1) { cf.assert %c, "sizes differ"  func.return }
      func.func @f(%c: i1, %a: i32) -> i32 { func.call @g(%c) : (i1) -> ()  func.return %a : i32 }"""
    f = build(text, passes=SCF)
    assert f(True, 3) == 3
    with pytest.raises(WeftError, match="sizes differ"):
        f(False, 3)


@pytest.mark.parametrize("way", [("f", "f"), ("g", "f"), ("f", "g")])
def test_recursion_is_refused(way):
    first, second = way
    text = f"""
      func.func @f(%a: i32) -> i32 {{ %r = func.call @{first}(%a) : (i32) -> i32  func.return %r : i32 }}
      func.func private @g(%a: i32) -> i32 {{ %r = func.call @{second}(%a) : (i32) -> i32  func.return %r : i32 }}"""
    with pytest.raises(WeftError, match=r"recursion is not supported: @\w -> @\w"):
        lower(text, SCF)


def test_code_outside_of_the_program_is_not_called():
    text = """func.func private @system(%a: i32) -> i32
      func.func @f(%a: i32) -> i32 { %r = func.call @system(%a) : (i32) -> i32  func.return %r : i32 }"""
    with pytest.raises(WeftError, match="@system has no body"):
        lower(text, SCF)


def test_functions_may_be_called_as_functions_of_c_are():
    f = build(
        """
        func.func private @exp(%a: f32) -> f32 { func.return %a : f32 }
        func.func private @free(%a: f32) -> f32 { %r = func.call @exp(%a) : (f32) -> f32  func.return %r : f32 }
        func.func @f(%a: f32) -> f32 {
          %m = memref.alloc() : memref<4xf32>
          %r = func.call @free(%a) : (f32) -> f32
          %e = math.exp %r : f32
          memref.dealloc %m : memref<4xf32>
          func.return %e : f32
        }""",
        passes=SCF,
    )
    assert np.isclose(f(1.0), np.e)


ACCESS = """func.func @f(%a: memref<3x?xi32>, %i: index, %j: index) -> i32 {
  %c1 = arith.constant 1 : i32
  %v = memref.load %a[%i, %j] : memref<3x?xi32>
  %w = arith.addi %v, %c1 : i32
  memref.store %w, %a[%i, %j] : memref<3x?xi32>
  func.return %v : i32
}"""


def test_an_index_outside_is_an_error_and_nothing_is_touched():
    f = build(ACCESS, passes=SCF)
    a = np.arange(12, dtype=np.int32).reshape(3, 4)
    assert f(a, 2, 3) == 11
    assert a[2, 3] == 12
    before = a.copy()
    for i, j in ((3, 0), (-1, 0), (0, 4), (0, -1), (1 << 62, 0), (0, -(1 << 63))):
        with pytest.raises(WeftError, match=r"'memref\.load' is out of bounds of memref<3x\?xi32>"):
            f(a, i, j)
    np.testing.assert_array_equal(a, before)


def test_bounds_checks_can_be_left_out():
    assert "out of bounds" in str(lower(ACCESS, SCF))
    assert "out of bounds" not in str(lower(ACCESS, SCF, bounds_checks=False))


@pytest.mark.parametrize("dtype", [np.bool_, np.int8, np.int16, np.int64, np.float16, np.float32, np.float64])
def test_elements_of_every_type_are_copied_and_returned(dtype):
    name = {"bool": "i1", "float16": "f16", "float32": "f32", "float64": "f64"}.get(np.dtype(dtype).name)
    name = name or np.dtype(dtype).name.replace("int", "i")
    f = build(
        f"""
        func.func @f(%a: memref<?x{name}>, %b: memref<?x{name}>, %i: index) -> {name} {{
          "memref.copy"(%a, %b) : (memref<?x{name}>, memref<?x{name}>) -> ()
          %v = memref.load %b[%i] : memref<?x{name}>
          func.return %v : {name}
        }}""",
        passes=SCF,
    )
    a = np.array([0, 1, 1, 0, 1]).astype(dtype)
    b = np.zeros_like(a)
    got = f(a, b, 2)
    assert got == a[2]
    assert got.dtype == a.dtype
    np.testing.assert_array_equal(a, b)
    with pytest.raises(WeftError, match="differ in size"):
        f(a, b[:3], 0)


@pytest.mark.parametrize("name", ["f16", "bf16", "f32", "f64", "i1", "i8", "i16", "i32", "i64", "index"])
def test_scalars_of_every_type_go_in_and_come_out(name):
    f = build(
        f"func.func @f(%a: {name}, %b: {name}) -> ({name}, {name}) {{ func.return %b, %a : {name}, {name} }}",
        passes=SCF,
    )
    low, high = (False, True) if name == "i1" else (-1.5, 2.25) if "f" in name else (-100, 27)
    assert f(low, high) == (high, low)


def test_strided_copies_go_element_by_element():
    f = build(
        """
        func.func @f(%a: memref<?x?xf32, strided<[?, ?]>>, %b: memref<?x?xf32, strided<[?, ?]>>) {
          "memref.copy"(%a, %b) : (memref<?x?xf32, strided<[?, ?]>>, memref<?x?xf32, strided<[?, ?]>>) -> ()
          func.return
        }""",
        passes=SCF,
    )
    a = np.arange(24, dtype=np.float32).reshape(4, 6)
    b = np.zeros((6, 4), np.float32)
    f(a, b.T)
    np.testing.assert_array_equal(b, a.T)
    c = np.zeros((4, 12), np.float32)
    f(a, c[:, ::2])
    np.testing.assert_array_equal(c[:, ::2], a)
    assert not c[:, 1::2].any()


VIEWS = """
func.func @f(%n: index, %o: index, %size: index, %step: index) -> f32 {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %bytes = memref.alloc(%n) : memref<?xi8>
  %two = arith.constant 2 : index
  %all = memref.view %bytes[%c0][%two] : memref<?xi8> to memref<?x4xf32>
  %x = arith.constant 0.0 : f32
  %y = arith.constant 1.0 : f32
  %c4 = arith.constant 4 : index
  scf.for %i = %c0 to %two step %c1 {
    scf.for %j = %c0 to %c4 step %c1 {
      %k = arith.muli %i, %c4 : index
      %l = arith.addi %k, %j : index
      %m = arith.index_cast %l : index to i32
      %v = arith.sitofp %m : i32 to f32
      memref.store %v, %all[%i, %j] : memref<?x4xf32>
      scf.yield
    }
    scf.yield
  }
  %part = memref.subview %all[1, %o] [1, %size] [1, %step] : memref<?x4xf32> to memref<?xf32, strided<[?], offset: ?>>
  %sum = scf.for %i = %c0 to %size step %c1 iter_args(%s = %x) -> (f32) {
    %v = memref.load %part[%i] : memref<?xf32, strided<[?], offset: ?>>
    %t = arith.addf %s, %v : f32
    scf.yield %t : f32
  }
  memref.dealloc %bytes : memref<?xi8>
  func.return %sum : f32
}"""


def test_views_and_parts_are_checked_against_their_source():
    f = build(VIEWS, passes=SCF)
    rows = np.arange(8, dtype=np.float32).reshape(2, 4)
    for o, size, step in ((0, 4, 1), (1, 2, 2), (3, 1, 9), (3, 2, -1), (0, 0, 1), (4, 0, 1)):
        assert f(32, o, size, step) == sum(rows[1, o + i * step] for i in range(size))
    for o, size, step in (
        (0, 5, 1),
        (1, 2, 3),
        (-1, 2, 1),
        (4, 1, 1),
        (0, -1, 1),
        (0, 2, -1),
        (0, 1 << 62, 4),
        (0, 3, 1 << 63 - 1),
    ):
        with pytest.raises(WeftError, match=r"'memref\.subview' is out of bounds"):
            f(32, o, size, step)
    with pytest.raises(WeftError, match=r"'memref\.view' is out of bounds of memref<\?xi8>"):
        f(31, 0, 1, 1)


def test_a_static_part_outside_is_refused_before_the_run():
    text = """func.func @f(%a: memref<4xf32>) {
      %p = memref.subview %a[2] [3] [1] : memref<4xf32> to memref<3xf32, strided<[1], offset: 2>>
      func.return }"""
    with pytest.raises(WeftError, match=r"'memref\.subview' is out of bounds of memref<4xf32>"):
        lower(text, SCF)


def test_shapes_collapse_and_expand():
    f = build(
        """
        func.func @f(%a: memref<?x3x4xf32>, %p: index, %q: index) -> (memref<?x4xf32>, memref<?x?x3x4xf32>) {
          %c = memref.collapse_shape %a [[0 : i64, 1 : i64], [2 : i64]] : memref<?x3x4xf32> into memref<?x4xf32>
          %e = memref.expand_shape %a [[0 : i64, 1 : i64], [2 : i64], [3 : i64]] output_shape [%p, %q, 3, 4]
             : memref<?x3x4xf32> into memref<?x?x3x4xf32>
          func.return %c, %e : memref<?x4xf32>, memref<?x?x3x4xf32>
        }""",
        passes=SCF,
    )
    a = np.arange(72, dtype=np.float32).reshape(6, 3, 4)
    c, e = f(a, 2, 3)
    np.testing.assert_array_equal(c, a.reshape(18, 4))
    np.testing.assert_array_equal(e, a.reshape(2, 3, 3, 4))
    a[0, 0, 0] = 100  # the results are views of the argument
    assert c[0, 0] == 100
    for p, q in ((2, 2), (-2, -3), (0, 3), (1 << 62, 1 << 62)):
        with pytest.raises(WeftError, match="do not multiply"):
            f(a, p, q)


def test_reinterpreted_buffers_stay_inside():
    f = build(
        """
        func.func @f(%a: memref<?xf32>, %o: index, %n: index, %s: index) -> memref<?xf32, strided<[?], offset: ?>> {
          %r = memref.reinterpret_cast %a to offset: [%o], sizes: [%n], strides: [%s]
             : memref<?xf32> to memref<?xf32, strided<[?], offset: ?>>
          func.return %r : memref<?xf32, strided<[?], offset: ?>>
        }""",
        passes=SCF,
    )
    a = np.arange(10, dtype=np.float32)
    np.testing.assert_array_equal(f(a, 1, 3, 4), a[1:10:4])
    np.testing.assert_array_equal(f(a, 9, 10, -1), a[::-1])
    assert f(a, 100, 0, 1).size == 0
    for o, n, s in ((0, 11, 1), (1, 3, 5), (-1, 2, 1), (3, 5, -1), (0, 1 << 62, 2), (0, -1, 1)):
        with pytest.raises(WeftError, match="reaches outside"):
            f(a, o, n, s)


def test_casts_hold_at_run_time():
    f = build(
        """
        func.func @f(%a: memref<?x4xf32>, %i: index) -> f32 {
          %b = "memref.cast"(%a) : (memref<?x4xf32>) -> memref<3x?xf32>
          %c0 = arith.constant 0 : index
          %v = memref.load %b[%i, %c0] : memref<3x?xf32>
          func.return %v : f32
        }""",
        passes=SCF,
    )
    a = np.arange(12, dtype=np.float32).reshape(3, 4)
    assert f(a, 2) == 8
    with pytest.raises(WeftError, match="the buffer is no memref<3x"):
        f(a[:2], 0)


def test_dimensions_may_be_asked_for_at_run_time():
    f = build(
        """
        func.func @f(%a: memref<2x?xf32>, %i: index) -> index {
          %n = memref.dim %a, %i : memref<2x?xf32>
          func.return %n : index
        }""",
        passes=SCF,
    )
    a = np.zeros((2, 7), np.float32)
    assert (f(a, 0), f(a, 1)) == (2, 7)
    with pytest.raises(WeftError, match="no such dimension"):
        f(a, 2)


def test_buffers_of_alloca_in_a_loop_do_not_fill_the_stack():
    f = build(
        """
        func.func @f(%n: index, %size: index) -> i64 {
          %c0 = arith.constant 0 : index
          %c1 = arith.constant 1 : index
          %z = arith.constant 0 : i64
          %one = arith.constant 1 : i64
          %r = scf.for %i = %c0 to %n step %c1 iter_args(%s = %z) -> (i64) {
            %m = memref.alloca(%size) : memref<?x1024xi64>
            memref.store %one, %m[%c0, %c0] : memref<?x1024xi64>
            %v = memref.load %m[%c0, %c0] : memref<?x1024xi64>
            %t = arith.addi %s, %v : i64
            scf.yield %t : i64
          }
          func.return %r : i64
        }""",
        passes=SCF,
    )
    assert f(5000, 1) == 5000
    with pytest.raises(WeftError, match="there is no memory"):
        f(1, 1 << 50)


def test_new_buffers_are_aligned_and_the_callers():
    f = build(
        """
        func.func @f(%n: index) -> (memref<?xf32>, memref<3x?xf64>) {
          %a = memref.alloc(%n) {alignment = 64 : i64} : memref<?xf32>
          %b = memref.alloc(%n) {alignment = 4096 : i64} : memref<3x?xf64>
          func.return %a, %b : memref<?xf32>, memref<3x?xf64>
        }""",
        passes=SCF,
    )
    for n in (0, 1, 5, 1000):
        a, b = f(n)
        assert (a.shape, b.shape) == ((n,), (3, n))
        if n:
            assert a.ctypes.data % 64 == 0
            assert b.ctypes.data % 4096 == 0
            a[:], b[:] = 1, 2
    with pytest.raises(WeftError, match=r"a size of a new memref<.*> is negative"):
        f(-1)


def private(name, type_, data, *flags):
    data = "unit" if data is None else f"{data} : {type_.replace('memref', 'tensor')}"
    properties = [
        f'sym_name = "{name}"',
        'sym_visibility = "private"',
        f"type = {type_}",
        f"initial_value = {data}",
        *flags,
    ]
    return f'"memref.global"() <{{{", ".join(properties)}}}> : () -> ()\n'


GLOBALS = (
    private("table", "memref<2x3xf32>", "dense<[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]>", "constant")
    + private("bits", "memref<3xi1>", "dense<[true, false, true]>", "constant")
    + private("same", "memref<300xi16>", "dense<-7>", "constant")
    + private("count", "memref<i64>", None)
)


def test_globals_hold_data_and_keep_what_is_written():
    f = build(
        GLOBALS
        + """
        func.func @f(%i: index, %j: index) -> (f32, i1, i16, i64) {
          %t = memref.get_global @table : memref<2x3xf32>
          %b = memref.get_global @bits : memref<3xi1>
          %s = memref.get_global @same : memref<300xi16>
          %c = memref.get_global @count : memref<i64>
          %x = memref.load %t[%i, %j] : memref<2x3xf32>
          %y = memref.load %b[%j] : memref<3xi1>
          %z = memref.load %s[%j] : memref<300xi16>
          %n = memref.load %c[] : memref<i64>
          %one = arith.constant 1 : i64
          %m = arith.addi %n, %one : i64
          memref.store %m, %c[] : memref<i64>
          func.return %x, %y, %z, %m : f32, i1, i16, i64
        }""",
        passes=SCF,
    )
    assert f(1, 2) == (6.0, True, -7, 1)
    assert f(0, 1) == (2.0, False, -7, 2)


def test_buffers_pass_through_conditions_and_loops():
    f = build(
        """
        func.func @f(%c: i1, %a: memref<?xf32>, %b: memref<?xf32>, %n: index) -> memref<?xf32> {
          %c0 = arith.constant 0 : index
          %c1 = arith.constant 1 : index
          %first = arith.select %c, %a, %b : memref<?xf32>
          %second = scf.if %c -> (memref<?xf32>) { scf.yield %b : memref<?xf32> } else { scf.yield %a : memref<?xf32> }
          %r, %s = scf.for %i = %c0 to %n step %c1 iter_args(%x = %first, %y = %second)
              -> (memref<?xf32>, memref<?xf32>) {
            scf.yield %y, %x : memref<?xf32>, memref<?xf32>
          }
          func.return %r : memref<?xf32>
        }""",
        passes=SCF,
    )
    a, b = np.zeros(3, np.float32), np.ones(5, np.float32)
    for c, n in itertools.product((True, False), range(4)):
        assert f(c, a, b, n).size == ((3, 5) if c else (5, 3))[n % 2]


KERNEL = """
func.func @f(%a: memref<?x4xf32, strided<[?, 1], offset: ?>>, %b: memref<?x4xf32>, %k: index) {
  func.call @exp(%a, %b, %k) : (memref<?x4xf32, strided<[?, 1], offset: ?>>, memref<?x4xf32>, index) -> ()
  func.return
}
func.func private @exp(%a: memref<?x4xf32, strided<[?, 1], offset: ?>>, %b: memref<?x4xf32>, %k: index)
    attributes {loop.kernel} {
  %c0 = arith.constant 0 : index
  %n = memref.dim %b, %c0 : memref<?x4xf32>
  loop.for "i" %i to %n {
    loop.for "j" %j to 4 {
      %0 = loop.load %a[%i, %j] : memref<?x4xf32, strided<[?, 1], offset: ?>>
      %1 = math.exp %0 : f32
      loop.store %1, %b[%i, %j] : memref<?x4xf32>
    }
  }
  func.return
}"""


def test_kernels_are_called_with_what_their_types_leave_open():
    f = build(KERNEL, passes=("convert-loop-to-llvm", *SCF))  # the module verifies in between
    whole = np.arange(30, dtype=np.float32).reshape(5, 6) / 10
    b = np.zeros((5, 4), np.float32)
    f(whole[:, 1:5], b, 3)
    np.testing.assert_allclose(b, np.exp(whole[:, 1:5]), rtol=1e-5)


def test_arguments_that_share_memory_are_refused():
    f = build(ACCESS.replace("%a: memref<3x?xi32>", "%a: memref<3x?xi32>, %b: memref<3x?xi32>"), passes=SCF)
    a = np.zeros((3, 4), np.int32)
    f(a, a.copy(), 0, 0)
    with pytest.raises(WeftError, match="'arg0' and 'arg1' share memory"):
        f(a, a, 0, 0)


@pytest.mark.parametrize(
    "op, hint",
    [
        ('"scf.if"(%c) ({ scf.yield }, {}) : (i1) -> ()', "convert-scf-to-cf"),
        ('"affine.apply"(%i) <{map = affine_map<(d0) -> (d0)>}> : (index) -> index', "lower-affine"),
    ],
)
def test_what_another_pass_should_have_lowered_is_named(op, hint):
    text = f"func.func @f(%c: i1, %i: index) {{ {op} func.return }}"
    with pytest.raises(WeftError) as raised:
        lower(text, ())
    assert hint in (raised.value.hint or "")


def test_every_op_of_the_result_has_a_place():
    from xdsl.dialects.builtin import FileLineColLoc, IntAttr, StringAttr, UnknownLoc
    from xdsl.parser import Parser

    from weft.registry import context, find_pass

    ctx = context()
    module = Parser(ctx, VIEWS).parse_module()
    place = FileLineColLoc(StringAttr("t.mlir"), IntAttr(1), IntAttr(1))
    for op in module.walk():
        op.location = place
    for name in (*SCF, "convert-to-llvm"):
        find_pass(name)().apply(ctx, module)
    assert not [op.name for op in module.walk() if isinstance(op.location, UnknownLoc)]
    assert module.attributes["weft.messages"].data[0].data.startswith("t.mlir:1:1: ")
