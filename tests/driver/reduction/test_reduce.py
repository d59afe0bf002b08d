"""Reduction finds small modules, and every reducer takes away what it says."""

import random
import textwrap

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from xdsl.dialects.builtin import ModuleOp

from tests.programs import random_program
from weft.diagnostics import WeftError
from weft.driver.printing import print_module
from weft.driver.reduction import REDUCERS, reduce
from weft.driver.reduction.arguments import drop_arguments, join_arguments
from weft.driver.reduction.attributes import drop_attributes, simplify_attributes
from weft.driver.reduction.blocks import drop_blocks, join_blocks, take_one_branch
from weft.driver.reduction.carried import drop_carried
from weft.driver.reduction.constants import simplify_constants
from weft.driver.reduction.functions import drop_bodies, drop_symbols
from weft.driver.reduction.measure import size_of
from weft.driver.reduction.operands import drop_operands
from weft.driver.reduction.ops import argue, erase_unused, forward, make_constant
from weft.driver.reduction.regions import drop_regions, inline_regions
from weft.driver.reduction.results import drop_results
from weft.driver.reduction.shapes import drop_dimensions, shrink_dimensions
from weft.driver.reduction.types import simplify_element_types
from weft.driver.verify import verify
from weft.frontends.mlir import parse_module
from weft.registry import context


def read(text):
    return parse_module(textwrap.dedent(text), context(allow_unregistered=True), "<test>")


def has(*names):
    """Whether a module has, for each name, an op of it."""

    def interesting(module):
        found = {op.name for op in module.walk()}
        return all(name in found for name in names)

    return interesting


def count_ops(module):
    return sum(1 for _ in module.walk())


