"""What the lowering of loops makes of each mark, space and layout, and what it refuses."""

from __future__ import annotations

import re

import numpy as np
import pytest
from xdsl.dialects.builtin import UnknownLoc
from xdsl.parser import Parser

from tests.passes.lower.kernels import compiled, hoist, kernel_of, lower, parse, run
from weft.backends.llvm import to_llvm_ir
from weft.diagnostics import WeftError
from weft.driver.passes import run_pipeline
from weft.passes.loops.apply_schedule import ApplySchedule
from weft.passes.loops.hoist_buffers import HoistBuffers
from weft.registry import context


def kernel(arguments: str, body: str, attributes: str = "loop.kernel") -> str:
    """A kernel; each argument `%A: type` gets its name."""
    named = re.sub(r"%(\w+): (memref<(?:[^<>]|<[^<>]*>)*>)", r'%\1: \2 {loop.name = "\1"}', arguments)
    return f"func.func @k({named}) attributes {{{attributes}}} {{\n{body}\nfunc.return\n}}"


def text_of(source: str) -> str:
    """The lowered module, printed."""
    return str(lower(parse(source)))


COPY = kernel(
    "%x: memref<64xf32>, %y: memref<64xf32>",
    """loop.for "i" %i to 64 {mark} {{
      %a = loop.load %x[%i] : memref<64xf32>
      loop.store %a, %y[%i] : memref<64xf32>
    }}""".replace("{{", "{").replace("}}", "}"),
)


@pytest.mark.parametrize("mark", ["", "unroll", "unroll(3)", "unroll(4)", "vector(8)", "vector(16)", "parallel"])
def test_every_mark_copies_the_same(mark):
    x, y = np.arange(64, dtype=np.float32), np.zeros(64, np.float32)
    run(COPY.replace("{mark}", mark), x, y)
    assert (x == y).all()


@pytest.mark.parametrize("mark", ["block", "warp", "thread"])
def test_a_mark_of_a_gpu_is_refused(mark):
    with pytest.raises(WeftError, match=f"mapped to '{mark}', which a CPU does not have") as error:
        lower(parse(COPY.replace("{mark}", mark)))
    assert error.value.where.line == 2


def test_lowered_text_reads_back_and_knows_where_it_came_from():
    module = lower(parse(COPY.replace("{mark}", "parallel")))
    assert not [op for op in module.walk() if isinstance(op.location, UnknownLoc)]
    again = Parser(context(), str(module)).parse_module()
    again.verify()
    assert str(again) == str(module)


def test_a_kernel_follows_the_calling_convention():
    text = text_of(
        kernel(
            "%x: memref<?x4xf32, strided<[?, 1], offset: ?>>, %n: index, %y: memref<?x?xf32>, %s: f32",
            "",
            "loop.kernel",
        )
    )
    noalias = "!llvm.ptr {llvm.noalias}"
    assert re.sub(r"%\d+: ", "", text.split("@k")[1].split(")")[0]) == (
        f"({noalias}, i64, i64, i64, {noalias}, i64, i64, f32"
    )


def test_a_private_kernel_is_internal_and_a_public_one_is_not():
    source = COPY.replace("{mark}", "")
    assert "internal" not in text_of(source)
    assert "llvm.func internal @k" in text_of(source.replace("func.func @k", "func.func private @k"))


def test_a_function_that_is_no_kernel_is_left_alone():
    source = "func.func @f() {\nfunc.return\n}\n" + COPY.replace("{mark}", "")
    assert "func.func @f()" in text_of(source)


# layouts


STRIDED = kernel(
    "%x: memref<?x?xf32, strided<[?, ?], offset: ?>>, %y: memref<3x20xf32, strided<[40, 2], offset: 7>>",
    """loop.for "i" %i to 3 unroll {
      loop.for "j" %j to 20 vector(8) {
        %a = loop.load %x[%i, %j] : memref<?x?xf32, strided<[?, ?], offset: ?>>
        loop.store %a, %y[%i, %j] : memref<3x20xf32, strided<[40, 2], offset: 7>>
      }
    }""",
)


