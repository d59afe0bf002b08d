"""What xDSL's parser reads, weft reads to equal IR, and what is printed is read again."""

import importlib.util
import random
from pathlib import Path

import pytest

from tests.frontends.mlir.agree import assert_agree, attribute, by_xdsl, printed
from tests.frontends.mlir.snippets import SNIPPETS
from tests.programs import random_program

ROOT = Path(__file__).parents[3]
ATTRIBUTES = r"""
""
"text"
"a\nb\t\\ \"q\" \41"
"\FF\00"
"é"
unit
true
false
0
-1
42
0x1F
5 : i32
-128 : i8
255 : i8
0xFF : i8
3 : index
-3 : index
7 : ui8
-7 : si16
1 : i1
18446744073709551615 : ui64
170141183460469231731687303715884105727 : i128
-0x10 : i32
1.0
-1.5
1.e5
2.5e-3 : f32
1.0 : bf16
1.0 : f16
0x7FC0 : bf16
0x7F800000 : f32
0xFF800000 : f32
0x7FF0000000000000 : f64
1 : f32
-2 : f64
3.0 : f80
1.0 : tf32
1.0 : f8E5M2
[]
[1, "a", unit]
[[], [[]]]
{}
{a}
{a = 1, "b c" = 2 : i8, d = {e}}
{dense = 1, tensor = 2, loc, i32 = i32, affine_map}
@a
@"a b"
@a::@b::@"c d"
@a::@b
i1
i32
si8
ui64
i129
index
none
f32
bf16
f8E4M3FN
f8E5M2FNUZ
f4E2M1FN
f6E2M3FN
f128
tf32
f8E8M0FNU
tensor<f32>
tensor<0xf32>
tensor<4x?x8xbf16>
tensor<*xf32>
tensor<4xf32, "encoding">
tensor<4xf32, {a = 1}>
tensor<2xtensor<3xi1>>
memref<f32>
memref<4x?xf32>
memref<*xi8>
memref<*xi8, 3>
memref<4xf32, 1>
memref<4xf32, strided<[1]>>
memref<4x4xf32, strided<[?, 1], offset: ?>>
memref<4xf32, strided<[], offset: 3>, 2 : i32>
memref<4xf32, affine_map<(d0) -> (d0)>, 1>
memref<2xf32, #llvm.linkage<"external">>
memref<2xvector<4xf32>>
memref< 2xf32 >
vector<f32>
vector<4x8xf32>
vector<[4]x8x[2]xi1>
vector<4xindex>
tuple<>
tuple<i32, f32, tuple<index>>
complex<f32>
complex<i8>
tensor<2xcomplex<f64>>
() -> ()
(i32) -> i32
(i32, f32) -> (i32, f32)
() -> (() -> ())
((i32) -> i32) -> ()
dense<1> : tensor<2x2xi32>
dense<[1, 2]> : tensor<2xi64>
dense<[[1, -2], [3, 0x4]]> : tensor<2x2xi8>
dense<> : tensor<0xi32>
dense<[]> : tensor<0xi32>
dense<true> : tensor<3xi1>
dense<[true, false]> : vector<2xi1>
dense<1.5> : tensor<2xf32>
dense<[1.0, -2.0]> : tensor<2xbf16>
dense<(1, 2)> : tensor<2xcomplex<i32>>
dense<[(1.0, 2.0), (3.0, -4.0)]> : tensor<2xcomplex<f32>>
dense<"0x00000080"> : tensor<1xf32>
dense<"0x0102"> : tensor<2xi8>
dense<"0x01"> : tensor<3xi8>
dense<3> : tensor<index>
dense<255> : tensor<2xui8>
dense<1> : memref<2xi32>
dense<[[], []]> : tensor<2x0xf32>
dense<5> : tensor<0x4xi32>
dense<1> : tensor<2xindex>
dense<18446744073709551615> : tensor<1xui64>
dense<-9223372036854775808> : tensor<1xi64>
dense<[1, 2]> : tensor<2xf64>
array<i64>
array<i64: 1, -2>
array<i1: true, false>
array<f32: 1.0, -2.5>
array<i8: 255, 0x0F>
array<f64>
opaque<"dialect", "contents">
opaque<"a", "b"> : tensor<2xi32>
affine_map<() -> ()>
affine_map<(d0, d1)[s0] -> (d0 + s0, d1 * 4 - 3, d0 floordiv 2 + d1 ceildiv 3, (d0 + 1) mod 5, -d0, -(d0 + d1) * 2)>
affine_map<(d0) -> (0)>
affine_map<(i, j) -> (j, i)>
affine_map<()[s0] -> (s0)>
affine_map<(d0) -> (d0 + d0 - 1 + 2)>
affine_map<(d0, d1) -> (2 * d0 + 3 * (d1 - d0))>
affine_map< (d0) -> (d0 mod 0x4) >
affine_set<(d0)[s0] : (d0 - 1 >= 0, s0 - d0 >= 0, d0 == 3, d0 <= s0)>
affine_set<() : ()>
strided<[]>
strided<[1, 2]>
strided<[?, -1], offset: ?>
strided<[], offset: 4>
#arith.fastmath<fast>
#arith.fastmath<nnan,ninf>
#llvm.linkage<"external">
#gpu<dim x>
!llvm.ptr
!llvm.ptr<3>
!llvm.array<4 x i32>
!llvm.struct<(i32, !llvm.ptr, struct<(f32)>)>
!llvm.struct<"a", (i32)>
!llvm<void>
!llvm.void
!test.type<"x">
!gpu.async.token
loc("file.mlir":3:4)
loc(unknown)
loc("name")
loc("name"("file":1:2))
loc(fused["a", "b"])
loc(callsite("a" at "f":1:2))
"""


@pytest.mark.parametrize("text", ATTRIBUTES.strip().split("\n"))
def test_an_attribute_is_what_xdsl_reads(text):
    ours = attribute(text)
    assert ours == attribute(text, by_xdsl)
    assert type(ours) is type(attribute(text, by_xdsl))


@pytest.mark.parametrize("name", SNIPPETS)
def test_a_snippet_is_what_xdsl_reads(name):
    assert_agree(SNIPPETS[name])


@pytest.mark.parametrize("name", SNIPPETS)
def test_a_snippet_in_generic_form_is_what_xdsl_reads(name):
    assert_agree(printed(by_xdsl(SNIPPETS[name])))


def test_the_program_of_the_benchmark_is_what_xdsl_reads():
    spec = importlib.util.spec_from_file_location("benchmark_text", ROOT / "benchmarks" / "text.py")
    benchmark = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(benchmark)
    text = benchmark.program(random.Random(7), 6000)
    assert_agree(text)
    assert_agree(benchmark.generic(text))


@pytest.mark.parametrize("seed", range(5))
def test_a_random_program_of_ml_is_what_xdsl_reads(seed):
    assert_agree(printed(random_program(random.Random(seed)).module, generic=False))


def test_unregistered_operations_types_and_attributes_are_read_where_they_are_allowed():
    assert_agree(
        """
        %0:2 = "a.b"() <{p = #c.d<"x < y", [1]>}> {q = !e.f<(i32) -> i32>} : () -> (!g.h, !i<j k>)
        "plain"(%0#1, %0#0) ({ "x.y"() : () -> () }) : (!i<j k>, !g.h) -> ()
        """,
        unregistered=True,
    )


def test_the_examples_of_the_project_are_what_xdsl_reads():
    texts = [path.read_text() for path in sorted((ROOT / "examples").glob("*.mlir"))]
    assert texts
    for text in texts:
        assert_agree(text)