CASES = {
    "symbols": (
        drop_symbols,
        lambda module: "only" in print_module(module),
        """
        func.func @a() { func.return }
        func.func @b() { func.call @a() : () -> () func.return }
        func.func @c() attributes {only} { func.call @c() : () -> () func.return }
        """,
        """
        builtin.module {
          func.func @c() attributes {only} {
            func.call @c() : () -> ()
            func.return
          }
        }
        """,
    ),
    "bodies": (
        drop_bodies,
        lambda module: sum(op.name == "func.func" for op in module.walk()) == 2,
        "func.func @a(%x: i32) -> i32 { func.return %x : i32 } func.func @b() { cf.br ^end ^end: func.return }",
        """
        builtin.module {
          func.func private @a(i32) -> i32
          func.func private @b() -> ()
        }
        """,
    ),
    "unused ops": (
        erase_unused,
        has("func.return"),
        """
        func.func @f(%x: i32, %m: memref<i32>) {
          %y = arith.addi %x, %x : i32
          %z = arith.addi %y, %x : i32
          memref.store %z, %m[] : memref<i32>
          func.return
        }
        """,
        """
        builtin.module {
          func.func @f(%arg0: i32, %arg1: memref<i32>) {
            func.return
          }
        }
        """,
    ),
    "operands for results": (
        forward,
        has("arith.muli"),
        """
        func.func @f(%x: i32, %y: i32) -> i32 {
          %a = arith.addi %x, %y : i32
          %b = arith.muli %a, %a : i32
          %c = arith.subi %b, %y : i32
          func.return %c : i32
        }
        """,
        """
        builtin.module {
          func.func @f(%arg0: i32, %arg1: i32) -> i32 {
            %0 = arith.muli %arg1, %arg1 : i32
            func.return %0 : i32
          }
        }
        """,
    ),
    "arguments for results": (
        argue,
        has("arith.muli"),
        """
        func.func @f(%x: i64) -> i32 {
          %a = arith.trunci %x : i64 to i32
          %b = arith.muli %a, %a : i32
          func.return %b : i32
        }
        """,
        """
        builtin.module {
          func.func @f(%arg0: i64, %arg1: i32) -> i32 {
            %0 = arith.muli %arg1, %arg1 : i32
            func.return %0 : i32
          }
        }
        """,
    ),
    "constants for results": (
        make_constant,
        has("func.call"),
        """
        func.func @f(%x: i64) -> i64 {
          %a = arith.trunci %x : i64 to i32
          %b = arith.extsi %a : i32 to i64
          %c = func.call @f(%b) : (i64) -> i64
          func.return %c : i64
        }
        """,
        """
        builtin.module {
          func.func @f(%arg0: i64) -> i64 {
            %0 = arith.trunci %arg0 : i64 to i32
            %c0_i64 = arith.constant 0 : i64
            %1 = func.call @f(%c0_i64) : (i64) -> i64
            func.return %1 : i64
          }
        }
        """,
    ),
    "results": (
        drop_results,
        has("func.call"),
        """
        func.func @f(%x: i32, %y: i64) -> (i32 {a.b}, i64) { func.return %x, %y : i32, i64 }
        func.func @g(%x: i32, %y: i64) -> i64 {
          %r:2 = func.call @f(%x, %y) : (i32, i64) -> (i32, i64)
          func.return %r#1 : i64
        }
        """,
        """
        builtin.module {
          func.func @f(%arg0: i32, %arg1: i64) {
            func.return
          }
          func.func @g(%arg0: i32, %arg1: i64) {
            func.call @f(%arg0, %arg1) : (i32, i64) -> ()
            func.return
          }
        }
        """,
    ),
    "branches": (
        take_one_branch,
        has("func.func"),
        """
        func.func @f(%c: i1, %x: i32) -> i32 {
          cf.cond_br %c, ^a(%x : i32), ^b
        ^a(%y: i32):
          func.return %y : i32
        ^b:
          func.return %x : i32
        }
        """,
        """
        builtin.module {
          func.func @f(%arg0: i1, %arg1: i32) -> i32 {
            cf.br ^bb2
          ^bb1(%0: i32):
            func.return %0 : i32
          ^bb2:
            func.return %arg1 : i32
          }
        }
        """,
    ),
    "blocks": (
        drop_blocks,
        has("func.func"),
        "func.func @f() { func.return ^a: cf.br ^b ^b: func.return }",
        """
        builtin.module {
          func.func @f() {
            func.return
          }
        }
        """,
    ),
    "joined blocks": (
        join_blocks,
        has("arith.addi"),
        """
        func.func @f(%x: i32) -> i32 {
          cf.br ^a(%x : i32)
        ^a(%y: i32):
          %z = arith.addi %x, %y : i32
          func.return %z : i32
        }
        """,
        """
        builtin.module {
          func.func @f(%arg0: i32) -> i32 {
            %0 = arith.addi %arg0, %arg0 : i32
            func.return %0 : i32
          }
        }
        """,
    ),
    "inlined regions": (
        inline_regions,
        has("arith.addi"),
        """
        func.func @f(%n: index, %x: i32) -> i32 {
          %r = scf.for %i = %n to %n step %n iter_args(%a = %x) -> (i32) {
            %b = arith.addi %a, %a : i32
            scf.yield %b : i32
          }
          func.return %r : i32
        }
        """,
        """
        builtin.module {
          func.func @f(%arg0: index, %arg1: i32) -> i32 {
            %0 = arith.addi %arg1, %arg1 : i32
            func.return %0 : i32
          }
        }
        """,
    ),
    "regions": (
        drop_regions,
        has("scf.if"),
        "func.func @f(%c: i1) { scf.if %c { scf.yield } else { scf.yield } func.return }",
        """
        builtin.module {
          func.func @f(%arg0: i1) {
            scf.if %arg0 {
            }
            func.return
          }
        }
        """,
    ),
    "carried values": (
        drop_carried,
        has("scf.for", "scf.if"),
        """
        func.func @f(%n: index, %c: i1, %x: i32, %y: i64) -> i64 {
          %r:2 = scf.for %i = %n to %n step %n iter_args(%a = %x, %b = %y) -> (i32, i64) {
            scf.yield %a, %b : i32, i64
          }
          %s:2 = scf.if %c -> (i64, i32) {
            scf.yield %r#1, %r#0 : i64, i32
          } else {
            scf.yield %y, %x : i64, i32
          }
          func.return %s#0 : i64
        }
        """,
        """
        builtin.module {
          func.func @f(%arg0: index, %arg1: i1, %arg2: i32, %arg3: i64) -> i64 {
            %0 = scf.for %arg4 = %arg0 to %arg0 step %arg0 iter_args(%arg5 = %arg3) -> (i64) {
              scf.yield %arg5 : i64
            }
            %1 = scf.if %arg1 -> (i64) {
              scf.yield %0 : i64
            } else {
              scf.yield %arg3 : i64
            }
            func.return %1 : i64
          }
        }
        """,
    ),
    "operands": (
        drop_operands,
        has("ml.concatenate", "vector.transfer_read"),
        """
        func.func @f(%x: tensor<0xf32>, %y: tensor<0xf32>, %m: memref<8xf32>, %i: index, %p: f32, %k: vector<4xi1>) {
          %a = ml.concatenate(%x, %y), dim = 0 : (tensor<0xf32>, tensor<0xf32>) -> tensor<0xf32>
          %b = vector.transfer_read %m[%i], %p, %k {in_bounds = [true]} : memref<8xf32>, vector<4xf32>
          func.return
        }
        """,
        """
        builtin.module {
          func.func @f(%arg0: tensor<0xf32>, %arg1: tensor<0xf32>, %arg2: memref<8xf32>, %arg3: index, %arg4: f32, %arg5: vector<4xi1>) {
            %0 = ml.concatenate(%arg0), dim = 0 : (tensor<0xf32>) -> tensor<0xf32>
            %1 = vector.transfer_read %arg2[%arg3], %arg4 {in_bounds = [true]} : memref<8xf32>, vector<4xf32>
            func.return
          }
        }
        """,  # noqa: E501
    ),
    "arguments": (
        drop_arguments,
        has("func.call"),
        """
        func.func @f(%x: i32 {a.x}, %y: i64 {a.y}) -> i64 { func.return %y : i64 }
        func.func @g(%x: i32, %y: i64) -> i64 {
          %r = func.call @f(%x, %y) : (i32, i64) -> i64
          func.return %r : i64
        }
        """,
        """
        builtin.module {
          func.func @f(%arg0: i64 {a.y}) -> i64 {
            func.return %arg0 : i64
          }
          func.func @g(%arg0: i64) -> i64 {
            %0 = func.call @f(%arg0) : (i64) -> i64
            func.return %0 : i64
          }
        }
        """,
    ),
    "joined arguments": (
        join_arguments,
        has("arith.addi"),
        """
        func.func @f(%x: i32, %y: i32) -> i32 {
          %r = arith.addi %x, %y : i32
          func.return %r : i32
        }
        """,
        """
        builtin.module {
          func.func @f(%arg0: i32) -> i32 {
            %0 = arith.addi %arg0, %arg0 : i32
            func.return %0 : i32
          }
        }
        """,
    ),
    "attributes": (
        drop_attributes,
        has("arith.addf"),
        """
        func.func @f(%x: f32) -> f32 attributes {a.b = 1 : i32} {
          %r = arith.addf %x, %x fastmath<fast> {a.c} : f32
          func.return %r : f32
        }
        """,
        """
        builtin.module {
          func.func @f(%arg0: f32) -> f32 {
            %0 = arith.addf %arg0, %arg0 : f32
            func.return %0 : f32
          }
        }
        """,
    ),
    "parts of attributes": (
        simplify_attributes,
        lambda module: "a.b = [{" in print_module(module) and "s = " in print_module(module),
        'func.func @f() attributes {a.b = [{n = 17 : i32, f = 2.5 : f32}, "x"], s = "text"} { func.return }',
        """
        builtin.module {
          func.func @f() attributes {a.b = [{}], s = ""} {
            func.return
          }
        }
        """,
    ),
    "dimensions": (
        shrink_dimensions,
        has("ml.reshape"),
        """
        func.func @f(%x: tensor<17x?xf32>) -> tensor<?x17xf32> {
          %a = ml.constant dense<[4, 17]> : tensor<2xi32>
          %r = ml.reshape %x : tensor<17x?xf32> to tensor<?x17xf32>
          func.return %r : tensor<?x17xf32>
        }
        """,
        """
        builtin.module {
          func.func @f(%arg0: tensor<1x1xf32>) -> tensor<1x1xf32> {
            %0 = ml.constant dense<4> : tensor<1xi32>
            %1 = ml.reshape %arg0 : tensor<1x1xf32> to tensor<1x1xf32>
            func.return %1 : tensor<1x1xf32>
          }
        }
        """,
    ),
    "ranks": (
        drop_dimensions,
        has("ml.add"),
        """
        func.func @f(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
          %a = ml.constant dense<[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]> : tensor<2x3xf32>
          %r = ml.add %x, %a : tensor<2x3xf32>
          func.return %r : tensor<2x3xf32>
        }
        """,
        """
        builtin.module {
          func.func @f(%arg0: tensor<f32>) -> tensor<f32> {
            %0 = ml.constant dense<1.000000e+00> : tensor<f32>
            %1 = ml.add %arg0, %0 : tensor<f32>
            func.return %1 : tensor<f32>
          }
        }
        """,
    ),
    "constants": (
        simplify_constants,
        lambda module: "5" in print_module(module) or "dense<0> : tensor<0" in print_module(module),
        """
        func.func @f() -> (tensor<4xi32>, tensor<2xf32>) {
          %a = ml.constant dense<[3, 5, 7, 9]> : tensor<4xi32>
          %b = ml.constant dense<[1.5, 2.0]> : tensor<2xf32>
          func.return %a, %b : tensor<4xi32>, tensor<2xf32>
        }
        """,
        """
        builtin.module {
          func.func @f() -> (tensor<4xi32>, tensor<2xf32>) {
            %0 = ml.constant dense<[0, 5, 0, 0]> : tensor<4xi32>
            %1 = ml.constant dense<0.000000e+00> : tensor<2xf32>
            func.return %0, %1 : tensor<4xi32>, tensor<2xf32>
          }
        }
        """,
    ),
    "element types": (
        simplify_element_types,
        has("ml.add"),
        """
        func.func @f(%x: tensor<2xbf16>, %y: tensor<2xi64>) -> tensor<2xbf16> {
          %a = ml.constant dense<[1.0, 2.0]> : tensor<2xbf16>
          %b = ml.add %y, %y : tensor<2xi64>
          %r = ml.add %x, %a : tensor<2xbf16>
          func.return %r : tensor<2xbf16>
        }
        """,
        """
        builtin.module {
          func.func @f(%arg0: tensor<2xf32>, %arg1: tensor<2xi32>) -> tensor<2xf32> {
            %0 = ml.constant dense<[1.000000e+00, 2.000000e+00]> : tensor<2xf32>
            %1 = ml.add %arg1, %arg1 : tensor<2xi32>
            %2 = ml.add %arg0, %0 : tensor<2xf32>
            func.return %2 : tensor<2xf32>
          }
        }
        """,
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_reducer_takes_away_what_it_says(case):
    reducer, interesting, before, after = CASES[case]
    module = read(before)
    text = print_module(module)
    found = reduce(module, interesting, reducers=(reducer,))
    assert print_module(found).strip() == textwrap.dedent(after).strip()
    assert print_module(module) == text


def test_every_reducer_has_a_case():
    assert {reducer for reducer, *_ in CASES.values()} == set(REDUCERS)


def chain(length):
    """A program of more ops than `length`, with a softmax whose result is summed in the middle of it."""
    lines = ["func.func @main(%0: tensor<8x5xf32>, %m: memref<4xi32>) -> tensor<8x5xf32> {"]
    kinds = ("exp", "tanh", "neg", "abs", "relu")
    for n in range(length):
        kind = "softmax" if n == length // 2 else kinds[n % len(kinds)]
        axis = ", axis = 1" if kind == "softmax" else ""
        lines.append(f"  %{n + 1} = ml.{kind} %{n}{axis} : tensor<8x5xf32>")
    middle = f"%{length // 2 + 1}"
    lines += [f"  %s = ml.reduce add {middle}, dims = [1] : tensor<8x5xf32> to tensor<8xf32>"]
    lines += [f"  func.call @other(%s) : (tensor<8xf32>) -> ()\n  func.return %{length} : tensor<8x5xf32>\n}}"]
    lines += ["func.func @other(%x: tensor<8xf32>) { func.return }"]
    return "\n".join(lines)


def sums_a_softmax(module):
    return any(
        op.name == "ml.reduce" and getattr(op.operands[0].owner, "name", "") == "ml.softmax" for op in module.walk()
    )


def test_a_bug_in_a_large_program_is_reduced_to_its_core():
    module = read(chain(120))
    found = reduce(module, sums_a_softmax)
    assert count_ops(module) > 120
    assert print_module(found) == (
        "builtin.module {\n"
        "  func.func @main(%arg0: tensor<1x1xf32>) {\n"
        "    %0 = ml.softmax %arg0 : tensor<1x1xf32>\n"
        "    %1 = ml.reduce add %0, dims = [1] : tensor<1x1xf32> to tensor<1xf32>\n"
        "    func.return\n"
        "  }\n}\n"
    )


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 10_000))
def test_what_is_found_is_interesting_and_minimal(seed):
    rng = random.Random(seed)
    module = random_program(rng).module
    wanted = rng.choice(sorted({op.name for op in module.walk()} - {"builtin.module"}))
    asked = []

    def interesting(candidate: ModuleOp):
        verify(candidate)
        asked.append(print_module(candidate))
        return has(wanted)(candidate)

    found = reduce(module, interesting)
    verify(found)
    assert has(wanted)(found)
    assert count_ops(found) <= 7
    assert len(asked) == len(set(asked))
    again = reduce(found, has(wanted))
    assert print_module(again) == print_module(found)
    assert size_of(again) == size_of(found)


def test_the_search_stops_after_so_many_steps():
    asked = []

    def interesting(candidate):
        asked.append(candidate)
        return sums_a_softmax(candidate)

    module = read(chain(20))
    found = reduce(module, interesting, max_steps=5)
    assert len(asked) == 5
    assert sums_a_softmax(found) and count_ops(found) < count_ops(module)


def test_what_is_not_interesting_at_the_start_is_an_error():
    with pytest.raises(WeftError, match="the module is not interesting to begin with"):
        reduce(read("func.func @f() { func.return }"), lambda _: False)


def test_progress_tells_of_ever_smaller_modules():
    sizes = []
    module = read(chain(10))
    reduce(module, sums_a_softmax, progress=lambda _, size: sizes.append(size))
    assert sizes == sorted(sizes, reverse=True) and len(sizes) > 3


def test_what_the_predicate_raises_ends_the_search():
    def interesting(_):
        raise KeyError("stop")

    with pytest.raises(KeyError):
        reduce(read("func.func @f() { func.return }"), interesting)