@pytest.mark.parametrize("step", [1, 2, -1, -3])
def test_run_time_strides_may_be_anything(step):
    memory, target = np.arange(400, dtype=np.float32), np.zeros((3, 40), np.float32)
    x = memory[:180].reshape(3, 60)[:, ::step][::-1, :20]
    y = target[:, ::2]
    run(STRIDED, x, y)
    assert (x == y).all()
    assert (target[:, 1::2] == 0).all()


def test_a_layout_without_strides_is_refused():
    layout = "affine_map<(d0, d1) -> (d0 floordiv 2, d1)>"
    source = kernel("%x: memref<4x4xf32>", "").replace("4x4xf32", f"4x4xf32, {layout}")
    with pytest.raises(WeftError, match="its layout has no strides"):
        lower(parse(source))


# registers


def test_registers_that_a_run_time_loop_indexes_are_refused():
    source = kernel(
        "%x: memref<4xf32>",
        """%t = loop.alloc reg "t" : memref<4xf32>
        loop.for "i" %i to 4 {
          %a = loop.load %x[%i] : memref<4xf32>
          loop.store %a, %t[%i] : memref<4xf32>
        }""",
    )
    with pytest.raises(WeftError, match="indexed by a counter that only the run knows"):
        lower(parse(source))


def test_rows_and_columns_of_a_tile_with_one_column_differ():
    # a tile whose last dimension is 1 has equal strides along both
    source = kernel(
        "%x: memref<4x1xf32>, %y: memref<1x4xf32>",
        """%t = loop.alloc reg "t" : memref<4x1xf32>
        loop.for "i" %i to 4 unroll { loop.for "j" %j to 1 vector(4) {
          %a = loop.load %x[%i, %j] : memref<4x1xf32>
          loop.store %a, %t[%i, %j] : memref<4x1xf32>
        } }
        loop.for "c" %c to 1 unroll { loop.for "r" %r to 4 vector(4) {
          %b = loop.load %t[%r, %c] : memref<4x1xf32>
          loop.store %b, %y[%c, %r] : memref<1x4xf32>
        } }""",
    )
    x, y = np.arange(4, dtype=np.float32).reshape(4, 1), np.zeros((1, 4), np.float32)
    run(source, x, y)
    assert (y == x.T).all()


def test_a_square_tile_is_read_across_by_shuffles_alone():
    source = kernel(
        "%x: memref<16x16xf32>, %y: memref<16x16xf32>",
        """%t = loop.alloc reg "t" : memref<16x16xf32>
        loop.for "i" %i to 16 unroll { loop.for "j" %j to 16 vector(16) {
          %a = loop.load %x[%i, %j] : memref<16x16xf32>
          loop.store %a, %t[%i, %j] : memref<16x16xf32>
        } }
        loop.for "c" %c to 16 unroll { loop.for "r" %r to 16 vector(16) {
          %b = loop.load %t[%r, %c] : memref<16x16xf32>
          loop.store %b, %y[%c, %r] : memref<16x16xf32>
        } }""",
    )
    text = text_of(source)
    assert text.count("shufflevector") == 64
    assert "extractelement" not in text
    x, y = np.arange(256, dtype=np.float32).reshape(16, 16), np.zeros((16, 16), np.float32)
    run(source, x, y)
    assert (y == x.T).all()


def test_lanes_that_one_loop_leaves_out_keep_what_another_wrote():
    source = kernel(
        "%x: memref<5xf32>, %y: memref<16xf32>",
        """%one = arith.constant 1.0 : f32
        %t = loop.alloc reg "t" : memref<16xf32>
        loop.for "f" %f to 16 vector(8) { loop.store %one, %t[%f] : memref<16xf32> }
        loop.for "i" %i to 5 vector(8) {
          %a = loop.load %x[%i] : memref<5xf32>
          loop.reduce add %a into %t[%i] : memref<16xf32>
        }
        loop.for "o" %o to 16 vector(8) {
          %b = loop.load %t[%o] : memref<16xf32>
          loop.store %b, %y[%o] : memref<16xf32>
        }""",
    )
    x, y = np.arange(5, dtype=np.float32), np.zeros(16, np.float32)
    run(source, x, y)
    assert y.tolist() == [1, 2, 3, 4, 5] + [1] * 11


