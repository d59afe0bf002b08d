"""Every op and block argument has a place: the one the text gives, else where it begins."""

from xdsl.dialects.builtin import FileLineColLoc, NameLoc, UnknownLoc

from tests.frontends.mlir.agree import by_weft
from weft.dialects.locations import where
from weft.frontends.mlir import parse_module
from weft.registry import context

TEXT = """\
func.func @f(%a: i32,
             %b: i32) {
  %0 = "test.op"() ({
  ^bb0(%x: i32, %y: f32 loc("here")):
    "test.op"() : () -> () loc("other.py":7:8)
  }) : () -> i32
    %1 = arith.addi %a, %b : i32
  func.return loc(unknown)
}
"""


def at(thing):
    place = where(thing.location)
    return place.line, place.column


def test_an_op_is_where_its_results_or_its_name_begin():
    module = by_weft(TEXT)
    (function,) = module.ops
    region_op, add, back = function.body.block.ops
    assert (at(function), at(region_op), at(add)) == ((1, 1), (3, 3), (7, 5))
    assert isinstance(back.location, UnknownLoc)
    (inner,) = region_op.regions[0].block.ops
    assert where(inner).file == "other.py"
    assert at(inner) == (7, 8)


def test_a_block_argument_is_where_its_name_begins():
    (function,) = by_weft(TEXT).ops
    assert [at(argument) for argument in function.body.block.args] == [(1, 14), (2, 14)]
    x, y = function.body.block.first_op.regions[0].block.args
    assert at(x) == (4, 8)
    assert isinstance(y.location, NameLoc)


def test_what_an_ops_syntax_leaves_out_has_the_ops_location():
    module = by_weft("func.func @f(%c: i1) {\n  scf.if %c {\n  }\n  func.return\n}")
    assert all(isinstance(op.location, FileLineColLoc) for op in module.walk())
    assert [at(op) for op in module.walk() if op.name == "scf.yield"] == [(2, 3)]


def test_a_chunk_of_a_file_counts_lines_from_its_first():
    module = parse_module('\n"test.op"() : () -> ()', context(), "f.mlir", first_line=40)
    assert at(module.body.block.first_op) == (41, 1)


def test_an_alias_of_a_location_may_follow_its_use():
    module = by_weft('"test.op"() : () -> () loc(#where)\n#where = loc("a.py":1:2)')
    assert where(module.body.block.first_op).file == "a.py"
