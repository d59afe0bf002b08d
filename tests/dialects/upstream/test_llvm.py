"""The ops that weft adds to the llvm dialect."""

import io

import pytest
from xdsl.dialects.builtin import VectorType, f32, i1, i32
from xdsl.ir import Block
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.utils.exceptions import ParseError, VerifyException

from weft.dialects.upstream import llvm
from weft.registry import context

TEXT = """llvm.func @f(%p: !llvm.ptr {llvm.noalias}, %v: vector<4xf32>, %i: i32, %m: vector<4xi1>) {
  %0 = llvm.fcmp "olt" %v, %v : vector<4xf32>
  %1 = llvm.select %0, %v, %v : vector<4xi1>, vector<4xf32>
  %2 = llvm.fptosi %v : vector<4xf32> to vector<4xi32>
  %3 = llvm.fptoui %v : vector<4xf32> to vector<4xi32>
  %4 = llvm.uitofp %2 : vector<4xi32> to vector<4xf32>
  %5 = llvm.mlir.poison : vector<4xf32>
  %6 = llvm.extractelement %v[%i : i32] : vector<4xf32>
  %7 = llvm.intr.masked.load %p, %m, %v {alignment = 4 : i32}
    : (!llvm.ptr, vector<4xi1>, vector<4xf32>) -> vector<4xf32>
  llvm.intr.masked.store %2, %p, %m {alignment = 4 : i32} : vector<4xi32>, vector<4xi1> into !llvm.ptr
  %8 = llvm.atomicrmw add %p, %i monotonic : !llvm.ptr, i32
  %13 = llvm.atomicrmw fadd %p, %6 syncscope("device") monotonic : !llvm.ptr, f32
  %14 = llvm.cmpxchg %p, %i, %8 acq_rel monotonic : !llvm.ptr, i32
  %15 = llvm.cmpxchg %p, %i, %8 syncscope("device") monotonic monotonic : !llvm.ptr, i32
  %9 = llvm.icmp "eq" %p, %p : !llvm.ptr
  %10 = llvm.fcmp "uno" %6, %6 {fastmathFlags = #llvm.fastmath<nsz>} : f32
  %11 = llvm.freeze %6 : f32
  %12 = llvm.addrspacecast %p : !llvm.ptr to !llvm.ptr<3>
  llvm.switch %i : i32, ^a(%v : vector<4xf32>) [4: ^b, -1: ^a(%1 : vector<4xf32>)]
^a(%x: vector<4xf32>):
  llvm.switch %i : i32, ^b []
^b:
  llvm.return
}"""


def printed(module, generic):
    out = io.StringIO()
    Printer(out, print_generic_format=generic).print_op(module)
    return out.getvalue()


@pytest.mark.parametrize("generic", [False, True])
def test_what_is_printed_reads_back_equal(generic):
    module = Parser(context(), TEXT).parse_module()
    module.verify()
    again = Parser(context(), printed(module, generic)).parse_module()
    again.verify()
    assert printed(again, True) == printed(module, True)


def test_a_predicate_must_exist():
    with pytest.raises(ParseError, match="'lt' is no predicate"):
        Parser(context(), TEXT.replace('"olt"', '"lt"')).parse_module()


def test_conditions_must_be_as_many_as_lanes():
    block = Block(arg_types=[VectorType(i1, [3]), VectorType(f32, [4])])
    with pytest.raises(VerifyException, match="3 conditions cannot select lanes"):
        llvm.SelectOp(*block.args, block.args[1]).verify()


def test_a_comparison_gives_as_many_truths_as_it_has_lanes():
    block = Block(arg_types=[VectorType(i32, [4])])
    op = llvm.ICmpOp("slt", block.args[0], block.args[0])
    op.verify()
    wrong = llvm.ICmpOp.create(operands=[*block.args] * 2, result_types=[i1], properties=op.properties)
    with pytest.raises(VerifyException, match="a comparison of"):
        wrong.verify()