ROWS = kernel(
    "%x: memref<?x8xf32>, %y: memref<?x8xf32>",
    """%c0 = arith.constant 0 : index
    %n = memref.dim %x, %c0 : memref<?x8xf32>
    %zero = arith.constant 0.5 : f32
    %t = loop.alloc reg "t" : memref<4x8xf32>
    loop.for "f" %f to 4 unroll { loop.for "g" %g to 8 vector(8) {
      loop.store %zero, %t[%f, %g] : memref<4x8xf32>
    } }
    loop.for "k" %k to 3 {
      loop.for "i" %i to min(4, %n) unroll { loop.for "j" %j to 8 vector(8) {
        %a = loop.load %x[%i, %j] : memref<?x8xf32>
        loop.reduce add %a into %t[%i, %j] : memref<4x8xf32>
      } }
    }
    loop.for "o" %o to min(4, %n) unroll { loop.for "p" %p to 8 vector(8) {
      %b = loop.load %t[%o, %p] : memref<4x8xf32>
      loop.store %b, %y[%o, %p] : memref<?x8xf32>
    } }""",
)


@pytest.mark.parametrize("rows", [0, 1, 3, 4, 6])
def test_register_rows_whose_count_only_the_run_knows_run_under_tests(rows):
    x, y = np.random.default_rng(0).random((rows, 8), np.float32), np.zeros((rows, 8), np.float32)
    run(ROWS, x, y)
    assert np.allclose(y[:4], 3 * x[:4] + 0.5)
    assert (y[4:] == 0).all()


def test_a_register_in_a_vector_loop_belongs_to_its_lane():
    source = kernel(
        "%x: memref<3x20xf32>, %y: memref<20xf32>",
        """loop.for "j" %j to 20 vector(8) {
          %t = loop.alloc reg "t" : memref<f32>
          loop.for "i" %i to 3 unroll {
            %a = loop.load %x[%i, %j] : memref<3x20xf32>
            loop.reduce max %a into %t[] over (%i) : memref<f32>
          }
          %b = loop.load %t[] : memref<f32>
          loop.store %b, %y[%j] : memref<20xf32>
        }""",
    )
    x, y = np.random.default_rng(0).random((3, 20), np.float32), np.zeros(20, np.float32)
    run(source, x, y)
    assert (y == x.max(0)).all()


# other memory


@pytest.mark.parametrize(
    ("space", "hint"), [("heap", "run 'hoist-buffers'"), ("shared", "for a GPU"), ("fragment", "for a GPU")]
)
def test_a_space_that_a_kernel_does_not_have_is_refused(space, hint):
    source = kernel("%x: memref<4xf32>", f'%t = loop.alloc {space} "t" : memref<4xf32>')
    with pytest.raises(WeftError, match=f"the buffer 't' is in '{space}'") as error:
        lower(parse(source))
    assert hint in error.value.hint


def test_a_buffer_too_large_for_a_stack_is_refused_and_a_small_one_is_not():
    source = kernel("%x: memref<4xf32>", '%t = loop.alloc stack "t" : memref<64x1024xf32>')
    assert "llvm.alloca" in text_of(source)
    with pytest.raises(WeftError, match="takes 262148 bytes"):
        lower(parse(source.replace("64x1024", "65537")))


def test_a_stack_buffer_in_a_vector_loop_is_refused():
    source = kernel(
        "%x: memref<8xf32>",
        'loop.for "i" %i to 8 vector(8) { %t = loop.alloc stack "t" : memref<f32> }',
    )
    with pytest.raises(WeftError, match="each lane would need its own"):
        lower(parse(source))


def test_a_stack_buffer_holds_what_was_stored_in_this_iteration():
    source = kernel(
        "%x: memref<5x3xf32>, %y: memref<5x3xf32>",
        """loop.for "i" %i to 5 {
          %t = loop.alloc stack "t" : memref<3xf32>
          loop.for "j" %j to 3 {
            %a = loop.load %x[%i, %j] : memref<5x3xf32>
            loop.store %a, %t[%j] : memref<3xf32>
          }
          loop.for "o" %o to 3 {
            %b = loop.load %t[2 - %o] : memref<3xf32>
            loop.store %b, %y[%i, %o] : memref<5x3xf32>
          }
        }""",
    )
    x, y = np.random.default_rng(0).random((5, 3), np.float32), np.zeros((5, 3), np.float32)
    run(source, x, y)
    assert (y == x[:, ::-1]).all()


IN_PLACE = kernel(
    "%x: memref<9xf32>, %y: memref<9xf32>",
    """loop.for "i" %i to 8 {
      %a = loop.load %x[%i] : memref<9xf32>
      loop.store %a, %y[%i + 1] : memref<9xf32>
      %b = loop.load %x[%i + 1] : memref<9xf32>
      %c = loop.load %x[%i] : memref<9xf32>
      %d = arith.addf %b, %c : f32
      loop.store %d, %y[%i] : memref<9xf32>
    }""",
)


def test_buffers_that_may_overlap_are_loaded_again_after_each_store():
    expected = np.arange(9, dtype=np.float32)
    for i in range(8):
        expected[i + 1] = expected[i]
        expected[i] = expected[i + 1] + expected[i]
    overlapping = IN_PLACE.replace("{loop.kernel}", "{loop.kernel, loop.may_alias}")
    x = np.arange(9, dtype=np.float32)
    run(overlapping, x, x)
    assert (x == expected).all()
    assert "noalias" not in text_of(overlapping)
    assert text_of(overlapping).count("llvm.load") == 3
    # twin: buffers that do not overlap share the two loads of x[i]
    assert text_of(IN_PLACE).count("llvm.load") == 2


def test_a_load_is_not_moved_before_a_loop_that_writes_its_buffer():
    source = kernel(
        "%x: memref<4xf32>, %y: memref<6xf32>",
        """%one = arith.constant 1.0 : f32
        loop.for "i" %i to 6 {
          %a = loop.load %x[1] : memref<4xf32>
          %b = arith.addf %a, %one : f32
          loop.store %b, %x[1] : memref<4xf32>
          loop.store %b, %y[%i] : memref<6xf32>
        }""",
    )
    x, y = np.zeros(4, np.float32), np.zeros(6, np.float32)
    run(source, x, y)
    assert y.tolist() == [1, 2, 3, 4, 5, 6]


def test_a_load_that_a_loop_repeats_is_done_once_before_it():
    source = kernel(
        "%x: memref<4xf32>, %y: memref<6xf32>",
        """loop.for "i" %i to 6 {
          %a = loop.load %x[1] : memref<4xf32>
          loop.store %a, %y[%i] : memref<6xf32>
        }""",
    )
    text = text_of(source)
    assert text.index("llvm.load") < text.index("llvm.br")


def test_a_load_stays_in_a_loop_that_may_not_run_if_its_buffer_may_be_empty():
    source = kernel(
        "%x: memref<?xf32>, %y: memref<?xf32>, %n: index",
        """loop.for "i" %i to %n {
          %a = loop.load %x[0] : memref<?xf32>
          loop.store %a, %y[%i] : memref<?xf32>
        }""",
    )
    text = text_of(source)
    assert text.index("llvm.cond_br") < text.index("llvm.load")


def test_a_load_under_a_condition_stays_under_it():
    source = kernel(
        "%x: memref<?xf32>, %y: memref<6xf32>, %n: index",
        """loop.for "i" %i to 6 {
          loop.if %n - 1 >= 0 {
            %a = loop.load %x[0] : memref<?xf32>
            loop.store %a, %y[%i] : memref<6xf32>
          }
        }""",
    )
    y = np.zeros(6, np.float32)
    function = compiled(parse(source))
    function(np.zeros(0, np.float32), y, 0)
    assert (y == 0).all()
    function(np.ones(1, np.float32), y, 1)
    assert (y == 1).all()


def test_streaming_stores_are_aligned_and_marked():
    source = kernel(
        "%x: memref<64xf32>, %y: memref<64xf32>",
        """loop.for "i" %i to 64 vector(16) {
          %a = loop.load %x[%i] : memref<64xf32>
          loop.store %a, %y[%i] nontemporal : memref<64xf32>
        }""",
    ).replace('loop.name = "y"', 'loop.name = "y", loop.align = 64 : i64')
    stores = [line for line in text_of(source).splitlines() if "llvm.store" in line]
    assert len(stores) == 4
    assert all("alignment = 64" in line and "nontemporal" in line for line in stores)


def test_streaming_stores_ask_for_the_size_of_a_buffer_once_before_the_loop():
    source = kernel(
        "%x: memref<?x16xf32>, %y: memref<?x16xf32>, %n: index",
        """loop.for "i" %i to %n {
          loop.for "j" %j to 16 vector(16) {
            %a = loop.load %x[%i, %j] : memref<?x16xf32>
            loop.store %a, %y[%i, %j] nontemporal(256) : memref<?x16xf32>
          }
        }""",
    ).replace('loop.name = "y"', 'loop.name = "y", loop.align = 64 : i64')
    lines = text_of(source).splitlines()
    stores = [line for line in lines if "llvm.store" in line]
    assert ["nontemporal" in line for line in stores] == [True, False]
    size = next(n for n, line in enumerate(lines) if 'llvm.icmp "sge"' in line)
    assert size < next(n for n, line in enumerate(lines) if "^bb1" in line)
    function = compiled(parse(source))
    for rows in (0, 1, 3, 4, 5, 7):
        room, x = np.zeros(16 * rows + 16, np.float32), np.arange(16.0 * rows, dtype=np.float32).reshape(rows, 16)
        first = -room.ctypes.data % 64 // 4
        y = room[first : first + 16 * rows].reshape(rows, 16)
        function(x, y, rows)
        np.testing.assert_array_equal(x, y)


def test_streaming_stores_ask_where_a_buffer_is_whose_alignment_is_not_known():
    source = kernel(
        "%x: memref<64xf32>, %y: memref<64xf32>",
        """loop.for "i" %i to 64 vector(16) {
          %a = loop.load %x[%i] : memref<64xf32>
          loop.store %a, %y[%i] nontemporal : memref<64xf32>
        }""",
    )
    stores = [line for line in text_of(source).splitlines() if "llvm.store" in line]
    assert [("nontemporal" in line, "alignment = 64" in line) for line in stores] == [(True, True), (False, False)] * 4
    function = compiled(parse(source))
    room, x = np.zeros(96, np.float32), np.arange(64, dtype=np.float32)
    first = -room.ctypes.data // 4 % 16
    for start in (first, first + 1):
        function(x, room[start : start + 64])
        assert (room[start : start + 64] == x).all()


def test_a_prefetch_changes_nothing():
    source = COPY.replace("{mark}", "").replace("%a = loop", "loop.prefetch %y[%i] : memref<64xf32>\n%a = loop")
    assert "llvm.prefetch.p0" in text_of(source)
    assert "i32 2, i32 1)" in to_llvm_ir(lower(parse(source.replace("%y[%i] :", "%y[%i] level 2 :", 1))))
    x, y = np.arange(64, dtype=np.float32), np.zeros(64, np.float32)
    run(source, x, y)
    assert (x == y).all()


# values


def test_counters_become_values_in_lanes():
    source = kernel(
        "%y: memref<3x21xi32>",
        """loop.for "i" %i to 3 {
          loop.for "j" %j to 21 vector(8) {
            %a = loop.index 100*%i - 2*%j + 7 : index
            %b = arith.index_cast %a : index to i32
            loop.store %b, %y[%i, %j] : memref<3x21xi32>
          }
        }""",
    )
    y = np.zeros((3, 21), np.int32)
    run(source, y)
    i, j = np.indices((3, 21))
    assert (y == 100 * i - 2 * j + 7).all()


def test_a_value_that_is_the_same_in_all_lanes_is_added_once_for_each():
    source = kernel(
        "%y: memref<1xi32>, %n: index",
        """%one = arith.constant 1 : i32
        loop.for "j" %j to min(64, %n) vector(8) {
          loop.reduce add %one into %y[0] over (%j) : memref<1xi32>
        }""",
    )
    y = np.zeros(1, np.int32)
    function = compiled(parse(source))
    for n in (1, 7, 8, 9, 63, 64, 100):
        y[0] = -5
        function(y, n)
        assert y[0] == min(n, 64)


@pytest.mark.parametrize("count", [0, 1, 5, 8, 13, 24])
def test_the_last_lane_that_runs_leaves_its_value_where_all_lanes_store(count):
    source = kernel(
        "%x: memref<24xf32>, %y: memref<1xf32>, %n: index",
        """loop.for "j" %j to min(24, %n) vector(8) {
          %a = loop.load %x[%j] : memref<24xf32>
          loop.store %a, %y[0] : memref<1xf32>
        }""",
    )
    x, y = np.arange(1, 25, dtype=np.float32), np.zeros(1, np.float32)
    run(source, x, y, count)
    assert y[0] == count


@pytest.mark.parametrize("kind", ["max", "min"])
@pytest.mark.parametrize("mark", ["", "vector(8)"])
def test_maxima_and_minima_carry_nan(kind, mark):
    source = kernel(
        "%x: memref<21xf32>, %y: memref<1xf32>",
        f"""loop.for "j" %j to 21 {mark} {{
          %a = loop.load %x[%j] : memref<21xf32>
          loop.reduce {kind} %a into %y[0] over (%j) : memref<1xf32>
        }}""",
    )
    x, y = np.arange(21, dtype=np.float32), np.zeros(1, np.float32)
    run(source, x, y)
    assert y[0] == (20 if kind == "max" else 0)
    x[20] = np.nan
    run(source, x, y)
    assert np.isnan(y[0])


@pytest.mark.parametrize("mark", ["", "vector(8)"])
def test_a_sum_of_negative_zeros_is_negative_zero(mark):
    source = kernel(
        "%x: memref<5xf32>, %y: memref<1xf32>",
        f"""loop.for "j" %j to 5 {mark} {{
          %a = loop.load %x[%j] : memref<5xf32>
          loop.reduce add %a into %y[0] over (%j) : memref<1xf32>
        }}""",
    )
    y = np.ones(1, np.float32)
    run(source, np.full(5, -0.0, np.float32), y)
    assert y[0] == 0
    assert np.signbit(y[0])


def test_what_a_first_value_replaces_does_not_matter():
    source = kernel(
        "%x: memref<3x5xf32>, %y: memref<3xf32>",
        """loop.for "i" %i to 3 { loop.for "j" %j to 5 {
          %a = loop.load %x[%i, %j] : memref<3x5xf32>
          %b = arith.mulf %a, %a : f32
          loop.reduce add %b into %y[%i] over (%j) : memref<3xf32>
        } }""",
    )
    x, y = np.ones((3, 5), np.float32), np.full(3, np.nan, np.float32)
    run(source, x, y)
    assert (y == 5).all()


def test_vector_lanes_of_several_types_go_together():
    source = kernel(
        "%a: memref<19xi8>, %b: memref<19xf64>, %c: memref<19xi1>, %y: memref<19xf64>",
        """loop.for "i" %i to 19 vector(8) {
          %0 = loop.load %a[%i] : memref<19xi8>
          %1 = loop.load %b[%i] : memref<19xf64>
          %2 = loop.load %c[%i] : memref<19xi1>
          %3 = arith.sitofp %0 : i8 to f64
          %4 = arith.select %2, %3, %1 : f64
          loop.store %4, %y[%i] : memref<19xf64>
        }""",
    )
    numbers = np.random.default_rng(0)
    a, b, c = numbers.integers(-128, 128, 19, np.int8), numbers.random(19), numbers.random(19) < 0.5
    y = np.zeros(19)
    run(source, a, b, c, y)
    assert (y == np.where(c, a, b)).all()


# threads


TARGET = "builtin.module attributes {weft.target = #target.cpu<threads = 4>} {\n"


def test_a_parallel_loop_runs_on_threads_and_sees_what_is_outside():
    source = (
        TARGET
        + kernel(
            "%x: memref<?x33xf32>, %y: memref<?x33xf32>, %s: f32",
            """%c0 = arith.constant 0 : index
        %n = memref.dim %x, %c0 : memref<?x33xf32>
        %t = loop.alloc reg "t" : memref<8xf32>
        loop.for "f" %f to 8 vector(8) { loop.store %s, %t[%f] : memref<8xf32> }
        loop.for "i" %i to %n parallel {
          loop.for "j" %j to 33 vector(8) {
            %a = loop.load %x[%i, %j] : memref<?x33xf32>
            %b = arith.addf %a, %s : f32
            loop.store %b, %y[%i, %j] : memref<?x33xf32>
          }
          loop.for "k" %k to 8 vector(8) {
            %c = loop.load %t[%k] : memref<8xf32>
            loop.store %c, %y[%i, %k] : memref<?x33xf32>
          }
        }""",
        )
        + "\n}"
    )
    module = parse(source)
    function = compiled(
        parse(
            source.replace("%s: f32", '%sb: memref<1xf32> {loop.name = "sb"}').replace(
                "%t = loop", "%s = loop.load %sb[0] : memref<1xf32>\n%t = loop"
            )
        ),
        threads=4,
    )
    assert "llvm.call @weft_parallel_for" in str(lower(module))
    for rows in (0, 1, 2, 3, 100, 1001):
        x = np.random.default_rng(0).random((rows, 33), np.float32)
        y = np.zeros_like(x)
        function(x, y, np.full(1, 3, np.float32))
        assert (y[:, 8:] == x[:, 8:] + 3).all()
        assert (y[:, :8] == 3).all()


def test_a_parallel_loop_inside_another_runs_in_sequence():
    source = kernel(
        "%y: memref<8x9xi32>",
        """%one = arith.constant 1 : i32
        loop.for "i" %i to 8 parallel { loop.for "j" %j to 9 parallel {
          loop.store %one, %y[%i, %j] : memref<8x9xi32>
        } }""",
    )
    assert str(text_of(source)).count("llvm.call @weft_parallel_for") == 1
    y = np.zeros((8, 9), np.int32)
    run(source, y)
    assert (y == 1).all()


def test_each_worker_has_its_slice_of_a_private_buffer():
    source = (
        TARGET
        + kernel(
            "%x: memref<500x20xf32>, %y: memref<500x20xf32>",
            """loop.for "i" %i to 500 parallel {
          %t = loop.alloc heap "t" : memref<20xf32>
          loop.for "j" %j to 20 {
            %a = loop.load %x[%i, %j] : memref<500x20xf32>
            loop.store %a, %t[%j] : memref<20xf32>
          }
          loop.for "o" %o to 20 {
            %b = loop.load %t[19 - %o] : memref<20xf32>
            loop.store %b, %y[%i, %o] : memref<500x20xf32>
          }
        }""",
        )
        + "\n}"
    )
    module = parse(source)
    HoistBuffers().apply(context(), module)
    assert "loop.private" in str(module)
    numbers = np.random.default_rng(0)
    function = compiled(module, threads=4)
    for _ in range(20):
        x, y = numbers.random((500, 20), np.float32), np.zeros((500, 20), np.float32)
        function(x, y, np.zeros((4, 20), np.float32))
        assert (y == x[:, ::-1]).all()


def test_no_more_threads_run_than_a_private_buffer_has_slices():
    source = (
        TARGET
        + kernel(
            "%t: memref<2x8xf32>",
            """loop.for "i" %i to 9 parallel {
          %p = loop.private %t : memref<2x8xf32> -> memref<8xf32>
        }""",
        )
        + "\n}"
    )
    call = next(line for line in str(lower(parse(source))).splitlines() if "@weft_parallel_for(%" in line)
    last = re.search(r"(%\d+)\) :", call).group(1)
    assert f"{last} = llvm.mlir.constant(2)" in str(lower(parse(source)))


def test_a_parallel_loop_that_writes_registers_from_outside_is_refused():
    source = kernel(
        "%x: memref<8xf32>",
        """%zero = arith.constant 0.0 : f32
        %t = loop.alloc reg "t" : memref<1xf32>
        loop.for "i" %i to 8 parallel { loop.store %zero, %t[0] : memref<1xf32> }""",
    )
    with pytest.raises(WeftError, match="writes a register buffer from outside it"):
        lower(parse(source))


# what does not belong into a kernel


def test_a_kernel_that_returns_something_is_refused():
    source = "func.func @k(%n: index) -> index attributes {loop.kernel} {\nfunc.return %n : index\n}"
    with pytest.raises(WeftError, match="should be one block and return nothing"):
        lower(parse(source))


def test_an_op_that_is_no_part_of_kernels_is_refused():
    source = kernel("%x: memref<8xf32>", "%0 = memref.alloc() : memref<8xf32>")
    with pytest.raises(WeftError, match=r"'memref.alloc' cannot stand in a kernel"):
        lower(parse(source))


# a whole schedule


PRODUCT = kernel(
    "%A: memref<40x37xf32>, %B: memref<37x50xf32>, %C: memref<40x50xf32>",
    """loop.for "i" %i to 40 { loop.for "j" %j to 50 { loop.for "k" %k to 37 {
      %a = loop.load %A[%i, %k] : memref<40x37xf32>
      %b = loop.load %B[%k, %j] : memref<37x50xf32>
      %p = arith.mulf %a, %b : f32
      loop.reduce add %p into %C[%i, %j] over (%k) : memref<40x50xf32>
    } } }""",
    """loop.kernel, loop.schedule = #loop.schedule<
      tile i 6 into (ip, ir), tile ip 3 into (ic, ip), tile j 32 into (jp, jr), tile k 16 into (kc, k),
      interchange (kc, ic, jp, ip, k, ir, jr), vectorize jr 16, unroll ir, unroll k 4,
      stage C at ip as Cr in reg (ir, jr), prefetch C at ip,
      stage B at kc as Bp in heap (jp, k, jr), stage A at ic as Ap in heap (ip, k, ir),
      vectorize Bp.jr 16, unroll Bp.k 4, partition Ap.ip, partition Bp.jp, partition jp, partition ip>""",
)


def test_a_packed_product_is_fused_multiply_adds_in_registers():
    module = parse(PRODUCT)
    ApplySchedule().apply(context(), module)
    extra = hoist(module, [(40, 37), (37, 50), (40, 50)])
    text = str(lower(module))
    assert text.count("llvm.fmuladd.") >= 48
    assert "llvm.fmul " not in text
    numbers = np.random.default_rng(0)
    a, b = numbers.random((40, 37), np.float32), numbers.random((37, 50), np.float32)
    c = np.full((40, 50), np.nan, np.float32)
    compiled(module)(a, b, c, *extra)
    assert np.allclose(c, a @ b, atol=1e-4)
    assert kernel_of(module).attributes.get("loop.applied") is not None


def test_calls_of_a_kernel_pass_what_its_convention_asks_for():
    source = (
        "func.func @main(%x: memref<?x4xf32>, %n: index) {\n"
        "func.call @k(%x, %n) : (memref<?x4xf32>, index) -> ()\nfunc.return\n}\n"
        + kernel("%x: memref<?x4xf32>, %n: index", "").replace("func.func @k", "func.func private @k")
    )
    module = parse(source)
    run_pipeline(module, "builtin.module(convert-loop-to-llvm)", verify_each=True)
    text = str(module)
    assert "unrealized_conversion_cast %x : memref<?x4xf32> to !llvm.ptr, i64" in text
    assert "llvm.call @k.kernel(" in text
    run_pipeline(module, "builtin.module(convert-to-llvm)", verify_each=True)
    assert "unrealized" not in str(module)
